//! Writes values as new text: flow collections, and whole documents with comments.

use std::collections::BTreeMap;

use super::{Value, edit::write_scalar};

/// A document that is made, not read: a value, and comments above some of its entries and items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDocument {
    /// What it says.
    pub value: Value,
    /// Comments by the way to what they stand above, `spec.variables[0]`; empty for the document. Without `#`.
    pub comments: BTreeMap<String, String>,
}

impl NewDocument {
    /// The document as text in block style; strings of several lines are literal blocks.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        self.comment("", &mut lines);
        self.block(&self.value, "", &mut lines);
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    fn comment(&self, path: &str, lines: &mut Vec<String>) {
        let comment = self.comments.get(path).into_iter();
        lines.extend(
            comment
                .flat_map(|text| text.lines())
                .map(|line| format!("# {line}").trim_end().to_owned()),
        );
    }

    fn block(&self, value: &Value, path: &str, lines: &mut Vec<String>) {
        match value {
            Value::Mapping(entries) if !entries.is_empty() => {
                for (key, value) in entries {
                    self.entry(key, value, path, lines);
                }
            }
            Value::Sequence(items) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate() {
                    self.item(item, &format!("{path}[{index}]"), lines);
                }
            }
            other => lines.push(write_flow(other, Quoting::Needed)),
        }
    }

    fn entry(&self, key: &Value, value: &Value, path: &str, lines: &mut Vec<String>) {
        let key = match key {
            Value::String(key) => write_scalar(key, false),
            other => write_flow(other, Quoting::Needed),
        };
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        self.comment(&path, lines);
        match value {
            Value::String(text) if fits_literal(text) => {
                lines.push(format!("{key}: |-"));
                lines.extend(indented(text.lines()));
            }
            Value::String(text) => lines.push(format!("{key}: {}", write_scalar(text, false))),
            Value::Mapping(entries) if !entries.is_empty() => self.nested(&key, value, &path, lines),
            Value::Sequence(items) if !items.iter().all(is_scalar) => self.nested(&key, value, &path, lines),
            _ => lines.push(format!("{key}: {}", write_flow(value, Quoting::Needed))),
        }
    }

    fn nested(&self, key: &str, value: &Value, path: &str, lines: &mut Vec<String>) {
        let mut inner = Vec::new();
        self.block(value, path, &mut inner);
        lines.push(format!("{key}:"));
        lines.extend(indented(inner.iter().map(String::as_str)));
    }

    fn item(&self, item: &Value, path: &str, lines: &mut Vec<String>) {
        self.comment(path, lines);
        let mut inner = Vec::new();
        self.block(item, path, &mut inner);
        let mut indicator = "- ";
        for line in inner {
            lines.push(format!("{indicator}{line}").trim_end().to_owned());
            indicator = "  ";
        }
    }
}

fn indented<'l>(lines: impl Iterator<Item = &'l str>) -> impl Iterator<Item = String> {
    lines.map(|line| match line {
        "" => String::new(),
        line => format!("  {line}"),
    })
}

/// Whether a string of several lines is itself again as a literal block without its last line break.
fn fits_literal(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with([' ', '\n'])
        && !text.ends_with('\n')
        && !text.chars().any(|letter| letter.is_control() && letter != '\n')
}

pub(crate) fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Mapping(_) | Value::Sequence(_))
}

/// Which strings are put in double quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// Those that would be read as something else.
    Needed,
    /// All that are no keys, as in KYAML.
    Values,
    /// All, as in JSON.
    All,
}

/// A value on one line.
#[must_use]
pub fn write_flow(value: &Value, quoting: Quoting) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::Integer(text) | Value::Float(text) => text.clone(),
        Value::String(text) if quoting != Quoting::Needed => write_quoted(text),
        Value::String(text) => write_scalar(text, true),
        Value::Tagged(tag, value) => format!("!<{tag}> {}", write_flow(value, quoting)),
        Value::Sequence(items) => {
            let items: Vec<String> = items.iter().map(|item| write_flow(item, quoting)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Mapping(entries) => {
            let of_keys = match quoting {
                Quoting::Values => Quoting::Needed,
                other => other,
            };
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{}: {}", write_flow(key, of_keys), write_flow(value, quoting)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// A string in double quotes, as JSON and YAML both read it.
#[must_use]
pub fn write_quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::yaml::parse;

    #[test]
    fn comments_stand_above_what_they_are_about() {
        let value = Value::of(
            parse("a: {b: [1, x], c: []}\nd: [{e: \"f\\n\\n  g\", h: 'yes'}, i]")
                .unwrap()
                .root(0)
                .unwrap(),
        )
        .unwrap();
        let comments = [
            ("", "of all\n\nof it"),
            ("a.b", "of b"),
            ("d[0]", "of an item"),
            ("d[0].h", "of h"),
        ];
        let document = NewDocument {
            value,
            comments: comments
                .map(|(path, text)| (path.to_owned(), text.to_owned()))
                .into(),
        };
        assert_eq!(
            document.text(),
            "# of all\n#\n# of it\na:\n  # of b\n  b: [1, x]\n  c: []\nd:\n  # of an item\n  - e: |-\n      f\n\n        g\n    # of h\n    h: \"yes\"\n  - i\n"
        );
    }

    fn values() -> impl Strategy<Value = Value> {
        let text = "([a-z#:'\"]( ?[a-z#:'\"{}-]){0,3}(\n\n? *[a-z#:]{1,4}){0,3}\n{0,2})|[ \n]{1,2}[a-z]\n?[\t\r]?[a-z]|[0-9]{1,3}|yes|";
        let scalar = prop_oneof![
            text.prop_map(Value::String),
            any::<bool>().prop_map(Value::Boolean),
            any::<u16>().prop_map(|number| Value::Integer(number.to_string())),
        ];
        scalar.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Sequence),
                prop::collection::btree_map("[a-z]{1,3}", inner, 0..4).prop_map(|map| {
                    Value::Mapping(
                        map.into_iter()
                            .map(|(key, value)| (Value::String(key), value))
                            .collect(),
                    )
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(value in values()) {
            let document = NewDocument { value, comments: BTreeMap::from([(String::new(), "a comment".to_owned())]) };
            let text = document.text();
            let stream = parse(&text).unwrap();
            prop_assert_eq!(Value::of(stream.root(0).unwrap()).unwrap(), document.value, "{}", text);
        }
    }
}
