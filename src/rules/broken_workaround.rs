//! `broken-workaround`

mod closed;
mod order;
mod results;

use crate::{
    behaviour::{
        LinkKind, Party, ScriptFacts,
        script::{Marker, MarkerUse},
    },
    catalogue::quit,
    roles::Role,
    workload::{ContainerList, Program, ProgramPlace},
};

use crate::remedy::Obligation;

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity, Subject};
use crate::pod::{Member, Pod};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "broken-workaround",
    family: Family::Remedy,
    severity: Severity::Error,
    summary: "A workaround that cannot work as it is written",
    what: r#"Workarounds whose text does something else than their author meant. A folded scalar (`>`)
joins the lines, so that `curl …/quitquitquit` becomes arguments of the command before it. In
`["sh", "-c", "sleep 5", "until …"]` only the element after `-c` is the script. In
`app && curl …` the quit call is skipped when the app fails, in `app || curl …` when it succeeds,
and the Job hangs. Without an `exit` after it the Job's result is curl's, and an EXIT trap that
ends in `exit 0` reports every failure as success. A trap, or a call, behind `exec` never runs,
and a trap for TERM alone does not run when the app ends. All of this holds for a signal and for
a file that ends the sidecar, too. A call of a quit endpoint that the sidecar's own flags leave
closed, or open at another port, is answered by nobody. An init container that
waits for a sidecar among the regular containers waits for ever, and a `postStart` hook of the
app holds back everything but the app.

It is reported only where the script parses and its structure proves the fault; a construct
that is merely unusual is left to the rule of its kind."#,
    why: r#"These do not fail in a test: the manifest is valid, the pod starts, and on a good day the Job
may even complete. They fail when they are needed, as a Job that hangs after an error, or one
that is green although nothing was written. Copies spread from examples, one of them a
vendor's own.

With a native sidecar there is no script to get wrong: the order at start and stop and the end
of a Job are the kubelet's, and the pod's result is the app's own exit code."#,
    before: r#"apiVersion: batch/v1
kind: Job
metadata:
  name: close-month
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: close
          image: registry.example.com/finance/close:1.0.8
          command: ["/bin/sh", "-c"]
          # The folded scalar joins these lines: curl is an argument of /app/close.
          args:
            - >-
              /app/close --month=last --db=127.0.0.1:5432
              curl -fsS -X POST http://localhost:9091/quitquitquit
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          args: ["--quitquitquit", "--health-check", "--http-address=0.0.0.0", "example:eu:books"]
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
  name: close-month
spec:
  template:
    spec:
      restartPolicy: Never
      initContainers:
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          restartPolicy: Always
          args: ["--port=5432", "--health-check", "--http-address=0.0.0.0", "example:eu:books"]
          ports:
            - containerPort: 5432
            - containerPort: 9090
          startupProbe:
            httpGet: {path: /startup, port: 9090}
            periodSeconds: 1
            failureThreshold: 120
      containers:
        - name: close
          image: registry.example.com/finance/close:1.0.8
          command: ["/app/close", "--month=last", "--db=127.0.0.1:5432"]
"#,
    migrate: r#"The broken workaround is removed and the sidecar declared. Where only the fault goes away, as with
a call that is never reached, plain `migrate` does it. Where the result of the Job may be another
one than until now it is for review, and the output says what the old text really did. Where the
intention cannot be read from the text, it is advice."#,
    rests_on: &[
        &Obligation::OF_DECLARATIONS,
        &[Obligation::ScriptIsWhole, Obligation::ResultIsKept],
        &[Obligation::InjectorObeys],
    ],
    sources: &[
        (
            "Cloud SQL proxy: Job with a shutdown hook",
            "https://github.com/GoogleCloudPlatform/cloud-sql-proxy/blob/3a2a4e698c1499a227d1bfacc0e79077c822c6e8/examples/k8s-sidecar/job_with_shutdown_hook.yaml",
        ),
        (
            "Update Kubernetes examples to use native sidecars (GoogleCloudPlatform/cloud-sql-proxy#2371)",
            "https://github.com/GoogleCloudPlatform/cloud-sql-proxy/pull/2371",
        ),
        (
            "Kubernetes: Sidecar Containers",
            "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
        ),
    ],
};

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for (index, member) in pod.members.iter().enumerate() {
        for (at, program) in member.programs.iter().enumerate() {
            swallowed_call(pod, index, member, at, program, findings);
            split_script(pod, member, program, findings);
        }
    }
    closed::check(pod, findings);
    results::check(pod, findings);
    order::check(pod, findings);
    invisible_process(pod, findings);
    unshared_file(pod, findings);
}

/// A folded scalar joins its lines with blanks, so that the quit call becomes an argument of the app.
fn swallowed_call<'a>(
    pod: &Pod<'a>,
    index: usize,
    member: &Member<'a>,
    at: usize,
    program: &Program<'a>,
    findings: &mut Vec<Finding>,
) {
    for swallowed in pod
        .links
        .facts(index, at)
        .map_or(&[][..], |facts| &facts.swallowed)
    {
        let path = swallowed.url.path.as_deref().unwrap_or_default();
        if !quit::stops(path) && !quit::says_it(path) {
            continue;
        }
        let written = program.text.get(swallowed.command.clone()).unwrap_or_default();
        let given_to = swallowed
            .program
            .as_deref()
            .filter(|name| written.contains(name))
            .unwrap_or("another command");
        let is_open = |member: &Member<'_>| member.role.role == Role::Sidecar && !member.role.declared;
        let needs_it = pod.members.iter().any(is_open) || !pod.injected.is_empty();
        let (severity, outcome, help) = match needs_it {
            true => (
                Severity::Error,
                "so the sidecar is never stopped",
                "declare the sidecar and drop the call; a script of several lines wants `|`, not `>`",
            ),
            false => (
                Severity::Warning,
                "and nothing needs it",
                "drop the call; a script of several lines wants `|`, not `>`",
            ),
        };
        findings.push(
            Draft::new(
                pod,
                &RULE,
                format!("the quit call is an argument of {given_to}: it never runs, {outcome}"),
            )
            .help(help)
            .severity(severity)
            .confidence(Confidence::High)
            .container(&member.container)
            .at_text(
                program,
                swallowed.span.clone(),
                format!("{} is not a command here", swallowed.tool),
            )
            .by_hand("decide by hand what the command should be")
            .finish(),
        );
    }
}

/// `["sh", "-c", "sleep 5", "until …; done"]`: only the word behind `-c` is the script.
fn split_script<'a>(pod: &Pod<'a>, member: &Member<'a>, program: &Program<'a>, findings: &mut Vec<Finding>) {
    let Some(invocation) = program.invocation.as_ref().filter(|invocation| !invocation.file) else {
        return;
    };
    if matches!(program.place, ProgramPlace::Probe(_)) {
        return;
    }
    // A script that uses its arguments was given them on purpose.
    let uses_arguments = ["$@", "$*", "$0", "$1", "${1", "${@", "$#", "shift"]
        .iter()
        .any(|sign| program.text.contains(sign));
    if uses_arguments {
        return;
    }
    let Some(lost) = program.words.get(invocation.script + 1..) else {
        return;
    };
    let is_script = |text: &str| {
        let text = text.trim();
        let starts = [
            "until ", "while ", "for ", "sleep ", "curl ", "wget ", "nc ", "exec ", "if ", "trap ", "touch ",
            "kill ", "pkill ",
        ];
        starts.iter().any(|start| text.starts_with(start)) || text.contains("; ") || text.contains(" && ")
    };
    let Some(word) = lost.iter().find(|word| word.as_str().is_some_and(is_script)) else {
        return;
    };
    // Where there is no sidecar to wait for or to end, or not yet, something else is lost.
    let is_sidecar = |member: &Member<'_>| member.role.role == Role::Sidecar;
    let has_sidecar = pod.members.iter().any(is_sidecar) || !pod.injected.is_empty();
    let is_beside = member.container.list != ContainerList::Init || member.container.is_native_sidecar();
    let is_local = |text: &str| text.contains("localhost") || text.contains("127.0.0.1");
    let is_about_one = has_sidecar && is_beside || word.as_str().is_some_and(is_local);
    if !is_about_one {
        return;
    }
    let mut draft = Draft::new(
        pod,
        &RULE,
        format!(
            "{} runs only the word behind -c: the rest never runs",
            member.container.name
        ),
    )
    .help("put the whole script into one word, or better: declare the sidecar and drop the workaround")
    .confidence(Confidence::High)
    .container(&member.container)
    .at(*word, "only an argument of the script before it")
    .by_hand("decide by hand what should run");
    if let Some(script) = program.words.get(invocation.script) {
        draft = draft.with(*script, "all that runs");
    }
    findings.push(draft.finish());
}

/// A kill of another container's process without a shared process namespace.
fn invisible_process(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    let shared = pod
        .workload
        .pod_spec
        .get("shareProcessNamespace")
        .and_then(|node| node.as_bool());
    if shared == Some(true) {
        return;
    }
    for (at, link) in pod.links.all.iter().enumerate() {
        let LinkKind::Kills(stop) = &link.kind else {
            continue;
        };
        let Some((member, program)) = pod.program(link.container, link.program) else {
            continue;
        };
        if !matches!(link.other, Party::Container(_)) || member.container.list != ContainerList::Regular {
            continue;
        }
        let name = pod.party_name(&link.other);
        findings.push(
            Draft::new(
                pod,
                &RULE,
                format!(
                    "{} cannot see the processes of {name}: shareProcessNamespace is not set",
                    member.container.name
                ),
            )
            .help(format!("declare {name} a sidecar and drop the kill"))
            // The app may have started a program of that name itself.
            .confidence(Confidence::Medium)
            .severity(Severity::Warning)
            .container(&member.container)
            .at_text(program, stop.span.clone(), "finds no such process")
            .subject(Subject::Link(at))
            .finish(),
        );
    }
}

/// A marker that is written and looked for in two containers that share no volume there.
fn unshared_file(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for (container, member) in pod.members.iter().enumerate() {
        for (at, program) in member.programs.iter().enumerate() {
            let Some(facts) = pod.links.facts(container, at) else {
                continue;
            };
            let tests = facts.markers.iter().filter_map(|test| {
                let path = test.file.path.as_deref().filter(|path| path.starts_with('/'))?;
                let waits = matches!(test.usage, MarkerUse::Tested { .. })
                    && facts
                        .waits
                        .iter()
                        .any(|wait| wait.span.start <= test.span.start && test.span.end <= wait.span.end);
                let unshared = pod.workload.volume_of_file(&member.container, path).is_none();
                let written_here = written(facts, path).is_some();
                (waits && unshared && !written_here).then_some((test, path))
            });
            for (test, path) in tests {
                if member.container.list != ContainerList::Regular {
                    continue;
                }
                let Some((writer, theirs, write)) = writer_elsewhere(pod, container, path) else {
                    continue;
                };
                findings.push(
                    Draft::new(
                        pod,
                        &RULE,
                        format!(
                            "{} never sees {}: {} writes it in a file system of its own",
                            member.container.name,
                            crate::pod::shown_path(program, &test.file),
                            writer.container.name
                        ),
                    )
                    .help("share a volume, or better: declare the sidecar and drop the marker")
                    .confidence(Confidence::High)
                    .container(&member.container)
                    .at_text(program, test.span.clone(), "waits for ever")
                    .with_text(theirs, write, "writes a file that only it can see")
                    .by_hand("the two containers share no volume there: which of the two paths is right has to be decided")
                    .finish(),
                );
            }
        }
    }
}

fn writer_elsewhere<'p, 'a>(
    pod: &'p Pod<'a>,
    tester: usize,
    path: &str,
) -> Option<(&'p Member<'a>, &'p Program<'a>, crate::shell::Span)> {
    pod.members
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != tester)
        .find_map(|(index, member)| {
            let unshared = pod.workload.volume_of_file(&member.container, path).is_none()
                && member.container.list == ContainerList::Regular;
            member
                .programs
                .iter()
                .enumerate()
                .filter(|_| unshared)
                .find_map(|(at, program)| {
                    let facts = pod.links.facts(index, at)?;
                    let write = written(facts, path)?;
                    Some((member, program, write.span.clone()))
                })
        })
}

/// Where a script writes a file.
fn written<'f>(facts: &'f ScriptFacts, path: &str) -> Option<&'f Marker> {
    facts.markers.iter().find(|marker| {
        !matches!(marker.usage, MarkerUse::Tested { .. }) && marker.file.path.as_deref() == Some(path)
    })
}
