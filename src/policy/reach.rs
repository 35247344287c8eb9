//! Which admission policies of a cluster act on the annotation, whoever made them, and in which namespaces.

use serde_json::Value;

use super::selector::{Requirement, label_selector};
use crate::{pod::Promoters, roles::DECLARATION_ANNOTATION};

/// The label that the API server puts on every namespace (core/v1, LabelMetadataName).
pub const NAMESPACE_LABEL: &str = "kubernetes.io/metadata.name";

/// Where the mutating policies that act on the annotation reach.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    has_policies: bool,
    /// What a namespace has to be like, for each binding of such a policy.
    bindings: Vec<Vec<Requirement>>,
}

impl Reach {
    /// Reads the MutatingAdmissionPolicies of a cluster and their bindings.
    ///
    /// A policy acts on the annotation where its spec names it. What else it asks of a pod is not judged.
    #[must_use]
    pub fn of(policies: &[Value], bindings: &[Value]) -> Self {
        let acting: Vec<&Value> = policies
            .iter()
            .filter(|policy| policy.get("spec").is_some_and(names_the_annotation))
            .collect();
        let reached = |binding: &Value| {
            let name = binding.pointer("/spec/policyName")?;
            let policy = acting
                .iter()
                .find(|policy| policy.pointer("/metadata/name") == Some(name))?;
            // A pod has to be matched by both.
            let mut requirements = namespace_selector(policy, "/spec/matchConstraints");
            requirements.extend(namespace_selector(binding, "/spec/matchResources"));
            Some(requirements)
        };
        Self {
            has_policies: !acting.is_empty(),
            bindings: bindings.iter().filter_map(reached).collect(),
        }
    }

    /// Whether it takes more than a namespace's name to say what acts in it.
    #[must_use]
    pub fn asks_for_labels(&self) -> bool {
        let mut requirements = self.bindings.iter().flatten();
        requirements.any(|requirement| requirement.key != NAMESPACE_LABEL)
    }

    /// What acts in a namespace with these labels.
    #[must_use]
    pub fn in_namespace(&self, labels: &Value) -> Promoters {
        let reaches = |binding: &Vec<Requirement>| binding.iter().all(|one| one.holds(labels));
        match self.bindings.as_slice() {
            _ if !self.has_policies => Promoters::Missing,
            [] => Promoters::Unbound,
            bindings if bindings.iter().any(reaches) => Promoters::Possible,
            _ => Promoters::Elsewhere,
        }
    }
}

fn names_the_annotation(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(DECLARATION_ANNOTATION),
        Value::Array(items) => items.iter().any(names_the_annotation),
        Value::Object(fields) => fields.values().any(names_the_annotation),
        _ => false,
    }
}

fn namespace_selector(object: &Value, resources: &str) -> Vec<Requirement> {
    object
        .pointer(&format!("{resources}/namespaceSelector"))
        .map(label_selector)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::policy::Promotion;

    fn installed(promotion: &Promotion) -> (Vec<Value>, Vec<Value>) {
        let objects = promotion.objects("ours").unwrap();
        let of_kind = |kind: &str| -> Vec<Value> {
            let is_it = |object: &&crate::policy::PolicyObject| object.kind == kind;
            objects
                .iter()
                .filter(is_it)
                .map(crate::policy::PolicyObject::json)
                .collect()
        };
        (
            of_kind("MutatingAdmissionPolicy"),
            of_kind("MutatingAdmissionPolicyBinding"),
        )
    }

    fn labels(name: &str, more: &[(&str, &str)]) -> Value {
        let mut labels = json!({NAMESPACE_LABEL: name});
        for (key, value) in more {
            labels[key] = json!(value);
        }
        labels
    }

    #[test]
    fn what_is_printed_reaches_what_it_is_printed_for() {
        let (policies, bindings) = installed(&Promotion::default());
        let reach = Reach::of(&policies, &bindings);
        assert!(!reach.asks_for_labels());
        assert_eq!(reach.in_namespace(&labels("shop", &[])), Promoters::Possible);
        assert_eq!(
            reach.in_namespace(&labels("kube-system", &[])),
            Promoters::Elsewhere
        );
        for selector in ["team=a", "team in (a,b)", "team", "!legacy,team!=c"] {
            let promotion = Promotion {
                namespace_selector: Some(selector.to_owned()),
                ..Promotion::default()
            };
            let (policies, bindings) = installed(&promotion);
            let reach = Reach::of(&policies, &bindings);
            assert!(reach.asks_for_labels());
            for (name, more) in [
                ("shop", &[("team", "a")][..]),
                ("shop", &[("team", "c")]),
                ("shop", &[("legacy", "yes")]),
                ("shop", &[]),
                ("kube-system", &[("team", "a")]),
            ] {
                let labels = labels(name, more);
                let covers = promotion.covers(name, &labels).unwrap();
                let is_reached = reach.in_namespace(&labels) == Promoters::Possible;
                assert_eq!(is_reached, covers, "{selector} {labels}");
            }
        }
    }

    #[test]
    fn policies_without_a_binding_and_those_of_others_are_told_apart() {
        let (policies, bindings) = installed(&Promotion::default());
        let shop = labels("shop", &[]);
        let in_shop =
            |policies: &[Value], bindings: &[Value]| Reach::of(policies, bindings).in_namespace(&shop);
        assert_eq!(in_shop(&[], &bindings), Promoters::Missing);
        assert_eq!(in_shop(&policies, &[]), Promoters::Unbound);
        let other = json!({"metadata": {"name": "other"}, "spec": {"variables": [{"expression": "1"}]}});
        let bound = json!({"metadata": {"name": "other"}, "spec": {"policyName": "other"}});
        assert_eq!(in_shop(&[other], &[bound]), Promoters::Missing);
        // Written by hand, under another name and without labels of ours.
        let by_hand = json!({"metadata": {"name": "mine"}, "spec": {
            "matchConstraints": {"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: "shop"}}},
            "mutations": [{"jsonPatch": {"expression": "object.metadata.annotations['kubectl-sidecar/sidecars']"}}]}});
        let bound = json!({"metadata": {"name": "any"}, "spec": {"policyName": "mine"}});
        let reach = Reach::of(&[by_hand], &[bound]);
        assert_eq!(reach.in_namespace(&shop), Promoters::Possible);
        assert_eq!(reach.in_namespace(&labels("bank", &[])), Promoters::Elsewhere);
    }
}
