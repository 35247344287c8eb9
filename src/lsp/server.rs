//! The conversation with the editor.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read, Write},
    time::{Duration, Instant},
};

use gen_lsp_types::{
    CodeAction, CodeActionKind, CodeActionParams, Diagnostic, DidChangeTextDocumentParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, Hover, HoverParams, PublishDiagnosticsParams, Uri,
};
use lsp_server::{ErrorCode, Message, Notification, Request, Response};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    check::{Configured, Kept, Outcome, check},
    diagnostic,
    document::Document,
    fix::Bench,
    hover,
    position::{Encoding, Places},
    transport::{Inbox, Next},
    uri,
};
use crate::{rules::Finding, source::looks_like_manifest};

/// Whoever types faster than this is not interrupted.
const PAUSE: Duration = Duration::from_millis(150);

/// How a conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The client said shutdown, then exit.
    Orderly,
    /// The client is gone, or said exit alone.
    Abrupt,
}

/// Speaks with a client until it leaves.
///
/// # Errors
/// Where nothing can be written to the client any more.
pub fn serve(
    input: impl Read + Send + 'static,
    output: impl Write,
    configured: &mut dyn Configured,
) -> io::Result<Ending> {
    let inbox = Inbox::open(input);
    let mut server = Server {
        output,
        configured,
        state: State::Waiting,
        client: Client::default(),
        documents: BTreeMap::new(),
        outcome: Outcome::default(),
        kept: Kept::default(),
        published: BTreeMap::new(),
        due: None,
        told: BTreeSet::new(),
    };
    loop {
        match inbox.next(server.due) {
            Next::Message(Message::Request(request)) => {
                let cancelled = inbox.is_cancelled(&request.id);
                server.request(request, cancelled)?;
            }
            Next::Message(Message::Notification(notification)) if notification.method == "exit" => {
                return Ok(server.ending());
            }
            Next::Message(Message::Notification(notification)) => server.notification(notification)?,
            // Nothing is asked of the client that it would answer.
            Next::Message(Message::Response(_)) => {}
            Next::Quiet => server.check()?,
            Next::Closed => return Ok(server.ending()),
        }
    }
}

/// Where the conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    ShutDown,
}

/// What the client can do.
#[derive(Debug, Clone, Copy, Default)]
struct Client {
    encoding: Encoding,
    markdown: bool,
    versioned_edits: bool,
}

impl Client {
    /// Reads no more of the capabilities than is used: their types are larger than the rest of the protocol.
    fn of(initialize: &Value) -> Self {
        let words = |pointer: &str| -> Vec<&str> {
            let array = initialize.pointer(pointer).and_then(Value::as_array);
            array.into_iter().flatten().filter_map(Value::as_str).collect()
        };
        Self {
            // The first is the one that the client likes most.
            encoding: words("/capabilities/general/positionEncodings")
                .into_iter()
                .find_map(Encoding::named)
                .unwrap_or_default(),
            markdown: words("/capabilities/textDocument/hover/contentFormat").contains(&"markdown"),
            versioned_edits: initialize
                .pointer("/capabilities/workspace/workspaceEdit/documentChanges")
                .and_then(Value::as_bool)
                .unwrap_or_default(),
        }
    }
}

type Refusal = (ErrorCode, String);

struct Server<'c, W> {
    output: W,
    configured: &'c mut dyn Configured,
    state: State,
    client: Client,
    documents: BTreeMap<String, Document>,
    /// Of the documents as they are, unless a check is due.
    outcome: Outcome,
    kept: Kept,
    /// What was last said of each document, and of which version.
    published: BTreeMap<String, (i32, Vec<Diagnostic>)>,
    due: Option<Instant>,
    /// Configurations that were complained about.
    told: BTreeSet<String>,
}

impl<W: Write> Server<'_, W> {
    fn ending(&self) -> Ending {
        if self.state == State::ShutDown {
            Ending::Orderly
        } else {
            Ending::Abrupt
        }
    }

    fn send(&mut self, message: impl Into<Message>) -> io::Result<()> {
        message.into().write(&mut self.output)
    }

    fn request(&mut self, request: Request, cancelled: bool) -> io::Result<()> {
        let id = request.id.clone();
        let answer = if cancelled {
            Err((ErrorCode::RequestCanceled, "cancelled".to_owned()))
        } else {
            match (self.state, request.method.as_str()) {
                (State::Waiting, "initialize") => Ok(self.initialize(&request.params)),
                (State::Waiting, _) => Err((
                    ErrorCode::ServerNotInitialized,
                    "the first request is initialize".to_owned(),
                )),
                (State::ShutDown, _) | (State::Running, "initialize") => {
                    Err((ErrorCode::InvalidRequest, "not now".to_owned()))
                }
                (State::Running, "shutdown") => {
                    self.state = State::ShutDown;
                    Ok(Value::Null)
                }
                (State::Running, "textDocument/hover") => self.ask(request, Self::hover)?,
                (State::Running, "textDocument/codeAction") => self.ask(request, Self::code_actions)?,
                (State::Running, method) => {
                    Err((ErrorCode::MethodNotFound, format!("{method} is not known here")))
                }
            }
        };
        self.send(match answer {
            Ok(result) => Response::new_ok(id, result),
            Err((code, message)) => Response::new_err(id, code as i32, message),
        })
    }

    /// Answers a request about the documents as they are now.
    fn ask<P: DeserializeOwned, R: serde::Serialize>(
        &mut self,
        request: Request,
        answer: impl Fn(&Self, &P) -> R,
    ) -> io::Result<Result<Value, Refusal>> {
        let parameters: P = match serde_json::from_value(request.params) {
            Ok(parameters) => parameters,
            Err(error) => return Ok(Err((ErrorCode::InvalidParams, error.to_string()))),
        };
        if self.due.is_some() {
            self.check()?;
        }
        Ok(serde_json::to_value(answer(self, &parameters))
            .map_err(|error| (ErrorCode::InternalError, error.to_string())))
    }

    fn initialize(&mut self, parameters: &Value) -> Value {
        self.state = State::Running;
        self.client = Client::of(parameters);
        json!({
            "serverInfo": {"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")},
            "capabilities": {
                "positionEncoding": self.client.encoding.name(),
                "textDocumentSync": {"openClose": true, "change": 2, "save": {"includeText": false}},
                "hoverProvider": true,
                "codeActionProvider": {"codeActionKinds": [CodeActionKind::QuickFix, CodeActionKind::SourceFixAll]},
            },
        })
    }

    fn notification(&mut self, notification: Notification) -> io::Result<()> {
        if self.state != State::Running {
            return Ok(());
        }
        let parameters = notification.params;
        match notification.method.as_str() {
            "textDocument/didOpen" => {
                if let Ok(parameters) = serde_json::from_value::<DidOpenTextDocumentParams>(parameters) {
                    let document = Document::open(parameters.text_document);
                    self.published.remove(&document.uri.0);
                    self.documents.insert(document.uri.0.clone(), document);
                    self.due = Some(Instant::now());
                }
            }
            "textDocument/didChange" => {
                if let Ok(parameters) = serde_json::from_value::<DidChangeTextDocumentParams>(parameters) {
                    let (encoding, identifier) = (self.client.encoding, parameters.text_document);
                    if let Some(document) = self.documents.get_mut(&identifier.text_document_identifier.uri.0)
                    {
                        document.change(identifier.version, parameters.content_changes, encoding);
                        self.due = Some(Instant::now() + PAUSE);
                    }
                }
            }
            "textDocument/didClose" => {
                if let Ok(parameters) = serde_json::from_value::<DidCloseTextDocumentParams>(parameters) {
                    let uri = parameters.text_document.uri;
                    self.published.remove(&uri.0);
                    if self.documents.remove(&uri.0).is_some() {
                        self.publish(uri, None, Vec::new())?;
                        self.due = Some(Instant::now());
                    }
                }
            }
            // A configuration or a neighbour may be another one now.
            "textDocument/didSave" => {
                // Editors show that a saved document was looked at.
                let uri = parameters.pointer("/textDocument/uri").and_then(Value::as_str);
                uri.and_then(|uri| self.published.remove(uri));
                self.due = Some(Instant::now());
            }
            "workspace/didChangeWatchedFiles" => self.due = Some(Instant::now()),
            _ => {}
        }
        Ok(())
    }

    /// Checks all documents and publishes what is found in each, unless it has been said of this version.
    fn check(&mut self) -> io::Result<()> {
        self.due = None;
        self.outcome = check(self.documents.values(), self.configured, &mut self.kept);
        let failures = std::mem::take(&mut self.outcome.failures);
        for failure in failures.difference(&self.told).cloned().collect::<Vec<_>>() {
            let message = format!("nothing is checked there: {failure}");
            let parameters = json!({"type": 1, "message": message});
            self.send(Notification::new("window/showMessage".to_owned(), parameters))?;
        }
        self.told = failures;
        let said: Vec<(Uri, i32, Vec<Diagnostic>)> = self
            .documents
            .values()
            .map(|document| (document.uri.clone(), document.version, self.diagnostics(document)))
            .collect();
        for (uri, version, diagnostics) in said {
            let is_known = |known: &(i32, Vec<Diagnostic>)| known.0 == version && known.1 == diagnostics;
            if !self.published.get(&uri.0).is_some_and(is_known) {
                self.published
                    .insert(uri.0.clone(), (version, diagnostics.clone()));
                self.publish(uri, Some(version), diagnostics)?;
            }
        }
        Ok(())
    }

    fn publish(&mut self, uri: Uri, version: Option<i32>, diagnostics: Vec<Diagnostic>) -> io::Result<()> {
        let parameters = serde_json::to_value(PublishDiagnosticsParams {
            uri,
            version,
            diagnostics,
        })?;
        self.send(Notification::new(
            "textDocument/publishDiagnostics".to_owned(),
            parameters,
        ))
    }

    fn diagnostics(&self, document: &Document) -> Vec<Diagnostic> {
        let source = &document.source;
        let encoding = self.client.encoding;
        let mut diagnostics: Vec<Diagnostic> = self
            .findings(document)
            .filter_map(|finding| self.diagnostic(finding, document))
            .collect();
        // Editors open more YAML than manifests.
        if looks_like_manifest(source.text.as_bytes()) {
            let errors = self.outcome.errors_in(&source.name);
            diagnostics.extend(errors.map(|error| diagnostic::of_error(error, source, encoding)));
        }
        let suppressions = self.outcome.suppressions_in(&source.name);
        let unused = suppressions.filter(|suppression| !suppression.used);
        diagnostics.extend(unused.map(|suppression| diagnostic::of_unused(suppression, source, encoding)));
        diagnostics
    }

    fn diagnostic(&self, finding: &Finding, document: &Document) -> Option<Diagnostic> {
        let uri_of = |name: &str| {
            let open = self
                .documents
                .values()
                .find(|document| document.source.name == name);
            open.map_or_else(|| uri::of_path(name.as_ref()), |document| document.uri.clone())
        };
        diagnostic::of_finding(finding, &document.source, self.client.encoding, &uri_of)
    }

    fn findings<'s>(&'s self, document: &'s Document) -> impl Iterator<Item = &'s Finding> {
        self.outcome.findings_in(&document.source.name)
    }

    /// The findings of a document that touch a range, with where they stand.
    fn touched<'s>(
        &'s self,
        document: &'s Document,
        range: gen_lsp_types::Range,
    ) -> impl Iterator<Item = (&'s Finding, gen_lsp_types::Range)> {
        let places = Places::new(&document.source.text, self.client.encoding);
        let wanted = places.span(range);
        self.findings(document).filter_map(move |finding| {
            let span = &diagnostic::place(finding, &document.source)?.span;
            let touches = span.start <= wanted.end && wanted.start <= span.end;
            touches.then(|| (finding, places.range(span)))
        })
    }

    fn hover(&self, parameters: &HoverParams) -> Option<Hover> {
        let at = &parameters.text_document_position_params;
        let document = self.documents.get(&at.text_document.uri.0)?;
        let point = gen_lsp_types::Range {
            start: at.position,
            end: at.position,
        };
        let touched: Vec<_> = self.touched(document, point).collect();
        let range = touched.first().map(|(_, range)| *range)?;
        let findings: Vec<&Finding> = touched.iter().map(|(finding, _)| *finding).collect();
        hover::of_findings(&findings, range, self.client.markdown)
    }

    fn code_actions(&self, parameters: &CodeActionParams) -> Vec<CodeAction> {
        let Some(document) = self.documents.get(&parameters.text_document.uri.0) else {
            return Vec::new();
        };
        let Some(checked) = self.outcome.of(document) else {
            return Vec::new();
        };
        let bench = Bench {
            document,
            others: self
                .outcome
                .sources
                .iter()
                .filter(|other| other.source.name != document.source.name)
                .map(|other| other.source.clone())
                .collect(),
            lint: self.configured.options(checked.configuration),
            forms: self.configured.forms(checked.configuration),
            findings: self.findings(document).collect(),
            encoding: self.client.encoding,
            versioned: self.client.versioned_edits,
        };
        let only = parameters.context.only.as_deref();
        let mut actions = Vec::new();
        if wants(only, "quickfix") {
            for (finding, _) in self.touched(document, parameters.range) {
                if let Some(diagnostic) = self.diagnostic(finding, document) {
                    actions.extend(bench.of_finding(finding, &diagnostic));
                }
            }
            if !actions.is_empty() && bench.findings.len() > 1 {
                actions.extend(bench.of_document());
            }
        }
        // It is for those who ask for it by name, as editors do that run it on each save.
        if only.is_some() && wants(only, "source.fixAll") {
            actions.extend(bench.fix_all());
        }
        actions
    }
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
