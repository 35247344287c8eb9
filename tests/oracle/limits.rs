//! What voids, contradicts or lacks a verdict, and what attach streams add.

use kubectl_sidecar::trace::{
    Evidence, Moment, SECOND,
    evidence::{Gap, NodeSeen},
    verdict::Outcome::{Conflict, Consistent, NotApplicable, Proved, Unknown, Violated},
};

use super::bench::{Bench, ONE_SIDECAR, REVERSE, ZERO, three_sidecars};

#[test]
fn deletion_without_grace_promises_nothing() {
    let mut pod = three_sidecars();
    let running = [("s1", "run@1"), ("s2", "run@2"), ("s3", "run@3"), ("r1", "run@4")];
    pod.delete(10, 0).gone("Running", &running);
    pod.is("stop-order", &REVERSE, NotApplicable);
}

#[test]
fn kubelets_before_1_29_promise_no_stop_order() {
    for (version, expected) in [("v1.28.9", NotApplicable), ("v1.29.0", Violated)] {
        let mut pod = three_sidecars();
        pod.give(Evidence::Node(NodeSeen {
            name: "node-1".to_owned(),
            kubelet_version: version.to_owned(),
        }));
        pod.state(
            "Succeeded",
            &[
                ("s1", "end@1-11=0"),
                ("s2", "end@2-12=0"),
                ("s3", "end@3-13=0"),
                ("r1", "end@4-14=0"),
            ],
        );
        pod.is("stop-order", &REVERSE, expected);
    }
}

#[test]
fn a_contradiction_is_a_conflict() {
    let mut pod = Bench::new(ONE_SIDECAR);
    pod.state("Running", &[("s1", "run@1"), ("r1", "run@2")])
        .state("Running", &[("s1", "run@1"), ("r1", "end@2-30=0")])
        .state("Succeeded", &[("s1", "end@1-20=0"), ("r1", "end@2-30=0")]);
    pod.is("stop-order", &[("r1", "s1")], Conflict);
    assert!(pod.verdict("stop-order", "r1", "s1").reason.contains("; but "));
}

#[test]
fn a_clock_that_was_set_decides_nothing() {
    let mut pod = Bench::new(ONE_SIDECAR);
    pod.state("Succeeded", &[("s1", "end@100-20=0"), ("r1", "end@102-30=0")]);
    pod.is("start-order", &[("s1", "r1")], Consistent);
    pod.is("stop-order", &[("r1", "s1")], Unknown);
}

#[test]
fn an_end_that_was_missed_is_unknown() {
    let mut pod = three_sidecars();
    pod.give(Evidence::Gap(Gap {
        noticed: Moment(ZERO * SECOND),
        resource: "pods".to_owned(),
        namespace: None,
        reason: "410".to_owned(),
    }));
    pod.give(Evidence::Vanished(kubectl_sidecar::trace::evidence::Vanished {
        noticed: Moment(ZERO * SECOND),
        uid: "u".to_owned(),
    }));
    pod.is("stop-order", &REVERSE, Unknown);
    assert!(pod.verdict("stop-order", "r1", "s1").reason.contains("gap"));
}

#[test]
fn attach_streams_decide_within_a_second_beyond_the_margin() {
    let stopped = [("s1", "end@1-20=0"), ("r1", "end@2-20=0")];
    for (app, sidecar, expected) in [
        (100, 700, Proved),
        (700, 100, Violated),
        (100, 249, Consistent),
        (249, 100, Consistent),
    ] {
        let mut pod = Bench::new(ONE_SIDECAR);
        pod.state("Running", &[("s1", "run@1"), ("r1", "run@2")])
            .event("Started", "r1", 2, 500)
            .attach("r1", 20, app)
            .attach("s1", 20, sidecar)
            .state("Succeeded", &stopped);
        pod.is("stop-order", &[("r1", "s1")], expected);
    }
    // A stream that ended in another second than the run is not its end.
    let mut early = Bench::new(ONE_SIDECAR);
    early
        .state("Running", &[("s1", "run@1"), ("r1", "run@2")])
        .event("Started", "r1", 2, 500)
        .attach("r1", 20, 500)
        .attach("s1", 12, 0)
        .state("Succeeded", &stopped);
    early.is("stop-order", &[("r1", "s1")], Consistent);
}
