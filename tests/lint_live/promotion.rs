//! What acts on `kubectl-sidecar/sidecars` in a cluster, and what could not be seen of it.

use serde_json::{Value, json};

use super::{Fault, Listing, Run, Script, app, lint, owned_by};

const RULE: &str = "shop/deployment/web unsupported-sidecar-type";

/// A Deployment whose annotation declares its proxy, in a cluster with these policies and bindings.
fn declared(policies: &[Value], bindings: &[Value]) -> Script {
    let template = json!({"metadata": {"labels": {"app": "x"}, "annotations": {"kubectl-sidecar/sidecars": "proxy"}},
        "spec": {"containers": [app(), {"name": "proxy", "image": "registry.example.com/proxy:1"}]}});
    Script::default()
        .with(
            "deployments",
            [json!({"metadata": {"name": "web"}, "spec": {"template": template}})],
        )
        .with("mutatingadmissionpolicies", policies.iter().cloned())
        .with("mutatingadmissionpolicybindings", bindings.iter().cloned())
}

fn policy() -> Value {
    json!({"metadata": {"name": "promote"}, "spec": {
        "variables": [{"name": "declared", "expression": "object.metadata.annotations['kubectl-sidecar/sidecars']"}]}})
}

fn bound_to(selector: &Value) -> Value {
    json!({"metadata": {"name": "promote"},
        "spec": {"policyName": "promote", "matchResources": {"namespaceSelector": selector}}})
}

fn messages(run: &Run) -> Vec<String> {
    let report = run.json();
    let findings = report["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|finding| finding["message"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_declaration_that_no_policy_acts_on_is_found() {
    let elsewhere = bound_to(&json!({"matchLabels": {"kubernetes.io/metadata.name": "bank"}}));
    for (name, script, reason) in [
        (
            "none",
            declared(&[], &[]),
            "no admission policy of the cluster acts on kubectl-sidecar/sidecars",
        ),
        (
            "unbound",
            declared(&[policy()], &[]),
            "the cluster has no binding of the admission policy that acts on kubectl-sidecar/sidecars",
        ),
        (
            "elsewhere",
            declared(&[policy()], &[elsewhere]),
            "no admission policy that is bound to this namespace acts on kubectl-sidecar/sidecars",
        ),
    ] {
        let run = lint(script, name, &[]);
        assert_eq!(run.findings(), [RULE]);
        assert_eq!(
            messages(&run),
            [format!("proxy is an ordinary container: {reason}")]
        );
        assert_eq!(run.json()["findings"][0]["fix"]["class"], "manual");
        assert_eq!(run.unseen(), Vec::<String>::new());
    }
}

#[test]
fn a_policy_that_reaches_the_namespace_is_enough() {
    let all = json!({"metadata": {"name": "all"}, "spec": {"policyName": "promote"}});
    let server = Listing::start(declared(&[policy()], &[all]));
    let run = server.lint("reaches", &["-o", "json"]);
    assert_eq!(run.findings(), Vec::<String>::new());
    assert_eq!(run.code, Some(0), "{run:?}");
    // Labels are asked for where a binding does.
    let namespaces = |server: &Listing| {
        let asked = server.requests().into_iter();
        asked.filter(|target| target == "/api/v1/namespaces/shop").count()
    };
    assert_eq!(namespaces(&server), 0);
    let bindings = [bound_to(&json!({"matchLabels": {"team": "a"}}))];
    for (team, findings) in [("a", &[][..]), ("b", &[RULE])] {
        let namespace = json!({"metadata": {"name": "shop", "labels": {"team": team}}});
        let script = declared(&[policy()], &bindings).with("namespaces", [namespace]);
        let server = Listing::start(script);
        let run = server.lint("labels", &["-o", "json"]);
        assert_eq!(run.findings(), findings, "{team}");
        assert_eq!(namespaces(&server), 1);
    }
}

#[test]
fn what_may_not_be_read_is_not_seen_and_never_missing() {
    let bindings = [bound_to(&json!({"matchLabels": {"team": "a"}}))];
    for (target, what) in [
        ("mutatingadmissionpolicies", "mutatingadmissionpolicies: "),
        ("mutatingadmissionpolicybindings", "mutatingadmissionpolicies: "),
        ("/namespaces/shop", "namespace/shop: "),
    ] {
        let mut script = declared(&[policy()], &bindings);
        // The object is found in all namespaces, whose lists are other targets.
        script = script.fault(target, Fault::Status(403, None), 99);
        let run = lint(script, "refused", &["-A"]);
        assert_eq!(run.findings(), Vec::<String>::new(), "{target}");
        assert_eq!(run.code, Some(3));
        let unseen = run.unseen();
        assert_eq!(unseen.len(), 1, "{unseen:?}");
        assert!(unseen[0].starts_with(what), "{unseen:?}");
        assert!(
            unseen[0].ends_with("whether a policy acts on kubectl-sidecar/sidecars was not seen"),
            "{unseen:?}"
        );
    }
}

#[test]
fn nothing_is_asked_where_nothing_is_declared_or_a_version_is_given() {
    let is_asked = |server: &Listing| {
        let mut targets = server.requests().into_iter();
        targets.any(|target| target.contains("admissionregistration"))
    };
    let server = Listing::start(super::two_jobs());
    server.lint("undeclared", &["-o", "json"]);
    assert!(!is_asked(&server));
    let server = Listing::start(declared(&[], &[]));
    let run = server.lint("version", &["-o", "json", "--kubernetes-version", "1.30"]);
    assert_eq!(
        messages(&run),
        [
            "proxy is an ordinary container: Kubernetes 1.30 has no stable admission policies that could act on kubectl-sidecar/sidecars"
        ]
    );
    assert!(!is_asked(&server));
}

#[test]
fn the_api_server_decides_and_not_its_kubelets() {
    let all = json!({"metadata": {"name": "all"}, "spec": {"policyName": "promote"}});
    let script = Script {
        kubelets: vec!["v1.35.0"],
        ..declared(&[policy()], &[all])
    };
    let run = lint(script, "old-kubelets", &[]);
    assert_eq!(run.findings(), Vec::<String>::new());
}

#[test]
fn a_promoted_pod_is_declared_well() {
    let promoted = json!({"metadata": {"name": "alone", "annotations":
            {"kubectl-sidecar/sidecars": "proxy", "kubectl-sidecar/promoted": "proxy"}},
        "spec": {"containers": [app()], "initContainers": [
            {"name": "proxy", "image": "registry.example.com/proxy:1", "restartPolicy": "Always"}]}});
    let run = lint(
        Script::default().with("pods", [promoted.clone()]),
        "promoted",
        &[],
    );
    assert_eq!(run.findings(), Vec::<String>::new());
    // As a manifest would declare it twice.
    let mut twice = promoted;
    twice["metadata"]["annotations"]
        .as_object_mut()
        .unwrap()
        .remove("kubectl-sidecar/promoted");
    let run = lint(Script::default().with("pods", [twice]), "twice", &[]);
    assert_eq!(run.findings(), ["shop/pod/alone misdeclared-sidecar"]);
}

#[test]
fn pods_that_were_promoted_by_a_policy_that_is_gone() {
    let mut set = json!({"metadata": {"name": "web-1"}, "spec": {"template":
        declared(&[], &[]).objects["deployments"][0]["spec"]["template"]}});
    set["metadata"]["ownerReferences"] = owned_by("Deployment", "web");
    let mut pod = json!({"metadata": {"name": "web-1-a", "annotations":
            {"kubectl-sidecar/sidecars": "proxy", "kubectl-sidecar/promoted": "proxy"}},
        "spec": {"containers": [app()], "initContainers": [
            {"name": "proxy", "image": "registry.example.com/proxy:1", "restartPolicy": "Always"}]}});
    pod["metadata"]["ownerReferences"] = owned_by("ReplicaSet", "web-1");
    let gone = declared(&[], &[])
        .with("replicasets", [set.clone()])
        .with("pods", [pod.clone()]);
    let run = lint(gone, "gone", &[]);
    assert_eq!(run.findings(), [RULE], "the next pods will be plain");
    // Something else that promotes, and says nothing of the annotation, may still be there.
    pod["metadata"]["annotations"]
        .as_object_mut()
        .unwrap()
        .remove("kubectl-sidecar/promoted");
    let another = declared(&[], &[]).with("replicasets", [set]).with("pods", [pod]);
    let run = lint(another, "another", &[]);
    assert_eq!(run.findings(), Vec::<String>::new());
}

/// Those too that no pod runs of, such as a CronJob between its runs.
#[test]
fn who_relies_on_a_promotion_is_named_before_it_goes() {
    let managed = |object: Value| {
        let mut object = object;
        object["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "kubectl-sidecar"});
        object
    };
    let annotations = json!({"kubectl-sidecar/sidecars": "proxy"});
    let pod = json!({"metadata": {"annotations": annotations}, "spec": {"containers": [app()]}});
    let script = declared(&[managed(policy())], &[managed(bound_to(&json!({})))]).with(
        "cronjobs",
        [json!({"metadata": {"name": "nightly"}, "spec": {"jobTemplate": {"spec": {"template": pod}}}})],
    );
    let server = Listing::start(script);
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .args(["policy", "remove"])
        .env("KUBECONFIG", server.kubeconfig("relies", "http", &json!({})))
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(
        said.contains("2 workloads rely on it, and new pods of theirs will have ordinary containers: shop/cronjob/nightly, shop/deployment/web"),
        "{said}"
    );
}
