//! What was not, or not wholly, looked at, counted by reason.

use super::{Report, counted};
use crate::source::NoteKind;

impl Report<'_> {
    /// Whether everything of the input was understood.
    pub(super) fn is_complete(&self) -> bool {
        self.errors.is_empty() && !self.notes.iter().any(|note| note.kind.leaves_doubt())
    }

    /// One sentence for each reason why something was not, or not wholly, looked at.
    pub(super) fn unread(&self) -> Vec<String> {
        let count = |kind: NoteKind| self.notes.iter().filter(|note| note.kind == kind).count();
        let mut lines = Vec::new();
        let how = [
            (NoteKind::Template, "read as text"),
            (NoteKind::TemplateInPart, "read in part"),
            (NoteKind::TemplateSearched, "only searched for known words"),
        ]
        .map(|(kind, how)| (count(kind), how));
        let templates: usize = how.iter().map(|(count, _)| count).sum();
        if templates > 0 {
            let ways: Vec<String> = how
                .into_iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, how)| format!("{count} {how}"))
                .collect();
            let what = if templates == 1 {
                "is a template that needs"
            } else {
                "are templates that need"
            };
            lines.push(format!(
                "{} {what} rendering: {}",
                counted(templates, "file"),
                ways.join(", ")
            ));
        }
        let excluded = count(NoteKind::Excluded);
        if excluded > 0 {
            let verb = if excluded == 1 { "is" } else { "are" };
            lines.push(format!(
                "{} {verb} excluded by the configuration",
                counted(excluded, "file")
            ));
        }
        let ignored = count(NoteKind::Ignored);
        if ignored > 0 {
            lines.push(format!(
                "{} could not be read, which the configuration ignores",
                counted(ignored, "file")
            ));
        }
        let dead = count(NoteKind::DeadLink);
        if dead > 0 {
            let verb = if dead == 1 { "leads" } else { "lead" };
            lines.push(format!("{} {verb} to nothing", counted(dead, "symbolic link")));
        }
        lines
    }
}
