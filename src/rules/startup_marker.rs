//! `startup-marker`

use crate::{
    behaviour::{LinkKind, Party, action::Action, script::Wait},
    roles::Role,
    workload::{ContainerList, Program, ProgramPlace},
    yaml::Node,
};

use crate::remedy::Obligation;

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity, Subject};
use crate::pod::{Member, Pod};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "startup-marker",
    family: Family::Startup,
    severity: Severity::Warning,
    summary: "The app waits for a file that its sidecar writes when it is ready",
    what: r#"A container's script waits until a file appears
(`while [ ! -f /shared/ready ]; do sleep 1; done`, `until test -e …`) that another container
of the pod writes into the same shared `emptyDir` when it is ready. Paths are compared after
each container's own `mountPath` is resolved.

Where the writer is not visible (its image may do it, or its arguments name the socket), the
waiting half alone is reported with less confidence, of an app that starts its own program behind
the wait. A file that is written at the *end* of the app to stop a sidecar is
`marker-file`. Waits for files of a ConfigMap, a Secret or a persistent volume, and waits in
init containers, are left alone."#,
    why: r#"The file outlives what it stands for. An `emptyDir` survives a container's restart, so after a
crash of the sidecar the old file still says ready and the app starts against nothing. And
where the sidecar dies before it has written the file, the app waits for ever in a pod that
counts as Running.

A native sidecar is waited for by the kubelet. A `startupProbe` in the sidecar (its own
endpoint, or `test -f` on the same file where the image has that program) gates the app; a
sidecar that does not come up is restarted and shows as `Init:0/1`, with events that say why.
Remove a stale file before the sidecar's main process starts, as the example does."#,
    before: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: pricing
spec:
  selector:
    matchLabels: {app: pricing}
  template:
    metadata:
      labels: {app: pricing}
    spec:
      containers:
        - name: pricing
          image: registry.example.com/pricing:2.0.7
          command: ["sh", "-c"]
          args:
            - |
              while [ ! -f /rules/.ready ]; do sleep 1; done
              exec /app/pricing --rules=/rules
          volumeMounts:
            - {name: rules, mountPath: /rules}
        - name: rules-sync
          image: registry.example.com/rules-sync:1.3.0
          command: ["sh", "-c"]
          args:
            - |
              rm -f /data/.ready
              rules-sync --once --to=/data && touch /data/.ready
              exec rules-sync --watch --to=/data
          volumeMounts:
            - {name: rules, mountPath: /data}
      volumes:
        - name: rules
          emptyDir: {}
"#,
    after: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: pricing
spec:
  selector:
    matchLabels: {app: pricing}
  template:
    metadata:
      labels: {app: pricing}
    spec:
      initContainers:
        - name: rules-sync
          image: registry.example.com/rules-sync:1.3.0
          restartPolicy: Always
          command: ["sh", "-c"]
          args:
            - |
              rm -f /data/.ready
              rules-sync --once --to=/data && touch /data/.ready
              exec rules-sync --watch --to=/data
          volumeMounts:
            - {name: rules, mountPath: /data}
          startupProbe:
            exec:
              command: [test, -f, /data/.ready]
            periodSeconds: 1
            failureThreshold: 120
      containers:
        - name: pricing
          image: registry.example.com/pricing:2.0.7
          command: ["/app/pricing", "--rules=/rules"]
          volumeMounts:
            - {name: rules, mountPath: /rules}
      volumes:
        - name: rules
          emptyDir: {}
"#,
    migrate: r#"The wait is cut out of the app and becomes an `exec` startup probe of the sidecar on the same
file. That needs a `test` program in the sidecar's image, so it is for review, and for a
person where the writer is not in the manifest. The volume stays: it may carry data."#,
    rests_on: &[
        &Obligation::OF_DECLARATIONS,
        &[Obligation::WaitIsKept, Obligation::ScriptIsWhole],
    ],
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

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for (at, link) in pod.links.all.iter().enumerate() {
        let LinkKind::StartsOnFile(wait, writer) = &link.kind else {
            continue;
        };
        let Some((member, program)) = pod.program(link.container, link.program) else {
            continue;
        };
        let starts =
            program.place == ProgramPlace::Entrypoint && wait.command_after.is_some() && !wait.is_aside;
        if member.container.list != ContainerList::Regular || !starts || pod.is_declared(&link.other) {
            continue;
        }
        // Without a visible writer the file may as well be the app's result.
        let other_is_sidecar = match &link.other {
            Party::Injected(_) => true,
            other => pod
                .party(other)
                .is_some_and(|other| other.role.role == Role::Sidecar),
        };
        let is_awaited = || {
            let other = pod.party(&link.other);
            other.is_some_and(|other| serves_the_file(pod, member, other, program, wait))
        };
        if writer.is_none() && !other_is_sidecar && !is_awaited() {
            continue;
        }
        let name = pod.party_name(&link.other);
        let mut draft = Draft::new(
            pod,
            &RULE,
            match writer.is_some() || other_is_sidecar {
                true => format!(
                    "{} waits for a file that {name} writes when it is ready",
                    crate::pod::quoted(member.container.name)
                ),
                false => format!(
                    "{} waits for a file that only {name} can write, which shares the volume",
                    crate::pod::quoted(member.container.name)
                ),
            },
        )
        .help(match &link.other {
            Party::Injected(known) => match pod.made_native(known) {
                Ok(made) => format!("{made}, which starts first; drop the loop then"),
                Err(reason) => format!("keep the loop: {reason}"),
            },
            _ => format!(
                "declare {name} a sidecar with a startupProbe that looks for {}, and drop the loop",
                awaited_file(program, wait)
            ),
        })
        .confidence(if writer.is_some() {
            Confidence::High
        } else {
            Confidence::Medium
        })
        .container(&member.container)
        .at_text(program, wait.span.clone(), "waits for the file")
        .subject(Subject::Link(at));
        if let Some(then) = &wait.command_after {
            draft = draft.with_text(program, then.clone(), "starts afterwards");
        }
        if let Some(sidecar) = pod.party(&link.other) {
            draft = draft.with_container(&sidecar.container, "shares the volume");
        }
        findings.push(draft.finish());
    }
}

/// Programs that take a file away or show it: who starts one behind the wait works on the other one's result.
const TAKING: [&str; 12] = [
    "tail", "cat", "cp", "mv", "tar", "aws", "gsutil", "rclone", "rsync", "curl", "scp", "mc",
];

/// Whether a container that nothing else is known of writes the file for the one that waits, which starts its own
/// program behind the wait: it is the only other one with the volume, and the workload is not about it.
fn serves_the_file(
    pod: &Pod<'_>,
    member: &Member<'_>,
    other: &Member<'_>,
    program: &Program<'_>,
    wait: &Wait,
) -> bool {
    let (own, writer) = (&member.container, &other.container);
    let is_main = pod.workload.is_about(own, writer)
        || own.list == writer.list && own.index < writer.index && !pod.workload.is_about(writer, own);
    let is_app =
        member.role.role == Role::App && member.role.evidence.is_empty() && pod.catalogue.of(own).is_none();
    let then = wait
        .command_after
        .as_ref()
        .and_then(|then| crate::pod::program_at(program, then));
    let takes = then.is_none_or(|then| TAKING.contains(&then.as_str()));
    let path = awaited_file(program, wait);
    let is_named = || {
        let words = writer.command().into_iter().chain(writer.arguments());
        words.filter_map(Node::as_str).any(|word| word.contains(path))
    };
    // What ends may leave its result to a container that outlives it.
    let may_be_a_result =
        pod.workload.runs_to_completion() && !is_named() && pod.catalogue.of(writer).is_none();
    is_main && is_app && !takes && !may_be_a_result
}

/// The file a loop asks for.
fn awaited_file<'w>(program: &Program<'_>, wait: &'w Wait) -> &'w str {
    let asked = wait.probes.iter().find_map(|probe| match &probe.action {
        Action::TestFile { path, .. } => Some(crate::pod::shown_path(program, path)),
        _ => None,
    });
    asked.unwrap_or("a file")
}
