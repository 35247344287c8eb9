//! `slow-gate`

use crate::workload::{Probe, ProbeKind};

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity, startup_deadlock::never_opens};
use crate::pod::{Lifetime, Member, Pod};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "slow-gate",
    family: Family::Remedy,
    severity: Severity::Warning,
    summary: "The startup probes of sidecars hold the app back by their period, however fast the sidecars are",
    what: r#"Native sidecars whose `startupProbe` lets the app start late for no other reason than its own
timing: `periodSeconds`, which is 10 where nothing is written, and `initialDelaySeconds`. The
sidecars of a pod start one after the other, so the delays of a chain add up, and the message
says how many seconds pass at least before the app starts.

It is a warning from 30 seconds on and a note from 5 seconds on. A probe with
`periodSeconds: 1` is left alone, and so are probes of regular containers, which hold nobody
back."#,
    why: r#"The kubelet asks a startup probe once in a period, and not when the process is up: a proxy that
answers after 200 ms is found out at the next tick, up to 10 seconds later. The next sidecar
is created only then, and waits for a tick of its own. Three sidecars with the default period
keep every new pod, each scale-up and each Job waiting for half a minute.

A startup probe stops when it has succeeded once, so asking every second costs nothing later.
What a slow start needs is a large `failureThreshold`, not a long period."#,
    before: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: tickets
spec:
  selector:
    matchLabels: {app: tickets}
  template:
    metadata:
      labels: {app: tickets}
    spec:
      initContainers:
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          restartPolicy: Always
          args: ["--port=5432", "--health-check", "--http-address=0.0.0.0", "example:eu:tickets"]
          startupProbe:
            httpGet: {path: /startup, port: 9090}
            initialDelaySeconds: 15
        - name: oauth2-proxy
          image: quay.io/oauth2-proxy/oauth2-proxy:v7.6.0
          restartPolicy: Always
          args: ["--http-address=0.0.0.0:4180", "--upstream=http://127.0.0.1:8080"]
          startupProbe:
            httpGet: {path: /ping, port: 4180}
      containers:
        - name: tickets
          image: registry.example.com/support/tickets:6.0.1
          command: ["/app/tickets", "--listen=:8080", "--db=127.0.0.1:5432"]
"#,
    after: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: tickets
spec:
  selector:
    matchLabels: {app: tickets}
  template:
    metadata:
      labels: {app: tickets}
    spec:
      initContainers:
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          restartPolicy: Always
          args: ["--port=5432", "--health-check", "--http-address=0.0.0.0", "example:eu:tickets"]
          startupProbe:
            httpGet: {path: /startup, port: 9090}
            periodSeconds: 1
            failureThreshold: 120
        - name: oauth2-proxy
          image: quay.io/oauth2-proxy/oauth2-proxy:v7.6.0
          restartPolicy: Always
          args: ["--http-address=0.0.0.0:4180", "--upstream=http://127.0.0.1:8080"]
          startupProbe:
            httpGet: {path: /ping, port: 4180}
            periodSeconds: 1
            failureThreshold: 120
      containers:
        - name: tickets
          image: registry.example.com/support/tickets:6.0.1
          command: ["/app/tickets", "--listen=:8080", "--db=127.0.0.1:5432"]
"#,
    migrate: r#"Nothing: how long a sidecar may take to start is the product of its probe's fields, so a shorter
period needs a larger `failureThreshold`. The probes that migrate writes itself ask every
second."#,
    rests_on: &[],
    sources: &[
        (
            "Kubernetes: Liveness, Readiness, and Startup Probes",
            "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
        ),
        (
            "Kubernetes: Sidecar Containers",
            "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
        ),
        (
            "Startup probe of the sidecar adds about 10 seconds (cloudnative-pg/plugin-barman-cloud#991)",
            "https://github.com/cloudnative-pg/plugin-barman-cloud/pull/991",
        ),
    ],
};

/// From so many seconds on the delay is worth a note, and from so many a warning.
const NOTE: u64 = 5;
const WARNING: u64 = 30;

/// The API server's default of `periodSeconds`.
const PERIOD: u64 = 10;

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    let gates: Vec<(&Member<'_>, Probe<'_>, Timing)> = pod
        .members
        .iter()
        // What an injector wrote is its own setting.
        .enumerate()
        .filter(|(index, member)| {
            // Of what ends by itself there is worse to say.
            member.container.is_native_sidecar()
                && pod.injected_output(member).is_none()
                && !matches!(pod.lifetime(*index), Lifetime::Ends(_))
        })
        .filter_map(|(_, member)| {
            let probe = member.container.probe(ProbeKind::Startup)?;
            if never_opens(pod, member, &probe) {
                return None;
            }
            Some((member, probe, Timing::of(&probe)?))
        })
        .collect();
    let slow: Vec<_> = gates.iter().filter(|(_, _, timing)| timing.is_slow()).collect();
    let Some((slowest, probe, timing)) = slow.iter().max_by_key(|(_, _, timing)| timing.cost()) else {
        return;
    };
    let seconds = earliest(gates.iter().map(|(_, _, timing)| *timing));
    if seconds < NOTE {
        return;
    }
    let name = slowest.container.name;
    let message = match slow.as_slice() {
        [_] => format!(
            "the app starts {seconds} seconds after its pod at the earliest: that is when the startupProbe of {name} can have succeeded"
        ),
        _ => format!(
            "the app starts {seconds} seconds after its pod at the earliest: {} sidecars start one after the other, each at a tick of its startupProbe",
            slow.len()
        ),
    };
    let mut draft = Draft::new(pod, &RULE, message)
        .help("ask every second (periodSeconds: 1) with a failureThreshold that leaves as much time as now")
        .severity(match seconds >= WARNING {
            true => Severity::Warning,
            false => Severity::Info,
        })
        .confidence(Confidence::High)
        .container(&slowest.container)
        .by_hand("decide by hand how long it may take to start: the period times the failureThreshold")
        .at_entry(probe.entry, timing.describe());
    for (other, probe, timing) in slow
        .iter()
        .copied()
        .filter(|(other, ..)| !std::ptr::eq(*other, *slowest))
    {
        draft = draft.with_entry(
            probe.entry,
            format!("{}: {}", other.container.name, timing.describe()),
        );
    }
    findings.push(draft.finish());
}

/// When a probe asks, in seconds.
#[derive(Debug, Clone, Copy)]
struct Timing {
    delay: u64,
    period: u64,
    period_is_written: bool,
}

impl Timing {
    /// Nothing where a field is not a number, as in a template.
    fn of(probe: &Probe<'_>) -> Option<Self> {
        let field = |name: &str| match probe.entry.value.get(name) {
            None => Some(None),
            Some(node) => Some(Some(u64::try_from(node.as_i64()?).ok()?)),
        };
        let period = field("periodSeconds")?;
        Some(Self {
            delay: field("initialDelaySeconds")?.unwrap_or(0),
            period: period.filter(|period| *period > 0).unwrap_or(PERIOD),
            period_is_written: period.is_some(),
        })
    }

    fn is_slow(self) -> bool {
        self.cost() > 1
    }

    fn cost(self) -> u64 {
        self.period.max(self.delay)
    }

    fn describe(self) -> String {
        let period = match self.period_is_written {
            true => format!("asks every {} seconds", self.period),
            false => format!("asks every {} seconds, the default", self.period),
        };
        match self.delay {
            0 => period,
            delay => format!("begins after {delay} seconds, {period}"),
        }
    }
}

/// The seconds after which the last of the probes can have succeeded. The kubelet's ticks of all probes begin when it
/// takes the pod up (`pkg/kubelet/prober/worker.go`): a sidecar is asked at the first tick after it has started and
/// its initial delay is over, and the next one starts only then.
fn earliest(timings: impl Iterator<Item = Timing>) -> u64 {
    timings.fold(0, |now, timing| {
        let asked = now + timing.delay;
        (asked / timing.period + 1) * timing.period
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(delay: u64, period: u64) -> Timing {
        Timing {
            delay,
            period,
            period_is_written: true,
        }
    }

    #[test]
    fn delays_of_a_chain_add_up() {
        let seconds =
            |timings: &[(u64, u64)]| earliest(timings.iter().map(|(delay, period)| timing(*delay, *period)));
        assert_eq!(seconds(&[(0, 10)]), 10);
        assert_eq!(seconds(&[(0, 10), (0, 10), (0, 10)]), 30);
        assert_eq!(seconds(&[(0, 1), (0, 1)]), 2);
        assert_eq!(seconds(&[(15, 10)]), 20);
        // The ticks of both begin together.
        assert_eq!(seconds(&[(0, 3), (0, 10)]), 10);
    }
}
