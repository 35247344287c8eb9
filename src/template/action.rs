//! The actions of a Go template, `{{ … }}`: where they stand and what each does to the text around it.

use std::ops::Range;

/// An action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Action {
    /// Its bytes, braces included.
    pub(crate) span: Range<usize>,
    /// What it does.
    pub(crate) kind: Kind,
}

/// What an action does to the text around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `if`, `with` or `range`: what follows is rendered under this condition.
    Open(String),
    /// `define` or `block`: what follows is a text of its own.
    Define,
    /// `else`, with the condition behind it if it has one.
    Else(Option<String>),
    /// `end`.
    End,
    /// A comment, a variable, a check: nothing stands there once it is rendered.
    Silent,
    /// Something stands there that only rendering tells.
    Output,
}

/// The actions of a text, in their order. One that is not closed reaches to the end.
pub(crate) fn actions(text: &str) -> Vec<Action> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|rest| rest.find("{{")) {
        let start = at + start;
        let end = end_of(text, start + 2);
        let kind = kind_of(text.get(start + 2..end).unwrap_or_default());
        found.push(Action {
            span: start..end,
            kind,
        });
        at = end;
    }
    found
}

/// Where the comments of a template stand.
#[must_use]
pub(crate) fn comments(text: &str) -> Vec<Range<usize>> {
    let is_comment = |action: &Action| {
        let words = text.get(action.span.clone()).unwrap_or_default();
        words
            .trim_start_matches(['{', '-', ' ', '\t', '\r', '\n'])
            .starts_with("/*")
    };
    actions(text)
        .into_iter()
        .filter(is_comment)
        .map(|action| action.span)
        .collect()
}

/// Where the action ends whose words begin at `from`: behind the braces that stand in no string and no comment.
fn end_of(text: &str, from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let words = rest.trim_start_matches(['-', ' ', '\t', '\n', '\r']);
    if words.starts_with("/*") {
        return match words.find("*/").and_then(|close| words.get(close..)) {
            Some(after) => after
                .find("}}")
                .map_or(text.len(), |braces| text.len() - after.len() + braces + 2),
            None => text.len(),
        };
    }
    let mut quote = None;
    let mut bytes = rest.bytes().enumerate().peekable();
    while let Some((index, byte)) = bytes.next() {
        match (quote, byte) {
            (None, b'"' | b'`') => quote = Some(byte),
            (Some(b'"'), b'\\') => {
                bytes.next();
            }
            (Some(open), _) if byte == open => quote = None,
            // A string ends on its line; what looks like an open one is a stray quote.
            (Some(b'"'), b'\n') => quote = None,
            (None, b'}') if bytes.peek().is_some_and(|(_, next)| *next == b'}') => return from + index + 2,
            _ => {}
        }
    }
    // A quote that is never closed hid the end.
    rest.find("}}").map_or(text.len(), |braces| from + braces + 2)
}

fn kind_of(inner: &str) -> Kind {
    let words = inner
        .trim_end_matches("}}")
        .trim_matches(|character: char| character == '-' || character.is_whitespace());
    let (first, rest) = words
        .split_once(char::is_whitespace)
        .map_or((words, ""), |(first, rest)| (first, rest.trim()));
    match first {
        "if" => Kind::Open(condition(rest)),
        "with" | "range" => Kind::Open(format!("{first} {}", condition(rest))),
        "define" | "block" => Kind::Define,
        "else" => {
            let condition_words = rest
                .strip_prefix("if ")
                .or_else(|| rest.strip_prefix("with ").map(|_| rest));
            Kind::Else(condition_words.map(condition))
        }
        "end" => Kind::End,
        "break" | "continue" | "fail" => Kind::Silent,
        _ if words.is_empty() || words.starts_with("/*") => Kind::Silent,
        _ if first.starts_with('$') && (rest.starts_with(":=") || rest.starts_with("= ")) => Kind::Silent,
        _ => Kind::Output,
    }
}

/// A condition with single blanks, without the parentheses around all of it.
fn condition(words: &str) -> String {
    let joined = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut inner = joined.as_str();
    while let Some(bare) = inner.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'))
        && is_balanced(bare)
    {
        inner = bare.trim();
    }
    inner.to_owned()
}

fn is_balanced(text: &str) -> bool {
    let mut depth = 0_i32;
    for byte in text.bytes() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_action_ends_where_it_ends() {
        for (text, expected) in [
            ("a {{ .b }} c", vec!["{{ .b }}"]),
            ("{{ \"}}\" }}x", vec!["{{ \"}}\" }}"]),
            ("{{ `}}` }}x{{ end }}", vec!["{{ `}}` }}", "{{ end }}"]),
            ("{{/* {{ .a }} */}}b", vec!["{{/* {{ .a }} */}}"]),
            ("{{- /* a */ -}}b{{ .c }}", vec!["{{- /* a */ -}}", "{{ .c }}"]),
            ("{{ \"a\\\"}}\" }}", vec!["{{ \"a\\\"}}\" }}"]),
            ("{{ unclosed", vec!["{{ unclosed"]),
        ] {
            let found: Vec<&str> = actions(text)
                .into_iter()
                .map(|action| text.get(action.span).unwrap())
                .collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn each_action_is_told_by_its_first_word() {
        for (text, expected) in [
            ("{{- if  .a -}}", Kind::Open(".a".to_owned())),
            (
                "{{ if (and .a (not .b)) }}",
                Kind::Open("and .a (not .b)".to_owned()),
            ),
            ("{{ with .a }}", Kind::Open("with .a".to_owned())),
            ("{{ else }}", Kind::Else(None)),
            ("{{- else if .b }}", Kind::Else(Some(".b".to_owned()))),
            ("{{- end -}}", Kind::End),
            ("{{ define \"x\" }}", Kind::Define),
            ("{{- $a := .b }}", Kind::Silent),
            ("{{ $a }}", Kind::Output),
            ("{{/* a */}}", Kind::Silent),
            ("{{ .endpoint }}", Kind::Output),
            ("{{ include \"x\" . | nindent 4 }}", Kind::Output),
        ] {
            assert_eq!(actions(text).first().unwrap().kind, expected, "{text}");
        }
    }
}
