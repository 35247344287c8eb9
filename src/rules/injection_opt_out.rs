//! `injection-opt-out`

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity};
use crate::{catalogue::injector, pod::Pod};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "injection-opt-out",
    family: Family::Completion,
    severity: Severity::Info,
    summary: "A Job is kept out of the mesh, often because its proxy would never end",
    what: r#"A Job, a CronJob or another pod that runs to completion which is kept out of a mesh by a label
or an annotation on its pod template: `sidecar.istio.io/inject: "false"`,
`linkerd.io/inject: disabled`, `consul.hashicorp.com/connect-inject: "false"`, and those of
Kuma, App Mesh and Istio's ambient mode.

This is information. The reason may be security or traffic as well, and the text cannot tell.
Workloads that run for ever, and custom resources whose controller ends sidecars itself, are
left alone."#,
    why: r#"For years the usual answer to "my Job never completes" was to keep the Job out of the mesh. It
then talks in plain text, has no mesh identity, and under strict mutual TLS or authorization
policies it cannot reach the services that it works for, so exceptions follow the opt-out. Its
calls are missing from traces and metrics.

A proxy that is injected as a native sidecar does not keep a Job from completing: the kubelet
ends it after the app, and its exit code does not count for the pod's phase. The reason for
many of these lines is gone."#,
    before: r#"apiVersion: batch/v1
kind: CronJob
metadata:
  name: send-invoices
spec:
  schedule: "15 3 * * *"
  jobTemplate:
    spec:
      template:
        metadata:
          labels:
            sidecar.istio.io/inject: "false"
        spec:
          restartPolicy: OnFailure
          containers:
            - name: invoices
              image: registry.example.com/billing/invoices:2.8.0
              command: ["/app/invoices", "send"]
"#,
    after: r#"apiVersion: batch/v1
kind: CronJob
metadata:
  name: send-invoices
spec:
  schedule: "15 3 * * *"
  jobTemplate:
    spec:
      template:
        metadata:
          labels:
            sidecar.istio.io/inject: "true"
          annotations:
            sidecar.istio.io/nativeSidecar: "true"
        spec:
          restartPolicy: OnFailure
          containers:
            - name: invoices
              image: registry.example.com/billing/invoices:2.8.0
              command: ["/app/invoices", "send"]
"#,
    migrate: r#"Never rewritten: joining a mesh is a decision about traffic and security. The advice names the
injector's switch for native sidecars and the version from which on it holds."#,
    rests_on: &[],
    sources: &[
        (
            "Jobs are Broken (they Never Complete) (istio/istio#11045)",
            "https://github.com/istio/istio/issues/11045",
        ),
        (
            "Better support for sidecar containers in batch jobs (istio/istio#6324)",
            "https://github.com/istio/istio/issues/6324",
        ),
        (
            "Support native sidecar by default (istio/istio#56428)",
            "https://github.com/istio/istio/pull/56428",
        ),
        (
            "Kubernetes: Sidecar Containers",
            "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
        ),
    ],
};

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    let completes = pod.workload.runs_to_completion() && !pod.workload.controller.ends_sidecars();
    if !completes {
        return;
    }
    let marks = pod
        .workload
        .pod_annotations()
        .into_iter()
        .chain(pod.workload.pod_labels());
    for entry in marks {
        let (Some(key), Some(value)) = (entry.key.as_str(), entry.value.as_str()) else {
            continue;
        };
        let Some(injector) = injector::opted_out_by(key, value) else {
            continue;
        };
        let mesh = injector.name;
        findings.push(
            Draft::new(
                pod,
                &RULE,
                format!("{} is kept out of {mesh}", crate::pod::describe(pod)),
            )
            .help(
                "where the reason was that its proxy never ends, inject it as a native sidecar; \
                     where it was security or traffic, keep this",
            )
            .confidence(Confidence::Medium)
            .at_entry(entry, "no proxy is injected")
            .by_hand("joining the mesh is a decision about traffic and security")
            .finish(),
        );
    }
}
