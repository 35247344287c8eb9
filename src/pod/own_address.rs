//! The addresses of 127.0.0.1 that a container's own words and variables name, for any program, known or not.

use crate::{behaviour::action::Host, workload::Container};

/// A name and its value, as a flag, a property or a variable gives them; the name is empty where none is written.
struct Setting {
    name: String,
    value: String,
}

/// What a container's words and literal variables say about one port: `--listen 127.0.0.1:8099`, `HOST=localhost`.
pub(super) struct OwnAddresses {
    settings: Vec<Setting>,
}

impl OwnAddresses {
    /// Of the words that start its program, and of its variables.
    pub(super) fn of(container: &Container<'_>, words: &[&str]) -> Self {
        let mut settings = Vec::new();
        let mut flag = String::new();
        for word in words {
            settings.extend(settings_of(&flag, &expanded(container, word)));
            let is_flag = word.starts_with('-') && !word.contains('=');
            flag = if is_flag {
                word.trim_start_matches('-').to_owned()
            } else {
                String::new()
            };
        }
        for variable in container.environment() {
            let value = expanded(container, variable.value.unwrap_or_default());
            settings.extend(settings_of(variable.name, &value));
        }
        Self { settings }
    }

    /// A variable that it has from elsewhere.
    pub(super) fn add(&mut self, name: &str, value: &str) {
        self.settings.extend(settings_of(name, value));
    }

    /// The words for a listener on 127.0.0.1 at that port; none where nothing names one, or where another setting
    /// names all addresses with that very port.
    pub(super) fn on_loopback(&self, port: u16) -> Option<String> {
        let local = self
            .settings
            .iter()
            .find(|setting| self.is_local(setting, port))?;
        (!self.names_all(port)).then(|| local.spelled())
    }

    /// Whether a setting names all addresses with that port: `0.0.0.0:8080`, `:8080`, `http://[::]:8080`.
    pub(super) fn names_all(&self, port: u16) -> bool {
        self.settings.iter().any(|setting| {
            let everywhere = |(host, at): (&str, &str)| {
                matches!(host, "" | "*" | "0.0.0.0" | "[::]" | "::") && at.parse() == Ok(port)
            };
            host_and_port(&setting.value).is_some_and(everywhere)
        })
    }

    /// Whether a setting makes it listen at that port on all addresses: `--addr=:8181`. What is called may have a host of
    /// no name too, but nobody calls 0.0.0.0.
    pub(super) fn listens_everywhere(&self, port: u16) -> bool {
        self.settings.iter().any(|setting| {
            let everywhere = |(host, at): (&str, &str)| {
                let is_unspecified = matches!(host, "0.0.0.0" | "[::]" | "::");
                let is_listener = || matches!(host, "" | "*") && is_a_listeners(&setting.name);
                at.parse() == Ok(port) && (is_unspecified || is_listener())
            };
            // `--host=0.0.0.0 --port=9000`
            let beside = || {
                matches!(setting.value.as_str(), "0.0.0.0" | "::")
                    && is_a_listeners(&setting.name)
                    && self.port_beside(&setting.name) == Some(port)
            };
            !is_of_another(&setting.name)
                && (host_and_port(&setting.value).is_some_and(everywhere) || beside())
        })
    }

    fn is_local(&self, setting: &Setting, port: u16) -> bool {
        if let Some((host, at)) = host_and_port(&setting.value) {
            // A port that is not known may be this one.
            return at.parse().map_or(at.starts_with('$'), |at: u16| at == port) && is_loopback(host);
        }
        if !is_loopback(&setting.value) || is_of_another(&setting.name) {
            return false;
        }
        match self.port_beside(&setting.name) {
            Some(beside) => beside == port,
            None => is_a_listeners(&setting.name),
        }
    }

    /// `ADMIN_PORT` for `ADMIN_HOST`, `--port` for `--host`.
    fn port_beside(&self, name: &str) -> Option<u16> {
        let parts = parts(name);
        let (_, before) = parts.split_last()?;
        self.settings.iter().find_map(|setting| {
            let other = self::parts(&setting.name);
            let (last, prefix) = other.split_last()?;
            (last == "port" && prefix == before).then(|| setting.value.parse().ok())?
        })
    }
}

impl Setting {
    fn spelled(&self) -> String {
        match self.name.as_str() {
            "" => self.value.clone(),
            name => format!("{name}={}", self.value),
        }
    }
}

/// A text with the kubelet's and a shell's plain references to the container's literal variables put in.
fn expanded(container: &Container<'_>, text: &str) -> String {
    let mut text = text.to_owned();
    if !text.contains('$') {
        return text;
    }
    for variable in container.environment() {
        let Some(value) = variable.value else { continue };
        for reference in [format!("$({})", variable.name), format!("${{{}}}", variable.name)] {
            text = text.replace(&reference, value);
        }
    }
    text
}

/// `--listen=127.0.0.1:80`, `TCP-LISTEN:80,bind=127.0.0.1,fork`, `-Da.address=localhost -Da.port=80`
fn settings_of(name: &str, text: &str) -> Vec<Setting> {
    let is_end = |letter: char| letter.is_whitespace() || ",;\"'{}".contains(letter);
    text.split(is_end)
        .filter(|token| !token.is_empty())
        .map(|token| match token.split_once('=') {
            Some((own, value)) if !own.contains("://") => Setting {
                name: own.trim_start_matches('-').to_owned(),
                value: value.to_owned(),
            },
            _ => Setting {
                name: name.to_owned(),
                value: token.to_owned(),
            },
        })
        .collect()
}

/// Host and port of `http://127.0.0.1:80/path`, `tcp:127.0.0.1:80`, `:80`.
fn host_and_port(value: &str) -> Option<(&str, &str)> {
    let value = value.split_once("://").map_or(value, |(_, rest)| rest);
    let value = value.split('/').next().unwrap_or(value);
    let value = value.rsplit('@').next().unwrap_or(value);
    let (host, port) = value.rsplit_once(':')?;
    // A kind of listener in front: `tcp:127.0.0.1`.
    let host = match host.rsplit_once(':') {
        Some((kind, host))
            if kind.chars().all(|letter| letter.is_ascii_alphanumeric()) && !kind.is_empty() =>
        {
            host
        }
        _ => host,
    };
    (port.parse::<u16>().is_ok() || port.starts_with('$')).then_some((host, port))
}

fn is_loopback(host: &str) -> bool {
    let is_everywhere = matches!(host.trim_matches(['[', ']']), "0.0.0.0" | "::" | "0");
    !is_everywhere && Host::of(host).is_local()
}

fn parts(name: &str) -> Vec<String> {
    name.split(['_', '-', '.']).map(str::to_ascii_lowercase).collect()
}

/// Whether a name with an address but without a port is one that a listener has, or may have.
fn is_a_listeners(name: &str) -> bool {
    let parts = parts(name);
    let has = |sign: &str| parts.iter().any(|part| part.contains(sign));
    let last = parts.last().map_or("", String::as_str);
    has("bind")
        || has("listen")
        || matches!(
            last,
            "" | "host"
                | "hostname"
                | "addr"
                | "address"
                | "ip"
                | "interface"
                | "iface"
                | "a"
                | "b"
                | "h"
                | "l"
        )
}

/// Whether a name says that the address is of something that the program connects to: `DB_HOST`, `--upstream`.
fn is_of_another(name: &str) -> bool {
    const CONNECTED: [&str; 22] = [
        "agent",
        "backend",
        "broker",
        "cache",
        "client",
        "collector",
        "database",
        "db",
        "kafka",
        "memcached",
        "mongo",
        "mongodb",
        "mysql",
        "peer",
        "postgres",
        "postgresql",
        "rabbitmq",
        "redis",
        "remote",
        "statsd",
        "target",
        "upstream",
    ];
    parts(name).iter().any(|part| CONNECTED.contains(&part.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_read_in_every_spelling() {
        assert_eq!(host_and_port("http://127.0.0.1:80/x"), Some(("127.0.0.1", "80")));
        assert_eq!(host_and_port("tcp:127.0.0.1:5432"), Some(("127.0.0.1", "5432")));
        assert_eq!(host_and_port("[::1]:80"), Some(("[::1]", "80")));
        assert_eq!(host_and_port(":80"), Some(("", "80")));
        assert_eq!(host_and_port("project:region:db"), None);
    }

    #[test]
    fn a_name_tells_whose_the_address_is() {
        assert!(is_a_listeners("WEB_BIND") && is_a_listeners("HOST") && is_a_listeners("server.address"));
        assert!(is_of_another("DB_HOST") && !is_of_another("ADMIN_HOST"));
        assert!(!is_a_listeners("no-proxy"));
    }
}
