use serde_json::json;

use super::*;
use crate::trace::{
    Engine, Evidence, Settings,
    evidence::{Change, PodSeen},
    object::Pod,
};

const NOW: &str = "2026-11-29T12:23:00Z";

/// The bars of a pod that is first seen long after it was made.
fn bars(status: serde_json::Value) -> Vec<Bar> {
    let object = json!({
        "metadata": {"name": "p", "uid": "u", "resourceVersion": "1", "creationTimestamp": "2026-11-29T12:00:00Z"},
        "spec": {
            "initContainers": [{"name": "proxy", "restartPolicy": "Always", "startupProbe": {}}],
            "containers": [{"name": "app"}]},
        "status": status,
    });
    let mut engine = Engine::new(Settings::default());
    let pod: Pod = serde_json::from_value(object).unwrap();
    let received = Moment::parse(NOW).unwrap();
    engine.push(Evidence::Pod(Box::new(PodSeen {
        received,
        change: Change::Listed,
        pod,
    })));
    let timeline = timeline(engine.pods().next().unwrap(), received);
    assert_eq!(timeline.from.clock(0), "12:00:00");
    assert_eq!(timeline.to, received);
    timeline.bars
}

fn length_of(bar: &Bar, phase: Phase) -> i64 {
    let own = bar.stretches.iter().filter(|stretch| stretch.phase == phase);
    own.map(|stretch| stretch.to.since(stretch.from)).sum::<i64>() / SECOND
}

#[test]
fn a_pod_that_has_long_been_ready_is_not_drawn_gated() {
    let running = |name: &str, second: u32| {
        json!({"name": name, "started": true, "ready": true, "containerID": name,
            "state": {"running": {"startedAt": format!("2026-11-29T12:00:{second:02}Z")}}})
    };
    let conditions = json!([
        {"type": "Initialized", "status": "True", "lastTransitionTime": "2026-11-29T12:00:05Z"},
        {"type": "ContainersReady", "status": "True", "lastTransitionTime": "2026-11-29T12:00:09Z"}]);
    let bars = bars(json!({"phase": "Running", "conditions": conditions,
        "initContainerStatuses": [running("proxy", 2)], "containerStatuses": [running("app", 6)]}));
    assert_eq!(length_of(&bars[0], Phase::Gated), 0);
    assert_eq!(length_of(&bars[0], Phase::Running), 23 * 60 - 2);
    let edge = bars[0].stretches.last().unwrap().begin;
    assert_eq!(edge.latest.clock(0), "12:00:06");
}

#[test]
fn what_was_before_the_oldest_known_run_is_unknown() {
    let crashing = json!({"name": "app", "restartCount": 7, "containerID": "eighth",
        "state": {"running": {"startedAt": "2026-11-29T12:20:00Z"}},
        "lastState": {"terminated": {"containerID": "seventh", "exitCode": 1,
            "startedAt": "2026-11-29T12:10:00Z", "finishedAt": "2026-11-29T12:15:00Z"}}});
    let bars = bars(json!({"phase": "Running", "containerStatuses": [crashing]}));
    let app = &bars[1];
    assert_eq!(length_of(app, Phase::Unknown), 600);
    assert_eq!(length_of(app, Phase::Waiting), 300);
    assert_eq!(length_of(app, Phase::Running), 480);
    assert_eq!(app.restarts, 7);
}
