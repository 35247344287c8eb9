//! A second reader's judgement of a text, by a grammar that shares nothing with the one that wrote it.
//!
//! kubectl reads with go-yaml, which is libyaml in Go, and so does serde_yaml with libyaml in Rust. saphyr-parser
//! follows YAML 1.2 and takes some texts that those don't. So a document that was rewritten is read by both.
//! This reader is led by what the text should say: of a collection it looks at what is in it, of a scalar at its
//! text, and whether a string would be a boolean, a number or nothing without quotes.

use std::fmt;

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{PlainType, Value};

/// Whether the second reader finds `expected` in the document `text`.
///
/// # Errors
/// What it finds instead, or why it can't read the text.
pub(super) fn agrees(text: &str, expected: &Value) -> Result<(), String> {
    // libyaml takes a byte order mark for a letter where it is told the encoding.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut documents = serde_yaml::Deserializer::from_str(text);
    let Some(document) = documents.next() else {
        return match expected {
            Value::Null => Ok(()),
            _ => Err("it finds no document".to_owned()),
        };
    };
    Expected(expected)
        .deserialize(document)
        .map_err(|error| error.to_string())?;
    match documents.next() {
        None => Ok(()),
        Some(_) => Err("it finds another document behind it".to_owned()),
    }
}

struct Expected<'v>(&'v Value);

impl<'de> DeserializeSeed<'de> for Expected<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.0 {
            Value::Mapping(_) => deserializer.deserialize_map(self),
            Value::Sequence(_) => deserializer.deserialize_seq(self),
            // Its types are those of YAML 1.2: it knows no `yes` and no `0o17`, so it is asked for texts.
            Value::Boolean(_) | Value::Integer(_) | Value::Float(_) => deserializer.deserialize_str(self),
            Value::Null | Value::String(_) => deserializer.deserialize_any(self),
            // It takes a tag of which it knows nothing for a type, unless it is asked for one.
            Value::Tagged(_, value) => match &**value {
                Value::String(_) => deserializer.deserialize_str(Expected(value)),
                Value::Null => IgnoredAny::deserialize(deserializer).map(drop),
                value => Expected(value).deserialize(deserializer),
            },
        }
    }
}

impl<'de> Visitor<'de> for Expected<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.0 {
            Value::Null => "nothing",
            Value::Boolean(_) => "a boolean",
            Value::Integer(_) | Value::Float(_) => "a number",
            Value::String(_) => "a string",
            Value::Sequence(_) => "a sequence",
            Value::Mapping(_) => "a mapping",
            Value::Tagged(..) => "something with a tag",
        })
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        match self.0 {
            Value::Null => Ok(()),
            _ => Err(E::invalid_type(serde::de::Unexpected::Unit, &self)),
        }
    }

    fn visit_str<E: Error>(self, found: &str) -> Result<(), E> {
        let is_as_expected = match self.0 {
            Value::Boolean(value) => PlainType::of(found) == Some(PlainType::Boolean(*value)),
            Value::Integer(text) | Value::Float(text) | Value::String(text) => text == found,
            Value::Null | Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(..) => false,
        };
        if is_as_expected {
            Ok(())
        } else {
            Err(E::invalid_value(serde::de::Unexpected::Str(found), &self))
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let Value::Sequence(items) = self.0 else {
            return Err(A::Error::invalid_type(serde::de::Unexpected::Seq, &self));
        };
        for item in items {
            if sequence.next_element_seed(Expected(item))?.is_none() {
                return Err(A::Error::custom(format!("fewer than {} items", items.len())));
            }
        }
        match sequence.next_element::<IgnoredAny>()? {
            None => Ok(()),
            Some(_) => Err(A::Error::custom(format!("more than {} items", items.len()))),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut mapping: A) -> Result<(), A::Error> {
        let Value::Mapping(entries) = self.0 else {
            return Err(A::Error::invalid_type(serde::de::Unexpected::Map, &self));
        };
        for (key, value) in entries {
            if mapping.next_key_seed(Expected(key))?.is_none() {
                return Err(A::Error::custom(format!("fewer than {} entries", entries.len())));
            }
            mapping.next_value_seed(Expected(value))?;
        }
        match mapping.next_key::<IgnoredAny>()? {
            None => Ok(()),
            Some(_) => Err(A::Error::custom(format!("more than {} entries", entries.len()))),
        }
    }
}

/// Whether a reader of JSON, which kubectl reads with one of its own, finds `expected` in a text.
///
/// # Errors
/// What it finds instead, or why it can't read the text.
pub(super) fn agrees_on_json(text: &str, expected: &Value) -> Result<(), String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let found: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if expected.to_json().as_ref() == Some(&found) {
        Ok(())
    } else {
        Err("it finds another value".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::parse, Value, agrees, agrees_on_json};

    fn value(text: &str) -> Value {
        Value::of(parse(text).unwrap().root(0).unwrap()).unwrap()
    }

    #[test]
    fn it_agrees_where_both_read_the_same() {
        for text in [
            "a: &x\n  - 1 # c\n  - 'b c'\nd: *x\ne: |-\n  f\n  g\nh: yes\n",
            "{\"a\": [1, \"b c\"], 'd': [1, b c], e: \"f\\ng\", h: true}",
            "a: ~\nb:\nc: null\nd: ''\ne: 0755\nf: 1_000\ng: 2024-01-01\nh: 1:30\ni: .inf\nj: !!str 1\nk: !x y\n",
            "on: off\n1: 2\n<<: {a: b}\n",
            "---\n# nothing but\na: []\nb: {}\n",
            "!a\nb: !c [d, !e f]\ng: !h {i: !j ~}\n!k l: m\n",
            "\u{feff}a: b\n",
        ] {
            assert_eq!(agrees(text, &value(text)), Ok(()), "{text}");
        }
    }

    #[test]
    fn json_is_read_as_json() {
        let text = "{\"a\"\n: [1, 1.5, -2e3, true, null, \"\\ud83d\\ude00\"], \"b\":\t{}}";
        assert_eq!(agrees_on_json(text, &value(text)), Ok(()));
        for other in ["{\"a\": [1]}", "[]", "{\"a\": \"1\"", "{a: b}"] {
            assert!(agrees_on_json(other, &value(text)).is_err(), "{other}");
        }
    }

    #[test]
    fn it_names_what_it_reads_otherwise() {
        for (text, meant) in [
            ("a: [:8098]", "a: [':8098']"),
            ("a: [::1]", "a: ['::1']"),
            ("a: true", "a: 'true'"),
            ("a: 12", "a: '12'"),
            ("a: b", "a: [b]"),
            ("a: [b]", "a: [b, c]"),
            ("a: [b, c]", "a: [b]"),
            ("a: b\nc: d", "a: b"),
            ("a: b", "a: {b: c}"),
            ("a: ~", "a: ''"),
            ("a: b\n---\nc: d\n", "a: b"),
            ("a: !x [b, c]", "a: !x [b]"),
            ("a: !x b", "a: !x c"),
        ] {
            assert!(agrees(text, &value(meant)).is_err(), "{text}");
        }
    }
}
