//! `shared-pid-kill`

use crate::{
    behaviour::{Link, LinkKind, Party},
    roles::Role,
    shell::Span,
    yaml::Entry,
};

use crate::remedy::Obligation;

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity, Subject};
use crate::pod::Pod;

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "shared-pid-kill",
    family: Family::Completion,
    severity: Severity::Warning,
    summary: "The app kills its sidecar's process through a shared PID namespace",
    what: r#"`shareProcessNamespace: true` together with a script that ends a process of another container:
`pkill cloud-sql-proxy`, `killall envoy`, `kill $(pidof fluent-bit)`, `kill -INT $(pgrep …)`,
`ps aux | grep '[e]nvoy' | awk '{print $2}' | xargs kill`, also through a variable or a loop; or a
sidecar's script that waits until the app's process is gone (`while pgrep app; do sleep 1; done`).
The name must be the program of another container of the pod, or of a known sidecar in its
image.

The flag alone is left alone: debugging shells and monitors use it for good reasons. So are
`kill` of a script's own child, `kill -0` and `killall -0` (they only ask), and kills of a
process of the container itself."#,
    why: r#"A SIGKILL or an OOM kill of the app's container never reaches the `pkill`, and the Job hangs.
Where it is reached, the sidecar often exits with 143 or 137, and in a Job's pod one container
that failed fails the pod: people trap signals or switch to `-INT` until the exit code is 0.
The shared namespace itself costs something: every container sees the processes, environments
and file descriptors (`/proc/<pid>/`) of all others where user and capabilities allow, and the
pause container is process 1 everywhere.

The kubelet sends a native sidecar SIGTERM when the app has ended, in reverse list order,
without a shared namespace, and its exit code does not count for the pod's phase. A kill that
is left in place only makes the kubelet restart the sidecar."#,
    before: r#"apiVersion: batch/v1
kind: Job
metadata:
  name: import-prices
spec:
  template:
    spec:
      restartPolicy: Never
      shareProcessNamespace: true
      containers:
        - name: import
          image: registry.example.com/shop/import:1.6.3
          command: ["/bin/sh", "-c"]
          args:
            - |
              /app/import --source=/data/prices.csv
              code=$?
              pkill -TERM cloud-sql-proxy
              exit $code
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          args: ["--exit-zero-on-sigterm", "--health-check", "--http-address=0.0.0.0", "example:eu:db"]
          ports:
            - containerPort: 5432
            - containerPort: 9090
          startupProbe:
            httpGet: {path: /startup, port: 9090}
            periodSeconds: 1
            failureThreshold: 120
"#,
    after: r#"apiVersion: batch/v1
kind: Job
metadata:
  name: import-prices
spec:
  template:
    spec:
      restartPolicy: Never
      shareProcessNamespace: true
      initContainers:
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          restartPolicy: Always
          args: ["--exit-zero-on-sigterm", "--health-check", "--http-address=0.0.0.0", "example:eu:db"]
          ports:
            - containerPort: 5432
            - containerPort: 9090
          startupProbe:
            httpGet: {path: /startup, port: 9090}
            periodSeconds: 1
            failureThreshold: 120
      containers:
        - name: import
          image: registry.example.com/shop/import:1.6.3
          command: ["/app/import", "--source=/data/prices.csv"]
"#,
    migrate: r#"The kill is removed with its exit-code plumbing and the sidecar declared; safe where the name
can only mean the migrated container's process. `shareProcessNamespace` is taken out only
where nothing else needs it and the manifest shows that each container can be process 1
(`tini`, `dumb-init`); otherwise it stays, with a note, as in the example."#,
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
            "Perform a graceful shutdown upon SIGTERM (GoogleCloudPlatform/cloud-sql-proxy#128)",
            "https://github.com/GoogleCloudPlatform/cloud-sql-proxy/issues/128",
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
    let Some(shared) = pod.workload.pod_spec.entry("shareProcessNamespace") else {
        return;
    };
    if shared.value.as_bool() != Some(true) {
        return;
    }
    for (at, link) in pod.links.all.iter().enumerate() {
        if let LinkKind::EndsWithApp(wait) = &link.kind
            && wait.looks_for_processes()
        {
            findings.extend(ends_with_process(pod, link, &wait.span, shared));
        }
        let LinkKind::Kills(stop) = &link.kind else {
            continue;
        };
        let Some((member, program)) = pod.program(link.container, link.program) else {
            continue;
        };
        // A debugging container's kill is a person's.
        if member.role.role != Role::App || pod.is_declared(&link.other) {
            continue;
        }
        let name = pod.party_name(&link.other);
        let declared = match link.other {
            Party::Unknown => "declare the one that is meant".to_owned(),
            _ => format!("declare {name}"),
        };
        let signal = stop.other_signal().unwrap_or("TERM");
        let mut draft = Draft::new(
            pod,
            &RULE,
            format!(
                "{} kills {name} by a signal when it is done",
                crate::pod::quoted(member.container.name)
            ),
        )
        .help(format!(
            "{declared} a sidecar: the kubelet ends it after the app, and would restart it after this"
        ))
        .confidence(if matches!(link.other, Party::Container(_)) {
            Confidence::High
        } else {
            Confidence::Medium
        })
        .container(&member.container)
        .at_text(
            program,
            stop.span.clone(),
            format!("SIG{signal} to another container's process"),
        )
        .with_entry(shared, "makes the processes visible")
        .subject(Subject::Link(at));
        if let Some(sidecar) = pod.party(&link.other) {
            draft = draft.with_container(&sidecar.container, "the sidecar it kills");
        }
        findings.push(draft.finish());
    }
}

/// Why a script that looks for the app is not rewritten.
pub(super) const LOOKS_FOR_THE_APP: &str =
    "run the program without the script that looks for the app, and declare the sidecar by hand";

/// The sidecar looks for the app's process, and ends when it is gone.
fn ends_with_process<'a>(pod: &Pod<'a>, link: &Link, span: &Span, shared: Entry<'a>) -> Option<Finding> {
    let (member, program) = pod.program(link.container, link.program)?;
    let app = pod.party(&link.other)?;
    if member.role.declared {
        return None;
    }
    Some(
        Draft::new(
            pod,
            &RULE,
            format!(
                "{} ends when the process of {} is gone",
                crate::pod::quoted(member.container.name),
                crate::pod::quoted(app.container.name)
            ),
        )
        .help(format!(
            "declare {} a sidecar and run its command directly: the kubelet ends it after the app",
            crate::pod::quoted(member.container.name)
        ))
        .confidence(Confidence::High)
        .container(&member.container)
        .at_text(program, span.clone(), "looks for another container's process")
        .with_entry(shared, "makes the processes visible")
        .with_container(&app.container, "the app, which it outlives")
        .by_hand(LOOKS_FOR_THE_APP)
        .finish(),
    )
}
