//! Lines that stay where a condition does not hold: a script that waits for a sidecar or ends it, in a template that other
//! values leave without that sidecar.

use std::path::Path;

use super::{
    super::Files,
    conditions::{around, expression, opening},
    edits::{Anchor, Edits, name_of_define},
    held::indentation,
    lines::lines_of,
    marks::{SourceLine, is_template},
    placing::{MOST_CALLS, ending},
};

/// Lines of a file, in one piece, that stay where the condition does not hold.
pub(super) struct Kept {
    first: SourceLine,
    last: SourceLine,
    /// What comes before them, and behind them.
    before: Vec<String>,
    after: Vec<String>,
}

impl Edits {
    /// Takes what goes from outside of the one condition that is known out of what goes. Nothing where no condition is
    /// known, or it says nothing at such a line.
    pub(super) fn take_kept(&mut self, files: &Files) -> Option<Vec<Kept>> {
        let asked = self
            .condition_of_sidecar(files)
            .or_else(|| self.condition(files))?;
        let absent = opposite(&asked.expression);
        let is_outside = |line: &SourceLine| {
            is_template(&line.path) && !is_asked(files, line, &asked.expression, MOST_CALLS)
        };
        let mut kept: Vec<Kept> = Vec::new();
        for line in self.deleted.iter().filter(|line| is_outside(line)) {
            let text = files.text(&line.path)?;
            if !asked.is_known_at(&line.path, &lines_of(text), line.line) {
                return None;
            }
            if let Some(above) = kept.last_mut()
                && above.last.path == line.path
                && above.last.line + 1 == line.line
            {
                above.last = line.clone();
                continue;
            }
            let margin = indentation(text.split('\n').nth(line.line)?);
            kept.push(Kept {
                first: line.clone(),
                last: line.clone(),
                before: vec![opening(margin, std::slice::from_ref(&absent))],
                after: vec![ending(margin)],
            });
        }
        self.deleted.retain(|line| !is_outside(line));
        for line in self.swaps.keys().filter(|line| is_outside(line)) {
            let text = files.text(&line.path)?;
            if !asked.is_known_at(&line.path, &lines_of(text), line.line) {
                return None;
            }
            let old = text.split('\n').nth(line.line)?;
            let margin = indentation(old);
            let other = format!("{}{{{{- else }}}}", " ".repeat(margin));
            kept.push(Kept {
                first: line.clone(),
                last: line.clone(),
                before: vec![opening(margin, std::slice::from_ref(&asked.expression))],
                after: vec![other, old.to_owned(), ending(margin)],
            });
        }
        (!kept.is_empty()).then_some(kept)
    }

    /// Puts the condition around lines that stay.
    pub(super) fn keep(&mut self, kept: Vec<Kept>) {
        for Kept {
            first,
            last,
            before,
            after,
        } in kept
        {
            let at = |line, after| Anchor { line, after };
            self.insert_first(at(first, false), before);
            self.insert_first(at(last, true), after);
        }
    }
}

/// Whether a condition asks this where a line stands, or where the part that it is in is included.
fn is_asked(files: &Files, at: &SourceLine, asked: &str, calls: usize) -> bool {
    let Some(text) = files.text(&at.path) else {
        return false;
    };
    let texts: Vec<&str> = text.split('\n').collect();
    let mut own = around(&lines_of(text), at.line).into_iter();
    let is_own =
        own.any(|own| !own.is_else && texts.get(own.line).and_then(|line| expression(line)) == Some(asked));
    is_own
        || calls.checked_sub(1).is_some_and(|calls| {
            let call = only_call(files, &at.path, at.line);
            call.is_some_and(|call| is_asked(files, &call, asked, calls))
        })
}

/// The only line that includes the part of a template which a line is in.
pub(super) fn only_call(files: &Files, path: &Path, line: usize) -> Option<SourceLine> {
    let text = files.text(path)?;
    let start = lines_of(text).get(line)?.define?;
    let name = name_of_define(text.split('\n').nth(start)?)?;
    let words = [format!("include \"{name}\""), format!("template \"{name}\"")];
    let templates = files.texts().filter(|(path, _)| is_template(path));
    let mut calls = templates.flat_map(|(path, text)| {
        let lines = text.split('\n').enumerate();
        let own = lines.filter(|(_, line)| words.iter().any(|words| line.contains(words)));
        let own = own.map(|(line, _)| SourceLine {
            path: path.to_owned(),
            line,
        });
        own.collect::<Vec<_>>()
    });
    let call = calls.next()?;
    calls.next().is_none().then_some(call)
}

/// What holds where an expression does not.
pub(super) fn opposite(expression: &str) -> String {
    match expression.strip_prefix("not ") {
        Some(rest) if !rest.trim().contains(char::is_whitespace) => rest.trim().to_owned(),
        _ if expression.contains(char::is_whitespace) => format!("not ({expression})"),
        _ => format!("not {expression}"),
    }
}
