//! What points at a container from beyond its pod, and goes on working, or not quite (`docs/semantics.md`, "What refers to a container").

use crate::{
    pod::{Member, Pod},
    remedy::declare::declaration::Form,
    yaml::Node,
};

/// What a person should know of references that go on working, or not quite.
pub(crate) fn notes(pod: &Pod<'_>, member: &Member<'_>, form: Form) -> Vec<String> {
    let mut notes = Vec::new();
    let name = member.container.name;
    let spec = pod.workload.object.node.get("spec");
    let policy = spec.and_then(|spec| {
        spec.get("podFailurePolicy")
            .or_else(|| spec.path(&["jobTemplate", "spec", "podFailurePolicy"]))
    });
    let rules = policy
        .and_then(|policy| policy.get("rules"))
        .into_iter()
        .flat_map(Node::items);
    let unnamed = rules
        .filter_map(|rule| rule.get("onExitCodes"))
        .any(|codes| codes.get("containerName").is_none());
    if unnamed {
        notes.push(format!(
            "podFailurePolicy.onExitCodes without containerName also looks at {name}'s exit code: name the app there"
        ));
    }
    let when = match form {
        Form::Annotation => "once it is promoted",
        Form::Native | Form::Lifecycle => "now",
    };
    if member.container.ports().any(|port| port.name.is_some()) {
        notes.push(format!(
            "{name}'s named ports are an init container's {when}: Services find them, other readers of port names may not"
        ));
    }
    notes
}
