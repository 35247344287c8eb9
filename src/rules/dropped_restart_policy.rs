//! `dropped-restart-policy`

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity};
use crate::pod::{Live, Pod};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "dropped-restart-policy",
    family: Family::Remedy,
    severity: Severity::Error,
    summary: "A running pod has lost the restartPolicy that makes its container a sidecar (found in clusters only)",
    what: r#"A native sidecar of a template whose container is an ordinary init container in a pod that was
made from it. The pods of a cluster are compared with the templates they were made of, by the
containers' names; pods of an earlier template are left out. Files have no pods, so this is
found with `lint --live` only."#,
    why: r#"Between the template and the pod stands admission. A webhook that was built with a Kubernetes
library from before 1.28 reads the pod into types without `restartPolicy` on containers, and
the patch that it makes of the result takes the field away. What is left is an init container
that has to *complete* before the app starts, and a proxy never does: the pod stays in `Init`
and nothing in the manifest says why. Where the container has probes the server refuses the
pod instead (`Forbidden: may not be set for init containers without
restartPolicy=Always`), and there is no pod to look at.

The manifest is right. The webhook has to be updated, or kept away from these pods by its
`namespaceSelector` or `objectSelector`."#,
    before: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: ratings
spec:
  selector:
    matchLabels: {app: ratings}
  template:
    metadata:
      labels: {app: ratings}
    spec:
      initContainers:
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          restartPolicy: Always
          args: ["--port=5432", "--health-check", "--http-address=0.0.0.0", "example:eu:ratings"]
          startupProbe:
            httpGet: {path: /startup, port: 9090}
      containers:
        - name: ratings
          image: registry.example.com/shop/ratings:2.3.0
"#,
    after: "",
    migrate: "There is nothing to rewrite: the manifest declares the sidecar already.",
    rests_on: &[],
    sources: &[
        (
            "Mutating webhook breaks sidecars (aws/amazon-eks-pod-identity-webhook#208)",
            "https://github.com/aws/amazon-eks-pod-identity-webhook/issues/208",
        ),
        (
            "Cannot create sidecar containers (aws/aws-app-mesh-controller-for-k8s#774)",
            "https://github.com/aws/aws-app-mesh-controller-for-k8s/issues/774",
        ),
        (
            "Issue when mutating native sidecar init containers (doitintl/kube-secrets-init#53)",
            "https://github.com/doitintl/kube-secrets-init/issues/53",
        ),
    ],
};

pub(crate) fn check(pod: &Pod<'_>, live: &Live, findings: &mut Vec<Finding>) {
    for member in &pod.members {
        let container = &member.container;
        let dropped = live.dropped.iter().find(|dropped| dropped.name == container.name);
        let (Some(dropped), true, Some(entry)) =
            (dropped, container.is_native_sidecar(), container.restart_policy())
        else {
            continue;
        };
        findings.push(
            Draft::new(
                pod,
                &RULE,
                format!(
                    "{} is an ordinary init container in pod {}: something at admission dropped its restartPolicy",
                    container.name, dropped.pod
                ),
            )
            .help("update the webhook that rewrites the pod, or keep it away from these pods by its selectors")
            .confidence(Confidence::High)
            .container(container)
            .at_entry(entry, format!("not in pod {}", dropped.pod))
            .by_hand("the manifest is right; what rewrites its pods is not")
            .finish(),
        );
    }
}
