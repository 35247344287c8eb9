//! Connections that show whether something listens: nc, telnet, `/dev/tcp`, health probes.

use crate::shell::{RedirectKind, Simple, Span};

use super::{
    Action, Host,
    argument::{Argument, Syntax},
    file_redirects,
    host::{port, split_port},
    values::Values,
};

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
    /// It asks the server's gRPC health service, in plain text: for this service of its, or for all (empty).
    pub grpc_health: Option<String>,
    /// It changes something at the server.
    pub has_side_effects: bool,
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
            grpc_health: None,
            has_side_effects: false,
        }
    }
}

pub(super) fn action(name: &str, arguments: &[Argument], simple: &Simple, values: &Values) -> Option<Action> {
    let connect = match name {
        "nc" | "ncat" | "netcat" | "nc.traditional" | "nc.openbsd" => netcat(name, arguments),
        "telnet" => host_and_port(name, arguments, &TELNET),
        "ping" | "ping6" => host_and_port(name, arguments, &PING),
        "nmap" => nmap(arguments),
        "grpc_health_probe" | "grpc-health-probe" => grpc_health_probe(name, arguments),
        "grpcurl" => grpcurl(arguments),
        "cat" | "read" => through_redirection(simple, values),
        _ => None,
    };
    connect.map(Action::Connect)
}

const NETCAT: Syntax = Syntax {
    short: "wipsXxqTOIecgGm",
    long: &["wait", "idle-timeout", "source-port", "proxy"],
    single_dash: false,
};

fn netcat(name: &str, arguments: &[Argument]) -> Option<Connect> {
    let options = NETCAT.read(arguments, false);
    if options.has(&["l", "listen"]) {
        return None;
    }
    let (_, host) = options.operands.first()?;
    let given = options.operands.get(1).map(|(_, port)| port.text.as_str());
    let mut connect = Connect::new(name, Host::of(&host.text), given.and_then(port), host.span());
    connect.time_limit = options.number(&["w", "wait"]);
    Some(connect)
}

const TELNET: Syntax = Syntax {
    short: "abeklnSX",
    long: &[],
    single_dash: false,
};
const PING: Syntax = Syntax {
    short: "cwWiIstmMpQS",
    long: &[],
    single_dash: false,
};

fn host_and_port(name: &str, arguments: &[Argument], syntax: &Syntax) -> Option<Connect> {
    let options = syntax.read(arguments, false);
    let (_, host) = options.operands.first()?;
    let given = options.operands.get(1).and_then(|(_, text)| port(&text.text));
    Some(Connect::new(name, Host::of(&host.text), given, host.span()))
}

fn nmap(arguments: &[Argument]) -> Option<Connect> {
    const NMAP: Syntax = Syntax {
        short: "p",
        long: &[],
        single_dash: false,
    };
    let options = NMAP.read(arguments, false);
    let (_, host) = options.operands.first()?;
    let given = options.value(&["p"]).and_then(|value| port(&value.text));
    Some(Connect::new("nmap", Host::of(&host.text), given, host.span()))
}

fn grpc_health_probe(name: &str, arguments: &[Argument]) -> Option<Connect> {
    const PROBE: Syntax = Syntax {
        short: "",
        long: &[
            "addr",
            "service",
            "connect-timeout",
            "rpc-timeout",
            "rpc-header",
            "user-agent",
        ],
        single_dash: true,
    };
    let options = PROBE.read(arguments, false);
    let address = options.value(&["addr"])?;
    let (host, given) = split_port(&address.text);
    // `-addr=:5000` is local.
    let host = if host.is_empty() {
        Host::Local
    } else {
        Host::of(host)
    };
    let asks_plainly = !options.has(&["tls", "alts", "spiffe", "rpc-header"]);
    let service = options.value(&["service"]).map(|service| service.text.clone());
    Some(Connect {
        grpc_health: asks_plainly.then(|| service.unwrap_or_default()),
        ..Connect::new(name, host, given.and_then(port), address.span.clone())
    })
}

fn grpcurl(arguments: &[Argument]) -> Option<Connect> {
    const GRPCURL: Syntax = Syntax {
        short: "dH",
        long: &[
            "d",
            "H",
            "max-time",
            "connect-timeout",
            "import-path",
            "proto",
            "cacert",
            "cert",
            "key",
        ],
        single_dash: true,
    };
    let options = GRPCURL.read(arguments, false);
    let (_, address) = options.operands.first()?;
    let (host, given) = split_port(&address.text);
    Some(Connect::new(
        "grpcurl",
        Host::of(host),
        given.and_then(port),
        address.span(),
    ))
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
            let (host, port) = device(&values.expand(target))?;
            Some(Connect::new("/dev/tcp", host, port, target.span.clone()))
        })
}
