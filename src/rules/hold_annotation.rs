//! `hold-annotation`

use crate::{
    catalogue::{
        controller::OPEN_KRUISE,
        injector::{self, Hold, Injector, Meshes},
    },
    workload::Object,
    yaml::Entry,
};

use crate::remedy::Obligation;

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity, Subject};
use crate::pod::{Pod, Sources, embedded};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "hold-annotation",
    family: Family::Startup,
    severity: Severity::Warning,
    summary: "A setting that makes an injector hold the app back until its proxy is ready",
    what: r#"Settings that make an injector or a controller hold the app back until the proxy is ready:
`holdApplicationUntilProxyStarts: true` in the annotation `proxy.istio.io/config` (YAML or
JSON inside a string) or in the mesh configuration, `config.linkerd.io/proxy-await: enabled`,
OpenKruise's `apps.kruise.io/container-launch-priority: Ordered` and
`KRUISE_CONTAINER_PRIORITY`. Pod templates, Namespaces and the inline patches of a kustomization
are read.

A setting for the whole mesh is reported as info, since only its operator can change it.
Consul's lifecycle annotations and Kuma's are info too, unless a version is known that reads a
switch of the pod. Where the proxy is a native sidecar, by the pod's own switch or the versions
that are known, the setting is a [leftover-workaround](leftover-workaround.md). Settings that
are off (`false`, `disabled`) are left alone."#,
    why: r#"Istio and Linkerd do this with a blocking `postStart` hook on a container that they put first
in the list: it rests on the kubelet starting regular containers in order, which nobody
promised. Istio's hook gives up after 60 seconds and the app starts regardless; it does
nothing for init containers, which run before any proxy; and it makes the proxy the first
container, so that `kubectl logs` and `kubectl exec` take it by default. OpenKruise orders all
containers by a barrier of its own and works only where its webhook runs.

Injected as a native sidecar the proxy starts before the app and before the init containers
behind it, the app waits for its startup probe, and it is stopped after the app. Istio then
ignores the hold setting."#,
    before: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
spec:
  selector:
    matchLabels:
      app: cart
  template:
    metadata:
      labels:
        app: cart
      annotations:
        proxy.istio.io/config: |
          concurrency: 2
          holdApplicationUntilProxyStarts: true
    spec:
      containers:
        - name: cart
          image: registry.example.com/shop/cart:1.12.0
          command: ["/app/cart", "--listen=:8080"]
          ports:
            - containerPort: 8080
"#,
    after: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
spec:
  selector:
    matchLabels:
      app: cart
  template:
    metadata:
      labels:
        app: cart
      annotations:
        proxy.istio.io/config: |
          concurrency: 2
        sidecar.istio.io/nativeSidecar: "true"
    spec:
      containers:
        - name: cart
          image: registry.example.com/shop/cart:1.12.0
          command: ["/app/cart", "--listen=:8080"]
          ports:
            - containerPort: 8080
"#,
    migrate: r#"With `--review`, Istio's and Linkerd's own switch for native sidecars is set on the pod
template and this one key is removed, the rest of the annotation staying as it is; the output
says from which version of the injector on that holds. Consul's switch is set where its version
is known. Mesh-wide settings, OpenKruise's order and Kuma's setting are only advice."#,
    rests_on: &[&[Obligation::InjectorObeys]],
    sources: &[
        (
            "App container unable to connect to network before sidecar is fully running (istio/istio#11130)",
            "https://github.com/istio/istio/issues/11130",
        ),
        (
            "holdApplicationUntilProxyStarts not working as expected; the hook times out (istio/istio#41086)",
            "https://github.com/istio/istio/issues/41086",
        ),
        (
            "Per-pod native sidecar enablement (istio/istio#53452)",
            "https://github.com/istio/istio/issues/53452",
        ),
        (
            "Linkerd: Proxy Configuration",
            "https://linkerd.io/2/reference/proxy-configuration",
        ),
        (
            "Officially support Kubernetes native sidecars (hashicorp/consul-k8s#3919)",
            "https://github.com/hashicorp/consul-k8s/issues/3919",
        ),
    ],
};

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    let is_in_force = |entry: &Entry<'_>| {
        let injector = injector_of(entry.key.as_str().unwrap_or_default());
        // What is set beside native sidecars is a leftover, and the proxy of a gateway holds no other container back.
        injector.is_none_or(|injector| {
            !injector.is_kept_out(pod.workload)
                && !pod.gets_natively(injector)
                && !pod.is_gateway_of(injector)
        })
    };
    for entry in pod.workload.pod_annotations().into_iter().filter(is_in_force) {
        annotation(
            entry,
            |message, help| Draft::new(pod, &RULE, message).help(help),
            pod.settings.meshes,
            findings,
        );
    }
    for member in &pod.members {
        if let Some(variable) = member.container.variable(OPEN_KRUISE.ordered.variable) {
            findings.push(
                Draft::new(
                    pod,
                    &RULE,
                    "OpenKruise starts the containers in the order of their priorities",
                )
                .help(
                    "declare the containers that others need as sidecars; they start first and in list order",
                )
                .container(&member.container)
                .at(variable.node, "start order by priority")
                .by_hand("the priorities order all containers; only the first group becomes sidecars")
                .confidence(Confidence::High)
                .finish(),
            );
        }
    }
}

/// The injector that reads settings, or a setting, from an annotation.
fn injector_of(annotation: &str) -> Option<&'static Injector> {
    injector::of_settings(annotation).or_else(|| Some(injector::hold_annotation(annotation)?.0))
}

/// Mesh-wide settings and the annotations of namespaces.
pub(crate) fn check_object<'a>(object: &Object<'a>, sources: Sources<'a>, findings: &mut Vec<Finding>) {
    let draft = |message: String, help: String| Draft::about(object, sources, &RULE, message).help(help);
    if object.reference.kind == "Namespace"
        && let Some(annotations) = object.node.path(&["metadata", "annotations"])
    {
        let entries = annotations.entries();
        let says = |name: &str, value: &str| {
            let is_it =
                |entry: &Entry<'_>| entry.key.as_str() == Some(name) && entry.value.as_str() == Some(value);
            entries.iter().any(is_it)
        };
        let is_in_force = |entry: &&Entry<'_>| {
            let injector = injector_of(entry.key.as_str().unwrap_or_default());
            !injector.is_some_and(|injector| injector.is_told_natively_or_out(&says))
        };
        for entry in entries.iter().filter(is_in_force) {
            annotation(*entry, draft, Meshes::default(), findings);
        }
    }
    for patched in embedded::patched(object) {
        let Some(injector) = held_by(&patched.key, &patched.value) else {
            continue;
        };
        findings.push(
            held(injector, &patched.key, Meshes::default(), &draft)
                .at_span(
                    patched.node,
                    patched.span,
                    "set on every pod template that the patch is applied to",
                )
                .by_hand("kustomize applies this patch to workloads that it alone knows")
                .finish(),
        );
    }
    for injector in injector::INJECTORS {
        let holds: Vec<_> = injector.holds.iter().filter(|hold| hold.in_settings).collect();
        let keys: Vec<_> = holds.iter().map(|hold| hold.name).collect();
        for mesh in embedded::mesh_settings(object, &keys) {
            if !holds.iter().any(|hold| hold.holds_with(&mesh.value)) {
                continue;
            }
            let switch = injector.installation_switch.unwrap_or("its own switch");
            let default = injector.by_default.and_then(|default| default.since);
            let default = default.map_or(String::new(), |since| {
                format!(", the default since {} {}", injector.name, since.version)
            });
            findings.push(
                draft(
                    "the mesh holds every app back until its proxy is ready".to_owned(),
                    format!("let {} inject native sidecars ({switch}{default})", injector.name),
                )
                .severity(Severity::Info)
                .confidence(Confidence::High)
                .at_span(mesh.node, mesh.span, "holds all apps of the mesh")
                .by_hand("a setting of the whole mesh is its operator's decision")
                .finish(),
            );
        }
    }
}

/// The injector that an annotation of a patch makes hold the app back.
fn held_by(key: &str, value: &str) -> Option<&'static Injector> {
    if let Some((injector, hold)) = injector::hold_annotation(key) {
        return hold.holds_with(value).then_some(injector);
    }
    let injector = injector::of_settings(key)?;
    let holds = |setting: embedded::Setting| {
        let mut holds = injector.holds.iter().filter(|hold| hold.in_settings);
        holds.any(|hold| hold.name == setting.key && hold.holds_with(&setting.value))
    };
    embedded::settings_in(value)
        .into_iter()
        .any(holds)
        .then_some(injector)
}

fn annotation<'a>(
    entry: Entry<'a>,
    draft: impl Fn(String, String) -> Draft<'a>,
    meshes: Meshes,
    findings: &mut Vec<Finding>,
) {
    let (Some(key), Some(value)) = (entry.key.as_str(), entry.value.as_str()) else {
        return;
    };
    if let Some(injector) = injector::of_settings(key) {
        let holds = injector.holds.iter().filter(|hold| hold.in_settings);
        let holds: Vec<_> = holds.collect();
        for setting in embedded::settings(entry.value) {
            let is_it = |hold: &&Hold| hold.name == setting.key && hold.holds_with(&setting.value);
            if holds.iter().any(is_it) {
                findings.push(
                    held(injector, &setting.key, meshes, &draft)
                        .at_span(
                            entry.value,
                            setting.span,
                            "rests on containers starting in list order",
                        )
                        .finish(),
                );
            }
        }
    } else if let Some((injector, _)) =
        injector::hold_annotation(key).filter(|(_, hold)| hold.holds_with(value))
    {
        let label = match injector.pod_switch {
            Some(_) => "a blocking postStart hook in the injected proxy",
            None => "lifecycle of the injected proxy",
        };
        findings.push(
            held(injector, key, meshes, &draft)
                .at_entry(entry, label)
                .finish(),
        );
    } else if key == OPEN_KRUISE.ordered.annotation && value == OPEN_KRUISE.ordered.value {
        findings.push(
            draft(
                "OpenKruise starts the containers one after the other".to_owned(),
                "declare the containers that others need as sidecars; they start first and in list order"
                    .to_owned(),
            )
            .confidence(Confidence::High)
            .at_entry(entry, "orders all containers of the pod")
            .by_hand("it orders all containers; only the first group becomes sidecars")
            .finish(),
        );
    }
}

/// What is said of an injector's setting that holds the app back.
fn held<'a>(
    injector: &Injector,
    key: &str,
    meshes: Meshes,
    draft: &impl Fn(String, String) -> Draft<'a>,
) -> Draft<'a> {
    let proxy = injector.containers.first().copied().unwrap_or(injector.name);
    let message = format!("the app is held back until {proxy} is ready");
    let installed = meshes.of(injector);
    match (injector.pod_switch.as_ref(), injector.readable_switch(installed)) {
        (Some(switch), Some(annotation)) => draft(
            message,
            format!(
                "set {annotation}: {:?} on the pod template and drop this: a native sidecar starts before the app",
                switch.value
            ),
        )
        .confidence(Confidence::High)
        .subject(Subject::setting(injector.name, key)),
        _ => {
            let reason = injector.without_switch(installed);
            draft(message, format!("keep it for now: {reason}"))
                .severity(Severity::Info)
                .confidence(Confidence::High)
                .by_hand(reason)
        }
    }
}
