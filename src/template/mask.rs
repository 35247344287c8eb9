//! Go template actions (`{{ … }}`) replaced by as many bytes of something that YAML takes.

use std::ops::Range;

use super::{
    action::{Action, Kind},
    outline::{Outline, column_of, opens_block_scalar},
};

/// What stands for an action: a word to YAML, and a value that nobody knows to a shell.
const FILLER: u8 = b'~';

/// The text as a person should see it: fillers are actions again.
#[must_use]
pub(crate) fn unmasked(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("~~~~") {
        shown.push_str(rest.get(..start).unwrap_or_default());
        shown.push_str("{{…}}");
        rest = rest
            .get(start..)
            .unwrap_or_default()
            .trim_start_matches(char::from(FILLER));
    }
    shown.push_str(rest);
    shown
}

/// Whether the text has Go template actions. `{{` starts a flow mapping in a flow mapping too, which no
/// manifest has.
#[must_use]
pub(crate) fn is_go_template(text: &str) -> bool {
    text.contains("{{")
}

/// Something that only rendering brings: nothing is known of it, not even that it is nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unknown {
    /// Where its action stands.
    pub span: Range<usize>,
    /// The key it stands under, where that can be told.
    pub key: Option<String>,
}

/// A text with its actions masked: as long as before, and but for `moves` every byte where it was.
#[derive(Debug, Default)]
pub(super) struct Masked {
    pub(super) text: String,
    /// Where text stands now, and where it began before.
    pub(super) moves: Vec<(Range<usize>, usize)>,
    pub(super) unknown: Vec<Unknown>,
}

/// Masks a text. What stands in `left_out` is not rendered.
pub(super) fn mask(text: &str, actions: &[Action], left_out: &[Range<usize>]) -> Masked {
    let mut masking = Masking {
        text,
        out: Vec::with_capacity(text.len()),
        moves: Vec::new(),
        unknown: Vec::new(),
        outline: Outline::default(),
        scalar: None,
    };
    let mut tokens = tokens(text, actions, left_out).into_iter().peekable();
    let mut start = 0;
    while start < text.len() {
        let mut end = line_end(text, start);
        let mut own = Vec::new();
        while let Some(token) = tokens.next_if(|token| token.span.start < end) {
            end = end.max(line_end(text, token.span.end.saturating_sub(1)));
            own.push(token);
        }
        masking.line(start..end, &own);
        start = end;
    }
    Masked {
        text: String::from_utf8(masking.out).unwrap_or_default(),
        moves: masking.moves,
        unknown: masking.unknown,
    }
}

/// Where the line around `at` ends, its line break included.
fn line_end(text: &str, at: usize) -> usize {
    text.get(at..)
        .and_then(|rest| rest.find('\n'))
        .map_or(text.len(), |line_break| at + line_break + 1)
}

/// A part of a line that is no text of the rendered manifest.
#[derive(Debug)]
struct Token {
    span: Range<usize>,
    style: Style,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// Nothing is left of it.
    Silent,
    /// A new text begins: of a definition, or behind one.
    Border,
    /// It opens a condition.
    Open,
    /// It closes one.
    End,
    /// Something unknown stands there.
    Output,
}

/// The actions that are rendered, and the texts of branches that are not.
fn tokens(text: &str, actions: &[Action], left_out: &[Range<usize>]) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut definitions = Vec::new();
    let mut branches = left_out.iter().peekable();
    let mut until = 0;
    for action in actions {
        let is_definition = match action.kind {
            Kind::Define => {
                definitions.push(true);
                true
            }
            Kind::Open(_) => {
                definitions.push(false);
                false
            }
            Kind::End => definitions.pop().unwrap_or_default(),
            _ => false,
        };
        while let Some(branch) = branches.next_if(|branch| branch.start <= action.span.start) {
            let inner = text.get(branch.clone()).unwrap_or_default();
            // One within another that is left out is left out with it.
            if branch.start >= until && !inner.is_empty() {
                let is_in_line = !inner.contains('\n') && !inner.trim().is_empty();
                leave_out_lines(&mut tokens, text, branch, is_in_line);
            }
            until = until.max(branch.end);
        }
        if action.span.end <= until {
            continue;
        }
        tokens.push(Token {
            span: action.span.clone(),
            style: match action.kind {
                _ if is_definition => Style::Border,
                Kind::Output => Style::Output,
                Kind::Open(_) => Style::Open,
                Kind::End => Style::End,
                _ => Style::Silent,
            },
        });
    }
    tokens.sort_by_key(|token| token.span.start);
    tokens
}

/// The lines of a branch that is not rendered; those between documents stay, so that documents keep their number.
fn leave_out_lines(tokens: &mut Vec<Token>, text: &str, branch: &Range<usize>, is_in_line: bool) {
    let mut start = branch.start;
    while start < branch.end {
        let end = line_end(text, start).min(branch.end);
        let line = text.get(start..end).unwrap_or_default();
        let is_border = line.starts_with("---") && text.as_bytes().get(start.wrapping_sub(1)) == Some(&b'\n');
        let written = line.trim_end_matches(['\n', '\r']);
        if !is_border && !written.is_empty() {
            tokens.push(Token {
                span: start..start + written.len(),
                style: if is_in_line { Style::Output } else { Style::Silent },
            });
        }
        start = end;
    }
}

struct Masking<'t> {
    text: &'t str,
    out: Vec<u8>,
    moves: Vec<(Range<usize>, usize)>,
    unknown: Vec<Unknown>,
    outline: Outline,
    /// The column that the text of an open block scalar is right of.
    scalar: Option<usize>,
}

impl<'t> Masking<'t> {
    fn slice(&self, span: Range<usize>) -> &'t str {
        self.text.get(span).unwrap_or_default()
    }

    /// Masks the line (or lines, where an action spans several) at `span`.
    fn line(&mut self, span: Range<usize>, tokens: &[Token]) {
        if tokens.is_empty() {
            self.out.extend_from_slice(self.slice(span.clone()).as_bytes());
        } else if self.text_between(&span, tokens).trim().is_empty() {
            return self.actions_alone(span, tokens);
        } else {
            self.mixed(&span, tokens);
        }
        self.look_at(span);
    }

    /// The text of a line outside of its tokens.
    fn text_between(&self, span: &Range<usize>, tokens: &[Token]) -> String {
        let mut kept = String::new();
        let mut at = span.start;
        for token in tokens {
            kept.push_str(self.slice(at..token.span.start));
            at = token.span.end;
        }
        kept.push_str(self.slice(at..span.end));
        kept
    }

    fn fill(&mut self, span: &Range<usize>, byte: u8) {
        self.out.extend(std::iter::repeat_n(byte, span.len()));
    }

    /// Blanks in front of a block scalar's text would count as its indentation; empty lines never do.
    fn actions_alone(&mut self, span: Range<usize>, tokens: &[Token]) {
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else {
            return;
        };
        let outputs: Vec<&Token> = tokens
            .iter()
            .filter(|token| token.style == Style::Output)
            .collect();
        let column = column_of(self.slice(span.start..first.span.start));
        let stays = self.scalar.is_some_and(|parent| column > parent);
        for output in &outputs {
            let action = self.slice(output.span.clone());
            let column = indentation_asked_for(action).unwrap_or(column);
            let key = self.outline.key_left_of(column).map(str::to_owned);
            self.unknown.push(Unknown {
                span: output.span.clone(),
                key: key.filter(|_| self.scalar.is_none()),
            });
        }
        let is_statement = stays
            && outputs
                .iter()
                .all(|output| indentation_asked_for(self.slice(output.span.clone())).is_none());
        if !outputs.is_empty() && is_statement {
            // A statement that nobody knows.
            self.fill(&(span.start..first.span.start), b' ');
            self.fill(&(first.span.start..last.span.end), FILLER);
            let rest = self.slice(last.span.end..span.end);
            self.out.extend_from_slice(rest.as_bytes());
        } else if tokens.iter().any(|token| token.style == Style::Border) {
            // A definition begins or ends, and with it whatever was open.
            self.scalar = None;
            self.outline = Outline::default();
            self.out.extend_from_slice(b"---");
            self.fill(&(span.start + 3..span.end), b'\n');
        } else if self.out.ends_with(b"\\\n") || self.out.ends_with(b"\\\r\n") {
            // The next line continues the one before.
            self.fill(&span, b' ');
        } else {
            self.fill(&span, b'\n');
        }
    }

    fn mixed(&mut self, span: &Range<usize>, tokens: &[Token]) {
        let is_silent = |token: &Token| token.style != Style::Output;
        let at_start: Vec<&Token> = self.leading(span, tokens);
        let mut line = Vec::with_capacity(span.len());
        let mut at = span.start;
        if let (Some(first), Some(last)) = (at_start.first(), at_start.last()) {
            line.extend_from_slice(self.slice(span.start..first.span.start).as_bytes());
            let gap = self.slice(last.span.end..span.end);
            at = last.span.end + (gap.len() - gap.trim_start_matches([' ', '\t']).len());
        }
        let indentation = line.len();
        let content = at;
        let opens = at_start.iter().any(|token| token.style == Style::Open);
        for token in tokens.iter().filter(|token| token.span.start >= content) {
            line.extend_from_slice(self.slice(at..token.span.start).as_bytes());
            at = token.span.end;
            let rest = self.slice(token.span.end..span.end);
            let is_last = rest.trim().is_empty();
            let fill = if is_silent(token) {
                let is_free = line.last().is_none_or(u8::is_ascii_whitespace);
                let is_closed =
                    is_last && (token.style == Style::Silent || (opens && token.style == Style::End));
                if is_free || is_closed { b' ' } else { FILLER }
            } else if self.scalar.is_none() && (is_last || rest.trim_start().starts_with('#')) {
                self.structure(&mut line, token, span)
            } else {
                FILLER
            };
            line.extend(std::iter::repeat_n(fill, token.span.len()));
        }
        line.extend_from_slice(self.slice(at..span.end).as_bytes());
        let shifted = content - span.start - indentation;
        if shifted > 0 {
            let line_break = [&b"\r\n"[..], b"\n"].into_iter().find(|end| line.ends_with(end));
            let end = line.len() - line_break.map_or(0, <[u8]>::len);
            let start = self.out.len();
            self.moves.push((start + indentation..start + end, content));
            line.splice(end..end, std::iter::repeat_n(b' ', shifted));
        }
        self.out.extend(line);
    }

    /// The tokens at the start of a line that leave nothing.
    fn leading<'l>(&self, span: &Range<usize>, tokens: &'l [Token]) -> Vec<&'l Token> {
        let mut at = span.start;
        tokens
            .iter()
            .take_while(|token| {
                let is_next = self.slice(at..token.span.start).trim().is_empty();
                at = token.span.end;
                is_next && token.style != Style::Output
            })
            .collect()
    }

    /// What takes the place of an action that is all of a value: nothing, where it is a mapping or a list.
    fn structure(&mut self, line: &mut Vec<u8>, token: &Token, span: &Range<usize>) -> u8 {
        let before = String::from_utf8_lossy(line).into_owned();
        let action = self.slice(token.span.clone());
        let asks = indentation_asked_for(action).is_some();
        let column = content_column(&before);
        let next = self.next_column(span.end);
        let key = before.trim_end().strip_suffix(':').filter(|key| is_key(key));
        if let Some(before_key) = key {
            if !asks && next.is_none_or(|next| next <= column) {
                return FILLER;
            }
            let key = before_key.trim_start_matches(['-', ' ']).trim_matches('"');
            self.unknown.push(Unknown {
                span: token.span.clone(),
                key: Some(key.to_owned()),
            });
            return b'\n';
        }
        let Some(dash) = before.trim_end().strip_suffix('-').map(column_of_dash) else {
            return FILLER;
        };
        let parent = self.outline.key_of_item(dash).map(str::to_owned);
        let holds_mappings = parent.as_deref().is_some_and(|key| MAPPINGS.contains(&key));
        if !asks && !action.contains("toYaml") && !holds_mappings {
            return FILLER;
        }
        self.unknown.push(Unknown {
            span: token.span.clone(),
            key: parent,
        });
        if next.is_none_or(|next| next <= dash)
            && let Some(dash) = line.iter().rposition(|byte| *byte == b'-')
        {
            line.truncate(dash);
            line.extend(std::iter::repeat_n(b'\n', before.len() - dash));
        }
        b'\n'
    }

    /// The column of the next line that has text of its own.
    fn next_column(&self, from: usize) -> Option<usize> {
        let has_text = |line: &&str| {
            let text = line.trim();
            let is_action = text.starts_with("{{") && text.ends_with("}}") && text.matches("}}").count() == 1;
            !is_action && !text.is_empty() && !text.starts_with('#')
        };
        let mut next = self.slice(from..self.text.len()).split('\n').take(LINES_AHEAD);
        next.find(has_text).map(column_of)
    }

    /// Takes in what the line that was written last says about those behind it.
    fn look_at(&mut self, span: Range<usize>) {
        let Some(written) = self.out.get(span) else {
            return;
        };
        let line = String::from_utf8_lossy(written).into_owned();
        let text = line.trim();
        if text.is_empty() {
            return;
        }
        if let Some(parent) = self.scalar {
            if column_of(&line) > parent {
                return;
            }
            self.scalar = None;
        }
        if text.starts_with('#') {
            return;
        }
        self.outline.take_in(&line);
        self.scalar = opens_block_scalar(&line);
    }
}

/// Whether the text in front of a colon is a key and its dashes, not a key and the beginning of its value.
fn is_key(before: &str) -> bool {
    let key = before.trim_start_matches([' ', '-']);
    !key.contains(": ") && (!key.starts_with(['"', '\'']) || key.ends_with(['"', '\'']))
}

/// Behind so many lines of actions and comments no more keys of a value are looked for.
const LINES_AHEAD: usize = 40;

/// Lists whose items are always mappings.
const MAPPINGS: [&str; 4] = ["containers", "initContainers", "sidecars", "volumes"];

/// The column that `nindent` or `indent` gives to what an action brings.
fn indentation_asked_for(action: &str) -> Option<usize> {
    let (_, rest) = action.split_once("indent ")?;
    let digits: String = rest
        .trim_start()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    // A column that is worked out is one nevertheless.
    Some(digits.parse().unwrap_or(usize::MAX))
}

/// The column of what stands behind the dashes of a line.
fn content_column(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '-']).len()
}

/// The column of the dash that was cut off behind `before`.
fn column_of_dash(before: &str) -> usize {
    before.len()
}
