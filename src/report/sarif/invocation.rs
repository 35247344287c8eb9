//! The run itself: how it ended, and what it could not read.

use serde_json::{Value, json};

use super::{
    Writer,
    driver::{ERRORS, NOT_LOOKED_AT, UNUSED},
    plain,
};
use crate::{
    source::{Note, SourceError},
    suppress::Suppression,
};

impl Writer<'_> {
    pub(super) fn invocation(&self) -> Value {
        let errors = self.report.errors.iter().map(|error| self.error(error));
        let notes = self.report.notes.iter().map(|note| self.note(note));
        let unused = self
            .report
            .suppressions
            .iter()
            .filter(|suppression| !suppression.used);
        let mut invocation = json!({
            "executionSuccessful": self.report.errors.is_empty(),
            "toolExecutionNotifications": errors.chain(notes).collect::<Vec<_>>(),
            "toolConfigurationNotifications": unused.map(|unused| self.unused(unused)).collect::<Vec<_>>(),
        });
        if let (Some(provenance), Some(fields)) = (self.report.provenance, invocation.as_object_mut()) {
            fields.insert("commandLine".to_owned(), json!(provenance.command));
            fields.insert("endTimeUtc".to_owned(), json!(provenance.made_at));
        }
        invocation
    }

    fn error(&self, error: &SourceError) -> Value {
        let kind = ERRORS.iter().position(|(kind, ..)| *kind == error.kind);
        let id = kind.and_then(|kind| ERRORS.get(kind)).map(|(_, id, _)| *id);
        let location = self.line(&self.report.place_of_error(error), error.line);
        notification(
            "error",
            &error.to_string(),
            &json!({"id": id, "index": kind}),
            location,
        )
    }

    fn note(&self, note: &Note) -> Value {
        let (id, index) = match note.kind.is_template() {
            true => ("template", ERRORS.iter().position(|(_, id, _)| *id == "template")),
            false => (NOT_LOOKED_AT, Some(ERRORS.len() + 1)),
        };
        let location = self.line(&self.report.place(&note.file), note.line);
        notification(
            "note",
            &note.to_string(),
            &json!({"id": id, "index": index}),
            location,
        )
    }

    fn unused(&self, suppression: &Suppression) -> Value {
        let descriptor = json!({"id": UNUSED, "index": ERRORS.len()});
        let location = self.line(&self.report.place(&suppression.file), suppression.line);
        notification("warning", &suppression.to_string(), &descriptor, location)
    }
}

fn notification(level: &str, text: &str, descriptor: &Value, location: Option<Value>) -> Value {
    let mut notification = json!({
        "level": level,
        "message": {"text": plain(text)},
        "descriptor": descriptor,
    });
    if let (Some(location), Some(fields)) = (location, notification.as_object_mut()) {
        fields.insert("locations".to_owned(), json!([location]));
    }
    notification
}
