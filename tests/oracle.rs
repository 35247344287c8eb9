//! Every ordering assertion of the upstream node e2e tests (`test/e2e_node/container_lifecycle_test.go`), as
//! evidence made by hand: rows A1 to D6 of `semantics.md` 2.12, and what voids or contradicts a verdict.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "test code outside of test functions"
)]

use kubectl_sidecar::trace::{
    Engine, Evidence, MILLISECOND, Moment, News, SECOND, Settings,
    evidence::{AttachEnd, Change, ContainerAddress, EventSeen, Gap, NodeSeen, PodSeen},
    fact::What,
    object::{Event, Pod},
    verdict::{Outcome, Verdict},
};
use serde_json::{Value, json};

use Outcome::{Conflict, Consistent, NotApplicable, Proved, Unknown, Violated};

/// 2026-11-23T20:00:00Z
const ZERO: i64 = 1_795_464_000;

fn time(second: i64) -> String {
    Moment((ZERO + second) * SECOND).rfc3339(0)
}

/// A pod whose states are written in short.
struct Bench {
    engine: Engine,
    spec: Value,
    version: i64,
    deletion: Option<(i64, i64)>,
    news: Vec<News>,
    conditions: Vec<Value>,
}

/// `waiting`, `waiting:REASON`, `run@START`, `run-@START` (not started), `run?@START` (started, not ready),
/// `end@START-FINISH=CODE`; then `#RESTARTS`.
fn status(name: &str, text: &str) -> Value {
    let (text, restarts) = text.split_once('#').unwrap_or((text, "0"));
    let restarts: i64 = restarts.parse().unwrap();
    let id = format!("containerd://{name}-{restarts}");
    let number = |text: &str| text.parse::<i64>().unwrap();
    let (kind, rest) = text.split_once('@').unwrap_or((text, ""));
    if let Some(reason) = kind.strip_prefix("waiting") {
        let reason = reason.strip_prefix(':').unwrap_or("PodInitializing");
        let id = if restarts > 0 {
            format!("containerd://{name}-{restarts}")
        } else {
            String::new()
        };
        return json!({"name": name, "state": {"waiting": {"reason": reason}}, "restartCount": restarts,
            "containerID": id, "started": false, "ready": false});
    }
    if kind == "end" {
        let (start, rest) = rest.split_once('-').unwrap();
        let (finish, code) = rest.split_once('=').unwrap();
        let reason = if code == "0" { "Completed" } else { "Error" };
        return json!({"name": name, "restartCount": restarts, "containerID": id, "started": false,
            "ready": code == "0", "state": {"terminated": {"exitCode": number(code), "reason": reason,
            "startedAt": time(number(start)), "finishedAt": time(number(finish)), "containerID": id}}});
    }
    json!({"name": name, "restartCount": restarts, "containerID": id, "started": kind != "run-",
        "ready": kind == "run", "state": {"running": {"startedAt": time(number(rest))}}})
}

impl Bench {
    fn new(spec: &str) -> Self {
        Self::with(
            spec,
            Settings {
                attach_margin: 150 * MILLISECOND,
                attach: true,
                ..Settings::default()
            },
        )
    }

    fn with(spec: &str, settings: Settings) -> Self {
        let mut spec: Value = serde_yaml::from_str(spec).unwrap();
        spec["nodeName"] = json!("node-1");
        Self {
            engine: Engine::new(settings),
            spec,
            version: 100,
            deletion: None,
            news: Vec::new(),
            conditions: Vec::new(),
        }
    }

    fn push(&mut self, change: Change, phase: &str, states: &[(&str, &str)]) -> &mut Self {
        self.version += 1;
        let names = |list: &str| -> Vec<String> {
            let containers = self.spec[list].as_array().cloned().unwrap_or_default();
            containers
                .iter()
                .map(|one| one["name"].as_str().unwrap().to_owned())
                .collect()
        };
        let statuses = |list: Vec<String>| -> Vec<Value> {
            list.iter()
                .map(|name| {
                    let state = states.iter().find(|(container, _)| container == name);
                    status(name, state.map_or("waiting", |(_, state)| state))
                })
                .collect()
        };
        let mut metadata = json!({"name": "p", "namespace": "n", "uid": "u",
            "resourceVersion": self.version.to_string()});
        if let Some((at, grace)) = self.deletion {
            metadata["deletionTimestamp"] = json!(time(at + grace));
            metadata["deletionGracePeriodSeconds"] = json!(grace);
        }
        let pod: Pod = serde_json::from_value(json!({
            "metadata": metadata, "spec": self.spec,
            "status": {"phase": phase, "conditions": self.conditions,
                "initContainerStatuses": statuses(names("initContainers")),
                "containerStatuses": statuses(names("containers"))},
        }))
        .unwrap();
        let received = Moment((ZERO + self.version) * SECOND);
        self.give(Evidence::Pod(Box::new(PodSeen {
            received,
            change,
            pod,
        })))
    }

    fn give(&mut self, evidence: Evidence) -> &mut Self {
        let news = self.engine.push(evidence);
        self.news.extend(news);
        self
    }

    /// A state.
    fn state(&mut self, phase: &str, states: &[(&str, &str)]) -> &mut Self {
        self.push(Change::Modified, phase, states)
    }

    /// The last state, and the pod is gone.
    fn gone(&mut self, phase: &str, states: &[(&str, &str)]) -> &mut Self {
        self.push(Change::Modified, phase, states)
            .push(Change::Deleted, phase, states)
    }

    /// Deletion is asked for.
    fn delete(&mut self, at: i64, grace: i64) -> &mut Self {
        self.deletion = Some((at, grace));
        self
    }

    /// A first event of the kubelet, at a second and a fraction in milliseconds.
    fn event(&mut self, reason: &str, container: &str, second: i64, millisecond: i64) -> &mut Self {
        let at = (ZERO + second) * SECOND + millisecond * MILLISECOND;
        let inits = self.spec["initContainers"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let list = if inits.iter().any(|one| one["name"] == container) {
            "initContainers"
        } else {
            "containers"
        };
        let event: Event = serde_json::from_value(json!({
            "metadata": {"name": format!("p.{at:x}"), "namespace": "n"},
            "involvedObject": {"kind": "Pod", "uid": "u", "fieldPath": format!("spec.{list}{{{container}}}")},
            "reason": reason, "count": 1, "firstTimestamp": time(second), "source": {"component": "kubelet"},
        }))
        .unwrap();
        self.give(Evidence::Event(Box::new(EventSeen {
            received: Moment(at + 10 * MILLISECOND),
            event,
        })))
    }

    fn attach(&mut self, container: &str, second: i64, millisecond: i64) -> &mut Self {
        let closed = Moment((ZERO + second) * SECOND + millisecond * MILLISECOND);
        self.give(Evidence::Attach(AttachEnd {
            address: ContainerAddress {
                namespace: Some("n".to_owned()),
                pod: "p".to_owned(),
                container: container.to_owned(),
            },
            id: format!("{container}-0"),
            opened: closed.plus(-5 * SECOND),
            closed,
            error: None,
        }))
    }

    fn verdicts(&self) -> Vec<Verdict> {
        self.engine.verdicts(self.engine.pods().next().unwrap())
    }

    #[track_caller]
    fn verdict(&self, rule: &str, before: &str, after: &str) -> Verdict {
        let found = self.verdicts().into_iter().find(|verdict| {
            verdict.rule == rule
                && verdict.before.as_deref().unwrap_or("") == before
                && verdict.after.as_deref().unwrap_or("") == after
        });
        found.unwrap_or_else(|| panic!("no verdict {rule} {before} {after}"))
    }

    #[track_caller]
    fn is(&self, rule: &str, pairs: &[(&str, &str)], expected: Outcome) -> &Self {
        for (before, after) in pairs {
            let verdict = self.verdict(rule, before, after);
            assert_eq!(
                verdict.outcome, expected,
                "{rule} {before} {after}: {}",
                verdict.reason
            );
        }
        self
    }

    fn told(&self, container: &str, what: What) -> usize {
        let told = |news: &&News| matches!(news, News::Fact(fact) if fact.container == container && fact.what == what);
        self.news.iter().filter(told).count()
    }
}

const THREE_INITS: &str =
    "{restartPolicy: Never, initContainers: [{name: i1}, {name: i2}, {name: i3}], containers: [{name: r1}]}";
const INIT_CHAIN: [(&str, &str); 3] = [("i1", "i2"), ("i2", "i3"), ("i3", "r1")];

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

const PROBED: &str = "{initContainers: [{name: s1, restartPolicy: Always, startupProbe: {exec: {}}},
    {name: s2, restartPolicy: Always, startupProbe: {exec: {}}}], containers: [{name: r1}]}";

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

const ONE_SIDECAR: &str =
    "{restartPolicy: Never, initContainers: [{name: s1, restartPolicy: Always}], containers: [{name: r1}]}";

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

const THREE_SIDECARS: &str = "{restartPolicy: Never, terminationGracePeriodSeconds: 30, initContainers: [
    {name: s1, restartPolicy: Always, lifecycle: {preStop: {exec: {}}}},
    {name: s2, restartPolicy: Always, lifecycle: {preStop: {exec: {}}}},
    {name: s3, restartPolicy: Always, lifecycle: {preStop: {exec: {}}}}], containers: [{name: r1}]}";
const REVERSE: [(&str, &str); 5] = [
    ("r1", "s3"),
    ("r1", "s2"),
    ("r1", "s1"),
    ("s3", "s2"),
    ("s2", "s1"),
];

/// Running since seconds 1 to 4.
fn three_sidecars() -> Bench {
    let mut pod = Bench::new(THREE_SIDECARS);
    pod.state("Pending", &[("s1", "run@1")])
        .state("Pending", &[("s1", "run@1"), ("s2", "run@2")])
        .state("Pending", &[("s1", "run@1"), ("s2", "run@2"), ("s3", "run@3")])
        .state(
            "Running",
            &[("s1", "run@1"), ("s2", "run@2"), ("s3", "run@3"), ("r1", "run@4")],
        );
    pod
}

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

/// The stop of a pod with a grace of five seconds, deleted in second 10.
fn short_grace(phase: &str, ends: [&str; 4]) -> Bench {
    let mut pod = three_sidecars();
    pod.delete(10, 5);
    let names = ["s1", "s2", "s3", "r1"];
    let states: Vec<(&str, &str)> = names.into_iter().zip(ends).collect();
    pod.gone(phase, &states);
    pod
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
