//! `deaf-sidecar`

use crate::behaviour::action::Action;

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity};
use crate::pod::{Member, Pod};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "deaf-sidecar",
    family: Family::Remedy,
    severity: Severity::Warning,
    summary: "A declared sidecar's first process does not hear SIGTERM: each pod ends a grace period later",
    what: r#"A declared native sidecar whose own script is an endless loop, `sleep infinity` or `tail -f`
that nothing ends on SIGTERM: no `trap`, no init process in front of it, no shared PID
namespace, no `lifecycle.stopSignal`.

A program that is not visible, or one that the script `exec`s, may well react to the signal:
those are not reported. Nor is a pod whose grace period is 5 seconds or less. In a pod that
is not meant to end by itself it is a note."#,
    why: r#"The kernel does not apply a signal's default action to the first process of a PID namespace: a
shell that sets no trap simply goes on. The kubelet sends SIGTERM to a sidecar when the app has
ended, waits for the rest of `terminationGracePeriodSeconds` and kills it then, with exit code
137. A Job's pod that was done is so for half a minute longer, every rollout and node drain
waits, and the exit code looks like a failure.

As a regular container the loop did the same at each deletion; in a Job nobody saw it, because
there something else ended it."#,
    before: r#"apiVersion: batch/v1
kind: Job
metadata:
  name: mirror
spec:
  template:
    spec:
      restartPolicy: Never
      initContainers:
        - name: keepalive
          image: docker.io/library/busybox:1.36
          restartPolicy: Always
          command: ["sh", "-c", "while true; do nc -z nfs.example.org 2049; sleep 10; done"]
      containers:
        - name: mirror
          image: registry.example.com/files/mirror:1.9.0
          command: ["/app/mirror"]
"#,
    after: r#"apiVersion: batch/v1
kind: Job
metadata:
  name: mirror
spec:
  template:
    spec:
      restartPolicy: Never
      initContainers:
        - name: keepalive
          image: docker.io/library/busybox:1.36
          restartPolicy: Always
          command: ["sh", "-c", "trap 'exit 0' TERM; while true; do nc -z nfs.example.org 2049; sleep 10 & wait $!; done"]
      containers:
        - name: mirror
          image: registry.example.com/files/mirror:1.9.0
          command: ["/app/mirror"]
"#,
    migrate: r#"Nothing: decide by hand what has to be finished when the signal comes."#,
    rests_on: &[],
    sources: &[
        (
            "Linux manual: pid_namespaces(7), the namespace's init process",
            "https://man7.org/linux/man-pages/man7/pid_namespaces.7.html",
        ),
        (
            "Kubernetes: Pod Lifecycle, termination of pods",
            "https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination",
        ),
        (
            "KEP-4960: Container Stop Signals",
            "https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/4960-container-stop-signals",
        ),
    ],
};

/// The API server's default of `terminationGracePeriodSeconds`, and what nobody minds.
const GRACE: i64 = 30;
const SHORT: i64 = 5;

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    let spec = pod.workload.pod_spec;
    let grace = match spec.get("terminationGracePeriodSeconds") {
        None => Some(GRACE),
        Some(node) => node.as_i64(),
    };
    // With one PID namespace for the pod, none of its containers runs the namespace's first process.
    let is_shared = pod.shares_processes() || spec.get("hostPID").is_some();
    let Some(grace) = grace.filter(|grace| *grace > SHORT && !is_shared) else {
        return;
    };
    for (index, member) in pod.members.iter().enumerate() {
        if member.container.is_native_sidecar() && !hears(pod, index, member) {
            findings.extend(finding(pod, index, member, grace));
        }
    }
}

/// Whether something in a container's text may react to SIGTERM.
fn hears(pod: &Pod<'_>, index: usize, member: &Member<'_>) -> bool {
    let has_signal =
        member.container.node.get("lifecycle").is_some_and(|lifecycle| {
            lifecycle.get("stopSignal").is_some() || lifecycle.get("preStop").is_some()
        });
    let Some((at, _)) = Pod::entrypoint(member) else {
        return true;
    };
    let Some(facts) = pod.links.facts(index, at) else {
        return true;
    };
    // Without a command the image's entrypoint comes first, which may be an init process.
    has_signal
        || member.container.command().is_empty()
        || facts.traps.iter().any(|trap| trap.is_on_termination())
}

fn finding(pod: &Pod<'_>, index: usize, member: &Member<'_>, grace: i64) -> Option<Finding> {
    let (program, span) = pod.runs_for_ever(index)?;
    let script = program.script.as_ref()?;
    let nothing = |_: &str| crate::shell::Variable::Unset;
    let values = crate::behaviour::action::Values::new(&nothing);
    // `tini -- sh -c …` passes the signal on to a process that is not the first one.
    let wrapped = program
        .invocation
        .as_ref()
        .is_some_and(|invocation| invocation.shell.is_none())
        || script.list.commands().any(|visit| {
            let action = crate::behaviour::action::classify_visit(&visit, &values);
            matches!(action.map(|action| action.action), Some(Action::Wrapper { .. }))
        })
        || !starts_the_shell_first(member);
    if wrapped {
        return None;
    }
    let name = member.container.name;
    Some(
        Draft::new(
            pod,
            &RULE,
            format!(
                "the first process of {name} ignores SIGTERM: each pod ends {grace} seconds later, when {name} is killed"
            ),
        )
        .help(format!(
            "end it on the signal, as in `trap 'exit 0' TERM` with `sleep … & wait $!`, or put an init process before it; {name} is exit code 137 until then"
        ))
        .confidence(Confidence::High)
        // A pod that runs for ever ends so late only when somebody deletes it.
        .severity(match pod.workload.runs_to_completion() {
            true => Severity::Warning,
            false => Severity::Info,
        })
        .container(&member.container)
        .at_text(program, span, "never ends, and no trap ends it")
        .by_hand("decide by hand what it has to finish when the signal comes")
        .finish(),
    )
}

/// Whether the first word of the command is a shell or the endless program itself.
fn starts_the_shell_first(member: &Member<'_>) -> bool {
    let first = member.container.command().first().and_then(|word| word.as_str());
    let first = first.map_or("", |word| word.rsplit('/').next().unwrap_or(word));
    matches!(first, "sh" | "bash" | "ash" | "dash" | "sleep" | "tail")
}
