//! `blocking-poststart`

use crate::{
    behaviour::{
        LinkKind, ScriptFacts,
        action::{Action, CommandAction, Host},
    },
    roles::Role,
    shell::Span,
    workload::{ContainerList, HookKind, ProgramPlace},
};

use crate::remedy::Obligation;

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity, Subject};
use crate::pod::{Member, Pod};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "blocking-poststart",
    family: Family::Startup,
    severity: Severity::Warning,
    summary: "A postStart hook blocks until the sidecar is up, to hold back the containers after it",
    what: r#"A `postStart` hook of a sidecar among the regular containers that only waits for itself:
`pilot-agent wait`, `linkerd-await --timeout=2m`,
`until nc -z localhost 5432; do sleep 1; done`, `wait-for-port`, or a plain `sleep`. It stands
on a container that comes before the app in `containers`.

Hooks that do something (register, warm a cache, write a file) are not waits. A hook on a
declared native sidecar gates the app by design and is fine."#,
    why: r#"The hook leans on a side effect: the kubelet starts regular containers in list order, one call
after another, and does not start the next one before the `postStart` hook of this one has
returned. Nobody promised that, it breaks without a word when a tool or a patch reorders
`containers`, and it makes the proxy the container that `kubectl logs` and `kubectl exec`
choose. A hook that fails or times out kills the sidecar and starts the app anyway: Istio's
gives up after 60 seconds. While it blocks, the pod shows no useful state and the hook's
output is lost.

For a native sidecar the order is the contract: the next container starts only when the
sidecar has started, that is after its `postStart` hook *and* its `startupProbe`. A probe says
in events what it waits for."#,
    before: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: ci-runner
spec:
  selector:
    matchLabels: {app: ci-runner}
  template:
    metadata:
      labels: {app: ci-runner}
    spec:
      containers:
        - name: dind
          image: docker.io/library/docker:27-dind
          env:
            - {name: DOCKER_TLS_CERTDIR, value: ""}
          ports:
            - containerPort: 2375
          securityContext: {privileged: true}
          lifecycle:
            postStart:
              exec:
                command: ["sh", "-c", "until docker info; do sleep 1; done"]
        - name: runner
          image: registry.example.com/ci/runner:4.2.0
          command: ["/usr/local/bin/runner", "--concurrency=2"]
          env:
            - {name: DOCKER_HOST, value: "tcp://localhost:2375"}
"#,
    after: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: ci-runner
spec:
  selector:
    matchLabels: {app: ci-runner}
  template:
    metadata:
      labels: {app: ci-runner}
    spec:
      initContainers:
        - name: dind
          image: docker.io/library/docker:27-dind
          restartPolicy: Always
          env:
            - {name: DOCKER_TLS_CERTDIR, value: ""}
          ports:
            - containerPort: 2375
          securityContext: {privileged: true}
          startupProbe:
            exec: {command: ["docker", "info"]}
            periodSeconds: 1
            timeoutSeconds: 5
            failureThreshold: 120
      containers:
        - name: runner
          image: registry.example.com/ci/runner:4.2.0
          command: ["/usr/local/bin/runner", "--concurrency=2"]
          env:
            - {name: DOCKER_HOST, value: "tcp://localhost:2375"}
"#,
    migrate: r#"A sidecar that stands in the manifest moves to `initContainers`, where the hook holds the app
back as before; it becomes a `startupProbe` where the same question can be asked by one. Safe
where the hook only waits on its own container. In injected output nothing is edited: the
injector's own switch is named instead."#,
    rests_on: &[&Obligation::OF_DECLARATIONS, &[Obligation::WaitIsKept]],
    sources: &[
        (
            "Make application wait for sidecar proxy before starting (cloudfoundry/cf-for-k8s#472)",
            "https://github.com/cloudfoundry/cf-for-k8s/pull/472",
        ),
        (
            "holdApplicationUntilProxyStarts not working as expected; the hook times out (istio/istio#41086)",
            "https://github.com/istio/istio/issues/41086",
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
        if member.container.list != ContainerList::Regular {
            continue;
        }
        for (at, program) in member.programs.iter().enumerate() {
            if program.place != ProgramPlace::Hook(HookKind::PostStart) || !holds_others(pod, member) {
                continue;
            }
            let Some(facts) = pod.links.facts(index, at) else {
                continue;
            };
            // Who waits for another container is no hold for those behind it.
            let waits_for_another = pod.links.all.iter().any(|link| {
                (link.container, link.program) == (index, at) && matches!(link.kind, LinkKind::Waits(_))
            });
            if waits_for_another {
                continue;
            }
            let Some((span, label)) = blocks(facts, member) else {
                continue;
            };
            let name = crate::pod::quoted(member.container.name);
            let help = match pod.injected_output(member) {
                Some(output) => match &output.injector.pod_switch {
                    Some(switch) => format!("inject it anew with {}: {:?}", switch.annotation, switch.value),
                    None => "inject it anew once its injector knows native sidecars".to_owned(),
                },
                None if member.role.role != Role::Sidecar => {
                    format!("declare {name} a sidecar if the containers behind it need it")
                }
                None => format!(
                    "declare {name} a sidecar: there a postStart hook or a startupProbe holds the app back by contract"
                ),
            };
            findings.push(
                Draft::new(
                    pod,
                    &RULE,
                    format!(
                        "the postStart hook of {} holds the containers behind it back",
                        member.container.name
                    ),
                )
                .help(help)
                .confidence(if member.role.role == Role::Sidecar {
                    Confidence::High
                } else {
                    Confidence::Medium
                })
                .container(&member.container)
                .at_text(program, span, label)
                .subject(Subject::PostStart(index))
                .finish(),
            );
        }
    }
}

/// The kubelet starts regular containers in list order, and a postStart hook blocks the next one.
fn holds_others(pod: &Pod<'_>, member: &Member<'_>) -> bool {
    let behind = pod
        .workload
        .regular()
        .any(|other| other.index > member.container.index);
    let others = pod.workload.regular().count() > 1 || !pod.injected.is_empty();
    !member.role.declared && (behind || (others && member.role.role == Role::Sidecar))
}

fn blocks(facts: &ScriptFacts, member: &Member<'_>) -> Option<(Span, &'static str)> {
    let local = |probe: &CommandAction| match &probe.action {
        Action::Http(http) => http.urls().any(|url| !matches!(url.host, Host::Remote(_))),
        Action::Connect(connect) => !matches!(connect.host, Host::Remote(_)),
        _ => true,
    };
    // A hook that goes on to do something, such as to warm the app up, waits for its own sake.
    let does_more = |span: &Span| {
        facts.work.iter().any(|work| work.start >= span.end)
            || facts.quits.iter().any(|request| request.span.start >= span.end)
    };
    let wait = facts
        .waits
        .iter()
        .find(|wait| wait.probes.iter().any(local) && !does_more(&wait.span));
    if let Some(wait) = wait {
        return Some((wait.span.clone(), "waits until it answers"));
    }
    let sleep = facts
        .sleeps
        .iter()
        .find(|sleep| sleep.seconds.is_none_or(|seconds| seconds >= 1.0) && !does_more(&sleep.span))?;
    (member.role.role == Role::Sidecar).then(|| (sleep.span.clone(), "sleeps"))
}
