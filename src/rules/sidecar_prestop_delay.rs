//! `sidecar-prestop-delay`

use crate::{
    catalogue::{
        container_name::{FORWARDING, Purpose, tells},
        port_list::by_program,
        program_end::is_server_image,
    },
    roles::Role,
    workload::{ContainerList, HookKind, ProgramPlace},
};

use crate::remedy::Obligation;

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity, Subject};
use crate::pod::{Member, Pod, listens_on, names_listener};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "sidecar-prestop-delay",
    family: Family::Shutdown,
    severity: Severity::Warning,
    summary: "A sidecar's preStop hook delays its end so that it outlives the app",
    what: r#"A `preStop` hook on a *sidecar* that only passes time: `sleep 30`, `preStop.sleep.seconds`, a
loop that counts connections
(`while [ $(netstat -plunt | grep tcp | grep -v envoy | wc -l) -ne 0 ]; do sleep 1; done`,
`grep -c ESTABLISHED`) or one that waits for a file of the app. A container with an unknown
program counts as one where an app that a Service leads to names the local address at which it
listens and no Service leads to it, where it pools connections behind the app, or where its hook
watches a port that only the app has.

On the app, and on a proxy that is the pod's front door, a preStop sleep is something else: it
keeps the pod serving until load balancers have taken it out. It must stay and is left alone,
as are hooks that do something (`drain_listeners`, a flush, a deregistration) and pods whose
only container is the proxy."#,
    why: r#"At the end of a pod all regular containers get SIGTERM at once, so a proxy leaves while the
app still finishes its requests and closes its transactions. The sleep is a guess at how long
that takes: too short, and the last requests fail; too long, and every rollout, scale-down and
node drain waits for it. When it is as long as `terminationGracePeriodSeconds`, the sidecar is
left two seconds and often ends with 137. A loop over `netstat` needs the tool in the image
and never ends while a peer keeps its connection open.

The kubelet sends a native sidecar SIGTERM only after all regular containers have stopped, in
reverse list order, within the same grace period. Its `preStop` hook however runs at the
*start* of termination, together with the app's: a sleep that is left there gains nothing and
can use up the grace period."#,
    before: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: ledger
spec:
  selector:
    matchLabels: {app: ledger}
  template:
    metadata:
      labels: {app: ledger}
    spec:
      terminationGracePeriodSeconds: 60
      containers:
        - name: ledger
          image: registry.example.com/bank/ledger:9.0.1
          command: ["/app/ledger", "--db=127.0.0.1:5432"]
          ports:
            - containerPort: 8080
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0-alpine
          args: ["--port=5432", "--health-check", "--http-address=0.0.0.0", "example:eu:ledger"]
          ports:
            - containerPort: 5432
            - containerPort: 9090
          startupProbe:
            httpGet: {path: /startup, port: 9090}
            periodSeconds: 1
            failureThreshold: 120
          lifecycle:
            preStop:
              exec: {command: ["sleep", "30"]}
"#,
    after: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: ledger
spec:
  selector:
    matchLabels: {app: ledger}
  template:
    metadata:
      labels: {app: ledger}
    spec:
      terminationGracePeriodSeconds: 60
      initContainers:
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0-alpine
          restartPolicy: Always
          args: ["--port=5432", "--health-check", "--http-address=0.0.0.0", "example:eu:ledger"]
          ports:
            - containerPort: 5432
            - containerPort: 9090
          startupProbe:
            httpGet: {path: /startup, port: 9090}
            periodSeconds: 1
            failureThreshold: 120
      containers:
        - name: ledger
          image: registry.example.com/bank/ledger:9.0.1
          command: ["/app/ledger", "--db=127.0.0.1:5432"]
          ports:
            - containerPort: 8080
"#,
    migrate: r#"The hook is removed and the sidecar declared. Safe where the hook only sleeps or polls; a hook
that also does something is kept and shown for review. An app's own preStop hook is never
touched."#,
    rests_on: &[&Obligation::OF_DECLARATIONS],
    sources: &[
        (
            "The app's clean-up and the proxy get SIGTERM at once (GoogleCloudPlatform/cloud-sql-proxy#1640)",
            "https://github.com/GoogleCloudPlatform/cloud-sql-proxy/issues/1640",
        ),
        (
            "Add native sidecar support (linkerd/linkerd2#11465)",
            "https://github.com/linkerd/linkerd2/issues/11465",
        ),
        (
            "Kubernetes: Sidecar Containers",
            "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
        ),
        (
            "Kubernetes: Pod Lifecycle",
            "https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/",
        ),
    ],
};

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for (index, member) in pod.members.iter().enumerate() {
        let is_beside_the_app = match member.container.list {
            ContainerList::Regular => !pod.is_in_force(member),
            ContainerList::ControllerSidecars => {
                !pod.workload.controller.ends_sidecars() && pod.catalogue.of(&member.container).is_some()
            }
            _ => false,
        };
        if !is_beside_the_app {
            continue;
        }
        let Some(delay) = crate::pod::prestop_delay(pod, index, member) else {
            continue;
        };
        let Some(confidence) = serves_another(pod, member) else {
            continue;
        };
        let draft = Draft::new(pod, &RULE, format!("the preStop hook of {} waits so that it outlives the app", crate::pod::quoted(member.container.name)))
            .help(format!(
                "declare {} a sidecar and drop the wait: it is ended after the app, and a wait would only use up the grace period",
                crate::pod::quoted(member.container.name)
            ))
            .confidence(confidence)
            .container(&member.container)
            .subject(Subject::PreStop(index));
        findings.push(draft.at_delay(&delay, "keeps the sidecar up").finish());
    }
}

/// How sure it is that a container which waits before it stops does so for another one's sake: it is a sidecar, or
/// an app with a Service asks it at a local address, or it pools the app's connections to a database.
fn serves_another(pod: &Pod<'_>, member: &Member<'_>) -> Option<Confidence> {
    if member.role.role == Role::Sidecar {
        // One that others reach through a Service waits until they no longer do.
        let is_reached = pod.served_alone(&member.container).is_some();
        return (!is_reached).then_some(Confidence::High);
    }
    if is_served(pod, member) {
        return None;
    }
    let mut others = pod.apps().filter(|other| !std::ptr::eq(*other, member));
    let serves = others.any(|other| {
        let is_app = other.role.evidence.is_empty()
            && pod.catalogue.of(&other.container).is_none()
            && !is_front_door(other)
            && !pod.workload.is_about(&member.container, &other.container)
            // People write the main container first: an exporter behind a database asks it too.
            && (other.container.index < member.container.index
                || pod.workload.is_about(&other.container, &member.container));
        let is_asked = is_served(pod, other)
            && names_listener(pod, other, member).is_some()
            && names_listener(pod, member, other).is_none();
        is_app && (is_asked || pools_connections(pod, member, other) || watches_port(member, other))
    });
    serves.then_some(Confidence::Medium)
}

/// Whether a Service leads to a container.
fn is_served(pod: &Pod<'_>, member: &Member<'_>) -> bool {
    pod.services.iter().any(|service| {
        service.targets().any(|target| {
            let mut ports = member.container.ports();
            ports.any(|port| port.name == Some(target) || port.number.to_string() == target)
        })
    })
}

/// Whether a container may be the one that passes requests on to the app: by its image, or by its name and whom it is
/// told to pass them on to.
fn is_front_door(member: &Member<'_>) -> bool {
    let container = &member.container;
    let image = container.image();
    let says_whom = || {
        let words = container.command().into_iter().chain(container.arguments());
        let variables = container.environment().map(|variable| variable.name.to_owned());
        words
            .filter_map(|word| word.as_str().map(str::to_owned))
            .chain(variables)
            .map(|text| text.to_ascii_lowercase())
            .any(|text| FORWARDING.iter().any(|word| text.contains(word)))
    };
    image.is_some_and(|image| is_server_image(image.base_name()))
        || tells(container.name, Purpose::Fronts) && says_whom()
}

/// Whether a preStop hook looks for a port that only the app has: `netstat -plnt | grep :8080`.
fn watches_port(member: &Member<'_>, app: &Member<'_>) -> bool {
    let hook = member
        .programs
        .iter()
        .find(|program| program.place == ProgramPlace::Hook(HookKind::PreStop));
    let Some(hook) = hook else { return false };
    let commands = hook.script.iter().flat_map(|script| script.list.commands());
    let mut programs = commands.filter_map(|visit| visit.simple()?.words.first());
    let lists_ports =
        hook.text.contains("/proc/net/tcp") || programs.any(|program| by_program(&program.raw).is_some());
    let is_own = |port: u16| member.container.ports().any(|own| own.number == port);
    let names = |port: u16| {
        hook.text.match_indices(&format!(":{port}")).any(|(at, name)| {
            let behind = hook.text.get(at + name.len()..).unwrap_or_default();
            !behind.starts_with(|letter: char| letter.is_ascii_digit())
        })
    };
    lists_ports
        && app
            .container
            .ports()
            .any(|port| names(port.number) && !is_own(port.number))
}

/// PgBouncer's port.
const POOL: u16 = 6432;

/// Whether a container behind the app pools connections to a database: nothing outside of the pod asks it.
fn pools_connections(pod: &Pod<'_>, member: &Member<'_>, app: &Member<'_>) -> bool {
    let (container, app) = (&member.container, &app.container);
    listens_on(pod, member, POOL) && app.ports().next().is_some() && app.index < container.index
}
