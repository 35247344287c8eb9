//! What is left of a workaround beside a sidecar that is declared already.

use proptest::prelude::*;

use super::*;

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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_left_of_a_workaround_goes_with_the_conversion(
        text in leftovers(),
        way in prop::collection::vec(prop::sample::select(vec![Form::Native, Form::Lifecycle, Form::Annotation]), 1..4),
        review in any::<bool>(),
    ) {
        // Each conversion is the same when it is done twice.
        way.iter().fold(text, |text, form| converted(&text, *form, review).text);
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
        &converting(Form::Lifecycle, true),
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
fn a_wait_with_nothing_behind_it_but_the_stop_goes_with_it() {
    let job = |annotations: &str, sidecar: &str| {
        format!(
            "apiVersion: batch/v1
kind: Job
metadata: {{name: a}}
spec:
  template:
    metadata: {{annotations: {{{annotations}}}}}
    spec:
      restartPolicy: Never
      containers:
      - name: app
        image: app
        command:
        - sh
        - -ec
        - |
          /app
          until curl -sf localhost:15021/healthz/ready; do sleep 1; done
          echo stopping
          curl -X POST localhost:15020/quitquitquit
{sidecar}"
        )
    };
    let envoy = "      - name: envoy\n        image: 'envoyproxy/envoy:v1.30.1'\n        ports: [{containerPort: 15021}, {containerPort: 15020}]\n";
    // The call tells that the proxy is there, so that its other ports are its own.
    let connects =
        job("team: a", "").replace("curl -sf localhost:15021/healthz/ready", "nc -z localhost 15021");
    for text in [
        job("", envoy),
        job("sidecar.istio.io/inject: \"true\"", ""),
        connects,
    ] {
        assert_sound(&text);
        let migration = migrated(&text, Form::Native, true);
        assert!(migration.is_changed(), "{}", said(&migration));
        assert!(!migration.text.contains("localhost"), "{}", migration.text);
    }
}

#[test]
fn a_scratch_volume_stays_where_a_config_map_names_it() {
    let text = |summary: &str, config_map: &str| {
        format!(
            "apiVersion: v1
kind: ConfigMap
metadata: {{name: scripts}}
data:
  report.sh: cp {summary} /out
---
apiVersion: batch/v1
kind: Job
metadata: {{name: a}}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: app
        image: app
        command: [sh, -c, '/scripts/report.sh; code=$?; touch /life/done; exit $code']
        volumeMounts: [{{name: life, mountPath: /life}}, {{name: scripts, mountPath: /scripts}}]
      - name: shipper
        image: fluent/fluent-bit:3
        command: [sh, -c, '/ship & pid=$!; while [ ! -f /life/done ]; do sleep 1; done; kill $pid']
        volumeMounts: [{{name: life, mountPath: /life}}]
      volumes: [{{name: life, emptyDir: {{}}}}, {{name: scripts, configMap: {{name: {config_map}}}}}]
"
        )
    };
    for (summary, config_map, stays) in [
        ("/tmp/summary", "scripts", false),
        ("/life/summary", "scripts", true),
        // What is not here, and runs, may name it.
        ("/tmp/summary", "others", true),
    ] {
        let migration = migrated(&text(summary, config_map), Form::Native, true);
        assert!(migration.is_changed(), "{}", said(&migration));
        assert_eq!(
            migration.text.contains("emptyDir"),
            stays,
            "{summary} {config_map}\n{}",
            migration.text
        );
    }
}
