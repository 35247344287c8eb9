//! Rows C: the order of stops.

use kubectl_sidecar::trace::{
    fact::What,
    verdict::Outcome::{NotApplicable, Proved, Violated},
};

use super::bench::{Bench, ONE_SIDECAR, REVERSE, short_grace, three_sidecars};

#[test]
fn c1_sidecars_stop_in_reverse_order_after_the_app() {
    let mut pod = three_sidecars();
    pod.state(
        "Succeeded",
        &[
            ("s1", "end@1-25=0"),
            ("s2", "end@2-20=0"),
            ("s3", "end@3-15=0"),
            ("r1", "end@4-10=0"),
        ],
    );
    pod.is("start-order", &[("s1", "s2"), ("s2", "s3"), ("s3", "r1")], Proved);
    pod.is("stop-order", &REVERSE, Proved);
    let mut broken = three_sidecars();
    broken.state(
        "Succeeded",
        &[
            ("s1", "end@1-15=0"),
            ("s2", "end@2-20=0"),
            ("s3", "end@3-25=0"),
            ("r1", "end@4-30=0"),
        ],
    );
    broken.is("stop-order", &REVERSE, Violated);
}

#[test]
fn a_turn_to_stop_is_told_when_it_comes() {
    let mut pod = Bench::new(ONE_SIDECAR);
    pod.state("Running", &[("s1", "run@1"), ("r1", "run@2")]);
    assert_eq!(pod.told("s1", What::Sigterm), 0);
    pod.state("Running", &[("s1", "run@1"), ("r1", "end@2-10=3")]);
    assert_eq!(
        pod.told("s1", What::Sigterm),
        1,
        "with restartPolicy Never the end of the app is the end of the pod"
    );
}

#[test]
fn c2_hooks_that_do_not_end_use_up_the_grace() {
    let mut pod = three_sidecars();
    pod.state(
        "Succeeded",
        &[
            ("s1", "end@1-42=137"),
            ("s2", "end@2-42=137"),
            ("s3", "end@3-42=137"),
            ("r1", "end@4-10=0"),
        ],
    );
    pod.is("stop-order", &REVERSE, NotApplicable);
}

#[test]
fn c3_hooks_of_all_sidecars_run_at_once() {
    let mut pod = three_sidecars();
    pod.event("Killing", "s2", 10, 100)
        .event("Killing", "s1", 10, 101)
        .event("Killing", "s3", 10, 102)
        .state(
            "Succeeded",
            &[
                ("s1", "end@1-14=0"),
                ("s2", "end@2-13=0"),
                ("s3", "end@3-12=0"),
                ("r1", "end@4-10=0"),
            ],
        );
    pod.is("stop-order", &REVERSE, Proved);
    for sidecar in ["s1", "s2", "s3"] {
        assert_eq!(pod.told(sidecar, What::PreStop), 1);
    }
}

#[test]
fn c4_deleted_during_initialization() {
    let mut pod = Bench::new(
        "{initContainers: [{name: i1}, {name: s1, restartPolicy: Always}, {name: s2, restartPolicy: Always}], containers: [{name: r1}]}",
    );
    pod.state("Pending", &[("i1", "run@1")])
        .delete(5, 3)
        .gone("Failed", &[("i1", "end@1-7=143")]);
    pod.is(
        "start-order",
        &[("i1", "s1"), ("s1", "s2"), ("s2", "r1")],
        NotApplicable,
    );
    pod.is(
        "stop-order",
        &[("r1", "s1"), ("r1", "s2"), ("s2", "s1")],
        NotApplicable,
    );
}

#[test]
fn c5_deleted_while_a_sidecar_has_not_started() {
    let mut pod = Bench::new(
        "{terminationGracePeriodSeconds: 180, initContainers: [{name: i1},
          {name: s2, restartPolicy: Always, startupProbe: {exec: {}}}, {name: s3, restartPolicy: Always}], containers: [{name: r1}]}",
    );
    pod.state("Pending", &[("i1", "end@1-2=0")])
        .state("Pending", &[("i1", "end@1-2=0"), ("s2", "run-@3")])
        .delete(10, 180)
        .gone("Failed", &[("i1", "end@1-2=0"), ("s2", "end@3-11=0")]);
    pod.is("start-order", &[("i1", "s2")], Proved);
    pod.is("start-order", &[("s2", "s3"), ("s3", "r1")], NotApplicable);
    pod.is("stop-order", &[("r1", "s2"), ("s3", "s2")], NotApplicable);
}

#[test]
fn c6_c7_exit_codes_of_sidecars_do_not_matter() {
    for code in ["1", "0"] {
        let mut pod = three_sidecars();
        let second = format!("end@2-14={code}");
        pod.delete(10, 30).gone(
            "Succeeded",
            &[
                ("s1", "end@1-15=0"),
                ("s2", second.as_str()),
                ("s3", "end@3-13=0"),
                ("r1", "end@4-12=0"),
            ],
        );
        pod.is("stop-order", &REVERSE, Proved);
        pod.is("phase", &[("", "")], Proved);
    }
    let mut wrong = three_sidecars();
    wrong.state(
        "Failed",
        &[
            ("s1", "end@1-15=1"),
            ("s2", "end@2-14=0"),
            ("s3", "end@3-13=0"),
            ("r1", "end@4-12=0"),
        ],
    );
    wrong.is("phase", &[("", "")], Violated);
}

#[test]
fn c8_to_c11_what_uses_up_the_grace_voids_the_stop_order() {
    for (phase, ends) in [
        // C8: the app takes too long.
        (
            "Failed",
            ["end@1-17=137", "end@2-16=0", "end@3-17=137", "end@4-15=137"],
        ),
        // C9: a sidecar takes too long.
        (
            "Succeeded",
            ["end@1-18=0", "end@2-17=137", "end@3-12=0", "end@4-11=0"],
        ),
        // C10: the app's hook takes too long.
        (
            "Failed",
            ["end@1-18=0", "end@2-19=137", "end@3-18=0", "end@4-17=137"],
        ),
        // C11: a sidecar's hook takes too long.
        (
            "Succeeded",
            ["end@1-18=0", "end@2-17=137", "end@3-12=0", "end@4-11=0"],
        ),
    ] {
        let pod = short_grace(phase, ends);
        pod.is("stop-order", &REVERSE, NotApplicable);
        pod.is("phase", &[("", "")], Proved);
    }
    // In time, the same order is judged.
    short_grace(
        "Succeeded",
        ["end@1-14=0", "end@2-13=0", "end@3-12=0", "end@4-11=0"],
    )
    .is("stop-order", &REVERSE, Proved);
}

#[test]
fn c12_c13_nothing_restarts_while_a_pod_stops() {
    let mut pod = three_sidecars();
    pod.delete(10, 180)
        .state(
            "Running",
            &[
                ("s1", "run@1"),
                ("s2", "run@2"),
                ("s3", "run@3"),
                ("r1", "end@4-12=0"),
            ],
        )
        .gone(
            "Succeeded",
            &[
                ("s1", "end@1-15=0"),
                ("s2", "end@2-14=0"),
                ("s3", "end@3-13=0"),
                ("r1", "end@4-12=0"),
            ],
        );
    pod.is("stop-order", &REVERSE, Proved);
    for container in ["s1", "s2", "s3", "r1"] {
        assert_eq!(pod.told(container, What::Restarting), 0);
    }
}

#[test]
fn c14_a_pod_that_cannot_stop_is_killed() {
    let mut pod = Bench::new(ONE_SIDECAR);
    pod.state("Running", &[("s1", "run@1"), ("r1", "run@2")])
        .delete(10, 30)
        .gone("Failed", &[("s1", "end@1-42=0"), ("r1", "end@2-40=137")]);
    pod.is("stop-order", &[("r1", "s1")], NotApplicable);
    assert_eq!(pod.told("r1", What::Killed), 1);
}
