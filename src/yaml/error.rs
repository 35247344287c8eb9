//! Why a text could not be read, in words its author can act on.

/// The group a [`ParseError`] belongs to, for callers that treat groups differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The text is not YAML.
    Syntax,
    /// The text holds `{{ … }}` expressions: it is a template that was not rendered.
    Template,
    /// A `*name` without an `&name` before it in the same document.
    UndefinedAlias,
    /// A character that YAML does not allow.
    Character,
    /// Longer, deeper or with more values than this reader accepts.
    Limit,
}

/// Why a text is not YAML, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ParseError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Byte offset in the text.
    pub offset: usize,
    /// What is wrong.
    pub message: String,
    /// The group of errors it belongs to.
    pub reason: Reason,
}

impl ParseError {
    pub(super) fn new(text: &str, offset: usize, reason: Reason, message: impl Into<String>) -> Self {
        let offset = floor_boundary(text, offset);
        let (line, column) = position(text, offset);
        Self {
            line,
            column,
            offset,
            message: message.into(),
            reason,
        }
    }

    /// The error for what saphyr-parser says about the place `offset`.
    pub(super) fn from_scanner(text: &str, offset: usize, info: &str) -> Self {
        let reason = if is_template(text, offset) {
            Reason::Template
        } else if info.contains("unknown anchor") {
            Reason::UndefinedAlias
        } else if info.contains("recursion limit") {
            Reason::Limit
        } else {
            Reason::Syntax
        };
        let message = match reason {
            Reason::Template => format!("{TEMPLATE} ({info})"),
            Reason::UndefinedAlias => undefined_alias(text, offset),
            Reason::Limit => "more than 255 collections in [ ] or { } are nested here".to_owned(),
            _ => plain_words(info).to_owned(),
        };
        Self::new(text, offset, reason, message)
    }

    pub(super) fn template(text: &str, offset: usize) -> Self {
        Self::new(text, offset, Reason::Template, TEMPLATE)
    }

    pub(super) fn undefined_alias(text: &str, offset: usize) -> Self {
        Self::new(
            text,
            offset,
            Reason::UndefinedAlias,
            undefined_alias(text, offset),
        )
    }
}

const TEMPLATE: &str = "this looks like a template with {{ … }} expressions; render it first";

fn undefined_alias(text: &str, offset: usize) -> String {
    let name: String = text
        .get(offset..)
        .unwrap_or_default()
        .chars()
        .skip(1)
        .take_while(|character| !character.is_whitespace() && !",[]{}".contains(*character))
        .take(60)
        .collect();
    format!("the alias *{name} has no anchor &{name} before it in this document")
}

/// Says it without the words of a parser's insides where those would not help.
fn plain_words(info: &str) -> &str {
    match info {
        "simple key expect ':'" | "simple key expected" => "expected `:` after this mapping key",
        "mapping values are not allowed in this context" => {
            "a `key: value` cannot stand here; check the indentation, or quote a text that holds `: `"
        }
        "while parsing a node, did not find expected node content" => "expected a value here",
        "did not find expected <document start>" => {
            "the document has ended here; check the indentation, or start the next document with `---`"
        }
        "found unprintable character" => "this character is not allowed in YAML",
        "unexpected eof" => "the text ends too early",
        "misplaced bracket" => "this closing bracket has no opening one",
        other => other,
    }
}

/// Whether what is wrong at `offset` is likely a template expression: one starts a line up to there, or the
/// line itself holds one.
fn is_template(text: &str, offset: usize) -> bool {
    let offset = floor_boundary(text, offset);
    let (before, after) = text.split_at_checked(offset).unwrap_or((text, ""));
    let line_end = after.find('\n').unwrap_or(after.len());
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let has_expression = |part: Option<&str>| part.is_some_and(|part| part.contains("{{"));
    has_expression(before.get(line_start..))
        || has_expression(after.get(..line_end))
        || before
            .lines()
            .any(|line| line.trim_start().starts_with("{{") && line.contains("}}"))
}

/// The line and the column in characters of a byte, both from 1.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..floor_boundary(text, offset)).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    (line, column)
}

fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::super::{Reason, parse};

    #[test]
    fn says_line_and_column_in_characters() {
        let error = parse("ä: [é, \"ö\" x]\n").unwrap_err();
        assert_eq!((error.line, error.column, error.offset), (1, 12, 14));
        assert!(error.to_string().starts_with("line 1, column 12: "));
    }

    #[test]
    fn names_templates() {
        for text in [
            "a: {{ .Values.a }}\n",
            "{{- if .Values.on }}\na: b\n{{- end }}\n",
            "metadata:\n  {{- include \"labels\" . | nindent 4 }}\nb: c\n",
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.reason, Reason::Template, "{text:?}: {error}");
        }
        assert_eq!(parse("a: b: c\n").unwrap_err().reason, Reason::Syntax);
    }

    #[test]
    fn names_the_undefined_alias_and_its_place() {
        for text in ["a: 1\nb: *gone\n", "a: &gone 1\n---\nb: *gone\n"] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.reason, Reason::UndefinedAlias);
            assert_eq!(error.offset, text.rfind('*').unwrap());
            assert!(error.message.contains("*gone"), "{error}");
        }
    }
}
