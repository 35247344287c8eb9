//! `startup-deadlock`

use crate::{
    behaviour::action::{Action, ExitCode, Host, Values, classify_visit},
    shell::{Connector, Visit},
    workload::{Container, Probe, ProbeKind, ProgramPlace},
    yaml::Node,
};

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity};
use crate::pod::{Listener, Member, Pod, listens_on};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "startup-deadlock",
    family: Family::Remedy,
    severity: Severity::Error,
    summary: "A sidecar's startup gate needs the app, which starts only after the gate",
    what: r#"A declared native sidecar whose `startupProbe` or `postStart` hook asks for something that
only a later container can give: a port that only the app declares, by the probe itself or by the command it runs, a file that only the app
writes, a health endpoint of the sidecar that is known to wait for the app (Dapr's readiness,
Knative's queue-proxy).

A `readinessProbe` that asks the app is fine: readiness does not gate the start. So is a
`livenessProbe`, and anything in regular containers, which do not wait for each other."#,
    why: r#"The app starts when the sidecar has started, and the sidecar counts as started when the app
answers: neither ever happens. The startup probe fails, the kubelet restarts the sidecar again
and again, and the pod stays in `Init:0/1`, so that a rollout stops halfway and a Job never
begins. As regular containers the two worked, which is why this comes up after a migration. It
was the reason why KEP-753 rejected readiness as the gate.

A startup probe has to ask what the sidecar can answer alone: that its listener is open, its
configuration loaded. What depends on the app belongs into a readiness probe, of the sidecar
or of the app."#,
    before: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: quotes
spec:
  selector:
    matchLabels: {app: quotes}
  template:
    metadata:
      labels: {app: quotes}
    spec:
      initContainers:
        - name: envoy
          image: docker.io/envoyproxy/envoy:v1.31.2
          restartPolicy: Always
          args: ["-c", "/etc/envoy/envoy.yaml"]
          ports:
            - containerPort: 8443
            - containerPort: 9901
          startupProbe:
            httpGet: {path: /healthz, port: 8080}
          volumeMounts:
            - {name: envoy, mountPath: /etc/envoy}
      containers:
        - name: quotes
          image: registry.example.com/market/quotes:2.7.3
          command: ["/app/quotes", "--listen=:8080"]
          ports:
            - containerPort: 8080
      volumes:
        - name: envoy
          configMap: {name: quotes-envoy}
"#,
    after: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: quotes
spec:
  selector:
    matchLabels: {app: quotes}
  template:
    metadata:
      labels: {app: quotes}
    spec:
      initContainers:
        - name: envoy
          image: docker.io/envoyproxy/envoy:v1.31.2
          restartPolicy: Always
          args: ["-c", "/etc/envoy/envoy.yaml"]
          ports: [{containerPort: 8443}, {containerPort: 9901}]
          startupProbe:
            httpGet: {path: /ready, port: 9901}
            periodSeconds: 1
            failureThreshold: 120
          volumeMounts:
            - {name: envoy, mountPath: /etc/envoy}
      containers:
        - name: quotes
          image: registry.example.com/market/quotes:2.7.3
          command: ["/app/quotes", "--listen=:8080"]
          ports: [{containerPort: 8080}]
          readinessProbe:
            httpGet: {path: /healthz, port: 8080}
      volumes:
        - name: envoy
          configMap: {name: quotes-envoy}
"#,
    migrate: r#"Never rewritten: decide by hand what the sidecar can answer without the app. Migrate
does not create such a gate either: a probe that depends on the app is not made a startup
probe, and the workload is left for review."#,
    rests_on: &[],
    sources: &[
        (
            "KEP-753: Sidecar Containers",
            "https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/753-sidecar-containers",
        ),
        (
            "Sidecar containers KEP (kubernetes/enhancements#3761)",
            "https://github.com/kubernetes/enhancements/pull/3761",
        ),
        (
            "Kubernetes: Sidecar Containers",
            "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
        ),
    ],
};

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for (index, member) in pod
        .members
        .iter()
        .enumerate()
        .filter(|(_, member)| member.role.declared)
    {
        let gate = match pod.is_annotated(member) {
            true => match pod.gate_when_promoted(member) {
                Ok("startupProbe") => Some(ProbeKind::Startup),
                Ok("readinessProbe") => Some(ProbeKind::Readiness),
                _ => None,
            },
            false if member.container.is_native_sidecar() => Some(ProbeKind::Startup),
            false => Some(ProbeKind::Readiness),
        };
        if let Some(probe) = gate.and_then(|kind| member.container.probe(kind)) {
            findings.extend(probe_of_the_app(pod, member, &probe));
            findings.extend(command_that_asks_the_app(pod, member, &probe));
            findings.extend(unreachable_probe(pod, member, &probe));
            findings.extend(gate_that_needs_the_app(pod, member, &probe));
        }
        findings.extend(waits_for_the_app(pod, index, member));
    }
}

/// Whether a sidecar's gate never opens: it asks for what starts later.
pub(super) fn never_opens<'a>(pod: &Pod<'a>, member: &Member<'a>, probe: &Probe<'a>) -> bool {
    probe_of_the_app(pod, member, probe).is_some()
        || command_that_asks_the_app(pod, member, probe).is_some()
        || gate_that_needs_the_app(pod, member, probe).is_some()
}

fn draft<'a>(pod: &Pod<'a>, member: &Member<'a>, why: &str) -> Draft<'a> {
    Draft::new(pod, &RULE, format!("the pod never starts: {why}"))
        .confidence(Confidence::High)
        .container(&member.container)
        .by_hand("decide by hand which of the two has to start first")
}

/// The gate asks a port that only the app listens on.
fn probe_of_the_app<'a>(pod: &Pod<'a>, member: &Member<'a>, probe: &Probe<'a>) -> Option<Finding> {
    let port: u16 = probe.port()?.parse().ok()?;
    let owns = |container: &Container<'_>| container.ports().any(|declared| declared.number == port);
    if owns(&member.container) {
        return None;
    }
    let app = pod.apps().find(|app| owns(&app.container))?;
    let draft = draft_about_probe(pod, member, probe, app).at_entry(probe.entry, format!("asks port {port}"));
    let draft = draft.with_container(&app.container, "listens there, but starts later");
    Some(draft.finish())
}

fn draft_about_probe<'a>(
    pod: &Pod<'a>,
    member: &Member<'a>,
    probe: &Probe<'a>,
    app: &Member<'a>,
) -> Draft<'a> {
    let name = member.container.name;
    let why = format!(
        "{name} counts as started only when {} answers, which starts after it",
        app.container.name
    );
    draft(pod, member, &why).help(format!("let the {} ask {name} itself", probe.kind.field()))
}

/// The gate runs a command that asks a port at which only the app listens: `nc -z localhost 8080`.
fn command_that_asks_the_app<'a>(pod: &Pod<'a>, member: &Member<'a>, probe: &Probe<'a>) -> Option<Finding> {
    let program = member
        .programs
        .iter()
        .find(|program| program.place == ProgramPlace::Probe(probe.kind))?;
    let script = program.script.as_ref()?;
    let values = member.container.values();
    let value_of = |name: &str| values.get(name);
    let values = Values::of_script(script, &value_of);
    let visits: Vec<_> = script.list.commands().collect();
    // What stands behind `||` may succeed alone, but for `exit 1`.
    let only_fails = |visit: &Visit<'_>| {
        let action = classify_visit(visit, &values).map(|action| action.action);
        matches!(action, Some(Action::Exit { code: Some(ExitCode::Number(code)), .. }) if code != 0)
    };
    let may_succeed =
        |visit: &Visit<'_>| visit.context.connector == Some(Connector::Or) && !only_fails(visit);
    if visits
        .iter()
        .any(|visit| may_succeed(visit) || visit.context.negated)
    {
        return None;
    }
    let (port, span) = visits.iter().find_map(|visit| {
        let action = classify_visit(visit, &values)?;
        let port = match &action.action {
            Action::Connect(connect) if connect.host.is_local() && !connect.inverted => connect.port,
            Action::Http(http) => {
                let url = http.urls().find(|url| url.host.is_local())?;
                url.port
            }
            _ => None,
        };
        Some((port?, action.span))
    })?;
    let owns = |container: &Container<'_>| container.ports().any(|declared| declared.number == port);
    if listens_on(pod, member, port) {
        return None;
    }
    let app = pod.apps().find(|app| owns(&app.container))?;
    let earlier = pod
        .members
        .iter()
        .any(|other| other.role.declared && listens_on(pod, other, port));
    (!earlier).then(|| {
        draft_about_probe(pod, member, probe, app)
            .at_text(program, span, format!("asks port {port}"))
            .with_container(&app.container, "listens there, but starts later")
            .finish()
    })
}

/// The gate asks where nobody can answer: the node's loopback, or a listener on the pod's loopback.
fn unreachable_probe<'a>(pod: &Pod<'a>, member: &Member<'a>, probe: &Probe<'a>) -> Option<Finding> {
    let host = ["httpGet", "tcpSocket"]
        .iter()
        .find_map(|handler| probe.entry.value.path(&[handler])?.entry("host"));
    let name = member.container.name;
    if let Some(host) = host.filter(|host| {
        host.value
            .as_str()
            .is_some_and(|text| Host::of(text) == Host::Local)
    }) {
        return Some(
            draft(
                pod,
                member,
                &format!(
                    "the {} of {name} asks the node's own loopback address",
                    probe.kind.field()
                ),
            )
            .help("drop `host`: a probe comes from the kubelet and goes to the pod's address")
            .at_entry(host, "the node, not the pod")
            .finish(),
        );
    }
    let port: u16 = probe.port()?.parse().ok()?;
    if !Listener::of(pod, &member.container).is_on_loopback(port) {
        return None;
    }
    Some(
        draft(
            pod,
            member,
            &format!(
                "{name} listens on 127.0.0.1 only, where its {} cannot reach it",
                probe.kind.field()
            ),
        )
        .help("let it listen on 0.0.0.0, or ask its health port")
        .confidence(Confidence::Medium)
        .at_entry(probe.entry, format!("asks port {port} on the pod's address"))
        .finish(),
    )
}

fn words<'a>(container: &Container<'a>) -> impl Iterator<Item = &'a str> {
    container
        .command()
        .into_iter()
        .chain(container.arguments())
        .filter_map(Node::as_str)
}

/// A sidecar whose health waits for the app, such as daprd with an app port.
fn gate_that_needs_the_app<'a>(pod: &Pod<'a>, member: &Member<'a>, probe: &Probe<'a>) -> Option<Finding> {
    let known = pod
        .catalogue
        .of(&member.container)
        .filter(|known| known.readiness_needs_app)?;
    let path = probe.path()?;
    // Its outbound health does not wait for the app.
    let waits = !path.ends_with("/outbound")
        && words(&member.container).any(|word| word.trim_start_matches('-').starts_with("app-port"));
    waits.then(|| {
        draft(
            pod,
            member,
            &format!(
                "{} is healthy only when the app answers, which starts after it",
                known.name
            ),
        )
        .help("ask its outbound health (/v1.0/healthz/outbound), which does not wait for the app")
        .at_entry(probe.entry, "waits for the app")
        .finish()
    })
}

/// Its own script or postStart hook waits for the app.
fn waits_for_the_app<'a>(pod: &Pod<'a>, index: usize, member: &Member<'a>) -> Option<Finding> {
    let gated = member.container.probe(ProbeKind::Startup).is_some();
    pod.links.with_minded(index).find_map(|link| {
        let (other, wait) = pod.awaited_too_early(link, gated)?;
        let (_, program) = pod.program(link.container, link.program)?;
        Some(
            draft(
                pod,
                member,
                &format!(
                    "{} waits for {}, which starts after it",
                    member.container.name, other.container.name
                ),
            )
            .help("a sidecar has to start without the app")
            .at_text(program, wait.span.clone(), "waits for the app")
            .with_container(&other.container, "starts later")
            .finish(),
        )
    })
}
