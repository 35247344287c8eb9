//! What a report that outlives its run says of the run: when it was, of what, and by which command.

/// When a report was made, of what and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance {
    /// RFC 3339, in UTC, to the second.
    pub made_at: String,
    /// The command as it was typed, its secrets masked.
    pub command: String,
    /// The commit that the repository of the run stood at; of runs on clusters `None`.
    pub revision: Option<Revision>,
    /// The clusters that were asked; empty for files.
    pub clusters: Vec<ClusterName>,
}

/// A commit of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The URL of its origin, without credentials.
    pub repository: Option<String>,
    /// The whole hash.
    pub commit: String,
}

/// A cluster as the kubeconfig has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterName {
    /// The context.
    pub context: String,
    /// The name of the context's cluster.
    pub cluster: String,
}

impl Provenance {
    /// What the report is about, in words: `commit 1a2b3c of https://…`, `context staging (cluster eu-1)`; empty where
    /// it is not known.
    #[must_use]
    pub fn subject(&self) -> String {
        let of_repository = self.revision.iter().map(|revision| match &revision.repository {
            Some(repository) => format!("commit {} of {repository}", revision.commit),
            None => format!("commit {}", revision.commit),
        });
        let of_clusters = self
            .clusters
            .iter()
            .map(|name| format!("context {} (cluster {})", name.context, name.cluster));
        of_repository.chain(of_clusters).collect::<Vec<_>>().join(", ")
    }
}
