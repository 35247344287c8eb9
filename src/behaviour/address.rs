//! Hosts, ports and paths, as tools are told them.

use std::net::IpAddr;

/// Where a call goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// The pod's own network namespace: `localhost`, `127.0.0.1`, `0.0.0.0`, `::1`.
    Local,
    /// Another host.
    Remote(String),
    /// Not known from the text.
    Unknown,
}

/// A host with a port, and a path where it is a URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// The host.
    pub host: Host,
    /// The port, or the scheme's default.
    pub port: Option<u16>,
    /// The path without its query, for URLs.
    pub path: Option<String>,
}

impl Host {
    /// Reads a host name or address.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        if bare.is_empty() {
            return Self::Unknown;
        }
        if bare.eq_ignore_ascii_case("localhost") || bare.eq_ignore_ascii_case("ip6-localhost") {
            return Self::Local;
        }
        match bare.parse::<IpAddr>() {
            // The unspecified address connects to the own host on Linux.
            Ok(address) if address.is_loopback() || address.is_unspecified() => Self::Local,
            _ => Self::Remote(bare.to_owned()),
        }
    }
}

impl Address {
    /// A host and a port.
    #[must_use]
    pub fn of(host: &str, port: Option<&str>) -> Self {
        Self {
            host: Host::parse(host),
            port: port.and_then(|port| port.parse().ok()),
            path: None,
        }
    }

    /// Reads a URL, with or without its scheme, or `host:port`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        let host_port = authority.rsplit('@').next().unwrap_or(authority);
        let (host, port) = match host_port.rfind(':') {
            // `::1` without brackets has colons of its own.
            Some(colon)
                if !host_port.get(colon..).unwrap_or_default().contains(']')
                    && is_port_colon(host_port, colon) =>
            {
                (
                    host_port.get(..colon).unwrap_or_default(),
                    host_port.get(colon + 1..),
                )
            }
            _ => (host_port, None),
        };
        let default = match scheme {
            Some("https" | "wss") => Some(443),
            Some("tcp" | "tcp4" | "unix" | "file") => None,
            _ => Some(80),
        };
        let path = tail.split(['?', '#']).next().unwrap_or_default();
        Self {
            host: Host::parse(host),
            port: match port {
                Some(port) => port.parse().ok(),
                None => default,
            },
            path: Some(if path.is_empty() {
                "/".to_owned()
            } else {
                path.to_owned()
            }),
        }
    }

    /// Whether it is in the pod's own network namespace.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.host == Host::Local
    }
}

fn is_port_colon(host_port: &str, colon: usize) -> bool {
    host_port.starts_with('[') || host_port.get(..colon).is_some_and(|host| !host.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_urls_as_they_are_written() {
        let local = |port, path: &str| Address {
            host: Host::Local,
            port: Some(port),
            path: Some(path.to_owned()),
        };
        for (text, expected) in [
            (
                "http://localhost:15020/quitquitquit",
                local(15020, "/quitquitquit"),
            ),
            ("127.0.0.1:4191/shutdown?x=1", local(4191, "/shutdown")),
            ("http://0.0.0.0:8091/quitquitquit", local(8091, "/quitquitquit")),
            ("http://[::1]:9091/quitquitquit", local(9091, "/quitquitquit")),
            ("localhost", local(80, "/")),
            ("https://user:pass@localhost/x#y", local(443, "/x")),
        ] {
            assert_eq!(Address::parse(text), expected, "{text}");
        }
        assert_eq!(
            Address::parse("http://db:5432").host,
            Host::Remote("db".to_owned())
        );
        assert_eq!(
            Address::parse("http://localhost.example.com/").host,
            Host::Remote("localhost.example.com".to_owned())
        );
    }
}
