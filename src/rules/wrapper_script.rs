//! `wrapper-script`

use crate::{
    behaviour::{Link, LinkKind},
    catalogue::KnownSidecar,
    workload::{Program, ProgramPlace},
};

use crate::remedy::Obligation;

use super::{
    Confidence, Draft, Family, Finding, RuleInfo, Severity, Subject, shared_pid_kill::LOOKS_FOR_THE_APP,
};
use crate::pod::{Member, Pod};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "wrapper-script",
    family: Family::Wrappers,
    severity: Severity::Warning,
    summary: "A script starts the sidecar's program in the background: inside the app's container, or until the app is gone",
    what: r#"A script that puts a known sidecar's program into the background and then runs the app, so
that one container holds both: `cloud-sql-proxy … & exec /app/server`,
`envoy -c … & /app/run`, `dockerd & …`. It is found in `sh -c` texts and in scripts that the
container runs from a ConfigMap of the same input.

It is also found around the sidecar's own program where the script of a Job's sidecar asks the
app's port, or the API server by `kubectl get` or `kubectl wait`, until the app is gone, and then
ends the program that it has started.

Background jobs of the app's own (a cache warmer, a worker pool, `tail -f`) are left alone,
and so are scripts inside images, which no manifest shows. Any other script around the
sidecar's *own* process is `marker-file`, `shared-pid-kill` or `sigterm-trap`, by what it does."#,
    why: r#"The kubelet knows one process and one state. When the proxy in the background dies, nothing
restarts it and the app goes on without a database; when the app ends, the shell may wait for
the proxy. Neither can have its own probes, limits, image updates or logs, a memory limit that
the proxy exceeds kills the app, and SIGTERM goes to the shell alone. Start order is a race
between two processes, so a sleep or a loop tends to follow.

As a native sidecar the program runs from its own image, is restarted by itself when it fails,
gates the app with its startup probe and is stopped after it."#,
    before: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: reports
spec:
  selector:
    matchLabels:
      app: reports
  template:
    metadata:
      labels:
        app: reports
    spec:
      containers:
        - name: reports
          image: registry.example.com/reports/api-with-proxy:1.9.0
          command: ["/bin/sh", "-c"]
          args:
            - |
              cloud-sql-proxy --port=5432 example:eu:reports &
              exec /app/reports --listen=:8080 --db=127.0.0.1:5432
          ports:
            - containerPort: 8080
"#,
    after: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: reports
spec:
  selector:
    matchLabels: {app: reports}
  template:
    metadata:
      labels: {app: reports}
    spec:
      initContainers:
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          restartPolicy: Always
          args: ["--port=5432", "--health-check", "--http-address=0.0.0.0", "example:eu:reports"]
          ports:
            - containerPort: 5432
            - containerPort: 9090
          startupProbe:
            httpGet: {path: /startup, port: 9090}
            periodSeconds: 1
            failureThreshold: 120
      containers:
        - name: reports
          image: registry.example.com/reports/api:1.9.0
          command: ["/app/reports", "--listen=:8080", "--db=127.0.0.1:5432"]
          ports:
            - containerPort: 8080
"#,
    migrate: r#"Only advice: the second container needs an image, resources and probes that the manifest does
not name. A script in a ConfigMap is rewritten only for the waits and quit calls in it, and
only where the ConfigMap is in the same input, belongs to this workload alone and is not
immutable."#,
    rests_on: &[
        &Obligation::OF_DECLARATIONS,
        &[Obligation::ScriptIsWhole, Obligation::ResultIsKept],
    ],
    sources: &[
        (
            "Better support for sidecar containers in batch jobs (kubernetes/kubernetes#25908)",
            "https://github.com/kubernetes/kubernetes/issues/25908",
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
    for (index, member) in pod.members.iter().enumerate() {
        for (at, program) in member.programs.iter().enumerate() {
            if program.place == ProgramPlace::Entrypoint {
                background_sidecar(pod, index, at, member, program, findings);
                asks_for_the_app(pod, index, at, member, program, findings);
                script_of_config_map(pod, index, at, member, program, findings);
            }
        }
    }
}

/// The script of a sidecar asks for the app, and ends the sidecar when it is gone.
fn asks_for_the_app<'a>(
    pod: &Pod<'a>,
    index: usize,
    at: usize,
    member: &Member<'a>,
    program: &Program<'a>,
    findings: &mut Vec<Finding>,
) {
    let asks = |link: &Link| match &link.kind {
        LinkKind::EndsWithApp(wait) if (link.container, link.program) == (index, at) => {
            (!wait.looks_for_processes()).then(|| wait.clone())
        }
        _ => None,
    };
    let found = pod.links.all.iter().find_map(|link| Some((link, asks(link)?)));
    let Some((link, wait)) = found.filter(|_| !member.role.declared) else {
        return;
    };
    let name = crate::pod::quoted(member.container.name);
    let what = match wait.probes.is_empty() {
        true => "when the API server says so".to_owned(),
        false => format!("when {} no longer answers", pod.party_name(&link.other)),
    };
    let mut draft = Draft::new(pod, &RULE, format!("the script of {name} ends it {what}"))
        .help(format!(
            "declare {name} a sidecar and run its command directly: the kubelet ends it after the app"
        ))
        .confidence(match wait.probes.is_empty() {
            true => Confidence::Medium,
            false => Confidence::High,
        })
        .container(&member.container)
        .at_text(program, wait.span.clone(), "asks whether the app is still there")
        .by_hand(LOOKS_FOR_THE_APP);
    if let Some(app) = pod.party(&link.other) {
        draft = draft.with_container(&app.container, "the app, which it outlives");
    }
    findings.push(draft.finish());
}

/// `cloud_sql_proxy … & app`: two processes in one container.
fn background_sidecar<'a>(
    pod: &Pod<'a>,
    index: usize,
    at: usize,
    member: &Member<'a>,
    program: &Program<'a>,
    findings: &mut Vec<Finding>,
) {
    let Some(facts) = pod.links.facts(index, at) else {
        return;
    };
    let own = pod.catalogue.of(&member.container);
    // What dies with its init container runs beside nobody.
    let lost = super::lost_process::lost(pod, index, member).map(|(_, span)| span);
    let children = facts.background.iter().map(|background| &background.span);
    for child in children.filter(|child| lost.as_ref() != Some(*child)) {
        let Some(word) = crate::pod::program_at(program, child) else {
            continue;
        };
        let known = pod
            .catalogue
            .entries()
            .find(|known| known.certain && known.programs.contains(&word));
        let Some(known) = known.filter(|_| own.is_none_or(|own| !own.programs.contains(&word))) else {
            continue;
        };
        let name = name_of(known, &word);
        let mut draft = Draft::new(
            pod,
            &RULE,
            format!(
                "{} runs {name} in the background of its own script",
                member.container.name
            ),
        )
        .help(format!(
            "give {name} a container of its own and declare it a sidecar"
        ))
        .confidence(Confidence::High)
        .container(&member.container)
        .at_text(program, child.clone(), "a sidecar inside the container")
        .by_hand("the new container's image is not in the manifest");
        if let Some(work) = facts.work.iter().find(|work| work.start > child.end) {
            draft = draft.with_text(program, work.clone(), "runs beside it");
        }
        findings.push(draft.finish());
    }
}

/// What a sidecar's program is called: other sidecars than Istio's are an `envoy` too.
fn name_of<'n>(known: &'n KnownSidecar, program: &'n str) -> &'n str {
    let is_named_after_it = known.name.replace('_', "-").contains(&program.replace('_', "-"));
    if is_named_after_it { &known.name } else { program }
}

/// A script from a ConfigMap that is there to wait for, or stop, another container.
fn script_of_config_map<'a>(
    pod: &Pod<'a>,
    index: usize,
    at: usize,
    member: &Member<'a>,
    program: &Program<'a>,
    findings: &mut Vec<Finding>,
) {
    let Some(name) = program.config_map else { return };
    let link = pod.links.all.iter().position(|link| {
        link.container == index && link.program == at && !matches!(link.kind, LinkKind::EndsOnFile(..))
    });
    let path = program
        .invocation
        .as_ref()
        .map_or(0, |invocation| invocation.script);
    let (Some(word), Some(link)) = (program.words.get(path), link) else {
        return;
    };
    let mut draft = Draft::new(
        pod,
        &RULE,
        format!(
            "{} starts through a script of ConfigMap {name} that manages another container",
            member.container.name
        ),
    )
    .help("declare the sidecar and run the command itself, without the script")
    .confidence(Confidence::High)
    .container(&member.container)
    .at(*word, "runs the script")
    .subject(Subject::Link(link));
    if let Some(node) = program.node() {
        draft = draft.with(node, "the script");
    }
    findings.push(draft.finish());
}
