//! kubectl's connection flags to a client.

use kube::{
    Client, Config,
    client::AuthError,
    config::{AuthInfo, KubeConfigOptions, Kubeconfig},
};

use super::credentials::{CredentialError, check, watch_over};

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
    /// The kubeconfig cannot be read, or lacks what was asked for.
    #[error("kubeconfig: {0}")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// Neither a kubeconfig nor a service account was found.
    #[error("no cluster is configured: {0}")]
    NoCluster(#[from] kube::config::InferConfigError),
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
    let client = Client::try_from(config).map_err(|error| refused(error, plugin))?;
    Ok((client, namespace))
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
        let kubeconfig = Kubeconfig::read_from(path)?;
        return Ok(Config::from_custom_kubeconfig(kubeconfig, &options).await?);
    }
    let chosen = options.context.is_some() || options.cluster.is_some() || options.user.is_some();
    if chosen || std::env::var_os("KUBECONFIG").is_some() {
        return Ok(Config::from_kubeconfig(&options).await?);
    }
    match Config::infer().await {
        Ok(config) => Ok(config),
        Err(_) if connection.server.is_some() => Ok(Config::new(http::Uri::default())),
        Err(error) => Err(error.into()),
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
