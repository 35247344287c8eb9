//! kubectl's connection flags.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::trace::duration;
use crate::cluster::Connection;

/// How to reach the cluster: kubectl's own flags.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArguments {
    /// Path to the kubeconfig
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig to use; lint takes several
    #[arg(long, value_name = "NAME")]
    context: Vec<String>,
    /// The cluster of the kubeconfig to use
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// The user of the kubeconfig to use
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Impersonate this user
    #[arg(long = "as", value_name = "USER")]
    impersonate: Option<String>,
    /// Impersonate this group; may be repeated
    #[arg(long = "as-group", value_name = "GROUP")]
    impersonate_groups: Vec<String>,
    /// Impersonate this UID
    #[arg(long = "as-uid", value_name = "UID")]
    impersonate_uid: Option<String>,
    /// Bearer token
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// Address of the API server
    #[arg(long, short = 's', value_name = "URL")]
    server: Option<String>,
    /// Do not check the server's certificate
    #[arg(long)]
    insecure_skip_tls_verify: bool,
    /// Certificate file of the certificate authority
    #[arg(long, value_name = "FILE")]
    certificate_authority: Option<PathBuf>,
    /// Client certificate file
    #[arg(long, value_name = "FILE")]
    client_certificate: Option<PathBuf>,
    /// Client key file
    #[arg(long, value_name = "FILE")]
    client_key: Option<PathBuf>,
    /// Name to check the server's certificate against
    #[arg(long, value_name = "NAME")]
    tls_server_name: Option<String>,
    /// How long a single request may take, such as 10s; 0 for no limit
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    request_timeout: Option<Duration>,
}

impl ConnectionArguments {
    /// Whether any of the flags was given.
    pub(super) fn is_given(&self) -> bool {
        self.connections() != [Connection::default()]
    }

    /// How many contexts were named.
    pub(super) fn contexts(&self) -> usize {
        self.context.len()
    }

    /// A connection for each context that was named; for the current one where none was.
    #[must_use]
    pub fn connections(&self) -> Vec<Connection> {
        if self.context.is_empty() {
            return vec![self.of_context(None)];
        }
        let of = |context: &String| self.of_context(Some(context.clone()));
        self.context.iter().map(of).collect()
    }

    /// As the cluster's client takes it. Of several contexts the last one counts, as for kubectl.
    #[must_use]
    pub fn connection(&self) -> Connection {
        self.of_context(self.context.last().cloned())
    }

    fn of_context(&self, context: Option<String>) -> Connection {
        Connection {
            kubeconfig: self.kubeconfig.clone(),
            context,
            cluster: self.cluster.clone(),
            user: self.user.clone(),
            impersonate: self.impersonate.clone(),
            impersonate_groups: self.impersonate_groups.clone(),
            impersonate_uid: self.impersonate_uid.clone(),
            token: self.token.clone(),
            server: self.server.clone(),
            insecure: self.insecure_skip_tls_verify,
            certificate_authority: self.certificate_authority.clone(),
            client_certificate: self.client_certificate.clone(),
            client_key: self.client_key.clone(),
            tls_server_name: self.tls_server_name.clone(),
            request_timeout: self.request_timeout,
        }
    }
}
