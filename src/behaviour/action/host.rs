//! Addresses.

use crate::shell::Span;

use super::values::UNKNOWN;

/// Where an address leads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// To the pod itself.
    Local,
    /// Somewhere else.
    Remote(String),
    /// That isn't known.
    Unknown,
}

impl Host {
    /// Where a name or an address leads.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let plain = name
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_ascii_lowercase();
        let is_local = matches!(
            plain.as_str(),
            "localhost"
                | "localhost."
                | "localhost.localdomain"
                | "ip6-localhost"
                | "ip6-loopback"
                | "0.0.0.0"
                | "::1"
                | "::"
                | "0:0:0:0:0:0:0:1"
                | "0"
        ) || plain.ends_with(".localhost")
            || is_loopback(&plain);
        if plain.is_empty() || plain.contains(UNKNOWN) {
            Self::Unknown
        } else if is_local {
            Self::Local
        } else {
            Self::Remote(name.to_owned())
        }
    }

    /// Whether it is the pod itself.
    #[must_use]
    pub fn is_local(&self) -> bool {
        *self == Self::Local
    }
}

/// `127.0.0.1`, `127.1`
fn is_loopback(name: &str) -> bool {
    name.strip_prefix("127.")
        .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

/// The address of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// `http`, `https`; absent where none is written.
    pub scheme: Option<String>,
    /// Where it leads.
    pub host: Host,
    /// The port, the scheme's own where none is written; absent where it isn't known.
    pub port: Option<u16>,
    /// The path without the query; absent where it isn't known.
    pub path: Option<String>,
    /// What follows the `?`, where something does.
    pub query: Option<String>,
    /// The word it stands in.
    pub span: Span,
}

impl Url {
    /// Reads `scheme://user@host:port/path?query` and the same without scheme.
    #[must_use]
    pub fn parse(text: &str, span: Span) -> Self {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            None => (None, text),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        let authority = authority.rsplit('@').next().unwrap_or(authority);
        let (host, port) = split_port(authority);
        let (path, query) = match tail.split('#').next().unwrap_or_default().split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (tail.split('#').next().unwrap_or_default(), None),
        };
        // A variable that is all of the address may hold a path, too.
        let may_hide_path = port.is_none() && host.ends_with(UNKNOWN) && path.is_empty();
        let known_path = !path.contains(UNKNOWN) && !may_hide_path;
        Self {
            host: Host::of(host),
            port: match port {
                Some(port) => port.parse().ok(),
                None if host.contains(UNKNOWN) => None,
                None => default_port(scheme.as_deref()),
            },
            path: known_path.then(|| {
                if path.is_empty() {
                    "/".to_owned()
                } else {
                    path.to_owned()
                }
            }),
            query,
            scheme,
            span,
        }
    }
}

impl Url {
    /// The path and the query, where all of them and the scheme are known.
    #[must_use]
    pub fn request_target(&self) -> Option<String> {
        let is_known = |part: &Option<String>| part.as_deref().is_none_or(|text| !text.contains(UNKNOWN));
        let path = self
            .path
            .as_deref()
            .filter(|_| is_known(&self.scheme) && is_known(&self.query))?;
        Some(match &self.query {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        })
    }
}

fn default_port(scheme: Option<&str>) -> Option<u16> {
    match scheme {
        None | Some("http" | "ws") => Some(80),
        Some("https" | "wss") => Some(443),
        _ => None,
    }
}

/// `host:port`, `[::1]:port`, `host`
pub(super) fn split_port(authority: &str) -> (&str, Option<&str>) {
    if let Some(end) = authority.find(']') {
        let (host, rest) = authority.split_at(end + 1);
        return (host, rest.strip_prefix(':'));
    }
    match authority.split_once(':') {
        // More than one colon: an IPv6 address without brackets.
        Some((_, rest)) if rest.contains(':') => (authority, None),
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    }
}

/// A port's number; service names aren't looked up.
pub(super) fn port(text: &str) -> Option<u16> {
    text.parse().ok()
}
