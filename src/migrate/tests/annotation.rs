//! The annotation: where it is written, what it replaces, and how it becomes the other forms and comes from them.

use proptest::prelude::*;

use super::{super::Form, migrated, migrated_with, options, source};
use crate::{
    migrate::{Migration, Options, migrate},
    policy::{Outcome, Promotion, promoted},
    yaml::{Value, parse},
};

/// What `--target` with the form does, where it is named outright.
fn converted(text: &str, form: Form, review: bool) -> Migration {
    let options = Options {
        converts: form == Form::Native || review,
        ..options(form, review)
    };
    let migration = migrated_with(text, &options);
    assert_eq!(migration.failures, [], "{text}");
    let again = migrated_with(&migration.text, &options);
    assert_eq!(again.text, migration.text, "not the same the second time\n{text}");
    migration
}

/// The object, without an order of its keys.
fn value(text: &str) -> Value {
    fn sort(value: &mut Value) {
        match value {
            Value::Sequence(items) => items.iter_mut().for_each(sort),
            Value::Mapping(entries) => {
                entries.iter_mut().for_each(|(_, value)| sort(value));
                entries.sort_by_key(|(key, _)| format!("{key:?}"));
            }
            _ => {}
        }
    }
    let mut value = Value::of(parse(text).unwrap().root(0).unwrap()).unwrap();
    sort(&mut value);
    value
}

fn said(migration: &Migration) -> String {
    format!("{:?}", migration.plans)
}

const CONTAINERS: &str = "    spec:
      restartPolicy: Never
      containers:
      - {name: app, image: app, command: [/app]}
      - {name: filebeat, image: elastic/filebeat} # ships
";

#[test]
fn the_annotation_is_written_in_the_style_of_its_place() {
    let head = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec:\n  template:\n";
    for (before, after) in [
        (
            "",
            "    metadata:\n      annotations:\n        kubectl-sidecar/sidecars: filebeat\n",
        ),
        (
            "    metadata:\n      labels: {a: b} # kept\n",
            "    metadata:\n      labels: {a: b} # kept\n      annotations:\n        kubectl-sidecar/sidecars: filebeat\n",
        ),
        (
            "    metadata: {}\n",
            "    metadata:\n      annotations: {kubectl-sidecar/sidecars: filebeat}\n",
        ),
        (
            "    metadata:\n",
            "    metadata:\n      annotations:\n        kubectl-sidecar/sidecars: filebeat\n",
        ),
        (
            "    metadata:\n      annotations:\n",
            "    metadata:\n      annotations:\n        kubectl-sidecar/sidecars: filebeat\n",
        ),
        (
            "    metadata:\n      annotations:\n        # of ours\n        team: x\n      labels: {a: b}\n",
            "    metadata:\n      annotations:\n        # of ours\n        team: x\n        kubectl-sidecar/sidecars: filebeat\n      labels: {a: b}\n",
        ),
        (
            "    metadata: {annotations: {team: x}, labels: {a: b}}\n",
            "    metadata: {annotations: {team: x, kubectl-sidecar/sidecars: filebeat}, labels: {a: b}}\n",
        ),
        (
            "    metadata: {\"labels\": {\"a\": \"b\"}}\n",
            "    metadata: {\"labels\": {\"a\": \"b\"}, \"annotations\": {\"kubectl-sidecar/sidecars\": \"filebeat\"}}\n",
        ),
        (
            "    metadata:\n      annotations:\n        kubectl-sidecar/sidecars: ' daprd , '   # injected\n",
            "    metadata:\n      annotations:\n        kubectl-sidecar/sidecars: 'daprd,filebeat'   # injected\n",
        ),
        (
            "    metadata:\n      annotations:\n        kubectl-sidecar/sidecars: \"\"\n",
            "    metadata:\n      annotations:\n        kubectl-sidecar/sidecars: \"filebeat\"\n",
        ),
        (
            "    metadata:\n      annotations:\n        kubectl-sidecar/sidecars:\n",
            "    metadata:\n      annotations:\n        kubectl-sidecar/sidecars: filebeat\n",
        ),
        (
            "    metadata:\n      annotations:\n        kubectl-sidecar/sidecars: |\n          daprd\n",
            "    metadata:\n      annotations:\n        kubectl-sidecar/sidecars: |-\n          daprd,filebeat\n",
        ),
    ] {
        for (from, to) in [("\n", "\n"), ("\n", "\r\n")] {
            let text = |metadata: &str| format!("{head}{metadata}{CONTAINERS}").replace(from, to);
            let migration = migrated(&text(before), Form::Annotation, false);
            assert_eq!(migration.text, text(after), "{before}");
            assert_eq!(migrated(&text(after), Form::Annotation, false).text, text(after));
        }
    }
}

#[test]
fn json_and_bare_pods_get_it_too() {
    let json = r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"restartPolicy": "Never", "containers": [{"name": "app", "image": "app", "command": ["/app"]}, {"name": "filebeat", "image": "elastic/filebeat"}]}}"#;
    let migration = migrated(json, Form::Annotation, false);
    assert_eq!(
        migration.text,
        json.replace(
            r#"{"name": "a"}"#,
            r#"{"name": "a", "annotations": {"kubectl-sidecar/sidecars": "filebeat"}}"#
        )
    );
    let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  restartPolicy: Never\n  containers:\n  - {name: app, image: app, command: [/app]}\n  - {name: filebeat, image: elastic/filebeat}\n";
    assert_eq!(
        migrated(pod, Form::Annotation, false).text,
        pod.replace(
            "  name: a\n",
            "  name: a\n  annotations:\n    kubectl-sidecar/sidecars: filebeat\n"
        )
    );
}

#[test]
fn what_is_written_with_an_anchor_is_left() {
    let text = format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: a, annotations: &a {{team: x}}}}\nspec:\n  template:\n    metadata:\n      annotations: *a\n{CONTAINERS}"
    );
    let migration = migrated(&text, Form::Annotation, true);
    assert_eq!(migration.text, text);
    assert!(
        said(&migration).contains("anchor or alias"),
        "{}",
        said(&migration)
    );
}

#[test]
fn a_collection_is_no_declaration() {
    let text = format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: a}}\nspec:\n  template:\n    metadata:\n      annotations: {{kubectl-sidecar/sidecars: [filebeat]}}\n{CONTAINERS}"
    );
    let migration = migrated(&text, Form::Annotation, true);
    assert_eq!(migration.text, text);
    assert!(said(&migration).contains("is not a text"), "{}", said(&migration));
}

fn deployment(annotations: &str, spec: &str) -> String {
    let annotations = match annotations {
        "" => String::new(),
        some => format!("    metadata:\n      annotations:\n{some}"),
    };
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a\nspec:\n  template:\n{annotations}    spec:\n{spec}"
    )
}

#[test]
fn a_readiness_that_may_need_the_app_is_for_review() {
    let pod = |image: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  restartPolicy: Never\n  containers:\n  - {{name: app, image: app, command: [/app], ports: [{{containerPort: 80}}]}}\n  - name: filebeat\n    image: {image}\n    readinessProbe: {{httpGet: {{path: /, port: 5066}}}}\n"
        )
    };
    let known = pod("elastic/filebeat");
    assert!(
        migrated(&known, Form::Annotation, false)
            .text
            .contains("kubectl-sidecar/sidecars")
    );
    let unknown = pod("registry.example.com/own");
    let named = |review| {
        let options = Options {
            sidecars: vec!["own".to_owned()],
            ..options(Form::Annotation, review)
        };
        migrated_with(&unknown.replace("filebeat", "own"), &options)
    };
    let left = named(false);
    assert!(
        !left.is_changed() && said(&left).contains("may depend on the app"),
        "{}",
        said(&left)
    );
    assert!(named(true).is_changed());
    // What asks the app is no gate at promotion, and does no harm.
    let asks = known.replace("port: 5066", "port: 80");
    let migration = migrated(&asks, Form::Annotation, false);
    assert!(migration.is_changed(), "{}", said(&migration));
    assert!(
        said(&migration).contains("without a startupProbe"),
        "{}",
        said(&migration)
    );
}

const NATIVE: &str = "      initContainers:
      - {name: setup, image: setup}
      - name: proxy
        image: proxy
        restartPolicy: Always # a sidecar
        startupProbe: {tcpSocket: {port: 1}}
      # ships the logs
      - {name: shipper, image: shipper, restartPolicy: Always}
      containers:
      - {name: app, image: app}
";

#[test]
fn native_sidecars_become_annotated_and_native_again() {
    let text = deployment("", NATIVE);
    assert!(!converted(&text, Form::Annotation, false).is_changed());
    let annotated = converted(&text, Form::Annotation, true);
    assert_eq!(
        annotated.text,
        deployment(
            "        kubectl-sidecar/sidecars: proxy,shipper\n",
            "      initContainers:
      - {name: setup, image: setup}
      containers:
      - {name: app, image: app}
      - name: proxy
        image: proxy
        startupProbe: {tcpSocket: {port: 1}}
      # ships the logs
      - {name: shipper, image: shipper}
"
        )
    );
    let native = converted(&annotated.text, Form::Native, false);
    assert_eq!(
        value(&native.text).difference(&value(&text)),
        None,
        "{}",
        native.text
    );
    assert!(!native.text.contains("annotations"), "{}", native.text);
}

#[test]
fn sidecars_before_the_init_containers_are_put_first() {
    let text = deployment(
        "",
        &NATIVE
            .replace("      - {name: setup, image: setup}\n", "")
            .replace(
                "      containers:\n",
                "      - {name: setup, image: setup}\n      containers:\n",
            ),
    );
    let annotated = converted(&text, Form::Annotation, true);
    assert!(
        annotated.text.contains(
            "        kubectl-sidecar/position: first\n        kubectl-sidecar/sidecars: proxy,shipper\n"
        ),
        "{}",
        annotated.text
    );
    let native = converted(&annotated.text, Form::Native, false);
    assert_eq!(
        value(&native.text).difference(&value(&text)),
        None,
        "{}",
        native.text
    );
    let lifecycle = converted(&annotated.text, Form::Lifecycle, true);
    assert!(!lifecycle.is_changed());
    assert!(
        said(&lifecycle).contains("the init container setup may need it"),
        "{}",
        said(&lifecycle)
    );
}

#[test]
fn sidecars_between_init_containers_stay_native() {
    let text = deployment(
        "",
        &NATIVE.replace(
            "      # ships",
            "      - {name: last, image: last}\n      # ships",
        ),
    );
    let annotated = converted(&text, Form::Annotation, true);
    assert!(
        annotated.text.contains("kubectl-sidecar/sidecars: shipper\n"),
        "{}",
        annotated.text
    );
    assert!(annotated.text.contains("restartPolicy: Always # a sidecar"));
    assert!(
        said(&annotated).contains("proxy stays a native sidecar"),
        "{}",
        said(&annotated)
    );
}

#[test]
fn the_first_design_and_the_annotation_become_each_other() {
    let text = deployment(
        "        team: x\n",
        "      containers:
      - {name: app, image: app}
      - name: proxy
        image: envoyproxy/envoy
        lifecycle: {type: Sidecar}
        readinessProbe: {tcpSocket: {port: 1}}
      - {name: shipper, image: shipper, lifecycle: {type: Sidecar}}
",
    );
    let annotated = converted(&text, Form::Annotation, false);
    assert_eq!(
        annotated.text,
        deployment(
            "        team: x\n        kubectl-sidecar/sidecars: proxy,shipper\n",
            "      containers:
      - {name: app, image: app}
      - name: proxy
        image: envoyproxy/envoy
        readinessProbe: {tcpSocket: {port: 1}}
      - {name: shipper, image: shipper}
"
        ),
        "{}",
        said(&annotated)
    );
    assert!(!converted(&annotated.text, Form::Lifecycle, false).is_changed());
    let lifecycle = converted(&annotated.text, Form::Lifecycle, true);
    assert_eq!(
        value(&lifecycle.text).difference(&value(&text)),
        None,
        "{}",
        lifecycle.text
    );
    assert!(said(&lifecycle).contains("the order in which the sidecars start and stop is lost"));
    // Readiness is the gate in both, and a startupProbe in what runs.
    let native = converted(&annotated.text, Form::Native, false);
    assert_eq!(native.text.matches("startupProbe").count(), 1, "{}", native.text);
    assert!(!native.text.contains("kubectl-sidecar/"), "{}", native.text);
}

#[test]
fn names_of_others_stay_in_the_annotation() {
    let text = deployment(
        "        kubectl-sidecar/sidecars: daprd, shipper\n        kubectl-sidecar/position: first\n",
        "      containers:\n      - {name: app, image: app}\n      - {name: shipper, image: shipper}\n",
    );
    let native = converted(&text, Form::Native, false);
    assert!(
        native
            .text
            .contains("kubectl-sidecar/sidecars: daprd\n        kubectl-sidecar/position: first\n"),
        "{}",
        native.text
    );
}

#[test]
fn an_old_cluster_gets_native_sidecars_for_the_annotation() {
    let text = deployment(
        "        kubectl-sidecar/sidecars: shipper\n",
        "      containers:\n      - {name: app, image: app}\n      - {name: shipper, image: shipper}\n",
    );
    let of = |version| {
        let mut options = options(Form::Native, false);
        options.lint.settings.kubernetes_version = Some(version);
        migrated_with(&text, &options).text
    };
    assert!(of((1, 35)).contains("restartPolicy: Always"));
    assert_eq!(of((1, 36)), text);
}

const NEEDED: &str = "      initContainers:
      - {name: schema, image: schema, args: ['--db=127.0.0.1:6432']}
      containers:
      - {name: app, image: app, command: [/app]}
      - {name: proxy, image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2, ports: [{containerPort: 6432}]}
";

#[test]
fn an_init_container_that_needs_the_sidecar_is_for_review() {
    let job = |spec: &str| {
        deployment("", &format!("      restartPolicy: Never\n{spec}"))
            .replace("apps/v1", "batch/v1")
            .replace("Deployment", "Job")
    };
    let text = job(NEEDED);
    let left = migrated(&text, Form::Annotation, false);
    assert!(
        !left.is_changed() && said(&left).contains("review: true"),
        "{}",
        said(&left)
    );
    let first = migrated(&text, Form::Annotation, true);
    assert!(
        first.text.contains("kubectl-sidecar/position: first")
            && first.text.contains("kubectl-sidecar/sidecars: proxy"),
        "{}",
        first.text
    );
    let behind = job(&NEEDED.replace(
        "      - {name: schema",
        "      - {name: other, image: other}\n      - {name: schema",
    ));
    let left = migrated(&behind, Form::Annotation, true);
    assert!(
        !left.is_changed() && said(&left).contains("it before all of them"),
        "{}",
        said(&left)
    );
}

#[test]
fn an_order_that_the_containers_do_not_have_is_refused() {
    let sidecars = [
        "      - {name: shipper, image: fluent/fluent-bit, command: [sh, -c, 'until nc -z localhost 6432; do sleep 1; done; exec /bit']}\n",
        "      - {name: pgbouncer, image: edoburu/pgbouncer, ports: [{containerPort: 6432}]}\n",
    ];
    let text = |order: [usize; 2]| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: a}}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      containers:\n      - {{name: app, image: app, command: [/app]}}\n{}{}",
            sidecars[order[0]], sidecars[order[1]]
        )
    };
    let options = Options {
        sidecars: vec!["shipper".to_owned(), "pgbouncer".to_owned()],
        ..options(Form::Annotation, false)
    };
    // Its wait stays: other loops than this one are cut with a gate.
    let refused = migrated_with(&text([0, 1]), &options);
    let done = migrated_with(&text([1, 0]), &options);
    assert!(done.is_changed(), "{}", said(&done));
    assert!(
        !refused.is_changed() && said(&refused).contains("keeps the order of the containers"),
        "{}",
        said(&refused)
    );
}

/// What an app does about a sidecar that is declared already.
const LEFTOVERS: [&str; 5] = [
    "",
    ", command: [/app]",
    ", command: [sh, -c, 'until curl -sf localhost:5066/stats; do sleep 1; done; exec /app']",
    ", command: [sh, -c, '/app; code=$?; curl -X POST localhost:15020/quitquitquit; exit $code']",
    ", command: [sh, -c, 'sleep 10; /app']",
];

/// A Job with a declared sidecar that the app still minds, in each of the three forms.
fn leftovers() -> impl Strategy<Value = String> {
    let sidecar = prop::sample::select(vec![
        "filebeat, image: elastic/filebeat, ports: [{containerPort: 5066}]",
        "istio-proxy, image: docker.io/istio/proxyv2:1.24.0, ports: [{containerPort: 15020}]",
        "envoy, image: 'envoyproxy/envoy:v1.30.1', ports: [{containerPort: 5066}]",
    ]);
    let probe = prop::sample::select(vec![
        "",
        ", startupProbe: {httpGet: {port: 5066, path: /stats}}",
        ", readinessProbe: {httpGet: {port: 5066, path: /stats}}",
    ]);
    let form = prop::sample::select(vec![Form::Native, Form::Lifecycle, Form::Annotation]);
    let app = prop::sample::select(&LEFTOVERS[..]);
    (sidecar, probe, form, app).prop_map(|(sidecar, probe, form, app)| {
        let name = sidecar.split(',').next().unwrap_or_default();
        let sidecar = |more: &str| format!("      - {{name: {sidecar}{probe}{more}}}\n");
        let app = format!("      - {{name: app, image: app{app}}}\n");
        let restart = "      restartPolicy: Never\n";
        let (annotations, spec) = match form {
            Form::Native => (
                String::new(),
                format!(
                    "{restart}      initContainers:\n{}      containers:\n{app}",
                    sidecar(", restartPolicy: Always")
                ),
            ),
            Form::Lifecycle => (
                String::new(),
                format!(
                    "{restart}      containers:\n{app}{}",
                    sidecar(", lifecycle: {type: Sidecar}")
                ),
            ),
            Form::Annotation => (
                format!("        kubectl-sidecar/sidecars: {name}\n"),
                format!("{restart}      containers:\n{app}{}", sidecar("")),
            ),
        };
        deployment(&annotations, &spec)
            .replace("apps/v1", "batch/v1")
            .replace("Deployment", "Job")
    })
}

/// Native sidecars of any probes among init containers, in a pod with one app or two.
fn native_pod() -> impl Strategy<Value = String> {
    let probes = prop::sample::select(vec![
        "",
        ", startupProbe: {tcpSocket: {port: 1}}",
        ", startupProbe: {tcpSocket: {port: 1}}, readinessProbe: {exec: {command: [x]}}",
        ", lifecycle: {postStart: {sleep: {seconds: 1}}}",
    ]);
    let sidecar = (probes, any::<bool>());
    let inits = prop::collection::vec(prop::option::of(sidecar), 0..5);
    let annotations = prop::sample::select(vec![
        "",
        "        team: x\n",
        "        # mind\n        a/b: 'c' # d\n",
    ]);
    (inits, annotations, any::<bool>(), any::<bool>()).prop_map(|(inits, annotations, two, windows)| {
        let mut spec = String::new();
        for (index, init) in inits.iter().enumerate() {
            spec += &match init {
                None => format!("      - {{name: init{index}, image: i}}\n"),
                Some((probes, false)) => {
                    format!("      - {{name: side{index}, image: s{probes}, restartPolicy: Always}}\n")
                }
                Some((probes, true)) => {
                    let probes = probes.trim_start_matches(", ").replace("}, ", "}\n        ");
                    format!("      # about {index}\n      - name: side{index}\n        image: s\n        restartPolicy: Always\n        {probes}\n")
                }
            };
        }
        if !inits.is_empty() {
            spec.insert_str(0, "      initContainers:\n");
        }
        spec += "      containers:\n      - {name: app, image: a}\n";
        if two {
            spec += "      - name: app2\n        image: a\n";
        }
        let text = deployment(annotations, &spec);
        if windows { text.replace('\n', "\r\n") } else { text }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_policy_makes_of_the_annotation_what_was_native(text in native_pod()) {
        let annotated = converted(&text, Form::Annotation, true);
        let template = |text: &str| -> serde_json::Value {
            let object: serde_json::Value = serde_yaml::from_str(text).unwrap();
            object["spec"]["template"].clone()
        };
        let promoted = match promoted(&template(&annotated.text), &Promotion::default()) {
            Outcome::Promoted { pod, .. } => pod,
            Outcome::Unchanged => template(&annotated.text),
            Outcome::Conflict(reasons) => panic!("{reasons:?}\n{}", annotated.text),
        };
        prop_assert_eq!(&promoted["spec"], &template(&text)["spec"], "{}", annotated.text);
    }

    #[test]
    fn what_is_left_of_a_workaround_goes_with_the_conversion(
        text in leftovers(),
        way in prop::collection::vec(prop::sample::select(vec![Form::Native, Form::Lifecycle, Form::Annotation]), 1..4),
        review in any::<bool>(),
    ) {
        // Each conversion is the same when it is done twice.
        way.iter().fold(text, |text, form| converted(&text, *form, review).text);
    }

    #[test]
    fn native_to_annotation_and_back_is_the_same_object(text in native_pod()) {
        let annotated = converted(&text, Form::Annotation, true);
        let native = converted(&annotated.text, Form::Native, false);
        let (old, new) = (value(&text), value(&native.text));
        prop_assert_eq!(old.difference(&new), None, "{}\n{}\n{}", text, annotated.text, native.text);
        for comment in text.lines().filter_map(|line| line.split_once("# ")) {
            prop_assert!(native.text.contains(comment.1), "{}", native.text);
        }
    }
}

#[test]
fn a_sidecar_whose_injector_has_no_switch_is_named() {
    let text = "apiVersion: batch/v1
kind: Job
metadata: {name: a}
spec:
  template:
    metadata:
      annotations:
        dapr.io/enabled: \"true\"
    spec:
      restartPolicy: Never
      containers:
      - name: app
        image: app
        command: [sh, -c]
        args:
        - |
          until curl -sf http://localhost:3500/v1.0/healthz/outbound; do sleep 1; done
          /app
          code=$?
          curl -X POST http://localhost:3500/v1.0/shutdown
          exit $code
";
    let left = converted(text, Form::Annotation, false);
    assert!(
        !left.is_changed() && said(&left).contains("review: true"),
        "{}",
        said(&left)
    );
    let named = converted(text, Form::Annotation, true);
    assert_eq!(
        named.text,
        text.replace(
            "\"true\"\n",
            "\"true\"\n        kubectl-sidecar/sidecars: daprd\n"
        )
        .replace("          code=$?\n          curl -X POST http://localhost:3500/v1.0/shutdown\n          exit $code\n", ""),
        "{}",
        said(&named)
    );
    // What native sidecars there are is the injector's to say.
    assert_eq!(converted(text, Form::Native, true).text, text);
}

#[test]
fn a_conversion_takes_what_is_left_of_the_workaround_with_it() {
    let text = |annotations, containers: &str| {
        let spec = format!("      restartPolicy: Never\n{containers}");
        deployment(annotations, &spec)
            .replace("apps/v1", "batch/v1")
            .replace("Deployment", "Job")
    };
    let polls = "until curl -sf localhost:5066/stats; do sleep 1; done; ";
    let containers = |polls: &str, declared: &str| {
        format!(
            "      containers:\n      - name: app\n        image: app\n        command: [sh, -c, '{polls}cd / && /app']\n      - {{name: filebeat, image: elastic/filebeat{declared}, readinessProbe: {{httpGet: {{port: 5066, path: /stats}}}}}}\n"
        )
    };
    let annotated = text(
        "        kubectl-sidecar/sidecars: filebeat\n",
        &containers(polls, ""),
    );
    let lifecycle = converted(&annotated, Form::Lifecycle, true);
    assert_eq!(
        lifecycle.text,
        text("", &containers("", ", lifecycle: {type: Sidecar}")),
        "{}",
        said(&lifecycle)
    );
    assert_eq!(lifecycle.plans.len(), 1);
    assert_eq!(lifecycle.plans[0].actions.len(), 2, "{}", said(&lifecycle));
    // What somebody wants to keep is kept.
    let kept = migrate(
        &source(&annotated),
        &[],
        &Options {
            converts: true,
            ..options(Form::Lifecycle, true)
        },
        &mut |mut findings| {
            findings.retain(|finding| finding.rule.name != "leftover-workaround");
            findings
        },
    )
    .unwrap();
    assert_eq!(
        kept.text,
        text("", &containers(polls, ", lifecycle: {type: Sidecar}"))
    );
}

#[test]
fn a_patch_of_a_converted_container_stops_the_conversion() {
    let text = deployment("", NATIVE);
    let with = |path: &str| {
        let patches = format!(
            "kind: Kustomization\nresources: [a.yaml]\npatches:\n- target: {{kind: Deployment, name: a}}\n  patch: |\n    - {{op: replace, path: {path}, value: x}}\n"
        );
        let patches = std::sync::Arc::new(crate::source::SourceFile {
            name: "kustomization.yaml".into(),
            text: patches.into(),
        });
        let options = Options {
            converts: true,
            ..options(Form::Annotation, true)
        };
        migrate(&source(&text), &[patches], &options, &mut |findings| findings).unwrap()
    };
    for path in [
        "/spec/template/spec/initContainers/1/image",
        "/spec/template/spec/initContainers/1/restartPolicy",
        "/spec/template/metadata/annotations",
    ] {
        let left = with(path);
        assert!(
            !left.is_changed() && said(&left).contains("change the two together"),
            "{path}: {}",
            said(&left)
        );
    }
    for path in [
        "/spec/template/spec/initContainers/0/image",
        "/spec/template/spec/containers/0/image",
        "/spec/replicas",
    ] {
        assert!(with(path).is_changed(), "{path}");
    }
}

#[test]
fn an_overlay_that_takes_the_declaration_away_stops_the_rewrite() {
    let template = |metadata: &str, containers: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: a}}\nspec:\n  template:\n    metadata: {metadata}\n{containers}"
        )
    };
    let undeclared = template("{annotations: {team: x}}", CONTAINERS);
    // Declared already, with what is left of the workaround.
    let polls = CONTAINERS.replace(
        "command: [/app]",
        "command: [sh, -c, 'until curl -sf localhost:5066/stats; do sleep 1; done; exec /app']",
    );
    let polls = polls.replace(
        "elastic/filebeat}",
        "elastic/filebeat, ports: [{containerPort: 5066}]}",
    );
    let declared = template("{annotations: {kubectl-sidecar/sidecars: filebeat}}", &polls);
    let with = |text: &str, overlay: &str, kustomization: Option<&str>, form: Form| {
        let file = |name: &str, text: &str| {
            std::sync::Arc::new(crate::source::SourceFile {
                name: name.into(),
                text: text.into(),
            })
        };
        let mut others = vec![file("overlay.yaml", overlay)];
        others.extend(kustomization.map(|text| file("kustomization.yaml", text)));
        let options = options(form, true);
        migrate(&source(text), &others, &options, &mut |findings| findings).unwrap()
    };
    let referred = "kind: Kustomization\nresources: [a.yaml]\npatches: [{path: overlay.yaml}]\n";
    let takes_away = [
        "{annotations: {kubectl-sidecar/sidecars: null}}",
        "{annotations: {kubectl-sidecar/sidecars: }}",
        "{annotations: {kubectl-sidecar/sidecars: other}}",
        "{annotations: null}",
        "{annotations: {$patch: replace, team: y}}",
        "null",
    ];
    for metadata in takes_away {
        let overlay = template(metadata, "");
        for kustomization in [Some(referred), None] {
            for text in [&undeclared, &declared] {
                let left = with(text, &overlay, kustomization, Form::Annotation);
                assert!(
                    !left.is_changed() && said(&left).contains("take the annotation away"),
                    "{metadata}\n{text}\n{}",
                    said(&left)
                );
            }
            assert!(with(&undeclared, &overlay, kustomization, Form::Native).is_changed());
        }
    }
    for harmless in [
        template("{annotations: {team: y}, labels: null}", ""),
        template("{annotations: {kubectl-sidecar/sidecars: null}}", "").replace("name: a", "name: b"),
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a, annotations: {kubectl-sidecar/sidecars: null}}\n".to_owned(),
    ] {
        for text in [&undeclared, &declared] {
            let done = with(text, &harmless, Some(referred), Form::Annotation);
            assert!(done.is_changed(), "{harmless}\n{text}\n{}", said(&done));
        }
    }
}

#[test]
fn a_patch_that_replaces_the_annotations_stops_the_rewrite() {
    let text = format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: a}}\nspec:\n  template:\n    metadata: {{annotations: {{team: x}}}}\n{CONTAINERS}"
    );
    let with = |path: &str, form| {
        let patches = source(&format!(
            "kind: Kustomization\nresources: [a.yaml]\npatches:\n- target: {{kind: Job, name: a}}\n  patch: |\n    - {{op: add, path: {path}, value: x}}\n"
        ));
        let patches = std::sync::Arc::new(crate::source::SourceFile {
            name: "kustomization.yaml".into(),
            text: patches.text.clone(),
        });
        migrate(
            &source(&text),
            &[patches],
            &options(form, false),
            &mut |findings| findings,
        )
        .unwrap()
    };
    for path in [
        "/spec/template/metadata/annotations",
        "/spec/template/metadata",
        "/spec/template/metadata/annotations/kubectl-sidecar~1sidecars",
    ] {
        let left = with(path, Form::Annotation);
        assert!(
            !left.is_changed() && said(&left).contains("take the annotation away"),
            "{}",
            said(&left)
        );
        assert!(with(path, Form::Native).is_changed());
    }
    for path in [
        "/spec/template/metadata/annotations/team",
        "/metadata/annotations",
        "/spec/template/metadata/labels",
    ] {
        assert!(with(path, Form::Annotation).is_changed(), "{path}");
    }
}
