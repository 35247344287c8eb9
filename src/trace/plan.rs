//! The order a manifest promises, without a cluster.

use serde::Deserialize;
use serde_yaml::Value;

use super::{
    declared::{Declared, Design, Expectation, Pair, Reading, Rule},
    object::PodSpec,
};

/// Why a manifest has no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It is not YAML.
    #[error("not YAML: {0}")]
    Yaml(#[from] serde_yaml::Error),
    /// No document has a pod template.
    #[error("no pod and no pod template found")]
    NoPod,
}

/// One workload of a manifest with its pod spec.
#[derive(Debug, Clone)]
pub struct PlannedWorkload {
    /// `Deployment/web`
    pub name: String,
    /// Its pod spec.
    pub spec: PodSpec,
}

/// Mappings nest no deeper than this on the way to a pod template.
const TEMPLATE_DEPTH: usize = 6;

/// The workloads of a manifest: every document that is a pod or has a pod template.
///
/// # Errors
/// Where the text is not YAML, or nothing in it makes pods.
pub fn workloads(text: &str) -> Result<Vec<PlannedWorkload>, PlanError> {
    let mut found = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let value = Value::deserialize(document)?;
        let items = match value.get("items") {
            Some(Value::Sequence(items)) if value.get("kind").and_then(Value::as_str) == Some("List") => {
                items.clone()
            }
            _ => vec![value],
        };
        for item in items {
            if let Some(spec) = pod_spec(&item, TEMPLATE_DEPTH) {
                let text = |path: &Value| path.as_str().unwrap_or_default().to_owned();
                let kind = item.get("kind").map(text).unwrap_or_default();
                let metadata = item.get("metadata");
                let name = metadata
                    .and_then(|metadata| metadata.get("name").or_else(|| metadata.get("generateName")))
                    .map(text)
                    .unwrap_or_default();
                found.push(PlannedWorkload {
                    name: format!("{kind}/{name}"),
                    spec: serde_yaml::from_value(spec)?,
                });
            }
        }
    }
    if found.is_empty() {
        return Err(PlanError::NoPod);
    }
    Ok(found)
}

/// The pod spec inside an object: a `spec` whose `containers` is a list, itself or below a template.
fn pod_spec(value: &Value, depth: usize) -> Option<Value> {
    if depth == 0 {
        return None;
    }
    let spec = value.get("spec")?;
    if matches!(spec.get("containers"), Some(Value::Sequence(_))) {
        return Some(spec.clone());
    }
    let Value::Mapping(entries) = spec else {
        return None;
    };
    entries.iter().find_map(|(_, below)| pod_spec(below, depth - 1))
}

/// What one design promises for a workload.
#[derive(Debug, Clone)]
pub struct Promise {
    /// The design.
    pub design: Design,
    /// The declaration read as that design.
    pub declared: Declared,
}

/// What both designs promise; only list order where no sidecar is declared.
#[must_use]
pub fn promises(spec: &PodSpec, reading: &Reading) -> Vec<Promise> {
    let own = Declared::read(spec, reading);
    if own.design == Design::Plain {
        return vec![Promise {
            design: Design::Plain,
            declared: own,
        }];
    }
    [
        (Design::Native, Expectation::Native),
        (Design::Lifecycle, Expectation::Lifecycle),
    ]
    .into_iter()
    .map(|(design, expectation)| Promise {
        design,
        declared: Declared::read(
            spec,
            &Reading {
                expectation,
                sidecars: reading.sidecars.clone(),
            },
        ),
    })
    .collect()
}

/// A promise in words.
#[must_use]
pub fn sentence(pair: &Pair) -> String {
    match pair.rule {
        Rule::StartOrder => format!(
            "{} starts after {} {}",
            pair.after,
            pair.before,
            pair.gate.words()
        ),
        Rule::ListOrder => format!("{} is started after {} was", pair.after, pair.before),
        Rule::StopOrder => format!("{} stops after {} has ended", pair.after, pair.before),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: &str = "
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  template:
    spec:
      containers:
      - {name: app}
      - {name: proxy, readinessProbe: {exec: {}}, lifecycle: {type: Sidecar}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: []}
";

    #[test]
    fn both_designs_of_one_manifest() {
        let workloads = workloads(JOB).unwrap();
        assert_eq!(workloads.len(), 1);
        assert_eq!(workloads[0].name, "Job/migrate");
        let promises = promises(&workloads[0].spec, &Reading::default());
        let texts: Vec<Vec<String>> = promises
            .iter()
            .map(|promise| promise.declared.pairs.iter().map(sentence).collect())
            .collect();
        assert_eq!(
            texts,
            [
                [
                    "app starts after proxy started",
                    "proxy stops after app has ended"
                ],
                [
                    "app starts after proxy became ready",
                    "proxy stops after app has ended"
                ]
            ]
        );
    }

    #[test]
    fn a_manifest_without_pods_is_an_error() {
        assert!(matches!(
            workloads("kind: Service\nspec: {}"),
            Err(PlanError::NoPod)
        ));
        assert!(matches!(workloads("a: [b"), Err(PlanError::Yaml(_))));
    }
}
