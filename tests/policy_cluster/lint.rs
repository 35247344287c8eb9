//! What `lint` says of declarations, with and without a policy that acts on them.

use std::path::Path;

use serde_json::{Value, json};

use super::{Ground, kubectl, pod, sidecar, succeeded, text};

impl Ground {
    /// The findings and what was not seen, a line each.
    fn lint(&self, arguments: &[&str]) -> Vec<String> {
        let mut all = vec!["lint", "--no-config", "-o", "json", "-n", &self.name];
        all.extend(arguments);
        let output = sidecar(&all);
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
        let lines = |list: &str| report[list].as_array().cloned().unwrap_or_default();
        lines("findings")
            .iter()
            .chain(&lines("errors"))
            .map(|one| {
                let file = one["file"].as_str().unwrap();
                format!(
                    "{}: {}",
                    file.trim_start_matches(&format!("{}/", self.name)),
                    one["message"].as_str().unwrap()
                )
            })
            .collect()
    }

    fn removes(&self, kind: &str, policy: &str) {
        succeeded(kubectl(&["delete", kind, policy], ""));
    }
}

/// A Deployment whose annotation declares `proxy`.
fn declared() -> Value {
    let pod = pod("x", "proxy", &["app", "proxy"]);
    let mut metadata = pod["metadata"].clone();
    metadata.as_object_mut().unwrap().remove("name");
    metadata["labels"] = json!({"app": "web"});
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {
        "replicas": 1, "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": metadata, "spec": pod["spec"]}}})
}

/// Other tests install policies for their namespaces meanwhile: there may be some, and none for this one.
#[track_caller]
fn assert_ignored(found: &[String]) {
    let reasons = [
        "no admission policy of the cluster acts on",
        "the cluster has no binding of the admission policy that acts on",
        "no admission policy that is bound to this namespace acts on",
    ]
    .map(|reason| {
        format!("deployment/web: proxy is an ordinary container: {reason} kubectl-sidecar/sidecars")
    });
    assert!(matches!(found, [only] if reasons.contains(only)), "{found:#?}");
}

#[test]
fn a_declaration_is_found_until_a_policy_reaches_its_namespace() {
    let Some(mut ground) = Ground::new("lint") else {
        return;
    };
    ground.create(&declared());
    assert_ignored(&ground.lint(&[]));
    ground.promote("lint", &[]);
    succeeded(ground.kubectl(&["rollout", "restart", "deployment/web"], ""));
    let promoted = |pods: &Value| {
        pods["items"].as_array().is_some_and(|items| {
            let is_promoted = |pod: &Value| pod["spec"]["initContainers"][0]["name"] == "proxy";
            items.iter().any(is_promoted)
        })
    };
    ground.wait(&["pods", "-l", "app=web"], promoted);
    assert_eq!(ground.lint(&[]), Vec::<String>::new());
    let policy = ground.policies[0].clone();
    ground.removes("mutatingadmissionpolicybinding", &policy);
    // Its pods are still promoted ones; the next will be plain.
    assert_ignored(&ground.lint(&[]));
    ground.removes("mutatingadmissionpolicy", &policy);
    assert_ignored(&ground.lint(&[]));
}

#[test]
fn policies_are_read_with_the_rights_that_are_asked_for() {
    let Some(mut ground) = Ground::new("reads") else {
        return;
    };
    ground.create(&declared());
    succeeded(kubectl(
        &[
            "label",
            "namespace",
            &ground.name,
            &format!("team={}", ground.name),
        ],
        "",
    ));
    let team = format!("team={}", ground.name);
    ground.promote("reads", &["--namespace-selector", &team]);
    let rights =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rbac.yaml")).unwrap();
    let user = format!("system:serviceaccount:{0}:{0}", ground.name);
    let not_seen = |found: &[String], what: &str| {
        let is_said = |only: &String| {
            only.starts_with(what)
                && only.contains("forbidden")
                && only.ends_with("whether a policy acts on kubectl-sidecar/sidecars was not seen")
        };
        matches!(found, [only] if is_said(only))
    };
    let policies = "resources: [mutatingadmissionpolicies, mutatingadmissionpolicybindings]";
    let namespace = format!("namespace/{}: ", ground.name);
    // Each without some of the rights.
    for (taken, what) in [
        (None, ""),
        (Some(policies), "mutatingadmissionpolicies: "),
        (Some("resources: [namespaces]"), namespace.as_str()),
    ] {
        let own = taken.map_or(rights.clone(), |taken| {
            rights.replace(taken, "resources: [nothing]")
        });
        assert_eq!(own == rights, taken.is_none());
        let own = own
            .replace("name: kubectl-sidecar-lint", &format!("name: {}", ground.name))
            .replace("namespace: default", &format!("namespace: {}", ground.name));
        succeeded(kubectl(&["apply", "-f", "-"], &own));
        // Rights count a moment after they are stored.
        ground.until(&format!("{what:?} is all that is said"), || {
            let found = ground.lint(&["--as", &user]);
            match taken {
                None => found.is_empty(),
                Some(_) => not_seen(&found, what),
            }
        });
    }
    kubectl(&["delete", "clusterrole,clusterrolebinding", &ground.name], "");
}
