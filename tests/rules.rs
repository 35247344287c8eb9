//! Each rule finds its own example, and nothing in the example's remedy.

use std::sync::Arc;

use kubectl_sidecar::{
    lint::{Options, Outcome, lint_source},
    pod::Settings,
    roles::Catalogue,
    rules::{RULES, Severity, needs_a_cluster},
    source::SourceFile,
};

fn lint(name: &str, text: &str) -> Outcome {
    let source = Arc::new(SourceFile {
        name: name.to_owned(),
        text: text.into(),
    });
    let options = Options {
        settings: Settings::default(),
        catalogue: Arc::new(Catalogue::built_in().clone()),
    };
    lint_source(&source, &[], &options)
}

#[test]
fn every_rule_finds_its_example() {
    for rule in RULES.iter().filter(|rule| !needs_a_cluster(rule)) {
        let outcome = lint(rule.name, rule.before);
        assert!(outcome.errors.is_empty(), "{}: {:?}", rule.name, outcome.errors);
        let found: Vec<_> = outcome.findings.iter().map(|finding| finding.rule.name).collect();
        assert!(
            found.contains(&rule.name),
            "{} is not found in its example, only {found:?}",
            rule.name
        );
    }
}

#[test]
fn every_example_is_about_one_rule() {
    // Two halves of one story: what is broken is why the Job never ends.
    let together = [
        ("deadline-as-stopper", "job-never-completes"),
        ("broken-workaround", "job-never-completes"),
    ];
    for rule in RULES {
        for finding in lint(rule.name, rule.before).findings {
            let name = finding.rule.name;
            let expected = name == rule.name
                || finding.severity == Severity::Info
                || together.contains(&(rule.name, name));
            assert!(
                expected,
                "{name} is found in the example of {}: {}",
                rule.name, finding.message
            );
        }
    }
}

#[test]
fn every_remedy_is_clean() {
    for rule in RULES {
        for finding in lint(rule.name, rule.after).findings {
            assert!(
                finding.severity == Severity::Info,
                "{} is found in the remedy of {}: {}",
                finding.rule.name,
                rule.name,
                finding.message
            );
        }
    }
}

#[test]
fn findings_point_at_text() {
    for rule in RULES {
        for finding in lint(rule.name, rule.before).findings {
            let primary = finding.primary().expect("a place");
            assert!(primary.primary, "{}", rule.name);
            assert_eq!(
                finding
                    .locations
                    .iter()
                    .filter(|location| location.primary)
                    .count(),
                1
            );
            for location in &finding.locations {
                let text = location
                    .source
                    .text
                    .get(location.span.clone())
                    .expect("on character boundaries");
                assert!(!text.trim().is_empty(), "{}: {finding:?}", rule.name);
            }
        }
    }
}

#[test]
fn values_of_variables_stay_unsaid() {
    let text = "\
apiVersion: batch/v1
kind: Job
metadata: {name: secretive}
spec:
  template:
    spec:
      restartPolicy: Never
      volumes: [{name: shared, emptyDir: {}}]
      containers:
      - name: app
        image: registry.example.com/app:1
        command: [sh, -c, 'trap \"touch $DONE\" EXIT; until curl http://$HOST:9801/startup; do sleep 1; done; $TOOL']
        env: [{name: DONE, value: /shared/hush-1}, {name: TOOL, value: hush-2}, {name: HOST, value: 127.0.0.1}]
        volumeMounts: [{name: shared, mountPath: /shared}]
      - name: proxy
        image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
        command: [sh, -c, 'proxy & while true; do if [ -f $DONE ]; then kill $!; fi; sleep 1; done']
        env: [{name: DONE, value: /shared/hush-1}]
        volumeMounts: [{name: shared, mountPath: /shared}]
";
    let findings = lint("secretive", text).findings;
    assert!(
        findings.iter().any(|finding| finding.rule.name == "marker-file"),
        "{findings:?}"
    );
    for finding in findings {
        let said = format!(
            "{} {} {} {:?}",
            finding.message,
            finding.help,
            finding.fix.reason,
            finding
                .locations
                .iter()
                .map(|location| location.label.as_str())
                .collect::<Vec<_>>()
        );
        assert!(!said.contains("hush"), "{said}");
    }
}

#[test]
fn branches_of_a_template_are_not_read_together() {
    let chart = |between: &str| {
        format!(
            r#"apiVersion: batch/v1
kind: Job
metadata:
  name: {{{{ .Release.Name }}}}-load
  namespace: {{{{ .Release.Namespace }}}}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: load
          image: {{{{ .Values.image }}}}
          command:
            - sh
            - -c
            {{{{- if .Values.sleep }}}}
            - sleep 5; /app/load
{between}            - until nc -z localhost 5432; do sleep 1; done; /app/load
            {{{{- end }}}}
        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2
          args: ["--quitquitquit", "a:b:c"]
"#
        )
    };
    let broken = |text: &str| {
        let mut findings = lint("templates/job.yaml", text).findings.into_iter();
        findings.find(|finding| finding.rule.name == "broken-workaround")
    };
    let found = broken(&chart("")).expect("the second word never runs");
    assert_eq!(found.object.name, "{{…}}-load");
    assert_eq!(found.object.namespace.as_deref(), Some("{{…}}"));
    assert_eq!(
        broken(&chart("            {{- else }}\n")).map(|finding| finding.message),
        None
    );
}

#[test]
fn the_mask_of_a_template_is_no_value() {
    let text = "apiVersion: {{ include \"load.version\" . }}\nkind: {{ .Values.kind }}Job\nmetadata:\n  name: load\n\
        spec:\n  template:\n    spec:\n      restartPolicy: Never\n      containers:\n\
        \x20       - {name: \"{{ .Release.Name }}-load\", image: a}\n\
        \x20       - {name: proxy, image: \"gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0\"}\n";
    let outcome = lint("load.yaml", text);
    let workload = outcome.workloads.first().expect("the workload");
    assert_eq!(workload.object.api_version, "{{…}}");
    assert_eq!(workload.object.kind, "{{…}}Job");
    assert_eq!(
        workload.containers.first().expect("a container").name,
        "{{…}}-load"
    );
    let shown = format!(
        "{:?} {:?}",
        outcome
            .workloads
            .iter()
            .map(|one| &one.containers)
            .collect::<Vec<_>>(),
        workload.object
    );
    assert!(!shown.contains("~~~~"), "{shown}");
}

/// Where the sidecar is a native one the kubelet ends it: the call is only left over.
#[test]
fn a_call_that_never_runs_is_an_error_where_a_sidecar_needs_it() {
    let job = |sidecar: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: a}}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n{sidecar}      containers:\n      - name: app\n        image: app\n        command: [sh, -c]\n        args:\n        - >\n          /app --all\n          curl localhost:9091/quitquitquit\n"
        )
    };
    let proxy = "      - name: proxy\n        image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.1\n        args: [--quitquitquit, 'a:b:c']\n";
    let severity = |text: &str| {
        let findings = lint("job.yaml", text).findings;
        let broken = findings
            .iter()
            .find(|finding| finding.rule.name == "broken-workaround");
        broken.unwrap().severity
    };
    assert_eq!(severity(&(job("") + proxy)), Severity::Error);
    let native = format!("      initContainers:\n{proxy}        restartPolicy: Always\n");
    assert_eq!(severity(&job(&native)), Severity::Warning);
}

#[test]
fn a_container_that_is_called_sidecar_is_quoted() {
    let text = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: load}\nspec:\n  template:\n    spec:\n\
        \x20     restartPolicy: Never\n      containers:\n\
        \x20       - {name: load, image: example.com/load:1, command: [/load]}\n\
        \x20       - {name: sidecar, image: \"gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0\"}\n";
    let outcome = lint("load.yaml", text);
    let finding = outcome.findings.first().expect("a finding");
    assert_eq!(
        finding.help,
        "declare `sidecar` a sidecar: the kubelet ends it when the app has ended"
    );
}
