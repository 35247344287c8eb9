//! Every kind of workload, and what is left alone.

use serde_json::{Value, json};

use super::{Ground, assert_promoted, kubectl, names, pod, sleeper, succeeded};

fn template(restart: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": "shop"}, "annotations": {"kubectl-sidecar/sidecars": "proxy,shipper"}},
        "spec": {
            "restartPolicy": restart, "terminationGracePeriodSeconds": 1,
            "containers": [sleeper("proxy"), sleeper("app"), sleeper("shipper")],
        },
    })
}

fn workload(api_version: &str, kind: &str, mut spec: Value) -> Value {
    if spec["template"].is_null() && spec["jobTemplate"].is_null() {
        spec["template"] = template("Always");
        spec["selector"] = json!({"matchLabels": {"app": "shop"}});
    }
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "shop"}, "spec": spec})
}

#[test]
fn pods_of_all_kinds_are_promoted() {
    let Some(mut ground) = Ground::new("kinds") else {
        return;
    };
    ground.promote("kinds", &[]);
    let job = json!({"spec": {"template": template("Never")}});
    for (kind, object) in [
        (
            "Deployment",
            workload("apps/v1", "Deployment", json!({"replicas": 1})),
        ),
        (
            "ReplicaSet",
            workload("apps/v1", "ReplicaSet", json!({"replicas": 1})),
        ),
        ("DaemonSet", workload("apps/v1", "DaemonSet", json!({}))),
        (
            "StatefulSet",
            workload("apps/v1", "StatefulSet", json!({"serviceName": "shop"})),
        ),
        ("Job", workload("batch/v1", "Job", job["spec"].clone())),
        (
            "CronJob",
            workload(
                "batch/v1",
                "CronJob",
                json!({"schedule": "0 0 1 1 *", "jobTemplate": job}),
            ),
        ),
    ] {
        ground.create(&object);
        if kind == "CronJob" {
            succeeded(ground.kubectl(&["create", "job", "--from=cronjob/shop", "by-hand"], ""));
        }
        let pods = ground.wait(&["pods", "-l", "app=shop"], |pods| {
            pods["items"].as_array().is_some_and(|items| !items.is_empty())
        });
        assert_promoted(&pods["items"][0], &["proxy", "shipper"], &["app"]);
        ground.kubectl(&["delete", kind, "--all", "--wait=false"], "");
        ground.kubectl(&["delete", "job", "--all", "--wait=false"], "");
        ground.until("no pod", || {
            ground.kubectl(&["delete", "pod", "--all", "--force", "--grace-period=0"], "");
            ground.get(&["pods", "-l", "app=shop"])["items"] == json!([])
        });
    }
    ground.create(&pod("bare", "proxy", &["app", "proxy"]));
    assert_promoted(&ground.get(&["pod", "bare"]), &["proxy"], &["app"]);
}

#[test]
fn what_is_not_named_is_left_alone() {
    let Some(mut ground) = Ground::new("alone") else {
        return;
    };
    ground.promote("alone", &["--names", "agent"]);
    let plain = ground.dry_run(&pod("plain", "", &["app", "proxy"]));
    assert_eq!(names(&plain, "containers"), ["app", "proxy"]);
    assert_eq!(plain["spec"]["initContainers"], Value::Null);
    assert_eq!(
        plain["metadata"]["annotations"]["kubectl-sidecar/promoted"],
        Value::Null
    );
    let mut bare = pod("bare", "", &["app", "agent"]);
    bare["metadata"].as_object_mut().unwrap().remove("annotations");
    assert_promoted(&ground.dry_run(&bare), &["agent"], &["app"]);
}

/// The kubelet makes a mirror pod of each static one, with its own identity.
#[test]
fn a_mirror_pod_is_left_alone() {
    let Some(mut ground) = Ground::new("mirror") else {
        return;
    };
    ground.promote("mirror", &["--on-conflict", "deny"]);
    let nodes = ground.get(&["nodes"]);
    let node = &nodes["items"][0]["metadata"];
    let (name, user) = (
        node["name"].as_str().unwrap(),
        format!("system:node:{}", node["name"].as_str().unwrap()),
    );
    let as_node = |pod: &Value| {
        let created = ground.kubectl(
            &[
                "create",
                "--dry-run=server",
                "-o",
                "json",
                "--as",
                &user,
                "--as-group",
                "system:nodes",
                "-f",
                "-",
            ],
            &pod.to_string(),
        );
        serde_json::from_str::<Value>(&succeeded(created)).unwrap()
    };
    let mut mirror = pod("static", "proxy", &["app", "proxy"]);
    mirror["metadata"]["name"] = json!(format!("static-{name}"));
    mirror["metadata"]["annotations"]["kubernetes.io/config.mirror"] = json!("0123456789abcdef");
    mirror["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "v1", "kind": "Node", "name": name, "uid": node["uid"], "controller": true}]);
    mirror["spec"]["nodeName"] = json!(name);
    // A pod that declares a conflict would be refused if it were looked at.
    for sidecars in ["proxy", "app,proxy"] {
        mirror["metadata"]["annotations"]["kubectl-sidecar/sidecars"] = json!(sidecars);
        let stored = as_node(&mirror);
        assert_eq!(names(&stored, "containers"), ["app", "proxy"]);
        assert_eq!(stored["spec"]["initContainers"], Value::Null);
        assert_eq!(
            stored["metadata"]["annotations"]["kubectl-sidecar/promoted"],
            Value::Null
        );
    }
    // It is the mark that does it: the same pod without is promoted.
    let mut plain = mirror;
    plain["metadata"]["annotations"] = json!({"kubectl-sidecar/sidecars": "proxy"});
    assert_promoted(&ground.dry_run(&plain), &["proxy"], &["app"]);
}

#[test]
fn removal_leaves_running_pods_and_makes_new_ones_plain() {
    let Some(mut ground) = Ground::new("removal") else {
        return;
    };
    ground.promote("removal", &[]);
    ground.create(&pod("old", "proxy", &["app", "proxy"]));
    let old = ground.wait(&["pod", "old"], |pod| pod["status"]["phase"] == "Running");
    ground.remove_policies();
    ground.until("the policy is forgotten", || {
        let new = ground.dry_run(&pod("new", "proxy", &["app", "proxy"]));
        new["spec"]["initContainers"].is_null()
    });
    // Updates and ephemeral containers pass too, as they did with the policy.
    succeeded(ground.kubectl(&["label", "pod", "old", "seen=yes"], ""));
    let still = ground.get(&["pod", "old"]);
    assert_eq!(still["spec"], old["spec"]);
    assert_eq!(still["metadata"]["uid"], old["metadata"]["uid"]);
    assert_eq!(
        still["status"]["initContainerStatuses"][0]["containerID"],
        old["status"]["initContainerStatuses"][0]["containerID"]
    );
}

#[test]
fn updates_and_ephemeral_containers_are_untouched() {
    let Some(mut ground) = Ground::new("updates") else {
        return;
    };
    // A plain pod from before the policy, which an update must not touch: the server would refuse it.
    ground.create(&pod("before", "proxy", &["app", "proxy"]));
    ground.promote("updates", &["--on-conflict", "deny"]);
    succeeded(ground.kubectl(&["label", "pod", "before", "seen=yes"], ""));
    let before = ground.get(&["pod", "before"]);
    assert_eq!(names(&before, "containers"), ["app", "proxy"]);
    let path = format!(
        "/api/v1/namespaces/{}/pods/before/ephemeralcontainers",
        ground.name
    );
    // The kubelet may change the pod in between.
    ground.until("an ephemeral container", || {
        let mut pod = ground.get(&["pod", "before"]);
        pod["spec"]["ephemeralContainers"] = json!([{"name": "proxy-debug", "image": super::image()}]);
        kubectl(&["replace", "--raw", &path, "-f", "-"], &pod.to_string())
            .status
            .success()
    });
    assert_eq!(
        names(&ground.get(&["pod", "before"]), "ephemeralContainers"),
        ["proxy-debug"]
    );
}
