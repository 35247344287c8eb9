//! What a kubeconfig brings as credentials, looked at before kube does: a token that no header can hold makes it panic,
//! and what a plugin writes has no end but its own.

use std::{
    ffi::OsString,
    io::{self, Read, Write},
    path::Path,
    process::{Command, Stdio},
};

use kube::{Config, config::ExecConfig};
use secrecy::ExposeSecret;

/// The first argument of a run of this program that only runs a credential plugin.
pub const PLUGIN_ARGUMENT: &str = "__credential-plugin";

/// The longest output of a plugin, token file and certificate, in bytes.
const LONGEST: u64 = 1 << 20;

/// Why credentials can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The token holds what no HTTP header may.
    #[error("the token holds a line break or another control character")]
    Token,
    /// Whom the request should act as.
    #[error("the user, group or UID to act as holds a line break or another control character")]
    Impersonation,
    /// A file of a token, certificate or key is a pipe or device, or has no end.
    #[error("{0} is no regular file of at most 1 MiB, so it is not read")]
    File(String),
}

/// Whether the configuration's own credentials can be sent.
///
/// # Errors
/// What no header can hold, or a file that can't be read to its end.
pub(super) fn check(config: &Config) -> Result<(), CredentialError> {
    let user = &config.auth_info;
    if let Some(token) = &user.token
        && !fits_header(token.expose_secret())
    {
        return Err(CredentialError::Token);
    }
    let mut acted_as = user
        .impersonate
        .iter()
        .chain(&user.impersonate_uid)
        .chain(user.impersonate_groups.iter().flatten())
        .chain(
            user.impersonate_user_extra
                .iter()
                .flatten()
                .flat_map(|(_, values)| values),
        );
    if !acted_as.all(|name| fits_header(name)) {
        return Err(CredentialError::Impersonation);
    }
    let files = [&user.token_file, &user.client_certificate, &user.client_key];
    files
        .into_iter()
        .flatten()
        .map(Path::new)
        .chain(config.root_cert_file.as_deref())
        .try_for_each(check_file)
}

/// Whether a file can be read whole, without waiting for anybody. What is not there, kube says better.
pub(super) fn check_file(path: &Path) -> Result<(), CredentialError> {
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() || metadata.len() > LONGEST => {
            Err(CredentialError::File(path.display().to_string()))
        }
        _ => Ok(()),
    }
}

fn fits_header(value: &str) -> bool {
    http::HeaderValue::from_str(value).is_ok()
}

/// Lets a plugin be run by this program ([`run_plugin`]) where it is found; otherwise kube says that it is not.
pub(super) fn watch_over(plugin: &mut ExecConfig) {
    let (Some(command), Ok(own)) = (plugin.command.clone(), std::env::current_exe()) else {
        return;
    };
    // Unit tests are another program.
    let Some(own) = own.to_str().filter(|_| !cfg!(test) && is_found(&command)) else {
        return;
    };
    let mut arguments = vec![PLUGIN_ARGUMENT.to_owned(), command];
    arguments.extend(plugin.args.take().unwrap_or_default());
    plugin.command = Some(own.to_owned());
    plugin.args = Some(arguments);
}

fn is_found(command: &str) -> bool {
    if command.contains(std::path::is_separator) {
        return Path::new(command).is_file();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(command).is_file())
}

/// Runs a credential plugin, and hands its output on where it is not endless and its token can be sent.
///
/// # Errors
/// What is wrong, in one sentence. A plugin that fails says why by itself.
pub fn run_plugin(arguments: &[OsString]) -> Result<i32, String> {
    let [command, arguments @ ..] = arguments else {
        return Err("no plugin is named".to_owned());
    };
    let mut child = Command::new(command)
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    let mut written = Vec::new();
    let read = match child.stdout.take() {
        Some(output) => output.take(LONGEST + 1).read_to_end(&mut written).map(drop),
        None => Ok(()),
    };
    if written.len() as u64 > LONGEST {
        let _ended = child.kill();
        let _waited = child.wait();
        return Err("wrote more than 1 MiB, which no credential is".to_owned());
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    read.map_err(|error| error.to_string())?;
    if !status.success() {
        return Ok(status.code().unwrap_or(1));
    }
    let credential: serde_yaml::Value = serde_yaml::from_slice(&written).unwrap_or_default();
    let token = credential
        .get("status")
        .and_then(|status| status.get("token")?.as_str());
    if token.is_some_and(|token| !fits_header(token)) {
        return Err(format!(
            "gave credentials that can't be sent: {}",
            CredentialError::Token
        ));
    }
    io::stdout()
        .write_all(&written)
        .map(|()| 0)
        .map_err(|error| error.to_string())
}
