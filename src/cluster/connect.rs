//! kubectl's connection flags to a client.

use kube::{
    Client, Config,
    client::{AuthError, ClientBuilder},
    config::{AuthInfo, KubeConfigOptions, Kubeconfig, KubeconfigError},
};
use tower::{BoxError, util::MapErrLayer};

use super::{
    credentials::{CredentialError, check, check_file, watch_over},
    kubeconfig,
};

/// Names of a kubeconfig that a message lists.
const NAMES_SHOWN: usize = 10;

/// Where the API server is and who asks, as kubectl's flags say it. What is absent comes from the kubeconfig,
/// or from the pod this runs in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connection {
    /// `--kubeconfig`
    pub kubeconfig: Option<std::path::PathBuf>,
    /// `--context`
    pub context: Option<String>,
    /// `--cluster`
    pub cluster: Option<String>,
    /// `--user`
    pub user: Option<String>,
    /// `--as`
    pub impersonate: Option<String>,
    /// `--as-group`
    pub impersonate_groups: Vec<String>,
    /// `--as-uid`
    pub impersonate_uid: Option<String>,
    /// `--token`
    pub token: Option<String>,
    /// `--server`
    pub server: Option<String>,
    /// `--insecure-skip-tls-verify`
    pub insecure: bool,
    /// `--certificate-authority`
    pub certificate_authority: Option<std::path::PathBuf>,
    /// `--client-certificate`
    pub client_certificate: Option<std::path::PathBuf>,
    /// `--client-key`
    pub client_key: Option<std::path::PathBuf>,
    /// `--tls-server-name`
    pub tls_server_name: Option<String>,
    /// `--request-timeout`; a watch that is silent for so long is asked for anew.
    pub request_timeout: Option<std::time::Duration>,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig cannot be read, or is not complete.
    #[error("kubeconfig: {}", without_excerpt(.0))]
    Kubeconfig(KubeconfigError),
    /// There is no file of that name.
    #[error("no cluster is configured: there is no kubeconfig at {}; name one with --kubeconfig or KUBECONFIG", .0.display())]
    NoKubeconfig(std::path::PathBuf),
    /// The kubeconfig says of no context that it is the current one.
    #[error("no cluster is configured: the kubeconfig has no current context; choose one with --context{0}")]
    NoContext(String),
    /// The kubeconfig has no context, cluster or user of the name that was asked for.
    #[error("the kubeconfig has no {kind} {name:?}{known}")]
    Unknown {
        /// `context`, `cluster` or `user`.
        kind: &'static str,
        /// What was asked for.
        name: String,
        /// Those that it has.
        known: String,
    },
    /// `--server` is no URL.
    #[error("--server {0:?} is not a URL")]
    Server(String),
    /// A certificate cannot be read.
    #[error("{path}: {source}")]
    Certificate {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The program that gives the credentials did not.
    #[error("the credential plugin {command} {reason}")]
    Plugin {
        /// The program.
        command: String,
        /// What happened, and what it said. Its standard output is for credentials.
        reason: String,
    },
    /// The credentials can't be sent.
    #[error("kubeconfig: {0}")]
    Credentials(#[from] CredentialError),
    /// The client cannot be made of the configuration.
    #[error("cannot connect: {0}")]
    Client(#[from] kube::Error),
}

/// Makes a client, and tells the namespace of the context.
///
/// # Errors
/// Where the configuration is not there, or not usable. Nothing is sent yet.
pub async fn connect(connection: &Connection) -> Result<(Client, String), ConnectError> {
    let mut config = configuration(connection).await?;
    adjust(&mut config, connection)?;
    let namespace = config.default_namespace.clone();
    check(&config)?;
    let plugin = config.auth_info.exec.as_ref();
    let plugin = plugin.and_then(|plugin| plugin.command.clone());
    if let Some(plugin) = &mut config.auth_info.exec {
        watch_over(plugin);
    }
    let server = config.cluster_url.to_string();
    let client = ClientBuilder::try_from(config)
        .map_err(|error| refused(error, plugin))?
        .with_layer(&MapErrLayer::new(move |error| with_server(error, &server)))
        .build();
    Ok((client, namespace))
}

/// What is wrong with a kubeconfig, without the lines of it that the reader of YAML shows: they may hold a token.
fn without_excerpt(error: &KubeconfigError) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

/// The server could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("{server} cannot be reached: {reason}")]
pub(super) struct Unreachable {
    /// The server's address.
    server: String,
    /// The last cause: what hyper says before it names no address.
    reason: String,
}

/// An error of the connection, with the server that it is about. kube sorts its own errors by their type.
fn with_server(error: BoxError, server: &str) -> BoxError {
    if error.is::<kube::Error>() {
        return error;
    }
    let mut cause: &dyn std::error::Error = error.as_ref();
    while let Some(next) = cause.source() {
        // What a login says is not about the way to the server.
        if cause.is::<AuthError>() {
            return error;
        }
        cause = next;
    }
    Box::new(Unreachable {
        server: server.trim_end_matches('/').to_owned(),
        reason: cause.to_string(),
    })
}

/// Why there is no client, without what a plugin wrote to its standard output.
fn refused(error: kube::Error, plugin: Option<String>) -> ConnectError {
    let (Some(command), kube::Error::Auth(failure)) = (plugin, &error) else {
        return error.into();
    };
    let reason = match failure {
        AuthError::AuthExecStart(reason) => format!("cannot be started: {reason}"),
        AuthError::AuthExecRun { out, .. } => {
            let said = String::from_utf8_lossy(&out.stderr);
            let said: Vec<&str> = said.split_whitespace().collect();
            let said = if said.is_empty() {
                String::new()
            } else {
                format!(": {}", said.join(" "))
            };
            format!("failed ({}){said}", out.status)
        }
        AuthError::AuthExecParse(_) => "gave no ExecCredential".to_owned(),
        _ => return error.into(),
    };
    ConnectError::Plugin { command, reason }
}

async fn configuration(connection: &Connection) -> Result<Config, ConnectError> {
    let options = KubeConfigOptions {
        context: connection.context.clone(),
        cluster: connection.cluster.clone(),
        user: connection.user.clone(),
    };
    if let Some(path) = &connection.kubeconfig {
        return of_kubeconfig(kubeconfig::read(Some(path)), options).await;
    }
    let chosen = options.context.is_some() || options.cluster.is_some() || options.user.is_some();
    if chosen || std::env::var_os("KUBECONFIG").is_some() {
        return of_kubeconfig(kubeconfig::read(None), options).await;
    }
    let of_file = of_kubeconfig(kubeconfig::read(None), options).await;
    of_file.or_else(|error| match (Config::incluster(), &connection.server) {
        (Ok(config), _) => Ok(config),
        (Err(_), Some(_)) => Ok(Config::new(http::Uri::default())),
        // What is wrong with the kubeconfig; that this is no pod of a cluster need not be said.
        (Err(_), None) => Err(error),
    })
}

async fn of_kubeconfig(
    read: Result<Kubeconfig, KubeconfigError>,
    options: KubeConfigOptions,
) -> Result<Config, ConnectError> {
    let kubeconfig = read.map_err(|error| match error {
        KubeconfigError::ReadConfig(reason, path) if reason.kind() == std::io::ErrorKind::NotFound => {
            ConnectError::NoKubeconfig(path)
        }
        other => ConnectError::Kubeconfig(other),
    })?;
    let contexts: Vec<&str> = kubeconfig.contexts.iter().map(|one| one.name.as_str()).collect();
    let clusters: Vec<&str> = kubeconfig.clusters.iter().map(|one| one.name.as_str()).collect();
    let users: Vec<&str> = kubeconfig
        .auth_infos
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    let context = options.context.as_ref().or(kubeconfig.current_context.as_ref());
    let Some(context) = context.filter(|name| !name.is_empty()) else {
        return Err(ConnectError::NoContext(listed("context", &contexts)));
    };
    let wanted = [
        ("context", Some(context), &contexts),
        ("cluster", options.cluster.as_ref(), &clusters),
        ("user", options.user.as_ref(), &users),
    ];
    for (kind, name, known) in wanted {
        if let Some(name) = name.filter(|name| !known.contains(&name.as_str())) {
            return Err(ConnectError::Unknown {
                kind,
                name: name.clone(),
                known: listed(kind, known),
            });
        }
    }
    if let Some(authority) = authority(&kubeconfig, context, &options) {
        check_file(authority.as_ref())?;
    }
    Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(ConnectError::Kubeconfig)
}

/// The file of the certificate authority of the chosen cluster, which kube reads whatever it is.
fn authority<'k>(kubeconfig: &'k Kubeconfig, context: &str, options: &KubeConfigOptions) -> Option<&'k str> {
    let of_context = kubeconfig.contexts.iter().find(|one| one.name == context);
    let of_context = of_context.and_then(|one| Some(&one.context.as_ref()?.cluster));
    let chosen = options.cluster.as_ref().or(of_context)?;
    let named = kubeconfig.clusters.iter().find(|one| one.name == *chosen)?;
    named.cluster.as_ref()?.certificate_authority.as_deref()
}

/// Those that there are, to choose from.
fn listed(kind: &str, names: &[&str]) -> String {
    let shown = names
        .iter()
        .take(NAMES_SHOWN)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match names {
        [] => format!("; it has no {kind}s"),
        _ if names.len() > NAMES_SHOWN => format!("; it has {shown} and {} more", names.len() - NAMES_SHOWN),
        _ => format!("; it has {shown}"),
    }
}

/// Flags outweigh the kubeconfig.
fn adjust(config: &mut Config, connection: &Connection) -> Result<(), ConnectError> {
    // It would sleep for as long as the server likes; what is worth asking again is asked again where it is known.
    config.default_retry = false;
    // kubectl reads 0 as no limit.
    if let Some(limit) = connection.request_timeout.filter(|limit| !limit.is_zero()) {
        config.connect_timeout = Some(limit);
        config.read_timeout = Some(limit);
        config.write_timeout = Some(limit);
    }
    if let Some(server) = &connection.server {
        config.cluster_url = server.parse().map_err(|_| ConnectError::Server(server.clone()))?;
    }
    config.accept_invalid_certs |= connection.insecure;
    if let Some(path) = &connection.certificate_authority {
        std::fs::metadata(path).map_err(|source| ConnectError::Certificate {
            path: path.display().to_string(),
            source,
        })?;
        config.root_cert_file = Some(path.clone());
    }
    if let Some(name) = &connection.tls_server_name {
        config.tls_server_name = Some(name.clone());
    }
    let user = &mut config.auth_info;
    if let Some(token) = &connection.token {
        // AuthInfo keeps tokens in a type of a crate of its own; reading one is the way in.
        let read: Result<AuthInfo, _> = serde_json::from_value(serde_json::json!({ "token": token }));
        if let Ok(read) = read {
            *user = AuthInfo {
                token: read.token,
                token_file: None,
                username: None,
                password: None,
                exec: None,
                auth_provider: None,
                ..std::mem::take(user)
            };
        }
    }
    if let Some(provider) = user
        .auth_provider
        .as_mut()
        .filter(|provider| provider.name == "oidc")
    {
        // Public clients have none, and kubectl asks for none.
        provider.config.entry("client-secret".to_owned()).or_default();
    }
    if let Some(path) = &connection.client_certificate {
        user.client_certificate_data = None;
        user.client_certificate = Some(path.display().to_string());
    }
    if let Some(path) = &connection.client_key {
        user.client_key_data = None;
        user.client_key = Some(path.display().to_string());
    }
    if let Some(name) = &connection.impersonate {
        user.impersonate = Some(name.clone());
    }
    if !connection.impersonate_groups.is_empty() {
        user.impersonate_groups = Some(connection.impersonate_groups.clone());
    }
    if let Some(uid) = &connection.impersonate_uid {
        user.impersonate_uid = Some(uid.clone());
    }
    Ok(())
}
