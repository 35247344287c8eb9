//! Rows B: restarts and probes.

use kubectl_sidecar::trace::{
    fact::What,
    verdict::Outcome::{Consistent, NotApplicable, Proved, Violated},
};

use super::bench::{Bench, ONE_SIDECAR, PROBED};

#[test]
fn b1_a_sidecar_runs_on_and_the_pod_succeeds() {
    let mut pod = Bench::new(ONE_SIDECAR);
    pod.state("Pending", &[("s1", "run@1")])
        .state("Running", &[("s1", "run@1"), ("r1", "run@2")])
        .state("Running", &[("s1", "run@1"), ("r1", "end@2-3=0")])
        .state("Succeeded", &[("s1", "end@1-4=143"), ("r1", "end@2-3=0")]);
    pod.is("start-order", &[("s1", "r1")], Proved);
    pod.is("stop-order", &[("r1", "s1")], Proved);
    pod.is("phase", &[("", "")], Proved);
    assert_eq!(pod.told("s1", What::Restarting), 0);
}

#[test]
fn b2_an_updated_sidecar_restarts_alone() {
    let mut pod = Bench::new(
        "{restartPolicy: Never, initContainers: [{name: s1, restartPolicy: Always}, {name: s2, restartPolicy: Always}], containers: [{name: r1}]}",
    );
    pod.state("Pending", &[("s1", "run@1")])
        .state("Pending", &[("s1", "run@1"), ("s2", "run@2")])
        .state("Running", &[("s1", "run@1"), ("s2", "run@2"), ("r1", "run@3")])
        .state(
            "Running",
            &[("s1", "end@1-9=0"), ("s2", "run@2"), ("r1", "run@3")],
        )
        .state("Running", &[("s1", "run@10#1"), ("s2", "run@2"), ("r1", "run@3")]);
    pod.is("start-order", &[("s1", "s2"), ("s2", "r1")], Proved);
    pod.is("restart-isolation", &[("s1", "r1")], Proved);
    assert_eq!(
        pod.told("s2", What::Restarting) + pod.told("r1", What::Restarting),
        0
    );
}

#[test]
fn b3_a_sidecar_restarts_before_and_after_the_app_s_start() {
    let mut pod = Bench::new(
        "{restartPolicy: Never, initContainers: [{name: s1, restartPolicy: Always}, {name: i1}], containers: [{name: r1}]}",
    );
    pod.state("Pending", &[("s1", "run@1")])
        .state("Pending", &[("s1", "run@1"), ("i1", "run@2")])
        .state("Pending", &[("s1", "run@7#1"), ("i1", "run@2")])
        .state("Pending", &[("s1", "run@7#1"), ("i1", "end@2-8=0")])
        .state(
            "Running",
            &[("s1", "run@7#1"), ("i1", "end@2-8=0"), ("r1", "run@9")],
        )
        .state(
            "Running",
            &[("s1", "run@13#2"), ("i1", "end@2-8=0"), ("r1", "run@9")],
        )
        .state(
            "Succeeded",
            &[("s1", "end@13-71=0#2"), ("i1", "end@2-8=0"), ("r1", "end@9-69=0")],
        );
    pod.is("start-order", &[("s1", "i1"), ("i1", "r1")], Proved);
    pod.is("stop-order", &[("r1", "s1")], Proved);
    pod.is("restart-isolation", &[("s1", "r1")], Proved);
    pod.is("phase", &[("", "")], Proved);
    assert_eq!(pod.told("s1", What::Restarting), 2);
}

#[test]
fn b4_a_failing_startup_probe_holds_the_app_back() {
    let mut pod = Bench::new(
        "{initContainers: [{name: s1, restartPolicy: Always, startupProbe: {exec: {}}, lifecycle: {preStop: {exec: {}}}}], containers: [{name: r1}]}",
    );
    pod.state("Pending", &[("s1", "run-@1")])
        .event("Killing", "s1", 6, 0)
        .state("Pending", &[("s1", "end@1-7=137")])
        .state("Pending", &[("s1", "run-@8#1")]);
    pod.is("start-order", &[("s1", "r1")], NotApplicable);
    assert_eq!(pod.told("s1", What::PreStop), 1);
    assert_eq!(pod.told("s1", What::Killed), 1);
    assert_eq!(pod.told("s1", What::GatePassed), 0);
}

#[test]
fn b5_a_failing_liveness_probe_gates_nothing() {
    let mut pod = Bench::new(
        "{initContainers: [{name: s1, restartPolicy: Always, lifecycle: {preStop: {exec: {}}}}], containers: [{name: r1}]}",
    );
    pod.state("Pending", &[("s1", "run@1")])
        .state("Running", &[("s1", "run@1"), ("r1", "run@2")])
        .event("Killing", "s1", 9, 0)
        .state("Running", &[("s1", "run@10#1"), ("r1", "run@2")]);
    pod.is("start-order", &[("s1", "r1")], Proved);
    pod.is("restart-isolation", &[("s1", "r1")], Proved);
    assert_eq!(pod.told("s1", What::PreStop), 1);
}

#[test]
fn b6_an_updated_sidecar_that_never_started() {
    let mut pod = Bench::new(PROBED);
    pod.state("Pending", &[("s1", "run@1")])
        .state("Pending", &[("s1", "run@1"), ("s2", "run-@2")])
        .state("Pending", &[("s1", "run@1"), ("s2", "run-@20#1")]);
    pod.is("start-order", &[("s1", "s2")], Proved);
    pod.is("start-order", &[("s2", "r1")], NotApplicable);
    assert_eq!(pod.told("s1", What::Restarting), 0);
}

#[test]
fn b7_an_updated_sidecar_whose_liveness_failed() {
    let mut pod = Bench::new(
        "{initContainers: [{name: s1, restartPolicy: Always}, {name: s2, restartPolicy: Always}], containers: [{name: r1}]}",
    );
    pod.state("Pending", &[("s1", "run@1")])
        .state("Pending", &[("s1", "run@1"), ("s2", "run@2")])
        .state("Running", &[("s1", "run@1"), ("s2", "run@2"), ("r1", "run@3")])
        .state(
            "Running",
            &[("s1", "run@1"), ("s2", "run@20#1"), ("r1", "run@21#1")],
        );
    pod.is("start-order", &[("s1", "s2"), ("s2", "r1")], Proved);
    pod.is("restart-isolation", &[("s2", "r1")], Consistent);
    assert_eq!(pod.told("s1", What::Restarting), 0);
}

#[test]
fn b8_a_regular_container_whose_probe_fails_is_stopped_with_its_hook() {
    let mut pod =
        Bench::new("{restartPolicy: Never, containers: [{name: r1, lifecycle: {preStop: {exec: {}}}}]}");
    pod.state("Running", &[("r1", "run@1")])
        .event("Killing", "r1", 5, 0)
        .state("Failed", &[("r1", "end@1-6=143")]);
    assert_eq!(pod.told("r1", What::PreStop), 1);
    assert_eq!(pod.told("r1", What::Exited), 1);
    assert!(pod.verdicts().is_empty());
}

#[test]
fn b9_readiness_may_change_while_a_pod_stops() {
    let mut pod = Bench::new(ONE_SIDECAR);
    pod.state("Pending", &[("s1", "run@1")])
        .state("Running", &[("s1", "run@1"), ("r1", "run@2")])
        .state("Running", &[("s1", "run@1"), ("r1", "run?@2")])
        .state("Running", &[("s1", "run@1"), ("r1", "run@2")]);
    pod.is("start-order", &[("s1", "r1")], Proved);
    assert_eq!(pod.told("r1", What::Ready), 1);
}

#[test]
fn b10_a_sidecar_is_not_restarted_while_the_app_stops() {
    let mut pod = Bench::new(ONE_SIDECAR);
    pod.state("Pending", &[("s1", "run@1")])
        .state("Running", &[("s1", "run@1"), ("r1", "run@2")])
        .delete(10, 60)
        .state("Running", &[("s1", "run@1"), ("r1", "run@2")])
        .gone("Failed", &[("s1", "end@1-15=1"), ("r1", "end@2-50=137")]);
    // It went first: the promise that it outlives the app was not kept.
    pod.is("stop-order", &[("r1", "s1")], Violated);
    let mut kept = Bench::new(ONE_SIDECAR);
    kept.state("Running", &[("s1", "run@1"), ("r1", "run@2")])
        .delete(10, 60)
        .gone("Failed", &[("s1", "end@1-52=0"), ("r1", "end@2-50=143")]);
    kept.is("stop-order", &[("r1", "s1")], Proved);
    assert_eq!(kept.told("s1", What::Restarting), 0);
}
