//! What lint and migrate make of an injected proxy rests on the version of its injector, Kubernetes' and the pod's switch.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code outside of test functions"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

const JOBS: [(&str, &str, &str); 5] = [
    ("istio", "labels", "sidecar.istio.io/inject: \"true\""),
    ("linkerd", "annotations", "linkerd.io/inject: enabled"),
    ("dapr", "annotations", "dapr.io/enabled: \"true\""),
    (
        "consul",
        "annotations",
        "consul.hashicorp.com/connect-inject: \"true\"",
    ),
    ("kuma", "labels", "kuma.io/sidecar-injection: enabled"),
];

/// A folder of its own, without what an earlier run left there.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join("meshes")
        .join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("an old folder");
    }
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("the program")
}

/// A Job with what asks for its injection, and other annotations.
fn job(injector: &str, more: &str) -> String {
    let (_, place, mark) = JOBS
        .iter()
        .find(|(name, ..)| *name == injector)
        .expect("one of them");
    let (labels, annotations) = match *place {
        "labels" => (*mark, ""),
        _ => ("a: b", *mark),
    };
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: report}}\nspec:\n  template:\n    metadata:\n      labels: {{{labels}}}\n      annotations:\n        x: y\n        {annotations}\n        {more}\n    spec:\n      restartPolicy: Never\n      containers: [{{name: report, image: \"example.com/report:1\", command: [/report]}}]\n"
    )
}

/// The severities and messages of `job-never-completes`.
fn never_completes(name: &str, manifest: &str, arguments: &[&str]) -> Vec<(String, String)> {
    let folder = folder(name);
    fs::write(folder.join("job.yaml"), manifest).expect("a manifest");
    let mut all = vec!["lint", "-q", "-o", "json", "job.yaml"];
    all.extend(arguments);
    let output = run(&folder, &all);
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    let findings = report["findings"].as_array().expect("findings");
    findings
        .iter()
        .filter(|finding| finding["rule"] == "job-never-completes")
        .map(|finding| {
            let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
            (text("severity"), text("message"))
        })
        .collect()
}

#[test]
fn the_version_decides_whether_a_job_hangs() {
    for (at, (injector, more, arguments, expected)) in [
        (
            "istio",
            "",
            "",
            Some(("warning", "in Istio before 1.27, or where")),
        ),
        ("istio", "", "--mesh istio=1.27 --kubernetes-version 1.33", None),
        (
            "istio",
            "",
            "--mesh istio=v1.28.1 --kubernetes-version 1.34",
            None,
        ),
        (
            "istio",
            "",
            "--mesh istio=1.27 --kubernetes-version 1.32",
            Some(("warning", "kubelet is older than 1.33")),
        ),
        (
            "istio",
            "",
            "--mesh istio=1.27",
            Some(("info", "kubelet is older than 1.33")),
        ),
        (
            "istio",
            "",
            "--mesh istio=1.26 --kubernetes-version 1.34",
            Some(("warning", "in Istio before 1.27, ")),
        ),
        (
            "istio",
            "",
            "--mesh istio=1.18",
            Some(("warning", "nothing here ends it: Job report")),
        ),
        ("istio", "sidecar.istio.io/nativeSidecar: \"true\"", "", None),
        (
            "istio",
            "sidecar.istio.io/nativeSidecar: \"true\"",
            "--mesh istio=1.24",
            None,
        ),
        (
            "istio",
            "sidecar.istio.io/nativeSidecar: \"true\"",
            "--mesh istio=1.20",
            Some(("warning", "Job report never")),
        ),
        (
            "istio",
            "sidecar.istio.io/nativeSidecar: \"false\"",
            "--mesh istio=1.27 --kubernetes-version 1.34",
            Some(("warning", "nothing here ends it: Job report")),
        ),
        (
            "linkerd",
            "",
            "",
            Some(("warning", "in Linkerd before 2.20 (edge-26.5.2), ")),
        ),
        ("linkerd", "", "--mesh linkerd=edge-26.6.1", None),
        ("linkerd", "", "--mesh linkerd=2.20.1", None),
        (
            "linkerd",
            "",
            "--mesh linkerd=stable-2.14.10",
            Some(("warning", "nothing here ends it: Job report")),
        ),
        (
            "linkerd",
            "config.alpha.linkerd.io/proxy-enable-native-sidecar: \"true\"",
            "--mesh linkerd=edge-25.4.1",
            None,
        ),
        (
            "linkerd",
            "config.linkerd.io/proxy-enable-native-sidecar: \"true\"",
            "--mesh linkerd=edge-25.4.1",
            Some(("warning", "Job report never")),
        ),
        (
            "dapr",
            "",
            "--mesh dapr=1.18",
            Some(("warning", "unless dapr_sidecar_injector.nativeSidecar is on")),
        ),
        ("dapr", "dapr.io/enable-native-sidecar: \"true\"", "", None),
        (
            "dapr",
            "dapr.io/enable-native-sidecar: \"true\"",
            "--mesh dapr=1.18.2",
            None,
        ),
        (
            "dapr",
            "dapr.io/enable-native-sidecar: \"true\"",
            "--mesh dapr=1.17",
            Some(("warning", "Job report never")),
        ),
        (
            "consul",
            "consul.hashicorp.com/enable-consul-dataplane-as-sidecar: \"true\"",
            "",
            None,
        ),
        ("kuma", "", "--mesh kuma=2.14.2", None),
        (
            "kuma",
            "",
            "--mesh kuma=2.12.0",
            Some(("warning", "in Kuma before 2.14.0, ")),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let found = never_completes(&format!("hangs-{at}"), &job(injector, more), &arguments);
        match (expected, found.as_slice()) {
            (None, []) => {}
            (Some((severity, part)), [(own, message)]) => {
                assert_eq!(own, severity, "{injector} {arguments:?}");
                assert!(message.contains(part), "{injector} {arguments:?}: {message}");
            }
            _ => panic!("{injector} {more} {arguments:?}: {found:?}, expected {expected:?}"),
        }
    }
}

#[test]
fn the_configuration_names_versions_too() {
    let folder = folder("configuration");
    fs::write(folder.join("job.yaml"), job("linkerd", "")).expect("a manifest");
    fs::write(
        folder.join(".kubectl-sidecar.yaml"),
        "meshes: {istio: 1.27, linkerd: edge-26.5.2}\n",
    )
    .expect("a configuration");
    let clean = run(&folder, &["lint", "job.yaml"]);
    assert_eq!(
        clean.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&clean.stdout)
    );
    let older = run(&folder, &["lint", "--mesh", "linkerd=2.15", "job.yaml"]);
    assert_eq!(older.status.code(), Some(1));
}

#[test]
fn what_is_no_version_is_a_clear_error() {
    let folder = folder("errors");
    fs::write(folder.join("job.yaml"), job("istio", "")).expect("a manifest");
    for command in ["lint", "migrate"] {
        for (mesh, expected) in [
            ("istio=latest", "\"latest\" is no version of Istio such as 1.27"),
            (
                "istoi=1.27",
                "no injector of sidecars called \"istoi\" is known; these are: istio, linkerd, dapr, consul",
            ),
            ("istio", "names no version"),
        ] {
            let output = run(&folder, &[command, "--mesh", mesh, "job.yaml"]);
            assert_eq!(output.status.code(), Some(2), "{command} {mesh}");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(said.contains(expected), "{command} {mesh}: {said}");
        }
    }
    fs::write(
        folder.join(".kubectl-sidecar.yaml"),
        "kubernetesVersion: 1.33\nmeshes:\n  dapr: edge\n",
    )
    .expect("a configuration");
    let output = run(&folder, &["lint", "job.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains(".kubectl-sidecar.yaml:3:9: \"edge\" is no version of Dapr such as 1.18"),
        "{said}"
    );
}

#[test]
fn migrate_sets_the_name_that_a_version_reads() {
    for (at, (injector, arguments, expected)) in [
        (
            "linkerd",
            "--review",
            Some("config.linkerd.io/proxy-enable-native-sidecar: \"true\""),
        ),
        (
            "linkerd",
            "--review --mesh linkerd=edge-25.4.1",
            Some("config.alpha.linkerd.io/proxy-enable-native-sidecar: \"true\""),
        ),
        (
            "linkerd",
            "--review --mesh linkerd=2.19",
            Some("config.beta.linkerd.io/proxy-enable-native-sidecar: \"true\""),
        ),
        ("linkerd", "--review --mesh linkerd=2.14", None),
        ("linkerd", "--review --mesh linkerd=2.20", None),
        ("istio", "--review --mesh istio=1.20", None),
        (
            "istio",
            "--review --mesh istio=1.25",
            Some("sidecar.istio.io/nativeSidecar: \"true\""),
        ),
        ("istio", "--mesh istio=1.25", None),
        ("dapr", "--review", None),
        (
            "dapr",
            "--review --mesh dapr=1.18",
            Some("dapr.io/enable-native-sidecar: \"true\""),
        ),
        (
            "consul",
            "--review --mesh consul=1.9.1",
            Some("consul.hashicorp.com/enable-consul-dataplane-as-sidecar: \"true\""),
        ),
        ("kuma", "--review --mesh kuma=2.13.0", None),
    ]
    .into_iter()
    .enumerate()
    {
        let folder = folder(&format!("switch-{at}"));
        let manifest = job(injector, "");
        fs::write(folder.join("job.yaml"), &manifest).expect("a manifest");
        let mut all = vec!["migrate", "--target", "native", "-o", "yaml", "job.yaml"];
        all.extend(arguments.split_whitespace());
        let output = run(&folder, &all);
        let text = String::from_utf8(output.stdout).expect("text");
        match expected {
            Some(expected) => assert!(text.contains(expected), "{injector} {arguments}: {text}"),
            None => assert_eq!(text, manifest, "{injector} {arguments}"),
        }
    }
}

#[test]
fn what_a_version_proves_needs_no_review() {
    let folder = folder("proved");
    let manifest = job(
        "istio",
        "proxy.istio.io/config: '{\"holdApplicationUntilProxyStarts\": true, \"concurrency\": 2}'",
    );
    fs::write(folder.join("job.yaml"), &manifest).expect("a manifest");
    let arguments = ["migrate", "--target", "native", "-o", "yaml", "job.yaml"];
    let unknown = run(&folder, &arguments);
    assert_eq!(String::from_utf8_lossy(&unknown.stdout), manifest);
    let mut known = arguments.to_vec();
    known.extend(["--mesh", "istio=1.27", "--kubernetes-version", "1.33"]);
    let known = run(&folder, &known);
    let text = String::from_utf8_lossy(&known.stdout).into_owned();
    assert!(text.contains("'{\"concurrency\": 2}'"), "{text}");
    assert!(!text.contains("nativeSidecar"), "{text}");
}
