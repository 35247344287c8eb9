//! `quit-endpoint`

mod told;

use crate::{
    behaviour::{
        LinkKind, Party,
        script::{Quit, QuitPosition},
    },
    catalogue::quit,
    workload::{HookKind, ProgramPlace},
};

use crate::remedy::{
    Obligation,
    workaround::{end_hook::leftover_hook, stop::only_stops},
};

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity, Subject};
use crate::pod::{Member, Pod, unanswered_quit};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "quit-endpoint",
    family: Family::Completion,
    severity: Severity::Warning,
    summary: "The app tells its sidecar to quit when it is done",
    what: r#"A call to a sidecar's quit endpoint, at a local address and on a known path:
`curl -X POST http://localhost:15020/quitquitquit` (Istio; 15000 for Envoy's admin port, 9091
for the Cloud SQL proxy), `:4191/shutdown` (Linkerd), `:3500/v1.0/shutdown` (Dapr),
`/agent/v1/quit` (Vault agent), `/graceful_shutdown` (Consul). It is found after `;` and `&&`,
in a `trap … EXIT` and in functions that one names, in `curl`, `wget`, raw `/dev/tcp` and
one-line programs, and `$VAR` hosts are resolved from the container's own env.

An address of this kind among the arguments of an unknown program, or in a variable such as
`PROXY_QUIT_URL`, is a sign that the image makes the call.

The port alone proves nothing and neither does `/shutdown` alone: it needs Linkerd's or Dapr's
port or a known sidecar in the pod. Calls to other hosts are left alone."#,
    why: r#"The Job completes only if this line runs. A SIGKILL or an OOM kill of the container never
reaches it, not even in a trap; `set -e` and `app && curl …` skip it on failure: the pod then
shows `1/2 NotReady` and the Job hangs until somebody looks. Where it runs, it must not change
the exit code: without `exit $code` the Job's result is curl's. Linkerd's endpoint is off by
default, Vault's too, and everybody in the pod can call it.

The kubelet ends a native sidecar itself when the last regular container has ended, however it
ended, and the sidecar's exit code does not count for the pod's phase. (A `podFailurePolicy`
on exit codes looks at sidecars too unless it has a `containerName`.) A quit call that is left
in place does harm there: the sidecar exits, and the kubelet restarts it."#,
    before: r#"apiVersion: batch/v1
kind: Job
metadata:
  name: migrate-orders
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: migrate
          image: registry.example.com/shop/orders-migrate:3.1.0
          command: ["/bin/sh", "-c"]
          args:
            - |
              /app/migrate up --db=127.0.0.1:5432
              code=$?
              curl -fsS -X POST http://localhost:9091/quitquitquit
              exit $code
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          args: ["--quitquitquit", "--health-check", "--http-address=0.0.0.0", "example:eu:orders"]
          ports:
            - containerPort: 5432
            - containerPort: 9090
          startupProbe:
            httpGet: {path: /startup, port: 9090}
            periodSeconds: 1
            failureThreshold: 120
"#,
    after: r#"apiVersion: batch/v1
kind: Job
metadata:
  name: migrate-orders
spec:
  template:
    spec:
      restartPolicy: Never
      initContainers:
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          restartPolicy: Always
          args: ["--quitquitquit", "--health-check", "--http-address=0.0.0.0", "example:eu:orders"]
          ports:
            - containerPort: 5432
            - containerPort: 9090
          startupProbe:
            httpGet: {path: /startup, port: 9090}
            periodSeconds: 1
            failureThreshold: 120
      containers:
        - name: migrate
          image: registry.example.com/shop/orders-migrate:3.1.0
          command: ["/app/migrate", "up", "--db=127.0.0.1:5432"]
"#,
    migrate: r#"The call goes together with the plumbing around it that keeps the exit code, and the sidecar
is declared. Safe where the call is the last thing or an EXIT trap, its output is unused, the
exit code is provably the app's, and the endpoint is one of the migrated container's. For an
injected proxy `--review` sets the injector's switch in the same edit; for Dapr and Consul their
version has to be known (`--mesh dapr=1.18`), and Vault has none, so there it is advice."#,
    rests_on: &[
        &Obligation::OF_DECLARATIONS,
        &[Obligation::ScriptIsWhole, Obligation::ResultIsKept],
        &[Obligation::InjectorObeys],
    ],
    sources: &[
        (
            "Better support for sidecar containers in batch jobs (istio/istio#6324)",
            "https://github.com/istio/istio/issues/6324",
        ),
        (
            "Allow setting LINKERD2_PROXY_SHUTDOWN_ENDPOINT_ENABLED (linkerd/linkerd2#12951)",
            "https://github.com/linkerd/linkerd2/issues/12951",
        ),
        (
            "Dapr: Shutdown API",
            "https://docs.dapr.io/reference/api/shutdown_api/",
        ),
        (
            "Update Kubernetes examples to use native sidecars (GoogleCloudPlatform/cloud-sql-proxy#2371)",
            "https://github.com/GoogleCloudPlatform/cloud-sql-proxy/pull/2371",
        ),
        (
            "Kubernetes: Sidecar Containers",
            "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
        ),
    ],
};

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for (at, link) in pod.links.all.iter().enumerate() {
        let LinkKind::Quits(stop) = &link.kind else {
            continue;
        };
        let Some((member, program)) = pod.program(link.container, link.program) else {
            continue;
        };
        // What nobody answers stops nobody: broken-workaround says so.
        if pod.is_declared(&link.other) || unanswered_quit(pod, link).is_some() {
            continue;
        }
        let name = pod.party_name(&link.other);
        let app = member.container.name;
        let message = match program.place {
            ProgramPlace::Hook(HookKind::PreStop) => {
                format!("the preStop hook of {app} stops {name} by a call")
            }
            _ if only_stops(pod, link) => format!("{app} stops {name} by a call when the app is done"),
            _ => format!("{app} stops {name} by a call when it is done"),
        };
        let mut draft = Draft::new(pod, &RULE, message)
            .help(help(pod, &name, &link.other))
            .confidence(if link.other == Party::Unknown {
                Confidence::Medium
            } else {
                Confidence::High
            })
            .container(&member.container)
            .at_text(program, stop.span.clone(), where_it_stands(stop))
            .subject(Subject::Link(at));
        if let Some(sidecar) = pod.party(&link.other) {
            draft = draft.with_container(&sidecar.container, "the sidecar it stops");
        }
        findings.push(draft.finish());
    }
    for (index, member) in pod.members.iter().enumerate() {
        hook(pod, member, findings);
        told::check(pod, index, member, findings);
    }
}

/// A preStop hook that calls the quit endpoint of another container by `httpGet`.
fn hook(pod: &Pod<'_>, member: &Member<'_>, findings: &mut Vec<Finding>) {
    let Some(get) = member
        .container
        .hook(HookKind::PreStop)
        .and_then(|hook| hook.http_get())
    else {
        return;
    };
    let Some(path) = get
        .get("path")
        .filter(|path| path.as_str().is_some_and(quit::says_it))
    else {
        return;
    };
    let port = get
        .get("port")
        .and_then(|port| port.as_str()?.parse::<u16>().ok());
    let known = pod.catalogue.of(&member.container);
    let is_own = |port: u16| {
        member.container.ports().any(|declared| declared.number == port)
            || known.is_some_and(|known| known.is_quit_endpoint(port, path.as_str()))
    };
    if port.is_some_and(is_own) || pod.is_in_force(member) && leftover_hook(pod, member).is_some() {
        return;
    }
    findings.push(
        Draft::new(
            pod,
            &RULE,
            format!(
                "the preStop hook of {} stops a sidecar by a call",
                member.container.name
            ),
        )
        .help("declare the sidecar: the kubelet ends it after the app")
        .confidence(Confidence::Medium)
        .container(&member.container)
        .at(path, "a quit endpoint")
        .by_hand("the manifest does not say whose endpoint it is")
        .finish(),
    );
}

fn where_it_stands(quit: &Quit) -> String {
    let method = quit.request.method.as_deref().unwrap_or("a request");
    match &quit.position {
        QuitPosition::Trap { signals } => format!("{method} from the trap on {}", signals.join(", ")),
        _ if quit.is_repeated => format!("{method}, repeated until it works"),
        QuitPosition::BeforeMain | QuitPosition::Background => format!("{method} to its quit endpoint"),
        _ => format!("{method} at the end"),
    }
}

fn help(pod: &Pod<'_>, name: &str, other: &Party) -> String {
    match other {
        Party::Injected(known) => match pod.made_native(known) {
            Ok(made) => format!("{made}, which the kubelet ends; drop the call then"),
            Err(reason) => format!("keep the call: {reason}"),
        },
        _ if pod.workload.controller.ends_sidecars() => {
            format!("drop the call where the controller's own end of {name} is enough")
        }
        _ => format!(
            "declare {name} a sidecar: the kubelet ends it after the app, and would restart it after this call"
        ),
    }
}
