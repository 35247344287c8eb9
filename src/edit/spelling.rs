//! How new text is written so that it looks like its neighbours.

use crate::yaml::{
    Kind, Node, Quoting, ScalarStyle, Value, edit::write_scalar, is_scalar, single_quoted, write_flow,
    write_quoted,
};

/// The way a collection is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spelling {
    /// In braces or brackets, or within some.
    flow: bool,
    /// Which strings stand in double quotes, in braces.
    quoting: Quoting,
    /// The quotes that the words of a list stand in, needed or not.
    words: Option<ScalarStyle>,
}

impl Spelling {
    /// The spelling of a collection.
    pub(crate) fn of(node: Node<'_>) -> Self {
        let flow = matches!(
            node.kind(),
            Kind::Mapping { flow: true } | Kind::Sequence { flow: true }
        ) || node.parent().is_some_and(Node::is_bracketed);
        let style = |node: Option<Node<'_>>| node.and_then(Node::style);
        let is_double = |node: Option<Node<'_>>| style(node) == Some(ScalarStyle::DoubleQuoted);
        let first = node.children().next();
        let own_key = node.parent().and_then(|parent| parent.children().next());
        let is_sequence = matches!(node.kind(), Kind::Sequence { .. });
        let has_quoted_keys = if is_sequence {
            is_double(own_key)
        } else {
            is_double(first.or(own_key))
        };
        let quoting = match (flow, has_quoted_keys) {
            (false, _) => Quoting::Needed,
            (true, true) => Quoting::All,
            (true, false) if has_quoted_values(node) => Quoting::Values,
            (true, false) => Quoting::Needed,
        };
        let words = match style(first) {
            Some(quotes @ (ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted)) => Some(quotes),
            _ if has_quoted_keys => Some(ScalarStyle::DoubleQuoted),
            _ => None,
        };
        Self {
            flow,
            quoting,
            words: words.filter(|_| is_sequence),
        }
    }

    /// A key.
    pub(crate) fn key(&self, key: &str) -> String {
        if self.quoting == Quoting::All {
            write_quoted(key)
        } else {
            write_scalar(key, self.flow)
        }
    }
}

/// Whether the strings in a mapping's braces, or in those around it, are quoted though they need not be.
fn has_quoted_values(node: Node<'_>) -> bool {
    let values: Vec<ScalarStyle> = node
        .written_entries()
        .filter(|entry| {
            entry
                .written_value()
                .as_str()
                .is_some_and(|text| !text.is_empty())
        })
        .filter_map(|entry| {
            let value = entry.written_value();
            let is_string = value.as_bool().is_none() && value.as_i64().is_none();
            value.style().filter(|_| is_string)
        })
        .collect();
    match values.is_empty() {
        true => node
            .parent()
            .is_some_and(|around| around.is_bracketed() && has_quoted_values(around)),
        false => values.iter().all(|style| *style == ScalarStyle::DoubleQuoted),
    }
}

/// An entry as lines without indentation.
pub(crate) fn spell_entry(key: &str, value: &Value, spelling: &Spelling) -> String {
    with_key(&spelling.key(key), value, spelling)
}

/// An entry whose key is written already.
fn with_key(key: &str, value: &Value, spelling: &Spelling) -> String {
    if spelling.flow {
        return format!("{key}: {}", write_flow(value, spelling.quoting));
    }
    match value {
        Value::Mapping(entries) if !entries.is_empty() => {
            let lines = block(value).replace('\n', "\n  ");
            format!("{key}:\n  {lines}")
        }
        Value::Sequence(items) if items.iter().all(is_scalar) => {
            format!("{key}: {}", write_flow(value, Quoting::Needed))
        }
        Value::Sequence(_) => format!("{key}:\n{}", block(value)),
        Value::String(text) => match literal(text) {
            Some(lines) => format!("{key}: {lines}"),
            None => format!("{key}: {}", write_scalar(text, false)),
        },
        _ => format!("{key}: {}", write_flow(value, Quoting::Needed)),
    }
}

/// Several lines as a literal block scalar, indented by two; nothing for a text that one can't hold as it is.
fn literal(text: &str) -> Option<String> {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let is_plain = |line: &str| !line.ends_with(' ') && !line.chars().any(char::is_control);
    let begins = body.chars().next().is_some_and(|first| !first.is_whitespace());
    if !text.contains('\n') || !begins || body.ends_with('\n') || !body.split('\n').all(is_plain) {
        return None;
    }
    let header = if body.len() == text.len() { "|-" } else { "|" };
    let lines = body.split('\n').map(|line| match line {
        "" => String::new(),
        line => format!("  {line}"),
    });
    Some(format!("{header}\n{}", lines.collect::<Vec<_>>().join("\n")))
}

/// An item of a list, in its style.
pub(crate) fn spell_item(value: &Value, list: Node<'_>) -> String {
    let spelling = Spelling::of(list);
    match spelling.flow {
        true => write_flow(value, spelling.quoting),
        false => format!("- {}", block(value).replace('\n', "\n  ")),
    }
}

/// A value as lines of a block.
#[must_use]
pub(crate) fn block(value: &Value) -> String {
    let lines: Vec<String> = match value {
        Value::Mapping(entries) => entries
            .iter()
            .map(|(key, value)| {
                let plain = Spelling {
                    flow: false,
                    quoting: Quoting::Needed,
                    words: None,
                };
                let key = match key {
                    Value::String(key) => plain.key(key),
                    other => write_flow(other, Quoting::Needed),
                };
                with_key(&key, value, &plain)
            })
            .collect(),
        Value::Sequence(items) => items
            .iter()
            .map(|item| format!("- {}", block(item).replace('\n', "\n  ")))
            .collect(),
        other => vec![write_flow(other, Quoting::Needed)],
    };
    lines.join("\n")
}

/// A list of words in place of `list`, in its style.
pub(crate) fn spell_list(words: &[String], spelling: &Spelling, list: Node<'_>) -> String {
    let word = |word: &String, flow: bool| match spelling.words {
        Some(ScalarStyle::DoubleQuoted) => write_quoted(word),
        Some(ScalarStyle::SingleQuoted) => single_quoted(word).unwrap_or_else(|| write_quoted(word)),
        _ => write_scalar(word, flow),
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
