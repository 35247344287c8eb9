//! What is not known lowers the class: a pod whose rewrite is proved, and one thing more that nobody knows.

use std::sync::Arc;

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

const UNKNOWN: [Unknown; 12] = [
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
}

#[test]
fn what_an_injector_fills_in_stays() {
    let found = findings(include_str!("cases/injector-placeholder.yaml"));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].fix.class, FixClass::Manual);
    assert!(found[0].fix.reason.contains("Istio"), "{:?}", found[0].fix);
}
