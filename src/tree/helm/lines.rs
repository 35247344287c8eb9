//! A template's lines: what is literal in them, and which actions open and close what.

/// What a line of a template holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Text outside of actions.
    pub(super) is_literal: bool,
    /// An action that brings text.
    pub(super) has_output: bool,
    /// The line ends inside an action, or the next one's white space is trimmed away with its end.
    pub(super) is_unmarkable: bool,
    /// `if`, `with`, `range`, `define`, `block`
    pub(super) opens: usize,
    /// `end`
    pub(super) closes: usize,
    /// `else`
    pub(super) has_else: bool,
    /// The first action trims what stands before it.
    pub(super) trims_before: bool,
    /// Where the first output of several lines begins, in bytes of the line.
    pub(super) block_output: Option<usize>,
    /// Whether the line stands in a `define`, by the line of its beginning.
    pub(super) define: Option<usize>,
}

impl Line {
    /// Whether the line says nothing but which lines there are.
    pub(super) fn is_control(self) -> bool {
        !self.is_literal && !self.has_output && (self.opens + self.closes > 0 || self.has_else)
    }

    /// Whether an action brings all of the line.
    pub(super) fn is_call(self) -> bool {
        !self.is_literal && self.has_output
    }
}

/// The lines of a template.
pub(super) fn lines_of(text: &str) -> Vec<Line> {
    let mut reader = Reader::default();
    text.split('\n')
        .enumerate()
        .for_each(|(number, line)| reader.line(number, line));
    reader.lines
}

#[derive(Default)]
struct Reader {
    lines: Vec<Line>,
    /// What was read of an action that is not closed yet.
    action: Option<String>,
    /// The blocks that are open: of a `define` its line.
    open: Vec<Option<usize>>,
}

impl Reader {
    fn line(&mut self, number: usize, text: &str) {
        let mut line = Line {
            define: self.open.iter().rev().find_map(|define| *define),
            ..Line::default()
        };
        let text = text.strip_suffix('\r').unwrap_or(text);
        let mut rest = text;
        let mut is_first = true;
        let mut trims_after = false;
        loop {
            if let Some(action) = &mut self.action {
                let Some(end) = end_of_action(action, rest) else {
                    action.push_str(rest);
                    action.push('\n');
                    line.is_unmarkable = true;
                    break;
                };
                let (inside, after) = rest.split_at(end);
                action.push_str(inside.strip_suffix("}}").unwrap_or(inside));
                let action = self.action.take().unwrap_or_default();
                let at = text.len() - rest.len();
                self.take(&action, number, at, &mut line);
                trims_after = action.ends_with('-');
                rest = after;
            } else {
                let start = rest.find("{{");
                let literal = rest.get(..start.unwrap_or(rest.len())).unwrap_or_default();
                if !literal.trim().is_empty() {
                    line.is_literal = true;
                    trims_after = false;
                }
                let Some(start) = start else { break };
                rest = rest.get(start + 2..).unwrap_or_default();
                if is_first && !line.is_literal {
                    line.trims_before = rest.starts_with('-');
                }
                is_first = false;
                self.action = Some(String::new());
            }
        }
        line.is_unmarkable |= trims_after;
        self.lines.push(line);
    }

    fn take(&mut self, action: &str, number: usize, at: usize, line: &mut Line) {
        let words = action.trim_start_matches('-').trim_end_matches('-').trim();
        match words
            .split(|sign: char| !sign.is_alphanumeric())
            .next()
            .unwrap_or_default()
        {
            "if" | "with" | "range" | "block" => {
                line.opens += 1;
                self.open.push(None);
            }
            "define" => {
                line.opens += 1;
                self.open.push(Some(number));
            }
            "end" => {
                line.closes += 1;
                self.open.pop();
            }
            "else" => line.has_else = true,
            "" if words.starts_with("/*") => {}
            "fail" | "break" | "continue" => {}
            "" if words.starts_with('$') && is_assignment(words) => {}
            _ => {
                line.has_output = true;
                if words.contains("nindent") {
                    line.block_output.get_or_insert(at.saturating_sub(2));
                }
            }
        }
    }
}

/// Whether an action gives a variable its value.
fn is_assignment(words: &str) -> bool {
    let name = words.trim_start_matches('$');
    let rest = name
        .trim_start_matches(|sign: char| sign.is_alphanumeric() || sign == '_')
        .trim_start();
    rest.starts_with(":=") || (rest.starts_with('=') && !rest.starts_with("=="))
}

/// Where an action ends in a text that goes on with it: behind its braces.
fn end_of_action(before: &str, rest: &str) -> Option<usize> {
    let is_comment = before.trim_start_matches('-').trim_start().starts_with("/*")
        || (before.is_empty() && rest.trim_start_matches('-').trim_start().starts_with("/*"));
    if is_comment {
        let end = rest.find("*/")? + 2;
        return rest.get(end..)?.find("}}").map(|at| end + at + 2);
    }
    let mut quote = quote_left_open(before);
    let mut signs = rest.char_indices().peekable();
    while let Some((at, sign)) = signs.next() {
        match (quote, sign) {
            (Some('"' | '\''), '\\') => {
                signs.next();
            }
            (Some(open), sign) if sign == open => quote = None,
            (None, '"' | '`' | '\'') => quote = Some(sign),
            (None, '}') if rest.get(at..).is_some_and(|rest| rest.starts_with("}}")) => return Some(at + 2),
            _ => {}
        }
    }
    None
}

/// Only raw strings go over several lines.
fn quote_left_open(before: &str) -> Option<char> {
    (before.matches('`').count() % 2 == 1).then_some('`')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_told_from_text() {
        let text = "a: {{ .b }}\n{{- if eq .x \"}}\" }}\n  {{- include \"y\" . | nindent 4 }}\n{{/* a\n b */}}\nb: {{ .c -}}\n{{- end }}\n{{- $x := 1 }}\n";
        let lines = lines_of(text);
        assert!(lines[0].is_literal && lines[0].has_output && !lines[0].is_unmarkable);
        assert!(lines[1].is_control() && lines[1].opens == 1);
        assert!(lines[2].is_call() && lines[2].block_output == Some(2));
        assert!(lines[3].is_unmarkable && !lines[4].is_literal);
        assert!(lines[5].is_unmarkable);
        assert!(lines[6].is_control() && lines[6].closes == 1);
        assert_eq!(
            lines[7],
            Line {
                trims_before: true,
                ..Line::default()
            }
        );
    }

    #[test]
    fn lines_know_their_define() {
        let lines = lines_of("x\n{{- define \"a\" }}\n{{- if .x }}\ny\n{{- end }}\n{{- end }}\nz");
        let defines: Vec<_> = lines.iter().map(|line| line.define).collect();
        assert_eq!(defines, [None, None, Some(1), Some(1), Some(1), Some(1), None]);
    }
}
