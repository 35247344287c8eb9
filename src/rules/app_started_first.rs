//! `app-started-first`

use jiff::SignedDuration;

use super::{Draft, Family, Finding, RuleInfo, Severity, serving::serves};
use crate::pod::{
    Live, Member, Pod,
    live::{Ended, PodSeen},
};

/// An app that fails later than this has not failed because of its start.
const FIRST_SECONDS: SignedDuration = SignedDuration::from_secs(30);

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "app-started-first",
    family: Family::Startup,
    severity: Severity::Warning,
    summary: "An app failed in its first seconds, before its sidecar had started (found in clusters only)",
    what: r#"A pod whose app failed within 30 seconds of its start and was restarted, where an undeclared
sidecar had started only after that run of the app had. It rests on the start and end times of
the containers in the pod's status, and on the order of the list where both started within the
same second: the kubelet starts regular containers in the order of the list. A sidecar that
had started before the app may have been ready or not, which the status does not say, so
nothing is said then. Files have no pods, so this is found with `lint --live` only."#,
    why: r#"Regular containers are started one after the other, and none waits for another to be ready. An
app that opens its connections at once meets a proxy that does not listen yet, exits, and is
restarted until it wins the race: a restart count on every pod, alerts at every rollout, and a
start that takes as long as the back-off. It hides behind the restart policy, so it is in no
manifest.

A native sidecar has started, and with a startup probe is ready, before the first regular
container is created."#,
    before: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: search
spec:
  selector:
    matchLabels: {app: search}
  template:
    metadata:
      labels: {app: search}
    spec:
      containers:
        - name: search
          image: registry.example.com/shop/search:3.0.1
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          args: ["--port=5432", "example:eu:search"]
"#,
    after: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: search
spec:
  selector:
    matchLabels: {app: search}
  template:
    metadata:
      labels: {app: search}
    spec:
      initContainers:
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          restartPolicy: Always
          args: ["--port=5432", "--health-check", "--http-address=0.0.0.0", "example:eu:search"]
          startupProbe:
            httpGet: {path: /startup, port: 9090}
            periodSeconds: 1
            failureThreshold: 120
      containers:
        - name: search
          image: registry.example.com/shop/search:3.0.1
"#,
    migrate: r#"There is no workaround to remove. A container that is known as a sidecar is declared with
`--sidecar NAME`."#,
    rests_on: &[],
    sources: &[
        (
            "App container unable to connect to network before sidecar is fully running (istio/istio#11130)",
            "https://github.com/istio/istio/issues/11130",
        ),
        (
            "Kubernetes: Sidecar Containers",
            "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
        ),
    ],
};

pub(crate) fn check(pod: &Pod<'_>, live: &Live, findings: &mut Vec<Finding>) {
    for app in pod.apps().filter(|app| serves(app).is_none()) {
        let sidecars = pod.members.iter().filter(|member| serves(member).is_some());
        let found = sidecars
            .flat_map(|sidecar| live.pods.iter().map(move |seen| (sidecar, seen)))
            .find_map(|(sidecar, seen)| failed_without(seen, app, sidecar).map(|run| (sidecar, seen, run)));
        let Some((sidecar, seen, run)) = found else {
            continue;
        };
        let (name, other) = (app.container.name, sidecar.container.name);
        let mut draft = Draft::new(
            pod,
            &RULE,
            format!(
                "{name} failed {} s after its start (exit code {}), and {other} had started only after that start: {}",
                run.finished.duration_since(run.started).as_secs(),
                run.exit_code,
                seen.describe(),
            ),
        )
        .help(format!("declare {other} a sidecar with a startup probe: the app starts when it is ready"))
        .confidence(super::Confidence::Medium)
        .container(&app.container)
        .by_hand("why the app failed is in its log; `migrate --sidecar NAME` declares the sidecar");
        if let Some(entry) = app.container.node.entry("name") {
            draft = draft.at_entry(entry, format!("restarted, says the status of pod {}", seen.name));
        }
        findings.push(draft.with_container(&sidecar.container, "started later").finish());
    }
}

/// The run of the app that failed early, where the sidecar had not started when it began.
fn failed_without<'s>(seen: &'s PodSeen, app: &Member<'_>, sidecar: &Member<'_>) -> Option<&'s Ended> {
    let run = seen.container(app.container.name)?.previous.as_ref()?;
    let is_early = run.exit_code != 0 && run.finished.duration_since(run.started) <= FIRST_SECONDS;
    let other = seen.container(sidecar.container.name)?;
    let started = other.running_since?;
    // A restarted sidecar had an earlier run, which the status does not tell of.
    let is_later = other.restarts == 0
        && (started > run.started || started == run.started && app.container.index < sidecar.container.index);
    (is_early && is_later).then_some(run)
}
