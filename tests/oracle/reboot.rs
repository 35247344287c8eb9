//! Rows D: reboots and restarts of the kubelet.

use kubectl_sidecar::trace::{
    fact::What,
    verdict::Outcome::{Proved, Unknown, Violated},
};

use super::bench::{Bench, INIT_CHAIN, PROBED, THREE_INITS};

#[test]
fn d1_after_a_reboot_the_order_is_kept_again() {
    let mut pod = Bench::new(&THREE_INITS.replace("Never", "Always"));
    let first = [("i1", "end@1-2=0"), ("i2", "end@3-4=0"), ("i3", "end@5-6=0")];
    pod.state("Pending", &first[..1])
        .state("Pending", &first[..2])
        .state("Pending", &first)
        .state("Running", &[first[0], first[1], first[2], ("r1", "run@7")])
        .state(
            "Pending",
            &[("i1", "run@50#1"), first[1], first[2], ("r1", "end@7-40=255")],
        )
        .state(
            "Pending",
            &[
                ("i1", "end@50-51=0#1"),
                ("i2", "run@52#1"),
                first[2],
                ("r1", "end@7-40=255"),
            ],
        )
        .state(
            "Running",
            &[
                ("i1", "end@50-51=0#1"),
                ("i2", "end@52-53=0#1"),
                ("i3", "end@54-55=0#1"),
                ("r1", "run@56#1"),
            ],
        );
    pod.is("start-order", &INIT_CHAIN, Proved);
    assert_eq!(pod.engine.pods().next().unwrap().round(), 1);
    let mut broken = Bench::new(&THREE_INITS.replace("Never", "Always"));
    broken
        .state("Pending", &first)
        .state("Running", &[first[0], first[1], first[2], ("r1", "run@7")])
        .state(
            "Pending",
            &[("i1", "run@50#1"), first[1], first[2], ("r1", "end@7-40=255")],
        )
        .state(
            "Running",
            &[
                ("i1", "end@50-60=0#1"),
                ("i2", "end@70-73=0#1"),
                ("i3", "end@74-75=0#1"),
                ("r1", "run@56#1"),
            ],
        );
    broken.is("start-order", &[("i3", "r1")], Violated);
}

#[test]
fn d2_a_reboot_of_a_pod_with_a_sidecar() {
    let mut pod = Bench::new(
        "{initContainers: [{name: i1}, {name: s2, restartPolicy: Always}, {name: i3}], containers: [{name: r1}]}",
    );
    let (i1, i3) = (("i1", "end@1-2=0"), ("i3", "end@5-6=0"));
    pod.state("Pending", &[i1])
        .state("Pending", &[i1, ("s2", "run@3")])
        .state("Pending", &[i1, ("s2", "run@3"), i3])
        .state("Running", &[i1, ("s2", "run@3"), i3, ("r1", "run@7")])
        .state(
            "Pending",
            &[
                ("i1", "run@50#1"),
                ("s2", "end@3-40=255"),
                i3,
                ("r1", "end@7-40=255"),
            ],
        )
        .state(
            "Pending",
            &[
                ("i1", "end@50-51=0#1"),
                ("s2", "run@52#1"),
                i3,
                ("r1", "end@7-40=255"),
            ],
        )
        .state(
            "Running",
            &[
                ("i1", "end@50-51=0#1"),
                ("s2", "run@52#1"),
                ("i3", "end@54-55=0#1"),
                ("r1", "run@56#1"),
            ],
        );
    pod.is("start-order", &[("i1", "s2"), ("s2", "i3"), ("i3", "r1")], Proved);
    assert_eq!(pod.engine.pods().next().unwrap().round(), 1);
}

#[test]
fn d3_d4_a_kubelet_restart_reruns_nothing() {
    let mut pod = Bench::new(THREE_INITS);
    let inits = [("i1", "end@1-2=0"), ("i2", "end@3-4=0")];
    pod.state("Pending", &inits)
        .state("Pending", &[inits[0], inits[1], ("i3", "run@5")])
        .state("Pending", &[inits[0], inits[1], ("i3", "run@5")])
        .state(
            "Running",
            &[inits[0], inits[1], ("i3", "end@5-9=0"), ("r1", "run@10")],
        );
    pod.is("start-order", &INIT_CHAIN, Proved);
    assert_eq!(pod.engine.pods().next().unwrap().round(), 0);
    assert_eq!(pod.told("i3", What::Started), 1);
}

#[test]
fn d5_an_update_during_a_kubelet_restart() {
    let mut pod = Bench::new(
        "{initContainers: [{name: i1}, {name: s2, restartPolicy: Always}], containers: [{name: r1}]}",
    );
    let i1 = ("i1", "end@1-2=0");
    pod.state("Pending", &[i1])
        .state("Pending", &[i1, ("s2", "run@3")])
        .state("Running", &[i1, ("s2", "run@3"), ("r1", "run@4")])
        .state("Running", &[i1, ("s2", "run@30#1"), ("r1", "run@4")]);
    pod.is("start-order", &[("i1", "s2"), ("s2", "r1")], Proved);
    pod.is("restart-isolation", &[("s2", "r1")], Proved);
    assert_eq!(pod.engine.pods().next().unwrap().round(), 0);
}

#[test]
fn d6_started_may_flip_without_a_restart() {
    let mut pod = Bench::new(PROBED);
    pod.state("Pending", &[("s1", "run@1")])
        .state("Pending", &[("s1", "run@1"), ("s2", "run@12")])
        .state("Running", &[("s1", "run@1"), ("s2", "run@12"), ("r1", "run@23")])
        .state(
            "Running",
            &[("s1", "run-@1"), ("s2", "run-@12"), ("r1", "run@23")],
        )
        .state("Running", &[("s1", "run@1"), ("s2", "run@12"), ("r1", "run@23")]);
    pod.is("start-order", &[("s1", "s2"), ("s2", "r1")], Proved);
    assert_eq!(pod.told("s1", What::Restarting), 0);
    assert_eq!(pod.told("s1", What::GatePassed), 1);
    // Seen only from the flip on, it proves nothing either.
    let mut late = Bench::new(PROBED);
    late.state(
        "Running",
        &[("s1", "run-@1"), ("s2", "run-@12"), ("r1", "run@23")],
    );
    late.is("start-order", &[("s1", "s2"), ("s2", "r1")], Unknown);
}
