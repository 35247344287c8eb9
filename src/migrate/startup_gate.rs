//! What makes the app wait for a declared sidecar (`semantics.md`, 3.1).
//!
//! A startup probe that never succeeds keeps the app from starting for ever, so one is derived only where the
//! text says that a probe from the kubelet, which comes to the pod's address, is answered.

use crate::{
    behaviour::{
        action::{Action, CommandAction},
        script::Wait,
    },
    roles::NamingKind,
    rules::{Member, Pod},
    workload::{Container, HookKind, Probe, ProbeKind},
    yaml::{Node, Value},
};

/// What a probe does: the entry of its handler, and its timeout where one was given.
pub(super) type Handler = Vec<(Value, Value)>;

/// How the start of the app is held back.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Gate {
    /// By what is there already.
    Present(&'static str),
    /// By a new probe.
    Probe {
        /// The probe without its budget: its handler's key and value.
        handler: Handler,
        /// The attempts that the probe it was made from allowed.
        attempts: u32,
        /// Where it was read from.
        origin: String,
    },
    /// By nothing: the app starts when the sidecar's process exists.
    None(String),
}

/// Attempts of a derived probe, one a second: a failing startup probe is worse than a late one.
const ATTEMPTS: u32 = 120;

/// The gate of a sidecar; `waits` are the app's own waits for it, which the gate replaces.
pub(super) fn gate(pod: &Pod<'_>, member: &Member<'_>, kind: ProbeKind, waits: &[&Wait]) -> Gate {
    let container = &member.container;
    if container.probe(kind).is_some() {
        return Gate::Present(kind.field());
    }
    if kind == ProbeKind::Startup && container.hook(HookKind::PostStart).is_some() {
        return Gate::Present("postStart");
    }
    let mut why = String::new();
    // In the first design readiness is the gate, and somebody has said that it is one.
    if kind == ProbeKind::Startup
        && readiness_is_gate(pod, container)
        && let Some(readiness) = container.probe(ProbeKind::Readiness)
        && let Ok(handler) = of_probe(pod, container, &readiness)
    {
        return probe(
            handler,
            budget(&readiness),
            "its readinessProbe, which held the app back before".to_owned(),
        );
    }
    for probed in waits.iter().flat_map(|wait| &wait.probes) {
        match of_probed(pod, container, probed) {
            Ok(handler) => return probe(handler, ATTEMPTS, "what the app waited for".to_owned()),
            Err(reason) => why = reason,
        }
    }
    if let Some(handler) = health_flags(container) {
        return probe(handler, ATTEMPTS, "its own health flags".to_owned());
    }
    let other = match kind {
        ProbeKind::Startup => ProbeKind::Readiness,
        _ => ProbeKind::Startup,
    };
    if let Some(existing) = container.probe(other) {
        match of_probe(pod, container, &existing) {
            Ok(handler) => {
                return probe(handler, budget(&existing), format!("its {}", other.field()));
            }
            Err(reason) if why.is_empty() => why = reason,
            Err(_) => {}
        }
    }
    if let Some(handler) = of_catalogue(pod, container) {
        return probe(
            handler,
            ATTEMPTS,
            "the port that it is known to answer on".to_owned(),
        );
    }
    if why.is_empty() {
        why = "nothing in the manifest says where it answers".to_owned();
    }
    Gate::None(why)
}

/// The gate of a sidecar once the policy has promoted it; a new probe is of this kind.
pub(super) fn gate_when_promoted(
    pod: &Pod<'_>,
    member: &Member<'_>,
    kind: ProbeKind,
    waits: &[&Wait],
) -> Gate {
    match pod.gate_when_promoted(member) {
        Ok(present) => Gate::Present(present),
        Err(_) => gate(pod, member, kind, waits),
    }
}

/// Whether a container's readiness is known not to depend on the app: the catalogue knows it, somebody has made it a
/// gate, or it asks what the app waits for.
pub(super) fn readiness_is_known(pod: &Pod<'_>, member: &Member<'_>, waits: &[&Wait]) -> bool {
    let container = &member.container;
    let Some(readiness) = container.probe(ProbeKind::Readiness) else {
        return true;
    };
    let mut asked = waits
        .iter()
        .flat_map(|wait| &wait.probes)
        .filter_map(|probed| asked_port(&probed.action));
    of_probe(pod, container, &readiness).is_ok()
        || asked.any(|port| readiness.port() == Some(port.to_string().as_str()))
}

/// The port that a command of a wait asks.
pub(super) fn asked_port(action: &Action) -> Option<u16> {
    match action {
        Action::Http(http) => http.url.port,
        Action::Connect(connect) => connect.port,
        _ => None,
    }
}

/// Whether somebody has said that the app waits for this container's readiness: the first design's field, the
/// annotation, or kubexit's `KUBEXIT_BIRTH_DEPS`.
fn readiness_is_gate(pod: &Pod<'_>, container: &Container<'_>) -> bool {
    container.is_lifecycle_sidecar()
        || pod.namings.iter().any(|naming| {
            matches!(
                naming.kind,
                NamingKind::KubexitBirthDependencies | NamingKind::Declaration
            ) && naming.names.iter().any(|name| name == container.name)
        })
}

fn probe(handler: Handler, attempts: u32, origin: String) -> Gate {
    Gate::Probe {
        handler,
        attempts: attempts.max(ATTEMPTS),
        origin,
    }
}

/// A gate that asks for a file which the sidecar writes when it is ready. Its image has to have `test`.
pub(super) fn on_file(file: &str) -> Gate {
    let command = ["test", "-f", file].map(Value::string).to_vec();
    let exec = Value::Mapping(vec![(Value::string("command"), Value::Sequence(command))]);
    probe(
        vec![(Value::string("exec"), exec)],
        ATTEMPTS,
        format!("{file}, which it writes when it is ready (its image has to have `test`)"),
    )
}

/// The seconds that a probe allows.
fn budget(probe: &Probe<'_>) -> u32 {
    let number = |key: &str, default: u32| {
        probe
            .entry
            .value
            .get(key)
            .and_then(Node::as_i64)
            .and_then(|number| u32::try_from(number).ok())
            .unwrap_or(default)
    };
    // The API server's defaults (core/v1 Probe).
    let seconds = number("initialDelaySeconds", 0)
        .saturating_add(number("periodSeconds", 10).saturating_mul(number("failureThreshold", 3)));
    seconds.clamp(ATTEMPTS, 600)
}

fn of_probed(pod: &Pod<'_>, container: &Container<'_>, probed: &CommandAction) -> Result<Handler, String> {
    let (port, handler) = match &probed.action {
        Action::Http(http) => {
            let port = http.url.port.ok_or("the port is not known")?;
            let path = http
                .url
                .path
                .as_deref()
                .filter(|path| !path.is_empty())
                .unwrap_or("/");
            (port, http_get(path, port))
        }
        Action::Connect(connect) => {
            let port = connect.port.ok_or("the port is not known")?;
            (port, tcp_socket(port))
        }
        _ => return Err("what the app asks can't be asked by a probe of the kubelet".to_owned()),
    };
    is_reachable(pod, container, port)?;
    Ok(handler)
}

/// Whether the kubelet reaches a port of a container at the pod's address.
fn is_reachable(pod: &Pod<'_>, container: &Container<'_>, port: u16) -> Result<(), String> {
    let text = port.to_string();
    let local_only = own_words(container).any(|word| {
        word.contains(&format!("127.0.0.1:{text}")) || word.contains(&format!("localhost:{text}"))
    });
    if local_only {
        return Err(format!(
            "it listens on 127.0.0.1:{port} only, where no probe of the kubelet reaches it"
        ));
    }
    let probed = ProbeKind::ALL
        .iter()
        .filter_map(|kind| container.probe(*kind))
        .any(|probe| probe.port() == Some(text.as_str()));
    if probed {
        return Ok(());
    }
    let known = pod.catalogue.of(container);
    if known.is_some_and(|known| known.loopback) && !is_bound_to_all(container) {
        return Err(format!(
            "it listens on 127.0.0.1:{port} by default, where no probe of the kubelet reaches it"
        ));
    }
    let declared = container.ports().any(|declared| {
        declared.number == port
            && declared
                .node
                .get("protocol")
                .and_then(Node::as_str)
                .unwrap_or("TCP")
                == "TCP"
    });
    if declared {
        return Ok(());
    }
    Err(format!(
        "its manifest does not declare port {port}, so it may listen on 127.0.0.1 only"
    ))
}

fn own_words<'t>(container: &Container<'t>) -> impl Iterator<Item = &'t str> {
    container
        .command()
        .into_iter()
        .chain(container.arguments())
        .filter_map(Node::as_str)
}

/// `--address=0.0.0.0`, `-a 0.0.0.0`, `tcp:0.0.0.0:5432`: the listener itself, not only its health port.
fn is_bound_to_all(container: &Container<'_>) -> bool {
    let words: Vec<&str> = own_words(container).collect();
    let follows_flag = words
        .windows(2)
        .any(|pair| matches!(pair, ["--address" | "-a", "0.0.0.0"]));
    follows_flag
        || words.iter().any(|word| {
            word.trim_start_matches('-').starts_with("address=0.0.0.0") || word.contains("tcp:0.0.0.0")
        })
}

/// The health listener of the Cloud SQL proxy and its kin: `--health-check --http-address=0.0.0.0`
/// (github.com/GoogleCloudPlatform/cloud-sql-proxy, README, "Health checks").
fn health_flags(container: &Container<'_>) -> Option<Handler> {
    let words: Vec<&str> = own_words(container).collect();
    let image = container.image()?;
    let knows_flags = ["cloud-sql-proxy", "alloydb-auth-proxy"]
        .iter()
        .any(|name| image.base_name() == *name);
    let value_of = |flag: &str| {
        words
            .iter()
            .find_map(|word| word.strip_prefix(flag)?.strip_prefix('='))
            .or_else(|| {
                let at = words.iter().position(|word| *word == flag)?;
                words.get(at + 1).copied()
            })
    };
    let checks = words.contains(&"--health-check");
    if !knows_flags || !checks || value_of("--http-address") != Some("0.0.0.0") {
        return None;
    }
    let port = match value_of("--http-port") {
        Some(port) => port.parse().ok()?,
        None => 9090,
    };
    Some(http_get("/startup", port))
}

/// Another probe's handler, where its answer does not depend on the app.
fn of_probe(pod: &Pod<'_>, container: &Container<'_>, probe: &Probe<'_>) -> Result<Handler, String> {
    let known = pod.catalogue.of(container);
    if known.is_some_and(|known| known.readiness_needs_app) {
        return Err("its readiness waits for the app, which would wait for it in turn".to_owned());
    }
    if known.is_none() && probe.kind == ProbeKind::Readiness && !readiness_is_gate(pod, container) {
        return Err(
            "its readinessProbe may depend on the app, which its image does not tell; make it a startupProbe by hand if not"
                .to_owned(),
        );
    }
    let asks_app = probe.port().is_some_and(|port| {
        pod.apps().any(|app| {
            app.container
                .ports()
                .any(|declared| declared.number.to_string() == port || declared.name == Some(port))
        })
    });
    if asks_app {
        return Err("its probe asks the app".to_owned());
    }
    ["httpGet", "tcpSocket", "grpc", "exec"]
        .iter()
        .find_map(|handler| {
            let mut fields = vec![field(probe, handler)?];
            fields.extend(field(probe, "timeoutSeconds"));
            Some(fields)
        })
        .ok_or_else(|| "its probe has no handler".to_owned())
}

/// An entry of a probe.
fn field(probe: &Probe<'_>, key: &str) -> Option<(Value, Value)> {
    let value = Value::of(probe.entry.value.get(key)?).ok()?;
    Some((Value::string(key), value))
}

/// A port that the sidecar is known to answer on and that the manifest declares.
fn of_catalogue(pod: &Pod<'_>, container: &Container<'_>) -> Option<Handler> {
    let known = pod
        .catalogue
        .of(container)
        .filter(|known| !known.loopback && !known.readiness_needs_app)?;
    let ready = known
        .ready
        .iter()
        .filter(|endpoint| is_reachable(pod, container, endpoint.port).is_ok())
        .min_by_key(|endpoint| endpoint.path.is_none());
    if let Some(endpoint) = ready {
        return Some(match &endpoint.path {
            Some(path) => http_get(path, endpoint.port),
            None => tcp_socket(endpoint.port),
        });
    }
    known
        .serves
        .iter()
        .find(|port| is_reachable(pod, container, **port).is_ok())
        .map(|port| tcp_socket(*port))
}

fn http_get(path: &str, port: u16) -> Handler {
    let fields = vec![
        (Value::string("path"), Value::string(path)),
        (Value::string("port"), Value::Integer(port.to_string())),
    ];
    vec![(Value::string("httpGet"), Value::Mapping(fields))]
}

fn tcp_socket(port: u16) -> Handler {
    let fields = vec![(Value::string("port"), Value::Integer(port.to_string()))];
    vec![(Value::string("tcpSocket"), Value::Mapping(fields))]
}

/// The whole probe of a handler. A startup probe gets its budget; a readiness probe keeps asking anyway.
pub(super) fn probe_value(handler: &Handler, kind: ProbeKind, attempts: u32) -> Value {
    let mut fields = handler.clone();
    fields.push((Value::string("periodSeconds"), Value::Integer("1".to_owned())));
    if kind == ProbeKind::Startup {
        fields.push((
            Value::string("failureThreshold"),
            Value::Integer(attempts.to_string()),
        ));
    }
    Value::Mapping(fields)
}
