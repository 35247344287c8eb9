//! The contract of what is rewritten without `--review` (`docs/semantics.md`, "Taking a workaround out"): each family's plain case is
//! rewritten, and with one of its conditions broken it is not.

#![allow(clippy::panic, clippy::unwrap_used)]

#[path = "../support/migrated.rs"]
mod migrated;

use kubectl_sidecar::migrate::Form;
use migrated::migrated;
use serde::Deserialize;

const FORMS: [Form; 3] = [Form::Native, Form::Lifecycle, Form::Annotation];

/// A plain case that loses `gone` without review, in each form, and cases that do not.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Contract {
    family: String,
    /// The name of the plain case.
    pod: String,
    plain: String,
    gone: Vec<String>,
    broken: Vec<Broken>,
}

/// A change that breaks one condition of the plain case.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Broken {
    condition: String,
    from: String,
    to: String,
    /// The part that is kept; the whole text is where none is given.
    stays: Option<String>,
}

fn contracts() -> Vec<Contract> {
    serde_yaml::from_str(include_str!("contract.yaml")).unwrap()
}

/// A plain case, for what the table does not say.
fn pod(name: &str) -> String {
    let mut contracts = contracts().into_iter();
    contracts.find(|contract| contract.pod == name).unwrap().plain
}

#[test]
fn each_family_is_rewritten_while_its_conditions_hold() {
    for Contract {
        family,
        plain,
        gone,
        broken,
        ..
    } in contracts()
    {
        assert!(!gone.is_empty() && !broken.is_empty(), "{family}");
        for form in FORMS {
            let migration = migrated(&plain, form, false);
            assert_eq!(migration.failures, []);
            for part in &gone {
                assert!(plain.contains(part), "{family}: {part}");
                assert!(
                    !migration.text.contains(part),
                    "{family} {form:?} {part}:\n{}",
                    migration.text
                );
            }
            for Broken {
                condition,
                from,
                to,
                stays,
            } in &broken
            {
                assert!(plain.contains(from), "{family}, {condition}: {from}");
                let text = plain.replace(from, to);
                let written = migrated(&text, form, false).text;
                let is_kept = match stays {
                    Some(part) => text.contains(part) && written.contains(part),
                    None => written == text,
                };
                assert!(is_kept, "{family} {form:?}, {condition}:\n{written}");
            }
        }
    }
}

const LOOP: &str = "until nc -z localhost 6432; do sleep 1; done";

#[test]
fn f1_a_script_that_is_used_twice_stays() {
    let text = pod("waits")
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
    let sleep = pod("waits").replace(LOOP, "sleep 10");
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

#[test]
fn f4_shared_processes_stay() {
    // Whether the programs can do without it the text does not say.
    assert!(
        migrated(&pod("kills"), Form::Native, false)
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

#[test]
fn f5_what_else_a_marker_is_for_stays() {
    let marker = pod("marker");
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
        let text = marker.replace(from, to);
        assert_ne!(text, marker);
        let reviewed = migrated(&text, Form::Native, true).text;
        assert!(
            reviewed.contains("while [ ! -f /signal/done ]"),
            "{condition}\n{reviewed}"
        );
    }
    // What else the trap does stays.
    let saves = marker.replace("'touch /signal/done'", "'save; touch /signal/done'");
    let reviewed = migrated(&saves, Form::Native, true).text;
    assert!(reviewed.contains("trap 'save' EXIT"), "{reviewed}");
    assert!(!reviewed.contains("/signal/done"), "{reviewed}");
    // Its volume stays where the directory is used otherwise.
    let used = marker.replace("/app/work\n", "/app/work --log=/signal/log\n");
    let reviewed = migrated(&used, Form::Native, true).text;
    assert!(
        !reviewed.contains("while") && reviewed.contains("emptyDir"),
        "{reviewed}"
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
    let kruise = pod("prestop").replace(
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
    let text = pod("prestop").replace(
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

/// What takes the place of a wait.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GateCase {
    of: String,
    #[serde(default)]
    script: String,
    /// In the place of a shell with the script.
    #[serde(default)]
    command: Vec<String>,
    #[serde(default = "sh")]
    shell: String,
    /// A line of the app.
    #[serde(default)]
    app: String,
    #[serde(default = "helper")]
    beside: String,
    class: String,
    gate: Option<String>,
    never: Option<String>,
}

fn sh() -> String {
    "sh".to_owned()
}

fn helper() -> String {
    "image: example.com/helper:1\nports: [{containerPort: 9900}]\n".to_owned()
}

impl GateCase {
    fn pod(&self) -> String {
        let indented = |text: &str, depth: usize| -> String {
            let lines = text.lines().map(|line| format!("{}{line}\n", " ".repeat(depth)));
            lines.collect()
        };
        let command = match self.command.is_empty() {
            true => format!(
                "        command: [{}, -c]\n        args:\n        - |\n{}",
                self.shell,
                indented(&self.script, 10)
            ),
            false => format!("        command: {:?}\n", self.command),
        };
        format!(
            "apiVersion: apps/v1
kind: Deployment
metadata: {{name: app}}
spec:
  selector: {{matchLabels: {{app: app}}}}
  template:
    metadata: {{labels: {{app: app}}}}
    spec:
      volumes:
      - name: shared
        emptyDir: {{}}
      containers:
      - name: app
        image: example.com/app:1
{command}{}      - name: helper
{}",
            indented(&self.app, 8),
            indented(&self.beside, 8)
        )
    }
}

#[test]
fn a_gate_asks_what_its_wait_asked() {
    let cases: Vec<GateCase> = serde_yaml::from_str(include_str!("gates.yaml")).unwrap();
    for case in cases {
        let text = case.pod();
        let [plain, reviewed] = [false, true].map(|review| migrated(&text, Form::Native, review));
        let is_gated = |text: &str| case.gate.as_ref().is_some_and(|gate| text.contains(gate));
        let found = match (is_gated(&plain.text), is_gated(&reviewed.text)) {
            (true, true) => "safe",
            (false, true) => "review",
            _ => "manual",
        };
        assert_eq!(found, case.class, "{}:\n{}", case.of, reviewed.text);
        for migration in [&plain, &reviewed] {
            assert_eq!(migration.failures, [], "{}", case.of);
            let is_there = case
                .never
                .as_ref()
                .is_some_and(|never| migration.text.contains(never));
            assert!(!is_there, "{}:\n{}", case.of, migration.text);
        }
    }
}
