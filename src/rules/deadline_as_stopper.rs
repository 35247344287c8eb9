//! `deadline-as-stopper`

use crate::{
    behaviour::action::{Action, Values, classify_visit},
    roles::Role,
    shell::{Command, Variable},
    workload::{ContainerList, Program},
};

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity, Subject};
use crate::pod::{Pod, suspects};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "deadline-as-stopper",
    family: Family::Completion,
    severity: Severity::Info,
    summary: "A deadline that may be there to end a Job whose sidecar never ends",
    what: r#"`activeDeadlineSeconds` on a Job, or on its pod template, where the pod has a sidecar that
nothing declares. If a deadline is all that ever ends the pod it is a warning; beside another
workaround it is information: it may be the safety net for the cases that the workaround
misses. The same is said of a known sidecar whose own command ends it after a time: `timeout 600
cloud-sql-proxy …`, or a script that starts it, sleeps and kills it.

A deadline in a pod without a sidecar, or whose sidecars are declared, is a limit on the work
and is left alone."#,
    why: r#"A deadline ends the pod whether the work is done or not. A Job that did its work in a minute
and then waits for its proxy fails an hour later with `DeadlineExceeded`, after it held its
CPU and memory all that time. A deadline on the pod template fails only the pod, and the Job
then repeats work that was done; a CronJob with `concurrencyPolicy: Forbid` skips runs
meanwhile. Choose the deadline shorter, and a slow day is cut off in the middle.

With a native sidecar the Job completes when the app has ended. The deadline then is what it
says, a limit: look at its value once more, since sidecars start one after the other and
before the app, and a tight one may fire now."#,
    before: r#"apiVersion: batch/v1
kind: Job
metadata:
  name: refresh-views
spec:
  activeDeadlineSeconds: 600
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: refresh
          image: registry.example.com/analytics/refresh:1.1.0
          command: ["/app/refresh", "--db=127.0.0.1:5432"]
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          args: ["--port=5432", "--health-check", "--http-address=0.0.0.0", "example:eu:analytics"]
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
  name: refresh-views
spec:
  # A limit on the work now, no longer what ends the proxy.
  activeDeadlineSeconds: 3600
  template:
    spec:
      restartPolicy: Never
      initContainers:
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          restartPolicy: Always
          args: ["--port=5432", "--health-check", "--http-address=0.0.0.0", "example:eu:analytics"]
          ports:
            - containerPort: 5432
            - containerPort: 9090
          startupProbe:
            httpGet: {path: /startup, port: 9090}
            periodSeconds: 1
            failureThreshold: 120
      containers:
        - name: refresh
          image: registry.example.com/analytics/refresh:1.1.0
          command: ["/app/refresh", "--db=127.0.0.1:5432"]
"#,
    migrate: r#"The sidecar is declared; the deadline is never changed, because whether it is a real limit
cannot be read from the text. The output says that it is one now. A `timeout` in front of the
sidecar's own program goes with `--review`; one in a script is left."#,
    rests_on: &[],
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
    if !pod.workload.runs_to_completion() || pod.workload.controller.ends_sidecars() {
        return;
    }
    time_limits(pod, findings);
    let Some(sidecar) = pod.undeclared_sidecar_name() else {
        return;
    };
    let Some(entry) = crate::pod::deadline(pod) else {
        return;
    };
    let index = pod
        .members
        .iter()
        .position(|member| member.container.name == sidecar && member.role.role == Role::Sidecar);
    let may_be_ended = index.is_some_and(|index| !suspects(pod, index).is_empty());
    let only = !pod.has_completion_workaround() && !may_be_ended;
    let (severity, confidence) = if only {
        (Severity::Warning, Confidence::Medium)
    } else {
        (Severity::Info, Confidence::Low)
    };
    let message = if only {
        let injected = pod
            .injected
            .iter()
            .find(|injected| injected.known.name == sidecar);
        let place = injected.and_then(|injected| pod.where_ordinary(&injected.known));
        let place = place.map_or(String::new(), |place| format!("{place}, "));
        format!(
            "{place}nothing but this deadline ends the pod while {sidecar} runs, and it then counts as failed"
        )
    } else {
        format!("this deadline may be there because {sidecar} did not always end")
    };
    let subject = index.map_or_else(
        || Subject::ByHand("whether the deadline is a real limit cannot be read from the text".into()),
        Subject::Sidecar,
    );
    findings.push(
        Draft::new(pod, &RULE, message)
            .help("declare the sidecar; then ask whether the deadline is still wanted as a real limit")
            .severity(severity)
            .confidence(confidence)
            .at_entry(entry, "ends the pod whether the work is done or not")
            .subject(subject)
            .finish(),
    );
}

/// `timeout 600 cloud-sql-proxy …` beside an app: the sidecar's own command is what ends it.
fn time_limits(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for (index, member) in pod.members.iter().enumerate() {
        let container = &member.container;
        let serves = member.role.role == Role::Sidecar && !member.role.declared;
        let is_beside_an_app = container.list == ContainerList::Regular
            && pod.apps().any(|app| !std::ptr::eq(app, member))
            && pod.catalogue.of(container).is_some_and(|known| known.certain);
        if !serves || !is_beside_an_app || !pod.is_time_boxed(member) {
            continue;
        }
        let Some((_, program)) = Pod::entrypoint(member).filter(|(_, program)| passes_time(program)) else {
            continue;
        };
        let name = crate::pod::quoted(container.name);
        let draft = Draft::new(
            pod,
            &RULE,
            format!("{name} ends after a time of its own, whether the app is done by then or not"),
        )
        .help(format!(
            "declare {name} a sidecar and run its program without the limit: the kubelet ends it after the app"
        ))
        .severity(Severity::Warning)
        .confidence(Confidence::Medium)
        .container(container)
        .subject(Subject::Sidecar(index));
        let draft = match (
            program.words.first(),
            program.script.as_ref().filter(|_| program.is_shell()),
        ) {
            (_, Some(script)) => {
                let span = script
                    .list
                    .statements
                    .first()
                    .map(|statement| statement.span.clone());
                draft.at_text(program, span.unwrap_or_default(), "is ended by its own script")
            }
            (Some(word), None) => draft.at(*word, "ends the sidecar"),
            (None, None) => draft,
        };
        findings.push(draft.finish());
    }
}

/// Whether nothing but time ends a program: `timeout`, or a script that sleeps and asks nobody.
fn passes_time(program: &Program<'_>) -> bool {
    let Some(script) = program.script.as_ref().filter(|_| program.is_shell()) else {
        return true;
    };
    let values = Values::new(&|_| Variable::Unknown);
    let mut commands = script.list.commands();
    let asks = script.list.constructs().any(|visit| {
        matches!(
            visit.command,
            Command::Loop { .. } | Command::If { .. } | Command::Case { .. }
        )
    });
    let sleeps = commands.any(|visit| {
        let command = classify_visit(&visit, &values);
        command.is_some_and(|command| {
            matches!(command.action, Action::Sleep { .. }) || command.time_limit.is_some()
        })
    });
    sleeps && !asks
}
