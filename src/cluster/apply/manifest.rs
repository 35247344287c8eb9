//! An object of the server as a person would have written it, and back.

use serde_json::{Map, Value};

use super::last_applied::{LAST_APPLIED, last_applied};

/// What only the server writes in `metadata` (k8s.io/apimachinery, `ObjectMeta`).
const OF_THE_SERVER: [&str; 8] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Annotations that controllers and kubectl keep their books in.
const BOOKS: [&str; 4] = [
    LAST_APPLIED,
    "deprecated.daemonset.template.generation",
    "deployment.kubernetes.io/revision",
    "batch.kubernetes.io/job-tracking",
];

/// Labels by which a Job finds its pods (k8s.io/api/batch/v1); a new Job gets new ones.
const OF_A_JOB: [&str; 4] = [
    "controller-uid",
    "job-name",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
];

/// Where every pod finds the token of its service account.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The object without what the server and its controllers add to it.
#[must_use]
pub fn as_written(object: &Value) -> Value {
    let mut written = restorable(object);
    if let Some(metadata) = map(&mut written, "/metadata") {
        prune(metadata, "annotations", &BOOKS);
    }
    written
}

/// The object as `kubectl replace` takes it, whatever has become of it since.
#[must_use]
pub fn restorable(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(root) = object.as_object_mut() {
        root.remove("status");
    }
    if let Some(metadata) = map(&mut object, "/metadata") {
        OF_THE_SERVER.iter().for_each(|key| drop(metadata.remove(*key)));
    }
    object
}

/// A Job or a pod as `kubectl create` takes it: without what the one that is there was given when it was made.
#[must_use]
pub fn recreatable(object: &Value) -> Value {
    let mut object = as_written(object);
    match object.get("kind").and_then(Value::as_str) {
        Some("Job") => forget_job(&mut object),
        Some("Pod") => forget_pod(&mut object),
        _ => {}
    }
    object
}

/// The containers of a pod that came with its admission, by all signs: the file that was applied has none of the
/// name, or, where no file was applied by kubectl, an annotation of the pod names it, as injectors' own do.
#[must_use]
pub fn injected(pod: &Value) -> Vec<String> {
    let names = |object: &Value| -> Vec<String> {
        let lists = ["initContainers", "containers"].into_iter();
        lists
            .filter_map(|list| object.get("spec")?.get(list)?.as_array())
            .flatten()
            .filter_map(|container| container.get("name")?.as_str().map(str::to_owned))
            .collect()
    };
    let written = last_applied(pod).map(|file| names(&file));
    let annotations = pod.pointer("/metadata/annotations").and_then(Value::as_object);
    let is_named = |name: &str| {
        let is_own =
            |key: &str| key.starts_with("kubectl.kubernetes.io/") || key.starts_with("kubectl-sidecar/");
        let is_separator = |character: char| !character.is_ascii_alphanumeric() && character != '-';
        let mut values = annotations
            .into_iter()
            .flatten()
            .filter(|(key, _)| !is_own(key))
            .filter_map(|(_, value)| value.as_str());
        values.any(|value| value.split(is_separator).any(|word| word == name))
    };
    let mut found = names(pod);
    found.retain(|name| match &written {
        Some(written) => !written.contains(name),
        None => is_named(name),
    });
    found
}

fn forget_job(job: &mut Value) {
    let selects_itself = job.pointer("/spec/manualSelector").and_then(Value::as_bool) == Some(true);
    if selects_itself {
        return;
    }
    if let Some(spec) = map(job, "/spec") {
        spec.remove("selector");
    }
    for metadata in ["/metadata", "/spec/template/metadata"] {
        if let Some(metadata) = map(job, metadata) {
            prune(metadata, "labels", &OF_A_JOB);
            // The server writes it into templates as null.
            metadata.remove("creationTimestamp");
        }
    }
}

fn forget_pod(pod: &mut Value) {
    let Some(spec) = map(pod, "/spec") else {
        return;
    };
    // The scheduler's choice; what a new pod asks for decides anew.
    spec.remove("nodeName");
    // They can only be added to a pod that is there.
    spec.remove("ephemeralContainers");
    let mut tokens = Vec::new();
    for list in ["initContainers", "containers"] {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
            let Some(mounts) = container.get_mut("volumeMounts").and_then(Value::as_array_mut) else {
                continue;
            };
            mounts.retain(|mount| {
                let volume = mount.get("name").and_then(Value::as_str).unwrap_or_default();
                let is_token = mount.get("mountPath").and_then(Value::as_str) == Some(TOKEN)
                    && volume.starts_with("kube-api-access-");
                if is_token {
                    tokens.push(volume.to_owned());
                }
                !is_token
            });
            if mounts.is_empty() {
                container.remove("volumeMounts");
            }
        }
    }
    if let Some(volumes) = spec.get_mut("volumes").and_then(Value::as_array_mut) {
        volumes.retain(|volume| {
            let name = volume.get("name").and_then(Value::as_str).unwrap_or_default();
            !tokens.iter().any(|token| token == name)
        });
        if volumes.is_empty() {
            spec.remove("volumes");
        }
    }
}

fn map<'v>(object: &'v mut Value, pointer: &str) -> Option<&'v mut Map<String, Value>> {
    object.pointer_mut(pointer)?.as_object_mut()
}

/// Removes keys from a mapping in `parent`, and the mapping with its last one.
fn prune(parent: &mut Map<String, Value>, name: &str, keys: &[&str]) {
    let Some(entries) = parent.get_mut(name).and_then(Value::as_object_mut) else {
        return;
    };
    let before = entries.len();
    keys.iter().for_each(|key| drop(entries.remove(*key)));
    if before > 0 && entries.is_empty() {
        parent.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_server_adds_goes() {
        let object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "uid": "u", "resourceVersion": "1", "generation": 3, "managedFields": [],
                "creationTimestamp": "t", "annotations": {"deployment.kubernetes.io/revision": "2"}},
            "spec": {}, "status": {"replicas": 1},
        });
        assert_eq!(
            as_written(&object),
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {}})
        );
        assert_eq!(
            restorable(&object)["metadata"]["annotations"]["deployment.kubernetes.io/revision"],
            "2"
        );
    }

    #[test]
    fn a_job_gets_a_selector_of_its_own_again() {
        let labels = json!({"app": "x", "controller-uid": "u", "batch.kubernetes.io/job-name": "j"});
        let job = |more: Value| {
            let mut spec = json!({"selector": {"matchLabels": {"controller-uid": "u"}},
                "template": {"metadata": {"creationTimestamp": null, "labels": labels}}});
            spec.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            recreatable(&json!({"kind": "Job", "metadata": {"name": "j", "labels": labels}, "spec": spec}))
        };
        let own = job(json!({}));
        assert_eq!(own["metadata"], json!({"name": "j", "labels": {"app": "x"}}));
        assert_eq!(
            own["spec"],
            json!({"template": {"metadata": {"labels": {"app": "x"}}}})
        );
        let manual = job(json!({"manualSelector": true}));
        assert_eq!(
            manual["spec"]["selector"],
            json!({"matchLabels": {"controller-uid": "u"}})
        );
    }

    #[test]
    fn what_an_injector_added_is_known_by_the_file_or_an_annotation() {
        let pod = |annotations: Value| {
            json!({"kind": "Pod", "metadata": {"name": "p", "annotations": annotations}, "spec": {
                "containers": [{"name": "app"}, {"name": "istio-proxy"}]}})
        };
        let status = json!({"sidecar.istio.io/status": "{\"containers\":[\"istio-proxy\"]}",
            "kubectl.kubernetes.io/default-container": "app", "kubectl-sidecar/sidecars": "app"});
        assert_eq!(injected(&pod(status)), ["istio-proxy"]);
        let file =
            json!({"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "app"}]}});
        assert_eq!(
            injected(&pod(json!({LAST_APPLIED: file.to_string()}))),
            ["istio-proxy"]
        );
        let whole = pod(json!({})).to_string();
        assert_eq!(
            injected(&pod(json!({LAST_APPLIED: whole, "a": "istio-proxy"}))),
            [""; 0]
        );
        assert_eq!(injected(&pod(json!({}))), [""; 0]);
    }

    #[test]
    fn a_pod_forgets_its_node_and_token() {
        let pod = json!({"kind": "Pod", "metadata": {"name": "p"}, "spec": {
            "nodeName": "n", "ephemeralContainers": [{}],
            "containers": [{"name": "app", "volumeMounts": [{"name": "kube-api-access-x", "mountPath": TOKEN}]}],
            "volumes": [{"name": "kube-api-access-x"}, {"name": "data"}],
        }});
        assert_eq!(
            recreatable(&pod)["spec"],
            json!({"containers": [{"name": "app"}], "volumes": [{"name": "data"}]})
        );
    }
}
