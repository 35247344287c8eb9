//! Lines by which a template prints what is new among its values.

use crate::diff::Hunk;

use super::Back;
use crate::tree::helm::{
    conditions::{expression, opening},
    edits::Edits,
    held::{held_at, indentation},
    items::Item,
    placing::ending,
    printings::Printing,
};

impl Back<'_> {
    /// Lets a template print the values that a container goes to, where it would stand.
    pub(super) fn print(&self, item: &Item, hunk: &Hunk, edits: &mut Edits) -> Option<()> {
        let (anchor, shift) = self.anchor(hunk)?;
        let wanted = self.texts(hunk.after.clone(), shift, &anchor.line);
        let column = wanted
            .iter()
            .find(|line| line.trim_start().starts_with("- "))
            .map(|line| indentation(line))?;
        let beside = item
            .printings
            .iter()
            .find(|printing| printing.path == anchor.line.path);
        let printing = beside.or(item.printings.first())?;
        let entry = |key: &str| {
            let is_own = |line: &&String| line.trim_start().starts_with(&format!("{key}:"));
            let at = wanted
                .iter()
                .position(|line| indentation(line) == column + 2 && is_own(&line));
            let rest = at.and_then(|at| wanted.get(at..)).unwrap_or_default();
            let inner = rest
                .iter()
                .skip(1)
                .take_while(|line| indentation(line) > column + 2);
            rest.iter().take(1).chain(inner).cloned().collect::<Vec<_>>()
        };
        let mut lines = item.printed(printing, column, entry)?;
        let asked = Printing::condition(&lines).map(str::to_owned);
        let margin = wanted.first().map_or(column, |line| indentation(line));
        let key = wanted
            .first()
            .filter(|line| line.trim_end().ends_with(':'))
            .cloned();
        match (key, asked) {
            // The key goes into the condition that asks for the values.
            (Some(key), Some(_)) => {
                let last = lines.len().checked_sub(1)?;
                for at in [0, last] {
                    let line = lines.get_mut(at)?;
                    *line = format!("{}{}", " ".repeat(margin), line.trim_start());
                }
                lines.insert(1, key);
            }
            (key, _) => {
                let other = lines.iter().find_map(|line| expression(line));
                let asked = other.map(str::to_owned).or_else(|| {
                    let words = &printing.words;
                    let to = item.target()?;
                    Some(format!("{}{to}", words.strip_suffix(words.rsplit('.').next()?)?))
                })?;
                lines.splice(0..0, [opening(margin, &[asked])].into_iter().chain(key));
                lines.push(ending(margin));
            }
        }
        let text = self.files.text(&anchor.line.path)?;
        let held = wanted
            .first()
            .and_then(|first| held_at(text, anchor.line.line, anchor.after, first));
        match held {
            Some(held) => edits.join_held(&anchor.line.path, held, lines),
            None => edits.insert(anchor, lines),
        }
        Some(())
    }

    /// Lets a template print a new map of annotations where those of a container's pod would stand.
    pub(super) fn print_annotations(&self, item: &Item, hunks: &[Hunk], edits: &mut Edits) -> Option<()> {
        let (words, key, lines) = item.new_annotations()?;
        let is_own = |hunk: &&Hunk| lines.start <= hunk.after.start && hunk.after.end <= lines.end;
        let hunk = hunks.iter().find(is_own)?;
        let (anchor, shift) = self.anchor(hunk)?;
        let mut wanted = self.texts(hunk.after.clone(), shift, &anchor.line);
        let is_entry = |line: &String| line.trim_start().starts_with(key);
        let first = wanted.iter().position(is_entry)?;
        let column = indentation(wanted.get(first)?);
        let margin = indentation(wanted.first()?);
        wanted.truncate(first);
        wanted.insert(0, format!("{}{{{{- with {words} }}}}", " ".repeat(margin)));
        wanted.push(format!(
            "{}{{{{- toYaml . | nindent {column} }}}}",
            " ".repeat(column)
        ));
        wanted.push(ending(margin));
        edits.insert(anchor, wanted);
        Some(())
    }
}
