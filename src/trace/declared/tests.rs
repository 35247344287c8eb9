//! Which pairs declarations make.

use super::*;

fn pod(yaml: &str) -> PodSpec {
    serde_yaml::from_str(yaml).unwrap()
}

fn pairs(declared: &Declared, rule: Rule) -> Vec<(&str, &str)> {
    declared
        .pairs
        .iter()
        .filter(|pair| pair.rule == rule)
        .map(|pair| (pair.before.as_str(), pair.after.as_str()))
        .collect()
}

const NATIVE: &str = "
initContainers:
- {name: setup}
- {name: one, restartPolicy: Always, startupProbe: {exec: {}}}
- {name: two, restartPolicy: Always}
containers: [{name: web}, {name: worker}]";

#[test]
fn native_sidecars_start_in_list_order_and_stop_in_reverse() {
    let declared = Declared::read(&pod(NATIVE), &Reading::default());
    assert_eq!(declared.design, Design::Native);
    assert_eq!(
        pairs(&declared, Rule::StartOrder),
        [
            ("setup", "one"),
            ("one", "two"),
            ("two", "web"),
            ("two", "worker")
        ]
    );
    assert_eq!(
        pairs(&declared, Rule::StopOrder),
        [
            ("two", "one"),
            ("web", "one"),
            ("worker", "one"),
            ("web", "two"),
            ("worker", "two")
        ]
    );
    assert_eq!(pairs(&declared, Rule::ListOrder), [("web", "worker")]);
    assert_eq!(declared.container("one").unwrap().gate, Gate::Startup);
}

#[test]
fn the_first_design_has_no_order_among_sidecars() {
    let spec = pod("
initContainers: [{name: setup}]
containers:
- {name: app}
- {name: proxy, readinessProbe: {exec: {}}, lifecycle: {type: Sidecar}}
- {name: shipper, lifecycle: {type: Sidecar}}");
    let declared = Declared::read(&spec, &Reading::default());
    assert_eq!(declared.design, Design::Lifecycle);
    assert_eq!(
        pairs(&declared, Rule::StartOrder),
        [
            ("setup", "proxy"),
            ("setup", "shipper"),
            ("setup", "app"),
            ("proxy", "app"),
            ("shipper", "app")
        ]
    );
    assert_eq!(
        pairs(&declared, Rule::StopOrder),
        [("app", "proxy"), ("app", "shipper")]
    );
    assert_eq!(declared.container("proxy").unwrap().gate, Gate::Ready);
    assert_eq!(declared.container("shipper").unwrap().gate, Gate::Running);
}

#[test]
fn a_dropped_field_is_declared_by_name() {
    let spec = pod("containers: [{name: app}, {name: proxy}]");
    let plain = Declared::read(&spec, &Reading::default());
    assert_eq!(plain.design, Design::Plain);
    assert_eq!(pairs(&plain, Rule::ListOrder), [("app", "proxy")]);
    assert!(pairs(&plain, Rule::StopOrder).is_empty());
    let named = Declared::read(
        &spec,
        &Reading {
            sidecars: BTreeSet::from(["proxy".to_owned()]),
            ..Reading::default()
        },
    );
    assert_eq!(pairs(&named, Rule::StartOrder), [("proxy", "app")]);
    assert_eq!(pairs(&named, Rule::StopOrder), [("app", "proxy")]);
}

#[test]
fn another_expectation_changes_the_pairs_and_keeps_the_containers() {
    let lifecycle = Reading {
        expectation: Expectation::Lifecycle,
        ..Reading::default()
    };
    let declared = Declared::read(&pod(NATIVE), &lifecycle);
    assert_eq!(
        pairs(&declared, Rule::StartOrder),
        [
            ("setup", "one"),
            ("setup", "two"),
            ("setup", "web"),
            ("setup", "worker"),
            ("one", "web"),
            ("one", "worker"),
            ("two", "web"),
            ("two", "worker")
        ]
    );
    assert_eq!(pairs(&declared, Rule::StopOrder).len(), 4);
    let plain = pod("containers: [{name: app}, {name: proxy}]");
    let native = Reading {
        expectation: Expectation::Specs(vec![
            pod("containers: [{name: other}]"),
            pod("{initContainers: [{name: proxy, restartPolicy: Always}], containers: [{name: app}]}"),
        ]),
        ..Reading::default()
    };
    let declared = Declared::read(&plain, &native);
    assert_eq!(pairs(&declared, Rule::StartOrder), [("proxy", "app")]);
    assert_eq!(pairs(&declared, Rule::StopOrder), [("app", "proxy")]);
}

#[test]
fn restart_policy_on_a_regular_container_makes_no_sidecar() {
    let spec = pod("containers: [{name: app}, {name: proxy, restartPolicy: Always}]");
    assert_eq!(Declared::read(&spec, &Reading::default()).design, Design::Plain);
}
