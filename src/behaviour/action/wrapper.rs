//! Programs that watch over other containers' processes, and tools that tell whether something is ready.

use super::{
    Action,
    argument::{Argument, Syntax},
};

/// A program that runs the words behind it.
struct Wrapper {
    name: &'static str,
    syntax: Syntax,
}

const NO_OPTIONS: Syntax = Syntax {
    short: "",
    long: &[],
    single_dash: true,
};

const WRAPPERS: [Wrapper; 9] = [
    wrapper("kubexit"),
    wrapper("scuttle"),
    wrapper("envoy-preflight"),
    wrapper("watchkiller"),
    wrapper("proa"),
    wrapper("istio-wrapper"),
    wrapper("goistiowait"),
    Wrapper {
        name: "linkerd-await",
        syntax: Syntax {
            short: "bptu",
            long: &["backend", "port", "timeout", "uri"],
            single_dash: false,
        },
    },
    Wrapper {
        name: "proxy-await",
        syntax: NO_OPTIONS,
    },
];

const fn wrapper(name: &'static str) -> Wrapper {
    Wrapper {
        name,
        syntax: NO_OPTIONS,
    }
}

/// Init processes that aren't simple prefixes of a command.
const INITS: [&str; 4] = ["s6-svscan", "runsvdir", "supervisord", "pid1"];

/// `program` is the index of the wrapper's own word.
pub(super) fn action(name: &str, arguments: &[Argument], program: usize) -> Option<Action> {
    if let Some(wrapper) = WRAPPERS.iter().find(|wrapper| wrapper.name == name) {
        let options = wrapper.syntax.read(arguments, true);
        let command = options
            .behind_dashes
            .or_else(|| options.operands.first().map(|(index, _)| *index));
        return Some(match command.filter(|index| *index < arguments.len()) {
            Some(index) => Action::Wrapper {
                name: name.to_owned(),
                command: program + 1 + index,
                is_init: false,
            },
            None => Action::Tool {
                name: name.to_owned(),
            },
        });
    }
    if INITS.contains(&name) && !arguments.is_empty() {
        return Some(Action::Wrapper {
            name: name.to_owned(),
            command: program + 1,
            is_init: true,
        });
    }
    tool(name, arguments).map(|name| Action::Tool { name })
}

/// Tools that ask whether something is ready.
fn tool(name: &str, arguments: &[Argument]) -> Option<String> {
    let subcommands: &[&str] = match name {
        "docker" | "podman" | "nerdctl" => &["info", "ps", "version", "images"],
        "pilot-agent" => &["wait", "request"],
        "consul" => &["members", "info", "catalog"],
        "consul-k8s-control-plane" => &["connect-init"],
        "vault" => &["status"],
        "istioctl" => &["proxy-status", "ps", "version", "waypoint"],
        "buildctl" => &["debug"],
        "rabbitmqctl" => &["status", "await_startup", "wait"],
        "rabbitmq-diagnostics" => &["ping", "check_running", "check_port_connectivity", "status"],
        "systemctl" => &["is-active", "status"],
        "service" => &[],
        "getent" => &["hosts", "ahosts"],
        "ip" | "ifconfig" | "iptables" | "tailscale" => &["link", "addr", "a", "route", "-L", "status"],
        "nslookup" | "dig" | "host" | "netstat" | "ss" | "lsof" => {
            return Some(name.to_owned());
        }
        _ => return None,
    };
    let subcommand = arguments.iter().find_map(|argument| {
        subcommands
            .iter()
            .find(|subcommand| argument.text == **subcommand)
    })?;
    Some(format!("{name} {subcommand}"))
}
