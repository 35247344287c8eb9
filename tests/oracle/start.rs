//! Rows A: the order of starts.

use kubectl_sidecar::trace::{
    fact::What,
    verdict::Outcome::{Consistent, NotApplicable, Proved, Violated},
};
use serde_json::json;

use super::bench::{Bench, INIT_CHAIN, PROBED, THREE_INITS, time};

#[test]
fn a1_init_containers_run_serially_before_the_regular_one() {
    let mut pod = Bench::new(THREE_INITS);
    pod.state("Pending", &[])
        .state("Pending", &[("i1", "run@1")])
        .state("Pending", &[("i1", "end@1-2=0"), ("i2", "run@2")])
        .state("Pending", &[("i1", "end@1-2=0"), ("i2", "end@2-4=0")])
        .state(
            "Running",
            &[
                ("i1", "end@1-2=0"),
                ("i2", "end@2-4=0"),
                ("i3", "end@5-6=0"),
                ("r1", "run@7"),
            ],
        );
    pod.is("start-order", &[("i2", "i3"), ("i3", "r1")], Proved);
    // i1 ended in the second in which i2 began, and no state or event separates them.
    pod.is("start-order", &[("i1", "i2")], Consistent);
    let mut broken = Bench::new(THREE_INITS);
    broken
        .state("Pending", &[("i1", "run@1")])
        .state("Pending", &[("i1", "run@1"), ("i2", "run@3")])
        .state(
            "Running",
            &[
                ("i1", "end@1-9=0"),
                ("i2", "end@3-4=0"),
                ("i3", "end@5-9=0"),
                ("r1", "run@7"),
            ],
        );
    broken.is("start-order", &[("i1", "i2"), ("i3", "r1")], Violated);
}

#[test]
fn a2_a_failed_init_container_keeps_the_regular_one_from_starting() {
    let mut pod =
        Bench::new("{restartPolicy: Never, initContainers: [{name: i1}], containers: [{name: r1}]}");
    pod.state("Pending", &[("i1", "run@1")])
        .state("Failed", &[("i1", "end@1-2=1")]);
    pod.is("start-order", &[("i1", "r1")], NotApplicable);
    let mut broken =
        Bench::new("{restartPolicy: Never, initContainers: [{name: i1}], containers: [{name: r1}]}");
    broken
        .state("Pending", &[("i1", "run@1")])
        .state("Running", &[("i1", "run@1"), ("r1", "run@2")]);
    broken.is("start-order", &[("i1", "r1")], Violated);
}

#[test]
fn a3_an_init_container_completes_before_a_regular_one_with_post_start() {
    let mut pod = Bench::new(
        "{initContainers: [{name: i1}], containers: [{name: r1, lifecycle: {postStart: {exec: {}}}}]}",
    );
    pod.state("Pending", &[("i1", "end@1-2=0")])
        .state("Running", &[("i1", "end@1-2=0"), ("r1", "run@2")]);
    pod.is("start-order", &[("i1", "r1")], Proved);
}

#[test]
fn a4_regular_containers_are_started_in_list_order() {
    let spec = "{containers: [{name: r1, lifecycle: {postStart: {exec: {}}}}, {name: r2}]}";
    let mut pod = Bench::new(spec);
    pod.event("Created", "r1", 1, 100)
        .event("Started", "r1", 1, 200)
        .event("Created", "r2", 1, 500)
        .event("Started", "r2", 1, 600)
        .state("Running", &[("r1", "run@1"), ("r2", "run@1")]);
    pod.is("list-order", &[("r1", "r2")], Proved);
    let mut broken = Bench::new(spec);
    broken
        .event("Created", "r2", 1, 100)
        .event("Started", "r2", 1, 200)
        .event("Created", "r1", 1, 500)
        .event("Started", "r1", 1, 600)
        .state("Running", &[("r1", "run@1"), ("r2", "run@1")]);
    broken.is("list-order", &[("r1", "r2")], Violated);
    let mut unpulled = Bench::new(spec);
    unpulled
        .state("Pending", &[("r1", "waiting:ImagePullBackOff"), ("r2", "run@1")])
        .state("Running", &[("r1", "run@9"), ("r2", "run@1")]);
    unpulled.is("list-order", &[("r1", "r2")], NotApplicable);
}

#[test]
fn a5_a_bad_image_of_an_init_container_starts_nothing() {
    let mut pod =
        Bench::new("{restartPolicy: Never, initContainers: [{name: i1}], containers: [{name: r1}]}");
    pod.state("Pending", &[("i1", "waiting:ImagePullBackOff")]);
    pod.is("start-order", &[("i1", "r1")], NotApplicable);
    assert_eq!(pod.told("i1", What::Started) + pod.told("r1", What::Started), 0);
}

#[test]
fn a6_a_regular_container_s_restart_reruns_no_init_container() {
    let mut pod = Bench::new(THREE_INITS);
    let inits = [("i1", "end@1-2=0"), ("i2", "end@3-4=0"), ("i3", "end@5-6=0")];
    pod.state("Pending", &inits)
        .state("Running", &[inits[0], inits[1], inits[2], ("r1", "run@7")])
        .state("Running", &[inits[0], inits[1], inits[2], ("r1", "end@7-17=1")])
        .state("Running", &[inits[0], inits[1], inits[2], ("r1", "run@18#1")]);
    pod.is("start-order", &INIT_CHAIN, Proved);
    assert_eq!(pod.engine.pods().next().unwrap().round(), 0);
    assert_eq!(pod.told("r1", What::Restarting), 1);
}

#[test]
fn a7_sidecars_and_init_containers_in_turn() {
    let mut pod = Bench::new(
        "{restartPolicy: Never, initContainers: [{name: i1}, {name: s1, restartPolicy: Always}, {name: i2},
          {name: s2, restartPolicy: Always}, {name: i3}], containers: [{name: r1}]}",
    );
    let (i1, i2, i3) = (("i1", "end@1-2=0"), ("i2", "end@4-5=0"), ("i3", "end@7-8=0"));
    pod.state("Pending", &[i1])
        .state("Pending", &[i1, ("s1", "run@3")])
        .state("Pending", &[i1, ("s1", "run@3"), i2])
        .state("Pending", &[i1, ("s1", "run@3"), i2, ("s2", "run@6")])
        .state(
            "Running",
            &[i1, ("s1", "run@3"), i2, ("s2", "run@6"), i3, ("r1", "run@9")],
        )
        .state(
            "Running",
            &[i1, ("s1", "run@3"), i2, ("s2", "run@6"), i3, ("r1", "end@9-12=0")],
        )
        .state(
            "Succeeded",
            &[
                i1,
                ("s1", "end@3-15=137"),
                i2,
                ("s2", "end@6-13=137"),
                i3,
                ("r1", "end@9-12=0"),
            ],
        );
    pod.is(
        "start-order",
        &[
            ("i1", "s1"),
            ("s1", "i2"),
            ("i2", "s2"),
            ("s2", "i3"),
            ("i3", "r1"),
        ],
        Proved,
    );
    pod.is("stop-order", &[("r1", "s1"), ("r1", "s2"), ("s2", "s1")], Proved);
    pod.is("phase", &[("", "")], Proved);
}

#[test]
fn a8_the_next_container_waits_for_the_startup_probe() {
    let mut pod = Bench::new(PROBED);
    pod.state("Pending", &[("s1", "run-@1")])
        .state("Pending", &[("s1", "run@1")])
        .state("Pending", &[("s1", "run@1"), ("s2", "run-@12")])
        .state("Pending", &[("s1", "run@1"), ("s2", "run@12")])
        .state("Running", &[("s1", "run@1"), ("s2", "run@12"), ("r1", "run@23")]);
    pod.is("start-order", &[("s1", "s2"), ("s2", "r1")], Proved);
    let mut broken = Bench::new(PROBED);
    broken
        .state("Pending", &[("s1", "run-@1")])
        .state("Pending", &[("s1", "run-@1"), ("s2", "run-@2")])
        .state("Running", &[("s1", "run@1"), ("s2", "run@2"), ("r1", "run@23")]);
    broken.is("start-order", &[("s1", "s2")], Violated);
    // The process order alone does not show that the probe had succeeded.
    let mut merged = Bench::new(PROBED);
    merged
        .state("Pending", &[("s1", "run-@1")])
        .state("Running", &[("s1", "run@1"), ("s2", "run@12"), ("r1", "run@23")]);
    merged.is("start-order", &[("s1", "s2")], Consistent);
}

#[test]
fn a8_initialized_bounds_the_gate() {
    let mut pod = Bench::new(PROBED);
    pod.state("Pending", &[("s1", "run-@1")]);
    pod.conditions = vec![json!({"type": "Initialized", "status": "True", "lastTransitionTime": time(20)})];
    pod.state("Running", &[("s1", "run@1"), ("s2", "run@12"), ("r1", "run@23")]);
    pod.is("start-order", &[("s2", "r1")], Proved);
}

#[test]
fn a9_a_bad_image_of_a_sidecar_starts_nothing() {
    let mut pod =
        Bench::new("{initContainers: [{name: s1, restartPolicy: Always}], containers: [{name: r1}]}");
    pod.state("Pending", &[("s1", "waiting:ImagePullBackOff")]);
    pod.is("start-order", &[("s1", "r1")], NotApplicable);
    let mut broken =
        Bench::new("{initContainers: [{name: s1, restartPolicy: Always}], containers: [{name: r1}]}");
    broken.state("Running", &[("s1", "waiting:ImagePullBackOff"), ("r1", "run@1")]);
    broken.is("start-order", &[("s1", "r1")], Violated);
}

#[test]
fn a10_a_failing_init_container_keeps_the_sidecar_from_starting() {
    let spec = "{restartPolicy: OnFailure, initContainers: [{name: i1}, {name: s1, restartPolicy: Always}], containers: [{name: r1}]}";
    let mut pod = Bench::new(spec);
    pod.state("Pending", &[("i1", "end@1-2=1")])
        .state("Pending", &[("i1", "end@3-4=1#1")])
        .state("Pending", &[("i1", "end@9-10=1#2")])
        .state("Pending", &[("i1", "end@30-31=1#3")]);
    pod.is("start-order", &[("i1", "s1"), ("s1", "r1")], NotApplicable);
    let mut broken = Bench::new(spec);
    broken
        .state("Pending", &[("i1", "end@1-2=1")])
        .state("Pending", &[("i1", "end@1-2=1"), ("s1", "run@3")])
        .state("Pending", &[("i1", "end@5-6=0#1"), ("s1", "run@3")]);
    broken.is("start-order", &[("i1", "s1")], Violated);
}

#[test]
fn a11_an_init_container_after_a_sidecar_fails() {
    for (policy, phase) in [("Never", "Failed"), ("OnFailure", "Pending")] {
        let mut pod = Bench::new(&format!(
            "{{restartPolicy: {policy}, initContainers: [{{name: s1, restartPolicy: Always}}, {{name: i1}}], containers: [{{name: r1}}]}}"
        ));
        pod.state("Pending", &[("s1", "run@1")])
            .state("Pending", &[("s1", "run@1"), ("i1", "run@2")])
            .state(phase, &[("s1", "end@1-6=1"), ("i1", "end@2-5=1")]);
        pod.is("start-order", &[("s1", "i1")], Proved);
        pod.is("start-order", &[("i1", "r1")], NotApplicable);
        pod.is("stop-order", &[("r1", "s1")], NotApplicable);
    }
}

#[test]
fn a12_a_sidecar_that_recovers_from_a_failed_first_run() {
    let mut pod = Bench::new(
        "{restartPolicy: Never, initContainers: [{name: s1, restartPolicy: Always, startupProbe: {exec: {}}}], containers: [{name: r1}]}",
    );
    pod.state("Pending", &[("s1", "run-@1")])
        .state("Pending", &[("s1", "end@1-2=1")])
        .state("Pending", &[("s1", "run-@4#1")])
        .state("Pending", &[("s1", "run@4#1")])
        .state("Running", &[("s1", "run@4#1"), ("r1", "run@6")]);
    pod.is("start-order", &[("s1", "r1")], Proved);
}

#[test]
fn a13_a_sidecar_is_updated_during_initialization() {
    let mut pod = Bench::new(
        "{restartPolicy: Never, initContainers: [{name: i1}, {name: s1, restartPolicy: Always}, {name: i2},
          {name: s2, restartPolicy: Always}], containers: [{name: r1}]}",
    );
    let i1 = ("i1", "end@1-2=0");
    pod.state("Pending", &[i1])
        .state("Pending", &[i1, ("s1", "run@3")])
        .state("Pending", &[i1, ("s1", "run@3"), ("i2", "run@4")])
        .state("Pending", &[i1, ("s1", "run@10#1"), ("i2", "run@4")])
        .state("Failed", &[i1, ("s1", "end@10-22=0#1"), ("i2", "end@4-20=1")]);
    pod.is("start-order", &[("i1", "s1"), ("s1", "i2")], Proved);
    pod.is("start-order", &[("i2", "s2"), ("s2", "r1")], NotApplicable);
    pod.is("stop-order", &[("r1", "s1"), ("s2", "s1")], NotApplicable);
    assert_eq!(pod.told("i1", What::Started) + pod.told("i2", What::Started), 2);
}
