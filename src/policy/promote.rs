//! The objects of a promotion: a MutatingAdmissionPolicy that moves containers, and a ValidatingAdmissionPolicy that
//! refuses or warns where they could not move.
//!
//! A mutating policy cannot refuse a pod in words of its own; its only way out is an expression that fails.

use super::{
    Promotion, cel,
    conflict::{conditions, variables},
    objects::{Draft, Part, PolicyObject, mapping, namespaces, pod_creation, words},
    promotion::{OnConflict, PromotionError},
};
use crate::{roles::PROMOTED_ANNOTATION, yaml::Value};

/// Attempts of a gate, one a second. A readinessProbe has no end, and a startupProbe that gives up too early restarts
/// the sidecar for ever.
pub(super) const ATTEMPTS: u32 = 600;

impl Promotion {
    /// The policy's name where none is given.
    pub const DEFAULT_NAME: &'static str = "kubectl-sidecar-promote";

    /// The objects of the policy `name`, in the order in which they have to be created: what refuses pods that were
    /// not promoted comes last.
    ///
    /// # Errors
    /// Options that make no policy.
    pub fn objects(&self, name: &str) -> Result<Vec<PolicyObject>, PromotionError> {
        self.check()?;
        let draft = |kind| Draft::new(kind, name);
        Ok(vec![
            self.mutating(draft("MutatingAdmissionPolicy").made_with(self)),
            self.mutating_binding(name, draft("MutatingAdmissionPolicyBinding"))?,
            self.validating(draft("ValidatingAdmissionPolicy")),
            self.validating_binding(name, draft("ValidatingAdmissionPolicyBinding"))?,
        ])
    }

    fn mutating(&self, draft: Draft) -> PolicyObject {
        let mut parts = variables(self);
        parts.extend(self.own_variables());
        let mutation = mapping([
            ("patchType", Value::string("JSONPatch")),
            ("jsonPatch", mapping([("expression", Value::string(mutation()))])),
        ]);
        draft
            .about("Regular containers that are declared sidecars become native sidecars when the pod is created.")
            .field("matchConstraints", pod_creation())
            .parts("matchConditions", &conditions(self))
            .parts("variables", &parts)
            .explained(
                "reinvocationPolicy",
                "Again after webhooks that add containers.",
                Value::string("IfNeeded"),
            )
            .explained(
                "failurePolicy",
                "Where an expression fails the pod is refused, or left as it is.",
                Value::string(match self.on_conflict {
                    OnConflict::Deny => "Fail",
                    OnConflict::Ignore => "Ignore",
                }),
            )
            .field("mutations", Value::Sequence(vec![mutation]))
            .finish()
    }

    /// The variables that only the mutation needs.
    fn own_variables(&self) -> Vec<Part> {
        vec![
            Part::new(
                "moving",
                "",
                "variables.conflicts.size() == 0 ? variables.candidates : []",
            ),
            Part::new("names", "", "variables.moving.map(c, c.name)"),
            Part::new("all", "", "object.spec.containers.map(c, c.name)"),
            Part::new(
                "paths",
                "Where they stand.",
                "variables.names.map(name, \"/spec/containers/\" + string(variables.all.indexOf(name)))",
            ),
            self.gates(),
            Part::new(
                "before",
                "Sidecars that were promoted before, when a webhook had not added the others yet.",
                format!(
                    "object.metadata.?annotations[{}].orValue(\"\").split(\",\")\n  .filter(name, variables.initContainers.exists(c, c.name == name))",
                    cel::string(PROMOTED_ANNOTATION)
                ),
            ),
            Part::new(
                "start",
                "Where the first of them goes when sidecars come first: behind those.",
                "([0] + variables.before.map(name, variables.initContainers.map(c, c.name).indexOf(name) + 1)).max()",
            ),
        ]
    }

    fn gates(&self) -> Part {
        let word = self.gated_by_word();
        let never = format!(
            "c.name in {}\n      || c.?image.orValue(\"\").matches({})\n      || [?c.readinessProbe.?httpGet.?port, ?c.readinessProbe.?tcpSocket.?port, ?c.readinessProbe.?grpc.?port]\n        .exists(port, variables.apps.exists(app, app.?ports.orValue([]).exists(p, p.containerPort == port)))",
            cel::list(self.ungated_names()),
            cel::pattern(&self.ungated_images()),
        );
        let safe = format!("!({never})");
        let choice = if word.is_empty() {
            safe
        } else {
            format!("(c.name in {} ||\n      {safe})", cel::list(word))
        };
        Part::new(
            "gates",
            "Where those stand whose readiness the app waits for. Not where it waits for the app itself: by name, by image, or because\nthe probe asks a port of the app's.",
            format!(
                "variables.moving\n  .filter(c, has(c.readinessProbe) && !has(c.startupProbe)\n    && {choice})\n  .map(c, \"/spec/containers/\" + string(variables.all.indexOf(c.name)))"
            ),
        )
    }

    fn validating(&self, draft: Draft) -> PolicyObject {
        let mut parts = variables(self);
        parts.push(Part::new(
            "left",
            "Declared sidecars that are regular containers after all.",
            "variables.candidates.map(c, c.name)",
        ));
        let validation = mapping([
            (
                "expression",
                Value::string("variables.conflicts.size() == 0 && variables.left.size() == 0"),
            ),
            ("messageExpression", Value::string(MESSAGE)),
        ]);
        draft
            .about(match self.on_conflict {
                OnConflict::Deny => "Refuses pods whose declared sidecars cannot be promoted, and says why.",
                OnConflict::Ignore => {
                    "Warns where declared sidecars cannot be promoted, and says why. The pod is left as it is."
                }
            })
            .field("matchConstraints", pod_creation())
            .parts("matchConditions", &conditions(self))
            .parts("variables", &parts)
            .field(
                "failurePolicy",
                Value::string(match self.on_conflict {
                    OnConflict::Deny => "Fail",
                    OnConflict::Ignore => "Ignore",
                }),
            )
            .field("validations", Value::Sequence(vec![validation]))
            .finish()
    }

    fn validating_binding(&self, name: &str, draft: Draft) -> Result<PolicyObject, PromotionError> {
        let actions = match self.on_conflict {
            OnConflict::Deny => words(["Deny"]),
            OnConflict::Ignore => words(["Warn", "Audit"]),
        };
        let draft = draft
            .field("policyName", Value::string(name))
            .field("validationActions", actions);
        self.bound(draft)
    }

    fn mutating_binding(&self, name: &str, draft: Draft) -> Result<PolicyObject, PromotionError> {
        self.bound(draft.field("policyName", Value::string(name)))
    }

    fn bound(&self, draft: Draft) -> Result<PolicyObject, PromotionError> {
        Ok(match namespaces(self)? {
            Some(resources) => draft.field("matchResources", resources).finish(),
            None => draft.finish(),
        })
    }
}

const MESSAGE: &str = r#"variables.conflicts.size() > 0
  ? "sidecars cannot be promoted: " + variables.conflicts.join("; ")
  : variables.left.join(", ") + ": declared a sidecar, but added to the pod after promotion""#;

/// The patch. Indices change while containers leave the list, one after another from its front.
fn mutation() -> String {
    let setting = |field: &str, value: u32| {
        format!(
            "+ variables.gates.map(path, JSONPatch{{op: \"add\", path: path + \"/startupProbe/{field}\", value: {value}}})"
        )
    };
    let promoted = cel::string(PROMOTED_ANNOTATION);
    [
        "variables.moving.size() == 0 ? [] :",
        "// A list to move into.",
        r#"(has(object.spec.initContainers) ? [] : [JSONPatch{op: "add", path: "/spec/initContainers", value: []}])"#,
        "// What makes an init container a sidecar.",
        r#"+ variables.paths.map(path, JSONPatch{op: "add", path: path + "/restartPolicy", value: "Always"})"#,
        "// The app waits until the sidecar is ready: its readinessProbe as a startupProbe, asked every second.",
        r#"+ variables.gates.map(path, JSONPatch{op: "copy", from: path + "/readinessProbe", path: path + "/startupProbe"})"#,
        &setting("initialDelaySeconds", 0),
        &setting("periodSeconds", 1),
        &setting("successThreshold", 1),
        &setting("failureThreshold", ATTEMPTS),
        "// One after another, each from where it stands when those before it have gone.",
        r#"+ variables.names.map(name, JSONPatch{op: "move",
    from: "/spec/containers/" + string(variables.all.indexOf(name) - variables.names.indexOf(name)),
    path: "/spec/initContainers/" + (variables.first ? string(variables.start + variables.names.indexOf(name)) : "-")})"#,
        "// What was done, for whoever compares the pod with its template.",
        r#"+ (has(object.metadata.annotations) ? [] : [JSONPatch{op: "add", path: "/metadata/annotations", value: {}}])"#,
        &format!(
            "+ [JSONPatch{{op: \"add\", path: \"/metadata/annotations/\" + jsonpatch.escapeKey({promoted}),\n    value: (variables.before + variables.names).join(\",\")}}]"
        ),
    ]
    .join("\n")
}
