//! Simple commands, assignments and redirections.

use super::{Assignment, Command, Redirect, RedirectKind, Simple, Word, cursor::Parser};

/// The operators of redirections, longer ones first.
const OPERATORS: [(&str, RedirectKind); 12] = [
    ("&>>", RedirectKind::Append),
    ("<<<", RedirectKind::Here),
    ("<<-", RedirectKind::Here),
    ("&>", RedirectKind::Write),
    ("<<", RedirectKind::Here),
    ("<&", RedirectKind::Duplicate),
    ("<>", RedirectKind::ReadWrite),
    (">&", RedirectKind::Duplicate),
    (">>", RedirectKind::Append),
    (">|", RedirectKind::Write),
    ("<", RedirectKind::Read),
    (">", RedirectKind::Write),
];

/// Commands whose words may be assignments of arrays.
const DECLARATIONS: [&str; 5] = ["declare", "export", "local", "readonly", "typeset"];

impl Parser<'_> {
    /// A simple command, or a function where `()` follows its first word.
    pub(super) fn simple_or_function(&mut self, start: usize) -> Option<Command> {
        let mut simple = Simple::default();
        loop {
            self.skip_blanks();
            if let Some(redirect) = self.redirect()? {
                simple.redirects.push(redirect);
                continue;
            }
            let Some(byte) = self.byte() else { break };
            let opens_word = matches!(byte, b'<' | b'>');
            if matches!(byte, b'\n' | b';' | b'&' | b'|' | b')') {
                break;
            }
            if byte == b'(' && !opens_word {
                return self.behind_parenthesis(start, simple);
            }
            if simple.words.is_empty()
                && let Some(assignment) = self.assignment()?
            {
                simple.assignments.push(assignment);
                continue;
            }
            simple.words.push(self.word(false)?);
        }
        if simple.words.is_empty() && simple.assignments.is_empty() && simple.redirects.is_empty() {
            return None;
        }
        simple.span = self.span_from(start);
        simple.scripts = self.embedded(&simple.words, &simple.redirects);
        Some(Command::Simple(simple))
    }

    /// `name()` starts a function, `local name=(…)` holds an array; anything else is an error.
    fn behind_parenthesis(&mut self, start: usize, mut simple: Simple) -> Option<Command> {
        let only_word = simple.words.len() == 1;
        let declares = simple
            .words
            .first()
            .is_some_and(|word| DECLARATIONS.contains(&word.raw.as_str()));
        let last = simple.words.last_mut()?;
        if last.raw.ends_with('=') && declares {
            let length = last.raw.len();
            let array = self.array(self.position().checked_sub(length)?)?;
            *last = array;
            return self.rest_of_simple(start, simple);
        }
        if !only_word || !simple.assignments.is_empty() || !simple.redirects.is_empty() {
            return None;
        }
        self.advance(1);
        self.expect(")")?;
        let name = simple.words.pop()?;
        if name.raw.contains(['$', '`', '\'', '"', '\\', '=']) {
            return None;
        }
        self.function_body(start, &name)
    }

    /// Goes on with a simple command that has words already.
    fn rest_of_simple(&mut self, start: usize, mut simple: Simple) -> Option<Command> {
        self.skip_blanks();
        if let Some(Command::Simple(rest)) = self.simple_behind_array(start)? {
            simple.words.extend(rest.words);
            simple.redirects.extend(rest.redirects);
        }
        simple.span = self.span_from(start);
        Some(Command::Simple(simple))
    }

    #[expect(clippy::option_option, reason = "an error is not the same as nothing")]
    fn simple_behind_array(&mut self, start: usize) -> Option<Option<Command>> {
        match self.byte() {
            None | Some(b'\n' | b';' | b'&' | b'|' | b')') => Some(None),
            Some(_) => self.simple_or_function(start).map(Some),
        }
    }

    /// `NAME=value`, where one stands here.
    #[expect(clippy::option_option, reason = "an error is not the same as nothing")]
    fn assignment(&mut self) -> Option<Option<Assignment>> {
        let start = self.position();
        let rest = self.rest();
        let length = rest
            .bytes()
            .position(|byte| !byte.is_ascii_alphanumeric() && byte != b'_')
            .unwrap_or(rest.len());
        if length == 0 || rest.starts_with(|first: char| first.is_ascii_digit()) {
            return Some(None);
        }
        let name = self.slice(start, start + length).to_owned();
        let mut equals = start + length;
        let indexed = self.byte_at(equals) == Some(b'[');
        if indexed {
            while !matches!(self.byte_at(equals), None | Some(b']' | b' ' | b'\t' | b'\n')) {
                equals += 1;
            }
            equals += 1;
        }
        let appends = self.byte_at(equals) == Some(b'+');
        equals += usize::from(appends);
        if self.byte_at(equals) != Some(b'=') {
            return Some(None);
        }
        self.jump(equals + 1);
        let mut value = if self.sees("(") {
            self.array(self.position())?
        } else {
            self.word_or_nothing(false)?
        };
        if indexed {
            // One element says nothing about the variable's value.
            value.pieces.push(super::Piece::Arithmetic);
        }
        Some(Some(Assignment {
            name,
            appends,
            value,
            span: self.span_from(start),
        }))
    }

    /// The redirections behind a compound command.
    pub(super) fn redirects(&mut self) -> Option<Vec<Redirect>> {
        let mut redirects = Vec::new();
        loop {
            self.skip_blanks();
            let Some(redirect) = self.redirect()? else {
                return Some(redirects);
            };
            redirects.push(redirect);
        }
    }

    /// A redirection, where one stands here.
    #[expect(clippy::option_option, reason = "an error is not the same as nothing")]
    fn redirect(&mut self) -> Option<Option<Redirect>> {
        let start = self.position();
        let rest = self.rest();
        let digits = rest
            .bytes()
            .position(|byte| !byte.is_ascii_digit())
            .unwrap_or(rest.len());
        let behind_digits = rest.get(digits..)?;
        let operator = OPERATORS
            .iter()
            .find(|(operator, _)| behind_digits.starts_with(operator));
        let Some((operator, kind)) = operator else {
            return Some(None);
        };
        // `<(…)` is a word, and so is the number in `5&>file`.
        let is_substitution =
            matches!(*operator, "<" | ">") && behind_digits.as_bytes().get(1) == Some(&b'(');
        if is_substitution || (operator.starts_with('&') && digits > 0) {
            return Some(None);
        }
        let descriptor = match digits {
            0 => None,
            _ => Some(rest.get(..digits)?.parse().ok()?),
        };
        self.advance(digits + operator.len());
        self.skip_blanks();
        let word = self.word(false)?;
        let span = self.span_from(start);
        let mut kind = *kind;
        let target = match *operator {
            "<<" | "<<-" => self.here_document(&word, *operator == "<<-")?,
            // bash's `>&file` is `&>file`.
            ">&" if !word
                .raw
                .starts_with(|first: char| first.is_ascii_digit() || "-$".contains(first)) =>
            {
                kind = RedirectKind::Write;
                word
            }
            _ => word,
        };
        Some(Some(Redirect {
            kind,
            descriptor,
            target: Some(target),
            span,
        }))
    }

    /// The text between the line being read and the line that is the delimiter.
    fn here_document(&mut self, delimiter: &Word, strips_tabs: bool) -> Option<Word> {
        let start = self.here_document_start()?;
        let end_line = delimiter.literal()?;
        let (position, last_end) = (self.position(), self.last_end());
        let mut line_start = start;
        let (end, resume) = loop {
            let behind = self.text_from(line_start);
            let length = behind.find('\n').unwrap_or(behind.len());
            let line = behind.get(..length)?;
            let line = if strips_tabs {
                line.trim_start_matches('\t')
            } else {
                line
            };
            let next = line_start + length + 1;
            if line == end_line {
                break (line_start, next.min(line_start + behind.len()));
            }
            if length == behind.len() {
                return None;
            }
            line_start = next;
        };
        let quoted = delimiter.raw.contains(['\'', '"', '\\']);
        let mut text = if quoted {
            let text = self.slice(start, end);
            Word {
                raw: text.to_owned(),
                pieces: vec![super::Piece::Text {
                    text: text.to_owned(),
                    quoted: true,
                }],
                span: self.span(start, end),
            }
        } else {
            self.here_document_text(start, end)?
        };
        if strips_tabs {
            text.strip_tabs();
        }
        self.restore(position, last_end);
        self.continue_behind_here_document(resume);
        Some(text)
    }
}

impl Word {
    /// Removes the tabs in front of each line, as `<<-` does.
    fn strip_tabs(&mut self) {
        let mut at_line_start = true;
        for piece in &mut self.pieces {
            if let super::Piece::Text { text, .. } = piece {
                let mut stripped = String::with_capacity(text.len());
                for line in text.split_inclusive('\n') {
                    stripped.push_str(if at_line_start {
                        line.trim_start_matches('\t')
                    } else {
                        line
                    });
                    at_line_start = line.ends_with('\n');
                }
                *text = stripped;
            } else {
                at_line_start = false;
            }
        }
    }
}
