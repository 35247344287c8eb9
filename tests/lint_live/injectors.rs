//! The version of an injector is read from its own Deployment, where that is listed.

use serde_json::{Value, json};

use super::{Fault, Run, Script, app, lint};

/// A Job in Istio's mesh without a workaround, beside a Deployment of istiod.
fn meshed(image: &str, env: &Value) -> Script {
    let template = json!({"metadata": {"labels": {"sidecar.istio.io/inject": "true"}},
        "spec": {"restartPolicy": "Never", "containers": [app()]}});
    let istiod = json!({"metadata": {"name": "istiod"}, "spec": {"template": {
        "metadata": {"labels": {"app": "istiod"}},
        "spec": {"containers": [{"name": "discovery", "image": image, "args": ["discovery"], "env": env}]}}}});
    Script::default()
        .with(
            "jobs",
            [json!({"metadata": {"name": "report"}, "spec": {"template": template}})],
        )
        .with("deployments", [istiod])
}

const HANGS: &str = "shop/job/report job-never-completes";

fn hangs(run: &Run) -> bool {
    run.findings().iter().any(|finding| finding == HANGS)
}

#[test]
fn a_version_that_injects_natively_leaves_nothing_to_say() {
    let none = json!([]);
    for (name, image, env, expected) in [
        ("new", "docker.io/istio/pilot:1.27.1-distroless", &none, false),
        ("old", "docker.io/istio/pilot:1.26.0", &none, true),
        ("digest", "docker.io/istio/pilot@sha256:00", &none, true),
        ("other", "example.com/discovery:1.27.0", &none, true),
        (
            "off",
            "istio/pilot:1.28.0",
            &json!([{"name": "ENABLE_NATIVE_SIDECARS", "value": "false"}]),
            true,
        ),
        (
            "on",
            "istio/pilot:1.24.0",
            &json!([{"name": "ENABLE_NATIVE_SIDECARS", "value": "true"}]),
            false,
        ),
    ] {
        let run = lint(meshed(image, env), &format!("injector-{name}"), &[]);
        assert_eq!(hangs(&run), expected, "{name}: {}", run.out);
    }
}

#[test]
fn the_user_goes_before_the_cluster_and_old_nodes_count() {
    let image = "istio/pilot:1.27.1";
    let run = lint(
        meshed(image, &json!([])),
        "injector-said",
        &["--mesh", "istio=1.26"],
    );
    assert!(hangs(&run), "{}", run.out);
    let mut script = meshed(image, &json!([]));
    script.kubelets = vec!["v1.37.2", "v1.32.4"];
    assert!(hangs(&lint(script, "injector-nodes", &[])));
}

#[test]
fn a_list_that_is_refused_says_nothing_of_versions() {
    let script =
        meshed("istio/pilot:1.27.1", &json!([])).fault("deployments", Fault::Status(403, None), usize::MAX);
    assert!(hangs(&lint(script, "injector-refused", &[])));
}
