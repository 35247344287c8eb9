//! `ungated-sidecar`

use crate::{
    behaviour::{LinkKind, Party},
    workload::{ContainerList, ProbeKind},
};

use crate::remedy::Obligation;

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity, Subject};
use crate::pod::Pod;

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "ungated-sidecar",
    family: Family::Remedy,
    severity: Severity::Warning,
    summary: "The app needs a declared sidecar at its start, and nothing makes it wait for it",
    what: r#"A declared native sidecar without a `startupProbe` and without a `postStart` hook, in a pod
whose app shows that it needs the sidecar when it starts: its arguments, env or script name a
local address with a port that the sidecar declares or is known to serve. A `readinessProbe`
alone is pointed out, because it is often taken for the gate.

Sidecars that nobody waits for at the start (log shippers, metrics, config reloaders) need no
gate and are left alone."#,
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
        if !member.role.declared || pod.gates_the_app(member) {
            continue;
        }
        let waiting = pod.links.all.iter().find(|link| {
            matches!(link.kind, LinkKind::Waits(_) | LinkKind::StartsOnFile(..))
                && link.other == Party::Container(index)
                && pod
                    .members
                    .get(link.container)
                    .is_some_and(|from| from.container.list == ContainerList::Regular)
        });
        let known = pod.catalogue.of(&member.container);
        let serves = known.is_some_and(|known| !known.serves.is_empty() || !known.quit.is_empty());
        let (severity, confidence) = match (waiting, serves) {
            (Some(_), _) => (Severity::Warning, Confidence::High),
            (None, true) => (Severity::Info, Confidence::Medium),
            (None, false) => continue,
        };
        // The policy makes a startupProbe of a readinessProbe, but not of one that waits for the app.
        let is_annotated = pod.is_annotated(member);
        let readiness_is_no_gate = member.container.is_native_sidecar()
            || is_annotated && member.container.probe(ProbeKind::Readiness).is_some();
        let gate = if readiness_is_no_gate || is_annotated && pod.readiness_needs_app(member) {
            "startupProbe"
        } else {
            "readinessProbe"
        };
        let mut draft = Draft::new(
            pod,
            &RULE,
            format!(
                "the app starts as soon as {} runs, not when it is ready: it has no {gate}",
                member.container.name
            ),
        )
        .help(format!(
            "give it a {gate} with a generous budget{}",
            match gate {
                "startupProbe" if is_annotated =>
                    "; its readiness waits for the app, so that it makes no gate",
                "startupProbe" => "; a readinessProbe does not hold the app back",
                _ => "",
            }
        ))
        .severity(severity)
        .confidence(confidence)
        .container(&member.container)
        .subject(Subject::Gate(index));
        draft = match member.container.node.entry("name") {
            Some(entry) => draft.at_entry(entry, "declared, but nothing waits for it"),
            None => draft.at(member.container.node, "declared, but nothing waits for it"),
        };
        if let Some(probe) = member
            .container
            .probe(ProbeKind::Readiness)
            .filter(|_| gate == "startupProbe")
        {
            draft = draft.with(probe.entry.key, "does not hold the app back");
        }
        if let Some((link, LinkKind::Waits(wait))) = waiting.map(|link| (link, &link.kind))
            && let Some((_, program)) = pod.program(link.container, link.program)
        {
            draft = draft.with_text(program, wait.span.clone(), "so the app waits by itself");
        }
        findings.push(draft.finish());
    }
}
