//! What makes the app wait for a declared sidecar (`docs/semantics.md`, "What makes the app wait").
//!
//! A startup probe that never succeeds keeps the app from starting for ever, so one is derived only where the
//! text says that a probe from the kubelet, which comes to the pod's address, is answered.

use std::cmp::Reverse;

use super::{
    handler::{Handler, exec, grpc, http_get, https_get, is_plain_connection, tcp_socket},
    implied::{ASKS_UDP, implies},
    strictness::gives_up,
};
use crate::{
    behaviour::{
        action::{Action, CommandAction, Http},
        script::{Answer, Wait},
    },
    catalogue::{controller::OPEN_KRUISE, program_end::is_server_image, wait_tool},
    pod::{Listener, Member, Pod, health_listener},
    roles::NamingKind,
    workload::{Container, ContainerList, HookKind, Probe, ProbeKind},
    yaml::{Node, Value},
};

/// How the start of the app is held back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Gate {
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
    /// By nothing, and nobody asked for more: the app starts as it did before.
    Unasked,
    /// By nothing, though it should be: the app starts when the sidecar's process exists.
    None(String),
}

/// Attempts of a derived probe, one a second: a failing startup probe is worse than a late one.
const ATTEMPTS: u32 = 120;

/// Attempts where a server may have to recover first: the kubelet kills what fails its startup probe, and a loop waited
/// without bound.
const PATIENT_ATTEMPTS: u32 = 3600;

/// The gate of a sidecar; `waits` are the app's own waits for it, which the gate replaces.
pub(crate) fn gate(pod: &Pod<'_>, member: &Member<'_>, kind: ProbeKind, waits: &[&Wait]) -> Gate {
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
        && asked_by_another(pod, container, &readiness).is_none()
        && let Ok(handler) = of_probe(pod, container, &readiness)
    {
        // OpenKruise waits as long as it takes.
        let attempts = match kruise_orders(pod, container) {
            true => PATIENT_ATTEMPTS,
            false => budget(&readiness),
        };
        return probe(
            handler,
            attempts,
            "its readinessProbe, which held the app back before".to_owned(),
        );
    }
    let mut asked: Vec<Handler> = Vec::new();
    for (wait, probed) in waits
        .iter()
        .flat_map(|wait| wait.probes.iter().map(move |probed| (wait, probed)))
        .filter(|(_, probed)| !matches!(probed.action, Action::TestFile { .. }))
    {
        match of_probed(pod, container, wait, probed) {
            Ok(handler) => asked.push(handler),
            Err(reason) => why = reason,
        }
    }
    // Of several, the one that takes the place of most waits.
    let replaced = |handler: &Handler| {
        let own = waits
            .iter()
            .filter(|wait| implies(pod, container, handler, wait).is_proved());
        own.count()
    };
    if let Some(handler) = asked.into_iter().min_by_key(|handler| Reverse(replaced(handler))) {
        return probe(
            handler,
            patience(pod, waits),
            "what the app waited for".to_owned(),
        );
    }
    if let Some((path, port)) = health_listener(pod, container) {
        return probe(http_get(&path, port), ATTEMPTS, "its own health flags".to_owned());
    }
    let other = match kind {
        ProbeKind::Startup => ProbeKind::Readiness,
        _ => ProbeKind::Startup,
    };
    if let Some(existing) = container.probe(other) {
        let own = match asked_by_another(pod, container, &existing) {
            Some(reason) => Err(reason),
            None => of_probe(pod, container, &existing),
        };
        match own {
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
        why = match container.ports().next() {
            Some(declared) => format!(
                "it declares port {}, and nothing in the manifest says what it answers there once it is ready",
                declared.number
            ),
            None if pod.catalogue.of(container).is_some_and(|known| known.loopback) => {
                "it listens on 127.0.0.1 unless it is told otherwise, where no probe of the kubelet reaches it".to_owned()
            }
            None => "nothing in the manifest says where it answers".to_owned(),
        };
    }
    Gate::None(why)
}

/// Why a probe does not show that its own container is ready: another one asks the same port of the pod, at which only
/// one container can listen.
fn asked_by_another(pod: &Pod<'_>, container: &Container<'_>, probe: &Probe<'_>) -> Option<String> {
    let port: u16 = probe.port()?.parse().ok()?;
    let declares = |one: &Container<'_>| one.ports().any(|own| own.number == port);
    if declares(container) {
        return None;
    }
    let asks = |one: &Container<'_>| {
        let mut probes = ProbeKind::ALL.iter().filter_map(|kind| one.probe(*kind));
        probes.any(|probe| probe.port().is_some_and(|asked| asked.parse() == Ok(port)))
    };
    let other = pod.members.iter().find(|member| {
        let other = &member.container;
        let is_other = other.name != container.name;
        is_other && other.list != ContainerList::Ephemeral && asks(other)
    })?;
    Some(format!(
        "a probe of {} asks port {port} too, and only one container of a pod can listen there",
        other.container.name
    ))
}

/// The attempts that a server gets which was waited for: the seconds of the longest wait, where all of
/// them give up.
fn patience(pod: &Pod<'_>, waits: &[&Wait]) -> u32 {
    let limit = |wait: &&Wait| wait.time_limit.filter(|_| gives_up(pod, wait));
    let limits: Option<Vec<f64>> = waits.iter().map(limit).collect();
    let longest = limits.and_then(|limits| limits.into_iter().reduce(f64::max));
    match longest.map(f64::ceil) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is in this range"
        )]
        Some(seconds) if (1.0..f64::from(PATIENT_ATTEMPTS)).contains(&seconds) => seconds as u32,
        _ => PATIENT_ATTEMPTS,
    }
}

/// The gate of a sidecar once the policy has promoted it; a new probe is of this kind.
pub(crate) fn gate_when_promoted(
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
pub(crate) fn readiness_is_known(pod: &Pod<'_>, member: &Member<'_>, waits: &[&Wait]) -> bool {
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
pub(crate) fn asked_port(action: &Action) -> Option<u16> {
    match action {
        Action::Http(http) => http.url.port,
        Action::Connect(connect) => connect.port,
        _ => None,
    }
}

/// Whether somebody has said that the app waits for this container's readiness: the first design's field, the
/// annotation, or kubexit's `KUBEXIT_BIRTH_DEPS`.
pub(crate) fn readiness_is_gate(pod: &Pod<'_>, container: &Container<'_>) -> bool {
    container.is_lifecycle_sidecar()
        || pod.namings.iter().any(|naming| {
            matches!(
                naming.kind,
                NamingKind::KubexitBirthDependencies | NamingKind::Declaration
            ) && naming.names.iter().any(|name| name == container.name)
        })
        || kruise_orders(pod, container)
}

/// Whether OpenKruise starts the containers behind this one when it is ready.
pub(crate) fn kruise_orders(pod: &Pod<'_>, container: &Container<'_>) -> bool {
    let ordered = &OPEN_KRUISE.ordered;
    let is_ordered = pod
        .workload
        .pod_annotation(ordered.annotation)
        .is_some_and(|entry| entry.value.as_str() == Some(ordered.value));
    let has_priority = container.variable(ordered.variable).is_some();
    let is_before_another = pod.workload.regular().any(|other| other.index > container.index);
    has_priority || is_ordered && is_before_another
}

fn probe(handler: Handler, attempts: u32, origin: String) -> Gate {
    Gate::Probe {
        handler,
        attempts,
        origin,
    }
}

/// A file that is there, as the sidecar sees it, once the sidecar is ready.
#[derive(Debug, Clone)]
pub(crate) struct FileGate {
    pub(crate) file: String,
    /// There has to be something in it.
    pub(crate) is_filled: bool,
}

/// A gate that asks for a file which the sidecar writes when it is ready. Its image has to have `test`.
pub(crate) fn on_file(FileGate { file, is_filled }: &FileGate) -> Gate {
    let test = if *is_filled { "-s" } else { "-f" };
    let command = ["test", test, file].map(Value::string).to_vec();
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

pub(super) fn of_probed(
    pod: &Pod<'_>,
    container: &Container<'_>,
    wait: &Wait,
    probed: &CommandAction,
) -> Result<Handler, String> {
    let (port, handler) = match &probed.action {
        Action::Http(http) => {
            let port = http.url.port.ok_or("the port is not known")?;
            (port, of_request(pod, container, wait, http, port)?)
        }
        Action::Connect(connect) => {
            if connect.is_udp {
                return Err(ASKS_UDP.to_owned());
            }
            let port = connect.port.ok_or("the port is not known")?;
            if let Some(handler) = by_own_tool(container, &connect.tool, port) {
                return Ok(handler);
            }
            let handler = match (&connect.grpc_health, &connect.path) {
                (Some(service), _) => grpc(port, service),
                (None, Some(path)) if connect.waits => http_get(path, port),
                _ => tcp_socket(port),
            };
            (port, handler)
        }
        Action::Tool { name } => {
            let handler = by_tool_of_image(pod, container, name);
            return handler
                .ok_or_else(|| "what the app asks can't be asked by a probe of the kubelet".to_owned());
        }
        _ => return Err("what the app asks can't be asked by a probe of the kubelet".to_owned()),
    };
    Listener::of(pod, container).is_reachable(port)?;
    Ok(handler)
}

/// Whether the image of a container is known to have a tool that asks its server.
pub(crate) fn has_tool(container: &Container<'_>, tool: &str) -> bool {
    own_call(container, tool).is_some()
}

/// The call of the tool that the app asks with, where the sidecar's image is known to have it.
fn own_call(container: &Container<'_>, tool: &str) -> Option<&'static [&'static str]> {
    let (images, call) = wait_tool::by_program(tool)?.in_images?;
    let base = container.image()?.base_name();
    images.contains(&base).then_some(call)
}

/// A probe with the tool by which the app reaches a known sidecar, whose image has it, too: `docker info`. Started as the
/// image starts it, the sidecar listens where its own tool looks for it.
fn by_tool_of_image(pod: &Pod<'_>, container: &Container<'_>, call: &str) -> Option<Handler> {
    let known = pod.catalogue.by_image(container.image()?)?;
    let (program, _) = call.split_once(' ')?;
    let is_moved = |word: &Node<'_>| {
        let text = word.as_str().unwrap_or("-H");
        text.starts_with("-H") || text.starts_with("--host")
    };
    let is_as_made = container.command().is_empty() && !container.arguments().iter().any(is_moved);
    let has_it = known.tools.iter().any(|tool| tool == program);
    (is_as_made && has_it).then(|| exec(call.split(' ')))
}

/// Whether nothing takes the place of such a tool but a look at an open port.
pub(super) fn only_connects(pod: &Pod<'_>, container: &Container<'_>, call: &str) -> bool {
    by_tool_of_image(pod, container, call).is_none()
        && health_listener(pod, container).is_none()
        && of_catalogue(pod, container).is_some_and(|handler| is_plain_connection(&handler))
}

/// A probe with that tool.
fn by_own_tool(container: &Container<'_>, tool: &str, port: u16) -> Option<Handler> {
    let port = port.to_string();
    let words = own_call(container, tool)?.iter().copied();
    Some(exec(words.chain([port.as_str()])))
}

/// Whether a wait goes on at a 404 and a 500, too.
pub(super) fn takes_any_answer(wait: &Wait, http: &Http) -> bool {
    wait.answer == Answer::Any && !http.fails_on_error
}

/// The probe that succeeds when a request does: `curl` without `--fail` is content with any answer, a probe is not.
fn of_request(
    pod: &Pod<'_>,
    container: &Container<'_>,
    wait: &Wait,
    http: &Http,
    port: u16,
) -> Result<Handler, String> {
    if http.has_credentials {
        return Err("the app asks with headers or credentials of its own; probes don't have them".to_owned());
    }
    if let Answer::Status(status) = wait.answer
        && !(200..400).contains(&status)
    {
        return Err(format!(
            "the app waits for the status {status}, which fails a probe"
        ));
    }
    let (Some(path), Some(target)) = (&http.url.path, http.url.request_target()) else {
        return Err("not all of the address that the app asks is in the manifest".to_owned());
    };
    if takes_any_answer(wait, http) && !is_passed(pod, container, path) {
        return Ok(tcp_socket(port));
    }
    Ok(match http.url.scheme.as_deref() {
        Some("https") => https_get(&target, port),
        _ => http_get(&target, port),
    })
}

/// Whether a healthy server is known to answer a path with success: by the catalogue, or by a probe of the container that
/// would end it otherwise. A name (`/healthz`) alone does not show that the path is there, nor that its answer does not
/// depend on the app, and a wait that takes any answer goes on at a 404.
pub(crate) fn is_passed(pod: &Pod<'_>, container: &Container<'_>, path: &str) -> bool {
    let known = pod.catalogue.of(container);
    let by_catalogue = known.is_some_and(|known| {
        !known.readiness_needs_app
            && known
                .ready
                .iter()
                .any(|endpoint| endpoint.path.as_deref() == Some(path))
    });
    let by_probe = [ProbeKind::Liveness, ProbeKind::Startup]
        .iter()
        .filter_map(|kind| container.probe(*kind))
        .filter_map(|probe| probe.entry.value.path(&["httpGet", "path"])?.as_str())
        .any(|own| own == path);
    by_catalogue || by_probe
}

/// A port that the sidecar is known to answer on and that the manifest declares.
fn of_catalogue(pod: &Pod<'_>, container: &Container<'_>) -> Option<Handler> {
    let known = pod
        .catalogue
        .of(container)
        .filter(|known| !known.loopback && !known.readiness_needs_app)?;
    // Its name says less than an image that is known for another server.
    let image = container.image();
    let is_another = image
        .is_some_and(|image| pod.catalogue.by_image(image).is_none() && is_server_image(image.base_name()));
    if is_another {
        return None;
    }
    let listener = Listener::of(pod, container);
    let ready = known
        .ready
        .iter()
        .filter(|endpoint| listener.is_reachable(endpoint.port).is_ok())
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
        .find(|port| listener.is_reachable(**port).is_ok())
        .map(|port| tcp_socket(*port))
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
    if let Some(port) = probe.port().and_then(|port| port.parse().ok()) {
        Listener::of(pod, container).is_reachable(port)?;
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
