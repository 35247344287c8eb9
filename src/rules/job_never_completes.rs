//! `job-never-completes`

use jiff::{SignedDuration, Timestamp};

use crate::{
    behaviour::{LinkKind, Party},
    roles::{INJECTED_SIGN, NamingKind, Role, RunsServer, Strength},
    workload::{Container, ContainerList, Controller, ProbeKind, WorkloadKind},
};

use crate::remedy::Obligation;

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity, Subject, serving::serves};
use crate::pod::{Lifetime, Live, MAY_BE_CONFIGURED_TO_END, Member, Pod, Suspect, live::PodSeen, suspects};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "job-never-completes",
    family: Family::Completion,
    severity: Severity::Error,
    summary: "A Job with a long-running sidecar and nothing that ends it",
    what: r#"A Job, a CronJob or another pod that runs to completion with a long-running sidecar among its
regular containers, or an injected one, and nothing that ends it: no quit call, marker file,
kill, wrapper or killer. The server that an integration test is run against counts as one
(`postgres`, `redis` and others, run as their images do), and so does a script beside the app of a
Job without a deadline that is an endless loop, `sleep infinity` or `tail -f`. An injected proxy is
a warning, which says in which versions of its injector, or of Kubernetes, it is an ordinary
container; where `--mesh istio=1.27`, `meshes` in the configuration or the cluster shows that it is
a native sidecar, nothing is said.

Where the app's command is not in the manifest its image may end the sidecar, and so may what a
script runs, asks or says that its text does not show: `eval "$HOOK"`, `… | sh`,
`curl -X POST "$STOP_URL"`. The finding says what that is, as a warning of less confidence.
Left alone are Argo Workflows, Tekton and others whose controller ends sidecars itself,
sidecars that run once (`git-sync --one-time`, Vault's `agent-pre-populate-only`), and injected
proxies whose switch for native sidecars is on.

In a cluster the pods have the last word: where the app of one has ended and a sidecar runs on
for half a minute, the finding says since when; where a Job of it is `Complete`, something
ends the sidecars and nothing is said."#,
    why: r#"A Job's pod is done when all its regular containers have ended, and a proxy does not end. The
work is finished after a minute; the pod shows `1/2 NotReady` for days, the Job never becomes
`Complete`, a CronJob with `concurrencyPolicy: Forbid` never runs again and with the default
one piles up pods that hold their requests and database connections.

A native sidecar never keeps a Job from completing: when the regular containers have ended,
the kubelet ends the sidecars in reverse order, and the pod's phase comes from the regular
containers alone. There is no workaround to remove here; one field is missing."#,
    before: r#"apiVersion: batch/v1
kind: CronJob
metadata:
  name: expire-sessions
spec:
  schedule: "*/30 * * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: OnFailure
          containers:
            - name: expire
              image: registry.example.com/accounts/expire:4.0.2
              command: ["/app/expire", "--db=127.0.0.1:5432"]
            - name: cloud-sql-proxy
              image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
              args: ["--port=5432", "--health-check", "--http-address=0.0.0.0", "example:eu:accounts"]
              ports:
                - containerPort: 5432
                - containerPort: 9090
              startupProbe:
                httpGet: {path: /startup, port: 9090}
                periodSeconds: 1
                failureThreshold: 120
"#,
    after: r#"apiVersion: batch/v1
kind: CronJob
metadata:
  name: expire-sessions
spec:
  schedule: "*/30 * * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: OnFailure
          initContainers:
            - name: cloud-sql-proxy
              image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
              restartPolicy: Always
              args: ["--port=5432", "--health-check", "--http-address=0.0.0.0", "example:eu:accounts"]
              ports:
                - containerPort: 5432
                - containerPort: 9090
              startupProbe:
                httpGet: {path: /startup, port: 9090}
                periodSeconds: 1
                failureThreshold: 120
          containers:
            - name: expire
              image: registry.example.com/accounts/expire:4.0.2
              command: ["/app/expire", "--db=127.0.0.1:5432"]
"#,
    migrate: r#"The sidecar is declared; nothing else changes, so this is safe. An injected proxy is not in
the manifest: with `--review` the injector's own switch is set on the pod template, under the
name that its version reads. Where no version is known that reads one (Dapr, Consul), or the
injector has none (Vault, Kuma), it is advice."#,
    rests_on: &[&Obligation::OF_DECLARATIONS, &[Obligation::InjectorObeys]],
    sources: &[
        (
            "Better support for sidecar containers in batch jobs (kubernetes/kubernetes#25908)",
            "https://github.com/kubernetes/kubernetes/issues/25908",
        ),
        (
            "Better support for sidecar containers in batch jobs (istio/istio#6324)",
            "https://github.com/istio/istio/issues/6324",
        ),
        (
            "CronJob does not terminate (linkerd/linkerd2#2833)",
            "https://github.com/linkerd/linkerd2/issues/2833",
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
    let completes = pod.workload.runs_to_completion() && !pod.workload.controller.ends_sidecars();
    if !completes {
        return;
    }
    if let Some(live) = pod.live {
        let before = findings.len();
        still_running(pod, live, findings);
        // What the pods show goes before what the manifest lets expect, either way.
        if findings.len() > before || live.has_completed {
            return;
        }
    }
    if apps_run_on(pod) {
        return;
    }
    let undeclared = pod.members.iter().enumerate().filter(|(_, member)| {
        member.container.list == ContainerList::Regular
            && member.role.role == Role::Sidecar
            && !member.role.declared
            && !is_only_injected(member)
    });
    for (index, member) in undeclared {
        // A helper that names it probably ends it: `external-killer` says so.
        let is_ended = pod.is_ended(index) || is_named_to_a_killer(pod, member) || has_helper(pod, index);
        let may_run_on =
            !told_to_shut_down(pod, member) && !only_hands_over(pod, member) && !asks_the_app(pod, member);
        let may_run_on = may_run_on && crate::pod::reads_pipe(pod, index).is_none();
        if !is_ended && may_run_on && told_of_quit(pod, index).is_none() && !ends_by_itself(pod, member) {
            findings.push(declared_in_manifest(pod, index, member));
        }
    }
    // A script that never ends beside a container that may. A pod without a Job may be there to be looked into.
    let is_job = matches!(pod.workload.kind, WorkloadKind::Job | WorkloadKind::CronJob);
    let may_hang = is_job && crate::pod::deadline(pod).is_none();
    let others_end = pod.members.iter().enumerate().any(|(index, member)| {
        let is_app = member.container.list == ContainerList::Regular && member.role.role == Role::App;
        is_app && *pod.lifetime(index) != Lifetime::RunsOn
    });
    for (index, member) in pod.members.iter().enumerate() {
        let is_other = member.container.list == ContainerList::Regular
            && member.role.role == Role::App
            && pod.never_ends(index);
        if is_other && others_end && may_hang && !pod.is_ended(index) && !is_named_to_a_killer(pod, member) {
            findings.push(declared_in_manifest(pod, index, member));
        }
    }
    // Pods that were compared with the template show what is injected: it stands in the manifest here.
    if pod.live.is_none_or(|live| live.compared == 0) {
        injected(pod, findings);
    }
}

/// Whether all apps are servers too, that end no sooner than their sidecars.
fn apps_run_on(pod: &Pod<'_>) -> bool {
    let apps = pod.members.iter().enumerate().filter(|(_, member)| {
        member.container.list == ContainerList::Regular && member.role.role == Role::App
    });
    let mut runs_on = apps
        .map(|(index, _)| *pod.lifetime(index) == Lifetime::RunsOn)
        .peekable();
    runs_on.peek().is_some() && runs_on.all(|runs_on| runs_on)
}

/// Whether a container ends without being told.
fn ends_by_itself(pod: &Pod<'_>, member: &Member<'_>) -> bool {
    matches!(pod.runs_server(member), RunsServer::Refuted(_)) || pod.is_time_boxed(member)
}

/// Whether a helper container beside the app names its program.
fn has_helper(pod: &Pod<'_>, index: usize) -> bool {
    suspects(pod, index)
        .iter()
        .any(|suspect| matches!(suspect, Suspect::Helper { .. }))
}

/// Whether something outside the pod is told to end it.
fn is_named_to_a_killer(pod: &Pod<'_>, member: &Member<'_>) -> bool {
    pod.namings.iter().any(|naming| {
        let ends = !matches!(
            naming.kind,
            NamingKind::Declaration | NamingKind::LyftAnnotation | NamingKind::KubexitBirthDependencies
        );
        // A killer that is told no names ends all of them.
        ends && (naming.names.is_empty() || naming.names.iter().any(|name| name == member.container.name))
    })
}

/// The container that is configured with a sidecar's quit endpoint.
fn told_of_quit<'p>(pod: &'p Pod<'_>, index: usize) -> Option<&'p str> {
    crate::pod::told_to_quit(pod, |other| {
        matches!(other, Party::Container(own) if *own == index) || *other == Party::Unknown
    })
}

/// Whether nothing is known of a container but that it was injected: what ends it is not known either.
fn is_only_injected(member: &Member<'_>) -> bool {
    let mut signs = member.role.evidence.iter();
    member.role.role == Role::Sidecar
        && signs.all(|sign| sign.text == INJECTED_SIGN || sign.strength == Strength::Weak)
}

/// A sidecar that was told to stop may take as long as a pod has by default.
const GRACE: SignedDuration = SignedDuration::from_secs(30);

/// Sidecars that run on although every app of the pod has ended, by the pod's own status.
fn still_running(pod: &Pod<'_>, live: &Live, findings: &mut Vec<Finding>) {
    let Some((seen, since)) = live
        .pods
        .iter()
        .find_map(|seen| ended_at(pod, seen, live).map(|since| (seen, since)))
    else {
        return;
    };
    for (index, sidecar) in pod.members.iter().enumerate() {
        let name = sidecar.container.name;
        let runs = seen
            .container(name)
            .is_some_and(|container| container.running_since.is_some());
        let (Some(confidence), true) = (serves(sidecar), runs) else {
            continue;
        };
        let mut draft = Draft::new(
            pod,
            &RULE,
            format!(
                "{name} still runs although the app ended at {since}: {} does not complete",
                crate::pod::describe(pod)
            ),
        )
        .help(format!(
            "declare {name} a sidecar: the kubelet ends it when the app has ended"
        ))
        .confidence(confidence)
        .severity(severity(pod))
        .container(&sidecar.container)
        .subject(Subject::Sidecar(index));
        if let Some(entry) = sidecar.container.node.entry("name") {
            draft = draft.at_entry(
                entry,
                format!("still runs, says the status of {}", seen.describe()),
            );
        }
        for app in pod.apps().filter(|app| serves(app).is_none()) {
            draft = draft.with_container(&app.container, "the app, which has ended");
        }
        findings.push(draft.finish());
    }
}

/// When the last app of a pod ended, where only containers that serve it run on, and have done so for a while.
fn ended_at(pod: &Pod<'_>, seen: &PodSeen, live: &Live) -> Option<Timestamp> {
    let mut last: Option<Timestamp> = None;
    let mut some_run = false;
    for container in &seen.containers {
        let member = pod
            .members
            .iter()
            .find(|member| member.container.name == container.name)?;
        let is_sidecar = serves(member).is_some();
        match &container.ended {
            Some(_) if is_sidecar => {}
            Some(ended) => last = last.max(Some(ended.finished)),
            // An app that waits to be restarted has not ended.
            None if !is_sidecar => return None,
            None => some_run |= container.running_since.is_some(),
        }
    }
    last.filter(|last| some_run && live.seen_at.duration_since(*last) > GRACE)
}

/// Whether a container's liveness probe asks a port of another one: the kubelet ends it once the app is gone.
fn asks_the_app(pod: &Pod<'_>, member: &Member<'_>) -> bool {
    let probe = member.container.probe(ProbeKind::Liveness);
    let asked = probe.and_then(|probe| probe.port()?.parse::<u16>().ok());
    let has = |container: &Container<'_>| container.ports().any(|port| Some(port.number) == asked);
    !has(&member.container) && pod.apps().any(|app| has(&app.container))
}

/// Whether all that is known of a container is that it writes a file which another one waits for: it may be done then.
fn only_hands_over(pod: &Pod<'_>, member: &Member<'_>) -> bool {
    let writes = pod.links.all.iter().any(|link| {
        let other = pod.party(&link.other);
        matches!(link.kind, LinkKind::StartsOnFile(..))
            && other.is_some_and(|other| other.container.name == member.container.name)
    });
    writes && member.role.evidence.len() == 1
}

/// `mysqladmin shutdown`, `redis-cli shutdown`: a client's way to end a server beside it.
fn told_to_shut_down(pod: &Pod<'_>, member: &Member<'_>) -> bool {
    let is_server = pod
        .catalogue
        .of(&member.container)
        .is_some_and(|known| known.serves_jobs);
    is_server
        && pod
            .apps()
            .flat_map(|app| &app.programs)
            .any(|program| program.text.to_ascii_lowercase().contains("shutdown"))
}

fn declared_in_manifest(pod: &Pod<'_>, index: usize, member: &Member<'_>) -> Finding {
    let name = crate::pod::quoted(member.container.name);
    let suspects = suspects(pod, index);
    let server = match pod.never_ends(index) {
        true => RunsServer::Proved,
        false => pod.runs_server(member).clone(),
    };
    let unknown = match (suspects.first(), server) {
        (Some(suspect), _) => Some(suspect.describe(pod)),
        (None, RunsServer::Unknown(doubt)) => Some(match pod.ends_at_a_file(index) {
            Some(file) => format!("its own script ends it when {file} is there"),
            None => doubt.to_string(),
        }),
        (None, RunsServer::Proved) if !pod.never_ends(index) && pod.may_end_by_configuration(member) => {
            Some(MAY_BE_CONFIGURED_TO_END.to_owned())
        }
        (None, _) => None,
    };
    let is_proved = unknown.is_none();
    let confidence = match is_proved {
        true => Confidence::High,
        false => Confidence::Medium,
    };
    let mut draft = Draft::new(
        pod,
        &RULE,
        match unknown {
            None => format!(
                "nothing ends {name} when the app is done: {} never completes",
                crate::pod::describe(pod)
            ),
            Some(unknown) => format!(
                "{} never completes unless {name} ends when the app is done, which the manifest does not show: {unknown}",
                crate::pod::describe(pod)
            ),
        },
    )
    .help(format!(
        "declare {name} a sidecar: the kubelet ends it when the app has ended"
    ))
    .confidence(confidence)
    .severity(match is_proved {
        true => severity(pod),
        false => Severity::Warning,
    })
    .container(&member.container)
    .subject(Subject::Sidecar(index));
    draft = draft.at_container(&member.container, "runs on when the app has ended");
    for app in pod.apps().filter(|app| !std::ptr::eq(*app, member)) {
        draft = draft.with_container(&app.container, "the app");
    }
    draft.finish()
}

/// A controller that is not known may end the sidecars itself, as Argo's and Tekton's do.
fn severity(pod: &Pod<'_>) -> Severity {
    match pod.workload.controller {
        Controller::Kubernetes => Severity::Error,
        _ => Severity::Warning,
    }
}

fn injected(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    let kept = pod
        .injected
        .iter()
        .filter(|injected| pod.may_keep_from_completing(&injected.known))
        .filter(|injected| !pod.may_end_injected(&injected.known));
    for injected in kept {
        let known = &injected.known;
        let injector = known.injector.as_deref().unwrap_or("the injector");
        let help = match pod.switch_to_set(known) {
            Ok(switch) => format!(
                "{}: {:?} makes it a native sidecar ({})",
                switch.annotation, switch.value, switch.note
            ),
            Err(reason) => match pod.leaves_when_told(known) {
                Some(mark) => format!(
                    "{reason}; {}: {:?} makes it leave when its work is done",
                    mark.annotation,
                    mark.value.unwrap_or_default()
                ),
                None => format!("{reason}; promote it at admission or end it from the app"),
            },
        };
        let place = match pod.where_ordinary(known) {
            Some(place) => format!("{place}, "),
            None => String::new(),
        };
        let severity = match pod.is_native_on_new_clusters(known) {
            true => Severity::Info,
            false => Severity::Warning,
        };
        findings.push(
            Draft::new(
                pod,
                &RULE,
                format!(
                    "{injector} injects {} and nothing here ends it: {place}{} never completes",
                    known.name,
                    crate::pod::describe(pod)
                ),
            )
            .help(help)
            .severity(severity)
            .confidence(Confidence::Medium)
            .at_entry(injected.entry, format!("{injector} injects {}", known.name))
            .subject(Subject::Injected(known.name.clone()))
            .finish(),
        );
    }
}
