//! Whole texts before and after.

mod annotation;
mod leftovers;
mod overlays;
mod round_trips;

use std::{fs, path::Path, sync::Arc};

use super::{Migration, Options, migrate};
use crate::remedy::Form;
use crate::{
    lint,
    pod::Settings,
    remedy,
    roles::Catalogue,
    rules::{RULES, needs_a_cluster},
    source::SourceFile,
    yaml::{Value, parse},
};

fn options(form: Form, review: bool) -> Options {
    with(remedy::Options::of(form).reviewed(review))
}

/// The options of a run that converts well declared sidecars, too.
fn converting(form: Form, review: bool) -> Options {
    with(remedy::Options {
        converts: true,
        ..remedy::Options::of(form).reviewed(review)
    })
}

/// The options of a run in which the user names sidecars.
fn naming(form: Form, review: bool, sidecars: &[&str]) -> Options {
    with(remedy::Options {
        sidecars: sidecars.iter().map(|name| (*name).to_owned()).collect(),
        ..remedy::Options::of(form).reviewed(review)
    })
}

fn with(remedy: remedy::Options) -> Options {
    Options {
        lint: lint::Options {
            settings: Settings::default(),
            catalogue: Arc::new(Catalogue::built_in().clone()),
        },
        remedy,
    }
}

fn source(text: &str) -> Arc<SourceFile> {
    Arc::new(SourceFile {
        name: "a.yaml".into(),
        text: text.into(),
    })
}

fn migrated_with(text: &str, options: &Options) -> Migration {
    migrate(&source(text), &[], options, &mut |findings| findings).unwrap()
}

fn migrated(text: &str, form: Form, review: bool) -> Migration {
    migrated_with(text, &options(form, review))
}

/// What `--target` with the form does, where it is named outright.
fn converted(text: &str, form: Form, review: bool) -> Migration {
    let options = match form == Form::Native || review {
        true => converting(form, review),
        false => options(form, review),
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

/// The spec of a template whose `filebeat` is a known sidecar.
const CONTAINERS: &str = "    spec:
      restartPolicy: Never
      containers:
      - {name: app, image: app, command: [/app]}
      - {name: filebeat, image: elastic/filebeat} # ships
";

/// A spec with two native sidecars, an init container and an app.
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

/// A Deployment with these annotations and this spec of its pods.
fn deployment(annotations: &str, spec: &str) -> String {
    let annotations = match annotations {
        "" => String::new(),
        some => format!("    metadata:\n      annotations:\n{some}"),
    };
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a\nspec:\n  template:\n{annotations}    spec:\n{spec}"
    )
}

/// Each way to migrate a text holds what is promised for all of them.
#[track_caller]
fn assert_sound(text: &str) {
    for form in [Form::Native, Form::Lifecycle, Form::Annotation] {
        for review in [false, true] {
            let once = migrated(text, form, review);
            assert_eq!(once.failures, [], "{form:?} {review}\n{text}");
            let twice = migrated(&once.text, form, review);
            assert_eq!(
                twice.text, once.text,
                "{form:?} {review}: not the same the second time\n{text}"
            );
        }
    }
}

#[test]
fn the_rules_texts_are_migrated_soundly() {
    for rule in RULES {
        assert_sound(rule.before);
        assert_sound(rule.after);
    }
}

#[test]
fn the_corpus_is_migrated_soundly() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    for folder in ["positive", "negative"] {
        let Ok(files) = fs::read_dir(corpus.join(folder)) else {
            println!("skipped: no corpus");
            return;
        };
        for file in files {
            let path = file.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            if parse(&text).is_ok() {
                assert_sound(&text);
            }
        }
    }
}

/// Where the result of `--review` is not the rule's own example, and why.
const OTHERWISE: [(&str, &str); 13] = [
    (
        "lost-process",
        "what a process needs to be a container is decided by hand",
    ),
    (
        "late-sidecar",
        "the order of the init containers is decided by hand",
    ),
    (
        "slow-gate",
        "how long a sidecar may take to start is decided by hand",
    ),
    (
        "deaf-sidecar",
        "what is finished on the signal is decided by hand",
    ),
    (
        "startup-sleep",
        "the example turns the health server on, which no text asks for",
    ),
    ("blocking-poststart", "the hook that gates is kept"),
    (
        "broken-workaround",
        "what a swallowed call was meant to be is a person's to say",
    ),
    (
        "injection-opt-out",
        "whether a pod joins the mesh is a person's to say",
    ),
    ("deadline-as-stopper", "a deadline is a person's to change"),
    (
        "ungated-sidecar",
        "a probe that replaces no wait is a person's to ask for",
    ),
    (
        "wrapper-script",
        "the second container's image is not in the manifest",
    ),
    (
        "misdeclared-sidecar",
        "which container was meant is a person's to say",
    ),
    (
        "startup-deadlock",
        "which of the two starts first is a person's to say",
    ),
];

#[test]
fn the_rules_examples_are_what_migrate_makes() {
    let mut others = Vec::new();
    // What shows only in what runs is no text to rewrite.
    for rule in RULES.iter().filter(|rule| !needs_a_cluster(rule)) {
        let migration = migrated(rule.before, Form::Native, true);
        if rule.after.is_empty() {
            assert_eq!(migration.text, rule.before, "{}", rule.name);
            continue;
        }
        let value = |text: &str| Value::of(parse(text).unwrap().root(0).unwrap()).unwrap();
        let difference = value(rule.after).difference(&value(&migration.text));
        let known = OTHERWISE.iter().any(|(name, _)| *name == rule.name);
        if difference.is_some() != known {
            others.push((rule.name, difference));
        }
    }
    assert!(others.is_empty(), "{others:#?}");
}

#[test]
fn what_names_the_collector_is_no_switch() {
    let text = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec:\n  template:\n    metadata:\n      annotations:\n        sidecar.opentelemetry.io/inject: my-collector\n    spec:\n      restartPolicy: Never\n      containers:\n      - {name: app, image: app, command: [/app]}\n";
    for review in [false, true] {
        assert_eq!(migrated(text, Form::Native, review).text, text);
    }
}

#[test]
fn what_is_left_of_a_hack_around_an_injected_native_sidecar_goes() {
    let text = include_str!("../../tests/cases/native-leftover-injected.yaml");
    assert_eq!(migrated(text, Form::Native, false).text, text);
    let reviewed = migrated(text, Form::Native, true);
    assert_eq!(reviewed.failures, []);
    for gone in ["until", "quitquitquit"] {
        assert!(!reviewed.text.contains(gone), "{}", reviewed.text);
    }
    assert_eq!(
        reviewed.text.matches("ative").count(),
        text.matches("ative").count()
    );
    assert_sound(text);
}

#[test]
fn an_operator_that_decides_by_its_version_is_not_guessed_at() {
    let text = include_str!("../../tests/cases/poll-otel-injected.yaml");
    for review in [false, true] {
        let migration = migrated(text, Form::Native, review);
        assert_eq!(migration.text, text);
        assert!(migration.plans[0].refusals[0].reason.contains("0.139.0"));
    }
}

#[test]
fn a_key_that_stands_twice_is_not_guessed_at() {
    let text = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec:\n  template:\n    metadata: {}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      containers:\n      - {name: app, image: app, command: [/app]}\n      - {name: filebeat, image: elastic/filebeat}\n";
    assert_sound(text);
    let migration = migrated(text, Form::Native, true);
    assert_eq!(migration.text, text);
    assert!(migration.plans[0].refusals[0].reason.contains("stands twice"));
}

#[test]
fn a_mapping_inside_an_annotation_goes_with_its_last_key() {
    let switch = "        sidecar.istio.io/nativeSidecar: \"true\"\n";
    let pod = |config: &str, switch: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: j}}\nspec:\n  template:\n    metadata:\n      labels: {{sidecar.istio.io/inject: \"true\"}}\n      annotations:\n        proxy.istio.io/config: {config}\n{switch}    spec:\n      restartPolicy: Never\n      containers: [{{name: a, image: a}}]\n"
        )
    };
    let json = r#"'{"concurrency": 2, "proxyMetadata": {"EXIT_ON_ZERO_ACTIVE_CONNECTIONS": "true"}}'"#;
    let block = "|\n          proxyMetadata:\n            MINIMUM_DRAIN_DURATION: 5s\n            OTHER: x\n          concurrency: 2";
    for (before, after) in [
        (json, r#"'{"concurrency": 2}'"#),
        (
            block,
            "|\n          proxyMetadata:\n            OTHER: x\n          concurrency: 2",
        ),
    ] {
        let migration = migrated(&pod(before, ""), Form::Native, true);
        assert_eq!(migration.failures, []);
        assert_eq!(migration.text, pod(after, switch));
    }
}

#[test]
fn a_native_sidecar_takes_another_form_by_review_only() {
    let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  initContainers:\n  - name: proxy\n    image: proxy\n    restartPolicy: Always\n    startupProbe:\n      tcpSocket: {port: 80, ? : x}\n  containers:\n  - name: app\n    image: app\n";
    for form in [Form::Lifecycle, Form::Annotation] {
        let left = migrated_with(text, &converting(form, false));
        assert_eq!(left.text, text);
        assert!(left.plans[0].refusals[0].review, "{:?}", left.plans);
        let converted = migrated_with(text, &converting(form, true));
        assert_eq!(converted.failures, []);
        assert!(!converted.text.contains("initContainers"), "{}", converted.text);
        assert_eq!(
            migrated_with(&converted.text, &converting(form, true)).text,
            converted.text
        );
    }
}

#[test]
fn an_anchor_that_only_the_container_itself_uses_moves_along() {
    let pod = |mounts: &str, app: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: j}}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      containers:\n      - name: app\n        image: app\n        command: [/app]\n{app}      - name: filebeat\n        image: elastic/filebeat\n        volumeMounts: {mounts}\n      volumes: [{{name: a, emptyDir: {{}}}}]\n"
        )
    };
    let alone = pod(
        "[&one {name: a, mountPath: /a}, &two {name: a, mountPath: /b}]",
        "",
    );
    assert_sound(&alone);
    assert!(
        migrated(&alone, Form::Native, true)
            .text
            .contains("initContainers")
    );
    let within = pod("[&one {name: a, mountPath: /a}, *one]", "");
    assert_sound(&within);
    assert!(
        migrated(&within, Form::Native, true)
            .text
            .contains("initContainers")
    );
    let shared = pod(
        "[*one]",
        "        volumeMounts: [&one {name: a, mountPath: /a}]\n",
    );
    assert_sound(&shared);
    assert_eq!(migrated(&shared, Form::Native, true).text, shared);
}
