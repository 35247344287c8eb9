//! Code actions: the edits that `migrate` would make, and comments that silence a finding.

use std::{collections::HashMap, ops::Range, sync::Arc};

use gen_lsp_types::{
    CodeAction, CodeActionKind, Diagnostic, DocumentChange, Edit, OptionalVersionedTextDocumentIdentifier,
    TextDocumentEdit, TextDocumentIdentifier, TextEdit, Uri, WorkspaceEdit,
};

use super::{
    client::Client,
    document::Document,
    position::{Encoding, Places},
    trees::{RenderedTree, RewrittenFile, TreeRewrite},
};
use crate::{
    diff::hunks,
    lint,
    migrate::{Options, Proposal, propose},
    remedy::{Form, Holders, Surroundings},
    rules::{Finding, RULES},
    source::SourceFile,
    suppress::{Suppression, ignore_here, without},
};

/// What an editor may run on each save, without what other servers offer for it.
pub(super) const FIX_ALL: CodeActionKind = CodeActionKind::new("source.fixAll.kubectl-sidecar");

/// What rewrites of a document are made of.
pub(super) struct Rewrites<'b> {
    pub(super) document: &'b Document,
    /// What is checked together with it.
    pub(super) others: Vec<Arc<SourceFile>>,
    pub(super) lint: lint::Options,
    pub(super) forms: Vec<Form>,
    /// Whether the rewrites of the whole document do what a person has to look at too.
    pub(super) review: bool,
    /// All findings of the document that nobody has silenced.
    pub(super) findings: Vec<&'b Finding>,
    pub(super) encoding: Encoding,
    /// Whether the client takes edits of a version of a document, and refuses those of another one.
    pub(super) versioned: bool,
}

impl Rewrites<'_> {
    /// The rewrites of one finding, in each form. One that a person has to look at says so; one that is safe and
    /// in the only form that is wanted is preferred.
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
                is_preferred: (mark.is_empty() && self.forms.len() == 1).then_some(true),
                ..self.action(title, CodeActionKind::QuickFix, replaced(&proposal))
            })
        });
        rewrites.collect()
    }

    /// The comment that silences a finding, with a place for the reason.
    pub(super) fn silenced(&self, finding: &Finding, diagnostic: &Diagnostic) -> Option<CodeAction> {
        let change = ignore_here(finding, &self.document.source, RULES)?;
        let title = format!("Ignore {} here", finding.rule.name);
        Some(CodeAction {
            diagnostics: Some(vec![diagnostic.clone()]),
            ..self.action(
                title,
                CodeActionKind::QuickFix,
                [(&change.span, change.text.as_str())],
            )
        })
    }

    /// The document without a suppression that silences nothing.
    pub(super) fn without(&self, unused: &Suppression, diagnostic: &Diagnostic) -> Option<CodeAction> {
        let change = without(unused, &self.document.source, RULES)?;
        let title = format!("Remove the unused suppression of {}", unused.rule);
        Some(CodeAction {
            diagnostics: Some(vec![diagnostic.clone()]),
            is_preferred: Some(true),
            ..self.action(
                title,
                CodeActionKind::QuickFix,
                [(&change.span, change.text.as_str())],
            )
        })
    }

    /// The rewrites of everything in the document that nobody has to look at, in each form.
    pub(super) fn of_document(&self) -> Vec<CodeAction> {
        let rewrites = self.forms.iter().filter_map(|form| {
            let proposal = self.migrated(*form, self.review, &self.findings)?;
            let title = format!("Replace all workarounds in this file by {}", form.offer());
            Some(self.action(title, CodeActionKind::QuickFix, replaced(&proposal)))
        });
        rewrites.collect()
    }

    /// The rewrite that an editor may make on each save. Only where a configuration says in which form.
    pub(super) fn fix_all(&self) -> Option<CodeAction> {
        let [form] = self.forms.as_slice() else {
            return None;
        };
        let proposal = self.migrated(*form, self.review, &self.findings)?;
        let title = format!("Replace all workarounds by {}", form.offer());
        Some(self.action(title, FIX_ALL, replaced(&proposal)))
    }

    /// The rewrite of these findings, if it stays within the document.
    fn migrated(&self, form: Form, review: bool, findings: &[&Finding]) -> Option<Proposal> {
        let options = Options::of(&self.lint, form, review);
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

    fn action<'c>(
        &self,
        title: String,
        kind: CodeActionKind,
        changes: impl IntoIterator<Item = (&'c Range<usize>, &'c str)>,
    ) -> CodeAction {
        CodeAction {
            title,
            kind: Some(kind),
            edit: Some(self.edit(changes)),
            ..CodeAction::default()
        }
    }

    fn edit<'c>(&self, changes: impl IntoIterator<Item = (&'c Range<usize>, &'c str)>) -> WorkspaceEdit {
        let places = Places::new(&self.document.source.text, self.encoding);
        let edits = changes.into_iter().map(|(span, text)| TextEdit {
            range: places.range(span),
            new_text: text.to_owned(),
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

/// What a proposal puts in the place of which bytes.
fn replaced(proposal: &Proposal) -> impl Iterator<Item = (&Range<usize>, &str)> {
    let replacements = proposal.replacements.iter();
    replacements.map(|replacement| (&replacement.span, replacement.text.as_str()))
}

/// The edit of all files of a tree, which was proved by rendering it again.
pub(super) fn tree_action<'t>(
    tree: &RenderedTree,
    rewrite: &TreeRewrite,
    files: impl Iterator<Item = (Uri, Option<i32>, &'t RewrittenFile)>,
    diagnostic: &Diagnostic,
    client: &Client,
) -> CodeAction {
    let mark = if rewrite.is_for_review {
        " (look at it)"
    } else {
        ""
    };
    let mut edits = Vec::new();
    for (uri, version, file) in files {
        let places = Places::new(&file.old, client.encoding);
        edits.push((uri, version, replaced_lines(file, &places)));
    }
    let edit = match client.versioned_edits {
        true => WorkspaceEdit {
            document_changes: Some(
                edits
                    .into_iter()
                    .map(|(uri, version, edits)| {
                        DocumentChange::TextDocumentEdit(TextDocumentEdit {
                            text_document: OptionalVersionedTextDocumentIdentifier {
                                version,
                                text_document_identifier: TextDocumentIdentifier { uri },
                            },
                            edits: edits.into_iter().map(Edit::TextEdit).collect(),
                        })
                    })
                    .collect(),
            ),
            ..WorkspaceEdit::default()
        },
        false => WorkspaceEdit {
            changes: Some(edits.into_iter().map(|(uri, _, edits)| (uri, edits)).collect()),
            ..WorkspaceEdit::default()
        },
    };
    CodeAction {
        title: format!(
            "Replace all workarounds of {} by {}{mark}",
            tree.name,
            rewrite.form.offer()
        ),
        kind: Some(CodeActionKind::QuickFix),
        diagnostics: Some(vec![diagnostic.clone()]),
        edit: Some(edit),
        ..CodeAction::default()
    }
}

/// The lines that differ, as edits of the old text.
fn replaced_lines(file: &RewrittenFile, places: &Places<'_>) -> Vec<TextEdit> {
    let start =
        |text: &str, line: usize| -> usize { text.split_inclusive('\n').take(line).map(str::len).sum() };
    hunks(&file.old, &file.new)
        .into_iter()
        .map(|hunk| {
            let span = start(&file.old, hunk.before.start)..start(&file.old, hunk.before.end);
            let new = start(&file.new, hunk.after.start)..start(&file.new, hunk.after.end);
            TextEdit {
                range: places.range(&span),
                new_text: file.new.get(new).unwrap_or_default().to_owned(),
            }
        })
        .collect()
}
