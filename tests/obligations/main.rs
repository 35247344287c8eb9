//! What is not known lowers the class: a pod whose rewrite is proved, and one thing more that nobody knows.

#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used
)]

mod alone;
#[path = "../support/generated_pods.rs"]
mod generated_pods;
#[path = "../migrate_meaning/random.rs"]
mod random;
mod unread;

use std::sync::Arc;

use serde_json::{Value, json};

use kubectl_sidecar::{
    lint::{Options, lint_source},
    pod::{Settings, Target},
    roles::Catalogue,
    rules::{Finding, FixClass, Severity},
    source::SourceFile,
};

const JOB: &str = "apiVersion: batch/v1
kind: Job
metadata: {name: report}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: report
        image: registry.example.com/report:1
        command: [/app/report, --yesterday]
      - name: proxy
        image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
        args: [--port=5432, example:eu:reports]
";

fn findings(text: &str) -> Vec<Finding> {
    let options = Options {
        settings: Settings {
            target: Some(Target::Native),
            ..Settings::default()
        },
        catalogue: Arc::new(Catalogue::built_in().clone()),
    };
    let source = Arc::new(SourceFile {
        name: "job.yaml".to_owned(),
        text: text.into(),
    });
    let outcome = lint_source(&source, &[], &options);
    assert!(outcome.errors.is_empty(), "{:?}", outcome.errors);
    outcome.findings
}

/// An unknown: its name, what it takes the place of, and what is there then.
type Unknown = (&'static str, &'static str, &'static str);

const UNKNOWN: [Unknown; 28] = [
    (
        "what a file is for that the sidecar's own liveness probe looks at",
        "      - name: proxy\n",
        "        volumeMounts: [{name: ctl, mountPath: /ctl}]\n      - name: proxy\n        volumeMounts: [{name: ctl, mountPath: /ctl}]\n        livenessProbe: {exec: {command: [sh, -c, 'test ! -f /ctl/over']}}\n",
    ),
    (
        "what a script of the sidecar's own liveness probe looks at",
        "        args: [--port=5432, example:eu:reports]",
        "        args: [--port=5432, example:eu:reports]\n        livenessProbe: {exec: {command: [/alive.sh]}}",
    ),
    (
        "what the sidecar's own hook leaves running",
        "        args: [--port=5432, example:eu:reports]",
        "        args: [--port=5432, example:eu:reports]\n        lifecycle: {postStart: {exec: {command: [sh, -c, 'nohup /watch.sh &']}}}",
    ),
    (
        "when the sidecar's own hook signals it",
        "        args: [--port=5432, example:eu:reports]",
        "        args: [--port=5432, example:eu:reports]\n        lifecycle: {postStart: {exec: {command: [sh, -c, '(until [ -f /ctl/over ]; do sleep 2; done; kill 1) &']}}}",
    ),
    (
        "what the app's image runs",
        "        command: [/app/report, --yesterday]\n",
        "",
    ),
    (
        "what the sidecar's image is",
        "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0\n        args: [--port=5432, example:eu:reports]",
        "registry.example.com/proxy:1",
    ),
    (
        "what a program of its own does in the sidecar's image",
        "        args: [--port=5432, example:eu:reports]",
        "        command: [/entrypoint.sh]",
    ),
    (
        "what else is in the sidecar's environment",
        "        args: [--port=5432, example:eu:reports]",
        "        args: [--port=5432, example:eu:reports]\n        envFrom: [{configMapRef: {name: proxy}}]",
    ),
    (
        "what a script does that is not in the manifest",
        "command: [/app/report, --yesterday]",
        "command: [sh, /scripts/run.sh]",
    ),
    (
        "what a sourced file does",
        "command: [/app/report, --yesterday]",
        "command: [sh, -c, '. /lib/common.sh; /app/report; finish_up']",
    ),
    (
        "what the app tells the API server",
        "command: [/app/report, --yesterday]",
        "command: [sh, -c, '/app/report; kubectl delete pod \"$HOSTNAME\"']",
    ),
    (
        "what a local address does",
        "command: [/app/report, --yesterday]",
        "command: [sh, -c, '/app/report; curl -X POST http://localhost:8765/finish']",
    ),
    (
        "what a variable with a telling name is for",
        "command: [/app/report, --yesterday]",
        "command: [/app/report, --yesterday]\n        env: [{name: PROXY_QUIT_URL, value: \"http://localhost:9091/quitquitquit\"}]",
    ),
    (
        "what a file is for that a variable names with an end",
        "command: [/app/report, --yesterday]",
        "command: [/app/report, --yesterday]\n        env: [{name: DONE_FILE, value: /signals/finished}]",
    ),
    (
        "what a file is for that the sidecar is told with an end",
        "        args: [--port=5432, example:eu:reports]",
        "        args: [--port=5432, example:eu:reports]\n        env: [{name: SHUTDOWN_ON_FILE, value: /signals/finished}]",
    ),
    (
        "what a call over a socket does",
        "command: [/app/report, --yesterday]",
        "command: [sh, -c, '/app/report; curl -s --unix-socket /ctl/admin.sock -X POST http://x/admin/off']",
    ),
    (
        "whom a client's call of another protocol ends",
        "command: [/app/report, --yesterday]",
        "command: [sh, -c, '/app/report; grpcurl -plaintext localhost:50051 admin.v1.Control/Shutdown']",
    ),
    (
        "what code does that no rule reads",
        "command: [/app/report, --yesterday]",
        "command: [php, -r, 'passthru(\"/app/report\", $r); posix_kill(7, 15); exit($r);']",
    ),
    (
        "whom a command ends by its own name",
        "command: [/app/report, --yesterday]",
        "command: [sh, -c, '/app/report; rc=$?; /usr/local/bin/stop-proxy; exit $rc']",
    ),
    (
        "what a word does that is sent to a connection",
        "command: [/app/report, --yesterday]",
        "command: [sh, -c, '/app/report; rc=$?; echo shutdown | nc localhost 9999; exit $rc']",
    ),
    (
        "what an option does that names a sidecar's end",
        "command: [/app/report, --yesterday]",
        "command: [/app/report, --yesterday, --stop-sidecar]",
    ),
    (
        "what an option calls at the end",
        "command: [/app/report, --yesterday]",
        "command: [/app/report, --yesterday, '--on-exit=http://localhost:9091/bye']",
    ),
    (
        "whom a client's command ends in a trap",
        "command: [/app/report, --yesterday]",
        "command: [sh, -c, 'trap \"proxyctl stop\" EXIT; /app/report']",
    ),
    (
        "what a helper does that names the sidecar",
        "      - name: proxy\n",
        "      - name: helper\n        image: registry.example.com/helper:1\n        args: [--stop, cloud-sql-proxy]\n      - name: proxy\n",
    ),
    (
        "whether it serves once",
        "        args: [--port=5432, example:eu:reports]",
        "        args: [--port=5432, example:eu:reports]\n        env: [{name: RUN_ONCE, value: \"true\"}]",
    ),
    (
        "who calls the endpoint that a switch opens",
        "args: [--port=5432, example:eu:reports]",
        "args: [--port=5432, --quitquitquit=true, example:eu:reports]",
    ),
    (
        "who calls the endpoint that a variable opens",
        "        args: [--port=5432, example:eu:reports]",
        "        args: [--port=5432, example:eu:reports]\n        env: [{name: CSQL_PROXY_QUITQUITQUIT, value: \"1\"}]",
    ),
    (
        "what the processes are shared for",
        "      restartPolicy: Never\n",
        "      restartPolicy: Never\n      shareProcessNamespace: true\n",
    ),
];

#[test]
fn the_pod_itself_is_proved() {
    let found = findings(JOB);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].fix.class, FixClass::Safe, "{:?}", found[0].fix);
    assert_eq!(found[0].severity, Severity::Error);
}

#[test]
fn one_unknown_more_lowers_the_class() {
    let mut wrong = Vec::new();
    for (unknown, from, to) in UNKNOWN {
        let text = JOB.replace(from, to);
        assert_ne!(text, JOB, "{unknown}");
        for finding in findings(&text) {
            if finding.fix.class == FixClass::Safe || finding.severity == Severity::Error {
                wrong.push(format!("{unknown}: {} {:?}", finding.message, finding.fix));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Another workload of the source, that may end the sidecar through the API server, or has nothing to do with it.
#[test]
fn a_workload_beside_it_that_may_end_the_sidecar_lowers_the_class() {
    let beside = |container: &str| {
        format!(
            "{JOB}---\napiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: reaper}}\nspec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          containers:\n          - {{name: reap, {container}}}\n"
        )
    };
    for (container, may_end) in [
        (
            "image: tools, command: [sh, -c, 'kubectl get pods -l job-name=report -o name | xargs kubectl delete']",
            true,
        ),
        (
            "image: tools, command: [bash, -c, 'oc exec $1 -c proxy -- kill 1']",
            true,
        ),
        ("image: sidecar-terminator, args: ['-names=proxy:15,envoy']", true),
        (
            "image: tools, command: [sh, -c, 'kubectl get pods -l job-name=report']",
            false,
        ),
        (
            "image: tools, command: [sh, -c, 'kubectl delete pod -l app=sums']",
            false,
        ),
        ("image: sidecar-terminator, args: ['-names=envoy']", false),
    ] {
        let found = findings(&beside(container));
        let is_proved = found[0].severity == Severity::Error && found[0].fix.class == FixClass::Safe;
        assert_eq!(is_proved, !may_end, "{container}: {found:#?}");
        assert_eq!(
            found[0].message.contains("CronJob reaper"),
            may_end,
            "{container}"
        );
    }
}

/// As a native sidecar it would start before the app, and never be done with its hook.
#[test]
fn a_hook_that_waits_for_what_the_app_puts_out_keeps_its_container() {
    let class = |app: &str, file: &str| {
        let text = JOB
            .replace(
                "      containers:\n",
                "      volumes: [{name: o, emptyDir: {}}]\n      containers:\n",
            )
            .replace(
                "command: [/app/report, --yesterday]\n",
                &format!("command: {app}\n        volumeMounts: [{{name: o, mountPath: /o}}]\n"),
            )
            + &format!(
                "        volumeMounts: [{{name: o, mountPath: /o}}]\n        lifecycle: {{postStart: {{exec: {{command: [sh, -c, 'until [ -e {file} ]; do sleep 1; done']}}}}}}\n"
            );
        let found = findings(&text);
        let hangs = found
            .iter()
            .find(|finding| finding.rule.name == "job-never-completes");
        hangs.unwrap().fix.class
    };
    assert_eq!(
        class("[sh, -c, 'exec /app/report > /o/log']", "/o/log"),
        FixClass::Manual
    );
    assert_eq!(
        class("[/app/report, --socket=/o/api.sock]", "/o/api.sock"),
        FixClass::Review
    );
    assert_eq!(class("[/app/report, --yesterday]", "/o/proxy.up"), FixClass::Safe);
}

/// What has the word of an end in it and ends nobody else.
#[test]
fn an_end_of_its_own_raises_no_doubt() {
    const COMMAND: &str = "command: [/app/report, --yesterday]";
    for own in [
        "command: [/app/report, --exit-on-error, --shutdown-timeout=5s]",
        "command: [/app/report, '--url=http://localhost:5432']",
        "command: [/app/report]\n        env: [{name: SHUTDOWN_TIMEOUT, value: 5s}, {name: KILL_SWITCH, value: 'off'}]",
        "command: [sh, -c, '/app/report; rc=$?; /app/notify --topic stop-sale; exit $rc']",
        "command: [sh, -c, 'stop() { echo stopped; }; /app/report; rc=$?; stop; exit $rc']",
        "command: [sh, -c, '/app/report; rc=$?; echo stop; exit $rc']",
    ] {
        let found = findings(&JOB.replace(COMMAND, own));
        assert_eq!(found[0].severity, Severity::Error, "{own}: {found:#?}");
        assert_eq!(found[0].fix.class, FixClass::Safe, "{own}: {:?}", found[0].fix);
    }
}

/// A switch that is off, and one in a pod whose call is seen, leave nothing unknown.
#[test]
fn a_quit_endpoint_that_is_closed_or_called_raises_no_doubt() {
    let closed = JOB.replace("[--port=5432, ", "[--port=5432, --quitquitquit=false, ");
    let found = findings(&closed);
    assert_eq!(found[0].severity, Severity::Error, "{found:#?}");
    assert_eq!(found[0].fix.class, FixClass::Safe, "{:?}", found[0].fix);
    let called = JOB
        .replace("[--port=5432, ", "[--port=5432, --quitquitquit, ")
        .replace(
            "command: [/app/report, --yesterday]",
            "command: [sh, -c, '/app/report; code=$?; curl -sX POST http://localhost:9091/quitquitquit; exit $code']",
        );
    let rules: Vec<_> = findings(&called)
        .iter()
        .map(|finding| finding.rule.name)
        .collect();
    assert_eq!(rules, ["quit-endpoint"]);
}

#[test]
fn a_program_that_nobody_knows_may_work_when_it_is_told_to_end() {
    let job = |stop: &str, image: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: report}}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      shareProcessNamespace: true\n      containers:\n      - name: report\n        image: registry.example.com/report:1\n        command: [sh, -c, '/app/report; rc=$?; {stop}; exit $rc']\n      - name: uploader\n        image: {image}\n        ports: [{{containerPort: 9091}}]\n"
        )
    };
    let class = |stop: &str, image: &str| {
        findings(&job(stop, image))
            .first()
            .map(|finding| finding.fix.class)
    };
    let known = "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0\n        args: [--quitquitquit, a:b:c]";
    let unknown = "registry.example.com/uploader:1\n        command: [/uploader]";
    assert_eq!(class("pkill cloud-sql-proxy", known), Some(FixClass::Safe));
    assert_eq!(class("pkill uploader", unknown), Some(FixClass::Safe));
    assert_eq!(class("pkill -INT uploader", unknown), Some(FixClass::Review));
    // Looked up in a list, and by a part of a command line, which others may have too.
    let listed = r#"ps aux | grep [c]loud-sql-proxy | awk "{print \$2}" | xargs kill"#;
    assert_eq!(class(listed, known), Some(FixClass::Safe));
    assert_eq!(class("kill $(pgrep -f sql-prox)", known), Some(FixClass::Review));
    let call = "curl -X POST http://localhost:9091/quitquitquit";
    assert_eq!(class(call, unknown), Some(FixClass::Review));
}

const WAITING: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: app
        image: registry.example.com/app:1
        command: [sh, -c, 'WAIT; exec /app']
        env: [{name: GIVEN, valueFrom: {configMapKeyRef: {name: a, key: b}}}]
      - name: opa
        image: openpolicyagent/opa:0.62.0
        args: [run, --server, '--addr=:8181']
        ports: [{containerPort: 8181}]
";

#[test]
fn a_wait_of_which_something_is_not_known_is_not_replaced_unseen() {
    let class = |wait: &str| {
        let found = findings(&WAITING.replace("WAIT", wait));
        let polls = found.iter().find(|finding| finding.rule.name == "startup-poll");
        polls.map(|finding| finding.fix.class)
    };
    for known in [
        "until curl -sf \"localhost:8181/health?plugins\"; do sleep 1; done",
        "until nc -z localhost 8181; do sleep 1; done",
        "wait4x http http://localhost:8181/health -t 0",
        "wait4x tcp localhost:8181 -t 0",
    ] {
        assert_eq!(class(known), Some(FixClass::Safe), "{known}");
    }
    for unknown in [
        "until curl -sf localhost:8181/$GIVEN; do sleep 1; done",
        "until curl -sf \"localhost:8181/health?$GIVEN\"; do sleep 1; done",
        "until curl -sf $GIVEN://localhost:8181/health; do sleep 1; done",
        "until curl -sf -K $GIVEN localhost:8181/health; do sleep 1; done",
        "until wget -qO- http://localhost:8181/$GIVEN; do sleep 1; done",
        "until grpc_health_probe -addr=localhost:8181 -service=$GIVEN; do sleep 1; done",
        "until nc -z -x $GIVEN localhost 8181; do sleep 1; done",
        "wait4x http http://localhost:8181/$GIVEN -t 0",
        "until curl -sf localhost:8181/health && curl -sf localhost:8282/ready; do sleep 1; done",
        "until nc -z localhost 8181 && curl -sf localhost:8181/health; do sleep 1; done",
        "wait4x http https://localhost:8181/health -t 0",
        "wait4x http http://localhost:8181/health -t $GIVEN",
        "dockerize -wait http://localhost:8181/$GIVEN -timeout 0s",
    ] {
        let class = class(unknown);
        assert!(
            matches!(class, Some(FixClass::Review | FixClass::Manual)),
            "{unknown}: {class:?}"
        );
    }
    // What may lead anywhere else is no wait for the sidecar.
    for elsewhere in [
        "until nc -z localhost ${GIVEN:-8181}; do sleep 1; done",
        "until nc -z ${GIVEN:-localhost} 8181; do sleep 1; done",
        "GIVEN=${GIVEN:-localhost}; until nc -z $GIVEN 8181; do sleep 1; done",
    ] {
        assert_eq!(class(elsewhere), None, "{elsewhere}");
    }
}

/// The helper's own words and variables about where it listens, in the wait's pod.
fn class_of_listener(image: &str, port: u16, words: &str) -> Option<FixClass> {
    let pod = format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: shop}}
spec:
  selector: {{matchLabels: {{app: shop}}}}
  template:
    metadata: {{labels: {{app: shop}}}}
    spec:
      containers:
      - name: shop
        image: registry.example.com/shop:1
        command: [sh, -c, 'until nc -z localhost {port}; do sleep 1; done; exec /shop']
      - name: helper
        image: {image}
        ports: [{{containerPort: {port}}}]
        {words}
"
    );
    let found = findings(&pod);
    let poll = found.iter().find(|finding| finding.rule.name == "startup-poll");
    poll.map(|finding| finding.fix.class)
}

#[test]
fn a_port_that_the_kubelet_does_not_reach_is_not_probed() {
    let own = "registry.example.com/helper:1";
    for local in [
        "args: [--listen, '127.0.0.1:8099']",
        "args: ['--http=localhost:8099']",
        "args: ['--http=[::1]:8099']",
        "args: [--host, 127.0.0.1, --port, '8099']",
        "args: [--listen, $(ADDR)]\n        env: [{name: ADDR, value: '127.0.0.1:8099'}]",
        "args: ['--listen=127.0.0.1:$(GIVEN)']\n        env: [{name: GIVEN, valueFrom: {fieldRef: {fieldPath: x}}}]",
        "env: [{name: BIND, value: localhost}]",
        "env: [{name: HOST, value: 127.0.0.1}, {name: PORT, value: '8099'}]",
        "command: [java, -jar, /a.jar]\n        env: [{name: JAVA_TOOL_OPTIONS, value: '-Dserver.address=127.0.0.1'}]",
        "command: [socat, 'TCP-LISTEN:8099,bind=127.0.0.1,fork', 'TCP:db:5432']",
    ] {
        assert_ne!(
            class_of_listener(own, 8099, local),
            Some(FixClass::Safe),
            "{local}"
        );
    }
    for everywhere in [
        "args: [--listen, ':8099']",
        "args: [--listen, '0.0.0.0:8099', --admin, '127.0.0.1:9901']",
        "env: [{name: DB_HOST, value: 127.0.0.1}]",
        "env: [{name: ADMIN_HOST, value: 127.0.0.1}, {name: ADMIN_PORT, value: '9901'}]",
        "args: [--next, 'http://127.0.0.1:80990/']",
    ] {
        let class = class_of_listener("openpolicyagent/opa:0.62.0", 8099, everywhere);
        assert_eq!(class, Some(FixClass::Safe), "{everywhere}");
    }
    for (image, port) in [
        ("qmcgaw/gluetun:v3.39.0", 9999),
        ("quay.io/oauth2-proxy/oauth2-proxy:v7.6.0", 4180),
        ("fluent/fluentd:v1.17", 24444),
    ] {
        let class = class_of_listener(image, port, "args: []");
        assert!(
            class.is_some() && class != Some(FixClass::Safe),
            "{image}: {class:?}"
        );
    }
    let image = "quay.io/oauth2-proxy/oauth2-proxy:v7.6.0";
    let class = class_of_listener(image, 4180, "args: ['--http-address=0.0.0.0:4180']");
    assert_eq!(class, Some(FixClass::Safe));
}

#[test]
fn a_hook_that_may_wait_for_the_sidecars_own_work_is_looked_at() {
    let class = |hook: &str| {
        let pod = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: run}}\nspec:\n  initContainers:\n  - name: dind\n    image: docker:27-dind\n    restartPolicy: Always\n    lifecycle: {{preStop: {{exec: {{command: [sh, -c, '{hook}']}}}}}}\n    volumeMounts: [{{name: work, mountPath: /work}}]\n  containers:\n  - name: runner\n    image: registry.example.com/runner:1\n    volumeMounts: [{{name: work, mountPath: /work}}]\n  volumes: [{{name: work, emptyDir: {{}}}}]\n"
        );
        let found = findings(&pod);
        let left = found
            .iter()
            .find(|finding| finding.rule.name == "leftover-workaround");
        left.map(|finding| finding.fix.class)
    };
    let shared = [
        "while [ -f /work/busy ]; do sleep 1; done",
        "while grep -q busy /work/state; do sleep 1; done",
        "sleep 30",
    ];
    for hook in shared {
        assert_eq!(class(hook), Some(FixClass::Safe), "{hook}");
    }
    let own = [
        "while [ -f /var/lib/docker/busy ]; do sleep 1; done",
        "while grep -q busy /var/lib/docker/state; do sleep 1; done",
        "while curl -sf localhost:2375/busy; do sleep 1; done",
    ];
    for hook in own {
        assert_eq!(class(hook), Some(FixClass::Review), "{hook}");
    }
    for hook in [
        "while curl -sfX POST localhost:2375/flush; do sleep 1; done",
        "sync; sleep 5",
    ] {
        assert_eq!(class(hook), Some(FixClass::Manual), "{hook}");
    }
}

/// fluent-bit's `exit_on_eof`, a source of vector's that is read to its end: nobody sees them here.
#[test]
fn a_server_whose_configuration_may_end_it_is_looked_at() {
    let proxy = "        image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
        args: [--port=5432, example:eu:reports]
";
    for (image, words) in [
        ("fluent/fluent-bit:3.1", "-c, /etc/fluent-bit/fluent-bit.conf"),
        (
            "timberio/vector:0.41.0-alpine",
            "--config, /etc/vector/vector.yaml",
        ),
    ] {
        let text = JOB.replace(
            proxy,
            &format!("        image: {image}\n        args: [{words}]\n"),
        );
        let found = findings(&text);
        let own = found
            .iter()
            .find(|finding| finding.rule.name == "job-never-completes");
        let own = own.unwrap_or_else(|| panic!("{image}: {found:?}"));
        assert_eq!(own.severity, Severity::Warning, "{image}: {}", own.message);
        assert_eq!(own.fix.class, FixClass::Review, "{image}: {:?}", own.fix);
    }
}

#[test]
fn what_may_count_or_end_unseen_is_looked_at() {
    let job = |script: &str, of_job: &str, of_pod: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: sums}}\nspec:\n{of_job}  template:\n    spec:\n      restartPolicy: Never\n{of_pod}      containers:\n      - name: sums\n        image: registry.example.com/sums:1\n        command: [bash, -c, '{script}']\n      - name: cloud-sql-proxy\n        image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0\n        args: [--quitquitquit, a:b:c]\n"
        )
    };
    let class = |text: String| findings(&text).first().map(|finding| finding.fix.class);
    let quits = "/sums; rc=$?; curl -X POST localhost:9091/quitquitquit; exit $rc";
    assert_eq!(class(job(quits, "", "")), Some(FixClass::Safe));
    // The switch is there for somebody, and here it may be the program itself.
    assert_eq!(class(job("/sums", "", "")), Some(FixClass::Review));
    let policy = |of: &str| {
        format!(
            "  podFailurePolicy: {{rules: [{{action: FailJob, onExitCodes: {{{of}operator: In, values: [1]}}}}]}}\n"
        )
    };
    // Another container's exit code is another matter.
    let other = job(quits, &policy("containerName: sums, "), "");
    assert_eq!(class(other), Some(FixClass::Safe));
    for unknown in [
        job(quits, &policy("containerName: cloud-sql-proxy, "), ""),
        job("/sums", &policy(""), ""),
        job("/sums", "", "      hostPID: true\n"),
        job("with-proxy /sums", "", ""),
        job(&format!("eval \"$SETUP\"; {quits}"), "", ""),
        job(&format!("source /etc/profile; {quits}"), "", ""),
    ] {
        assert_eq!(class(unknown.clone()), Some(FixClass::Review), "{unknown}");
    }
}

#[test]
fn what_an_injector_fills_in_stays() {
    let found = findings(include_str!("../cases/injector-placeholder.yaml"));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].fix.class, FixClass::Manual);
    assert!(found[0].fix.reason.contains("Istio"), "{:?}", found[0].fix);
}

/// What makes an answer unknown, in any pod that runs to completion, whether it matters where something already ends
/// the sidecar, and what adds it, if it can be added.
type Obscure = (&'static str, bool, fn(&mut Value) -> bool);

/// The pod's spec in a workload.
fn spec_of(workload: &mut Value) -> &mut Value {
    let path = match workload["kind"].as_str() {
        Some("Pod") => "/spec",
        Some("CronJob") => "/spec/jobTemplate/spec/template/spec",
        _ => "/spec/template/spec",
    };
    workload.pointer_mut(path).unwrap()
}

fn containers(spec: &mut Value) -> &mut Vec<Value> {
    spec["containers"].as_array_mut().expect("containers")
}

/// The script of the app, where it has one.
fn change_script(spec: &mut Value, change: impl Fn(&str) -> String) -> bool {
    let app = containers(spec)
        .iter_mut()
        .find(|container| container["name"] == "app")
        .expect("the app");
    if app["command"][0] == "/app/run" || app.get("command").is_none() {
        return false;
    }
    let field = if app.get("args").is_some() {
        "args"
    } else {
        "command"
    };
    let script = app[field].as_array_mut().and_then(|words| words.last_mut());
    let script = script.expect("a script");
    *script = json!(change(script.as_str().expect("text")));
    true
}

fn sidecars(spec: &mut Value) -> impl Iterator<Item = &mut Value> {
    containers(spec)
        .iter_mut()
        .filter(|container| container["name"] != "app")
}

fn add_container(spec: &mut Value, container: Value) -> bool {
    containers(spec).push(container);
    true
}

const OBSCURES: [Obscure; 9] = [
    ("a sourced file", true, |spec| {
        change_script(spec, |script| format!(". /lib/common.sh; {script}"))
    }),
    ("a program that kills by its name", true, |spec| {
        change_script(spec, |script| format!("/opt/job_killer.sh & {script}"))
    }),
    ("a local call that is no plain read", true, |spec| {
        change_script(spec, |script| {
            format!("(sleep 60; curl -X POST http://localhost:8765/finish) & {script}")
        })
    }),
    ("the API server's client", true, |spec| {
        change_script(spec, |script| {
            format!("trap 'kubectl delete pod \"$HOSTNAME\"' EXIT; {script}")
        })
    }),
    ("what the app's image runs", false, |spec| {
        let app = containers(spec)
            .iter_mut()
            .find(|container| container["name"] == "app");
        let app = app.expect("the app").as_object_mut().expect("a mapping");
        app.remove("args");
        app.remove("command").is_some()
    }),
    ("what the sidecar's command is", false, |spec| {
        sidecars(spec).for_each(|sidecar| sidecar["command"] = json!(["/entrypoint.sh"]));
        true
    }),
    ("what else is in the sidecar's environment", false, |spec| {
        // CSQL_PROXY_QUITQUITQUIT and the like; the other sidecars have no variable that ends them.
        let [sidecar] = &mut sidecars(spec).collect::<Vec<_>>()[..] else {
            return false;
        };
        sidecar["envFrom"] = json!([{"configMapRef": {"name": "given"}}]);
        sidecar["name"] == "cloud-sql-proxy"
    }),
    ("a helper that sees all processes", true, |spec| {
        spec["shareProcessNamespace"] = json!(true);
        add_container(
            spec,
            json!({"name": "helper", "image": "registry.example.com/helper:1"}),
        )
    }),
    ("a helper with the shared volume", true, |spec| {
        let mounts = json!([{"name": "shared", "mountPath": "/shared"}]);
        let uses = sidecars(spec).all(|sidecar| sidecar["volumeMounts"] == mounts);
        uses && add_container(
            spec,
            json!({"name": "helper", "image": "registry.example.com/helper:1", "volumeMounts": mounts}),
        )
    }),
];

/// The findings that are proved about a sidecar's end.
fn proved(workload: &Value) -> Vec<Finding> {
    let text = serde_yaml::to_string(workload).expect("YAML");
    let about_end = [
        "job-never-completes",
        "quit-endpoint",
        "shared-pid-kill",
        "marker-file",
        "wrapper-script",
    ];
    let is_proved = |finding: &Finding| {
        about_end.contains(&finding.rule.name)
            && (finding.fix.class == FixClass::Safe || finding.severity == Severity::Error)
    };
    findings(&text).into_iter().filter(is_proved).collect()
}

#[test]
fn one_unknown_more_lowers_the_class_of_generated_pods() {
    let (mut pods, mut tried, mut wrong) = (0, 0, Vec::new());
    for index in 0..1500_u64 {
        let mut random = random::Random::new(0x0200_0000 + index);
        let workload = generated_pods::workload(&mut random);
        let ends = matches!(workload["kind"].as_str(), Some("Job" | "CronJob"));
        let before = match ends {
            true => proved(&workload),
            false => Vec::new(),
        };
        if before.is_empty() {
            continue;
        }
        pods += 1;
        let nothing_ends_it = before
            .iter()
            .all(|finding| finding.rule.name == "job-never-completes");
        for (unknown, even_if_ended, obscure) in OBSCURES {
            let mut obscured = workload.clone();
            if !(even_if_ended || nothing_ends_it) || !obscure(spec_of(&mut obscured)) {
                continue;
            }
            tried += 1;
            for finding in proved(&obscured) {
                wrong.push(format!("pod {index}, {unknown}: {}", finding.message));
            }
        }
    }
    println!(
        "{pods} proved pods, {tried} with one unknown more: {} stay proved",
        wrong.len()
    );
    assert!(pods > 20, "hardly any pod is proved: {pods}");
    assert_eq!(wrong.iter().take(60).collect::<Vec<_>>(), Vec::<&String>::new());
}
