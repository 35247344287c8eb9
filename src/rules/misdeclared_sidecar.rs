//! `misdeclared-sidecar`

use crate::{
    roles::{DECLARATION_ANNOTATION, FIRST, NamingKind, POSITION_ANNOTATION, PROMOTED_ANNOTATION, listed},
    workload::{Container, ContainerList, ProbeKind},
    yaml::{Entry, Node},
};

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity};
use crate::pod::{Lifetime, Member, Pod};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "misdeclared-sidecar",
    family: Family::Remedy,
    severity: Severity::Error,
    summary: "A declaration of a sidecar that cannot mean what it says",
    what: r#"A container that is declared a sidecar although its program does one thing and ends, by the
arguments or variables of a known image (`--once`, `METHOD=LIST`) or since its script has nothing
but commands that end (`cp`, `git clone`). What a script with a loop or an unknown program does is
not known, and it is not reported.

A `kubectl-sidecar/sidecars` annotation that does not mean what it says:

- it names a container that the pod does not have, by a typing error or after a container got
  another name; a warning, since a webhook may still add it, and none where the catalogue knows
  the name as an injected sidecar's;
- it names an init container that runs to completion, or (info) one that is a native sidecar
  already;
- it leaves no regular container that is not a sidecar;
- it stands on the Deployment, Job or other object instead of its pod template;
- `kubectl-sidecar/position` has another value than `first`."#,
    why: r#"The kubelet restarts a sidecar whenever it ends, so a container that copies a file copies it again
and again, with a growing delay, for as long as the pod lives. The app does not wait for it
either: a sidecar counts as started as soon as its process exists. With a startup probe on a port
that nothing listens on, the app never starts. An ordinary init container runs once, and the app
starts when it has ended.

The admission policy reads the annotations of pods as they are created. A name that it does not
find is passed over in silence, and the container that was meant stays an ordinary one: the app
starts beside it, and a Job never completes. Where nothing would be left that is no sidecar, or
an init container is named, the policy leaves the whole pod as it is or refuses it, as it was
told to. An annotation on the object itself reaches no pod at all."#,
    before: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: invoices
spec:
  selector:
    matchLabels: {app: invoices}
  template:
    metadata:
      labels: {app: invoices}
      annotations:
        kubectl-sidecar/sidecars: cloudsql-proxy
    spec:
      containers:
        - name: invoices
          image: registry.example.com/billing/invoices:2.3.0
          command: ["/app/invoices", "--db=127.0.0.1:5432"]
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          args: ["--port=5432", "--health-check", "--http-address=0.0.0.0", "example:eu:invoices"]
          ports:
            - containerPort: 5432
            - containerPort: 9090
          readinessProbe:
            httpGet: {path: /startup, port: 9090}
"#,
    after: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: invoices
spec:
  selector:
    matchLabels: {app: invoices}
  template:
    metadata:
      labels: {app: invoices}
      annotations:
        kubectl-sidecar/sidecars: cloud-sql-proxy
    spec:
      containers:
        - name: invoices
          image: registry.example.com/billing/invoices:2.3.0
          command: ["/app/invoices", "--db=127.0.0.1:5432"]
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          args: ["--port=5432", "--health-check", "--http-address=0.0.0.0", "example:eu:invoices"]
          ports:
            - containerPort: 5432
            - containerPort: 9090
          readinessProbe:
            httpGet: {path: /startup, port: 9090}
"#,
    migrate: r#"Nothing: decide by hand which container was meant. `migrate --target annotation` writes
the annotation for the containers that it declares, and `migrate --target native` removes the
names of those that it moves."#,
    rests_on: &[],
    sources: &[
        (
            "Kubernetes: Mutating Admission Policy",
            "https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/",
        ),
        (
            "KEP-3962: Mutating Admission Policies",
            "https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/3962-mutating-admission-policies",
        ),
        (
            "Kubernetes: Sidecar Containers",
            "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
        ),
    ],
};

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for naming in pod
        .namings
        .iter()
        .filter(|naming| naming.kind == NamingKind::Declaration)
    {
        for name in &naming.names {
            findings.extend(named(pod, naming.entry, name));
        }
        findings.extend(nothing_left(pod, naming.entry));
    }
    findings.extend(position(pod));
    findings.extend(on_the_object(pod));
    for (index, member) in pod.members.iter().enumerate() {
        findings.extend(runs_once(pod, index, member));
    }
}

/// A declared sidecar whose program ends by itself.
fn runs_once<'a>(pod: &Pod<'a>, index: usize, member: &Member<'a>) -> Option<Finding> {
    if !member.role.declared {
        return None;
    }
    let Lifetime::Ends(reason) = pod.lifetime(index) else {
        return None;
    };
    if pod.injected_output(member).is_some() {
        return None;
    }
    let container = &member.container;
    let name = container.name;
    let never = match container.probe(ProbeKind::Startup) {
        Some(probe) if container.is_native_sidecar() && probe.port().is_some() => {
            ", and the app may never start, since nothing answers its startupProbe"
        }
        _ => "",
    };
    let draft = Draft::new(
        pod,
        &RULE,
        format!(
            "{name} is declared a sidecar but ends by itself: the kubelet restarts it again and again{never}"
        ),
    )
    .help(match container.is_native_sidecar() {
        true => "drop restartPolicy: Always: an ordinary init container runs once, before the app".to_owned(),
        false => format!("make {name} an init container: it runs once, before the app"),
    })
    .confidence(Confidence::High)
    .container(container)
    .by_hand("decide by hand whether the app has to wait for its end");
    let declared = container
        .restart_policy()
        .filter(|_| container.is_native_sidecar());
    let draft = match declared.or_else(|| container.node.entry("name")) {
        Some(entry) => draft.at_entry(entry, format!("{reason}, and is restarted")),
        None => draft.at(container.node, reason),
    };
    Some(draft.finish())
}

fn draft<'a>(pod: &Pod<'a>, message: String) -> Draft<'a> {
    Draft::new(pod, &RULE, message)
        .confidence(Confidence::High)
        .by_hand("decide by hand which container was meant")
}

/// A name that is no regular container's.
fn named<'a>(pod: &Pod<'a>, entry: Entry<'a>, name: &str) -> Option<Finding> {
    let Some(container) = pod.workload.container(name) else {
        return unknown(pod, entry, name);
    };
    let is_native = container.is_native_sidecar();
    let draft = match container.list {
        ContainerList::Init if is_native && is_promoted(pod, name) => return None,
        ContainerList::Init if is_native => draft(
            pod,
            format!("{DECLARATION_ANNOTATION} names {name}, which is a native sidecar already"),
        )
        .severity(Severity::Info)
        .help(format!("take {name} out of the annotation")),
        ContainerList::Init => draft(
            pod,
            format!("{DECLARATION_ANNOTATION} names {name}, an init container that runs to completion"),
        )
        .help("name regular containers only: the policy leaves or refuses the whole pod"),
        _ => return None,
    };
    let label = match is_native {
        true => "nothing to promote",
        false => "this can't become a sidecar",
    };
    Some(
        draft
            .container(container)
            .at_entry(entry, label)
            .with_container(container, "an init container")
            .finish(),
    )
}

/// Whether a native sidecar is one because the annotation was acted on: the pod says so, or its template differs.
fn is_promoted(pod: &Pod<'_>, name: &str) -> bool {
    let said = pod
        .workload
        .pod_annotation(PROMOTED_ANNOTATION)
        .and_then(|entry| entry.value.as_str());
    said.into_iter().flat_map(listed).any(|promoted| promoted == name)
        || pod
            .live
            .is_some_and(|live| live.promoted.iter().any(|promoted| promoted == name))
}

fn unknown<'a>(pod: &Pod<'a>, entry: Entry<'a>, name: &str) -> Option<Finding> {
    let is_injected = pod
        .catalogue
        .by_container_name(name)
        .is_some_and(|known| known.injector.is_some());
    if is_injected {
        return None;
    }
    let regular: Vec<&str> = pod.workload.regular().map(|container| container.name).collect();
    Some(
        draft(
            pod,
            format!("{DECLARATION_ANNOTATION} names {name}, and no container of the pod has that name"),
        )
        .severity(Severity::Warning)
        .help(format!(
            "name one of its regular containers ({}); a name that is not found is passed over in silence",
            regular.join(", ")
        ))
        .at_entry(entry, "no such container, unless a webhook adds it")
        .finish(),
    )
}

/// A pod whose regular containers are all named.
fn nothing_left<'a>(pod: &Pod<'a>, entry: Entry<'a>) -> Option<Finding> {
    let regular: Vec<&Container<'_>> = pod.workload.regular().collect();
    let named: Vec<&str> = entry.value.as_str().map(listed).into_iter().flatten().collect();
    let all = !regular.is_empty() && regular.iter().all(|one| named.contains(&one.name));
    let names: Vec<&str> = regular.iter().map(|container| container.name).collect();
    all.then(|| {
        draft(
            pod,
            format!(
                "{DECLARATION_ANNOTATION} leaves no regular container besides {}: a pod needs one that is no sidecar",
                names.join(", ")
            ),
        )
        .help("name the sidecars only: the policy leaves or refuses the whole pod")
        .at_entry(entry, "every regular container of the pod")
        .finish()
    })
}

fn position(pod: &Pod<'_>) -> Option<Finding> {
    let entry = pod.workload.pod_annotation(POSITION_ANNOTATION)?;
    let value = entry.value.as_str().unwrap_or_default();
    (value != FIRST).then(|| {
        draft(pod, format!("{POSITION_ANNOTATION} knows {FIRST} alone"))
            .severity(Severity::Warning)
            .help(format!(
                "write {FIRST} to start the sidecars before the init containers, and leave the annotation out otherwise"
            ))
            .at_entry(entry, "read as if it were not there")
            .finish()
    })
}

/// The annotation on the object that makes the pods.
fn on_the_object(pod: &Pod<'_>) -> Option<Finding> {
    let metadata = pod.workload.object.node.get("metadata")?;
    if pod.workload.pod_metadata.map(Node::id) == Some(metadata.id()) {
        return None;
    }
    let entry = metadata.get("annotations")?.entry(DECLARATION_ANNOTATION)?;
    let kind = &pod.workload.object.reference.kind;
    Some(
        draft(
            pod,
            format!("{DECLARATION_ANNOTATION} stands on the {kind} itself, where it declares nothing"),
        )
        .help("move it to the pod template's metadata.annotations: the policy reads those of pods")
        .at_entry(entry, "reaches no pod")
        .finish(),
    )
}
