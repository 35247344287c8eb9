//! Sidecars that the pod's annotation declares, with a policy that promotes them and without one.

use kubectl_sidecar::trace::verdict::Outcome::{Proved, Violated};
use serde_json::json;

use super::bench::Bench;

const PROMOTED: &str = "{restartPolicy: Never, initContainers: [{name: setup},
    {name: proxy, restartPolicy: Always, startupProbe: {exec: {}}, readinessProbe: {exec: {}}},
    {name: shipper, restartPolicy: Always}], containers: [{name: app}]}";

const LEFT: &str = "{restartPolicy: Never, initContainers: [{name: setup}],
    containers: [{name: proxy, readinessProbe: {exec: {}}}, {name: app}, {name: shipper}]}";

#[test]
fn a_promoted_pod_is_judged_as_native() {
    let mut pod = Bench::new(PROMOTED).annotated(json!({
        "kubectl-sidecar/sidecars": "shipper, proxy",
        "kubectl-sidecar/promoted": "proxy,shipper",
    }));
    pod.state("Pending", &[("setup", "run@1")])
        .state("Pending", &[("setup", "end@1-2=0"), ("proxy", "run-@3")])
        .state("Pending", &[("setup", "end@1-2=0"), ("proxy", "run@3")])
        .state(
            "Running",
            &[
                ("setup", "end@1-2=0"),
                ("proxy", "run@3"),
                ("shipper", "run@6"),
                ("app", "run@7"),
            ],
        )
        .state(
            "Succeeded",
            &[
                ("setup", "end@1-2=0"),
                ("proxy", "end@3-20=0"),
                ("shipper", "end@6-15=0"),
                ("app", "end@7-10=0"),
            ],
        );
    pod.is(
        "start-order",
        &[("setup", "proxy"), ("proxy", "shipper"), ("shipper", "app")],
        Proved,
    )
    .is(
        "stop-order",
        &[("app", "proxy"), ("app", "shipper"), ("shipper", "proxy")],
        Proved,
    )
    .is("promotion", &[("proxy", ""), ("shipper", "")], Proved)
    .is("phase", &[("", "")], Proved);
    let verdict = pod.verdict("start-order", "proxy", "shipper");
    assert!(verdict.basis.contains("native sidecars"), "{}", verdict.basis);
}

#[test]
fn a_pod_that_nobody_promoted_is_judged_by_what_it_declares() {
    let mut pod = Bench::new(LEFT).annotated(json!({"kubectl-sidecar/sidecars": "shipper,proxy,daprd"}));
    pod.state("Pending", &[("setup", "run@1")])
        .state(
            "Running",
            &[
                ("setup", "end@1-2=0"),
                ("proxy", "run?@3"),
                ("app", "run@4"),
                ("shipper", "run@4"),
            ],
        )
        .state(
            "Running",
            &[
                ("setup", "end@1-2=0"),
                ("proxy", "run?@3"),
                ("app", "run@4"),
                ("shipper", "end@4-5=0"),
            ],
        )
        .state(
            "Running",
            &[
                ("setup", "end@1-2=0"),
                ("proxy", "run@3"),
                ("app", "end@4-9=0"),
                ("shipper", "end@4-5=0"),
            ],
        )
        .delete(12, 30)
        .gone(
            "Succeeded",
            &[
                ("setup", "end@1-2=0"),
                ("proxy", "end@3-13=0"),
                ("app", "end@4-9=0"),
                ("shipper", "end@4-5=0"),
            ],
        );
    pod.is("promotion", &[("proxy", ""), ("shipper", "")], Violated)
        .is("start-order", &[("setup", "proxy")], Proved)
        .is("start-order", &[("proxy", "app")], Violated)
        .is("stop-order", &[("app", "shipper")], Violated);
    let missed = pod.verdict("promotion", "proxy", "");
    assert!(
        missed.reason.contains("no admission policy has promoted it"),
        "{}",
        missed.reason
    );
    assert!(missed.suggestion.unwrap().contains("policy promote"));
    let pair = pod.verdict("start-order", "proxy", "app");
    assert!(
        pair.basis.contains("no admission policy acted on"),
        "{}",
        pair.basis
    );
    // Whoever is not in the pod promises nothing.
    assert!(
        pod.verdicts()
            .iter()
            .all(|verdict| verdict.before.as_deref() != Some("daprd"))
    );
}

#[test]
fn a_pod_without_the_annotation_says_nothing_of_promotion() {
    let mut pod = Bench::new(LEFT);
    pod.state(
        "Running",
        &[
            ("setup", "end@1-2=0"),
            ("proxy", "run@3"),
            ("app", "run@4"),
            ("shipper", "run@4"),
        ],
    );
    assert!(pod.verdicts().iter().all(|verdict| verdict.rule != "promotion"));
}
