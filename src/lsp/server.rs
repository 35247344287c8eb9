//! The conversation with the editor.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io::{self, Read, Write},
    path::PathBuf,
    time::{Duration, Instant},
};

use gen_lsp_types::{
    CodeActionKind, Diagnostic, DidChangeTextDocumentParams, DidCloseTextDocumentParams,
    DidOpenTextDocumentParams, PublishDiagnosticsParams, Uri,
};
use lsp_server::{ErrorCode, Message, Notification, Request, Response};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    check::{Configured, Outcome},
    client::{Client, Preferences, SECTION},
    document::Document,
    fix::FIX_ALL,
    kept::Kept,
    transport::{Inbox, Next},
    trees::{Render, Worker},
    uri,
    workspace::Workspace,
};
use crate::source::CONFIGURATION;

/// Whoever types faster than this is not interrupted.
const PAUSE: Duration = Duration::from_millis(150);

/// The id of our request for the settings.
const SETTINGS_REQUEST: &str = "settings";

/// How a conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The client said shutdown, then exit.
    Orderly,
    /// The client is gone, or said exit alone.
    Abrupt,
}

/// Speaks with a client until it leaves.
///
/// # Errors
/// Where nothing can be written to the client any more.
pub(crate) fn serve(
    input: impl Read + Send + 'static,
    output: impl Write,
    configured: &mut dyn Configured,
    render: impl Render + 'static,
) -> io::Result<Ending> {
    let inbox = Inbox::open(input);
    let mut server = Server {
        output,
        state: State::Waiting,
        workspace: Workspace {
            client: Client::default(),
            documents: BTreeMap::new(),
            configured,
            review: false,
            outcome: Outcome::default(),
            kept: Kept::default(),
            kept_of_folders: Kept::default(),
            uris: HashMap::new(),
            trees: Vec::new(),
        },
        worker: Worker::start(render, inbox.sender()),
        is_stale: false,
        preferences: Preferences::default(),
        published: BTreeMap::new(),
        due: None,
        failed: BTreeSet::new(),
        requests: 0,
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
            Next::Message(Message::Response(response)) => server.response(response)?,
            Next::Rendered(trees) => {
                let were_none = std::mem::replace(&mut server.workspace.trees, trees).is_empty();
                if !were_none || !server.workspace.trees.is_empty() {
                    server.check()?;
                    server.refresh()?;
                }
            }
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

type Refusal = (ErrorCode, String);

struct Server<'c, W> {
    output: W,
    state: State,
    /// Checked as it is, unless a check is due.
    workspace: Workspace<'c>,
    worker: Worker,
    /// Whether files may be others than those that were rendered.
    is_stale: bool,
    preferences: Preferences,
    due: Option<Instant>,
    /// What was last said of each document, and of which version.
    published: BTreeMap<String, (i32, Vec<Diagnostic>)>,
    /// Configurations that are not open and were complained about.
    failed: BTreeSet<PathBuf>,
    /// How many requests the client was sent.
    requests: usize,
}

impl<'c, W: Write> Server<'c, W> {
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
                (State::Waiting, "initialize") => Ok(self.initialize(&request.params)?),
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
                (State::Running, "textDocument/hover") => self.ask(request, Workspace::hover)?,
                (State::Running, "textDocument/completion") => self.ask(request, Workspace::completions)?,
                (State::Running, "textDocument/codeAction") => self.ask(request, Workspace::code_actions)?,
                (State::Running, "textDocument/diagnostic") => self.ask(request, Workspace::pulled)?,
                (State::Running, "workspace/diagnostic") => {
                    self.due = None;
                    Ok(json!({"items": self.workspace.reports()}))
                }
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
        answer: impl Fn(&Workspace<'c>, &P) -> R,
    ) -> io::Result<Result<Value, Refusal>> {
        let parameters: P = match serde_json::from_value(request.params) {
            Ok(parameters) => parameters,
            Err(error) => return Ok(Err((ErrorCode::InvalidParams, error.to_string()))),
        };
        if self.due.is_some() {
            self.check()?;
        }
        Ok(serde_json::to_value(answer(&self.workspace, &parameters))
            .map_err(|error| (ErrorCode::InternalError, error.to_string())))
    }

    fn initialize(&mut self, parameters: &Value) -> io::Result<Value> {
        self.state = State::Running;
        self.workspace.client = Client::of(parameters);
        self.prefer(parameters.get("initializationOptions").unwrap_or(&Value::Null))?;
        let client = &self.workspace.client;
        let diagnostics = json!({
            "identifier": SECTION, "interFileDependencies": true, "workspaceDiagnostics": true,
        });
        let capabilities = json!({
            "positionEncoding": client.encoding.name(),
            "textDocumentSync": {"openClose": true, "change": 2, "save": {"includeText": false}},
            "hoverProvider": true,
            "completionProvider": {"triggerCharacters": ["[", ","]},
            "codeActionProvider": {"codeActionKinds": [CodeActionKind::QuickFix, CodeActionKind::SourceFixAll, FIX_ALL]},
            "diagnosticProvider": client.pulls.then_some(diagnostics),
        });
        Ok(json!({
            "serverInfo": {"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")},
            "capabilities": capabilities,
        }))
    }

    /// Takes the user's settings, if there are any, or says what is wrong with them.
    fn prefer(&mut self, settings: &Value) -> io::Result<()> {
        let Some(read) = Preferences::read(settings) else {
            return Ok(());
        };
        let taken = read.and_then(|preferences| {
            let review = preferences.review;
            self.workspace.configured.prefer(preferences.clone())?;
            self.preferences = preferences;
            self.is_stale = true;
            self.workspace.review = review;
            Ok(())
        });
        match taken {
            Ok(()) => {
                self.due = Some(Instant::now());
                self.refresh()
            }
            Err(message) => {
                let parameters = json!({"type": 2, "message": message});
                self.send(Notification::new("window/showMessage".to_owned(), parameters))
            }
        }
    }

    /// Asks the client for something that it can do.
    fn demand(&mut self, id: &str, method: &str, parameters: Value) -> io::Result<()> {
        self.requests += 1;
        let id = format!("{id}-{}", self.requests);
        self.send(Request::new(id.into(), method.to_owned(), parameters))
    }

    fn demand_settings(&mut self) -> io::Result<()> {
        let items = json!({"items": [{"section": SECTION}]});
        self.demand(SETTINGS_REQUEST, "workspace/configuration", items)
    }

    /// Has the client ask for its diagnostics again.
    fn refresh(&mut self) -> io::Result<()> {
        if !self.workspace.client.refreshes {
            return Ok(());
        }
        self.demand("refresh", "workspace/diagnostic/refresh", Value::Null)
    }

    /// The client is ready for requests of ours.
    fn initialized(&mut self) -> io::Result<()> {
        if self.workspace.client.watches {
            let watchers = json!([
                {"globPattern": format!("**/{CONFIGURATION}")},
                {"globPattern": "**/*.{yaml,yml,json}"},
            ]);
            let registration = json!({
                "id": "files",
                "method": "workspace/didChangeWatchedFiles",
                "registerOptions": {"watchers": watchers},
            });
            let registrations = json!({"registrations": [registration]});
            self.demand("watch", "client/registerCapability", registrations)?;
        }
        if self.workspace.client.has_settings {
            self.demand_settings()?;
        }
        Ok(())
    }

    fn response(&mut self, response: Response) -> io::Result<()> {
        let is_settings = serde_json::to_value(&response.id)
            .is_ok_and(|id| id.as_str().is_some_and(|id| id.starts_with(SETTINGS_REQUEST)));
        match response.response_result {
            Ok(settings) if is_settings => self.prefer(settings.get(0).unwrap_or(&Value::Null)),
            _ => Ok(()),
        }
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
                    self.workspace.documents.insert(document.uri.0.clone(), document);
                    self.is_stale = true;
                    self.due = Some(Instant::now());
                }
            }
            "textDocument/didChange" => {
                if let Ok(parameters) = serde_json::from_value::<DidChangeTextDocumentParams>(parameters) {
                    let (encoding, identifier) = (self.workspace.client.encoding, parameters.text_document);
                    if let Some(document) = self
                        .workspace
                        .documents
                        .get_mut(&identifier.text_document_identifier.uri.0)
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
                    if self.workspace.documents.remove(&uri.0).is_some() {
                        self.publish(uri, None, Vec::new())?;
                        self.due = Some(Instant::now());
                    }
                }
            }
            // A configuration or a neighbour may be another one now.
            "textDocument/didSave" | "workspace/didChangeWatchedFiles" => {
                // Editors show that a saved document was looked at.
                let saved = parameters.pointer("/textDocument/uri").and_then(Value::as_str);
                saved.and_then(|uri| self.published.remove(uri));
                self.is_stale = true;
                self.due = Some(Instant::now());
                self.refresh()?;
            }
            "workspace/didChangeConfiguration" if self.workspace.client.has_settings => {
                self.demand_settings()?
            }
            "workspace/didChangeConfiguration" => {
                self.prefer(parameters.get("settings").unwrap_or(&Value::Null))?;
            }
            "initialized" => self.initialized()?,
            _ => {}
        }
        Ok(())
    }

    /// Checks all documents and publishes what is found in each, unless the client asks for it or has been told.
    fn check(&mut self) -> io::Result<()> {
        self.due = None;
        self.workspace.check();
        if std::mem::take(&mut self.is_stale) {
            self.worker.ask(self.workspace.around(&self.preferences));
        }
        if !self.workspace.client.pulls {
            let of_document = |document: &Document| {
                let diagnostics = self.workspace.diagnostics(&document.source);
                (document.uri.clone(), document.version, diagnostics)
            };
            let found: Vec<_> = self.workspace.documents.values().map(of_document).collect();
            for (uri, version, diagnostics) in found {
                let said = (version, diagnostics);
                if self.published.get(&uri.0) != Some(&said) {
                    self.published.insert(uri.0.clone(), said.clone());
                    self.publish(uri, Some(version), said.1)?;
                }
            }
        }
        if self.workspace.client.refreshes {
            return Ok(());
        }
        self.publish_failures()
    }

    /// Publishes what is wrong with configurations that are not open, and that nothing is any more.
    fn publish_failures(&mut self) -> io::Result<()> {
        let is_open = |path: &PathBuf| self.workspace.is_open(path);
        let failed: BTreeSet<PathBuf> = self
            .workspace
            .failed_files()
            .into_iter()
            .filter(|path| !is_open(path))
            .collect();
        let changed: Vec<PathBuf> = self
            .failed
            .union(&failed)
            .filter(|path| !is_open(path))
            .cloned()
            .collect();
        for path in changed {
            let diagnostics = self.workspace.of_failures(&path);
            self.publish(uri::of_path(&path), None, diagnostics)?;
        }
        self.failed = failed;
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
}
