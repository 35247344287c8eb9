//! `shareProcessNamespace` that served nothing but a signal which is gone (`docs/semantics.md`, "Shared process namespaces").

use crate::{
    edit::{change::Change, removal::Removals, rewrite},
    remedy::plan::Plan,
    workload::{self, VolumeSource, Workload},
    yaml::{self, Node},
};

/// Programs that run another one as an init process should: as the first process of their own namespace the
/// containers' programs are stopped and their children reaped as before.
const INIT_PROGRAMS: [&str; 4] = ["tini", "tini-static", "dumb-init", "catatonit"];

/// What only a container that sees the others' processes needs.
const LOOKS_AT_PROCESSES: [&str; 9] = [
    "kill",
    "pkill",
    "killall",
    "pgrep",
    "pidof",
    "nsenter",
    "/proc/",
    "ps",
    "SYS_PTRACE",
];

/// Removes the field where nothing needs it any more, and says why where it stays.
pub(crate) fn sweep(text: String, plans: &mut [Plan]) -> String {
    if plans.iter().all(|plan| !plan.signals_gone) {
        return text;
    }
    let Ok(stream) = yaml::parse(&text) else {
        return text;
    };
    let mut removals = Removals::default();
    for object in workload::objects_of(&stream) {
        let Some(plan) = plans
            .iter_mut()
            .filter(|plan| plan.signals_gone)
            .find(|plan| plan.document == object.document && plan.object == object.reference)
        else {
            continue;
        };
        for workload in workload::discover(&object) {
            let Some(shared) = workload.pod_spec.entry("shareProcessNamespace") else {
                continue;
            };
            match need(&workload) {
                None => removals.add(shared.key),
                Some(reason) => plan.note(format!("shareProcessNamespace stays: {reason}")),
            }
        }
    }
    let changes: Vec<Change> = removals.changes(&[]).unwrap_or_default();
    match rewrite(&text, &[changes]) {
        Ok(swept) => swept,
        Err(_) => text,
    }
}

/// Why a pod's containers may still need one another's processes.
fn need(workload: &Workload<'_>) -> Option<String> {
    for container in &workload.containers {
        let name = container.name;
        let words = container.node.walk().filter_map(Node::as_str).flat_map(|text| {
            text.split(|letter: char| !(letter.is_alphanumeric() || matches!(letter, '/' | '_' | '.' | '-')))
        });
        for word in words {
            let program = word.rsplit('/').next().unwrap_or(word);
            if LOOKS_AT_PROCESSES
                .iter()
                .any(|own| *own == program || own.ends_with('/') && word.contains(own))
            {
                return Some(format!("{name} names {word}"));
            }
        }
        if ["stdin", "tty"]
            .iter()
            .any(|key| container.node.get(key).is_some())
        {
            return Some(format!("{name} may be there to debug the others"));
        }
        let reads_config_map = container.mounts().any(|mount| {
            workload
                .volume(mount.volume)
                .is_some_and(|volume| matches!(volume.source, VolumeSource::ConfigMap { .. }))
        });
        if reads_config_map {
            return Some(format!("{name} may run scripts of a ConfigMap"));
        }
        let command = container.command();
        let program = command.first().and_then(|word| word.as_str()).unwrap_or_default();
        let is_init = INIT_PROGRAMS
            .iter()
            .any(|init| program.rsplit('/').next() == Some(*init));
        if !is_init {
            return Some(format!(
                "without it {name}'s program is process 1 of its container, which the manifest does not show to be meant for that"
            ));
        }
    }
    None
}
