//! The order a manifest promises, without a cluster.

use serde::de::DeserializeOwned;

use super::{
    declared::{Declared, Design, Expectation, Pair, Reading, Rule},
    object::{Annotations, PodSpec},
};
use crate::{
    workload::{discover, objects_of},
    yaml::{self, Node, Value},
};

/// Why a manifest has no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It is not YAML.
    #[error("not YAML: {0}")]
    Yaml(#[from] yaml::ParseError),
    /// Its aliases can't be followed.
    #[error(transparent)]
    Value(#[from] yaml::ValueError),
    /// A pod in it is none to Kubernetes.
    #[error("not a pod: {0}")]
    Shape(#[from] serde_json::Error),
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

/// The workloads of a manifest, as lint finds them.
///
/// # Errors
/// Where the text is not YAML, or nothing in it makes pods.
pub fn workloads(text: &str) -> Result<Vec<PlannedWorkload>, PlanError> {
    let stream = yaml::parse(text)?;
    let mut found = Vec::new();
    for object in objects_of(&stream) {
        for workload in discover(&object) {
            let annotations = workload
                .pod_metadata
                .and_then(|metadata| metadata.get("annotations"))
                .filter(|annotations| annotations.is_mapping());
            let annotations: Annotations = annotations.map(read).transpose()?.unwrap_or_default();
            let spec: PodSpec = read(workload.pod_spec)?;
            let reference = &object.reference;
            found.push(PlannedWorkload {
                name: format!("{}/{}", reference.kind, reference.name),
                spec: spec.annotated_by(&annotations),
                annotations,
            });
        }
    }
    if found.is_empty() {
        return Err(PlanError::NoPod);
    }
    Ok(found)
}

/// What a node says, with aliases and merge keys resolved.
fn read<T: DeserializeOwned>(node: Node<'_>) -> Result<T, PlanError> {
    let value = Value::of(node)?.effective();
    Ok(serde_json::from_value(value.to_json().unwrap_or_default())?)
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
    fn workloads_are_those_that_lint_finds() {
        let text = "\
apiVersion: v1
kind: PodTemplate
metadata: {name: template}
template:
  spec:
    containers: [{name: app, image: app}]
---
apiVersion: apps/v1
kind: DeploymentList
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: listed}
  spec:
    template:
      spec:
        containers:
        - &app {name: app, image: app}
        - {<<: *app, name: other}
---
apiVersion: jobset.x-k8s.io/v1alpha2
kind: JobSet
metadata: {name: set}
spec:
  replicatedJobs:
  - name: workers
    template:
      spec:
        template:
          spec:
            containers: [{name: worker, image: worker}]
";
        let found = workloads(text).unwrap();
        let names: Vec<_> = found.iter().map(|workload| workload.name.as_str()).collect();
        assert_eq!(names, ["PodTemplate/template", "Deployment/listed", "JobSet/set"]);
        let listed: Vec<_> = found[1]
            .spec
            .containers
            .iter()
            .map(|container| container.name.as_str())
            .collect();
        assert_eq!(listed, ["app", "other"]);
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
