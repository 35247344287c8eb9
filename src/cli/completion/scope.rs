//! What the words typed so far say about the cluster, and what the cluster says to that.

use std::{ffi::OsString, sync::Arc, time::Duration};

use clap::{ArgMatches, CommandFactory, FromArgMatches};

use crate::{
    cli::{ConnectionArguments, arguments::Arguments, deadline::within},
    cluster::{Connection, KubeconfigNames, Owners, Server, kubeconfig_names, namespaces},
};

/// Whoever waits for a candidate waits no longer.
const PATIENCE: Duration = Duration::from_millis(1500);

/// The cluster and the namespace that a command line would use. What does not answer has no names.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    connection: Connection,
    namespace: Option<String>,
}

/// What can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Question {
    Namespaces,
    /// The objects of a type, in the namespace.
    Objects(String),
}

impl Scope {
    /// Reads what is typed so far, as far as it makes sense.
    pub(super) fn of(typed: &[OsString]) -> Self {
        let command = Arguments::command().ignore_errors(true);
        let Ok(matches) = command.try_get_matches_from(typed) else {
            return Self::default();
        };
        let mut innermost: &ArgMatches = &matches;
        while let Some((_, inner)) = innermost.subcommand() {
            innermost = inner;
        }
        let has = |name| innermost.try_contains_id(name).is_ok();
        let connection = if has("kubeconfig") {
            ConnectionArguments::from_arg_matches(innermost).unwrap_or_default()
        } else {
            ConnectionArguments::default()
        };
        Self {
            connection: connection.connection(),
            namespace: innermost
                .try_get_one::<String>("namespace")
                .ok()
                .flatten()
                .cloned(),
        }
    }

    pub(super) fn kubeconfig(&self) -> KubeconfigNames {
        kubeconfig_names(&self.connection).unwrap_or_default()
    }

    pub(super) fn namespaces(&self) -> Vec<String> {
        self.ask(Question::Namespaces)
    }

    pub(super) fn objects(&self, kind: &str) -> Vec<String> {
        self.ask(Question::Objects(kind.to_owned()))
    }

    fn ask(&self, question: Question) -> Vec<String> {
        let scope = self.clone();
        within(PATIENCE, move || async move { scope.answer(question).await })
            .flatten()
            .unwrap_or_default()
    }

    async fn answer(&self, question: Question) -> Option<Vec<String>> {
        let server = Server::connect(&self.connection).await.ok()?;
        match question {
            Question::Namespaces => namespaces(&server.client()).await.ok(),
            Question::Objects(kind) => {
                let namespace = self
                    .namespace
                    .clone()
                    .unwrap_or_else(|| server.namespace().to_owned());
                Owners::new(Arc::new(server)).names(&kind, &namespace).await.ok()
            }
        }
    }
}
