//! Declares a container a sidecar, in each form (`docs/semantics.md`, "Declaring a sidecar").

use crate::{
    behaviour::{LinkKind, Party},
    catalogue::injector,
    edit::{
        change::Position,
        place::{SHARED, is_used_elsewhere, place},
    },
    pod::{Listener, Member, Pod, Target},
    remedy::{
        gate::{handler::probe_value, startup::Gate},
        plan::Changes,
    },
    roles::Role,
    workload::{Container, ContainerList, ProbeKind},
    yaml::{Kind, Node, Value},
};

/// How a sidecar is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// `lifecycle.type: Sidecar`, KEP-753's first design.
    Lifecycle,
    /// `initContainers[].restartPolicy: Always`, Kubernetes since 1.29.
    Native,
    /// `kubectl-sidecar/sidecars`, the pod's annotation by which an admission policy makes native sidecars of regular
    /// containers, Kubernetes since 1.36.
    Annotation,
}

impl Form {
    /// The probe that holds the app back: readiness in the first design and at promotion, startup in what runs.
    pub(crate) fn gate(self) -> ProbeKind {
        match self {
            Self::Lifecycle | Self::Annotation => ProbeKind::Readiness,
            Self::Native => ProbeKind::Startup,
        }
    }

    /// The form in words, for who chooses one.
    #[must_use]
    pub fn offer(self) -> &'static str {
        match self {
            Self::Native => "a native sidecar (Kubernetes 1.29 and later)",
            Self::Lifecycle => "lifecycle.type: Sidecar (no released Kubernetes runs it)",
            Self::Annotation => {
                "the annotation kubectl-sidecar/sidecars (an admission policy acts on it, Kubernetes 1.36 and later)"
            }
        }
    }

    /// The declaration in words.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Lifecycle => "lifecycle.type: Sidecar",
            Self::Native => "an init container with restartPolicy: Always",
            Self::Annotation => "the annotation kubectl-sidecar/sidecars",
        }
    }
}

impl From<Form> for Target {
    fn from(form: Form) -> Self {
        match form {
            Form::Lifecycle => Self::Lifecycle,
            Form::Native => Self::Native,
            Form::Annotation => Self::Annotation,
        }
    }
}

/// Why a container must not become a sidecar, whatever the form.
pub(crate) fn obstacle(pod: &Pod<'_>, member: &Member<'_>, form: Form) -> Option<String> {
    let container = &member.container;
    let name = container.name;
    if name.is_empty() {
        return Some("it has no name".to_owned());
    }
    if pod
        .workload
        .containers
        .iter()
        .filter(|other| other.name == name)
        .count()
        > 1
    {
        return Some("another container has the same name".to_owned());
    }
    if container.node.entry("restartPolicyRules").is_some() {
        // KEP-5307; KEP-5532 has RestartAllContainers on a native sidecar as its own example.
        return Some(
            "a native sidecar is always restarted: of its restartPolicyRules only the action RestartAllContainers would still count"
                .to_owned(),
        );
    }
    if let Some(injector) = injector::fills_in(container) {
        return Some(format!(
            "{} fills it in when it injects its sidecar: set the injector's own switch instead",
            injector.name
        ));
    }
    if pod.apps().next().is_none() {
        return Some("a pod needs a container that is no sidecar".to_owned());
    }
    if let Some(reason) = deadlock(pod, member, form) {
        return Some(reason);
    }
    match form {
        Form::Lifecycle | Form::Annotation => None,
        Form::Native => anchored(pod, container),
    }
}

/// A sidecar that waits for the app, which would wait for it in turn.
fn deadlock(pod: &Pod<'_>, member: &Member<'_>, form: Form) -> Option<String> {
    let own = pod.members.iter().position(|other| std::ptr::eq(other, member))?;
    let is_app = |index: usize| {
        pod.members.get(index).is_some_and(|other| {
            other.container.list == ContainerList::Regular && other.role.role == Role::App
        })
    };
    let waits = pod.links.all.iter().any(|link| {
        link.container == own
            && !pod.may_wait_for_itself(link)
            && matches!(link.kind, LinkKind::Waits(_) | LinkKind::StartsOnFile(..))
            && matches!(link.other, Party::Container(index) if is_app(index))
    });
    if waits {
        return Some("it waits for the app, which would start only after it".to_owned());
    }
    let gate = match form {
        Form::Annotation if pod.gate_when_promoted(member) == Ok(ProbeKind::Readiness.field()) => {
            ProbeKind::Readiness
        }
        Form::Annotation => ProbeKind::Startup,
        form => form.gate(),
    };
    let port = member.container.probe(gate)?.port()?;
    if let Ok(number) = port.parse()
        && Listener::of(pod, &member.container).is_on_loopback(number)
    {
        return Some(format!(
            "its {} asks 127.0.0.1:{port}, where no probe of the kubelet reaches it, and the app would never start",
            gate.field()
        ));
    }
    // A readinessProbe that asks the app is none at promotion.
    let is_none_then = form == Form::Annotation && gate == ProbeKind::Readiness;
    let asks_app = !is_none_then
        && !member.container.ports().any(|own| own.number.to_string() == port)
        && pod
            .apps()
            .any(|app| app.container.ports().any(|own| own.number.to_string() == port));
    asks_app.then(|| {
        format!(
            "its {} asks the app, which would start only after it",
            gate.field()
        )
    })
}

/// Anchors within a container that moves, and aliases to what stands in the same pod.
fn anchored(pod: &Pod<'_>, container: &Container<'_>) -> Option<String> {
    let start = pod.workload.pod_spec.written_span().start;
    let own = container.node.written_span();
    let stream = container.node.stream();
    let needs_another = container.node.walk().any(|node| {
        matches!(node.kind(), Kind::Alias(target) if stream.node(target).is_none_or(|target| {
            let at = target.span().start;
            at >= start && !own.contains(&at)
        }))
    });
    match place(container.node) {
        Ok(_) => (needs_another || is_used_elsewhere(container.node)).then(|| SHARED.to_owned()),
        Err(reason) => Some(reason),
    }
}

/// The changes to a container that is declared, besides its move. `kind` is the probe that becomes its gate.
pub(crate) fn declare(
    member: &Member<'_>,
    form: Form,
    kind: ProbeKind,
    gate: &Gate,
) -> Result<Changes, String> {
    let mut changes = Changes::default();
    let container = &member.container;
    let at = place(container.node)?;
    let after_image = position_after(container.node, &["image", "name"]);
    match form {
        Form::Native => match container.restart_policy() {
            // Until now one of its own, which Kubernetes 1.34 allows any container.
            Some(own) if own.value.as_str() != Some("Always") => changes.text(own.value, "Always")?,
            Some(_) => {}
            None => changes.insert(at, "restartPolicy", Value::string("Always"), after_image),
        },
        Form::Annotation => {}
        Form::Lifecycle => match (
            container.lifecycle_type(),
            container.node.get("lifecycle").filter(|node| node.is_mapping()),
        ) {
            (Some(standard), _) => changes.text(standard.value, "Sidecar")?,
            // Behind the hooks, because those before it may go.
            (None, Some(lifecycle)) => {
                changes.insert(
                    place(lifecycle)?,
                    "type",
                    Value::string("Sidecar"),
                    Position::Last,
                );
            }
            (None, None) => {
                let declared = vec![(Value::string("type"), Value::string("Sidecar"))];
                changes.insert(at, "lifecycle", Value::Mapping(declared), after_image);
            }
        },
    }
    changes.extend(gate_entry(member, kind, gate)?);
    Ok(changes)
}

/// The probe that is a sidecar's gate, where it is a new one.
pub(crate) fn gate_entry(member: &Member<'_>, kind: ProbeKind, gate: &Gate) -> Result<Changes, String> {
    let mut changes = Changes::default();
    if let Gate::Probe {
        handler, attempts, ..
    } = gate
    {
        let node = member.container.node;
        let probe = probe_value(handler, kind, *attempts);
        changes.insert(place(node)?, kind.field(), probe, probe_position(node));
    }
    Ok(changes)
}

fn position_after(node: Node<'_>, keys: &[&str]) -> Position {
    keys.iter()
        .find(|key| node.entry(key).is_some())
        .map_or(Position::Last, |key| Position::After((*key).to_owned()))
}

/// Beside other probes, else behind the ports.
fn probe_position(node: Node<'_>) -> Position {
    let before = ["startupProbe", "readinessProbe", "livenessProbe"]
        .into_iter()
        .filter(|key| node.entry(key).is_some())
        .min_by_key(|key| node.entry(key).map_or(0, |entry| entry.key.span().start));
    match before {
        Some(key) => Position::Before(key.to_owned()),
        None if node.entry("ports").is_some() => Position::After("ports".to_owned()),
        None => Position::Last,
    }
}
