//! `job-never-completes`

use crate::{
    roles::Role,
    workload::{ContainerList, Program, ProgramPlace},
};

use super::{Confidence, Draft, Family, Finding, FixClass, Member, Pod, RuleInfo, Severity};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "job-never-completes",
    family: Family::Completion,
    severity: Severity::Error,
    summary: "A Job with a long-running sidecar and nothing that ends it",
    what: "",
    why: "",
    before: "",
    after: "",
    migrate: "",
    sources: &[],
};

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    let completes = pod.workload.runs_to_completion() && !pod.workload.controller.ends_sidecars();
    if !completes || pod.has_completion_workaround() {
        return;
    }
    let undeclared: Vec<_> = pod
        .members
        .iter()
        .filter(|member| {
            member.container.list == ContainerList::Regular
                && member.role.role == Role::Sidecar
                && !member.role.declared
        })
        .collect();
    for member in &undeclared {
        findings.push(declared_in_manifest(pod, member));
    }
    if undeclared.is_empty() {
        injected(pod, findings);
    }
}

fn declared_in_manifest(pod: &Pod<'_>, member: &Member<'_>) -> Finding {
    let name = &member.container.name;
    // The app's own image may call the quit endpoint; what it runs is not in the manifest.
    let hidden = pod.apps().any(|app| {
        !app.programs
            .iter()
            .any(|program: &Program<'_>| program.place == ProgramPlace::Entrypoint)
    });
    let confidence = if hidden {
        Confidence::Medium
    } else {
        Confidence::High
    };
    let unless = if hidden {
        ", unless the app's image does"
    } else {
        ""
    };
    let mut draft = Draft::new(
        pod,
        &RULE,
        format!(
            "nothing ends {name} when the app is done{unless}: {} never completes",
            super::pod::describe(pod)
        ),
    )
    .help(format!(
        "declare {name} a sidecar: the kubelet ends it when the app has ended"
    ))
    .confidence(confidence)
    .container(&member.container)
    .fix(
        FixClass::Safe,
        "there is no workaround to remove; the sidecar only has to be declared",
    );
    draft = match member
        .container
        .node
        .entry("name")
        .or_else(|| member.container.node.entry("image"))
    {
        Some(entry) => draft.at_entry(entry, "runs on when the app has ended"),
        None => draft.at(member.container.node, "runs on when the app has ended"),
    };
    for app in pod.apps() {
        draft = draft.with_container(&app.container, "the app");
    }
    draft.finish()
}

fn injected(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for injected in &pod.injected {
        let injector = injected.known.injector.as_deref().unwrap_or("the injector");
        let switched_on = injected.known.switch.as_ref().is_some_and(|switch| {
            crate::roles::pod_mark(pod.workload, &format!("{}={}", switch.annotation, switch.value)).is_some()
        });
        // Vault's agent leaves after the secrets are there when it is told so.
        let one_shot =
            crate::roles::pod_mark(pod.workload, "vault.hashicorp.com/agent-pre-populate-only=true")
                .is_some();
        if switched_on || one_shot || injected.known.name == "gcs-fuse-sidecar" {
            continue;
        }
        let help = match &injected.known.switch {
            Some(switch) => format!(
                "{}: {:?} makes it a native sidecar ({})",
                switch.annotation, switch.value, switch.since
            ),
            None => format!(
                "{injector} cannot inject native sidecars yet; promote it at admission or end it from the app"
            ),
        };
        findings.push(
            Draft::new(
                pod,
                &RULE,
                format!(
                    "{injector} injects {} and nothing here ends it: unless it is injected as a native sidecar, {} never completes",
                    injected.known.name,
                    super::pod::describe(pod)
                ),
            )
            .help(help)
            .severity(Severity::Warning)
            .confidence(Confidence::Medium)
            .at_entry(injected.entry, format!("{injector} injects {}", injected.known.name))
            .fix(FixClass::Review, "the container is the injector's: only its own switch can change it")
            .finish(),
        );
    }
}
