//! What both policies of a promotion work out: which containers are to move, and what speaks against it.

use super::{Promotion, cel, objects::Part};
use crate::roles::{DECLARATION_ANNOTATION, POSITION_ANNOTATION};

/// The pods that are looked at.
///
/// None of these may ask for a container: only a policy that was invoked is invoked again after a webhook has added
/// one.
pub(super) fn conditions(promotion: &Promotion) -> Vec<Part> {
    let mut conditions = vec![Part::new(
        "not-a-mirror-pod",
        "The kubelet's picture of a static pod says what runs already.",
        "!(\"kubernetes.io/config.mirror\" in object.metadata.?annotations.orValue({}))",
    )];
    if promotion.all_names().is_empty() {
        conditions.push(Part::new(
            "declares-sidecars",
            "",
            format!(
                "{} in object.metadata.?annotations.orValue({{}})",
                cel::string(DECLARATION_ANNOTATION)
            ),
        ));
    }
    conditions
}

/// The variables up to `conflicts`, which is empty where the containers may move.
pub(super) fn variables(promotion: &Promotion) -> Vec<Part> {
    vec![
        declared(promotion),
        Part::new(
            "first",
            "Sidecars start behind the init containers, or before them where the pod asks for it.",
            format!(
                "object.metadata.?annotations[{}].orValue(\"\") == \"first\"",
                cel::string(POSITION_ANNOTATION)
            ),
        ),
        Part::new("initContainers", "", "object.spec.?initContainers.orValue([])"),
        Part::new(
            "candidates",
            "Regular containers that are to become sidecars, in their order, and those that stay.",
            "object.spec.containers.filter(c, c.name in variables.declared)",
        ),
        Part::new(
            "apps",
            "",
            "object.spec.containers.filter(c, !(c.name in variables.declared))",
        ),
        Part::new(
            "withHostPorts",
            "Containers with a port of the node's that run while the sidecars do.",
            "(dyn(object.spec.containers)\n  + dyn(variables.initContainers.filter(c, variables.first || c.?restartPolicy.orValue(\"\") == \"Always\")))\n  .filter(c, c.?ports.orValue([]).exists(p, p.?hostPort.orValue(0) != 0))",
        ),
        Part::new(
            "conflicts",
            "Why the pod has to stay as it is; empty where nothing speaks against promotion.",
            CONFLICTS,
        ),
    ]
}

fn declared(promotion: &Promotion) -> Part {
    let annotation = format!(
        "object.metadata.?annotations[{}].orValue(\"\")\n  .split(\",\").map(name, name.trim()).filter(name, name != \"\")",
        cel::string(DECLARATION_ANNOTATION)
    );
    let names = promotion.all_names();
    if names.is_empty() {
        return Part::new("declared", "The names in the pod's annotation.", annotation);
    }
    Part::new(
        "declared",
        "The names in the pod's annotation, and those that are sidecars in every pod.",
        format!("{annotation}\n+ {}", cel::list(names.iter().map(String::as_str))),
    )
}

const CONFLICTS: &str = r#"// A pod needs a regular container.
(variables.candidates.size() > 0 && variables.apps.size() == 0
  ? ["no regular container would be left besides " + variables.candidates.map(c, c.name).join(", ")]
  : [])
// An init container that runs to completion is no sidecar.
+ variables.initContainers
  .filter(c, c.name in variables.declared && c.?restartPolicy.orValue("") != "Always")
  .map(c, c.name + " is an init container that runs to completion")
// The API server refuses a name that stands twice.
+ variables.candidates
  .filter(c, variables.initContainers.exists(other, other.name == c.name))
  .map(c, c.name + " is the name of an init container too")
// The API server would not see the clash of a sidecar with a regular container.
+ variables.withHostPorts
  .filter(c, c.name in variables.declared && c.ports.exists(p, p.?hostPort.orValue(0) != 0
    && variables.withHostPorts.exists(other, other.name != c.name && other.ports.exists(q,
      q.?hostPort.orValue(0) == p.hostPort
      && q.?protocol.orValue("TCP") == p.?protocol.orValue("TCP")
      && (q.?hostIP.orValue("") == p.?hostIP.orValue("")
        || q.?hostIP.orValue("") in ["", "0.0.0.0", "::"]
        || p.?hostIP.orValue("") in ["", "0.0.0.0", "::"])))))
  .map(c, "a hostPort of " + c.name + " is another container's too")"#;
