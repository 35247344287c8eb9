//! `hold-annotation`

use crate::{workload::Object, yaml::Entry};

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
`KRUISE_CONTAINER_PRIORITY`. Pod templates and Namespaces are read.

A setting for the whole mesh is reported as info, since only its operator can change it.
Consul's lifecycle annotations are info too: its injector has no native sidecars yet. Settings
that are off (`false`, `disabled`) are left alone."#,
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
says from which version of the injector on that holds. Mesh-wide settings, OpenKruise's order
and Consul's settings are only advice."#,
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

const ISTIO_KEY: &str = "holdApplicationUntilProxyStarts";

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for entry in pod.workload.pod_annotations() {
        annotation(
            entry,
            |message, help| Draft::new(pod, &RULE, message).help(help),
            findings,
        );
    }
    for member in &pod.members {
        if let Some(variable) = member.container.variable("KRUISE_CONTAINER_PRIORITY") {
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

/// Mesh-wide settings and the annotations of namespaces.
pub(crate) fn check_object<'a>(object: &Object<'a>, sources: Sources<'a>, findings: &mut Vec<Finding>) {
    let draft = |message: String, help: String| Draft::about(object, sources, &RULE, message).help(help);
    if object.reference.kind == "Namespace"
        && let Some(annotations) = object.node.path(&["metadata", "annotations"])
    {
        for entry in annotations.entries() {
            annotation(entry, draft, findings);
        }
    }
    for mesh in embedded::mesh_settings(object, &[ISTIO_KEY]) {
        if mesh.value == "true" {
            findings.push(
                draft(
                    "the mesh holds every app back until its proxy is ready".to_owned(),
                    "let Istio inject native sidecars (ENABLE_NATIVE_SIDECARS, the default since Istio 1.27)"
                        .to_owned(),
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

fn annotation<'a>(
    entry: Entry<'a>,
    draft: impl Fn(String, String) -> Draft<'a>,
    findings: &mut Vec<Finding>,
) {
    let (Some(key), Some(value)) = (entry.key.as_str(), entry.value.as_str()) else {
        return;
    };
    match key {
        "proxy.istio.io/config" => {
            for setting in embedded::settings(entry.value) {
                if setting.key == ISTIO_KEY && setting.value == "true" {
                    findings.push(
                        draft(
                            "the app is held back until istio-proxy is ready".to_owned(),
                            "set sidecar.istio.io/nativeSidecar: \"true\" on the pod template and drop this key: \
                             a native sidecar starts before the app"
                                .to_owned(),
                        )
                        .confidence(Confidence::High)
                        .at_span(entry.value, setting.span, "rests on containers starting in list order")
                        .subject(setting_of("istio-proxy", &setting.key))
                        .finish(),
                    );
                }
            }
        }
        "config.linkerd.io/proxy-await" if value == "enabled" => findings.push(
            draft(
                "the app is held back until linkerd-proxy is ready".to_owned(),
                "set config.linkerd.io/proxy-enable-native-sidecar: \"true\" instead".to_owned(),
            )
            .confidence(Confidence::High)
            .at_entry(entry, "a blocking postStart hook in the injected proxy")
            .subject(setting_of("linkerd-proxy", key))
            .finish(),
        ),
        "apps.kruise.io/container-launch-priority" if value == "Ordered" => findings.push(
            draft(
                "OpenKruise starts the containers one after the other".to_owned(),
                "declare the containers that others need as sidecars; they start first and in list order"
                    .to_owned(),
            )
            .confidence(Confidence::High)
            .at_entry(entry, "orders all containers of the pod")
            .by_hand("it orders all containers; only the first group becomes sidecars")
            .finish(),
        ),
        "consul.hashicorp.com/sidecar-proxy-lifecycle-startup-grace-period-seconds"
        | "consul.hashicorp.com/enable-sidecar-proxy-lifecycle"
            if value != "false" && value != "0" =>
        {
            findings.push(
                draft(
                    "Consul holds the app back and the proxy up by its own lifecycle settings".to_owned(),
                    "keep it until Consul can inject native sidecars (hashicorp/consul-k8s#3919)".to_owned(),
                )
                .severity(Severity::Info)
                .confidence(Confidence::High)
                .at_entry(entry, "lifecycle of the injected proxy")
                .by_hand("Consul's injector has no switch for native sidecars yet")
                .finish(),
            );
        }
        _ => {}
    }
}

fn setting_of(sidecar: &str, key: &str) -> Subject {
    Subject::Setting {
        sidecar: sidecar.to_owned(),
        key: key.to_owned(),
    }
}
