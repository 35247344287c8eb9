//! Rewrites as code actions: the edits that `migrate` would make.

use std::{collections::HashMap, ops::Range, sync::Arc};

use gen_lsp_types::{
    CodeAction, CodeActionKind, Diagnostic, DocumentChange, Edit, OptionalVersionedTextDocumentIdentifier,
    TextDocumentEdit, TextDocumentIdentifier, TextEdit, WorkspaceEdit,
};

use super::{
    document::Document,
    position::{Encoding, Places},
};
use crate::{
    diff::{hunks, lines},
    lint,
    migrate::{Form, Migration, Options, migrate},
    rules::{Finding, Settings, Target},
    source::SourceFile,
};

/// What rewrites of a document are made of.
pub(super) struct Bench<'b> {
    pub(super) document: &'b Document,
    /// What is checked together with it.
    pub(super) others: Vec<Arc<SourceFile>>,
    pub(super) lint: lint::Options,
    pub(super) forms: Vec<Form>,
    /// All findings of the document that nobody has silenced.
    pub(super) findings: Vec<&'b Finding>,
    pub(super) encoding: Encoding,
    /// Whether the client takes edits of a version of a document, and refuses those of another one.
    pub(super) versioned: bool,
}

impl Bench<'_> {
    /// The rewrites of one finding, in each form. One that a person has to look at says so.
    pub(super) fn of_finding(&self, finding: &Finding, diagnostic: &Diagnostic) -> Vec<CodeAction> {
        let only = [finding];
        let rewrites = self.forms.iter().filter_map(|form| {
            let (migration, mark) = match self.migrated(*form, false, &only) {
                Some(migration) => (migration, ""),
                None => (self.migrated(*form, true, &only)?, " (look at it)"),
            };
            let title = format!("Replace {} by {}{mark}", finding.rule.name, declared(*form));
            Some(CodeAction {
                diagnostics: Some(vec![diagnostic.clone()]),
                ..self.action(title, CodeActionKind::QuickFix, &migration)
            })
        });
        rewrites.collect()
    }

    /// The rewrites of everything in the document that nobody has to look at, in each form.
    pub(super) fn of_document(&self) -> Vec<CodeAction> {
        let rewrites = self.forms.iter().filter_map(|form| {
            let migration = self.migrated(*form, false, &self.findings)?;
            let title = format!("Replace all workarounds in this file by {}", declared(*form));
            Some(self.action(title, CodeActionKind::QuickFix, &migration))
        });
        rewrites.collect()
    }

    /// The rewrite that an editor may make on each save. Only where a configuration says in which form.
    pub(super) fn fix_all(&self) -> Option<CodeAction> {
        let [form] = self.forms.as_slice() else {
            return None;
        };
        let migration = self.migrated(*form, false, &self.findings)?;
        let title = format!("Replace all workarounds by {}", declared(*form));
        Some(self.action(title, CodeActionKind::SourceFixAll, &migration))
    }

    /// The document without the workarounds of these findings, if that is another text.
    fn migrated(&self, form: Form, review: bool, findings: &[&Finding]) -> Option<Migration> {
        let options = Options {
            lint: lint::Options {
                settings: Settings {
                    target: Some(match form {
                        Form::Lifecycle => Target::Lifecycle,
                        Form::Native => Target::Native,
                        Form::Annotation => Target::Annotation,
                    }),
                    ..self.lint.settings
                },
                catalogue: Arc::clone(&self.lint.catalogue),
            },
            form,
            review,
            converts: false,
            sidecars: Vec::new(),
        };
        let mut choose = |mut all: Vec<Finding>| {
            all.retain(|one| findings.iter().any(|chosen| is_same(one, chosen)));
            all
        };
        migrate(&self.document.source, &self.others, &options, &mut choose)
            .ok()
            .filter(Migration::is_changed)
    }

    fn action(&self, title: String, kind: CodeActionKind, migration: &Migration) -> CodeAction {
        CodeAction {
            title,
            kind: Some(kind),
            edit: Some(self.edit(&migration.text)),
            ..CodeAction::default()
        }
    }

    fn edit(&self, text: &str) -> WorkspaceEdit {
        let places = Places::new(&self.document.source.text, self.encoding);
        let edits = edits(&self.document.source.text, text)
            .into_iter()
            .map(|(span, new_text)| TextEdit {
                range: places.range(&span),
                new_text,
            });
        let uri = self.document.uri.clone();
        if !self.versioned {
            return WorkspaceEdit {
                changes: Some(HashMap::from([(uri, edits.collect())])),
                ..WorkspaceEdit::default()
            };
        }
        let edit = TextDocumentEdit {
            text_document: OptionalVersionedTextDocumentIdentifier {
                version: Some(self.document.version),
                text_document_identifier: TextDocumentIdentifier { uri },
            },
            edits: edits.map(Edit::TextEdit).collect(),
        };
        WorkspaceEdit {
            document_changes: Some(vec![DocumentChange::TextDocumentEdit(edit)]),
            ..WorkspaceEdit::default()
        }
    }
}

/// Whether two runs over one text found the same. The wished form is part of some messages.
fn is_same(one: &Finding, other: &Finding) -> bool {
    let place = |finding: &Finding| {
        finding
            .primary()
            .map(|primary| (primary.source.name.clone(), primary.span.clone()))
    };
    one.rule.name == other.rule.name
        && one.document == other.document
        && one.container == other.container
        && place(one) == place(other)
}

fn declared(form: Form) -> &'static str {
    match form {
        Form::Native => "a native sidecar (Kubernetes 1.29 and later)",
        Form::Lifecycle => "lifecycle.type: Sidecar (no released Kubernetes runs it)",
        Form::Annotation => {
            "the annotation kubectl-sidecar/sidecars (an admission policy acts on it, Kubernetes 1.36 and later)"
        }
    }
}

/// The lines that differ, as bytes of the old text and what takes their place.
fn edits(old: &str, new: &str) -> Vec<(Range<usize>, String)> {
    let (old_lines, new_lines) = (lines(old), lines(new));
    let length = |range: Range<usize>| -> usize {
        let lines = old_lines.get(range).unwrap_or_default();
        lines.iter().map(|line| line.len()).sum()
    };
    hunks(old, new)
        .into_iter()
        .map(|hunk| {
            let start = length(0..hunk.before.start);
            let end = start + length(hunk.before);
            let lines = new_lines.get(hunk.after).unwrap_or_default();
            (start..end, lines.concat())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn edits_make_the_new_text(old in "([ab]{0,2}(\\r)?\\n){0,9}[ab]?", new in "([abc]{0,2}\\n){0,9}[ab]?") {
            let mut text = old.clone();
            for (span, replacement) in edits(&old, &new).into_iter().rev() {
                text.replace_range(span, &replacement);
            }
            prop_assert_eq!(text, new);
        }
    }

    #[test]
    fn what_stays_is_not_touched() {
        assert_eq!(edits("a\r\nb\nc", "a\r\nx\nc"), [(3..5, "x\n".to_owned())]);
        assert_eq!(edits("same\n", "same\n"), []);
    }
}
