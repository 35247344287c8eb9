//! Plain values: what a tree says, however it is written.

use std::collections::BTreeMap;

use super::{Kind, MAX_DEPTH, Node, PlainType, ScalarStyle, Stream, error::position};

/// No more nodes than this are built from one document, aliases expanded.
const MAX_EXPANDED: usize = 1 << 20;

/// A value without its spelling: styles, comments and anchors make no difference, but what a plain scalar
/// means does (`8080` is an integer and `"8080"` is a string).
///
/// Types are those of kubectl's reader (YAML 1.1). Numbers keep their text. Merge keys are not expanded; they
/// are entries of the key `<<`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Null.
    Null,
    /// A boolean.
    Boolean(bool),
    /// An integer, as written.
    Integer(String),
    /// A number with a fraction or exponent, as written.
    Float(String),
    /// A string.
    String(String),
    /// A sequence.
    Sequence(Vec<Value>),
    /// A mapping with its entries in order; a key may stand twice.
    Mapping(Vec<(Value, Value)>),
    /// A value with a tag that is not one of YAML's own.
    Tagged(String, Box<Value>),
}

/// Why no value can be built from a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Aliases multiply to more than can be held.
    #[error(
        "line {line}, column {column}: with its aliases expanded the document has more than {} values",
        MAX_EXPANDED
    )]
    TooLarge {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// Aliases nest too deeply, or in a circle.
    #[error(
        "line {line}, column {column}: with its aliases expanded the document is nested more than {} deep, or contains itself",
        MAX_DEPTH
    )]
    TooDeep {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
}

/// The first place at which two values differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The way to it: `spec.containers[0].name`; empty for the root.
    pub path: String,
    /// What was expected there, briefly.
    pub expected: String,
    /// What was found there, briefly.
    pub found: String,
}

impl Value {
    /// A string value.
    #[must_use]
    pub fn string(text: impl Into<String>) -> Self {
        Self::String(text.into())
    }

    /// The value of a node, with aliases expanded.
    ///
    /// # Errors
    /// Where aliases make it too large or too deep.
    pub fn of(node: Node<'_>) -> Result<Self, ValueError> {
        let mut budget = MAX_EXPANDED;
        build(node, MAX_DEPTH, &mut budget)
    }

    /// The values of all documents; nothing for an empty one.
    ///
    /// # Errors
    /// Where aliases make one too large or too deep.
    pub fn documents(stream: &Stream<'_>) -> Result<Vec<Option<Self>>, ValueError> {
        (0..stream.documents().len())
            .map(|index| stream.root(index).map(Self::of).transpose())
            .collect()
    }

    /// The value of a key in a mapping: the last one where it stands twice.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self.untagged() {
            Self::Mapping(entries) => entries
                .iter()
                .rfind(|(name, _)| name.is_string(key))
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The value of a key in a mapping, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        match self.untagged_mut() {
            Self::Mapping(entries) => entries
                .iter_mut()
                .find(|(name, _)| name.is_string(key))
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// Takes the entry of a key out of a mapping and gives its value.
    pub fn remove(&mut self, key: &str) -> Option<Self> {
        let Self::Mapping(entries) = self.untagged_mut() else {
            return None;
        };
        let index = entries.iter().position(|(name, _)| name.is_string(key))?;
        Some(entries.remove(index).1)
    }

    /// The items of a sequence, to be changed.
    pub fn items_mut(&mut self) -> Option<&mut Vec<Self>> {
        match self.untagged_mut() {
            Self::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a mapping, to be changed.
    pub fn entries_mut(&mut self) -> Option<&mut Vec<(Self, Self)>> {
        match self.untagged_mut() {
            Self::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value without its tag. kubectl minds no tags but YAML's own.
    fn untagged(&self) -> &Self {
        match self {
            Self::Tagged(_, value) => value,
            value => value,
        }
    }

    /// The value that stands behind a tag, or without one, to be changed.
    pub fn untagged_mut(&mut self) -> &mut Self {
        match self {
            Self::Tagged(_, value) => value,
            value => value,
        }
    }

    /// The value with merge keys carried out and without entries that later ones overwrite, as kubectl reads it:
    /// from the first entry to the last. Entries are ordered by their keys.
    #[must_use]
    pub fn effective(&self) -> Self {
        match self {
            Self::Sequence(items) => Self::Sequence(items.iter().map(Self::effective).collect()),
            Self::Mapping(entries) => {
                let mut counting = BTreeMap::new();
                add_effective(entries, &mut counting);
                Self::Mapping(counting.into_values().collect())
            }
            Self::Tagged(tag, value) => Self::Tagged(tag.clone(), Box::new(value.effective())),
            other => other.clone(),
        }
    }

    /// The mappings that this value of a merge key brings in, the weakest first.
    fn merged(&self) -> Vec<&[(Self, Self)]> {
        match self {
            Self::Mapping(entries) => vec![entries],
            Self::Sequence(items) => items.iter().rev().flat_map(Self::merged).collect(),
            Self::Tagged(_, value) => value.merged(),
            _ => Vec::new(),
        }
    }

    /// The value as JSON, which knows no tags, no keys but strings and no numbers such as `0x1F` or `.inf`.
    #[must_use]
    pub fn to_json(&self) -> Option<serde_json::Value> {
        use serde_json::Value as Json;
        Some(match self {
            Self::Null => Json::Null,
            Self::Boolean(value) => Json::Bool(*value),
            Self::Integer(text) | Self::Float(text) => Json::Number(text.parse().ok()?),
            Self::String(text) => Json::String(text.clone()),
            Self::Sequence(items) => Json::Array(items.iter().map(Self::to_json).collect::<Option<_>>()?),
            Self::Mapping(entries) => {
                let entry = |(key, value): &(Self, Self)| match key {
                    Self::String(key) => Some((key.clone(), value.to_json()?)),
                    _ => None,
                };
                Json::Object(entries.iter().map(entry).collect::<Option<_>>()?)
            }
            Self::Tagged(..) => return None,
        })
    }

    pub(crate) fn is_string(&self, text: &str) -> bool {
        matches!(self.untagged(), Self::String(own) if own == text)
    }

    /// Where `found` is not this value, first.
    #[must_use]
    pub fn difference(&self, found: &Self) -> Option<Difference> {
        let mut path = String::new();
        differ(self, found, &mut path)
    }

    /// The value in a few characters.
    #[must_use]
    pub fn brief(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Boolean(value) => value.to_string(),
            Self::Integer(text) | Self::Float(text) => text.clone(),
            Self::String(text) if text.chars().count() > 60 => {
                format!("{:?}…", text.chars().take(60).collect::<String>())
            }
            Self::String(text) => format!("{text:?}"),
            Self::Sequence(items) => format!("a sequence of {}", items.len()),
            Self::Mapping(entries) => format!("a mapping of {}", entries.len()),
            Self::Tagged(tag, value) => format!("{tag} {}", value.brief()),
        }
    }
}

/// Adds the entries of a mapping to those that count.
fn add_effective(entries: &[(Value, Value)], counting: &mut BTreeMap<String, (Value, Value)>) {
    for (key, value) in entries {
        if key.is_string("<<") {
            for merged in value.merged() {
                add_effective(merged, counting);
            }
        } else {
            // A tag makes no other key.
            let name = match key {
                Value::Tagged(_, key) => format!("{key:?}"),
                key => format!("{key:?}"),
            };
            counting.insert(name, (key.clone(), value.effective()));
        }
    }
}

fn build(node: Node<'_>, depth: usize, budget: &mut usize) -> Result<Value, ValueError> {
    let fail = || position(node.stream().text(), node.span().start);
    if *budget == 0 {
        let (line, column) = fail();
        return Err(ValueError::TooLarge { line, column });
    }
    *budget -= 1;
    let Some(depth) = depth.checked_sub(1) else {
        let (line, column) = fail();
        return Err(ValueError::TooDeep { line, column });
    };
    let node = node.resolved();
    let value = match node.kind() {
        Kind::Scalar { value, style } => scalar(value, style, node.tag()),
        Kind::Sequence { .. } => Value::Sequence(
            node.children()
                .map(|item| build(item, depth, budget))
                .collect::<Result<_, _>>()?,
        ),
        Kind::Mapping { .. } => {
            let mut entries = Vec::new();
            for entry in node.written_entries() {
                let key = build(entry.key, depth, budget)?;
                entries.push((key, build(entry.value, depth, budget)?));
            }
            Value::Mapping(entries)
        }
        // An alias of an alias does not exist.
        Kind::Alias(_) => Value::Null,
    };
    Ok(match node.tag() {
        Some(tag) if tag != "!" && core_tag(tag).is_none() => Value::Tagged(tag.to_owned(), Box::new(value)),
        _ => value,
    })
}

/// The name of one of YAML's own tags.
fn core_tag(tag: &str) -> Option<&str> {
    let name = tag.strip_prefix("tag:yaml.org,2002:")?;
    ["null", "bool", "int", "float", "str", "seq", "map", "timestamp"]
        .contains(&name)
        .then_some(name)
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&str>) -> Value {
    let string = || Value::String(text.to_owned());
    match tag {
        Some("!") => return string(),
        Some(tag) => match core_tag(tag) {
            // The text decides what a tagged scalar is, even in quotes.
            Some("null" | "bool" | "int" | "float") => {}
            _ => return string(),
        },
        None if style != ScalarStyle::Plain => return string(),
        None => {}
    }
    match PlainType::of(text) {
        Some(PlainType::Null) => Value::Null,
        Some(PlainType::Boolean(value)) => Value::Boolean(value),
        Some(PlainType::Integer) => Value::Integer(text.to_owned()),
        Some(PlainType::Float) if is_too_large(text) => string(),
        Some(PlainType::Float) => Value::Float(text.to_owned()),
        Some(PlainType::Sexagesimal | PlainType::Timestamp | PlainType::Special) | None => string(),
    }
}

/// Whether a number is beyond what a float holds. go-yaml leaves it a string then.
fn is_too_large(text: &str) -> bool {
    let digits = text.trim_start_matches(['+', '-']);
    digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && text.replace('_', "").parse::<f64>().is_ok_and(f64::is_infinite)
}

fn differ(expected: &Value, found: &Value, path: &mut String) -> Option<Difference> {
    let length = path.len();
    match (expected, found) {
        (Value::Sequence(left), Value::Sequence(right)) => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                *path += &format!("[{index}]");
                let difference = differ(left, right, path);
                if difference.is_some() {
                    return difference;
                }
                path.truncate(length);
            }
            if left.len() == right.len() {
                return None;
            }
        }
        (Value::Mapping(left), Value::Mapping(right)) => {
            for ((left_key, left), (right_key, right)) in left.iter().zip(right) {
                if left_key != right_key {
                    return Some(different(
                        path,
                        &format!("the key {}", left_key.brief()),
                        &format!("the key {}", right_key.brief()),
                    ));
                }
                if !path.is_empty() {
                    path.push('.');
                }
                match left_key {
                    Value::String(key) => path.push_str(key),
                    key => path.push_str(&key.brief()),
                }
                let difference = differ(left, right, path);
                if difference.is_some() {
                    return difference;
                }
                path.truncate(length);
            }
            if left.len() == right.len() {
                return None;
            }
        }
        (Value::Tagged(left, expected), Value::Tagged(right, found)) if left == right => {
            return differ(expected, found, path);
        }
        _ if expected == found => return None,
        _ => {}
    }
    Some(different(path, &expected.brief(), &found.brief()))
}

fn different(path: &str, expected: &str, found: &str) -> Difference {
    Difference {
        path: path.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
    }
}

#[cfg(test)]
mod tests;
