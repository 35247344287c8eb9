//! `unsupported-sidecar-type`

use crate::{
    roles::{DECLARATION_ANNOTATION, NamingKind},
    workload::{ContainerList, Workload},
};

use crate::remedy::Obligation;

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity, Subject};
use crate::pod::{Member, Pod, Promoters, Target};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "unsupported-sidecar-type",
    family: Family::Remedy,
    severity: Severity::Error,
    summary: "A sidecar is declared in a form that the cluster does not know",
    what: r#"Declarations that the cluster does not know. `lifecycle.type: Sidecar`, from KEP-753's first
design, is in no released Kubernetes; where the configuration's `target` is `lifecycle` it is
meant as a source form and only info; `Standard`, that design's default, is a warning. A
native sidecar where `--kubernetes-version` says less than 1.29 is an ordinary init container
there, or has no order at the stop. `restartPolicy: Always` on a container in `containers`
makes no sidecar in any version. `sidecars.lyft.net/container-lifecycle-<name>` is read by one
fork of the kubelet only. `kubectl-sidecar/sidecars` is for an admission policy
(`policy promote`), which takes Kubernetes 1.36: it is found where `--kubernetes-version` says
less, and in a cluster without such a policy, or with none for the namespace.

Restart policies with `restartPolicyRules`, other policies on regular containers, and Argo
Workflows are left alone."#,
    why: r#"A strict server refuses `lifecycle.type` (kubectl's default), a lenient one drops it in
silence and stores `lifecycle: {}`: the manifest says sidecar and the pod has an ordinary
container, that a Job then waits for. Blog posts announced the field for 1.18, and it never
came. Below 1.28 a server drops `restartPolicy` of an init container, which then has to
*complete*: the pod hangs in `Init` for ever. Version 1.28 knows it only behind a feature
gate, and stops sidecars together with the app. On a regular container the field is dropped up
to 1.34 and is nothing but a restart policy later. An annotation that nothing acts on does no
harm and no good: the containers are ordinary ones.

The form that clusters run is `initContainers` with `restartPolicy: Always`: on by default
since 1.29, stable since 1.33. What was readiness in the first design is the startup probe
there."#,
    before: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: bookings
spec:
  selector:
    matchLabels: {app: bookings}
  template:
    metadata:
      labels: {app: bookings}
    spec:
      containers:
        - name: bookings
          image: registry.example.com/travel/bookings:5.5.0
          command: ["/app/bookings", "--db=127.0.0.1:5432"]
          ports:
            - containerPort: 8080
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          args: ["--port=5432", "--health-check", "--http-address=0.0.0.0", "example:eu:bookings"]
          lifecycle:
            type: Sidecar
          ports:
            - containerPort: 5432
            - containerPort: 9090
          readinessProbe:
            httpGet: {path: /readiness, port: 9090}
"#,
    after: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: bookings
spec:
  selector:
    matchLabels: {app: bookings}
  template:
    metadata:
      labels: {app: bookings}
    spec:
      initContainers:
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          restartPolicy: Always
          args: ["--port=5432", "--health-check", "--http-address=0.0.0.0", "example:eu:bookings"]
          ports:
            - containerPort: 5432
            - containerPort: 9090
          startupProbe:
            httpGet: {path: /readiness, port: 9090}
            periodSeconds: 1
            failureThreshold: 120
          readinessProbe:
            httpGet: {path: /readiness, port: 9090}
      containers:
        - name: bookings
          image: registry.example.com/travel/bookings:5.5.0
          command: ["/app/bookings", "--db=127.0.0.1:5432"]
          ports:
            - containerPort: 8080
"#,
    migrate: r#"`migrate --target native` moves such a container to `initContainers` and makes a startup probe
of its readiness; safe on regular containers, and so are the annotation and Lyft's where they
name a container of the manifest. `restartPolicy: Always` on a regular container is for review,
because whether a sidecar was meant has to be decided by hand; an old cluster has to be upgraded."#,
    rests_on: &[&Obligation::OF_DECLARATIONS],
    sources: &[
        (
            "KEP-753: Sidecar Containers",
            "https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/753-sidecar-containers",
        ),
        (
            "Add container.lifecycle.type to api, never merged (kubernetes/kubernetes#79649)",
            "https://github.com/kubernetes/kubernetes/pull/79649",
        ),
        (
            "How to enable the sidecar container feature (kubernetes/kubernetes#94453)",
            "https://github.com/kubernetes/kubernetes/issues/94453",
        ),
        (
            "Move sidecars to initContainers for restartPolicy (RedHatInsights/clowder#1783)",
            "https://github.com/RedHatInsights/clowder/pull/1783",
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
    for (index, member) in pod.members.iter().enumerate() {
        lifecycle_type(pod, index, member, findings);
        old_cluster(pod, member, findings);
        regular_restart_policy(pod, index, member, findings);
    }
    annotation(pod, findings);
    lyft(pod, findings);
}

/// Admission policies that change objects are stable since 1.36 (KEP-3962); somebody has to install one.
fn annotation(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    let (Some(reason), Some(entry)) = (
        pod.ignores_annotation(),
        pod.workload.pod_annotation(DECLARATION_ANNOTATION),
    ) else {
        return;
    };
    let members = pod.members.iter().filter(|member| pod.is_annotated(member));
    let names: Vec<&str> = members.map(|member| member.container.name).collect();
    if names.is_empty() {
        return;
    }
    let draft = Draft::new(
        pod,
        &RULE,
        format!(
            "{} {}: {reason}",
            names.join(" and "),
            if names.len() == 1 {
                "is an ordinary container"
            } else {
                "are ordinary containers"
            },
        ),
    )
    .confidence(Confidence::High);
    let draft = match pod.settings.promoters {
        Promoters::Unasked | Promoters::Possible => draft
            .help(
                "declare native sidecars (initContainers with restartPolicy: Always), which Kubernetes runs since 1.29",
            )
            .at_entry(entry, "an admission policy's, Kubernetes 1.36 and later")
            .subject(Subject::Declaration),
        Promoters::Missing | Promoters::Unbound | Promoters::Elsewhere => draft
            .help(
                "install the policy for this namespace (`kubectl sidecar policy install promote`), or declare native \
                 sidecars (`kubectl sidecar migrate --target native`)",
            )
            .at_entry(entry, "an admission policy's")
            .by_hand("either the cluster gets the policy or the manifest another form"),
    };
    findings.push(draft.finish());
}

fn lifecycle_type<'a>(pod: &Pod<'a>, index: usize, member: &Member<'a>, findings: &mut Vec<Finding>) {
    let Some(entry) = member.container.lifecycle_type() else {
        return;
    };
    let value = entry.value.as_str().unwrap_or_default();
    let wanted = pod.settings.target == Some(Target::Lifecycle);
    let message = match value {
        "Standard" => {
            "lifecycle.type: Standard is the default of a design that was never released".to_owned()
        }
        _ => format!(
            "no released Kubernetes knows lifecycle.type: {value}; {} is an ordinary container",
            member.container.name
        ),
    };
    let subject = match wanted {
        true => Subject::Fine("it is the form that is wanted".into()),
        false => Subject::LifecycleType(index),
    };
    let help = if wanted {
        "the configured target: render it for a cluster with `kubectl sidecar migrate --target native -o yaml`"
    } else {
        "a strict server refuses it, a lenient one drops it: declare a native sidecar \
         (initContainers with restartPolicy: Always) for clusters from 1.29 on"
    };
    let severity = match value {
        _ if wanted => Severity::Info,
        "Standard" => Severity::Warning,
        _ => Severity::Error,
    };
    findings.push(
        Draft::new(pod, &RULE, message)
            .help(help)
            .severity(severity)
            .confidence(Confidence::High)
            .container(&member.container)
            .at_entry(entry, "from KEP-753's first design")
            .subject(subject)
            .finish(),
    );
}

/// Native sidecars are on by default since 1.29, known behind a gate in 1.28 (KEP-753).
fn old_cluster<'a>(pod: &Pod<'a>, member: &Member<'a>, findings: &mut Vec<Finding>) {
    let Some(version) = pod
        .settings
        .kubernetes_version
        .filter(|version| *version < (1, 29))
    else {
        return;
    };
    if !member.container.is_native_sidecar() {
        return;
    }
    let Some(entry) = member.container.restart_policy() else {
        return;
    };
    let what = if version < (1, 28) {
        "drops this field and waits for ever for the container to end"
    } else {
        "knows this only behind a feature gate, and ends it together with the app"
    };
    findings.push(
        Draft::new(
            pod,
            &RULE,
            format!("Kubernetes {}.{} {what}", version.0, version.1),
        )
        .help("run it on 1.29 or later, where native sidecars are on by default")
        .confidence(Confidence::High)
        .container(&member.container)
        .at_entry(entry, "a native sidecar")
        .by_hand("the cluster has to be newer")
        .finish(),
    );
}

/// `restartPolicy: Always` among the regular containers makes no sidecar (KEP-5307 gives it another meaning).
fn regular_restart_policy<'a>(pod: &Pod<'a>, index: usize, member: &Member<'a>, findings: &mut Vec<Finding>) {
    if member.container.list != ContainerList::Regular || is_argo(pod.workload) {
        return;
    }
    let Some(entry) = member.container.restart_policy() else {
        return;
    };
    let rules = member.container.node.get("restartPolicyRules").is_some();
    if entry.value.as_str() != Some("Always") || rules {
        return;
    }
    findings.push(
        Draft::new(
            pod,
            &RULE,
            format!(
                "restartPolicy: Always on the regular container {} makes it no sidecar",
                member.container.name
            ),
        )
        .help("move it to initContainers: only there it starts before the app and ends after it")
        .severity(Severity::Warning)
        .confidence(Confidence::Medium)
        .container(&member.container)
        .at_entry(entry, "dropped up to 1.34, only a restart policy later")
        .subject(Subject::Sidecar(index))
        .finish(),
    );
}

fn is_argo(workload: &Workload<'_>) -> bool {
    workload.controller == crate::workload::Controller::ArgoWorkflows
}

fn lyft(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    let namings = pod.namings.iter().enumerate();
    for (at, naming) in namings.filter(|(_, naming)| naming.kind == NamingKind::LyftAnnotation) {
        let name = naming.names.join(", ");
        findings.push(
            Draft::new(
                pod,
                &RULE,
                format!("only Lyft's fork of the kubelet reads this; {name} is an ordinary container elsewhere"),
            )
            .help("declare a native sidecar (initContainers with restartPolicy: Always) for clusters from 1.29 on")
            .severity(Severity::Warning)
            .confidence(Confidence::High)
            .at_entry(naming.entry, "declares a sidecar to one fork only")
            .subject(Subject::Naming(at))
            .finish(),
        );
    }
}
