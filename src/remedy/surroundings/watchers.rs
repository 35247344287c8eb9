//! What of an input looks at one container by its name: alerts on its metrics, and autoscalers of its resources.

use crate::{
    catalogue::kubernetes::{POD_METRICS, counterpart},
    workload::{Object, ObjectReference, objects_of},
    yaml::{self, Node, Stream},
};

/// Something that names a container, or sizes all of a workload's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Watcher {
    /// `PrometheusRule alerts, alert ProxyRestarts`
    place: String,
    namespace: Option<String>,
    watch: Watch,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Watch {
    /// An expression selects a metric of kube-state-metrics by a container's name.
    Metric { metric: String, names: Matcher },
    /// A HorizontalPodAutoscaler scales on a container's resource.
    Scaling { target: Target, container: String },
    /// A VerticalPodAutoscaler sizes the containers of a workload.
    Sizing { target: Target },
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    kind: String,
    name: String,
}

/// `container="x"` or `container=~"x|y.*"`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Matcher {
    Equal(String),
    Pattern(String),
}

/// Whether a text may hold something of the kind: hardly any does.
pub(crate) fn may_watch(text: &str) -> bool {
    [POD_METRICS, "HorizontalPodAutoscaler", "VerticalPodAutoscaler"]
        .iter()
        .any(|sign| text.contains(sign))
}

/// What a stream holds: rule objects, rule files, whole or in a ConfigMap, and autoscalers.
pub(crate) fn watchers(source: &str, stream: &Stream<'_>) -> Vec<Watcher> {
    let mut found = Vec::new();
    for object in objects_of(stream) {
        let name = &object.reference.name;
        match object.reference.kind.as_str() {
            // The operators of Prometheus and VictoriaMetrics.
            "PrometheusRule" | "VMRule" => {
                let holder = format!("{} {name}", object.reference.kind);
                let spec = object.node.get("spec");
                found.extend(spec.into_iter().flat_map(|spec| rules(&holder, spec)));
            }
            "ConfigMap" => found.extend(config_map(&object)),
            "HorizontalPodAutoscaler" => found.extend(scaling(&object)),
            "VerticalPodAutoscaler" => found.extend(sizing(&object)),
            // A rule file of Prometheus itself.
            "" => found.extend(rules(source, object.node)),
            _ => {}
        }
    }
    found
}

fn config_map(object: &Object<'_>) -> Vec<Watcher> {
    let data = object.node.get("data").map(Node::entries).unwrap_or_default();
    let mut found = Vec::new();
    for entry in data {
        let (Some(key), Some(text)) = (entry.key.as_str(), entry.value.as_str()) else {
            continue;
        };
        let Some(stream) = text
            .contains(POD_METRICS)
            .then(|| yaml::parse(text).ok())
            .flatten()
        else {
            continue;
        };
        let holder = format!("ConfigMap {}, {key}", object.reference.name);
        found.extend(stream.roots().flat_map(|(_, root)| rules(&holder, root)));
    }
    found
}

/// The rules of `groups: [{rules: [{alert: …, expr: …}]}]`.
fn rules(holder: &str, node: Node<'_>) -> Vec<Watcher> {
    let all = items(node, "groups").flat_map(|group| items(group, "rules"));
    let mut found = Vec::new();
    for rule in all {
        let text = |key: &str| rule.get(key).and_then(Node::as_str);
        let place = match (text("alert"), text("record")) {
            (Some(alert), _) => format!("{holder}, alert {alert}"),
            (None, Some(record)) => format!("{holder}, record {record}"),
            (None, None) => holder.to_owned(),
        };
        for (metric, names) in selected(text("expr").unwrap_or_default()) {
            found.push(Watcher {
                place: place.clone(),
                namespace: None,
                watch: Watch::Metric { metric, names },
            });
        }
    }
    found
}

fn items<'t>(node: Node<'t>, key: &str) -> impl Iterator<Item = Node<'t>> {
    node.get(key).into_iter().flat_map(Node::items)
}

fn scaling(object: &Object<'_>) -> Vec<Watcher> {
    let Some(target) = target(object, "scaleTargetRef") else {
        return Vec::new();
    };
    let metrics = object
        .node
        .path(&["spec", "metrics"])
        .into_iter()
        .flat_map(Node::items);
    metrics
        .filter_map(|metric| {
            let container = metric.path(&["containerResource", "container"])?.as_str()?;
            Some(Watcher {
                place: format!("HorizontalPodAutoscaler {}", object.reference.name),
                namespace: object.reference.namespace.clone(),
                watch: Watch::Scaling {
                    target: target.clone(),
                    container: container.to_owned(),
                },
            })
        })
        .collect()
}

fn sizing(object: &Object<'_>) -> Option<Watcher> {
    Some(Watcher {
        place: format!("VerticalPodAutoscaler {}", object.reference.name),
        namespace: object.reference.namespace.clone(),
        watch: Watch::Sizing {
            target: target(object, "targetRef")?,
        },
    })
}

fn target(object: &Object<'_>, field: &str) -> Option<Target> {
    let reference = object.node.path(&["spec", field])?;
    let text = |key: &str| reference.get(key).and_then(Node::as_str).map(str::to_owned);
    Some(Target {
        kind: text("kind")?,
        name: text("name")?,
    })
}

impl Watcher {
    /// What becomes of it when a container of a workload becomes an init container.
    pub(crate) fn note(&self, workload: &ObjectReference, container: &str) -> Option<String> {
        let is_apart = |own: &Option<String>| {
            own.is_some() && workload.namespace.is_some() && *own != workload.namespace
        };
        let is_of = |target: &Target| {
            !is_apart(&self.namespace) && target.kind == workload.kind && target.name == workload.name
        };
        let place = &self.place;
        match &self.watch {
            Watch::Metric { metric, names } if names.is_met_by(container) => {
                Some(match counterpart(metric) {
                    Some(other) => format!(
                        "{place}: {metric} has nothing of {container} any more, for it is an init container; {other} has it"
                    ),
                    None => format!(
                        "{place}: {metric} has nothing of {container} any more, for it is an init container, and kube-state-metrics has no such metric of those"
                    ),
                })
            }
            Watch::Scaling {
                target,
                container: own,
            } if is_of(target) && own == container => Some(format!(
                "{place} scales on {container}: Kubernetes counts native sidecars there since 1.29; another source of metrics may not"
            )),
            Watch::Sizing { target } if is_of(target) => Some(format!(
                "{place} leaves {container} alone now: it sizes no init containers but with the alpha gate NativeSidecar"
            )),
            _ => None,
        }
    }
}

impl Matcher {
    /// Whether it names a container. A pattern that is none but a wildcard names nothing.
    fn is_met_by(&self, container: &str) -> bool {
        match self {
            Self::Equal(name) => name == container,
            Self::Pattern(pattern) => {
                let inner = pattern
                    .trim_start_matches(['(', '^'])
                    .trim_end_matches([')', '$']);
                inner.split('|').any(|one| matches_wildcard(one, container))
            }
        }
    }
}

/// Whether a name matches a regular expression of plain text and one wildcard.
fn matches_wildcard(pattern: &str, name: &str) -> bool {
    let split = pattern.split_once(".*").or_else(|| pattern.split_once(".+"));
    match split {
        None => pattern == name,
        Some((before, after)) => {
            let is_plain = |text: &str| {
                text.chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
            };
            let says_something = !before.is_empty() || !after.is_empty();
            says_something
                && is_plain(before)
                && is_plain(after)
                && name.len() >= before.len() + after.len()
                && name.starts_with(before)
                && name.ends_with(after)
        }
    }
}

/// The metrics of regular containers that an expression of PromQL selects by a container's name.
fn selected(expression: &str) -> Vec<(String, Matcher)> {
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(at) = rest.find(POD_METRICS) {
        let begins = !rest
            .get(..at)
            .and_then(|before| before.chars().next_back())
            .is_some_and(is_of_name);
        let from = rest.get(at..).unwrap_or_default();
        let length = from.find(|letter| !is_of_name(letter)).unwrap_or(from.len());
        let (metric, behind) = from.split_at_checked(length).unwrap_or((from, ""));
        if let (true, Some(labels)) = (begins, behind.trim_start().strip_prefix('{')) {
            found.extend(container_matchers(labels).map(|matcher| (metric.to_owned(), matcher)));
        }
        rest = behind;
    }
    found
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | ':')
}

/// The positive matchers of the label `container` behind a `{`.
fn container_matchers(labels: &str) -> impl Iterator<Item = Matcher> {
    let mut found = Vec::new();
    let mut rest = labels;
    loop {
        rest = rest.trim_start_matches([' ', '\n', '\t', '\r', ',']);
        let length = rest.find(|letter| !is_of_name(letter)).unwrap_or(rest.len());
        let Some((label, behind)) = rest
            .split_at_checked(length)
            .filter(|(label, _)| !label.is_empty())
        else {
            break;
        };
        let behind = behind.trim_start();
        let operators = ["=~", "!~", "!=", "="];
        let Some((operator, value)) = operators
            .iter()
            .find_map(|operator| Some((*operator, behind.strip_prefix(*operator)?)))
        else {
            break;
        };
        let value = value.trim_start();
        let Some((quote, text)) = ['"', '\'', '`']
            .iter()
            .find_map(|quote| Some((*quote, value.strip_prefix(*quote)?)))
        else {
            break;
        };
        let Some((text, behind)) = text.split_once(quote) else {
            break;
        };
        if label == "container" {
            match operator {
                "=" => found.push(Matcher::Equal(text.to_owned())),
                "=~" => found.push(Matcher::Pattern(text.to_owned())),
                _ => {}
            }
        }
        rest = behind;
    }
    found.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(kind: &str, name: &str) -> ObjectReference {
        ObjectReference {
            kind: kind.to_owned(),
            name: name.to_owned(),
            ..ObjectReference::default()
        }
    }

    fn notes(text: &str, container: &str) -> Vec<String> {
        let stream = yaml::parse(text).unwrap();
        let all = watchers("rules.yaml", &stream);
        let deployment = workload("Deployment", "web");
        all.iter()
            .filter_map(|watcher| watcher.note(&deployment, container))
            .collect()
    }

    #[test]
    fn an_expression_names_a_container_by_a_matcher() {
        for (expression, is_named) in [
            (
                r#"kube_pod_container_status_restarts_total{container="side"} > 3"#,
                true,
            ),
            (
                r#"increase(kube_pod_container_status_restarts_total{namespace="x", container =~ "app|side"}[5m])"#,
                true,
            ),
            (
                r"sum by (pod) (kube_pod_container_status_ready {container='side'}) == 0",
                true,
            ),
            (r#"kube_pod_container_info{container=~"(side|other)"}"#, true),
            (r#"kube_pod_container_info{container=~"si.*"}"#, true),
            (r#"kube_pod_container_info{container=~".*"}"#, false),
            (r#"kube_pod_container_info{container!="side"}"#, false),
            (r#"kube_pod_container_info{container="sidecar"}"#, false),
            (r#"kube_pod_init_container_info{container="side"}"#, false),
            (r#"container_memory_working_set_bytes{container="side"}"#, false),
            (r#"my_kube_pod_container_info{container="side"}"#, false),
            (
                r#"kube_pod_container_info{pod="container=\"side\"", container="app"}"#,
                false,
            ),
            ("kube_pod_container_info", false),
            (r#"kube_pod_container_info{container="side"#, false),
        ] {
            let names = selected(expression)
                .iter()
                .any(|(_, matcher)| matcher.is_met_by("side"));
            assert_eq!(names, is_named, "{expression}");
        }
    }

    #[test]
    fn rules_are_read_wherever_they_stand() {
        let group = "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: kube_pod_container_status_ready{container=\"side\"} == 0\n";
        let indented = |by: usize| group.replace('\n', &format!("\n{}", " ".repeat(by)));
        for text in [
            group.to_owned(),
            format!(
                "kind: PrometheusRule\nmetadata: {{name: r}}\nspec:\n  {}",
                indented(2)
            ),
            format!(
                "kind: ConfigMap\nmetadata: {{name: c}}\ndata:\n  r.yaml: |\n    {}",
                indented(4)
            ),
        ] {
            let notes = notes(&text, "side");
            assert!(
                matches!(notes.as_slice(), [note] if note.contains("alert Down: kube_pod_container_status_ready") && note.ends_with("kube_pod_init_container_status_ready has it")),
                "{text}\n{notes:?}"
            );
        }
    }

    #[test]
    fn autoscalers_of_the_workload_are_named() {
        let text = "kind: HorizontalPodAutoscaler\nmetadata: {name: h}\nspec:\n  scaleTargetRef: {kind: Deployment, name: web}\n  metrics:\n  - {type: ContainerResource, containerResource: {name: cpu, container: side}}\n---\nkind: VerticalPodAutoscaler\nmetadata: {name: v}\nspec:\n  targetRef: {kind: Deployment, name: web}\n---\nkind: VerticalPodAutoscaler\nmetadata: {name: other}\nspec:\n  targetRef: {kind: Deployment, name: api}\n";
        let side = notes(text, "side");
        assert_eq!(side.len(), 2, "{side:?}");
        assert_eq!(notes(text, "app").len(), 1);
    }
}
