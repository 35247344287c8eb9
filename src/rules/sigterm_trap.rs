//! `sigterm-trap`

use crate::{roles::Role, workload::ContainerList};

use crate::remedy::Obligation;

use super::{Confidence, Draft, Family, Finding, ProgramSite, RuleInfo, Severity, Subject};
use crate::pod::Pod;

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "sigterm-trap",
    family: Family::Shutdown,
    severity: Severity::Warning,
    summary: "A sidecar's script traps SIGTERM so that it outlives the app",
    what: r#"A `trap` in the script that starts a sidecar which ignores SIGTERM (`trap '' TERM`), answers
it with a wait (`trap 'sleep 20; kill $pid' TERM`,
`trap 'while [ ! -f /tmp/done ]; do sleep 1; done' TERM`), or turns it into a good exit code
(`trap 'exit 0' TERM INT`).

A trap in the *app* is left alone, and so is one in a sidecar that does work at its end
(flush, deregister, save) or only passes the signal on to its child."#,
    why: r#"A sidecar that ignores SIGTERM is ended by SIGKILL when the grace period is over: 30 seconds
for every pod of every rollout, exit code 137, and whatever it had buffered is lost. A wait in
the trap is a guess at how long the app needs. A trap that exits with 0 hides the sidecar's
own failures, and the shell that stays process 1 for it passes no signals on by itself.

The kubelet ends a native sidecar after the app, so SIGTERM may mean what it says, and its
exit code does not count for the pod's phase. With a trap left in place it burns what is left
of the grace period when its turn comes, and the sidecars that stop after it are killed with
two seconds' notice."#,
    before: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: checkout
spec:
  selector:
    matchLabels:
      app: checkout
  template:
    metadata:
      labels:
        app: checkout
    spec:
      containers:
        - name: checkout
          image: registry.example.com/shop/checkout:6.1.0
          command: ["/app/checkout", "--statsd=127.0.0.1:9125"]
          ports:
            - containerPort: 8080
        - name: statsd-exporter
          image: docker.io/prom/statsd-exporter:v0.28.0
          command: ["/bin/sh", "-c"]
          args:
            - |
              # Stay until the app has sent its last metrics.
              trap '' TERM
              /bin/statsd_exporter --statsd.listen-udp=:9125
          ports:
            - containerPort: 9102
"#,
    after: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: checkout
spec:
  selector:
    matchLabels:
      app: checkout
  template:
    metadata:
      labels:
        app: checkout
    spec:
      initContainers:
        - name: statsd-exporter
          image: docker.io/prom/statsd-exporter:v0.28.0
          restartPolicy: Always
          command: ["/bin/statsd_exporter", "--statsd.listen-udp=:9125"]
          ports:
            - containerPort: 9102
      containers:
        - name: checkout
          image: registry.example.com/shop/checkout:6.1.0
          command: ["/app/checkout", "--statsd=127.0.0.1:9125"]
          ports:
            - containerPort: 8080
"#,
    migrate: r#"The trap is removed, the sidecar's own command restored and the sidecar declared. Safe where
the trap only delays or ignores and the rest of the script is one command; where it does more,
it is for review."#,
    rests_on: &[
        &Obligation::OF_DECLARATIONS,
        &[Obligation::ScriptIsWhole, Obligation::ResultIsKept],
    ],
    sources: &[
        (
            "Terminating Sidecar after Kubernetes Job (GoogleCloudPlatform/cloud-sql-proxy#262)",
            "https://github.com/GoogleCloudPlatform/cloud-sql-proxy/issues/262",
        ),
        (
            "Kubernetes: Sidecar Containers",
            "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
        ),
        (
            "Kubernetes: Pod Lifecycle",
            "https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/",
        ),
        (
            "KEP-753: Sidecar Containers",
            "https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/753-sidecar-containers",
        ),
    ],
};

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for (index, member) in pod.members.iter().enumerate() {
        let is_sidecar = member.role.role == Role::Sidecar && member.container.list == ContainerList::Regular;
        if !is_sidecar || pod.is_in_force(member) {
            continue;
        }
        for (at, program, trap, effect) in crate::pod::delaying_traps(pod, index, member) {
            findings.push(
                Draft::new(
                    pod,
                    &RULE,
                    format!(
                        "{} {}",
                        crate::pod::quoted(member.container.name),
                        effect.describe()
                    ),
                )
                .help(format!(
                    "declare {} a sidecar and drop the trap: it is ended after the app, by SIGTERM",
                    crate::pod::quoted(member.container.name)
                ))
                .confidence(Confidence::High)
                .container(&member.container)
                .at_text(program, trap.span.clone(), effect.label())
                .subject(Subject::Trap(ProgramSite {
                    container: index,
                    program: at,
                    start: trap.span.start,
                }))
                .finish(),
            );
        }
    }
}
