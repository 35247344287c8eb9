//! The order a manifest promises, without a cluster.

use serde::Deserialize;
use serde_yaml::Value;

use super::{
    declared::{Declared, Design, Expectation, Pair, Reading, Rule},
    object::{Annotations, PodSpec},
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
    /// Its pod spec, with the sidecars that its annotations declare.
    pub spec: PodSpec,
    /// The annotations of its pods.
    pub annotations: Annotations,
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
            if let Some((spec, annotations)) = pod_spec(&item, TEMPLATE_DEPTH) {
                let annotations: Annotations = match annotations {
                    Some(annotations) => serde_yaml::from_value(annotations)?,
                    None => Annotations::default(),
                };
                let spec: PodSpec = serde_yaml::from_value(spec)?;
                let text = |path: &Value| path.as_str().unwrap_or_default().to_owned();
                let kind = item.get("kind").map(text).unwrap_or_default();
                let metadata = item.get("metadata");
                let name = metadata
                    .and_then(|metadata| metadata.get("name").or_else(|| metadata.get("generateName")))
                    .map(text)
                    .unwrap_or_default();
                found.push(PlannedWorkload {
                    name: format!("{kind}/{name}"),
                    spec: spec.annotated_by(&annotations),
                    annotations,
                });
            }
        }
    }
    if found.is_empty() {
        return Err(PlanError::NoPod);
    }
    Ok(found)
}

/// The pod spec inside an object, and the annotations beside it: a `spec` whose `containers` is a list, itself or
/// below a template.
fn pod_spec(value: &Value, depth: usize) -> Option<(Value, Option<Value>)> {
    if depth == 0 {
        return None;
    }
    let spec = value.get("spec")?;
    if matches!(spec.get("containers"), Some(Value::Sequence(_))) {
        let annotations = value
            .get("metadata")
            .and_then(|metadata| metadata.get("annotations"));
        return Some((
            spec.clone(),
            annotations
                .filter(|annotations| annotations.is_mapping())
                .cloned(),
        ));
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

/// What both designs promise, or the admission policy that acts on an annotation; only list order where no sidecar is
/// declared.
#[must_use]
pub fn promises(workload: &PlannedWorkload, reading: &Reading) -> Vec<Promise> {
    let spec = &workload.spec;
    let own = Declared::read(spec, reading);
    if !spec.annotated.is_empty() {
        let promoted = spec.clone().promoted_by(&workload.annotations);
        return vec![Promise {
            design: Design::Annotation,
            declared: Declared::read(&promoted, reading),
        }];
    }
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
        let promises = promises(&workloads[0], &Reading::default());
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
    fn the_annotation_promises_what_the_policy_makes_of_the_pod() {
        let text = "
kind: Job
metadata: {name: settle, annotations: {kubectl-sidecar/sidecars: app}}
spec:
  template:
    metadata: {annotations: {kubectl-sidecar/sidecars: 'shipper, proxy', kubectl-sidecar/position: first}}
    spec:
      initContainers: [{name: setup}]
      containers: [{name: proxy, readinessProbe: {exec: {}}}, {name: app}, {name: shipper}]
";
        let sentences = |text: &str| -> Vec<String> {
            let workloads = workloads(text).unwrap();
            let promises = promises(&workloads[0], &Reading::default());
            assert_eq!(promises.len(), 1);
            assert_eq!(promises[0].design, Design::Annotation);
            let pairs = &promises[0].declared.pairs;
            assert!(pairs.iter().all(|pair| pair.enforced));
            pairs.iter().map(sentence).collect()
        };
        let first = [
            "shipper starts after proxy passed its startup probe",
            "setup starts after shipper started",
            "app starts after setup completed",
            "proxy stops after shipper has ended",
            "proxy stops after app has ended",
            "shipper stops after app has ended",
        ];
        assert_eq!(sentences(text), first);
        let last = sentences(&text.replace("position: first", "position: last"));
        assert_eq!(last[0], "proxy starts after setup completed");
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
