//! Containers that a webhook adds: the real one of `../shared/cluster/injector`.

use serde_json::json;

use super::{Ground, assert_promoted, image, injector::Injector, names, pod};

#[test]
fn an_injected_container_is_promoted_whoever_comes_first() {
    let Some(mut ground) = Ground::new("injected") else {
        return;
    };
    let Some(_injector) = Injector::up() else { return };
    let daprd = json!({"name": "daprd", "image": image(), "command": ["sleep", "3600"],
        "readinessProbe": {"httpGet": {"port": 3500, "path": "/v1.0/healthz"}}});
    let injected = |sidecars: Option<&str>, containers: &[&str]| {
        let mut pod = pod("injected", sidecars.unwrap_or_default(), containers);
        pod["metadata"]["annotations"]["injector.test/container"] = json!(daprd.to_string());
        if sidecars.is_none() {
            pod["metadata"]["annotations"]
                .as_object_mut()
                .unwrap()
                .remove("kubectl-sidecar/sidecars");
        }
        pod
    };
    ground.until("the webhook is called", || {
        names(&ground.dry_run(&injected(None, &["app"])), "containers") == ["app", "daprd"]
    });
    // Before and after "injector" in the alphabet.
    for policy in ["a-first", "z-last"] {
        ground.promote(policy, &[]);
        let stored = ground.dry_run(&injected(Some("daprd"), &["app"]));
        assert_promoted(&stored, &["daprd"], &["app"]);
        // Its readiness waits for the app: no gate.
        assert!(stored["spec"]["initContainers"][0]["startupProbe"].is_null());
        // What the manifest holds is promoted in the first round, what the webhook adds in the second.
        let stored = ground.dry_run(&injected(Some("daprd,proxy"), &["proxy", "app"]));
        assert_promoted(&stored, &["proxy", "daprd"], &["app"]);
        let mut first = injected(Some("daprd,proxy"), &["proxy", "app"]);
        first["metadata"]["annotations"]["kubectl-sidecar/position"] = json!("first");
        first["spec"]["initContainers"] = json!([super::sleeper("setup")]);
        let stored = ground.dry_run(&first);
        assert_eq!(names(&stored, "initContainers"), ["proxy", "daprd", "setup"]);
        // Nobody named it.
        let stored = ground.dry_run(&injected(None, &["app"]));
        assert_eq!(names(&stored, "containers"), ["app", "daprd"]);
        ground.remove_policies();
        ground.until("the policy is forgotten", || {
            names(&ground.dry_run(&injected(Some("daprd"), &["app"])), "containers") == ["app", "daprd"]
        });
    }
    ground.promote("known", &["--known"]);
    let stored = ground.dry_run(&injected(None, &["app"]));
    assert_promoted(&stored, &["daprd"], &["app"]);
}
