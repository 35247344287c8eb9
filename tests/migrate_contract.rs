//! The contract of what is rewritten without `--review` (`docs/semantics.md`, "Taking a workaround out"): each family's plain case is
//! rewritten, and with one of its conditions broken it is not.

#![allow(clippy::panic, clippy::unwrap_used)]

#[path = "support/migrated.rs"]
mod migrated;

use kubectl_sidecar::migrate::Form;
use migrated::migrated;

/// What is seen where a condition is broken.
enum Broken {
    /// Nothing of the text is changed.
    Untouched,
    /// This part of the text stays.
    Stays(&'static str),
}
use Broken::{Stays, Untouched};

/// The plain case loses `gone` without review, in both forms; each broken one does not.
#[track_caller]
fn assert_contract(plain: &str, gone: &[&str], broken: &[(&str, &str, &str, Broken)]) {
    for form in [Form::Native, Form::Lifecycle] {
        let migration = migrated(plain, form, false);
        assert_eq!(migration.failures, []);
        for part in gone {
            assert!(plain.contains(part), "{part}");
            assert!(
                !migration.text.contains(part),
                "{form:?} {part}:\n{}",
                migration.text
            );
        }
        for (condition, from, to, seen) in broken {
            assert!(plain.contains(from), "{condition}: {from}");
            let text = plain.replace(from, to);
            let migration = migrated(&text, form, false);
            match seen {
                Untouched => assert_eq!(migration.text, text, "{form:?} {condition}"),
                Stays(part) => assert!(
                    text.contains(part) && migration.text.contains(part),
                    "{form:?} {condition}:\n{}",
                    migration.text
                ),
            }
        }
    }
}

const WAIT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: app
        image: app
        command: [sh, -c]
        args:
        - |
          until nc -z localhost 6432; do sleep 1; done
          exec /app
      - name: pgbouncer
        image: edoburu/pgbouncer
        ports:
        - containerPort: 6432
      - name: other
        image: other
";

const LOOP: &str = "until nc -z localhost 6432; do sleep 1; done";

#[test]
fn f1_waits() {
    assert_contract(
        WAIT,
        &["until", "sh, -c"],
        &[
            (
                "it is a service's address",
                "localhost 6432",
                "db.prod 6432",
                Untouched,
            ),
            (
                "the port is nobody's",
                "localhost 6432",
                "localhost 9999",
                Untouched,
            ),
            (
                "the port is two containers'",
                "        image: other\n",
                "        image: other\n        ports: [{containerPort: 6432}]\n",
                Untouched,
            ),
            (
                "the wait is not first",
                LOOP,
                "/bin/prepare\n          until nc -z localhost 6432; do sleep 1; done",
                Stays("until"),
            ),
            (
                "the loop does something",
                "do sleep 1",
                "do sleep 1; date >> /log",
                Stays("until"),
            ),
            (
                "the wait gives up",
                LOOP,
                "timeout 30 sh -c 'until nc -z localhost 6432; do sleep 1; done'",
                Stays("timeout"),
            ),
            (
                "the loop's answer is used",
                LOOP,
                "until curl -s localhost:6432 > /x; do sleep 1; done",
                Stays("until"),
            ),
            (
                "it also waits for another service",
                "6432; do",
                "6432 && nc -z db.prod 5432; do",
                Stays("until"),
            ),
            (
                "it also waits for another port of the pod",
                "6432; do",
                "6432 && nc -z localhost 9000; do",
                Stays("until"),
            ),
            (
                "the answer is used later",
                LOOP,
                "until v=$(curl -s localhost:6432/v); do sleep 1; done; echo \"$v\"",
                Stays("until"),
            ),
            (
                "it sets what the app finds in its environment",
                "until nc -z localhost 6432; do sleep 1; done\n          exec /app\n",
                "until MODE=$(curl -s localhost:6432/v); do sleep 1; done\n          exec /app\n        env: [{name: MODE, value: one}]\n",
                Stays("until"),
            ),
            (
                "what it prints is kept",
                LOOP,
                "(until nc -z localhost 6432; do sleep 1; done) > /log",
                Stays("until"),
            ),
            (
                "its function is called elsewhere too",
                LOOP,
                "ready() { until nc -z localhost 6432; do sleep 1; done; }; ready; if ready; then echo up; fi",
                Stays("until"),
            ),
            (
                "it listens on loopback only",
                "        ports:\n",
                "        args: ['127.0.0.1:6432']\n        ports:\n",
                Stays("until"),
            ),
            (
                "nothing says where it listens",
                "        ports:\n        - containerPort: 6432\n",
                "",
                Stays("until"),
            ),
            ("no shell is understood", "[sh, -c]", "[fish, -c]", Stays("until")),
            (
                "what remains is not certain",
                "exec /app",
                "if true; then",
                Stays("until"),
            ),
        ],
    );
}

#[test]
fn f1_a_script_that_is_used_twice_stays() {
    let text = WAIT
        .replace("        - |", "        - &script |")
        .replace("image: other\n", "image: other\n        args: [*script]\n");
    for review in [false, true] {
        let migration = migrated(&text, Form::Native, review);
        assert_eq!(migration.text, text);
        assert_eq!(migration.failures, []);
    }
}

#[test]
fn f1_a_sleep_does_not_say_what_it_waits_for() {
    let sleep = WAIT.replace(LOOP, "sleep 10");
    for form in [Form::Native, Form::Lifecycle] {
        assert_eq!(migrated(&sleep, form, false).text, sleep);
    }
}

const HOLD: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: dind
        image: docker:27-dind
        lifecycle:
          postStart:
            exec: {command: [sh, -c, 'until docker info; do sleep 1; done']}
      - name: app
        image: app
        command: [/app]
";

#[test]
fn f2_hold_by_post_start() {
    // What gates stays what it is: the hook.
    let migration = migrated(HOLD, Form::Native, false);
    assert!(migration.text.contains("restartPolicy: Always") && migration.text.contains("postStart"));
    for (condition, from, to) in [
        (
            "it is injected output",
            "image: docker:27-dind",
            "image: docker.io/istio/proxyv2:1.20.0",
        ),
        (
            "the hook does not wait for itself",
            "until docker info; do sleep 1; done",
            "notify-somebody",
        ),
        (
            "there is no app",
            "      - name: app\n        image: app\n        command: [/app]\n",
            "",
        ),
    ] {
        let mut text = HOLD.replace(from, to);
        if condition == "it is injected output" {
            text = text.replace(
                "    metadata: {labels",
                "    metadata: {annotations: {sidecar.istio.io/status: '{\"containers\": [\"istio-proxy\"]}'}, labels",
            );
            text = text.replace("name: dind", "name: istio-proxy");
        }
        assert_ne!(text, HOLD);
        assert_eq!(migrated(&text, Form::Native, false).text, text, "{condition}");
    }
}

const QUIT: &str = "apiVersion: batch/v1
kind: Job
metadata: {name: nightly}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: app
        image: app
        command: [bash, -c]
        args:
        - |
          /app/work
          code=$?
          curl -s -X POST http://localhost:9091/quitquitquit
          exit $code
      - name: cloud-sql-proxy
        image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
        args: [--quitquitquit, --health-check, --http-address=0.0.0.0, example:eu:orders]
";

#[test]
fn f3_quit_calls() {
    const CALL: &str = "curl -s -X POST http://localhost:9091/quitquitquit";
    assert_contract(
        QUIT,
        &["curl", "code=", "bash"],
        &[
            (
                "it is not last",
                "exit $code",
                "/app/report\n          exit $code",
                Stays("curl"),
            ),
            (
                "its output is used",
                CALL,
                "curl -s -X POST http://localhost:9091/quitquitquit > /answer",
                Stays("curl"),
            ),
            (
                "its output is used by a pipe",
                CALL,
                "curl -s -X POST http://localhost:9091/quitquitquit | grep OK",
                Stays("curl"),
            ),
            ("its result is the pod's", "exit $code", "", Stays("curl")),
            (
                "it decides",
                CALL,
                "if curl -s -X POST http://localhost:9091/quitquitquit; then /app/clean; fi",
                Stays("curl"),
            ),
            (
                "it is one branch only",
                "/app/work\n          code=$?\n          curl",
                "/app/work ||\n          curl",
                Stays("curl"),
            ),
            (
                "the endpoint is elsewhere",
                "localhost:9091",
                "proxy.prod:9091",
                Stays("curl"),
            ),
        ],
    );
}

#[test]
fn f4_kills() {
    const KILL: &str = "pkill cloud-sql-proxy";
    let kill = QUIT
        .replace("curl -s -X POST http://localhost:9091/quitquitquit", KILL)
        .replace(
            "      restartPolicy",
            "      shareProcessNamespace: true\n      restartPolicy",
        );
    assert_contract(
        &kill,
        &["pkill", "code=", "bash"],
        &[
            (
                "it is not last",
                "exit $code",
                "/app/report\n          exit $code",
                Stays("pkill"),
            ),
            ("its result is the pod's", "exit $code", "", Stays("pkill")),
            (
                "it is one branch only",
                "/app/work\n          code=$?\n",
                "/app/work ||\n",
                Stays("pkill"),
            ),
            (
                "a loop repeats it",
                KILL,
                "while pkill cloud-sql-proxy; do sleep 1; done",
                Stays("pkill"),
            ),
            (
                "the name is nobody's",
                "pkill cloud-sql-proxy",
                "pkill something-else",
                Stays("pkill"),
            ),
            (
                "two containers run the program",
                "      - name: cloud-sql-proxy\n",
                "      - {name: second, image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0}\n      - name: cloud-sql-proxy\n",
                Stays("pkill"),
            ),
            (
                "it is a reload",
                "pkill cloud",
                "pkill -HUP cloud",
                Stays("pkill"),
            ),
        ],
    );
    // Whether the programs can do without it the text does not say.
    assert!(
        migrated(&kill, Form::Native, false)
            .text
            .contains("shareProcessNamespace")
    );
}

#[test]
fn shared_processes_go_only_where_each_program_has_an_init() {
    let all = "apiVersion: batch/v1
kind: Job
metadata: {name: nightly}
spec:
  template:
    spec:
      shareProcessNamespace: true
      restartPolicy: Never
      containers:
      - name: app
        image: app
        command: [tini, --, sh, -c, '/app/work; code=$?; pkill cloud-sql-proxy; exit $code']
      - name: cloud-sql-proxy
        image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
        command: [/usr/bin/dumb-init, /cloud-sql-proxy]
        args: [--health-check, --http-address=0.0.0.0, example:eu:orders]
";
    let shares = |text: &str| {
        migrated(text, Form::Native, true)
            .text
            .contains("shareProcessNamespace")
    };
    assert!(!migrated(all, Form::Native, true).text.contains("pkill"));
    assert!(!shares(all));
    for (condition, from, to) in [
        ("an entrypoint without init", "/usr/bin/dumb-init, ", ""),
        (
            "an entrypoint in the image",
            "        command: [/usr/bin/dumb-init, /cloud-sql-proxy]\n",
            "",
        ),
        (
            "another signal",
            "image: app\n",
            "image: app\n        livenessProbe: {exec: {command: [pgrep, x]}}\n",
        ),
        (
            "a look at processes",
            "image: app\n",
            "image: app\n        livenessProbe: {exec: {command: [ls, /proc/1]}}\n",
        ),
        (
            "a container to debug with",
            "image: app\n",
            "image: app\n        stdin: true\n",
        ),
        (
            "a script that is not seen",
            "image: app\n",
            "image: app\n        volumeMounts: [{name: c, mountPath: /c}]\n",
        ),
    ] {
        let text = all.replace(from, to) + "      volumes: [{name: c, configMap: {name: c}}]\n";
        assert!(shares(&text), "{condition}");
    }
}

const MARKER: &str = "apiVersion: batch/v1
kind: Job
metadata: {name: nightly}
spec:
  template:
    spec:
      restartPolicy: Never
      volumes: [{name: signal, emptyDir: {}}]
      containers:
      - name: app
        image: app
        command: [sh, -c]
        args:
        - |
          trap 'touch /signal/done' EXIT
          /app/work
        volumeMounts: [{name: signal, mountPath: /signal}]
      - name: statsd-exporter
        image: prom/statsd-exporter
        command: [sh, -c]
        args:
        - |
          statsd_exporter &
          pid=$!
          while [ ! -f /signal/done ]; do sleep 1; done
          kill $pid
        volumeMounts: [{name: signal, mountPath: /signal}]
";

#[test]
fn f5_marker_files() {
    assert_contract(
        MARKER,
        &["/signal", "volumes", "trap", "while"],
        &[
            (
                "the result is the file's",
                "trap 'touch /signal/done' EXIT\n          /app/work",
                "/app/work\n          touch /signal/done",
                Untouched,
            ),
            (
                "it is named elsewhere",
                "/app/work\n",
                "/app/work --until=/signal/done\n",
                Untouched,
            ),
            (
                "its writer reads it too",
                "/app/work\n",
                "[ -f /signal/done ] || /app/work\n",
                Untouched,
            ),
        ],
    );
    for (condition, from, to) in [
        (
            "the writer is not seen",
            "trap 'touch /signal/done' EXIT\n          ",
            "",
        ),
        (
            "the two files are two",
            "touch /signal/done",
            "touch /signal/finished",
        ),
        (
            "the other half does more",
            "kill $pid",
            "kill $pid; upload /signal",
        ),
    ] {
        let text = MARKER.replace(from, to);
        assert_ne!(text, MARKER);
        let reviewed = migrated(&text, Form::Native, true).text;
        assert!(
            reviewed.contains("while [ ! -f /signal/done ]"),
            "{condition}\n{reviewed}"
        );
    }
    // What else the trap does stays.
    let saves = MARKER.replace("'touch /signal/done'", "'save; touch /signal/done'");
    let reviewed = migrated(&saves, Form::Native, true).text;
    assert!(reviewed.contains("trap 'save' EXIT"), "{reviewed}");
    assert!(!reviewed.contains("/signal/done"), "{reviewed}");
    // Its volume stays where the directory is used otherwise.
    let used = MARKER.replace("/app/work\n", "/app/work --log=/signal/log\n");
    let reviewed = migrated(&used, Form::Native, true).text;
    assert!(
        !reviewed.contains("while") && reviewed.contains("emptyDir"),
        "{reviewed}"
    );
}

const WRAPPED: &str = "apiVersion: batch/v1
kind: Job
metadata: {name: report}
spec:
  template:
    spec:
      restartPolicy: Never
      volumes: [{name: graveyard, emptyDir: {medium: Memory}}]
      containers:
      - name: report
        image: report
        command: [kubexit, /app/report]
        env:
        - {name: KUBEXIT_NAME, value: report}
        - {name: KUBEXIT_GRAVEYARD, value: /graveyard}
        volumeMounts: [{name: graveyard, mountPath: /graveyard}]
      - name: pgbouncer
        image: pgbouncer-kubexit
        command: [kubexit, /usr/bin/pgbouncer]
        ports: [{containerPort: 6432}]
        env:
        - {name: KUBEXIT_NAME, value: pgbouncer}
        - {name: KUBEXIT_GRAVEYARD, value: /graveyard}
        - {name: KUBEXIT_DEATH_DEPS, value: report}
        volumeMounts: [{name: graveyard, mountPath: /graveyard}]
";

#[test]
fn f6_wrappers() {
    assert_contract(
        WRAPPED,
        &["[kubexit", "KUBEXIT", "graveyard"],
        &[
            (
                "the wrapper is in the image",
                "        command: [kubexit, /usr/bin/pgbouncer]\n",
                "",
                Stays("[kubexit, /app/report]"),
            ),
            (
                "it has options",
                "[kubexit, /app/report]",
                "[kubexit, --verbose, /app/report]",
                Stays("--verbose"),
            ),
            (
                "its setting is used elsewhere",
                "        - {name: KUBEXIT_NAME, value: report}\n",
                "        - {name: KUBEXIT_NAME, value: report}\n        - {name: OWN, value: $(KUBEXIT_NAME)}\n",
                Stays("[kubexit"),
            ),
            (
                "it is part of a script",
                "[kubexit, /app/report]",
                "[sh, -c, 'kubexit /app/report']",
                Stays("kubexit /app"),
            ),
            (
                "the image's entrypoint gets the words",
                "        command: [kubexit, /app/report]",
                "        args: [kubexit, /app/report]",
                Stays("[kubexit, /app/report]"),
            ),
        ],
    );
}

const PRESTOP: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: app
        image: app
        command: [/app]
      - name: filebeat
        image: elastic/filebeat
        lifecycle:
          preStop:
            exec: {command: [sh, -c, 'sleep 30']}
";

#[test]
fn f7_delays_before_the_stop() {
    assert_contract(
        PRESTOP,
        &["preStop"],
        &[
            ("the hook does more", "'sleep 30'", "'flush; sleep 30'", Untouched),
            (
                "it drains",
                "'sleep 30'",
                "'curl -X POST localhost:15000/drain_listeners; sleep 30'",
                Untouched,
            ),
            (
                "it calls somebody",
                "exec: {command: [sh, -c, 'sleep 30']}",
                "httpGet: {path: /stop, port: 80}",
                Untouched,
            ),
            (
                "it is the app's",
                "name: filebeat\n        image: elastic/filebeat",
                "name: second\n        image: second",
                Untouched,
            ),
        ],
    );
}

const TRAP: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: app
        image: app
        command: [/app]
      - name: filebeat
        image: elastic/filebeat
        command: [sh, -c]
        args:
        - |
          trap '' TERM
          filebeat -e
";

#[test]
fn f8_traps_are_always_for_review() {
    for form in [Form::Native, Form::Lifecycle] {
        assert_eq!(migrated(TRAP, form, false).text, TRAP);
        assert!(!migrated(TRAP, form, true).text.contains("trap"));
    }
    let more = TRAP.replace("trap '' TERM", "trap 'flush; kill $!' TERM");
    assert!(migrated(&more, Form::Native, true).text.contains("flush"));
}

const FIRST_FORM: &str = "apiVersion: batch/v1
kind: Job
metadata: {name: nightly}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: app
        image: app
        command: [/app]
        lifecycle: {type: Standard}
      - name: proxy
        image: proxy
        lifecycle: {type: Sidecar}
        readinessProbe: {tcpSocket: {port: 80}}
";

#[test]
fn f10_the_first_design() {
    let native = migrated(FIRST_FORM, Form::Native, false).text;
    assert!(
        !native.contains("lifecycle") && native.contains("startupProbe"),
        "{native}"
    );
    // In the form that both dialects accept, only the default goes.
    let first = migrated(FIRST_FORM, Form::Lifecycle, false).text;
    assert_eq!(
        first,
        FIRST_FORM.replace("        lifecycle: {type: Standard}\n", "")
    );
    for (condition, from, to) in [
        (
            "it is the only container",
            "      - name: app\n        image: app\n        command: [/app]\n        lifecycle: {type: Standard}\n",
            "",
        ),
        ("the names are the same", "name: proxy", "name: app"),
        (
            "its rules are of no effect",
            "image: proxy\n",
            "image: proxy\n        restartPolicyRules: []\n",
        ),
        (
            "its probe asks the app",
            "command: [/app]\n",
            "command: [/app]\n        ports: [{containerPort: 80}]\n",
        ),
    ] {
        let text = FIRST_FORM.replace(from, to);
        assert_ne!(text, FIRST_FORM, "{condition}");
        let migration = migrated(&text, Form::Native, false);
        assert!(
            migration.text.contains("type: Sidecar"),
            "{condition}\n{}",
            migration.text
        );
    }
}

#[test]
fn f11_marks_for_kruise_and_lyft() {
    let kruise = PRESTOP.replace(
        "        lifecycle:\n          preStop:\n            exec: {command: [sh, -c, 'sleep 30']}\n",
        "",
    );
    let job = FIRST_FORM
        .replace("        lifecycle: {type: Standard}\n", "")
        .replace(
            "        lifecycle: {type: Sidecar}\n",
            "        env: [{name: KRUISE_TERMINATE_SIDECAR_WHEN_JOB_EXIT, value: 'true'}]\n",
        );
    let done = migrated(&job, Form::Native, false).text;
    assert!(
        done.contains("restartPolicy: Always") && !done.contains("KRUISE"),
        "{done}"
    );
    // It starts the next container once this one is ready, however long that takes.
    let ordered = job.replace(
        "        env: [{name: KRUISE",
        "        env: [{name: KRUISE_CONTAINER_PRIORITY, value: '1'}, {name: KRUISE",
    );
    let done = migrated(&ordered, Form::Native, false).text;
    assert!(
        done.contains("startupProbe:") && done.contains("failureThreshold: 3600"),
        "{done}"
    );
    let lyft = kruise.replace(
        "metadata: {labels: {app: web}}",
        "metadata:\n      labels: {app: web}\n      annotations:\n        sidecars.lyft.net/container-lifecycle-filebeat: Sidecar",
    );
    for form in [Form::Native, Form::Lifecycle] {
        let done = migrated(&lyft, form, false).text;
        assert!(!done.contains("lyft") && !done.contains("annotations"), "{done}");
        assert!(
            done.contains("restartPolicy: Always") || done.contains("type: Sidecar"),
            "{done}"
        );
        // A container that is not there; a value that says nothing.
        for broken in [
            lyft.replace("lifecycle-filebeat", "lifecycle-other"),
            lyft.replace(": Sidecar", ": Standard"),
        ] {
            assert_eq!(migrated(&broken, form, false).text, broken);
        }
    }
}

#[test]
fn f12_deadlines_stay() {
    let text = FIRST_FORM.replace(
        "spec:\n  template",
        "spec:\n  activeDeadlineSeconds: 600\n  template",
    );
    for review in [false, true] {
        let migration = migrated(&text, Form::Native, review);
        assert!(migration.text.contains("activeDeadlineSeconds: 600"));
        assert!(migration.text.contains("restartPolicy: Always"));
    }
}

#[test]
fn f13_a_restart_policy_of_a_regular_container_is_for_review() {
    let text = PRESTOP.replace(
        "        lifecycle:\n          preStop:\n            exec: {command: [sh, -c, 'sleep 30']}\n",
        "        restartPolicy: Always\n",
    );
    for form in [Form::Native, Form::Lifecycle] {
        let migration = migrated(&text, form, false);
        assert_eq!(migration.text, text);
        assert!(!migration.plans.is_empty(), "it is reported");
    }
    assert!(
        migrated(&text, Form::Native, true)
            .text
            .contains("initContainers")
    );
    // Where nothing else shows a sidecar, only the user can say that it is one.
    let unproven = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - {name: a, image: a}\n  - {name: b, image: b, restartPolicy: Always}\n";
    let migration = migrated(unproven, Form::Native, true);
    assert_eq!(migration.text, unproven);
    assert!(
        format!("{:?}", migration.plans).contains("--sidecar b"),
        "{:?}",
        migration.plans
    );
}
