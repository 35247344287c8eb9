//! The annotation: where it is written, what it replaces, and how it becomes the other forms and comes from them.

use super::*;

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

/// Whatever way a bare pod's own metadata is written in. serde_yaml takes no key twice.
#[test]
fn no_second_metadata_is_written() {
    let spec = "spec:\n  restartPolicy: Never\n  containers:\n  - {name: app, image: app, command: [/app]}\n  - {name: filebeat, image: elastic/filebeat}\n";
    for metadata in [
        "",
        "metadata:\n",
        "metadata: ~\n",
        "metadata: {}\n",
        "\"metadata\": {name: x}\n",
        "'metadata' :\n  name: x\n",
        "? metadata\n: name: x\n",
        "metadata: !!map\n  name: x\n",
        "metadata: &m\n  name: x\n",
        "!!str metadata: {name: x}\n",
    ] {
        for rest in [format!("{metadata}{spec}"), format!("{spec}{metadata}")] {
            let pod = format!("apiVersion: v1\nkind: Pod\n{rest}");
            let migration = migrated(&pod, Form::Annotation, false);
            let object: serde_yaml::Value = serde_yaml::from_str(&migration.text).unwrap();
            let sidecars = &object["metadata"]["annotations"]["kubectl-sidecar/sidecars"];
            assert_eq!(sidecars.as_str(), Some("filebeat"), "{}", migration.text);
        }
    }
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
        let options = naming(Form::Annotation, review, &["own"]);
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
}

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
    let options = naming(Form::Annotation, false, &["shipper", "pgbouncer"]);
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
