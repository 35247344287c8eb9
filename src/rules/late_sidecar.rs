//! `late-sidecar`

use crate::{
    behaviour::{
        LinkKind, Party,
        action::Action,
        script::{MarkerUse, Wait, WaitForm},
    },
    workload::{ContainerList, HookKind, ProbeKind, Program, ProgramPlace, VolumeSource},
};

use crate::remedy::Obligation;

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity, Subject};
use crate::pod::{Lifetime, Member, Pod, find_address, listens_alone, listens_on};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "late-sidecar",
    family: Family::Remedy,
    severity: Severity::Error,
    summary: "An init container needs a sidecar that starts only after it, or blocks the list as a server",
    what: r#"Init containers start one after the other, in the order of their list, and native sidecars stand
in that same list. It finds

- an init container, or the hook of a sidecar, that waits for a native sidecar which stands
  behind it: an error where it waits for ever, a warning where it gives up;
- an init container that names a local address at which a native sidecar behind it listens, or
  waits for a file that a later container writes (warning);
- a server that stands among the init containers without `restartPolicy: Always`: an error where
  it is known that its program never ends, and a warning where a later container names the
  address at which it is declared to listen.

What a container with an unknown program does is not known, and it is not reported. An init
container that waits for a *regular* container is reported by broken-workaround."#,
    why: r#"The kubelet starts the next entry of `initContainers` when an ordinary one has *ended*, and when a
native sidecar has *started*. A sidecar behind the init container that polls it is never
reached, and a server without `restartPolicy: Always` never ends: the pod stays in `Init:0/2`
without an error anywhere, a rollout stops, a Job runs into its deadline. Where the init
container gives up, it fails, and the kubelet runs it again with the same result.

The order of the list is the order of the start, and the sidecars are stopped in the reverse
order. So a sidecar belongs before the first init container that needs it."#,
    before: r#"apiVersion: batch/v1
kind: Job
metadata:
  name: grants
spec:
  template:
    spec:
      restartPolicy: Never
      initContainers:
        - name: fetch-rules
          image: registry.example.com/access/rules:3.1.0
          command: ["sh", "-c"]
          args:
            - until curl -fs http://localhost:8181/health; do sleep 1; done; exec /app/fetch-rules
        - name: opa
          image: docker.io/openpolicyagent/opa:0.68.0
          restartPolicy: Always
          args: ["run", "--server", "--addr=0.0.0.0:8181"]
          ports:
            - containerPort: 8181
          startupProbe:
            httpGet: {path: /health, port: 8181}
            periodSeconds: 1
            failureThreshold: 120
      containers:
        - name: grants
          image: registry.example.com/access/grants:3.1.0
          command: ["/app/grants", "--opa=http://localhost:8181"]
"#,
    after: r#"apiVersion: batch/v1
kind: Job
metadata:
  name: grants
spec:
  template:
    spec:
      restartPolicy: Never
      initContainers:
        - name: opa
          image: docker.io/openpolicyagent/opa:0.68.0
          restartPolicy: Always
          args: ["run", "--server", "--addr=0.0.0.0:8181"]
          ports:
            - containerPort: 8181
          startupProbe:
            httpGet: {path: /health, port: 8181}
            periodSeconds: 1
            failureThreshold: 120
        - name: fetch-rules
          image: registry.example.com/access/rules:3.1.0
          command: ["/app/fetch-rules"]
      containers:
        - name: grants
          image: registry.example.com/access/grants:3.1.0
          command: ["/app/grants", "--opa=http://localhost:8181"]
"#,
    migrate: r#"With `--review` a server among the init containers that never ends gets `restartPolicy: Always`, and a
sidecar is put before the init container whose script waits for it. It may need what the init containers
before it prepare, so that the order has to be looked at. Any other order is decided by hand."#,
    rests_on: &[&[Obligation::NeedsAreMet]],
    sources: &[
        (
            "Kubernetes: Init Containers",
            "https://kubernetes.io/docs/concepts/workloads/pods/init-containers/",
        ),
        (
            "Kubernetes: Sidecar Containers",
            "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
        ),
        (
            "App container unable to connect to network before sidecar is fully running (istio/istio#11130)",
            "https://github.com/istio/istio/issues/11130",
        ),
    ],
};

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for (index, member) in pod.members.iter().enumerate() {
        if member.container.list != ContainerList::Init {
            continue;
        }
        let found = waits_for_later(pod, index)
            .or_else(|| waits_for_a_file(pod, index, member))
            .or_else(|| names_later(pod, member))
            .or_else(|| endless(pod, index, member))
            .or_else(|| asked_later(pod, index, member));
        findings.extend(found);
    }
}

fn is_plain(member: &Member<'_>) -> bool {
    member.container.list == ContainerList::Init && !member.container.is_native_sidecar()
}

const ORDER: &str = "decide the order by hand: a sidecar may need what the init containers before it prepare";

fn draft<'a>(pod: &Pod<'a>, member: &Member<'a>, message: String, later: &str) -> Draft<'a> {
    Draft::new(pod, &RULE, message)
        .help(format!(
            "put {later} before {} in initContainers",
            member.container.name
        ))
        .container(&member.container)
        .by_hand(ORDER)
}

/// Whether a loop goes on until it is answered, whatever happens.
fn is_endless(program: &Program<'_>, wait: &Wait) -> bool {
    let is_loop = matches!(wait.form, WaitForm::Loop | WaitForm::EndlessLoop);
    let text = program.text.get(wait.span.clone()).unwrap_or_default();
    let gives_up = text
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .any(|word| word == "exit" || word == "break" && wait.form == WaitForm::Loop);
    let is_certain = wait.depends_on.is_none() && wait.unknown_host.is_none();
    is_loop && is_certain && wait.time_limit.is_none() && !wait.asks_others && !wait.inverted && !gives_up
}

/// The ports that a wait asks.
fn asked(wait: &Wait) -> impl Iterator<Item = u16> {
    wait.probes.iter().filter_map(|probe| match &probe.action {
        Action::Connect(connect) => connect.port,
        Action::Http(http) => http.url.port,
        _ => None,
    })
}

/// A script of an init container, or a gate of a sidecar, that waits for a native sidecar behind it.
fn waits_for_later(pod: &Pod<'_>, index: usize) -> Option<Finding> {
    pod.links.all.iter().find_map(|link| {
        let LinkKind::Waits(wait) = &link.kind else {
            return None;
        };
        let (member, program) = pod
            .program(link.container, link.program)
            .filter(|_| link.container == index)?;
        let other = pod
            .party(&link.other)
            .filter(|other| other.starts_behind(member))?;
        let is_gate = match program.place {
            ProgramPlace::Hook(hook) => hook == HookKind::PostStart,
            ProgramPlace::Entrypoint => {
                is_plain(member) || member.container.probe(ProbeKind::Startup).is_some()
            }
            ProgramPlace::Probe(_) => false,
        };
        if !is_gate || wait.is_aside || pod.waits_for_a_child(link, wait) {
            return None;
        }
        let by_tool = wait
            .probes
            .iter()
            .any(|probe| matches!(probe.action, Action::Tool { .. }));
        let is_owner = by_tool || asked(wait).any(|port| listens_on(pod, other, port));
        let (name, later) = (member.container.name, other.container.name);
        let proved = is_owner && is_endless(program, wait) && matches!(link.other, Party::Container(_));
        let draft = match proved {
            true => draft(
                pod,
                member,
                format!("the pod never starts: {name} waits for {later}, which starts only after it"),
                later,
            )
            .confidence(Confidence::High),
            false => draft(
                pod,
                member,
                format!("{name} waits for {later}, which starts only after it: it is not answered"),
                later,
            )
            .severity(Severity::Warning)
            .confidence(Confidence::Medium),
        };
        Some(
            draft
                .subject(match link.other {
                    Party::Container(at) if is_plain(member) => Subject::Late(at),
                    _ => Subject::ByHand(ORDER.into()),
                })
                .at_text(program, wait.span.clone(), "is never answered")
                .with_container(&other.container, "starts only after it")
                .finish(),
        )
    })
}

/// An init container that waits for a file which a later container writes.
fn waits_for_a_file(pod: &Pod<'_>, index: usize, member: &Member<'_>) -> Option<Finding> {
    let (at, program) = Pod::entrypoint(member).filter(|_| is_plain(member))?;
    let facts = pod.links.facts(index, at)?;
    let workload = pod.workload;
    let own_files: Vec<&str> = facts
        .markers
        .iter()
        .filter(|marker| !matches!(marker.usage, MarkerUse::Tested { .. }))
        .filter_map(|marker| marker.file.path.as_deref())
        .collect();
    facts.waits.iter().find_map(|wait| {
        let path = wait.probes.iter().find_map(|probe| match &probe.action {
            Action::TestFile { path, .. } => path.path.as_deref(),
            _ => None,
        })?;
        let (volume, relative) = workload.volume_of_file(&member.container, path)?;
        let shared = |other: &Member<'_>| other.container.mounts().any(|mount| mount.volume == volume.name);
        // Who has the volume before it, or at the same time, may have written the file.
        let may_be_there = pod.members.iter().any(|other| {
            other.container.list == ContainerList::Init
                && other.container.index < member.container.index
                && shared(other)
        });
        let is_empty = matches!(volume.source, VolumeSource::EmptyDirectory);
        if !is_empty || may_be_there || own_files.contains(&path) || wait.inverted || wait.is_aside {
            return None;
        }
        let writes = |(index, other): &(usize, &Member<'_>)| {
            let is_behind = other.container.list == ContainerList::Regular || other.starts_behind(member);
            is_behind
                && shared(other)
                && (0..other.programs.len()).any(|program| {
                    pod.links.facts(*index, program).is_some_and(|facts| {
                        facts
                            .markers
                            .iter()
                            .filter(|marker| !matches!(marker.usage, MarkerUse::Tested { .. }))
                            .filter_map(|marker| marker.file.path.as_deref())
                            .filter_map(|path| workload.volume_of_file(&other.container, path))
                            .any(|(own, path)| own.name == volume.name && path == relative)
                    })
                })
        };
        let (_, writer) = pod.members.iter().enumerate().find(writes)?;
        let (name, later) = (member.container.name, writer.container.name);
        Some(
            draft(
                pod,
                member,
                format!("{name} waits for a file that {later} writes, which starts only after it"),
                later,
            )
            .severity(match is_endless(program, wait) {
                true => Severity::Error,
                false => Severity::Warning,
            })
            .confidence(Confidence::High)
            .at_text(program, wait.span.clone(), "the file is never there")
            .with_container(&writer.container, "writes it, and starts only after it")
            .finish(),
        )
    })
}

/// An entry of the list that names the address of a native sidecar behind it.
fn names_later(pod: &Pod<'_>, member: &Member<'_>) -> Option<Finding> {
    let gated = member.container.probe(ProbeKind::Startup).is_some();
    let (other, address) = pod
        .members
        .iter()
        .filter(|other| other.starts_behind(member))
        .find_map(|other| {
            let fits = |port: Option<u16>| port.is_some_and(|port| listens_alone(pod, other, port));
            Some((other, find_address(pod, member, fits)?))
        })?;
    let (name, later) = (member.container.name, other.container.name);
    // A sidecar may connect when it is asked to, and only then.
    let severity = match is_plain(member) || gated {
        true => Severity::Warning,
        false => Severity::Info,
    };
    Some(
        draft(
            pod,
            member,
            format!("{name} starts before {later}, whose address it names"),
            later,
        )
        .severity(severity)
        .confidence(Confidence::Medium)
        .at_span(address.node, address.span, format!("{later} does not listen yet"))
        .with_container(&other.container, "starts only after it")
        .finish(),
    )
}

/// A server among the init containers that has to end before the next one starts.
fn endless(pod: &Pod<'_>, index: usize, member: &Member<'_>) -> Option<Finding> {
    // An injector's init container may run another program of the proxy's image than the manifest shows.
    let is_injectors = pod.injected_output(member).is_some()
        || pod
            .catalogue
            .of(&member.container)
            .is_some_and(|known| known.injector.is_some());
    if !is_plain(member)
        || is_injectors
        || *pod.lifetime(index) != Lifetime::RunsOn
        || pod.is_time_boxed(member)
    {
        return None;
    }
    let name = member.container.name;
    let mut draft = declared(
        pod,
        member,
        format!("the pod never starts: {name} never ends, and an init container has to end before the next one starts"),
    )
    .subject(Subject::Late(index))
    .confidence(Confidence::High);
    if let Some((asker, address)) = asker(pod, member) {
        draft = draft.with_span(
            address.node,
            address.span,
            format!("where {} looks for it", asker.container.name),
        );
    }
    Some(draft.finish())
}

fn declared<'a>(pod: &Pod<'a>, member: &Member<'a>, message: String) -> Draft<'a> {
    let draft = Draft::new(pod, &RULE, message)
        .help(format!(
            "give {} restartPolicy: Always, which makes it a sidecar, and a startupProbe",
            member.container.name
        ))
        .container(&member.container)
        .by_hand("decide by hand where among the init containers it belongs");
    match member.container.node.entry("name") {
        Some(entry) => draft.at_entry(entry, "an init container without restartPolicy: Always"),
        None => draft.at(
            member.container.node,
            "an init container without restartPolicy: Always",
        ),
    }
}

/// The first container behind an init container that names an address at which that one alone is declared to listen.
fn asker<'p, 'a>(
    pod: &'p Pod<'a>,
    member: &'p Member<'a>,
) -> Option<(&'p Member<'a>, crate::pod::NamedAddress<'a>)> {
    let behind = |other: &&Member<'_>| {
        other.container.list == ContainerList::Regular
            || other.container.list == ContainerList::Init && other.container.index > member.container.index
    };
    let image = |one: &Member<'a>| one.container.image().map(|image| image.repository);
    pod.members.iter().filter(behind).find_map(|other| {
        // The same program, before the app for a preparation, declares the app's own port.
        if image(other) == image(member) {
            return None;
        }
        let is_there = |port: Option<u16>| port.is_some_and(|port| listens_alone(pod, member, port));
        let address = find_address(pod, other, is_there)?;
        Some((other, address))
    })
}

/// An init container at whose declared port a later container looks for it: by then it has ended.
fn asked_later(pod: &Pod<'_>, index: usize, member: &Member<'_>) -> Option<Finding> {
    if !is_plain(member) || member.container.ports().next().is_none() {
        return None;
    }
    if matches!(pod.lifetime(index), Lifetime::Ends(_)) {
        return None;
    }
    let (asker, address) = asker(pod, member)?;
    let name = member.container.name;
    Some(
        declared(
            pod,
            member,
            format!(
                "{} looks for {name}, an init container: either {name} never ends and nothing starts behind it, or it has ended by then",
                asker.container.name
            ),
        )
        .severity(Severity::Warning)
        .confidence(Confidence::Medium)
        .with_span(
            address.node,
            address.span,
            format!("where {} looks for it", asker.container.name),
        )
        .finish(),
    )
}
