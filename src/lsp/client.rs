//! What the client can do, and what its user wants.

use std::path::PathBuf;

use gen_lsp_types::Uri;
use serde::Deserialize;
use serde_json::Value;

use super::{position::Encoding, uri};
use crate::pod::Target;

/// The name of our settings among those of other servers.
pub(super) const SECTION: &str = "kubectl-sidecar";

/// What the client can do.
#[derive(Debug, Clone, Default)]
pub(super) struct Client {
    pub(super) encoding: Encoding,
    pub(super) markdown: bool,
    /// Whether it takes edits of a version of a document, and refuses those of another one.
    pub(super) versioned_edits: bool,
    /// Whether it asks for diagnostics, so that none are published.
    pub(super) pulls: bool,
    /// Whether it asks again when it is told to.
    pub(super) refreshes: bool,
    /// Whether it can be asked for its settings.
    pub(super) has_settings: bool,
    /// Whether it watches files for us.
    pub(super) watches: bool,
    /// The directories that are open.
    pub(super) folders: Vec<PathBuf>,
}

impl Client {
    /// Reads no more of the capabilities than is used: their types are larger than the rest of the protocol.
    pub(super) fn of(initialize: &Value) -> Self {
        let words = |pointer: &str| -> Vec<&str> {
            let array = initialize.pointer(pointer).and_then(Value::as_array);
            array.into_iter().flatten().filter_map(Value::as_str).collect()
        };
        let can = |pointer: &str| {
            let capability = initialize.pointer(&format!("/capabilities/{pointer}"));
            capability.and_then(Value::as_bool).unwrap_or_default()
        };
        Self {
            // The first is the one that the client likes most.
            encoding: words("/capabilities/general/positionEncodings")
                .into_iter()
                .find_map(Encoding::named)
                .unwrap_or_default(),
            markdown: words("/capabilities/textDocument/hover/contentFormat").contains(&"markdown"),
            versioned_edits: can("workspace/workspaceEdit/documentChanges"),
            pulls: initialize
                .pointer("/capabilities/textDocument/diagnostic")
                .is_some_and(Value::is_object),
            refreshes: can("workspace/diagnostics/refreshSupport"),
            has_settings: can("workspace/configuration"),
            watches: can("workspace/didChangeWatchedFiles/dynamicRegistration"),
            folders: folders(initialize),
        }
    }
}

/// The directories of the workspace; older clients name one.
fn folders(initialize: &Value) -> Vec<PathBuf> {
    let many = initialize.get("workspaceFolders").and_then(Value::as_array);
    let uris = many.into_iter().flatten().filter_map(|folder| folder.get("uri"));
    let mut folders: Vec<PathBuf> = uris.filter_map(path).collect();
    if folders.is_empty() {
        folders.extend(initialize.get("rootUri").and_then(path));
    }
    folders
}

fn path(uri: &Value) -> Option<PathBuf> {
    uri::to_path(&Uri(uri.as_str()?.to_owned()))
}

/// What the user of the editor wants. It goes before the configuration of the files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Preferences {
    /// How a sidecar is to be declared.
    pub target: Option<Target>,
    /// Whether the rewrites of a whole file do what `migrate --review` does too.
    pub review: bool,
    /// The rules and families that are reported; all where none is named.
    pub rules: Vec<String>,
    /// The file of known findings: an absolute path, or one from the directory that the server was started in.
    pub baseline: Option<PathBuf>,
}

impl Preferences {
    /// Reads them from a client's settings: ours alone, or under our name among others'. `None` where there are none.
    ///
    /// # Errors
    /// Settings that are not ours, or no rule's name.
    pub(super) fn read(settings: &Value) -> Option<Result<Self, String>> {
        let own = settings.get(SECTION).unwrap_or(settings);
        own.as_object().filter(|own| !own.is_empty())?;
        let read: Result<Self, _> = serde_json::from_value(own.clone());
        Some(read.map_err(|error| format!("the settings of {SECTION} are ignored: {error}")))
    }
}
