//! Connections that show whether something listens, and those through `/dev/tcp`.

use crate::shell::{RedirectKind, Simple, Span};

use super::{Host, file_redirects, host::port, values::Values};

/// A connection, or a question to a server that only an answering server can answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Connect {
    /// The program that makes it.
    pub tool: String,
    /// Where it leads; tools without a host ask the local server.
    pub host: Host,
    /// The port, the server's usual one where none is written.
    pub port: Option<u16>,
    /// The path, where the tool asks over HTTP.
    pub path: Option<String>,
    /// The word with the address, or the whole command.
    pub span: Span,
    /// The tool itself tries again until it succeeds.
    pub waits: bool,
    /// The seconds after which it gives up.
    pub time_limit: Option<f64>,
    /// The index of the first word of the command that it runs afterwards.
    pub wraps: Option<usize>,
    /// That command is not run unless it got an answer.
    pub is_strict: bool,
    /// It asks the server's gRPC health service, in plain text: for this service of its, or for all (empty).
    pub grpc_health: Option<String>,
    /// It changes something at the server.
    pub has_side_effects: bool,
    /// It waits until nothing answers.
    pub inverted: bool,
    /// It asks over UDP.
    pub is_udp: bool,
    /// An option that the catalogue does not know: what it asks is not certain.
    pub unknown_option: Option<String>,
    /// Only the addresses among its arguments say that the program waits for them.
    pub is_guessed: bool,
}

impl Connect {
    pub(super) fn new(tool: &str, host: Host, port: Option<u16>, span: Span) -> Self {
        Self {
            tool: tool.to_owned(),
            host,
            port,
            path: None,
            span,
            waits: false,
            time_limit: None,
            wraps: None,
            is_strict: false,
            grpc_health: None,
            has_side_effects: false,
            inverted: false,
            is_udp: false,
            unknown_option: None,
            is_guessed: false,
        }
    }
}

/// `/dev/tcp/host/port`
pub(super) fn device(path: &str) -> Option<(Host, Option<u16>)> {
    let address = path
        .strip_prefix("/dev/tcp/")
        .or_else(|| path.strip_prefix("/dev/udp/"))?;
    let (host, given) = address.split_once('/')?;
    Some((Host::of(host), port(given)))
}

/// A redirection from or to `/dev/tcp/host/port`.
pub(super) fn through_redirection(simple: &Simple, values: &Values) -> Option<Connect> {
    file_redirects(&simple.redirects)
        .filter(|(redirect, _)| redirect.kind != RedirectKind::Here)
        .find_map(|(_, target)| {
            let path = values.expand(target);
            let (host, port) = device(&path)?;
            Some(Connect {
                is_udp: path.starts_with("/dev/udp/"),
                ..Connect::new("/dev/tcp", host, port, target.span.clone())
            })
        })
}
