//! What Kubernetes does from which version on, as far as a rule, a rewrite or a message rests on it.

/// Something that Kubernetes does from a version on.
#[derive(Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// What it does.
    pub what: &'static str,
    /// The minor version of 1.x that does it first.
    pub since: u32,
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

const KEP_753: &str =
    "https://github.com/kubernetes/enhancements/blob/master/keps/sig-node/753-sidecar-containers/README.md";
const CHECKED: &str = "2026-11-30";

const fn row(since: u32, what: &'static str, source: &'static str) -> Behaviour {
    Behaviour {
        what,
        since,
        source,
        checked: CHECKED,
    }
}

/// Native sidecars are on by default, and stop in order after the app.
pub const NATIVE_SIDECARS: Behaviour = row(29, "native sidecars are on by default", KEP_753);

/// The kubelet goes on with the startup probe of a native sidecar that failed once, whatever the pod's `restartPolicy`.
pub const STARTUP_PROBES_OF_NEVER: Behaviour = row(
    33,
    "a startup probe of a native sidecar goes on after a first failure in a pod with restartPolicy: Never",
    "https://github.com/kubernetes/kubernetes/issues/132826",
);

/// Admission policies that change objects are stable.
pub const MUTATING_POLICIES: Behaviour = row(
    36,
    "MutatingAdmissionPolicy is stable",
    "https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/3962-mutating-admission-policies",
);

/// Everything that is said of versions of Kubernetes.
pub const KUBERNETES: &[Behaviour] = &[
    NATIVE_SIDECARS,
    STARTUP_PROBES_OF_NEVER,
    MUTATING_POLICIES,
    row(
        24,
        "probes may speak gRPC",
        "https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/2727-grpc-probe",
    ),
    row(
        26,
        "kubectl has no providers gcp and azure of its own",
        "https://github.com/kubernetes/kubernetes/blob/master/CHANGELOG/CHANGELOG-1.26.md",
    ),
    row(
        28,
        "native sidecars are known behind a feature gate, and stop without an order",
        KEP_753,
    ),
    row(
        29,
        "a HorizontalPodAutoscaler counts native sidecars",
        "https://github.com/kubernetes/kubernetes/pull/120001",
    ),
    row(
        30,
        "ValidatingAdmissionPolicy is stable",
        "https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/3488-cel-admission-control",
    ),
    row(
        33,
        "native sidecars are stable, and their gate cannot be off",
        KEP_753,
    ),
    row(
        33,
        "lifecycle.stopSignal is known behind the gate ContainerStopSignals",
        "https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/4960-container-stop-signals",
    ),
    row(
        34,
        "a regular container may have a restartPolicy of its own, behind a gate that is on from 1.35",
        "https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/5307-container-restart-policy",
    ),
    row(
        36,
        "restartPolicyRules of a native sidecar count where their action is RestartAllContainers",
        "https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/5532-restart-all-containers-on-container-exits",
    ),
    row(
        35,
        "restartPolicy of a regular container is on by default",
        "https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/5307-container-restart-policy",
    ),
];

/// How the metrics of kube-state-metrics that tell of single regular containers begin.
pub const POD_METRICS: &str = "kube_pod_container_";

/// How those of init containers begin, native sidecars among them.
const INIT_METRICS: &str = "kube_pod_init_container_";

/// The metrics that init containers have too (kube-state-metrics docs/metrics/workload/pod-metrics.md, and its #2627
/// for one that they lack; checked on 2026-11-30).
const OF_BOTH: [&str; 11] = [
    "info",
    "resource_limits",
    "resource_requests",
    "status_last_terminated_reason",
    "status_ready",
    "status_restarts_total",
    "status_running",
    "status_terminated",
    "status_terminated_reason",
    "status_waiting",
    "status_waiting_reason",
];

/// The metric of init containers that tells what one of regular containers does; nothing where there is none.
#[must_use]
pub fn counterpart(metric: &str) -> Option<String> {
    let what = metric.strip_prefix(POD_METRICS)?;
    OF_BOTH.contains(&what).then(|| format!("{INIT_METRICS}{what}"))
}
