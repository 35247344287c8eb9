//! `startup-poll`

use crate::{
    behaviour::{
        Link, LinkKind, Party, ScriptFacts,
        action::{Action, CommandAction},
        script::Wait,
    },
    catalogue::wrapper::Wrapper,
    workload::{Container, ContainerList, Program, ProgramPlace},
};

use crate::remedy::{
    Obligation,
    gate::startup::{asked_port, has_tool},
};

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity, Subject};
use crate::pod::{Listener, Pod, health_listener};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "startup-poll",
    family: Family::Startup,
    severity: Severity::Warning,
    summary: "The app polls its sidecar in a loop before it starts",
    what: r#"A loop in a container's script that asks a sidecar of the same pod whether it is up, and only
sleeps or prints until it is:
`until curl -fsS http://localhost:15021/healthz/ready; do sleep 1; done`,
`while ! nc -z 127.0.0.1 5432; do sleep 1; done`, `until pg_isready -h localhost …`,
`until docker info …`, `wait-for-it`, `dockerize -wait`. The address must be local
(`localhost`, `127.0.0.1`, `0.0.0.0`, `[::1]`, or a variable whose literal value is one of
these) and the port or path must belong to another container of the pod or to a known injected
proxy.

Waits for another Service, for a database elsewhere or for a host that cannot be known are not
about sidecars and stay silent, as do init containers, probes, and a loop that is all the
container does. So does a helper that waits for the server its workload is about, to set it up,
to measure it or to front it; where names and images say nothing, the main container is the one
that stands first, unless the one behind it starts a server with ports of its own. A loop that also writes files or creates a database is reported but not
rewritten."#,
    why: r#"Every image needs a shell and the tool that polls; a distroless image has neither. The loop
turns `sh` into process 1, and a shell that does not `exec` the app does not pass SIGTERM on:
the pod then stops with exit code 137 after the whole grace period. A loop without a limit
hides a sidecar that never comes up: the pod sits there as Running while nothing runs, and
polling an admin port can succeed before traffic flows.

A native sidecar with a `startupProbe` is waited for by the kubelet, before the app's process
exists. A `readinessProbe` does *not* hold the app back: a wait that is deleted without a
startup probe in its place brings the race back. One thing is lost: the loop also ran when the
app alone was restarted, the kubelet's gate does not."#,
    before: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: billing
spec:
  selector:
    matchLabels:
      app: billing
  template:
    metadata:
      labels:
        app: billing
    spec:
      containers:
        - name: billing
          image: registry.example.com/billing:7.4.2
          command: ["sh", "-c"]
          args:
            - |
              until nc -z localhost 6432; do
                echo "waiting for pgbouncer"
                sleep 1
              done
              exec /app/billing --db=localhost:6432
        - name: pgbouncer
          image: docker.io/edoburu/pgbouncer:v1.23.1-p2
          env:
            - name: DB_HOST
              value: postgres.data.svc.cluster.local
            - name: LISTEN_PORT
              value: "6432"
          ports:
            - containerPort: 6432
"#,
    after: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: billing
spec:
  selector:
    matchLabels:
      app: billing
  template:
    metadata:
      labels:
        app: billing
    spec:
      initContainers:
        - name: pgbouncer
          image: docker.io/edoburu/pgbouncer:v1.23.1-p2
          restartPolicy: Always
          env:
            - name: DB_HOST
              value: postgres.data.svc.cluster.local
            - name: LISTEN_PORT
              value: "6432"
          ports:
            - containerPort: 6432
          startupProbe:
            tcpSocket: {port: 6432}
            periodSeconds: 1
            failureThreshold: 3600
      containers:
        - name: billing
          image: registry.example.com/billing:7.4.2
          command: ["/app/billing", "--db=localhost:6432"]
"#,
    migrate: r#"The loop is cut out, the sidecar declared and a `startupProbe` on the same target put in its
place. Safe where the loop comes first, has no side effects, its target belongs to exactly one
container that listens beyond 127.0.0.1, and a plain command remains; review or advice
otherwise. An injected proxy gets the injector's own switch instead, with `--review`."#,
    rests_on: &[
        &Obligation::OF_DECLARATIONS,
        &[Obligation::WaitIsKept, Obligation::ScriptIsWhole],
        &[Obligation::InjectorObeys],
    ],
    sources: &[
        (
            "App container unable to connect to network before sidecar is fully running (istio/istio#11130)",
            "https://github.com/istio/istio/issues/11130",
        ),
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
    for (at, link) in pod.links.all.iter().enumerate() {
        let LinkKind::Waits(wait) = &link.kind else {
            continue;
        };
        let Some((member, program)) = pod.program(link.container, link.program) else {
            continue;
        };
        let waits_before_work =
            program.place == ProgramPlace::Entrypoint && works_after(pod, link, wait) && !wait.is_aside;
        if member.container.list != ContainerList::Regular
            || !waits_before_work
            || pod.is_declared(&link.other)
        {
            continue;
        }
        // As a wrapper it has a rule of its own.
        if wait.probes.iter().any(
            |probe| matches!(&probe.action, Action::Tool { name } if Wrapper::of_program(name).is_some()),
        ) {
            continue;
        }
        // Its own child, unless the text names somebody else.
        if link.other == Party::Unknown && pod.waits_for_a_child(link, wait) {
            continue;
        }
        findings.push(finding(pod, at, &member.container, program, wait, &link.other));
    }
}

/// Whether the script goes on to do something: to run a program, or to talk to the sidecar.
fn works_after(pod: &Pod<'_>, link: &Link, wait: &Wait) -> bool {
    let talks = |facts: &ScriptFacts| {
        facts
            .quits
            .iter()
            .any(|request| !request.stops && request.span.start >= wait.span.end)
    };
    wait.command_after.is_some() || pod.links.facts(link.container, link.program).is_some_and(talks)
}

fn finding<'a>(
    pod: &Pod<'a>,
    at: usize,
    container: &Container<'a>,
    program: &Program<'a>,
    wait: &Wait,
    other: &Party,
) -> Finding {
    let name = pod.party_name(other);
    let label = match wait.is_loop() {
        true => format!("asks until {name} answers"),
        false => format!("waits until {name} answers"),
    };
    let mut draft = Draft::new(
        pod,
        &RULE,
        format!("{} polls until {name} is ready before it starts", container.name),
    )
    .help(help(pod, &name, other, wait))
    .confidence(
        if *other == Party::Unknown || wait.is_guessed() || wait.unknown_host.is_some() {
            Confidence::Medium
        } else {
            Confidence::High
        },
    )
    .container(container)
    .at_text(program, wait.span.clone(), label)
    .subject(Subject::Link(at));
    if let Some(then) = &wait.command_after {
        draft = draft.with_text(program, then.clone(), "starts afterwards");
    }
    if let Some(sidecar) = pod.party(other) {
        draft = draft.with_container(&sidecar.container, "the sidecar it waits for");
    }
    draft.finish()
}

fn help(pod: &Pod<'_>, name: &str, other: &Party, wait: &Wait) -> String {
    let what = if wait.is_loop() { "loop" } else { "wait" };
    match other {
        Party::Injected(known) => match pod.made_native(known) {
            Ok(made) => format!("{made}, which starts first; drop the {what} then"),
            Err(reason) => {
                format!("{reason}; drop the {what} once {name} is a native sidecar with a startupProbe")
            }
        },
        _ if pod.workload.controller.ends_sidecars() => {
            format!(
                "the controller starts {name} without an order; the {what} has to stay until it can gate the start"
            )
        }
        _ => match out_of_reach(pod, other, wait) {
            Some(reason) => format!(
                "declare {name} a sidecar and keep the {what}, unless {name} can be told to answer at the pod's address: {reason}"
            ),
            None => {
                format!(
                    "declare {name} a sidecar with a startupProbe on the same address, and drop the {what}"
                )
            }
        },
    }
}

/// Why no probe of the kubelet is answered at the address that a wait asks.
fn out_of_reach(pod: &Pod<'_>, other: &Party, wait: &Wait) -> Option<String> {
    let container = &pod.party(other)?.container;
    let by_own_tool = |probe: &CommandAction| match &probe.action {
        Action::Connect(connect) => has_tool(container, &connect.tool),
        _ => false,
    };
    if health_listener(pod, container).is_some() || wait.probes.iter().any(by_own_tool) {
        return None;
    }
    let mut ports = wait.probes.iter().filter_map(|probe| asked_port(&probe.action));
    ports.find_map(|port| Listener::of(pod, container).is_reachable(port).err())
}
