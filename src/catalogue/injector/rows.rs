//! The rows of injectors.

use super::{
    AtDeletion, Deployment, Formerly, Hold, Injector, Mark, NativeByDefault, PodSwitch, Since, Templates,
};

/// All injectors.
pub const INJECTORS: &[Injector] = &[
    Injector {
        name: "Istio",
        // istio.io/latest/docs/setup/additional-setup/sidecar-injection, "Customizing injection"
        placeholder: Some("auto"),
        // The same page, "Custom templates": the one for gRPC has no native form.
        templates: Some(Templates {
            annotation: "inject.istio.io/templates",
            native: "sidecar",
            // istio manifests/charts/istio-control/istio-discovery/files
            gateways: &["gateway", "kube-gateway", "waypoint"],
        }),
        redirecting: Some("istio-init"),
        // `istioctl kube-inject` and the webhook write it (istio pkg/kube/inject/inject.go).
        marks: &[Mark::any("sidecar.istio.io/status")],
        containers: &[
            "istio-proxy",
            "istio-init",
            "istio-validation",
            "enable-core-dump",
        ],
        pod_switch: Some(PodSwitch {
            annotation: "sidecar.istio.io/nativeSidecar",
            value: "true",
            formerly: &[],
            // It is younger than the variable: istio.io/latest/news/releases/1.24.x/announcing-1.24/change-notes/
            since: Some(Since::version("1.24")),
            note: "Istio reads the annotation since 1.24, and injects native sidecars by default since 1.27",
            needs_version: false,
        }),
        installation_switch: Some("ENABLE_NATIVE_SIDECARS"),
        installation_variable: Some("ENABLE_NATIVE_SIDECARS"),
        at_deletion: Some(AtDeletion {
            what: "Istio's native proxy begins to drain when the pod is deleted, while the app still works",
            source: "https://github.com/istio/istio/issues/60649",
        }),
        since: Some(Since::version("1.19")),
        by_default: Some(NativeByDefault {
            since: Some(Since::version("1.27")),
            kubernetes: Some(33),
            on_every_node: true,
        }),
        opt_outs: &[
            Mark::value("sidecar.istio.io/inject", "false"),
            Mark::value("istio.io/dataplane-mode", "none"),
        ],
        // istio pkg/kube/inject/inject.go, injectRequired
        skips_host_network: true,
        settings_annotation: Some("proxy.istio.io/config"),
        holds: &[Hold {
            name: "holdApplicationUntilProxyStarts",
            value: Some("true"),
            in_settings: true,
        }],
        deployment: Some(Deployment::new("istiod", &["pilot"])),
        source: "https://github.com/istio/istio/blob/master/pkg/kube/inject/webhook.go",
        ..ROW
    },
    Injector {
        name: "Linkerd",
        redirecting: Some("linkerd-init"),
        marks: &[
            Mark::any("linkerd.io/proxy-version"),
            Mark::any("linkerd.io/created-by"),
        ],
        containers: &[
            "linkerd-proxy",
            "linkerd-init",
            "linkerd-network-validator",
            "linkerd-debug",
        ],
        pod_switch: Some(PodSwitch {
            annotation: "config.linkerd.io/proxy-enable-native-sidecar",
            value: "true",
            formerly: &[
                // linkerd2#14587, of 2025-10-07; edge releases are named by year and month.
                Formerly {
                    annotation: "config.beta.linkerd.io/proxy-enable-native-sidecar",
                    since: Since {
                        version: "2.19",
                        also: &["edge-25.11.1"],
                    },
                },
                Formerly {
                    annotation: "config.alpha.linkerd.io/proxy-enable-native-sidecar",
                    since: Since {
                        version: "2.15",
                        also: &["edge-23.11.4"],
                    },
                },
            ],
            since: Some(Since {
                version: "2.20",
                also: &["edge-26.5.2"],
            }),
            note: "Linkerd reads this name since 2.20 (edge-26.5.2), where it is the default; 2.19 reads config.beta.linkerd.io/…, versions from 2.15 on config.alpha.linkerd.io/…",
            needs_version: false,
        }),
        installation_switch: Some("proxy.nativeSidecar"),
        since: Some(Since {
            version: "2.15",
            also: &["edge-23.11.4"],
        }),
        // linkerd2#15267, merged on 2026-05-11; linkerd/website#2123 names 2.20, sapcc/helm-charts#12461 the edge release.
        by_default: Some(NativeByDefault {
            since: Some(Since {
                version: "2.20",
                also: &["edge-26.5.2"],
            }),
            // Those versions need 1.31 (linkerd2 edge-26.5.1).
            kubernetes: None,
            on_every_node: false,
        }),
        opt_outs: &[Mark::value("linkerd.io/inject", "disabled")],
        // linkerd2 pkg/inject/report.go
        skips_host_network: true,
        holds: &[Hold {
            name: "config.linkerd.io/proxy-await",
            value: Some("enabled"),
            in_settings: false,
        }],
        drain_annotations: &[
            "config.linkerd.io/proxy-wait-before-exit-seconds",
            "config.beta.linkerd.io/proxy-wait-before-exit-seconds",
            "config.alpha.linkerd.io/proxy-wait-before-exit-seconds",
        ],
        excludes_drain: true,
        deployment: Some(Deployment::new("linkerd-proxy-injector", &["controller"])),
        source: "https://github.com/linkerd/linkerd2/blob/main/charts/linkerd-control-plane/values.yaml",
        ..ROW
    },
    Injector {
        name: "Dapr",
        // It injects at admission only: nothing that stands in a template is its output.
        containers: &["daprd"],
        opt_outs: &[Mark::value("dapr.io/enabled", "false")],
        pod_switch: Some(PodSwitch {
            annotation: "dapr.io/enable-native-sidecar",
            value: "true",
            formerly: &[],
            since: None,
            note: "Dapr reads it since 1.18",
            needs_version: true,
        }),
        installation_switch: Some("dapr_sidecar_injector.nativeSidecar"),
        since: Some(Since::version("1.18")),
        deployment: Some(Deployment::new("dapr-sidecar-injector", &["injector", "dapr"])),
        source: "https://github.com/dapr/dapr/blob/master/docs/release_notes/v1.18.0.md",
        ..ROW
    },
    Injector {
        name: "Consul",
        marks: &[Mark::value(
            "consul.hashicorp.com/connect-inject-status",
            "injected",
        )],
        containers: &["consul-dataplane", "consul-connect-inject-init", "envoy-sidecar"],
        pod_switch: Some(PodSwitch {
            annotation: "consul.hashicorp.com/enable-consul-dataplane-as-sidecar",
            value: "true",
            formerly: &[],
            since: None,
            note: "Consul on Kubernetes reads it since 1.9.0",
            needs_version: true,
        }),
        installation_switch: Some("dataplaneAsSidecarInitContainer.defaultEnabled"),
        since: Some(Since::version("1.9.0")),
        opt_outs: &[Mark::value("consul.hashicorp.com/connect-inject", "false")],
        holds: &[
            Hold {
                name: "consul.hashicorp.com/sidecar-proxy-lifecycle-startup-grace-period-seconds",
                value: None,
                in_settings: false,
            },
            Hold {
                name: "consul.hashicorp.com/enable-sidecar-proxy-lifecycle",
                value: None,
                in_settings: false,
            },
        ],
        deployment: Some(Deployment::new(
            "consul-connect-injector",
            &["consul-k8s-control-plane"],
        )),
        source: "https://github.com/hashicorp/consul-k8s/pull/4678",
        ..ROW
    },
    Injector {
        name: "Kuma",
        redirecting: Some("kuma-init"),
        containers: &["kuma-sidecar", "kuma-init", "kuma-validation"],
        installation_switch: Some("experimental.sidecarContainers"),
        since: Some(Since::version("2.7.0")),
        by_default: Some(NativeByDefault {
            since: Some(Since::version("2.14.0")),
            kubernetes: None,
            on_every_node: false,
        }),
        opt_outs: &[
            Mark::value("kuma.io/sidecar-injection", "disabled"),
            Mark::value("kuma.io/sidecar-injection", "false"),
        ],
        holds: &[Hold {
            name: "kuma.io/wait-for-dataplane-ready",
            value: Some("true"),
            in_settings: false,
        }],
        deployment: Some(Deployment::new("kuma-control-plane", &["kuma-cp"])),
        source: "https://github.com/kumahq/kuma/blob/master/UPGRADE.md",
        ..ROW
    },
    Injector {
        name: "Cloud SQL Proxy Operator",
        containers: &[],
        since: Some(Since::version("1.6.0")),
        by_default: Some(NativeByDefault {
            since: None,
            kubernetes: Some(29),
            on_every_node: false,
        }),
        deployment: Some(Deployment::new(
            "cloud-sql-proxy-operator",
            &["cloud-sql-proxy-operator"],
        )),
        source: "https://github.com/GoogleCloudPlatform/cloud-sql-proxy-operator/blob/main/CHANGELOG.md",
        ..ROW
    },
    Injector {
        name: "Vault",
        // Its agent leaves once the secrets are there. Its quit endpoint is off unless somebody means to call it.
        leaves_with: &[
            Mark::value("vault.hashicorp.com/agent-pre-populate-only", "true"),
            Mark::value("vault.hashicorp.com/agent-enable-quit", "true"),
        ],
        marks: &[Mark::value("vault.hashicorp.com/agent-inject-status", "injected")],
        containers: &["vault-agent", "vault-agent-init"],
        deployment: Some(Deployment::new("vault-agent-injector", &["vault-k8s"])),
        source: "https://github.com/hashicorp/vault-k8s/issues/620",
        ..ROW
    },
    Injector {
        name: "GCS FUSE",
        ends_with_the_job: true,
        containers: &["gke-gcsfuse-sidecar"],
        pod_switch: Some(PodSwitch {
            annotation: "gke-gcsfuse/enable-native-sidecar",
            value: "true",
            formerly: &[],
            since: None,
            note: "GKE with control plane and all nodes at 1.29 does it by itself",
            needs_version: false,
        }),
        by_default: Some(NativeByDefault {
            since: None,
            kubernetes: Some(29),
            on_every_node: true,
        }),
        source: "https://github.com/GoogleCloudPlatform/gcs-fuse-csi-driver",
        ..ROW
    },
    Injector {
        name: "OpenTelemetry operator",
        containers: &["otc-container"],
        // The annotation that asks for the injection: whether it becomes a native one is its version's affair.
        pod_switch: Some(PodSwitch {
            annotation: "sidecar.opentelemetry.io/inject",
            value: "true",
            formerly: &[],
            since: None,
            note: "the operator from 0.139.0 injects native sidecars on Kubernetes 1.29 and later",
            needs_version: false,
        }),
        installation_switch: Some("operator.sidecarcontainers.native"),
        since: Some(Since::version("0.111.0")),
        by_default: Some(NativeByDefault {
            since: Some(Since::version("0.139.0")),
            kubernetes: Some(29),
            on_every_node: false,
        }),
        deployment: Some(Deployment::new(
            "opentelemetry-operator",
            &["opentelemetry-operator"],
        )),
        source: "https://pkg.go.dev/github.com/open-telemetry/opentelemetry-operator/pkg/featuregate",
        ..ROW
    },
    Injector {
        name: "App Mesh",
        containers: &["envoy", "proxyinit", "xray-daemon"],
        opt_outs: &[Mark::value("appmesh.k8s.aws/sidecarInjectorWebhook", "disabled")],
        source: "https://docs.aws.amazon.com/app-mesh/latest/userguide/envoy.html",
        ..ROW
    },
];

/// What most injectors have in common: nothing.
const ROW: Injector = Injector {
    name: "",
    marks: &[],
    containers: &[],
    redirecting: None,
    leaves_with: &[],
    ends_with_the_job: false,
    pod_switch: None,
    installation_switch: None,
    installation_variable: None,
    at_deletion: None,
    since: None,
    by_default: None,
    opt_outs: &[],
    skips_host_network: false,
    settings_annotation: None,
    holds: &[],
    drain_annotations: &[],
    excludes_drain: false,
    placeholder: None,
    templates: None,
    deployment: None,
    source: "",
    checked: "2026-11-29",
};
