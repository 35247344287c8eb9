//! `sidecar-stopped-first`

use super::{Draft, Family, Finding, RuleInfo, Severity, serving::serves};
use crate::pod::{Live, Pod, describe};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "sidecar-stopped-first",
    family: Family::Shutdown,
    severity: Severity::Warning,
    summary: "A sidecar ended before the app at a pod's shutdown (found in clusters only)",
    what: r#"A pod that is being deleted, in whose status an undeclared sidecar has ended while the app
still runs, or ended later. It rests on the containers' end times, which must lie in a later
second than the deletion was asked for, or, in pods whose containers are always started again,
on the kubelet's word that all of them were ready until the last had ended. Two ends within the
same second order nothing.
Files have no pods, so this is found with `lint --live` only, and only in pods that something
still holds when the kubelet has told their ends, such as a finalizer; `kubectl sidecar trace`
watches every pod for it."#,
    why: r#"When a pod is deleted, all its regular containers get SIGTERM at once. A proxy with nothing to
do is gone in milliseconds, while the app still answers its last requests, writes to its
database and flushes its spans: through the proxy that is not there any more. Every rollout
and every scale-down loses some of them.

A native sidecar gets its SIGTERM when the regular containers have ended, in the reverse order
of the list."#,
    before: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: payments
spec:
  selector:
    matchLabels: {app: payments}
  template:
    metadata:
      labels: {app: payments}
    spec:
      containers:
        - name: payments
          image: registry.example.com/shop/payments:7.1.0
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          args: ["--port=5432", "example:eu:payments"]
"#,
    after: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: payments
spec:
  selector:
    matchLabels: {app: payments}
  template:
    metadata:
      labels: {app: payments}
    spec:
      initContainers:
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          restartPolicy: Always
          args: ["--port=5432", "--health-check", "--http-address=0.0.0.0", "example:eu:payments"]
          startupProbe:
            httpGet: {path: /startup, port: 9090}
            periodSeconds: 1
            failureThreshold: 120
      containers:
        - name: payments
          image: registry.example.com/shop/payments:7.1.0
"#,
    migrate: r#"There is no workaround to remove. A container that is known as a sidecar is declared with
`--sidecar NAME`."#,
    rests_on: &[],
    sources: &[
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

pub(crate) fn check(pod: &Pod<'_>, live: &Live, findings: &mut Vec<Finding>) {
    for sidecar in &pod.members {
        let Some(confidence) = serves(sidecar) else {
            continue;
        };
        let Some((seen, app)) = live
            .pods
            .iter()
            .find_map(|seen| outlived(pod, seen, sidecar.container.name).map(|app| (seen, app)))
        else {
            continue;
        };
        let name = sidecar.container.name;
        let ended = seen
            .container(name)
            .and_then(|container| container.ended.as_ref());
        let Some(ended) = ended else {
            continue;
        };
        let later = match seen
            .container(app.container.name)
            .and_then(|seen| seen.ended.as_ref())
        {
            Some(own) => format!("ended at {}", own.finished),
            None => "still ran".to_owned(),
        };
        let mut draft = Draft::new(
            pod,
            &RULE,
            format!(
                "{name} ended at {} while {} was shutting down and {} {later}: {}",
                ended.finished,
                seen.describe(),
                app.container.name,
                describe(pod),
            ),
        )
        .help(format!(
            "declare {name} a sidecar: it is stopped when the app has ended"
        ))
        .confidence(confidence)
        .container(&sidecar.container)
        .by_hand("whether the app needs it until its end is not in the manifest; `migrate --sidecar NAME` declares it");
        if let Some(entry) = sidecar.container.node.entry("name") {
            draft = draft.at_entry(
                entry,
                format!("ended first, says the status of pod {}", seen.name),
            );
        }
        findings.push(
            draft
                .with_container(&app.container, "the app, which ended later")
                .finish(),
        );
    }
}

/// The app that lived on when a sidecar ended at the shutdown of a pod.
fn outlived<'p, 'a>(
    pod: &'p Pod<'a>,
    seen: &crate::pod::live::PodSeen,
    sidecar: &str,
) -> Option<&'p super::Member<'a>> {
    let stopping_since = seen.stopping_since?;
    let ended = seen.container(sidecar)?.ended.as_ref()?;
    if ended.finished < stopping_since {
        return None;
    }
    pod.apps().filter(|app| serves(app).is_none()).find(|app| {
        seen.container(app.container.name)
            .is_some_and(|app| match &app.ended {
                Some(own) => own.finished > ended.finished,
                None => app.running_since.is_some(),
            })
    })
}
