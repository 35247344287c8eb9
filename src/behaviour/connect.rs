//! Connections to ports and health questions: nc, /dev/tcp, wait-for-it, pg_isready and their kin.

use crate::shell::Simple;

use super::{
    Address, Connection, Host,
    command_line::{CommandLine, Lookup},
};

/// The connection a command makes.
pub(super) fn connection(line: &CommandLine) -> Option<Connection> {
    let program = line.program();
    match program {
        "nc" | "ncat" | "netcat" | "telnet" => netcat(line),
        "wait-for-it" | "wait-for-it.sh" | "wait-for" | "wait-for.sh" | "wait4x" | "wait-for-port"
        | "wait-on" => wait_for(line),
        "dockerize" => dockerize(line),
        "pg_isready" | "psql" => service(line, 5432, &["-h", "--host"], &["-p", "--port"]),
        "mysqladmin" | "mysql" | "mariadb" | "mariadb-admin" => {
            service(line, 3306, &["-h", "--host"], &["-P", "--port"])
        }
        "redis-cli" | "valkey-cli" => service(line, 6379, &["-h"], &["-p"]),
        "mongo" | "mongosh" => service(line, 27017, &["--host"], &["--port"]),
        "rabbitmq-diagnostics" | "rabbitmqctl" => service(line, 5672, &["-n"], &[]),
        "grpc_health_probe" | "grpc-health-probe" => {
            let address = option(line, &["-addr", "--addr"])?;
            Some(Connection {
                address: Address {
                    path: None,
                    ..Address::parse(&address)
                },
                ..named(line)
            })
        }
        _ => None,
    }
}

fn named(line: &CommandLine) -> Connection {
    Connection {
        address: Address {
            host: Host::Unknown,
            port: None,
            path: None,
        },
        tool: line.program().to_owned(),
        waits: false,
        runs: None,
    }
}

fn netcat(line: &CommandLine) -> Option<Connection> {
    let mut positional = Vec::new();
    let mut words = line.arguments.iter().skip(1);
    while let Some(word) = words.next() {
        let text = word.known.as_str();
        match text {
            // A listener waits for others.
            _ if text.starts_with('-') && !text.starts_with("--") && text.contains('l') => return None,
            "-w" | "-i" | "-q" | "-s" | "-p" | "-x" | "-X" | "-e" | "-G" => {
                words.next();
            }
            _ if text.starts_with('-') => {}
            _ => positional.push(text),
        }
    }
    let (host, port) = match positional.as_slice() {
        [host, port, ..] => (*host, *port),
        [one] => one.split_once(':')?,
        [] => return None,
    };
    Some(Connection {
        address: Address::of(host, Some(port)),
        ..named(line)
    })
}

/// `wait-for-it db:5432 -t 30 -- command`
fn wait_for(line: &CommandLine) -> Option<Connection> {
    let host = option(line, &["-h", "--host"]);
    let port = option(line, &["-p", "--port"]);
    let address = match (host, port) {
        (host, Some(port)) => Address::of(host.as_deref().unwrap_or("localhost"), Some(&port)),
        _ => {
            let target = line.options().find(|word| is_target(word))?;
            let target = target
                .strip_prefix("tcp:")
                .map_or(target, |rest| rest.trim_start_matches("//"));
            let target = target.split('|').next().unwrap_or(target);
            if target.chars().all(|letter| letter.is_ascii_digit()) {
                Address::of("localhost", Some(target))
            } else if target.contains("://") {
                Address::parse(target)
            } else {
                Address {
                    path: None,
                    ..Address::parse(target)
                }
            }
        }
    };
    let runs = line
        .arguments
        .iter()
        .position(|word| word.known == "--")
        .map(|at| at + 1);
    Some(Connection {
        address,
        waits: true,
        runs,
        ..named(line)
    })
}

fn is_target(word: &str) -> bool {
    !word.starts_with('-')
        && (word.contains(':') || word.chars().all(|letter| letter.is_ascii_digit()))
        && !word.is_empty()
}

/// `dockerize -wait tcp://db:5432 -timeout 30s command`
fn dockerize(line: &CommandLine) -> Option<Connection> {
    let mut words = line.arguments.iter().enumerate().skip(1);
    let mut target: Option<Address> = None;
    let mut runs = None;
    while let Some((index, word)) = words.next() {
        let (name, glued) = word
            .known
            .split_once('=')
            .map_or((word.known.as_str(), None), |(name, value)| {
                (name, Some(value.to_owned()))
            });
        match name.trim_start_matches('-') {
            "wait" => {
                let value = glued.or_else(|| words.next().map(|(_, next)| next.known.clone()))?;
                let address = Address::parse(&value);
                let better = target.as_ref().is_none_or(|target| !target.is_local());
                if better {
                    target = Some(if value.starts_with("tcp") {
                        Address {
                            path: None,
                            ..address
                        }
                    } else {
                        address
                    });
                }
            }
            "timeout"
            | "wait-retry-interval"
            | "template"
            | "stdout"
            | "stderr"
            | "delims"
            | "wait-http-header" => {
                if glued.is_none() {
                    words.next();
                }
            }
            _ if name.starts_with('-') => {}
            _ => {
                runs = Some(index);
                break;
            }
        }
    }
    Some(Connection {
        address: target?,
        waits: true,
        runs,
        ..named(line)
    })
}

/// A client that asks one service; without a host it asks the local one, by a socket file unless told.
fn service(line: &CommandLine, port: u16, hosts: &[&str], ports: &[&str]) -> Option<Connection> {
    let host = option(line, hosts);
    let port = option(line, ports)
        .and_then(|port| port.parse().ok())
        .unwrap_or(port);
    let host = match host {
        Some(host) => Host::parse(&host),
        // A connection string, or an environment that is not known here.
        None if line
            .options()
            .any(|word| word.contains("://") || word.contains("host=")) =>
        {
            let word = line.options().find(|word| word.contains("://"))?;
            let address = Address::parse(word);
            return Some(Connection {
                address: Address {
                    path: None,
                    ..address
                },
                ..named(line)
            });
        }
        None => Host::Unknown,
    };
    Some(Connection {
        address: Address {
            host,
            port: Some(port),
            path: None,
        },
        ..named(line)
    })
}

/// The value of an option: `-h VALUE`, `-hVALUE`, `--host=VALUE`.
fn option(line: &CommandLine, names: &[&str]) -> Option<String> {
    let words: Vec<&str> = line.options().collect();
    words.iter().enumerate().find_map(|(at, word)| {
        names.iter().find_map(|name| {
            let rest = word.strip_prefix(name)?;
            match rest.strip_prefix('=') {
                Some(value) => Some(value.to_owned()),
                None if rest.is_empty() => words.get(at + 1).map(|value| (*value).to_owned()),
                None if !name.starts_with("--") && name.len() == 2 => Some(rest.to_owned()),
                None => None,
            }
        })
    })
}

/// `</dev/tcp/localhost/5432`, `exec 3<>/dev/tcp/…`, `echo >/dev/tcp/…` (bash's own way).
pub(super) fn redirected(simple: &Simple, value_of: Lookup<'_>) -> Option<Connection> {
    let address = simple.redirects.iter().find_map(|redirect| {
        let target = redirect.target.as_ref()?;
        let path = target.resolve(value_of).unwrap_or_else(|| target.raw.clone());
        let mut parts = path.strip_prefix("/dev/tcp/")?.split('/');
        Some(Address::of(parts.next()?, parts.next()))
    })?;
    Some(Connection {
        address,
        tool: "/dev/tcp".to_owned(),
        waits: false,
        runs: None,
    })
}

/// A tool that knows where to ask without being told.
pub(super) fn readiness_tool(line: &CommandLine) -> Option<String> {
    let second = line.value(1).unwrap_or_default();
    let known = match line.program() {
        "docker" => matches!(second, "info" | "ps" | "version" | "images"),
        "pilot-agent" => matches!(second, "wait" | "request"),
        "linkerd-await" => true,
        _ => false,
    };
    known.then(|| line.program().to_owned())
}
