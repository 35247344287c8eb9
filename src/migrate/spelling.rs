//! How new text is written so that it looks like its neighbours.

use crate::yaml::{Kind, Node, ScalarStyle, Value, edit::write_scalar, is_scalar, write_flow, write_quoted};

/// The way a collection is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spelling {
    /// In braces or brackets, or within some.
    flow: bool,
    /// Keys stand in double quotes, as in JSON.
    quoted_keys: bool,
    /// Words of a list stand in double quotes.
    quoted_words: bool,
}

impl Spelling {
    /// The spelling of a collection.
    pub(super) fn of(node: Node<'_>) -> Self {
        let flow = matches!(
            node.kind(),
            Kind::Mapping { flow: true } | Kind::Sequence { flow: true }
        ) || node.parent().is_some_and(Node::is_bracketed);
        let is_double =
            |node: Option<Node<'_>>| node.and_then(Node::style) == Some(ScalarStyle::DoubleQuoted);
        let first = node.children().next();
        let own_key = node.parent().and_then(|parent| parent.children().next());
        let quoted_keys = match node.kind() {
            Kind::Mapping { .. } => is_double(first.or(own_key)),
            _ => is_double(own_key),
        };
        Self {
            flow,
            quoted_keys: flow && quoted_keys,
            quoted_words: matches!(node.kind(), Kind::Sequence { .. }) && (is_double(first) || quoted_keys),
        }
    }

    /// A key.
    pub(super) fn key(&self, key: &str) -> String {
        if self.quoted_keys {
            write_quoted(key)
        } else {
            write_scalar(key, self.flow)
        }
    }
}

/// An entry as lines without indentation.
pub(super) fn spell_entry(key: &str, value: &Value, spelling: &Spelling) -> String {
    with_key(&spelling.key(key), value, spelling)
}

/// An entry whose key is written already.
fn with_key(key: &str, value: &Value, spelling: &Spelling) -> String {
    if spelling.flow {
        return format!("{key}: {}", write_flow(value, spelling.quoted_keys));
    }
    match value {
        Value::Mapping(entries) if !entries.is_empty() => {
            let lines = block(value).replace('\n', "\n  ");
            format!("{key}:\n  {lines}")
        }
        Value::Sequence(items) if items.iter().all(is_scalar) => {
            format!("{key}: {}", write_flow(value, false))
        }
        Value::Sequence(_) => format!("{key}:\n{}", block(value)),
        Value::String(text) => format!("{key}: {}", write_scalar(text, false)),
        _ => format!("{key}: {}", write_flow(value, false)),
    }
}

fn block(value: &Value) -> String {
    let lines: Vec<String> = match value {
        Value::Mapping(entries) => entries
            .iter()
            .map(|(key, value)| {
                let plain = Spelling {
                    flow: false,
                    quoted_keys: false,
                    quoted_words: false,
                };
                let key = match key {
                    Value::String(key) => plain.key(key),
                    other => write_flow(other, false),
                };
                with_key(&key, value, &plain)
            })
            .collect(),
        Value::Sequence(items) => items
            .iter()
            .map(|item| format!("- {}", block(item).replace('\n', "\n  ")))
            .collect(),
        other => vec![write_flow(other, false)],
    };
    lines.join("\n")
}

/// A list of words in place of `list`, in its style.
pub(super) fn spell_list(words: &[String], spelling: &Spelling, list: Node<'_>) -> String {
    let word = |word: &String, flow: bool| {
        if spelling.quoted_words {
            write_quoted(word)
        } else {
            write_scalar(word, flow)
        }
    };
    if list.is_bracketed() {
        let words: Vec<String> = words.iter().map(|text| word(text, true)).collect();
        return format!("[{}]", words.join(", "));
    }
    let start = list.span().start;
    let text = list.stream().text();
    let line = text
        .get(..start)
        .and_then(|before| before.rfind(['\n', '\r']))
        .map_or(0, |at| at + 1);
    let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let separator = format!("{line_break}{}", " ".repeat(start - line));
    let words: Vec<String> = words
        .iter()
        .map(|text| format!("- {}", word(text, false)))
        .collect();
    words.join(&separator)
}
