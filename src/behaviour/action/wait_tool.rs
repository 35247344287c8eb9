//! Programs that wait for an address, and may run a command afterwards: wait-for-it, dockerize, wait-on.

use super::{
    Action, Connect, Host, Url,
    argument::{Argument, OptionValue, Options, Syntax},
    host::{port, split_port},
};

const WAIT_FOR: Syntax = Syntax {
    short: "htpw",
    long: &["host", "port", "timeout"],
    single_dash: false,
};
const DOCKERIZE: Syntax = Syntax {
    short: "",
    long: &[
        "wait",
        "timeout",
        "wait-retry-interval",
        "wait-http-header",
        "template",
        "stdout",
        "stderr",
        "env",
        "poll-interval",
    ],
    single_dash: true,
};
const WAIT_ON: Syntax = Syntax {
    short: "tdiwc",
    long: &[
        "timeout",
        "delay",
        "interval",
        "window",
        "config",
        "httpTimeout",
        "tcpTimeout",
    ],
    single_dash: false,
};

/// `program` is the index of the tool's own word.
pub(super) fn action(name: &str, arguments: &[Argument], program: usize) -> Option<Action> {
    let stem = name.strip_suffix(".sh").unwrap_or(name);
    let connect = match stem {
        "wait-for-it" | "wait_for_it" | "waitforit" | "wait-for" | "wait_for" | "wait-for-port"
        | "wait4ports" => wait_for(name, arguments),
        "dockerize" | "wtfc" => dockerize(name, arguments),
        "wait-on" | "wait4x" => wait_on(name, arguments),
        _ => None,
    };
    connect.map(|mut connect| {
        connect.waits = true;
        connect.wraps = connect.wraps.map(|index| program + 1 + index);
        Action::Connect(connect)
    })
}

fn wait_for(name: &str, arguments: &[Argument]) -> Option<Connect> {
    let options = WAIT_FOR.read(arguments, false);
    let mut connect = if let Some(given) = options.value(&["p", "port"]) {
        let host = options.value(&["h", "host"]);
        let leads_to = host.map_or(Host::Local, |host| Host::of(&host.text));
        Connect::new(name, leads_to, port(&given.text), given.span.clone())
    } else {
        let dashes = options.behind_dashes.unwrap_or(arguments.len());
        let (_, address) = options.operands.iter().find(|(index, _)| *index < dashes)?;
        let text = address.text.strip_prefix("tcp://").unwrap_or(&address.text);
        let url = text.contains("://").then(|| Url::parse(text, address.span()));
        match (url, split_port(text)) {
            (Some(url), _) => of_url(name, url),
            // A bare number is a port of this machine.
            (None, (alone, None)) if port(alone).is_some() => {
                let host = options.value(&["h", "host"]);
                let leads_to = host.map_or(Host::Local, |host| Host::of(&host.text));
                Connect::new(name, leads_to, port(alone), address.span())
            }
            (None, (host, given)) => Connect::new(name, Host::of(host), given.and_then(port), address.span()),
        }
    };
    connect.time_limit = options.number(&["t", "timeout"]);
    connect.wraps = wrapped(&options, arguments, false);
    Some(connect)
}

/// `-wait` more than once, or templates and logs besides: more than a probe of one address does.
fn dockerize(name: &str, arguments: &[Argument]) -> Option<Connect> {
    let options = DOCKERIZE.read(arguments, true);
    let OptionValue { text, span } = options.values(&["wait"]).next()?;
    let mut connect = of_url(name, Url::parse(text, span.clone()));
    connect.time_limit = options.number(&["timeout"]);
    connect.has_side_effects = options.values(&["wait"]).count() > 1
        || options.has(&["template", "stdout", "stderr", "wait-http-header"]);
    connect.wraps = wrapped(&options, arguments, true);
    Some(connect)
}

fn wait_on(name: &str, arguments: &[Argument]) -> Option<Connect> {
    let options = WAIT_ON.read(arguments, false);
    let dashes = options.behind_dashes.unwrap_or(arguments.len());
    let mut addresses = options.operands.iter().filter(|(index, _)| *index < dashes);
    let mut address = addresses.next()?.1;
    let kind = address.text.as_str();
    if name == "wait4x" && matches!(kind, "tcp" | "http" | "postgresql" | "mysql" | "redis") {
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
    let further = addresses.next().is_some();
    let url = match port(text) {
        Some(_) => Url::parse(&format!("localhost:{text}"), address.span()),
        None => Url::parse(text, address.span()),
    };
    let mut connect = of_url(name, url);
    connect.has_side_effects = further;
    // wait-on counts milliseconds.
    let scale = if name == "wait-on" { 0.001 } else { 1.0 };
    connect.time_limit = options.number(&["t", "timeout"]).map(|limit| limit * scale);
    connect.wraps = wrapped(&options, arguments, false);
    Some(connect)
}

fn of_url(tool: &str, url: Url) -> Connect {
    let is_http = url
        .scheme
        .as_deref()
        .is_some_and(|scheme| matches!(scheme, "http" | "http-get"));
    Connect {
        path: if is_http { url.path } else { None },
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
