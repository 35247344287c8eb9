//! `policy` and clusters that do not have what it needs: a loopback server with the answers of Kubernetes 1.34.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code"
)]

mod support;
#[path = "support/tell.rs"]
mod tell;

use std::process::Command;

use serde_json::{Value, json};
use support::{ApiServer, Script};

/// What 1.34 answers to who asks for its admission policies: mutating ones are in v1beta1, behind a gate that is off.
fn of_version(version: &str, resources: Option<&[&str]>) -> Script {
    let mut script = Script {
        // The server's namespace is that of its pods.
        pods: vec![
            json!({"type": "ADDED", "object": {"metadata": {"namespace": "shop", "uid": "1", "resourceVersion": "1"}}}),
        ],
        ..Script::default()
    };
    script.objects.insert(
        "/version".to_owned(),
        json!({"major": "1", "minor": "x", "gitVersion": version}),
    );
    if let Some(resources) = resources {
        let resources: Vec<Value> = resources.iter().map(|name| json!({"name": name})).collect();
        let list = json!({"kind": "APIResourceList", "groupVersion": "admissionregistration.k8s.io/v1", "resources": resources});
        script
            .objects
            .insert("/apis/admissionregistration.k8s.io/v1".to_owned(), list);
    }
    script
}

fn run(server: &ApiServer, name: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .arg("policy")
        .args(arguments)
        .env("KUBECONFIG", server.kubeconfig(name))
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

const OF_1_34: [&str; 5] = [
    "mutatingwebhookconfigurations",
    "validatingadmissionpolicies",
    "validatingadmissionpolicies/status",
    "validatingadmissionpolicybindings",
    "validatingwebhookconfigurations",
];

#[test]
fn promotion_says_what_1_34_lacks_and_what_does_the_same() {
    let server = ApiServer::start(of_version("v1.34.4", Some(&OF_1_34)));
    for (index, arguments) in [&["check"][..], &["install", "promote", "--yes"]]
        .iter()
        .enumerate()
    {
        let (code, _, error) = run(&server, &format!("policy-1.34-{index}"), arguments);
        assert_eq!(
            error,
            "error: Kubernetes 1.34 has no MutatingAdmissionPolicy in admissionregistration.k8s.io/v1, which came with 1.36; `kubectl sidecar migrate --target native` writes the same into manifests\n"
        );
        assert_eq!(code, Some(3));
    }
    // Nothing but questions was asked.
    assert!(
        server
            .requests()
            .iter()
            .all(|path| path == "/version" || path == "/apis/admissionregistration.k8s.io/v1")
    );
}

#[test]
fn a_guard_says_what_1_29_lacks() {
    let server = ApiServer::start(of_version("v1.29.0", None));
    let (code, _, error) = run(
        &server,
        "policy-1.29",
        &["install", "guard", "--select", "quit-endpoint", "--yes"],
    );
    assert_eq!(
        error,
        "error: Kubernetes 1.29 has no ValidatingAdmissionPolicy in admissionregistration.k8s.io/v1, which came with 1.30; `kubectl sidecar lint` finds the same in manifests and in the cluster\n"
    );
    assert_eq!(code, Some(3));
}

#[test]
fn what_is_printed_can_be_held_to_a_version() {
    let server = ApiServer::start(of_version("v1.37.0", None));
    let (code, printed, error) = run(
        &server,
        "policy-print",
        &["promote", "--kubernetes-version", "1.35"],
    );
    assert_eq!((code, printed.as_str()), (Some(2), ""));
    assert!(
        error.starts_with("error: Kubernetes 1.35 has no MutatingAdmissionPolicy in "),
        "{error}"
    );
    let (code, _, error) = run(
        &server,
        "policy-guard",
        &["guard", "--kubernetes-version", "1.29"],
    );
    assert_eq!(code, Some(2));
    assert!(
        error.starts_with("error: Kubernetes 1.29 has no ValidatingAdmissionPolicy in "),
        "{error}"
    );
    let (code, ..) = run(
        &server,
        "policy-new",
        &["promote", "--kubernetes-version", "1.36"],
    );
    assert_eq!(code, Some(0));
    assert!(server.requests().is_empty());
}
