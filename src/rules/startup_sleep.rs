//! `startup-sleep`

use std::sync::Arc;

use crate::{
    behaviour::{LinkKind, Party, ScriptFacts},
    roles::{KnownSidecar, Role},
    workload::{Container, ContainerList, ProbeKind, Program},
    yaml::Node,
};

use crate::remedy::Obligation;

use super::{Confidence, Draft, Family, Finding, ProgramSite, RuleInfo, Severity, Subject};
use crate::pod::{Pod, names_listener};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "startup-sleep",
    family: Family::Startup,
    severity: Severity::Warning,
    summary: "The app sleeps before it starts, to give its sidecar time to come up",
    what: r#"A `sleep` at the start of a container's script, in front of the command that the container is
there for (`sleep 15; exec /app/server`, `sleep 10 && ./run.sh`), in a pod that also has a
known sidecar: one of its containers or one that an injector adds. The same at the start of a
sidecar's script is found as well.

A sleep alone proves little, so the finding is advice: it needs a known sidecar in the pod and
a real command after the sleep. Left alone are `sleep infinity` and every other sleep that is
the container's work or comes after it, sleeps inside loops that do something, hooks and
probes, and init containers. A comment or a message beside the sleep that names something else
to wait for makes it an `info`."#,
    why: r#"The number is a guess. On a busy node, or while the sidecar's image is still being pulled,
fifteen seconds are too few, and the app fails its first connection as if there were no sleep;
on every other start they are wasted, at each rollout, restart and scale-up.

A native sidecar needs no guess. The kubelet starts the app's container only when the sidecar
has *started*: its process runs, its `postStart` hook is done and its `startupProbe` has
succeeded. A `readinessProbe` does not hold the app back, so the gate has to be a startup
probe."#,
    before: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: orders
spec:
  selector:
    matchLabels:
      app: orders
  template:
    metadata:
      labels:
        app: orders
    spec:
      containers:
        - name: orders
          image: registry.example.com/shop/orders:3.1.0
          command: ["sh", "-c", "sleep 15; exec /app/orders --db=127.0.0.1:5432"]
          ports:
            - containerPort: 8080
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          args: ["--port=5432", "example:eu:orders"]
          ports:
            - containerPort: 5432
"#,
    after: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: orders
spec:
  selector:
    matchLabels:
      app: orders
  template:
    metadata:
      labels:
        app: orders
    spec:
      initContainers:
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          restartPolicy: Always
          # The health server listens on localhost unless told otherwise, where no probe reaches it.
          args: ["--port=5432", "--health-check", "--http-address=0.0.0.0", "example:eu:orders"]
          ports:
            - containerPort: 5432
            - containerPort: 9090
          startupProbe:
            httpGet: {path: /startup, port: 9090}
            periodSeconds: 1
            failureThreshold: 120
      containers:
        - name: orders
          image: registry.example.com/shop/orders:3.1.0
          command: ["/app/orders", "--db=127.0.0.1:5432"]
          ports:
            - containerPort: 8080
"#,
    migrate: r#"Nothing in a sleep says what it waits for, so this is never done without a person. With
`--review` the sleep is cut out and the sidecar declared where a startup probe is there
already or known for the sidecar; where no probe can be derived, it is only advice."#,
    rests_on: &[
        &Obligation::OF_DECLARATIONS,
        &[Obligation::ScriptIsWhole],
        &[Obligation::InjectorObeys],
    ],
    sources: &[
        (
            "App container unable to connect to network before sidecar is fully running (istio/istio#11130)",
            "https://github.com/istio/istio/issues/11130",
        ),
        (
            "The request of the application container was rejected when sidecar was not ready (istio/istio#16067)",
            "https://github.com/istio/istio/issues/16067",
        ),
        (
            "Kubernetes: Sidecar Containers",
            "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
        ),
    ],
};

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    let known = awaited_sidecar(pod);
    for (index, member) in pod.members.iter().enumerate() {
        if member.container.list != ContainerList::Regular || member.role.declared {
            continue;
        }
        let Some((at, program)) = Pod::entrypoint(member) else {
            continue;
        };
        let listener = || (member.role.role == Role::App).then(|| socket_owner(pod, member, program))?;
        let stopped = || stopped_sidecar(pod, index, at);
        let Some(sidecar) = known.clone().or_else(listener).or_else(stopped) else {
            continue;
        };
        // A sidecar sleeps for another one only where its script says so.
        let is_sidecar = member.role.role == Role::Sidecar;
        if is_sidecar && !(sidecar.injected.is_some() && speaks_of_the_mesh(&program.text, &sidecar.name)) {
            continue;
        }
        let Some(facts) = pod.links.facts(index, at) else {
            continue;
        };
        let sleeps = facts.sleeps.iter().filter(|sleep| {
            sleep.is_first
                && sleep.command_after.is_some()
                && sleep
                    .seconds
                    .is_some_and(|seconds| seconds.is_finite() && seconds >= 1.0)
        });
        if asks_another(pod, index, program, &sidecar) {
            continue;
        }
        for sleep in sleeps.filter(|sleep| !waits_for_an_end(facts, sleep.span.end)) {
            let said = says_so(&program.text, &sidecar.name);
            let reason = reason(&program.text, sleep.span.start);
            let about_others = !reason.is_empty() && !names(&reason, &sidecar);
            let (severity, confidence) = match (said, sidecar.serves) {
                _ if about_others => (Severity::Info, Confidence::Low),
                (true, _) => (Severity::Warning, Confidence::Medium),
                (false, true) => (Severity::Warning, Confidence::Low),
                (false, false) => (Severity::Info, Confidence::Low),
            };
            let mut draft = Draft::new(
                pod,
                &RULE,
                format!(
                    "{} sleeps before it starts, probably until {} is ready",
                    member.container.name, sidecar.name
                ),
            )
            .help(
                match sidecar.injected.as_ref().map(|known| pod.made_native(known)) {
                    Some(Ok(made)) => format!("{made}, which starts first; drop the sleep then"),
                    Some(Err(reason)) => format!("keep the sleep: {reason}"),
                    None => format!(
                        "declare {} a sidecar with a startupProbe: the app then starts once it answers",
                        sidecar.name
                    ),
                },
            )
            .severity(severity)
            .confidence(confidence)
            .container(&member.container)
            .at_text(program, sleep.span.clone(), "a guess at how long it takes")
            .subject(Subject::Sleep(ProgramSite {
                container: index,
                program: at,
                start: sleep.span.start,
            }));
            if let Some(then) = &sleep.command_after {
                draft = draft.with_text(program, then.clone(), "starts afterwards");
            }
            findings.push(draft.finish());
        }
    }
}

/// Whether a script waits, behind a place, until something of the pod is gone: it sleeps so that it is there by then.
fn waits_for_an_end(facts: &ScriptFacts, behind: usize) -> bool {
    let mut waits = facts.waits.iter();
    waits.any(|wait| wait.inverted && wait.span.start >= behind)
}

/// Whether a program names an address of the pod that another container serves than the sidecar: it may sleep for that
/// one, as an exporter does for what it scrapes.
fn asks_another(pod: &Pod<'_>, index: usize, program: &Program<'_>, sidecar: &Awaited) -> bool {
    let hosts = ["localhost:", "127.0.0.1:"];
    let behind = hosts.iter().flat_map(|host| program.text.split(host).skip(1));
    let ports: Vec<u16> = behind
        .filter_map(|text| {
            let end = text
                .find(|letter: char| !letter.is_ascii_digit())
                .unwrap_or(text.len());
            text.get(..end)?.parse().ok()
        })
        .collect();
    let serves = |container: &Container<'_>, port: u16| {
        let is_probed = ProbeKind::ALL
            .iter()
            .filter_map(|kind| container.probe(*kind)?.port()?.parse::<u16>().ok())
            .any(|probed| probed == port);
        container.ports().any(|declared| declared.number == port) || is_probed
    };
    let mut others = pod.members.iter().enumerate().filter(|(at, member)| {
        *at != index && member.role.role == Role::App && member.container.name != sidecar.name
    });
    let own = pod.members.get(index);
    others.any(|(_, member)| {
        ports.iter().any(|port| serves(&member.container, *port))
            || own.is_some_and(|own| names_listener(pod, own, member).is_some())
    })
}

#[derive(Clone)]
struct Awaited {
    name: String,
    /// An injector adds it.
    injected: Option<Arc<KnownSidecar>>,
    /// It serves the app on a port, so that the app may need it at once.
    serves: bool,
    /// What it serves is a database.
    is_database: bool,
}

/// A sidecar that is known as one, and that nothing makes the app wait for yet.
fn awaited_sidecar(pod: &Pod<'_>) -> Option<Awaited> {
    let own = pod
        .members
        .iter()
        .filter(|member| {
            member.role.role == Role::Sidecar
                && member.container.list == ContainerList::Regular
                && !member.role.declared
        })
        .map(|member| Awaited {
            name: member.container.name.to_owned(),
            injected: None,
            serves: serves(pod, member),
            is_database: pod.catalogue.of(&member.container).is_some_and(|known| {
                known.serves_jobs || known.serves.iter().any(|port| DATABASE_PORTS.contains(port))
            }),
        });
    let injected = pod.injected.iter().map(|injected| Awaited {
        name: injected.known.name.clone(),
        injected: Some(Arc::clone(&injected.known)),
        serves: !injected.known.ready.is_empty(),
        is_database: false,
    });
    own.chain(injected).max_by_key(|awaited| awaited.serves)
}

/// The injected sidecar that a script stops when it is done, by the address that it calls: it is there, though nothing
/// else in the pod says so.
fn stopped_sidecar(pod: &Pod<'_>, container: usize, program: usize) -> Option<Awaited> {
    let mut links = pod.links.all.iter();
    links.find_map(|link| match (&link.kind, &link.other) {
        (LinkKind::Quits(_), Party::Injected(known))
            if (link.container, link.program) == (container, program) =>
        {
            Some(Awaited {
                name: known.name.clone(),
                injected: Some(Arc::clone(known)),
                serves: !known.ready.is_empty(),
                is_database: false,
            })
        }
        _ => None,
    })
}

/// A container whose arguments name the socket that the program behind the sleep is given, on a volume of both.
fn socket_owner(pod: &Pod<'_>, member: &super::Member<'_>, program: &Program<'_>) -> Option<Awaited> {
    let paths = program
        .text
        .split(|letter: char| letter.is_whitespace() || "'\"=:,;".contains(letter))
        .map(|word| word.trim_start_matches("//"))
        .filter(|word| word.starts_with('/') && word.ends_with(".sock"));
    let names = |other: &super::Member<'_>, path: &str| {
        let words = other
            .container
            .command()
            .into_iter()
            .chain(other.container.arguments());
        words.filter_map(Node::as_str).any(|word| word.ends_with(path))
    };
    let volume = |container: &Container<'_>, path: &str| {
        pod.workload
            .volume_of_file(container, path)
            .map(|(volume, path)| (volume.name.to_owned(), path))
    };
    for path in paths {
        let own = volume(&member.container, path);
        let other = pod.apps().find(|other| {
            !std::ptr::eq(*other, member)
                && names(other, path)
                && own.is_some()
                && volume(&other.container, path) == own
        });
        if let Some(other) = other {
            return Some(Awaited {
                name: other.container.name.to_owned(),
                injected: None,
                serves: true,
                is_database: false,
            });
        }
    }
    None
}

fn serves(pod: &Pod<'_>, member: &super::Member<'_>) -> bool {
    member.container.ports().next().is_some()
        || pod
            .catalogue
            .of(&member.container)
            .is_some_and(|known| !known.serves.is_empty() || !known.ready.is_empty())
}

/// MySQL, PostgreSQL, SQL Server and PgBouncer.
const DATABASE_PORTS: [u16; 4] = [3306, 5432, 1433, 6432];

/// Whether the script speaks of sidecars.
fn says_so(text: &str, sidecar: &str) -> bool {
    let text = text.to_lowercase();
    text.contains(&sidecar.to_lowercase())
        || ["sidecar", "proxy", "envoy", "istio", "linkerd", "mesh", "dapr"]
            .iter()
            .any(|word| text.contains(word))
}

/// Whether a sidecar's script names the mesh: it is a proxy too, so that word alone says nothing.
fn speaks_of_the_mesh(text: &str, proxy: &str) -> bool {
    let text = text.to_lowercase();
    let mesh = proxy.split('-').next().unwrap_or(proxy);
    [mesh, "mesh", "envoy"].iter().any(|word| text.contains(word))
}

/// Whether a reason is about the sidecar, or about what is reached through it.
fn names(reason: &str, sidecar: &Awaited) -> bool {
    let is_database = ["database", "db", "sql", "postgres"]
        .iter()
        .any(|word| reason.contains(word));
    says_so(reason, &sidecar.name) || sidecar.is_database && is_database
}

/// What a comment or a message right before the sleep, or behind it on its line, says that it waits for, in small
/// letters.
fn reason(text: &str, sleep: usize) -> String {
    let (before, behind) = text.split_at_checked(sleep).unwrap_or_default();
    let own_line = before.rsplit('\n').next().unwrap_or_default();
    let line_before = before
        .get(..before.len() - own_line.len())
        .map(str::trim_end)
        .and_then(|before| before.rsplit('\n').next())
        .unwrap_or_default();
    let comment = behind
        .split('\n')
        .next()
        .and_then(|line| line.split_once('#'))
        .map_or("", |(_, comment)| comment);
    let is_said = |line: &&str| line.contains("echo ") || line.trim_start().starts_with('#');
    let waits = |line: &&str| {
        ["wait", "time to", "until", "give ", "come up", "ready"]
            .iter()
            .any(|word| line.contains(word))
    };
    // A comment there is about the sleep; what is printed may be about anything.
    let is_comment = |line: &&str| line.trim_start().starts_with('#') && !line.trim_start().starts_with("#!");
    let said = [line_before, own_line].into_iter().filter(is_said);
    said.filter(|line| is_comment(line) || waits(&line.to_lowercase().as_str()))
        .chain([comment])
        .map(|line| line.trim().to_lowercase())
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
