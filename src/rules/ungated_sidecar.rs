//! `ungated-sidecar`

use crate::{
    behaviour::{Link, LinkKind, Party},
    workload::{Container, ContainerList, ProbeKind},
};

use crate::remedy::Obligation;

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity, Subject};
use crate::pod::{Member, NamedAddress, Pod, names_listener};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "ungated-sidecar",
    family: Family::Remedy,
    severity: Severity::Warning,
    summary: "The app needs a declared sidecar at its start, and nothing makes it wait for it",
    what: r#"A declared native sidecar without a `startupProbe` and without a `postStart` hook, in a pod
whose app shows that it needs the sidecar when it starts: its arguments, env or script name a
local address with a port that the sidecar declares or is known to serve. A `readinessProbe`
alone is pointed out, because it is often taken for the gate.

Where an init container behind the sidecar names the address, that one is reported. A
`startupProbe` that asks a port at which another sidecar answers gates nothing either: the
containers of a pod share one network, so only one of them can listen there.

Sidecars that nobody waits for at the start (log shippers, metrics, config reloaders) need no
gate and are left alone, as are addresses in settings about logs, traces and metrics. Of an app
that names no address of the sidecar nothing is said: it may need it later, or never."#,
    why: r#"A native sidecar without a startup probe counts as started as soon as its process exists. The
app's container is then created while the proxy still loads its certificates, and the first
connection is refused: the race that wait loops were written against. It comes back unseen
when a loop is deleted in a migration, since on a quiet node the proxy wins most of the time.

Readiness was considered as the gate and rejected in KEP-753: it decides whether the pod gets
traffic, not the start of the next container. The probe must reach its target: the kubelet
probes the pod's IP, so a listener on 127.0.0.1 needs a health port on 0.0.0.0 or an `exec`
probe with a program of that image. Give it a generous budget, because a probe that fails
restarts the sidecar, and the app does not start at all."#,
    before: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: profiles
spec:
  selector:
    matchLabels: {app: profiles}
  template:
    metadata:
      labels: {app: profiles}
    spec:
      initContainers:
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          restartPolicy: Always
          args: ["--port=5432", "--health-check", "--http-address=0.0.0.0", "example:eu:profiles"]
          ports:
            - containerPort: 5432
            - containerPort: 9090
          readinessProbe:
            httpGet: {path: /readiness, port: 9090}
      containers:
        - name: profiles
          image: registry.example.com/accounts/profiles:8.2.0
          command: ["/app/profiles", "--listen=:8080", "--db=127.0.0.1:5432"]
          ports:
            - containerPort: 8080
"#,
    after: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: profiles
spec:
  selector:
    matchLabels: {app: profiles}
  template:
    metadata:
      labels: {app: profiles}
    spec:
      initContainers:
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          restartPolicy: Always
          args: ["--port=5432", "--health-check", "--http-address=0.0.0.0", "example:eu:profiles"]
          ports:
            - containerPort: 5432
            - containerPort: 9090
          startupProbe:
            httpGet: {path: /startup, port: 9090}
            periodSeconds: 1
            failureThreshold: 120
          readinessProbe:
            httpGet: {path: /readiness, port: 9090}
      containers:
        - name: profiles
          image: registry.example.com/accounts/profiles:8.2.0
          command: ["/app/profiles", "--listen=:8080", "--db=127.0.0.1:5432"]
          ports:
            - containerPort: 8080
"#,
    migrate: r#"A startup probe is added where it takes the place of a wait, and where
`--review --sidecar NAME` asks for it and its target is certain: from a readiness probe of a known sidecar
whose readiness does not depend on the app, or from the catalogue where the flags open the port.
Otherwise it is for a person: a probe that nobody waited for may keep the app from starting."#,
    rests_on: &[&[Obligation::NeedsAreMet]],
    sources: &[
        (
            "Review of the sidecar documentation: readiness does not gate (kubernetes/website#41802)",
            "https://github.com/kubernetes/website/pull/41802",
        ),
        (
            "Kubernetes: Sidecar Containers",
            "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
        ),
        (
            "KEP-753: Sidecar Containers",
            "https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/753-sidecar-containers",
        ),
    ],
};

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for (index, member) in pod.members.iter().enumerate() {
        if !member.role.declared {
            continue;
        }
        match pod.gates_the_app(member) {
            true => findings.extend(gate_of_another(pod, member)),
            false => findings.extend(ungated(pod, index, member)),
        }
    }
}

/// Who shows that it needs a declared sidecar at its start.
enum Need<'p, 'a> {
    /// Its script waits for it.
    Waits(&'p Link),
    /// It names an address where the sidecar listens.
    Names(&'p Member<'a>, NamedAddress<'a>),
}

/// The app, or an init container behind the sidecar, that needs it at its start.
fn need<'p, 'a>(pod: &'p Pod<'a>, index: usize, member: &'p Member<'a>) -> Option<Need<'p, 'a>> {
    let starts_behind = |other: &&Member<'_>| match other.container.list {
        ContainerList::Regular => !other.role.declared,
        ContainerList::Init => {
            !other.container.is_native_sidecar()
                && member.container.is_native_sidecar()
                && other.container.index > member.container.index
        }
        _ => false,
    };
    let waiting = pod.links.all.iter().find(|link| {
        matches!(link.kind, LinkKind::Waits(_) | LinkKind::StartsOnFile(..))
            && link.other == Party::Container(index)
            && pod
                .members
                .get(link.container)
                .is_some_and(|from| from.container.list == ContainerList::Regular || starts_behind(&from))
    });
    // What collects for the others is not waited for.
    let collects = pod
        .catalogue
        .of(&member.container)
        .is_some_and(|known| known.companion);
    let names = || {
        let mut others = pod.members.iter().filter(starts_behind);
        others.find_map(|other| Some(Need::Names(other, names_listener(pod, other, member)?)))
    };
    waiting.map(Need::Waits).or_else(|| names().filter(|_| !collects))
}

fn ungated(pod: &Pod<'_>, index: usize, member: &Member<'_>) -> Option<Finding> {
    let need = need(pod, index, member)?;
    // The policy makes a startupProbe of a readinessProbe, but not of one that waits for the app.
    let is_annotated = pod.is_annotated(member);
    let readiness_is_no_gate = member.container.is_native_sidecar()
        || is_annotated && member.container.probe(ProbeKind::Readiness).is_some();
    let gate = if readiness_is_no_gate || is_annotated && pod.readiness_needs_app(member) {
        "startupProbe"
    } else {
        "readinessProbe"
    };
    let starter = match &need {
        Need::Names(other, _) if other.container.list == ContainerList::Init => other.container.name,
        _ => "the app",
    };
    let name = member.container.name;
    let who_waits = match &need {
        Need::Waits(link) => pod.members.get(link.container),
        Need::Names(..) => None,
    };
    let message = match who_waits {
        Some(who) => format!(
            "only its own script holds {} back until {name} is ready: {name} has no {gate}",
            who.container.name
        ),
        None => format!("{starter} starts as soon as {name} runs, not when it is ready: it has no {gate}"),
    };
    let mut draft = Draft::new(pod, &RULE, message)
        .help(format!(
            "give it a {gate} with a generous budget{}",
            match gate {
                "startupProbe" if is_annotated =>
                    "; its readiness waits for the app, so that it makes no gate",
                "startupProbe" => "; a readinessProbe does not hold the app back",
                _ => "",
            }
        ))
        .confidence(match need {
            Need::Waits(_) => Confidence::High,
            Need::Names(..) => Confidence::Medium,
        })
        .container(&member.container)
        .subject(Subject::Gate(index));
    draft = match member.container.node.entry("name") {
        Some(entry) => draft.at_entry(entry, "declared, but no gate holds the app back"),
        None => draft.at(member.container.node, "declared, but no gate holds the app back"),
    };
    if let Some(probe) = member
        .container
        .probe(ProbeKind::Readiness)
        .filter(|_| gate == "startupProbe")
    {
        draft = draft.with(probe.entry.key, "does not hold the app back");
    }
    match need {
        Need::Waits(link) => {
            if let (LinkKind::Waits(wait), Some((_, program))) =
                (&link.kind, pod.program(link.container, link.program))
            {
                draft = draft.with_text(program, wait.span.clone(), "so the app waits by itself");
            }
        }
        Need::Names(other, address) => {
            let label = format!("where {} looks for it", other.container.name);
            draft = draft.with_span(address.node, address.span, label);
        }
    }
    Some(draft.finish())
}

/// A startup probe of a port at which another container answers: the pod has one network, in which only one of them
/// can listen there.
fn gate_of_another(pod: &Pod<'_>, member: &Member<'_>) -> Option<Finding> {
    let container = &member.container;
    let asks = |container: &Container<'_>| {
        let probe = container.probe(ProbeKind::Startup)?;
        let port = probe.port()?;
        let named = container.ports().find(|own| own.name == Some(port));
        port.parse().ok().or(named.map(|own| own.number))
    };
    let port: u16 = asks(container).filter(|_| container.is_native_sidecar())?;
    let declares = |container: &Container<'_>| container.ports().any(|own| own.number == port);
    let first = pod.members.iter().find(|other| {
        let earlier = other.container.is_native_sidecar() && other.container.index < container.index;
        let answers =
            declares(&other.container) && !declares(container) || asks(&other.container) == Some(port);
        earlier && answers
    })?;
    let probe = container.probe(ProbeKind::Startup)?;
    let name = container.name;
    Some(
        Draft::new(
            pod,
            &RULE,
            format!(
                "the startupProbe of {name} asks port {port}, where {} answers: it doesn't show that {name} is ready",
                first.container.name
            ),
        )
        .help(format!(
            "give {name} a port of its own: the containers of a pod share one network, and only one of them can listen on {port}"
        ))
        .confidence(Confidence::High)
        .container(container)
        .by_hand("decide by hand on which port it answers")
        .at_entry(probe.entry, format!("asks port {port}"))
        .with_container(&first.container, "starts first, and answers there")
        .finish(),
    )
}
