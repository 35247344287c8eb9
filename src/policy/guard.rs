//! The objects of a guard: a ValidatingAdmissionPolicy for each rule that CEL can recognise.
//!
//! An expression sees one object and has regular expressions, no parser of shells and no second document. It must never
//! take a script for a workaround that is none, so each one asks for more than its rule does: for a known sidecar, a
//! known endpoint, a loop of one line. What it misses, `lint` finds.

use serde::{Deserialize, Serialize};

use super::{
    Promotion,
    guard_rules::{Recognized, Sign, recognized},
    objects::{Draft, Part, PolicyObject, mapping, namespaces, words},
    selector::SelectorError,
};
use crate::{rules::RuleInfo, yaml::Value};

/// What becomes of an object with a new workaround.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GuardAction {
    /// The sender is warned.
    #[default]
    Warn,
    /// It is refused.
    Deny,
    /// It is noted in the audit log.
    Audit,
}

/// Which rules guard what.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Guard {
    /// What becomes of what they find.
    pub action: GuardAction,
    /// Only objects in namespaces with such labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<String>,
    /// Also objects in kube-system.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub include_kube_system: bool,
}

/// Why a rule is no expression.
#[must_use]
pub fn why_not(rule: &RuleInfo) -> Option<&'static str> {
    match recognized(rule.name) {
        Recognized::As(_) => None,
        Recognized::Not(reason) => Some(reason),
    }
}

impl Guard {
    /// The name that its policies begin with where none is given.
    pub const DEFAULT_NAME: &'static str = "kubectl-sidecar-guard";

    /// The policy and the binding of each rule that CEL can recognise; rules that it cannot are left out.
    ///
    /// # Errors
    /// A selector of namespaces that cannot be read.
    pub fn objects(&self, name: &str, rules: &[&RuleInfo]) -> Result<Vec<PolicyObject>, SelectorError> {
        let mut objects = Vec::new();
        for rule in rules {
            let Recognized::As(sign) = recognized(rule.name) else {
                continue;
            };
            let name = format!("{name}-{}", rule.name);
            objects.push(self.policy(&name, rule, sign()));
            objects.push(self.binding(&name)?);
        }
        Ok(objects)
    }

    fn policy(&self, name: &str, rule: &RuleInfo, sign: Sign) -> PolicyObject {
        let found = |pod: &str| sign.expression.replace("POD", pod);
        let mut parts = vec![
            Part::new(
                "pod",
                "The pod or the pod template, whatever the object is.",
                template("object"),
            ),
            Part::new("podBefore", "The same before an update.", template("oldObject")),
        ];
        parts.extend(sign.patterns.iter().cloned());
        parts.push(Part::new(
            "found",
            &format!("{}.", rule.summary),
            found("variables.pod"),
        ));
        parts.push(Part::new(
            "foundBefore",
            "What was there before an update is nothing new.",
            found("variables.podBefore"),
        ));
        let validation = mapping([
            (
                "expression",
                Value::string(
                    "!variables.found || (request.operation == \"UPDATE\" && variables.foundBefore)",
                ),
            ),
            (
                "message",
                Value::string(format!(
                    "{}: {}; {}",
                    rule.name,
                    lower_first(rule.summary),
                    rule.url()
                )),
            ),
        ]);
        Draft::new("ValidatingAdmissionPolicy", name)
            .made_with(self)
            .about(&format!("New workarounds of the rule {}.", rule.name))
            .field("matchConstraints", workloads())
            .parts("matchConditions", &[OWNED.part()])
            .parts("variables", &parts)
            .explained(
                "failurePolicy",
                "A guard that fails stops nobody.",
                Value::string("Ignore"),
            )
            .field("validations", Value::Sequence(vec![validation]))
            .finish()
    }

    fn binding(&self, name: &str) -> Result<PolicyObject, SelectorError> {
        let action = match self.action {
            GuardAction::Warn => "Warn",
            GuardAction::Deny => "Deny",
            GuardAction::Audit => "Audit",
        };
        let draft = Draft::new("ValidatingAdmissionPolicyBinding", name)
            .field("policyName", Value::string(name))
            .field("validationActions", words([action]));
        // Where a guard holds is said in the same words as where a promotion does.
        let scope = Promotion {
            namespace_selector: self.namespace_selector.clone(),
            include_kube_system: self.include_kube_system,
            ..Promotion::default()
        };
        Ok(match namespaces(&scope)? {
            Some(resources) => draft.field("matchResources", resources).finish(),
            None => draft.finish(),
        })
    }
}

/// A condition with its reason.
struct Condition {
    name: &'static str,
    comment: &'static str,
    expression: &'static str,
}

impl Condition {
    fn part(&self) -> Part {
        Part::new(self.name, self.comment, self.expression)
    }
}

const OWNED: Condition = Condition {
    name: "made-by-a-person",
    comment: "What a controller makes has been looked at where it was written, and is needed.",
    expression: "!dyn(object).metadata.?ownerReferences.orValue([]).exists(owner, owner.?controller.orValue(false))",
};

/// `object` as the mapping that has the pod's metadata and spec.
fn template(object: &str) -> String {
    format!(
        "dyn({object}).kind == \"Pod\" ? dyn({object})\n: dyn({object}).kind == \"CronJob\" ? dyn({object}).spec.jobTemplate.spec.template\n: dyn({object}).spec.template"
    )
}

/// The workloads' creation and change, but not that of their status or scale.
fn workloads() -> Value {
    let rule = |group: &str, resources: &[&str]| {
        mapping([
            ("apiGroups", words([group])),
            ("apiVersions", words(["v1"])),
            ("operations", words(["CREATE", "UPDATE"])),
            ("resources", words(resources.iter().copied())),
        ])
    };
    let rules = vec![
        rule(
            "apps",
            &["deployments", "statefulsets", "daemonsets", "replicasets"],
        ),
        rule("batch", &["jobs", "cronjobs"]),
        rule("", &["pods", "replicationcontrollers"]),
    ];
    mapping([("resourceRules", Value::Sequence(rules))])
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}
