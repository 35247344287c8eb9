//! `leftover-workaround`

use crate::{
    behaviour::{
        Link, LinkKind, Party,
        script::{Quit, QuitPosition},
    },
    catalogue::injector::{self, Hold, Injector},
    roles::NamingKind,
    shell::Span,
    workload::ContainerList,
};

use crate::remedy::{Obligation, workaround::end_hook::leftover_hook};

use super::{Confidence, Draft, Family, Finding, ProgramSite, RuleInfo, Severity, Subject};
use crate::pod::{Pod, embedded};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "leftover-workaround",
    family: Family::Remedy,
    severity: Severity::Warning,
    summary: "A workaround around a sidecar that is already declared",
    what: r#"A sidecar is declared (`restartPolicy: Always` in `initContainers`, or
`lifecycle.type: Sidecar`) and the old means are still there: a quit call or a kill at the end
of the app, a marker file, a wait loop beside a startup probe, a `preStop` sleep on the
sidecar or a `preStop` hook that ends it, a trap, a wrapper or the settings of one, a killer's annotation.

Drain flags of the sidecar itself are harmless and left alone, and so are a `postStart` hook
on a native sidecar, which gates the app by design, and an app's own preStop sleep."#,
    why: r#"Some leftovers only cost time; others now do harm. A native sidecar is restarted whenever it
exits: one that is told to quit comes back at once, or backs off in `CrashLoopBackOff` until
the pod ends, and in a pod with several apps the first to finish cuts the network of the
others. A sidecar that leaves at a marker file finds the same file after its restart. A
`preStop` sleep of a native sidecar begins with the termination, in parallel with the app, and
can eat the grace period that the sidecar needs after it. One that ends the sidecar takes it
from the app that is still at work.

A wait in front of an app that the startup probe already gates does no harm, but it keeps a
shell in the image and hides that the gate is elsewhere."#,
    before: r#"apiVersion: batch/v1
kind: Job
metadata:
  name: purge-carts
spec:
  template:
    spec:
      restartPolicy: Never
      initContainers:
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          restartPolicy: Always
          args: ["--quitquitquit", "--health-check", "--http-address=0.0.0.0", "example:eu:shop"]
          ports:
            - containerPort: 5432
            - containerPort: 9090
          startupProbe:
            httpGet: {path: /startup, port: 9090}
            periodSeconds: 1
            failureThreshold: 120
      containers:
        - name: purge
          image: registry.example.com/shop/purge:1.4.0
          command: ["/bin/sh", "-c"]
          args:
            - |
              /app/purge --db=127.0.0.1:5432
              code=$?
              curl -fsS -X POST http://localhost:9091/quitquitquit
              exit $code
"#,
    after: r#"apiVersion: batch/v1
kind: Job
metadata:
  name: purge-carts
spec:
  template:
    spec:
      restartPolicy: Never
      initContainers:
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          restartPolicy: Always
          args: ["--quitquitquit", "--health-check", "--http-address=0.0.0.0", "example:eu:shop"]
          ports:
            - containerPort: 5432
            - containerPort: 9090
          startupProbe:
            httpGet: {path: /startup, port: 9090}
            periodSeconds: 1
            failureThreshold: 120
      containers:
        - name: purge
          image: registry.example.com/shop/purge:1.4.0
          command: ["/app/purge", "--db=127.0.0.1:5432"]
"#,
    migrate: r#"The leftover is removed as its own rule would do it, under the same conditions for safe,
review and advice; the declared sidecar stays as it is. A wait is removed only where the
sidecar has a startup probe or a postStart hook that gates the app instead."#,
    rests_on: &[&[
        Obligation::WaitIsKept,
        Obligation::ScriptIsWhole,
        Obligation::ResultIsKept,
        Obligation::InjectorObeys,
    ]],
    sources: &[
        (
            "Kubernetes: Sidecar Containers",
            "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
        ),
        (
            "Kubernetes: Pod Lifecycle",
            "https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/",
        ),
        (
            "Add native sidecar support (linkerd/linkerd2#11465)",
            "https://github.com/linkerd/linkerd2/issues/11465",
        ),
        (
            "KEP-753: Sidecar Containers",
            "https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/753-sidecar-containers",
        ),
    ],
};

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for (at, link) in pod.links.all.iter().enumerate() {
        findings.extend(link_finding(pod, at, link));
    }
    for (index, member) in pod
        .members
        .iter()
        .enumerate()
        .filter(|(_, member)| pod.is_in_force(member))
    {
        let name = crate::pod::quoted(member.container.name);
        if let Some(twin) = pod
            .twin(member)
            .filter(|_| member.container.is_native_sidecar() && pod.gates_the_app(member))
        {
            let draft = Draft::new(
                pod,
                &RULE,
                format!(
                    "{} does once what the sidecar {name} does before the app starts",
                    twin.container.name
                ),
            )
            .help(format!(
                "drop {} where the startupProbe of {name} succeeds only after its first run",
                twin.container.name
            ))
            .severity(Severity::Info)
            .container(&twin.container)
            .by_hand("decide by hand whether the startupProbe waits for the first run");
            let draft = match twin.container.node.entry("name") {
                Some(entry) => draft.at_entry(entry, "the same image, run once"),
                None => draft.at(twin.container.node, "the same image, run once"),
            };
            findings.push(
                draft
                    .with_container(&member.container, "goes on doing it")
                    .finish(),
            );
        }
        if let Some(hook) = leftover_hook(pod, member) {
            let draft = Draft::new(
                pod,
                &RULE,
                format!("the preStop hook of {name} ends it while the app still runs"),
            )
            .help("drop the call: the hook runs when termination begins, and the kubelet ends a declared sidecar after the app")
            .confidence(Confidence::Medium)
            .container(&member.container)
            .subject(Subject::PreStop(index));
            findings.push(draft.at_entry(hook, "runs beside the app").finish());
        } else if let Some(delay) = crate::pod::prestop_delay(pod, index, member) {
            let draft = Draft::new(
                pod,
                &RULE,
                format!("the preStop hook of {name} still waits, although it is ended after the app"),
            )
            .help("drop the wait: the hook runs when termination begins and only uses up the grace period")
            .confidence(Confidence::High)
            .container(&member.container)
            .subject(Subject::PreStop(index));
            findings.push(draft.at_delay(&delay, "no longer needed").finish());
        }
        for (at, program, trap, effect) in crate::pod::delaying_traps(pod, index, member) {
            findings.push(
                Draft::new(
                    pod,
                    &RULE,
                    format!(
                        "{name} still {}, although it is ended after the app",
                        effect.describe()
                    ),
                )
                .help(
                    "drop the trap: its turn comes after the app, and the trap only uses up the grace period",
                )
                .confidence(Confidence::High)
                .container(&member.container)
                .at_text(program, trap.span.clone(), "no longer needed")
                .subject(Subject::Trap(ProgramSite {
                    container: index,
                    program: at,
                    start: trap.span.start,
                }))
                .finish(),
            );
        }
    }
    namings(pod, findings);
    annotations(pod, findings);
}

fn link_finding(pod: &Pod<'_>, at: usize, link: &Link) -> Option<Finding> {
    let (member, program) = pod.program(link.container, link.program)?;
    let stops = || {
        format!(
            "{} still stops {}, which is a declared sidecar",
            member.container.name,
            pod.party_name(&link.other)
        )
    };
    const STOP: (&str, &str) = (
        "the kubelet restarts it",
        "drop it: the kubelet ends the sidecar after the app",
    );
    let (span, message, label, help): (Span, String, &str, &str) = match &link.kind {
        LinkKind::Quits(quit) if is_never_made(quit, &program.text) => return None,
        LinkKind::Quits(quit) if pod.is_declared(&link.other) => (quit.span.clone(), stops(), STOP.0, STOP.1),
        LinkKind::Kills(kill) if pod.is_declared(&link.other) => (kill.span.clone(), stops(), STOP.0, STOP.1),
        LinkKind::EndsOnFile(test, _) if member.role.declared => (
            test.span.clone(),
            format!(
                "{} still ends when {} is there, although it is a declared sidecar",
                member.container.name,
                crate::pod::shown_path(program, &test.file)
            ),
            "it is restarted and finds the old file again",
            "run its command directly: the kubelet ends the sidecar after the app",
        ),
        LinkKind::Waits(wait) | LinkKind::StartsOnFile(wait, ..)
            if pod.is_declared(&link.other)
                && is_gate(pod, &link.other)
                && member.container.list == ContainerList::Regular =>
        {
            (
                wait.span.clone(),
                format!(
                    "{} still waits for {}, which has started before it",
                    member.container.name,
                    pod.party_name(&link.other)
                ),
                "what it waits for has started before",
                "drop the wait: the app starts only when the sidecar's startupProbe or postStart hook is done",
            )
        }
        _ => return None,
    };
    Some(
        Draft::new(pod, &RULE, message)
            .help(help)
            .confidence(Confidence::High)
            .container(&member.container)
            .at_text(program, span, label)
            .subject(Subject::Link(at))
            .finish(),
    )
}

/// Whether a call stands in a function that the script defines and does not name again.
fn is_never_made(quit: &Quit, text: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    let times = |name: &str| {
        text.split(|letter| !is_part(letter))
            .filter(|word| *word == name)
            .count()
    };
    quit.position == QuitPosition::Elsewhere && quit.function.as_deref().is_some_and(|name| times(name) < 2)
}

/// Whether a declared sidecar holds the app back until it is ready. What is promoted of an injected one is not seen.
fn is_gate(pod: &Pod<'_>, party: &Party) -> bool {
    match party {
        Party::Injected(known) => !pod.annotation_names(known),
        other => pod.party(other).is_none_or(|sidecar| pod.gates_the_app(sidecar)),
    }
}

/// Killers and wrappers that still name a declared sidecar.
fn namings(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for (at, naming) in pod.namings.iter().enumerate() {
        let what = match naming.kind {
            NamingKind::KillerAnnotation | NamingKind::KruiseEnvironment => {
                "is still to be killed from outside"
            }
            NamingKind::KubexitBirthDependencies | NamingKind::KubexitDeathDependencies => {
                "is still managed by kubexit"
            }
            NamingKind::Declaration | NamingKind::LyftAnnotation => continue,
        };
        let declared = naming.names.iter().find(|name| {
            pod.members
                .iter()
                .any(|member| member.container.name == name.as_str() && member.role.declared)
        });
        let Some(name) = declared else { continue };
        findings.push(
            Draft::new(pod, &RULE, format!("{name} is a declared sidecar and {what}"))
                .help("drop it: the kubelet ends the sidecar after the app")
                .confidence(Confidence::High)
                .at_entry(naming.entry, "no longer needed")
                .subject(Subject::Naming(at))
                .finish(),
        );
    }
}

/// Settings of an injector that its own switch for native sidecars makes superfluous.
fn annotations(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    let draft = |injector: &str, key: &str| {
        Draft::new(
            pod,
            &RULE,
            format!("{key} is set, although {injector} injects the proxy as a native sidecar"),
        )
        .help("drop it: a native sidecar starts before the app and ends after it")
        .confidence(Confidence::High)
        .subject(Subject::Setting {
            injector: injector.to_owned(),
            key: key.to_owned(),
        })
    };
    let is_native = |injector: &Injector| pod.gets_natively(injector);
    for entry in pod.workload.pod_annotations() {
        let key = entry.key.as_str().unwrap_or_default();
        let value = entry.value.as_str().unwrap_or_default();
        if let Some(injector) = injector::of_settings(key).filter(|injector| is_native(injector)) {
            for setting in embedded::settings(entry.value) {
                let is_it = |hold: &&Hold| hold.in_settings && hold.name == setting.key;
                if injector
                    .holds
                    .iter()
                    .filter(is_it)
                    .any(|hold| hold.holds_with(&setting.value))
                {
                    findings.push(
                        draft(injector.name, &setting.key)
                            .at_span(entry.value, setting.span, "no longer needed")
                            .finish(),
                    );
                }
            }
        }
        let holding = injector::hold_annotation(key)
            .filter(|(injector, hold)| is_native(injector) && hold.holds_with(value))
            .map(|(injector, _)| injector);
        // What must not be combined with native sidecars goes with them.
        let delaying = || {
            injector::INJECTORS.iter().find(|injector| {
                let delays = injector.drain_annotations.contains(&key) && value != "0";
                delays && injector.excludes_drain && is_native(injector)
            })
        };
        if let Some(injector) = holding.or_else(delaying) {
            findings.push(
                draft(injector.name, key)
                    .at_entry(entry, "no longer needed")
                    .finish(),
            );
        }
    }
}
