//! Rewrites as code actions: the edits that `migrate` would make.

use std::{collections::HashMap, sync::Arc};

use gen_lsp_types::{
    CodeAction, CodeActionKind, Diagnostic, DocumentChange, Edit, OptionalVersionedTextDocumentIdentifier,
    TextDocumentEdit, TextDocumentIdentifier, TextEdit, WorkspaceEdit,
};

use super::{
    document::Document,
    position::{Encoding, Places},
};
use crate::{
    lint,
    migrate::{Options, Proposal, propose},
    pod::Settings,
    remedy,
    remedy::{Form, Holders, Surroundings},
    rules::Finding,
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
            let (proposal, mark) = match self.migrated(*form, false, &only) {
                Some(proposal) => (proposal, ""),
                None => (self.migrated(*form, true, &only)?, " (look at it)"),
            };
            let title = format!("Replace {} by {}{mark}", finding.rule.name, form.offer());
            Some(CodeAction {
                diagnostics: Some(vec![diagnostic.clone()]),
                ..self.action(title, CodeActionKind::QuickFix, &proposal)
            })
        });
        rewrites.collect()
    }

    /// The rewrites of everything in the document that nobody has to look at, in each form.
    pub(super) fn of_document(&self) -> Vec<CodeAction> {
        let rewrites = self.forms.iter().filter_map(|form| {
            let proposal = self.migrated(*form, false, &self.findings)?;
            let title = format!("Replace all workarounds in this file by {}", form.offer());
            Some(self.action(title, CodeActionKind::QuickFix, &proposal))
        });
        rewrites.collect()
    }

    /// The rewrite that an editor may make on each save. Only where a configuration says in which form.
    pub(super) fn fix_all(&self) -> Option<CodeAction> {
        let [form] = self.forms.as_slice() else {
            return None;
        };
        let proposal = self.migrated(*form, false, &self.findings)?;
        let title = format!("Replace all workarounds by {}", form.offer());
        Some(self.action(title, CodeActionKind::SourceFixAll, &proposal))
    }

    /// The rewrite of these findings, if it stays within the document.
    fn migrated(&self, form: Form, review: bool, findings: &[&Finding]) -> Option<Proposal> {
        let options = Options {
            lint: lint::Options {
                settings: Settings {
                    target: Some(form.into()),
                    ..self.lint.settings
                },
                catalogue: Arc::clone(&self.lint.catalogue),
            },
            remedy: remedy::Options::of(form).reviewed(review),
        };
        let source = &self.document.source;
        let mut sources = self.others.clone();
        if !sources.contains(source) {
            sources.push(Arc::clone(source));
        }
        let holders = Holders::read(&sources);
        propose(source, &Surroundings::of(&holders), &options, findings).filter(|proposal| {
            let mut changed = proposal.replacements.iter();
            changed.all(|replacement| Arc::ptr_eq(&replacement.source, source))
        })
    }

    fn action(&self, title: String, kind: CodeActionKind, proposal: &Proposal) -> CodeAction {
        CodeAction {
            title,
            kind: Some(kind),
            edit: Some(self.edit(proposal)),
            ..CodeAction::default()
        }
    }

    fn edit(&self, proposal: &Proposal) -> WorkspaceEdit {
        let places = Places::new(&self.document.source.text, self.encoding);
        let edits = proposal.replacements.iter().map(|replacement| TextEdit {
            range: places.range(&replacement.span),
            new_text: replacement.text.clone(),
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
