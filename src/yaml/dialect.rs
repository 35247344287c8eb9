//! What kubectl's reader refuses or takes for something else where YAML 1.2 does not: the rules of libyaml, which is
//! go-yaml's too.

use std::ops::Range;

use memchr::memmem;

use super::{
    error::{ParseError, Reason},
    events::Reader,
    tree::Shape,
};

impl Reader<'_> {
    /// Refuses a tab among the blanks that a line starts with, or behind a dash; libyaml has none there outside of [ ]
    /// and { }.
    pub(super) fn check_indentation(&self, at: usize) -> Result<(), ParseError> {
        if !self.has_tab || self.is_in_flow() {
            return Ok(());
        }
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        let blanks = before
            .iter()
            .rev()
            .take_while(|byte| matches!(byte, b' ' | b'\t'));
        let (count, has_tab) = blanks.fold((0, false), |(count, has_tab), byte| {
            (count + 1, has_tab | (*byte == b'\t'))
        });
        // Behind these a key may start.
        let may_start_key = matches!(
            before.iter().rev().nth(count),
            None | Some(b'\n' | b'\r' | b'-' | b'?')
        );
        if !(has_tab && may_start_key) {
            return Ok(());
        }
        let message = "a tab stands in the indentation; kubectl takes blanks only";
        Err(ParseError::new(self.text, at - count, Reason::Syntax, message))
    }

    /// Refuses an anchor whose name has other characters than letters, digits, `_` and `-`: go-yaml ends the name
    /// before them, and takes them for the value.
    pub(super) fn check_anchor(&self, written: usize, properties: usize) -> Result<(), ParseError> {
        let mut at = written;
        for _ in 0..properties {
            at = self.lexer.skip_gap(at);
            let end = self.lexer.properties_end(at, 1);
            let property = self.text.get(at..end).unwrap_or_default();
            let is_name = |name: &str| {
                name.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
            };
            if property.strip_prefix('&').is_some_and(|name| !is_name(name)) {
                let message = "kubectl reads letters, digits, `_` and `-` in the name of an anchor";
                return Err(ParseError::new(self.text, at, Reason::Syntax, message));
            }
            at = end;
        }
        Ok(())
    }

    /// Refuses a key of several lines in a flow collection; libyaml's keys end on their line.
    pub(super) fn check_key_in_flow(&self, span: Range<usize>) -> Result<(), ParseError> {
        let is_key = self
            .builder
            .innermost()
            .is_some_and(|open| open.shape != Shape::Block && open.mapping && open.children % 2 == 0);
        if !is_key {
            return Ok(());
        }
        let colon = self.lexer.skip_gap(span.end);
        let to_the_colon = self.text.get(span.start..colon).unwrap_or_default();
        if !to_the_colon.contains(['\n', '\r']) || self.lexer.at(colon) != b':' {
            return Ok(());
        }
        let message = "kubectl reads no key of several lines in [ ] and { }; put it on one line";
        Err(ParseError::new(self.text, span.start, Reason::Syntax, message))
    }

    pub(super) fn is_in_flow(&self) -> bool {
        self.builder
            .innermost()
            .is_some_and(|open| open.shape != Shape::Block)
    }

    /// Refuses what go-yaml takes for indicators in a flow collection: a colon at the start of a plain scalar, a
    /// question mark anywhere in it; and a colon directly before a comma or bracket, which it takes for a part of
    /// the scalar.
    pub(super) fn check_plain_in_flow(&self, span: Range<usize>) -> Result<(), ParseError> {
        if !self.is_in_flow() {
            return Ok(());
        }
        let raw = self.text.get(span.clone()).unwrap_or_default();
        let fail = |at: usize, what: &str| {
            let message = format!("kubectl reads {what} in [ ] and {{ }}; put the value in quotes");
            Err(ParseError::new(self.text, at, Reason::Syntax, message))
        };
        if raw.starts_with(['|', '>']) {
            let message = "a block scalar can't stand in [ ] or { }; put the value in quotes";
            return Err(ParseError::new(self.text, span.start, Reason::Syntax, message));
        }
        if raw.starts_with(':') {
            return fail(span.start, "a leading `:` as the end of a key");
        }
        if let Some(at) = raw.find('?') {
            return fail(span.start + at, "`?` as the start of a key");
        }
        let mut colon = span.end;
        while self.lexer.is_blank(colon) {
            colon += 1;
        }
        if self.lexer.at(colon) == b':'
            && matches!(self.lexer.at(colon + 1), b',' | b'[' | b']' | b'{' | b'}')
        {
            return fail(colon, "`:` without a blank behind it as a part of the value");
        }
        Ok(())
    }
}

/// Refuses a document's first value on the line of its `---`. kubectl takes a text apart at lines that begin so, and
/// takes nothing but a comment behind them (k8s.io/apimachinery, pkg/util/yaml, YAMLReader).
pub(super) fn check_separators(text: &str) -> Result<(), ParseError> {
    if let Some(at) = memmem::find(text.as_bytes(), b"\r---") {
        let message = "kubectl takes a text apart at line feeds only; end the line before `---` with one";
        return Err(ParseError::new(text, at + 1, Reason::Syntax, message));
    }
    if let Some(at) = memmem::find(text.as_bytes(), "\n\u{feff}---".as_bytes()) {
        let message = "kubectl sees no `---` behind a byte order mark; remove the mark";
        return Err(ParseError::new(text, at + 1, Reason::Syntax, message));
    }
    let first = text.strip_prefix('\u{feff}').unwrap_or(text);
    let starts = first
        .starts_with("---")
        .then_some(text.len() - first.len())
        .into_iter()
        .chain(memmem::find_iter(text.as_bytes(), b"\n---").map(|at| at + 1));
    for start in starts {
        let rest = text.get(start + 3..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default();
        let behind = line.trim();
        if !behind.is_empty() && !behind.starts_with('#') {
            let at = start + 3 + (line.len() - line.trim_start().len());
            let message = "kubectl takes nothing but a comment behind `---`; start a new line";
            return Err(ParseError::new(text, at, Reason::Syntax, message));
        }
    }
    Ok(())
}
