//! The `results` of a kustomize or kpt function.

use super::Migration;
use crate::yaml::{self, Value};
use crate::{
    edit::{
        change::{Change, Position},
        place::Place,
        rewrite,
    },
    remedy::plan::Plan,
};

/// The new text; a `ResourceList` also gets its `results`
/// (github.com/kubernetes-sigs/kustomize, cmd/config/docs/api-conventions/functions-spec.md).
#[must_use]
pub fn describe_results(migration: &Migration) -> String {
    let results: Vec<Value> = migration.plans.iter().flat_map(results).collect();
    let Ok(stream) = yaml::parse(&migration.text) else {
        return migration.text.clone();
    };
    let is_list = stream
        .root(0)
        .is_some_and(|root| root.get("kind").and_then(yaml::Node::as_str) == Some("ResourceList"));
    if !is_list || results.is_empty() {
        return migration.text.clone();
    }
    let root = Place {
        document: 0,
        steps: Vec::new(),
    };
    let mut rounds = Vec::new();
    if root.key("results").node(&stream).is_some() {
        rounds.push(vec![Change::Remove(root.key("results"))]);
    }
    rounds.push(vec![Change::Insert {
        mapping: root,
        key: "results".to_owned(),
        value: Value::Sequence(results),
        position: Position::Last,
    }]);
    rewrite(&migration.text, &rounds).unwrap_or_else(|_| migration.text.clone())
}

fn results(plan: &Plan) -> Vec<Value> {
    let result = |severity: &str, message: String| {
        let field = |key: &str, text: &str| (Value::string(key), Value::string(text));
        let object = &plan.object;
        let mut reference = vec![
            field("apiVersion", &object.api_version),
            field("kind", &object.kind),
            field("name", &object.name),
        ];
        if let Some(namespace) = &object.namespace {
            reference.push(field("namespace", namespace));
        }
        Value::Mapping(vec![
            field("message", &message),
            field("severity", severity),
            (Value::string("resourceRef"), Value::Mapping(reference)),
        ])
    };
    let done = plan
        .actions
        .iter()
        .map(|action| result("info", action.what.clone()));
    let left = plan
        .refusals
        .iter()
        .map(|refusal| result("warning", format!("{}: {}", refusal.what, refusal.reason)));
    done.chain(left).collect()
}
