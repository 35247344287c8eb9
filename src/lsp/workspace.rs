//! The open documents with what was found in them, and the answers about them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use gen_lsp_types::{
    CodeAction, CodeActionKind, CodeActionParams, Diagnostic, DocumentDiagnosticParams, Hover, HoverParams,
    Range, TextDocumentPositionParams, Uri,
};
use serde_json::{Value, json};

use super::{
    check::{Configured, Failure, Outcome, check, check_workspace},
    client::{Client, Preferences},
    diagnostic,
    document::Document,
    fix::{FIX_ALL, Rewrites, tree_action},
    hover,
    kept::Kept,
    names,
    position::Places,
    trees::{Around, RenderedTree, RewrittenFile},
    uri,
};
use crate::{
    rules::Finding,
    source::{CONFIGURATION, SourceFile, looks_like_manifest},
    suppress::Suppression,
};

pub(super) struct Workspace<'c> {
    pub(super) client: Client,
    /// By their URI.
    pub(super) documents: BTreeMap<String, Document>,
    pub(super) configured: &'c mut dyn Configured,
    /// Whether the rewrites of a whole document do what a person has to look at too.
    pub(super) review: bool,
    /// Of the documents as they were checked last.
    pub(super) outcome: Outcome,
    /// What checks of the documents keep, and those of the whole workspace.
    pub(super) kept: Kept,
    pub(super) kept_of_folders: Kept,
    /// The URIs of the documents by the names of their sources, as they were checked last.
    pub(super) uris: HashMap<String, String>,
    /// The charts and kustomizations around the documents, as they were rendered last.
    pub(super) trees: Vec<RenderedTree>,
}

impl Workspace<'_> {
    /// Checks all documents.
    pub(super) fn check(&mut self) {
        let documents = self.documents.values();
        self.outcome = check(documents, self.configured, &mut self.kept, &self.trees);
        self.name_documents();
    }

    /// What is to be rendered: what is around the files that are open.
    pub(super) fn around(&self, preferences: &Preferences) -> Around {
        let paths = self
            .documents
            .values()
            .filter_map(|document| document.path.clone());
        let open: Vec<PathBuf> = paths.collect();
        Around {
            folders: self.client.folders.clone(),
            open,
            preferences: preferences.clone(),
        }
    }

    fn name_documents(&mut self) {
        self.uris.clear();
        for (uri, document) in &self.documents {
            let name = document.source.name.clone();
            self.uris.entry(name).or_insert_with(|| uri.clone());
        }
    }

    /// The document whose source has this name.
    fn document_named(&self, name: &str) -> Option<&Document> {
        self.documents.get(self.uris.get(name)?)
    }

    /// The diagnostics of every file of the workspace, as full reports by their URI.
    pub(super) fn reports(&mut self) -> Vec<Value> {
        let documents = self.documents.values();
        let kept = &mut self.kept_of_folders;
        let folders = &self.client.folders;
        self.outcome = check_workspace(documents, folders, self.configured, kept, &self.trees);
        self.name_documents();
        let sources: Vec<Arc<SourceFile>> = self
            .outcome
            .sources
            .iter()
            .map(|checked| Arc::clone(&checked.source))
            .collect();
        let of_sources = sources.iter().map(|source| {
            let document = self.document_named(&source.name);
            let uri = self.uri_of(&source.name);
            report(
                &uri,
                document.map(|document| document.version),
                self.diagnostics(source),
            )
        });
        let reported: BTreeSet<String> = sources.iter().map(|source| self.uri_of(&source.name).0).collect();
        let of_failures = self
            .failed_files()
            .into_iter()
            .map(|path| (uri::of_path(&path), self.of_failures(&path)))
            .filter(|(uri, _)| !reported.contains(&uri.0))
            .map(|(uri, diagnostics)| report(&uri, None, diagnostics));
        of_sources.chain(of_failures).collect()
    }

    /// The files that something was wrong with as configurations.
    pub(super) fn failed_files(&self) -> BTreeSet<PathBuf> {
        let failures = self.outcome.failures.iter();
        failures.map(|failure| failure.path.clone()).collect()
    }

    pub(super) fn is_open(&self, path: &Path) -> bool {
        self.documents
            .values()
            .filter_map(|document| document.path.as_deref())
            .any(|open| fs::canonicalize(open).is_ok_and(|open| open == path))
    }

    /// What is wrong with a configuration that may be open or not.
    pub(super) fn of_failures(&self, path: &Path) -> Vec<Diagnostic> {
        if self.outcome.failures.is_empty() {
            return Vec::new();
        }
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let wrong = |failure: &&Failure| failure.path == path;
        if !self.outcome.failures.iter().any(|failure| wrong(&failure)) {
            return Vec::new();
        }
        // It was read from the file.
        let text = fs::read_to_string(&path).unwrap_or_default();
        self.outcome
            .failures
            .iter()
            .filter(wrong)
            .map(|failure| diagnostic::of_failure(failure, &text, self.client.encoding))
            .collect()
    }

    /// The report that a client asks for.
    pub(super) fn pulled(&self, parameters: &DocumentDiagnosticParams) -> Value {
        let document = self.documents.get(&parameters.text_document.uri.0);
        let diagnostics = document.map(|document| self.diagnostics(&document.source));
        json!({"kind": "full", "items": diagnostics.unwrap_or_default()})
    }

    /// Everything to be said of a source.
    pub(super) fn diagnostics(&self, source: &Arc<SourceFile>) -> Vec<Diagnostic> {
        let encoding = self.client.encoding;
        let mut diagnostics: Vec<Diagnostic> = self
            .findings(source)
            .filter_map(|finding| self.diagnostic(finding, source))
            .collect();
        // Editors open more YAML than manifests.
        if looks_like_manifest(source.text.as_bytes()) {
            let errors = self.outcome.errors_in(&source.name);
            diagnostics.extend(errors.map(|error| diagnostic::of_error(error, source, encoding)));
        }
        let unused = self.unused(source);
        diagnostics.extend(unused.map(|suppression| diagnostic::of_unused(suppression, source, encoding)));
        diagnostics.extend(self.of_failures(Path::new(&source.name)));
        diagnostics
    }

    fn uri_of(&self, name: &str) -> Uri {
        let open = self.document_named(name);
        open.map_or_else(|| uri::of_path(name.as_ref()), |document| document.uri.clone())
    }

    fn diagnostic(&self, finding: &Finding, source: &Arc<SourceFile>) -> Option<Diagnostic> {
        diagnostic::of_finding(finding, source, self.client.encoding, &|name| self.uri_of(name))
    }

    fn findings<'s>(&'s self, source: &'s SourceFile) -> impl Iterator<Item = &'s Finding> {
        self.outcome.findings_in(&source.name)
    }

    fn unused<'s>(&'s self, source: &'s SourceFile) -> impl Iterator<Item = &'s Suppression> {
        let own = self.outcome.suppressions_in(&source.name);
        own.filter(|suppression| !suppression.used)
    }

    /// The findings of a document that touch a range, with where they stand.
    fn touched<'s>(
        &'s self,
        document: &'s Document,
        range: Range,
    ) -> impl Iterator<Item = (&'s Finding, Range)> {
        let places = Places::new(&document.source.text, self.client.encoding);
        let wanted = places.span(range);
        self.findings(&document.source).filter_map(move |finding| {
            let span = &diagnostic::place(finding, &document.source)?.span;
            let touches = span.start <= wanted.end && wanted.start <= span.end;
            touches.then(|| (finding, places.range(span)))
        })
    }

    pub(super) fn hover(&self, parameters: &HoverParams) -> Option<Hover> {
        let at = &parameters.text_document_position_params;
        let document = self.documents.get(&at.text_document.uri.0)?;
        if let Some((name, places)) = self.name_at(document, at) {
            return names::hover(&document.source.text, name, &places, self.client.markdown);
        }
        let point = Range {
            start: at.position,
            end: at.position,
        };
        let touched: Vec<_> = self.touched(document, point).collect();
        let range = touched.first().map(|(_, range)| *range)?;
        let findings: Vec<&Finding> = touched.iter().map(|(finding, _)| *finding).collect();
        hover::of_findings(&findings, range, self.client.markdown)
    }

    /// The names of rules, where one may be written.
    pub(super) fn completions(&self, at: &TextDocumentPositionParams) -> Vec<Value> {
        let document = self.documents.get(&at.text_document.uri.0);
        document
            .and_then(|document| self.name_at(document, at))
            .map(|(name, places)| names::completions(name, &places))
            .unwrap_or_default()
    }

    fn name_at<'d>(
        &self,
        document: &'d Document,
        at: &TextDocumentPositionParams,
    ) -> Option<(std::ops::Range<usize>, Places<'d>)> {
        let text = &document.source.text;
        let places = Places::new(text, self.client.encoding);
        let is_configuration = document
            .path
            .as_deref()
            .and_then(Path::file_name)
            .is_some_and(|name| name == CONFIGURATION);
        names::name_at(text, places.offset(at.position), is_configuration).map(|name| (name, places))
    }

    pub(super) fn code_actions(&self, parameters: &CodeActionParams) -> Vec<CodeAction> {
        let Some(document) = self.documents.get(&parameters.text_document.uri.0) else {
            return Vec::new();
        };
        let Some(rewrites) = self.rewrites(document) else {
            return Vec::new();
        };
        let only = parameters.context.only.as_deref();
        let mut actions = Vec::new();
        if wants(only, "quickfix") {
            actions.extend(self.quick_fixes(document, parameters.range, &rewrites));
        }
        // It is for those who ask for it by name, as editors do that run it on each save.
        if only.is_some() && wants(only, &FIX_ALL.to_string()) {
            actions.extend(rewrites.fix_all());
        }
        actions
    }

    fn rewrites<'s>(&'s self, document: &'s Document) -> Option<Rewrites<'s>> {
        let checked = self.outcome.of(document)?;
        let others = self.outcome.sources.iter();
        Some(Rewrites {
            document,
            others: others
                .filter(|other| other.source.name != document.source.name)
                .map(|other| other.source.clone())
                .collect(),
            lint: self.configured.options(checked.configuration),
            forms: self.configured.forms(checked.configuration),
            review: self.review,
            findings: self
                .findings(&document.source)
                .filter(|finding| self.tree_of(finding).is_none())
                .collect(),
            encoding: self.client.encoding,
            versioned: self.client.versioned_edits,
        })
    }

    /// The chart or the kustomizations that a finding is of, where its renderings show it.
    fn tree_of(&self, finding: &Finding) -> Option<&RenderedTree> {
        let primary = finding.primary()?;
        let mut trees = self.trees.iter();
        trees.find(|tree| tree.holds(&primary.source) && self.outcome.is_rendered(finding))
    }

    /// The rewrites of a tree, in files that are as they were rendered.
    fn of_tree(&self, tree: &RenderedTree, diagnostic: &Diagnostic) -> Vec<CodeAction> {
        let is_current = |file: &RewrittenFile| {
            let open = self.document_named(&file.name);
            open.is_none_or(|document| document.source.text == file.old)
        };
        let rewrites = tree.rewrites.iter();
        let current = rewrites.filter(|rewrite| rewrite.files.iter().all(is_current));
        current
            .map(|rewrite| {
                let files = rewrite.files.iter().map(|file| {
                    let version = self.document_named(&file.name).map(|document| document.version);
                    (self.uri_of(&file.name), version, file)
                });
                tree_action(tree, rewrite, files, diagnostic, &self.client)
            })
            .collect()
    }

    /// What can be done about what is found in a range: its rewrites, or the comment that silences it.
    fn quick_fixes(&self, document: &Document, range: Range, rewrites: &Rewrites<'_>) -> Vec<CodeAction> {
        let mut fixes = Vec::new();
        let mut silenced = Vec::new();
        for (finding, _) in self.touched(document, range) {
            let Some(diagnostic) = self.diagnostic(finding, &document.source) else {
                continue;
            };
            let own = match self.tree_of(finding) {
                Some(tree) => self.of_tree(tree, &diagnostic),
                None => rewrites.of_finding(finding, &diagnostic),
            };
            if own.is_empty() {
                silenced.extend(rewrites.silenced(finding, &diagnostic));
            }
            fixes.extend(own);
        }
        fixes.dedup_by(|one, other| one.title == other.title && one.edit == other.edit);
        if !fixes.is_empty() && rewrites.findings.len() > 1 {
            fixes.extend(rewrites.of_document());
        }
        fixes.extend(silenced);
        for suppression in self.unused(&document.source) {
            let diagnostic = diagnostic::of_unused(suppression, &document.source, self.client.encoding);
            let touches = diagnostic.range.start.line <= range.end.line
                && range.start.line <= diagnostic.range.end.line;
            if touches {
                fixes.extend(rewrites.without(suppression, &diagnostic));
            }
        }
        fixes
    }
}

/// The full report of one file.
fn report(uri: &Uri, version: Option<i32>, diagnostics: Vec<Diagnostic>) -> Value {
    json!({"kind": "full", "uri": uri, "version": version, "items": diagnostics})
}

/// Whether a kind of action is asked for: kinds are asked for by any of their first parts.
fn wants(only: Option<&[CodeActionKind]>, kind: &str) -> bool {
    only.is_none_or(|only| {
        only.iter().any(|wanted| {
            let wanted = wanted.to_string();
            wanted.is_empty()
                || kind
                    .strip_prefix(&wanted)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    })
}
