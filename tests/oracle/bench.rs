//! A pod whose states are written in short, and the pods that many rows share.

use kubectl_sidecar::trace::{
    Engine, Evidence, MILLISECOND, Moment, News, SECOND, Settings,
    evidence::{AttachEnd, Change, ContainerAddress, EventSeen, PodSeen},
    fact::What,
    object::{Event, Pod},
    verdict::{Outcome, Verdict},
};
use serde_json::{Value, json};

/// 2026-11-23T20:00:00Z
pub(crate) const ZERO: i64 = 1_795_464_000;

pub(crate) fn time(second: i64) -> String {
    Moment((ZERO + second) * SECOND).rfc3339(0)
}

/// A pod whose states are written in short.
pub(crate) struct Bench {
    pub(crate) engine: Engine,
    spec: Value,
    annotations: Value,
    version: i64,
    deletion: Option<(i64, i64)>,
    news: Vec<News>,
    pub(crate) conditions: Vec<Value>,
}

/// `waiting`, `waiting:REASON`, `run@START`, `run-@START` (not started), `run?@START` (started, not ready),
/// `end@START-FINISH=CODE`; then `#RESTARTS`.
pub(crate) fn status(name: &str, text: &str) -> Value {
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
    pub(crate) fn new(spec: &str) -> Self {
        Self::with(
            spec,
            Settings {
                attach_margin: 150 * MILLISECOND,
                attach: true,
                ..Settings::default()
            },
        )
    }

    pub(crate) fn with(spec: &str, settings: Settings) -> Self {
        let mut spec: Value = serde_yaml::from_str(spec).unwrap();
        spec["nodeName"] = json!("node-1");
        Self {
            engine: Engine::new(settings),
            spec,
            annotations: json!({}),
            version: 100,
            deletion: None,
            news: Vec::new(),
            conditions: Vec::new(),
        }
    }

    /// The pod has these annotations.
    pub(crate) fn annotated(mut self, annotations: Value) -> Self {
        self.annotations = annotations;
        self
    }

    pub(crate) fn push(&mut self, change: Change, phase: &str, states: &[(&str, &str)]) -> &mut Self {
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
            "annotations": self.annotations, "resourceVersion": self.version.to_string()});
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

    pub(crate) fn give(&mut self, evidence: Evidence) -> &mut Self {
        let news = self.engine.push(evidence);
        self.news.extend(news);
        self
    }

    /// A state.
    pub(crate) fn state(&mut self, phase: &str, states: &[(&str, &str)]) -> &mut Self {
        self.push(Change::Modified, phase, states)
    }

    /// The last state, and the pod is gone.
    pub(crate) fn gone(&mut self, phase: &str, states: &[(&str, &str)]) -> &mut Self {
        self.push(Change::Modified, phase, states)
            .push(Change::Deleted, phase, states)
    }

    /// Deletion is asked for.
    pub(crate) fn delete(&mut self, at: i64, grace: i64) -> &mut Self {
        self.deletion = Some((at, grace));
        self
    }

    /// A first event of the kubelet, at a second and a fraction in milliseconds.
    pub(crate) fn event(
        &mut self,
        reason: &str,
        container: &str,
        second: i64,
        millisecond: i64,
    ) -> &mut Self {
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
            change: Change::Added,
            event,
        })))
    }

    pub(crate) fn attach(&mut self, container: &str, second: i64, millisecond: i64) -> &mut Self {
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

    pub(crate) fn verdicts(&self) -> Vec<Verdict> {
        self.engine.verdicts(self.engine.pods().next().unwrap())
    }

    #[track_caller]
    pub(crate) fn verdict(&self, rule: &str, before: &str, after: &str) -> Verdict {
        let found = self.verdicts().into_iter().find(|verdict| {
            verdict.rule == rule
                && verdict.before.as_deref().unwrap_or("") == before
                && verdict.after.as_deref().unwrap_or("") == after
        });
        found.unwrap_or_else(|| panic!("no verdict {rule} {before} {after}"))
    }

    #[track_caller]
    pub(crate) fn is(&self, rule: &str, pairs: &[(&str, &str)], expected: Outcome) -> &Self {
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

    pub(crate) fn told(&self, container: &str, what: What) -> usize {
        let told = |news: &&News| matches!(news, News::Fact(fact) if fact.container == container && fact.what == what);
        self.news.iter().filter(told).count()
    }
}

pub(crate) const THREE_INITS: &str =
    "{restartPolicy: Never, initContainers: [{name: i1}, {name: i2}, {name: i3}], containers: [{name: r1}]}";
pub(crate) const INIT_CHAIN: [(&str, &str); 3] = [("i1", "i2"), ("i2", "i3"), ("i3", "r1")];

pub(crate) const PROBED: &str =
    "{initContainers: [{name: s1, restartPolicy: Always, startupProbe: {exec: {}}},
    {name: s2, restartPolicy: Always, startupProbe: {exec: {}}}], containers: [{name: r1}]}";

pub(crate) const ONE_SIDECAR: &str =
    "{restartPolicy: Never, initContainers: [{name: s1, restartPolicy: Always}], containers: [{name: r1}]}";

pub(crate) const THREE_SIDECARS: &str =
    "{restartPolicy: Never, terminationGracePeriodSeconds: 30, initContainers: [
    {name: s1, restartPolicy: Always, lifecycle: {preStop: {exec: {}}}},
    {name: s2, restartPolicy: Always, lifecycle: {preStop: {exec: {}}}},
    {name: s3, restartPolicy: Always, lifecycle: {preStop: {exec: {}}}}], containers: [{name: r1}]}";
pub(crate) const REVERSE: [(&str, &str); 5] = [
    ("r1", "s3"),
    ("r1", "s2"),
    ("r1", "s1"),
    ("s3", "s2"),
    ("s2", "s1"),
];

/// Running since seconds 1 to 4.
pub(crate) fn three_sidecars() -> Bench {
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

/// The stop of a pod with a grace of five seconds, deleted in second 10.
pub(crate) fn short_grace(phase: &str, ends: [&str; 4]) -> Bench {
    let mut pod = three_sidecars();
    pod.delete(10, 5);
    let names = ["s1", "s2", "s3", "r1"];
    let states: Vec<(&str, &str)> = names.into_iter().zip(ends).collect();
    pod.gone(phase, &states);
    pod
}
