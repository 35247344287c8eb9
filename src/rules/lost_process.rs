//! `lost-process`

use crate::{
    behaviour::{
        ScriptFacts,
        action::classify_visit,
        action::{Action, Values},
    },
    catalogue::program_end::{becomes_a_daemon, is_finite},
    shell::{Simple, Span, Variable, Visit, command_index},
    workload::{ContainerList, Program},
};

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity};
use crate::pod::{Member, Pod, another_listens_on, find_address};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "lost-process",
    family: Family::Startup,
    severity: Severity::Warning,
    summary: "An init container leaves a process in the background, which dies with the init container",
    what: r#"An init container whose script starts a process in the background (`proxy &`, `nohup`,
`--daemonize`, `ssh -f`) and then ends with nothing left to do but to sleep, print or wait for
the process to answer. It is an error where a later container names the address of that process.

Left alone are a process that the same script uses (`proxy & sleep 2; migrate`), waits for
(`wait`) or ends, and everything in regular containers and native sidecars, which run on."#,
    why: r#"When the first process of a container ends, the kernel ends all others of its PID namespace. A
proxy that an init container starts in the background is gone before the app starts: nobody
can ever connect to it. The init container itself succeeds, so the pod looks healthy, and the
app's refused connections are looked for elsewhere.

A process that is to be there beside the app is a container of its own: a native sidecar."#,
    before: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: parcels
spec:
  selector:
    matchLabels: {app: parcels}
  template:
    metadata:
      labels: {app: parcels}
    spec:
      initContainers:
        - name: tunnel
          image: registry.example.com/base/ssh:9.6
          command: ["sh", "-c"]
          args:
            - |
              ssh -N -L 5433:db.example.org:5432 jump@bastion.example.org &
              sleep 3
      containers:
        - name: parcels
          image: registry.example.com/post/parcels:5.2.0
          args: ["--db=localhost:5433"]
"#,
    after: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: parcels
spec:
  selector:
    matchLabels: {app: parcels}
  template:
    metadata:
      labels: {app: parcels}
    spec:
      initContainers:
        - name: tunnel
          image: registry.example.com/base/ssh:9.6
          restartPolicy: Always
          command: ["ssh", "-N", "-L", "5433:db.example.org:5432", "jump@bastion.example.org"]
          startupProbe:
            exec: {command: ["nc", "-z", "localhost", "5433"]}
            periodSeconds: 1
            failureThreshold: 120
      containers:
        - name: parcels
          image: registry.example.com/post/parcels:5.2.0
          args: ["--db=localhost:5433"]
"#,
    migrate: r#"Nothing: decide by hand what the process needs to run as a container of its own."#,
    rests_on: &[],
    sources: &[
        (
            "Linux manual: pid_namespaces(7), the namespace's init process",
            "https://man7.org/linux/man-pages/man7/pid_namespaces.7.html",
        ),
        (
            "Kubernetes: Init Containers",
            "https://kubernetes.io/docs/concepts/workloads/pods/init-containers/",
        ),
        (
            "Kubernetes: Sidecar Containers",
            "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
        ),
    ],
};

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for (index, member) in pod.members.iter().enumerate() {
        if let Some((program, span)) = lost(pod, index, member) {
            findings.push(finding(pod, member, program, span));
        }
    }
}

/// The process that an init container leaves behind.
pub(super) fn lost<'p, 'a>(
    pod: &Pod<'a>,
    index: usize,
    member: &'p Member<'a>,
) -> Option<(&'p Program<'a>, Span)> {
    // With one PID namespace for the whole pod, processes outlive their container's first one.
    let outlives = pod.shares_processes() || pod.workload.pod_spec.get("hostPID").is_some();
    let is_plain = member.container.list == ContainerList::Init && !member.container.is_native_sidecar();
    let (at, program) = Pod::entrypoint(member).filter(|_| is_plain && !outlives)?;
    let facts = pod.links.facts(index, at)?;
    Some((program, left_behind(program, facts)?))
}

/// The last process that a script leaves in the background and does nothing with.
fn left_behind(program: &Program<'_>, facts: &ScriptFacts) -> Option<Span> {
    let script = program.script.as_ref()?;
    let nothing = |_: &str| Variable::Unset;
    let values = Values::new(&nothing);
    let children = facts
        .background
        .iter()
        .filter(|child| !child.is_waited_for && !child.is_signalled)
        .map(|child| child.span.clone());
    let daemons = script
        .list
        .commands()
        .filter(|visit| visit.context.trap.is_none() && !visit.context.background)
        .filter_map(|visit| visit.simple())
        .filter(|simple| goes_into_the_background(simple))
        .map(|simple| simple.span.clone());
    let span = children
        .chain(daemons)
        .filter(|span| starts_a_server(program, span))
        .max_by_key(|span| span.end)?;
    let passes_time = |visit: &Visit<'_>| {
        let Some(action) = classify_visit(visit, &values) else {
            return true;
        };
        action.is_noise()
            || action.is_probe()
            || matches!(
                action.action,
                Action::Sleep { .. }
                    | Action::Exit { .. }
                    | Action::Break { .. }
                    | Action::Script
                    | Action::Trap { .. }
            )
    };
    let is_behind = |visit: &Visit<'_>| visit.command.span().start >= span.end;
    let used = script
        .list
        .commands()
        .filter(is_behind)
        .any(|visit| !passes_time(&visit));
    // What stays at the end of the script keeps the process alive.
    (!used && facts.runs_for_ever.is_none() && facts.kills.is_empty()).then_some(span)
}

/// Programs that do one thing: who puts those into the background does not mean to have them there later.
fn starts_a_server(program: &Program<'_>, span: &Span) -> bool {
    let Some(script) = &program.script else {
        return false;
    };
    let inside = |visit: &Visit<'_>| {
        let own = visit.command.span();
        span.start <= own.start && own.end <= span.end
    };
    script
        .list
        .commands()
        .filter(inside)
        .filter_map(|visit| visit.simple())
        .any(|simple| {
            let at = command_index(&simple.words);
            let call = simple.words.get(at).map_or("", |word| word.raw.as_str());
            let name = call.rsplit('/').next().unwrap_or(call);
            let words: Vec<&str> = simple
                .words
                .iter()
                .skip(at + 1)
                .map(|word| word.raw.as_str())
                .collect();
            let passes = matches!(
                name,
                "" | "sleep"
                    | "exit"
                    | ":"
                    | "true"
                    | "false"
                    | "wait"
                    | "set"
                    | "cd"
                    | "kill"
                    | "curl"
                    | "wget"
                    | "cat"
            );
            !passes && !is_finite(call, &words)
        })
}

/// Whether a command goes into the background by itself: `redis --daemonize yes`, `ssh -f`.
fn goes_into_the_background(simple: &Simple) -> bool {
    let at = command_index(&simple.words);
    let Some(name) = simple.words.get(at).map(|word| word.raw.as_str()) else {
        return false;
    };
    let words: Vec<&str> = simple
        .words
        .iter()
        .skip(at + 1)
        .map(|word| word.raw.as_str())
        .collect();
    becomes_a_daemon(name.rsplit('/').next().unwrap_or(name), &words)
}

fn finding<'a>(pod: &Pod<'a>, member: &Member<'a>, program: &Program<'a>, span: Span) -> Finding {
    let name = member.container.name;
    let text = program.text.get(span.clone()).unwrap_or_default();
    let mentioned: Vec<u16> = text
        .split(|letter: char| !letter.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect();
    // Who looks for it where nobody else listens.
    let asker = pod
        .members
        .iter()
        .filter(|other| other.container.list == ContainerList::Regular)
        .find_map(|other| {
            let is_lost = |port| mentioned.contains(&port) && !another_listens_on(pod, member, port);
            let address = find_address(pod, other, |port| port.is_some_and(is_lost))?;
            Some((other, address))
        });
    let draft = Draft::new(
        pod,
        &RULE,
        format!(
            "{name} leaves a process in the background, which dies with it{}",
            match &asker {
                Some((other, _)) => format!(": {} cannot connect to it", other.container.name),
                None => String::new(),
            }
        ),
    )
    .help("make it a native sidecar: a container of its own among the init containers, with restartPolicy: Always")
    .severity(match asker {
        Some(_) => Severity::Error,
        None => Severity::Warning,
    })
    .confidence(Confidence::High)
    .container(&member.container)
    .by_hand("decide by hand what the process needs to run as a container of its own")
    .at_text(program, span, "ends when the init container does");
    match asker {
        Some((other, address)) => draft
            .with_span(
                address.node,
                address.span,
                format!("where {} looks for it", other.container.name),
            )
            .finish(),
        None => draft.finish(),
    }
}
