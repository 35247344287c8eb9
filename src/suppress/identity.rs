//! What stays of a finding when its file is edited.

use serde::{Deserialize, Serialize};

use crate::{rules::Finding, workload::ObjectReference};

/// Which finding it is, whatever line it stands in. Several findings may have the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Identity {
    file: String,
    api_version: String,
    kind: String,
    namespace: Option<String>,
    name: String,
    container: Option<String>,
    rule: String,
}

impl Identity {
    /// Of a finding in `file`, as it is named from where the identity is to hold.
    pub(crate) fn of(finding: &Finding, file: String) -> Self {
        let ObjectReference {
            api_version,
            kind,
            namespace,
            name,
        } = finding.object.clone();
        Self {
            file,
            api_version,
            kind,
            namespace,
            name,
            container: finding.container.clone(),
            rule: finding.rule.name.to_owned(),
        }
    }

    /// The file, as it is named from where the identity holds.
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// The rule.
    pub(super) fn rule(&self) -> &str {
        &self.rule
    }

    /// The object, container and file in a few words.
    pub(super) fn describe(&self) -> String {
        let container = self
            .container
            .as_ref()
            .map(|container| format!(", container {container}"))
            .unwrap_or_default();
        format!("{} {}{container} in {}", self.kind, self.name, self.file)
    }
}
