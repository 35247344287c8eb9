//! `external-killer`

use crate::{
    catalogue::controller::is_killer,
    pod::{Suspect, quoted, suspects},
    roles::{NamingKind, Role},
    workload::ContainerList,
};

use crate::remedy::Obligation;

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity, Subject};
use crate::pod::Pod;

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "external-killer",
    family: Family::Completion,
    severity: Severity::Warning,
    summary: "Something outside the app's process ends the sidecars when the Job is done",
    what: r#"Marks for a controller outside the pod that kills sidecars when the app is done: annotations
`<anything>/sidecars: a,b`, the label `…/terminate-sidecars`, OpenKruise's
`KRUISE_TERMINATE_SIDECAR_WHEN_JOB_EXIT` and `…_WITH_IMAGE`; and helper containers that exist
only to end the others (`envoy-sidecar-helper` and its like).

The marks name the sidecar outright, so they also decide which container is one. The
annotation `kubectl-sidecar/sidecars` is this project's own declaration, not a killer."#,
    why: r#"A second program has to be installed, kept running and allowed to exec into pods, patch or
delete them in every namespace. When it is down, slow, or its webhook did not see the pod, the
Job hangs as if nothing were there, and nothing in the pod says so. Each of these controllers
kills in its own way: by a signal to process 1, which a sidecar may ignore; by replacing its
image with one that exits; by deleting the Job, which loses it.

The kubelet on the node does the same for native sidecars, since Kubernetes 1.29, with no
further part: it ends them in reverse order when the regular containers have ended, and the
pod's phase and the Job's result come from the app alone."#,
    before: r#"apiVersion: batch/v1
kind: Job
metadata:
  name: rebuild-index
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: rebuild
          image: registry.example.com/search/rebuild:0.9.4
          command: ["/app/rebuild", "--log=/var/log/app/rebuild.log"]
          volumeMounts:
            - {name: logs, mountPath: /var/log/app}
        - name: filebeat
          image: docker.elastic.co/beats/filebeat:8.15.2
          env:
            - name: KRUISE_TERMINATE_SIDECAR_WHEN_JOB_EXIT
              value: "true"
          volumeMounts:
            - {name: logs, mountPath: /var/log/app}
      volumes:
        - name: logs
          emptyDir: {}
"#,
    after: r#"apiVersion: batch/v1
kind: Job
metadata:
  name: rebuild-index
spec:
  template:
    spec:
      restartPolicy: Never
      initContainers:
        - name: filebeat
          image: docker.elastic.co/beats/filebeat:8.15.2
          restartPolicy: Always
          volumeMounts:
            - {name: logs, mountPath: /var/log/app}
      containers:
        - name: rebuild
          image: registry.example.com/search/rebuild:0.9.4
          command: ["/app/rebuild", "--log=/var/log/app/rebuild.log"]
          volumeMounts:
            - {name: logs, mountPath: /var/log/app}
      volumes:
        - name: logs
          emptyDir: {}
"#,
    migrate: r#"The containers it names are declared sidecars and the mark is removed: safe when all of them
stand in this manifest. A named container that an injector adds is for review (the injector's
switch comes with it), and a helper container or the controller itself has to be
removed by hand."#,
    rests_on: &[&Obligation::OF_DECLARATIONS, &[Obligation::InjectorObeys]],
    sources: &[
        (
            "OpenKruise: job sidecar terminator",
            "https://github.com/openkruise/kruise/blob/master/docs/proposals/20230130-job-sidecar-terminator.md",
        ),
        (
            "lemonade-hq/k8s-controller-sidecars",
            "https://github.com/lemonade-hq/k8s-controller-sidecars",
        ),
        (
            "Better support for sidecar containers in batch jobs (kubernetes/kubernetes#25908)",
            "https://github.com/kubernetes/kubernetes/issues/25908",
        ),
        (
            "Kubernetes: Sidecar Containers",
            "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
        ),
    ],
};

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    let declared = |name: &String| {
        pod.members
            .iter()
            .any(|member| member.container.name == name.as_str() && member.role.declared)
    };
    for (at, naming) in pod
        .namings
        .iter()
        .enumerate()
        .filter(|(_, naming)| !naming.names.iter().any(declared))
    {
        let (message, fix) = match naming.kind {
            NamingKind::KillerAnnotation => (
                format!(
                    "a controller outside the pod kills {} when the app is done",
                    names(&naming.names)
                ),
                "remove this and the controller once the sidecars are declared: the kubelet ends them itself",
            ),
            NamingKind::KruiseEnvironment => (
                format!(
                    "OpenKruise kills {} when the Job's other containers are done",
                    names(&naming.names)
                ),
                "remove it once the sidecar is declared: the kubelet ends it itself",
            ),
            _ => continue,
        };
        let mut draft = Draft::new(pod, &RULE, message)
            .help(fix)
            .confidence(Confidence::High)
            .at_entry(naming.entry, "names the sidecar")
            .subject(Subject::Naming(at));
        for container in naming
            .names
            .iter()
            .filter_map(|name| pod.workload.container(name))
        {
            draft = draft
                .container(container)
                .with_container(container, "the sidecar it kills");
        }
        findings.push(draft.finish());
    }
    helpers(pod, findings);
    for member in &pod.members {
        let container = &member.container;
        let Some(image) = container.image() else { continue };
        if is_killer(image.base_name()) {
            findings.push(
                Draft::new(
                    pod,
                    &RULE,
                    format!("container {} is there to end the others", container.name),
                )
                .help("declare the sidecars and remove this container: the kubelet ends them itself")
                .confidence(Confidence::High)
                .container(container)
                .at_container(container, "a helper that ends sidecars")
                .by_hand("removing a container is a person's decision")
                .finish(),
            );
        }
    }
}

/// Containers that name another one's program, and may end it.
fn helpers(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    if !pod.workload.runs_to_completion() {
        return;
    }
    for (index, member) in pod.members.iter().enumerate() {
        let is_open = member.role.role == Role::Sidecar
            && member.container.list == ContainerList::Regular
            && !member.role.declared;
        if !is_open {
            continue;
        }
        for suspect in suspects(pod, index) {
            let Suspect::Helper { container, word } = suspect else {
                continue;
            };
            let Some(helper) = pod.members.get(*container) else {
                continue;
            };
            let name = quoted(member.container.name);
            let goes = if helper.role.role == Role::App {
                "take out what ends it here"
            } else {
                "remove this container"
            };
            findings.push(
                Draft::new(
                    pod,
                    &RULE,
                    format!(
                        "container {} probably ends {name} when the app is done: its arguments name {word}",
                        quoted(helper.container.name)
                    ),
                )
                .help(format!(
                    "declare {name} a sidecar and {goes}: the kubelet ends it itself"
                ))
                .confidence(Confidence::Medium)
                .container(&helper.container)
                .at_container(&helper.container, format!("names {word}"))
                .with_container(&member.container, "the sidecar it names")
                .by_hand(
                    "what it does with the name is not known; it has to go together with the declaration",
                )
                .finish(),
            );
        }
    }
}

fn names(names: &[String]) -> String {
    if names.is_empty() {
        "the sidecars".to_owned()
    } else {
        names.join(", ")
    }
}
