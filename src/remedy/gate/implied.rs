//! Whether a gate lets the app start no sooner than a wait would have done that it takes the place of.

use super::{
    handler::Handler,
    startup::{Gate, of_probed, on_file},
};
use crate::{
    behaviour::{
        Answer,
        action::{Action, CommandAction},
        script::Wait,
    },
    pod::{Listener, Pod, health_listener},
    remedy::{
        obligation::{Obligation, Proof},
        workaround::part::Part,
    },
    workload::Container,
    yaml::Value,
};

/// The parts with what their waits come to behind a gate: a probe that is passed only when a wait would be over takes its
/// place, and another one does not.
pub(crate) fn behind_gate<'a>(
    pod: &Pod<'a>,
    container: &Container<'a>,
    parts: &[Part<'a>],
    gate: &Gate,
) -> Vec<Part<'a>> {
    let Gate::Probe { handler, .. } = gate else {
        return parts.to_vec();
    };
    let own: Vec<Answer<String>> = parts
        .iter()
        .map(|part| of_part(pod, container, parts, part, handler))
        .collect();
    let takes_a_place = parts
        .iter()
        .zip(&own)
        .any(|(part, answer)| part.wait.is_some() && answer.is_proved());
    parts
        .iter()
        .zip(own)
        .map(|(part, answer)| {
            let mut part = part.clone();
            let is_replaced = part.wait.is_some() || part.asks.is_some();
            match answer {
                Answer::Proved if is_replaced => {
                    if let Answer::Unknown(reason) = is_reached(pod, container, handler) {
                        part.rest_on(Proof::unknown(Obligation::WaitIsKept, reason));
                    }
                }
                Answer::Proved => {}
                // The gate is another wait's, and this one goes on behind it.
                Answer::Unknown(reason) if takes_a_place => {
                    part.rest_on(Proof::refuted(Obligation::WaitIsKept, reason));
                }
                Answer::Unknown(reason) => part.rest_on(Proof::unknown(Obligation::WaitIsKept, reason)),
                Answer::Refuted(reason) => part.rest_on(Proof::refuted(Obligation::WaitIsKept, reason)),
            }
            part
        })
        .collect()
}

fn of_part(
    pod: &Pod<'_>,
    container: &Container<'_>,
    parts: &[Part<'_>],
    part: &Part<'_>,
    handler: &Handler,
) -> Answer<String> {
    if let Some(asks) = &part.asks {
        return implies(pod, container, handler, asks);
    }
    let Some(wait) = &part.wait else {
        return Answer::Proved;
    };
    let Some(file) = &part.gate_file else {
        return implies(pod, container, handler, wait);
    };
    // Who made the file waited for the same before, and that is asked of its own part.
    let is_made_no_more = parts
        .iter()
        .any(|other| other.replaces_signs.contains(&file.file));
    match on_file(file) {
        _ if is_made_no_more => Answer::Proved,
        Gate::Probe { handler: own, .. } if own == *handler => Answer::Proved,
        _ => Answer::Unknown(format!(
            "the gate asks {}, which does not show that {} is there",
            spelled(handler),
            file.file
        )),
    }
}

/// Whether a probe is passed only when a wait would be over.
pub(super) fn implies(
    pod: &Pod<'_>,
    container: &Container<'_>,
    handler: &Handler,
    wait: &Wait,
) -> Answer<String> {
    wait.probes.iter().fold(Answer::Proved, |all, probed| {
        all.and(|| implies_one(pod, container, handler, wait, probed))
    })
}

fn implies_one(
    pod: &Pod<'_>,
    container: &Container<'_>,
    handler: &Handler,
    wait: &Wait,
    probed: &CommandAction,
) -> Answer<String> {
    match &probed.action {
        Action::Connect(connect) if connect.is_udp => return Answer::Refuted(ASKS_UDP.to_owned()),
        // What a tool asks that knows the way itself is another obligation.
        Action::Tool { .. } | Action::TestFile { .. } | Action::Signal { .. } => return Answer::Proved,
        _ => {}
    }
    let own = of_probed(pod, container, wait, probed);
    let is_asked = own.is_ok_and(|own| {
        asks_the_same(container, handler, &own) || shows_open_port(container, handler, &own)
    });
    match is_asked || are_ready_together(pod, container, handler, &probed.action) {
        true => Answer::Proved,
        false => Answer::Unknown(format!(
            "the gate asks {}, which does not show what this wait asks for",
            spelled(handler)
        )),
    }
}

/// Whether the kubelet is known to be answered where a probe asks; a command asks from inside.
fn is_reached(pod: &Pod<'_>, container: &Container<'_>, handler: &Handler) -> Answer<String> {
    let port = port_of(container, handler).filter(|_| fields(handler, "exec").is_none());
    match port.and_then(|port| Listener::of(pod, container).unread_setting(port)) {
        Some(reason) => Answer::Unknown(reason),
        None => Answer::Proved,
    }
}

pub(super) const ASKS_UDP: &str = "the wait asks over UDP, and no probe of the kubelet does";

/// Whether two probes ask the same, however they are written.
fn asks_the_same(container: &Container<'_>, one: &Handler, other: &Handler) -> bool {
    let value = |handler: &Handler, kind: &str, field: &str| {
        let fields = fields(handler, kind)?;
        let entry = fields.iter().find(|(key, _)| *key == Value::string(field));
        entry.map(|(_, value)| value.clone())
    };
    if let (Some(own), Some(asked)) = (http_get_of(container, one), http_get_of(container, other)) {
        let scheme = |handler| value(handler, "httpGet", "scheme").unwrap_or_else(|| Value::string("HTTP"));
        return own == asked && scheme(one) == scheme(other);
    }
    let is_grpc = fields(one, "grpc").is_some() && fields(other, "grpc").is_some();
    let service = |handler| value(handler, "grpc", "service").unwrap_or_else(|| Value::string(""));
    is_grpc && port_of(container, one) == port_of(container, other) && service(one) == service(other)
        || fields(one, "exec").is_some() && fields(one, "exec") == fields(other, "exec")
}

/// Whether a wait is over at an open port that a probe asks too, whatever more it asks there.
fn shows_open_port(container: &Container<'_>, handler: &Handler, own: &Handler) -> bool {
    let is_plain = own.iter().any(|(key, _)| *key == Value::string("tcpSocket"));
    let port = port_of(container, own);
    is_plain && port.is_some() && port == port_of(container, handler)
}

/// Whether a known program is ready at both addresses together: at its health listener and where it serves.
fn are_ready_together(pod: &Pod<'_>, container: &Container<'_>, handler: &Handler, asked: &Action) -> bool {
    let Some(known) = container.image().and_then(|image| pod.catalogue.by_image(image)) else {
        return false;
    };
    let port = match asked {
        Action::Http(http) => http.url.port,
        Action::Connect(connect) => connect.port,
        _ => None,
    };
    let (Some(gate), Some(port)) = (http_get_of(container, handler), port) else {
        return false;
    };
    let is_health = health_listener(pod, container).as_ref() == Some(&gate);
    // That it lives says less.
    let says_ready = |port: u16, path: &str| {
        let mut ready = known.ready.iter();
        !path.contains("live")
            && ready.any(|endpoint| endpoint.port == port && endpoint.path.as_deref() == Some(path))
    };
    let asks_ready = || match asked {
        Action::Http(http) => http
            .url
            .path
            .as_deref()
            .is_some_and(|path| says_ready(port, path)),
        _ => false,
    };
    let is_admin = known
        .ready
        .iter()
        .chain(&known.quit)
        .any(|endpoint| endpoint.port == port);
    is_health && !is_admin || says_ready(gate.1, &gate.0) && (known.serves.contains(&port) || asks_ready())
}

/// The path and the port of a probe over HTTP.
fn http_get_of(container: &Container<'_>, handler: &Handler) -> Option<(String, u16)> {
    let fields = fields(handler, "httpGet")?;
    let path = fields.iter().find_map(|(key, value)| match value {
        Value::String(path) if *key == Value::string("path") => Some(path.clone()),
        _ => None,
    });
    Some((
        path.unwrap_or_else(|| "/".to_owned()),
        port_in(container, fields)?,
    ))
}

/// The port that a probe asks: that of its handler, or the last word of its command.
fn port_of(container: &Container<'_>, handler: &Handler) -> Option<u16> {
    if let Some(fields) = fields(handler, "exec") {
        let words = fields.iter().find_map(|(_, value)| match value {
            Value::Sequence(words) => words.last(),
            _ => None,
        });
        return match words? {
            Value::String(word) => word.parse().ok(),
            _ => None,
        };
    }
    let kinds = ["httpGet", "tcpSocket", "grpc"];
    let fields = kinds.iter().find_map(|kind| fields(handler, kind))?;
    port_in(container, fields)
}

fn fields<'h>(handler: &'h Handler, kind: &str) -> Option<&'h Vec<(Value, Value)>> {
    handler.iter().find_map(|(key, value)| match value {
        Value::Mapping(fields) if *key == Value::string(kind) => Some(fields),
        _ => None,
    })
}

fn port_in(container: &Container<'_>, fields: &[(Value, Value)]) -> Option<u16> {
    let (_, port) = fields.iter().find(|(key, _)| *key == Value::string("port"))?;
    match port {
        Value::Integer(number) => number.parse().ok(),
        Value::String(name) => {
            let mut ports = container.ports();
            let named = ports.find(|port| port.name == Some(name.as_str()))?;
            Some(named.number)
        }
        _ => None,
    }
}

/// What a probe asks, in a few words: `httpGet /ready on 9901`.
fn spelled(handler: &Handler) -> String {
    let text = |value: &Value| match value {
        Value::String(text) | Value::Integer(text) => Some(text.clone()),
        Value::Sequence(words) => {
            let words = words.iter().filter_map(|word| match word {
                Value::String(word) => Some(word.as_str()),
                _ => None,
            });
            Some(words.collect::<Vec<_>>().join(" "))
        }
        _ => None,
    };
    let shown = handler.iter().find_map(|(key, value)| match (key, value) {
        (Value::String(kind), Value::Mapping(fields)) => {
            let values = fields.iter().filter_map(|(_, value)| text(value));
            Some(format!("{kind} {}", values.collect::<Vec<_>>().join(" ")))
        }
        _ => None,
    });
    shown.unwrap_or_default()
}
