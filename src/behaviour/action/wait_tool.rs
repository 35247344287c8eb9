//! Programs that ask an address, and may wait for it and run a command afterwards: `wait-for-it`, `nc`, `wait4x`.
//! Their grammar is the catalogue's.

use crate::{
    catalogue::wait_tool::{Address, WaitTool, by_program},
    shell::Piece,
};

use super::{
    Action, Connect, Host, Url,
    argument::{Argument, OptionValue, Options, Syntax},
    database,
    host::{port, split_port},
    values::{UNKNOWN, Values},
};

/// `program` is the index of the tool's own word.
pub(super) fn action(name: &str, arguments: &[Argument], program: usize, values: &Values) -> Option<Action> {
    let tool = by_program(name)?;
    // A command behind the tool's own words has options of its own.
    let stops = matches!(tool.address, Address::Option(_));
    let options = Syntax::of(tool).read(arguments, stops);
    let mut connect = match tool.address {
        Address::HostAndPort => host_and_port(name, tool, &options, arguments),
        Address::Option(option) => of_option(name, &options, option),
        Address::Operand(kinds) if tool.waits => of_operand(name, &options, kinds, arguments),
        Address::Operand(_) => host_and_port(name, tool, &options, arguments),
        Address::HostThenPort => host_then_port(name, &options),
        Address::HostAndPortOption => host_and_port_option(name, tool, &options),
        Address::HostPortOption(option) => health_probe(name, &options, option),
        Address::Database => database::question(name, tool, arguments, &options, values),
        Address::Request => None,
    }?;
    connect.waits = tool.waits;
    connect.inverted = options.has(tool.inverts);
    connect.is_udp = options.has(tool.udp);
    connect.has_side_effects |= options.has(tool.does_more);
    connect.unknown_option = options.unknown(tool).or(connect.unknown_option);
    connect.time_limit = match options.number(tool.timeout) {
        Some(limit) if limit > 0.0 || !tool.zero_is_no_limit => Some(limit * tool.unit),
        Some(_) => None,
        None => tool.usual_limit,
    };
    if tool.waits {
        // A limit whose length is not known.
        if options.has(tool.timeout) && options.number(tool.timeout).is_none() {
            let named = options.spelled(tool, tool.timeout);
            connect.unknown_option = connect.unknown_option.or(named);
        }
        let wrapped = wrapped(&options, arguments, stops);
        connect.wraps = wrapped.map(|index| program + 1 + index);
        connect.is_strict = connect.wraps.is_some() && options.has(tool.strict);
    }
    Some(Action::Connect(connect))
}

/// A program of the image of which only the arguments say what it is for: each is an address of the pod itself where
/// somebody says that it is ready, `/wait_for_routes localhost:9091/readiness localhost:4191/ready`.
pub(super) fn of_unknown(path: &str, arguments: &[Argument]) -> Option<Action> {
    const READY: [&str; 8] = [
        "ready",
        "readyz",
        "readiness",
        "health",
        "healthz",
        "startup",
        "live",
        "healthcheck",
    ];
    let base = path.rsplit('/').next()?;
    let is_named_so = base
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .any(|part| matches!(part, "wait" | "waitfor" | "await" | "until"));
    let urls = arguments.iter().map(|argument| {
        let url = Url::parse(argument.known()?, argument.span());
        let is_ready = url
            .path
            .as_deref()
            .is_some_and(|path| path.split('/').any(|part| READY.contains(&part)));
        (url.host.is_local() && url.port.is_some() && (is_named_so || is_ready)).then_some(url)
    });
    let urls: Option<Vec<Url>> = urls.collect();
    let url = urls?.into_iter().next()?;
    Some(Action::Connect(Connect {
        path: url.request_target(),
        waits: true,
        is_guessed: true,
        ..Connect::new(base, url.host, url.port, url.span)
    }))
}

/// The tool that a variable without a known value names by its own name: `"${SQLCMD}" -S localhost -Q 'SELECT 1'`. That
/// it is the one is not certain.
pub(super) fn named_by_variable(
    word: &Argument,
    arguments: &[Argument],
    program: usize,
    values: &Values,
) -> Option<Action> {
    let [Piece::Variable { name, .. }] = word.word.pieces.as_slice() else {
        return None;
    };
    match action(&name.to_ascii_lowercase(), arguments, program, values)? {
        Action::Connect(mut connect) if !connect.waits => {
            connect.unknown_option = Some(format!("${name}"));
            Some(Action::Connect(connect))
        }
        _ => None,
    }
}

/// `HOST:PORT`, a URL or a port among the operands, or both as options.
fn host_and_port(name: &str, tool: &WaitTool, options: &Options, arguments: &[Argument]) -> Option<Connect> {
    let host = options.value(tool.host);
    let local = || host.map_or(Host::Local, |host| Host::of(host.text));
    if let Some(given) = options.value(tool.port) {
        return Some(Connect::new(name, local(), port(given.text), given.span.clone()));
    }
    let dashes = options.behind_dashes.unwrap_or(arguments.len());
    let (_, address) = options.operands.iter().find(|(index, _)| *index < dashes)?;
    let text = address.text.strip_prefix("tcp://").unwrap_or(&address.text);
    let url = text.contains("://").then(|| Url::parse(text, address.span()));
    Some(match (url, split_port(text)) {
        (Some(url), _) => of_url(name, url),
        // A bare number is a port of this machine.
        (None, (alone, None)) if port(alone).is_some() => {
            Connect::new(name, local(), port(alone), address.span())
        }
        (None, (host, given)) => Connect::new(name, Host::of(host), given.and_then(port), address.span()),
    })
}

/// The option more than once: more than a probe of one address does.
fn of_option(name: &str, options: &Options, option: &str) -> Option<Connect> {
    let OptionValue { text, span } = options.values(&[option]).next()?;
    let mut connect = of_url(name, Url::parse(text, span.clone()));
    connect.has_side_effects = options.values(&[option]).count() > 1;
    Some(connect)
}

fn of_operand(name: &str, options: &Options, kinds: &[&str], arguments: &[Argument]) -> Option<Connect> {
    let dashes = options.behind_dashes.unwrap_or(arguments.len());
    let mut addresses = options.operands.iter().filter(|(index, _)| *index < dashes);
    let mut address = addresses.next()?.1;
    if kinds.contains(&address.text.as_str()) {
        address = addresses.next()?.1;
    }
    let text = address.text.as_str();
    let text = text
        .strip_prefix("tcp:")
        .map_or(text, |rest| rest.trim_start_matches('/'));
    let text = text
        .strip_prefix("http-get:")
        .unwrap_or(text)
        .trim_start_matches("//");
    let url = match port(text) {
        Some(_) => Url::parse(&format!("localhost:{text}"), address.span()),
        None => Url::parse(text, address.span()),
    };
    let mut connect = of_url(name, url);
    connect.has_side_effects = addresses.next().is_some();
    Some(connect)
}

fn host_then_port(name: &str, options: &Options) -> Option<Connect> {
    // A listener asks nobody.
    if options.has(&["l", "listen"]) {
        return None;
    }
    let (_, host) = options.operands.first()?;
    if options.operands.len() > 1 {
        let given = options.operands.get(1).and_then(|(_, text)| port(&text.text));
        return Some(Connect::new(name, Host::of(&host.text), given, host.span()));
    }
    // Not every one of these programs takes both in one word.
    let (alone, given) = split_port(&host.text);
    let given = given.and_then(port);
    Some(Connect {
        unknown_option: given.map(|_| host.text.clone()),
        ..Connect::new(name, Host::of(alone), given, host.span())
    })
}

fn host_and_port_option(name: &str, tool: &WaitTool, options: &Options) -> Option<Connect> {
    let (_, host) = options.operands.first()?;
    let given = options.value(tool.port).and_then(|value| port(value.text));
    Some(Connect::new(name, Host::of(&host.text), given, host.span()))
}

/// The standard health service of gRPC, which the kubelet asks too.
fn health_probe(name: &str, options: &Options, option: &str) -> Option<Connect> {
    let address = options.value(&[option])?;
    let (host, given) = split_port(address.text);
    // `-addr=:5000` is local.
    let host = if host.is_empty() {
        Host::Local
    } else {
        Host::of(host)
    };
    let asks_plainly = !options.has(&["tls", "alts", "spiffe", "rpc-header"]);
    let service = options.value(&["service"]).map(|service| service.text.to_owned());
    let is_known = service
        .as_deref()
        .is_none_or(|service| !service.contains(UNKNOWN));
    Some(Connect {
        grpc_health: (asks_plainly && is_known).then(|| service.unwrap_or_default()),
        unknown_option: (!is_known).then(|| "-service".to_owned()),
        ..Connect::new(name, host, given.and_then(port), address.span.clone())
    })
}

fn of_url(tool: &str, url: Url) -> Connect {
    let scheme = url.scheme.as_deref();
    let is_plain = scheme.is_some_and(|scheme| matches!(scheme, "http" | "http-get"));
    let path = url.request_target().filter(|_| is_plain);
    // What a connection alone does not show: a path that is not known, or an answer through TLS.
    let asks_more = path.is_none() && scheme.is_some_and(|scheme| !matches!(scheme, "tcp" | "unix" | "file"));
    Connect {
        path,
        unknown_option: asks_more.then(|| format!("{}://", scheme.unwrap_or_default().replace(UNKNOWN, "$"))),
        ..Connect::new(tool, url.host, url.port, url.span)
    }
}

/// The command behind `--`, or the first operand where operands are the command.
fn wrapped(options: &Options, arguments: &[Argument], operands: bool) -> Option<usize> {
    let first_operand = || options.operands.first().map(|(index, _)| *index);
    options
        .behind_dashes
        .or_else(|| if operands { first_operand() } else { None })
        .filter(|index| *index < arguments.len())
}
