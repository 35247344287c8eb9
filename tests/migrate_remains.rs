//! What remains of a container once a workaround is gone: the shortest right form, in the text's own style.

#![allow(clippy::panic, clippy::unwrap_used)]

#[path = "support/migrated.rs"]
mod migrated;

use kubectl_sidecar::migrate::{Form, Migration};

fn migrated(text: &str, review: bool) -> Migration {
    let migration = migrated::migrated(text, Form::Native, review);
    assert_eq!(migration.failures, [], "{text}");
    migration
}

/// A Job of an app and its Cloud SQL proxy; `app` and `proxy` are the lines of the two below their images.
fn job(app: &str, proxy: &str) -> String {
    let lines = |text: &str| -> String {
        text.lines()
            .map(|line| format!("        {line}").trim_end().to_owned() + "\n")
            .collect()
    };
    format!(
        "apiVersion: batch/v1
kind: Job
metadata: {{name: nightly}}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: app
        image: registry.example.com/app:1
{}      - name: proxy
        image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
{}",
        lines(app),
        lines(proxy)
    )
}

const HEALTHY: &str = "args: [--health-check, --http-address=0.0.0.0, example:eu:orders]";

/// The text holds these lines afterwards and none of those.
#[track_caller]
fn assert_remains(text: &str, review: bool, there: &[&str], gone: &[&str]) {
    let migration = migrated(text, review);
    for part in there {
        assert!(
            migration.text.contains(part),
            "{part}\n{}\n{:?}",
            migration.text,
            migration.plans
        );
    }
    for part in gone {
        assert!(!migration.text.contains(part), "{part}\n{}", migration.text);
    }
    let twice = migrated(&migration.text, review);
    assert_eq!(twice.text, migration.text, "not the same the second time");
}

const QUIT: &str = "rc=$?; curl -X POST localhost:9091/quitquitquit; exit $rc";

#[test]
fn a_wait_and_a_quit_call_go_together() {
    // Neither alone leaves a plain command, both do.
    let app = format!("command: [sh, -c, 'until nc -z localhost 5432; do sleep 1; done; /app; {QUIT}']");
    assert_remains(
        &job(&app, HEALTHY),
        false,
        &["command: [/app]", "path: /startup"],
        &["until", "curl"],
    );
    let app = "command: [bash, -c]
args:
- |
  set -euo pipefail
  trap 'curl -X POST localhost:9091/quitquitquit' EXIT
  until curl -s localhost:9090/startup; do sleep 1; done
  ./extract | ./load";
    assert_remains(
        &job(app, HEALTHY),
        false,
        &["- |\n          set -euo pipefail\n          ./extract | ./load\n"],
        &["trap", "until"],
    );
}

#[test]
fn what_is_said_of_a_call_that_failed_goes_with_it() {
    let script = |said: &str| {
        job(
            &format!("command: [bash, -c]\nargs:\n- |\n  /app --all; rc=$?\n{said}  exit $rc"),
            "args: [--quitquitquit, example:eu:orders]",
        )
    };
    assert_remains(
        &script(
            "  if curl -fsS -X POST http://localhost:9091/quitquitquit; then\n    :\n  else\n    echo silent >&2\n  fi\n",
        ),
        false,
        &["command: [/app, --all]"],
        &["quitquitquit\n", "echo"],
    );
    // What it says when the call went well it says still; work that hung on it is for review.
    for (then, review) in [("/report --done", true), ("echo asked", false)] {
        let text = script(&format!(
            "  if curl -fsS -X POST http://localhost:9091/quitquitquit; then\n    {then}\n  fi\n"
        ));
        assert_eq!(migrated(&text, false).text == text, review, "{then}");
        assert_remains(&text, review, &[then], &["curl", "if "]);
    }
    // Work in the other branch is none that never runs.
    let text = script(
        "  if curl -fsS -X POST http://localhost:9091/quitquitquit; then\n    echo asked\n  else\n    /report --failed\n  fi\n",
    );
    assert_eq!(migrated(&text, true).text, text);
}

#[test]
fn code_that_works_is_no_call() {
    let call = r#"requests.post("http://localhost:9091/quitquitquit")"#;
    let script = |code: &str| {
        job(
            &format!(
                "command: [bash, -c]\nargs:\n- |\n  /app\n  rc=$?\n  python3 -c 'import requests; {code}'\n  exit $rc"
            ),
            "args: [--quitquitquit, example:eu:orders]",
        )
    };
    assert_remains(&script(call), false, &["command: [/app]"], &["requests"]);
    for work in [
        "import loader; loader.run(); ",
        "import loader; ",
        "open(\"/done\", \"w\"); ",
        "requests.post(\"https://hooks.example.com/done\"); ",
    ] {
        let text = script(&format!("{work}{call}"));
        assert_eq!(migrated(&text, true).text, text, "{work}");
    }
}

#[test]
fn a_variable_may_name_the_file_of_both() {
    let text = job(
        "env: [{name: FLAG, value: /pod/done}]\ncommand: [sh, -c, 'trap \"touch $FLAG\" EXIT; /app --all']\nvolumeMounts: [{name: pod, mountPath: /pod}]",
        "env: [{name: FLAG, value: /pod/done}]\ncommand: [sh, -c, '/cloud-sql-proxy example:eu:orders & until [ -f $FLAG ]; do sleep 1; done; kill $!']\nvolumeMounts: [{name: pod, mountPath: /pod}]",
    ) + "      volumes: [{name: pod, emptyDir: {}}]\n";
    // The variable stays, and may be for more.
    assert_eq!(migrated(&text, false).text, text);
    assert_remains(
        &text,
        true,
        &[
            "command: [/app, --all]",
            "command: [/cloud-sql-proxy, example:eu:orders]",
        ],
        &["touch", "kill"],
    );
}

#[test]
fn istio_s_own_listener_is_probed() {
    let text = job(
        "command: [bash, -c]\nargs:\n- |\n  until curl -sf http://localhost:15021/healthz/ready; do sleep 1; done\n  exec /app",
        "",
    )
    .replace("name: proxy", "name: istio-proxy")
    .replace(
        "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0",
        "docker.io/istio/proxyv2:1.24.0\n        args: [proxy, sidecar]",
    );
    assert_remains(&text, false, &["port: 15021", "command: [/app]"], &["until"]);
}

#[test]
fn a_shell_of_busybox_goes_as_a_whole_or_stays() {
    let with = |command: &str| format!("command: [/bin/busybox, sh, -c, '{command}; {QUIT}']");
    assert_remains(
        &job(&with("bin/load --all"), HEALTHY),
        false,
        &["command: [bin/load, --all]"],
        &["busybox"],
    );
    // It may be an applet of busybox's own.
    assert_remains(
        &job(&with("tar xf a.tar"), HEALTHY),
        false,
        &["command: [/bin/busybox, sh, -c, 'tar xf a.tar']"],
        &["curl"],
    );
}

#[test]
fn comments_on_words_keep_the_words() {
    let app = format!("command:\n- sh # the shell\n- -c\n# the script\n- \"/app; {QUIT}\" # ends the proxy");
    assert_remains(
        &job(&app, HEALTHY),
        false,
        &["- sh # the shell\n        - -c\n        # the script\n        - \"/app\" # ends the proxy\n"],
        &["curl"],
    );
    // A comment of the script is none on its words.
    let app = "command:
- sh
- -c
- |
  # The proxy first.
  until curl -s localhost:9090/startup; do sleep 1; done
  exec /app --all";
    assert_remains(
        &job(app, HEALTHY),
        false,
        &["command:\n        - /app\n        - --all\n"],
        &["The proxy first"],
    );
}

#[test]
fn a_script_keeps_its_indentation_and_no_loose_ends() {
    let app = "command:
- sh
- -c
- |2
    cd /data
    until curl -s localhost:9090/startup; do sleep 1; done
    /app > /out";
    assert_remains(
        &job(app, HEALTHY),
        false,
        &["- |2\n            cd /data\n            /app > /out\n"],
        &["until"],
    );
    let app = "command: [sh, -c, \"/app 2>&1; \\\\\\n  curl -X POST localhost:9091/quitquitquit\"]";
    assert_remains(&job(app, HEALTHY), true, &["\"/app 2>&1\""], &["curl", "\\\\"]);
    let app = "command: [sh, -c]
args:
- |
  #!/bin/sh

  finish() {
    curl -X POST localhost:9091/quitquitquit
  }
  trap finish EXIT

  cd /data
  /app";
    assert_remains(
        &job(app, HEALTHY),
        false,
        &["#!/bin/sh\n\n          cd /data\n"],
        &["trap"],
    );
}

#[test]
fn sidecars_get_sigterm_themselves() {
    let app = "command: [sh, -c, 'trap \"touch /run/done\" EXIT; /app']
volumeMounts: [{name: run, mountPath: /run}]";
    let with = |command: &str| {
        job(
            app,
            &format!(
                "command: [sh, -c]
args:
- |
  {command} &
  pid=$!
  while [ ! -f /comm/done ]; do sleep 1; done
  kill $pid
volumeMounts: [{{name: run, mountPath: /comm}}]"
            ),
        ) + "      volumes: [{name: run, emptyDir: {}}]\n"
    };
    // The mounts differ, and `command` is no use of `/comm`.
    assert_remains(
        &with("/cloud-sql-proxy example:eu:orders"),
        true,
        &["command: [/cloud-sql-proxy, example:eu:orders]"],
        &["volume", "run", "/comm\n"],
    );
    assert_remains(
        &with("/cloud-sql-proxy $INSTANCE"),
        true,
        &["exec /cloud-sql-proxy $INSTANCE\n"],
        &["while", "kill"],
    );
    let delayed = |rest: &str| {
        let command = format!("command: [sh, -c, \"trap 'sleep 20; kill $P' TERM; {rest}\"]");
        job("command: [/app]", &command)
    };
    assert_remains(
        &delayed("/cloud-sql-proxy example:eu:orders & P=$!; wait $P"),
        true,
        &["command: [/cloud-sql-proxy, example:eu:orders]"],
        &["trap"],
    );
    // The function that only the trap calls goes with it.
    let named = |rest: &str| {
        let script = format!(
            "          /cloud-sql-proxy example:eu:orders &\n          P=$!\n          later() {{ sleep 20; kill $P; }}\n          trap later TERM\n          wait $P\n{rest}"
        );
        job(
            "command: [/app]",
            &format!("command: [sh, -c]\nargs:\n- |\n{script}").replace("          ", "  "),
        )
    };
    assert_remains(
        &named(""),
        true,
        &["command: [/cloud-sql-proxy, example:eu:orders]"],
        &["trap", "later"],
    );
    assert_remains(&named("          later\n"), true, &["trap", "later"], &[]);
    // What else runs in the background would be left without a signal.
    assert_remains(
        &delayed("/cloud-sql-proxy example:eu:orders & P=$!; /exporter & wait"),
        true,
        &["trap"],
        &[],
    );
}

#[test]
fn a_wrapper_leaves_scripts_where_they_are() {
    let text = "apiVersion: v1
kind: Pod
metadata:
  name: docs
spec:
  restartPolicy: Never
  containers:
  - name: docs
    image: registry.example.com/docs:1
    command: [/bin/scuttle]
    args:
    - /bin/bash
    - -ec
    - |
      git clone https://git.example.com/docs
      make -C docs
    env:
    - {name: ENVOY_ADMIN_API, value: 'http://127.0.0.1:15000'}
    - {name: ISTIO_QUIT_API, value: 'http://127.0.0.1:15020'}
";
    // Nothing but the wrapper's settings says which proxy it minds.
    assert_remains(
        text,
        true,
        &[
            "    command: [/bin/bash]\n    args:\n    - -ec\n    - |\n      git clone",
            "sidecar.istio.io/nativeSidecar: \"true\"",
        ],
        &["scuttle", "ENVOY"],
    );
    let preflight = text
        .replace("/bin/scuttle", "/usr/bin/envoy-preflight")
        .replace("ISTIO_QUIT_API", "ENVOY_KILL_API");
    assert_remains(
        &preflight,
        true,
        &["command: [/bin/bash]"],
        &["preflight", "ENVOY"],
    );
    // Another container that never ends is declared in the same run, behind the proxy.
    let more = format!(
        "{text}  - {{name: sql, image: 'gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0', args: [--port=5432, a:b:c]}}\n"
    );
    assert_remains(
        &more,
        true,
        &[
            "restartPolicy: Always",
            "sidecar.istio.io/nativeSidecar: \"true\"",
        ],
        &["scuttle", "ENVOY"],
    );
    // Alone it would start before the network that it needs.
    assert_remains(&more, false, &["scuttle"], &["restartPolicy: Always"]);
    // An Envoy of the pod's own is what it minds.
    let own = format!(
        "{text}  - {{name: envoy, image: registry.example.com/edge, ports: [{{containerPort: 15000}}]}}\n"
    );
    assert_remains(&own, true, &["scuttle"], &["nativeSidecar"]);
}

/// A Deployment with this pod.
fn web(pod: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
{pod}"
    )
}

/// A Deployment of an app that waits and its sidecar.
fn waiting(condition: &str, sidecar: &str) -> String {
    web(&format!(
        "      containers:
      - name: app
        image: registry.example.com/app:1
        command:
        - sh
        - -c
        - |
          until {condition}; do sleep 1; done
          exec /app
{sidecar}"
    ))
}

#[test]
fn the_probe_succeeds_when_the_wait_did() {
    const OPA: &str = "      - name: opa
        image: openpolicyagent/opa:0.62.0
        args: [run, --server, '--addr=:8181']
        ports: [{containerPort: 8181}]
";
    for (condition, probe) in [
        (
            "curl -sf localhost:8181/policies",
            "httpGet:\n            path: /policies\n            port: 8181\n",
        ),
        (
            "curl -ksf 'https://localhost:8181/health?plugins'",
            "path: /health?plugins\n            port: 8181\n            scheme: HTTPS\n",
        ),
        (
            "[ \"$(curl -s -o /dev/null -w '%{http_code}' localhost:8181/policies)\" = 200 ]",
            "path: /policies\n            port: 8181\n",
        ),
        (
            "grpc_health_probe -addr=localhost:8181",
            "grpc:\n            port: 8181\n",
        ),
        (
            "grpc_health_probe -addr=localhost:8181 -service=policies",
            "grpc:\n            port: 8181\n            service: policies\n",
        ),
    ] {
        assert_remains(&waiting(condition, OPA), false, &[probe, "- /app"], &["until"]);
    }
    // Without --fail any answer will do, a 404 too: an open port says less.
    let text = waiting("curl -s localhost:8181/policies", OPA);
    assert_remains(&text, false, &["until"], &["startupProbe"]);
    assert_remains(
        &text,
        true,
        &["tcpSocket:\n            port: 8181\n", "- /app"],
        &["until"],
    );
    // A person has to look: the answer's text decides.
    let text = waiting("curl -s localhost:8181/health | grep -q '\"ok\"'", OPA);
    assert_remains(&text, false, &["until"], &["startupProbe"]);
    assert_remains(&text, true, &["path: /health"], &["until"]);
    // No probe asks like that.
    for condition in [
        "curl -sf -H 'Authorization: Bearer x' localhost:8181/health",
        "curl -sf -u me:secret localhost:8181/health",
        "[ \"$(curl -s -o /dev/null -w '%{http_code}' localhost:8181/policies)\" = 404 ]",
        "grpc_health_probe -tls -addr=localhost:8182",
    ] {
        let text = waiting(condition, OPA);
        assert_eq!(migrated(&text, true).text, text, "{condition}");
    }
}

#[test]
fn a_listener_at_all_addresses_is_probed() {
    let proxy = |flags: &str| {
        format!(
            "      - name: proxy
        image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
        args: [{flags}, example:eu:orders]
"
        )
    };
    let text = waiting("nc -z localhost 5432", &proxy("--address=0.0.0.0"));
    assert_remains(
        &text,
        false,
        &["tcpSocket:\n            port: 5432\n"],
        &["until"],
    );
    let text = waiting("nc -z localhost 6000", &proxy("--address=0.0.0.0, --port=6000"));
    assert_remains(
        &text,
        false,
        &["tcpSocket:\n            port: 6000\n"],
        &["until"],
    );
    // A wait that no probe can take the place of is no reason to declare anything.
    let text = waiting("nc -z localhost 5432", &proxy("--port=5432"));
    assert_eq!(migrated(&text, true).text, text);
    // The health listener has an address of its own, on 127.0.0.1 by default.
    for (flags, probed) in [
        ("--address=0.0.0.0, --health-check, --http-port=8090", false),
        ("--address=0.0.0.0, --admin-port=8090", false),
        ("--health-check, --http-port=8090, --http-address, 0.0.0.0", true),
    ] {
        let text = waiting("curl -s localhost:8090/startup", &proxy(flags));
        let reviewed = migrated(&text, true).text;
        assert_eq!(
            reviewed.contains("path: /startup\n            port: 8090\n"),
            probed,
            "{flags}"
        );
        assert_eq!(reviewed == text, !probed, "{flags}");
    }
    let by_environment = proxy("--quitquitquit")
        + "        env:
        - {name: CSQL_PROXY_HEALTH_CHECK, value: 'true'}
        - {name: CSQL_PROXY_HTTP_ADDRESS, value: 0.0.0.0}
        - {name: CSQL_PROXY_HTTP_PORT, value: '9801'}
";
    let text = waiting("nc -z localhost 5432", &by_environment);
    assert_remains(
        &text,
        false,
        &["path: /startup\n            port: 9801\n"],
        &["until"],
    );
    let by_script = "      - name: proxy
        image: gcr.io/cloudsql-docker/gce-proxy:1.33.5-alpine
        command: [sh, -c, 'exec /cloud_sql_proxy -instances=$I=tcp:0.0.0.0:3306 -use_http_health_check']
";
    let text = waiting("curl -s localhost:8090/readiness", by_script);
    assert_remains(
        &text,
        false,
        &["path: /readiness\n            port: 8090\n"],
        &["until"],
    );
    // Any program's option that names all addresses says where it listens; an address that it calls does not.
    for (argument, listens) in [
        ("--addr=0.0.0.0:8181", true),
        ("--listen=:8181", true),
        ("--listen-address=[::]:8181", true),
        ("--addr=127.0.0.1:8181", false),
        ("--upstream=:8181", false),
        ("--addr=0.0.0.0:8182", false),
        ("--host=0.0.0.0', '--port=8181", true),
        ("--host=127.0.0.1', '--port=8181", false),
        ("--host=0.0.0.0', '--port=8182", false),
    ] {
        let policy = format!(
            "      - name: policy
        image: openpolicyagent/opa:0.69.0
        args: [run, --server, '{argument}']
"
        );
        let text = waiting("wget -q --spider http://127.0.0.1:8181/health", &policy);
        let done = migrated(&text, false).text;
        assert_eq!(
            done.contains("path: /health\n            port: 8181\n"),
            listens,
            "{argument}\n{done}"
        );
    }
    let first = "      - name: proxy
        image: gcr.io/cloudsql-docker/gce-proxy:1.33.5
        command: [/cloud_sql_proxy, '-instances=example:eu:orders=tcp:5432', -use_http_health_check]
";
    let text = waiting("pg_isready -h localhost", first);
    assert_remains(
        &text,
        false,
        &["path: /readiness\n            port: 8090\n"],
        &["until"],
    );
}

#[test]
fn flow_style_keeps_the_quotes_of_its_values() {
    let text = "{
  apiVersion: \"v1\",
  kind: \"Pod\",
  metadata: {name: \"web\"},
  spec: {
    restartPolicy: \"Never\",
    containers: [{
      name: \"app\",
      image: \"registry.example.com/app:1\",
      command: [\"sh\", \"-c\", \"until curl -s localhost:9090/startup; do sleep 1; done; exec /app\"],
    }, {
      name: \"proxy\",
      image: \"gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0\",
      args: [\"--health-check\", \"--http-address=0.0.0.0\", \"example:eu:orders\"],
    }],
  },
}
";
    assert_remains(
        text,
        false,
        &[
            "restartPolicy: \"Always\"",
            "path: \"/startup\", port: 9090",
            "command: [\"/app\"]",
        ],
        &["until"],
    );
}

#[test]
fn one_script_that_serves_a_declared_and_an_injected_sidecar_is_one_edit() {
    let call = |port: u16| format!("curl -s -XPOST localhost:{port}/quitquitquit");
    for (script, remains) in [
        (
            format!("/app\nrc=$?\n{}\n{}\nexit $rc", call(9091), call(15020)),
            "command: [/app]",
        ),
        (
            format!(
                "until nc -z localhost 15021; do sleep 1; done\n/app --all\nrc=$?\n{}\nexit $rc",
                call(9091)
            ),
            "command: [/app, --all]",
        ),
        (
            format!("trap '{}; rm -r /tmp/x; {}' EXIT\n/app", call(15020), call(9091)),
            "trap 'rm -r /tmp/x' EXIT\n",
        ),
    ] {
        let lines = script.replace('\n', "\n    ");
        let app = format!("command: [sh, -c]\nargs:\n  - |\n    {lines}\n");
        let text = job(&app, HEALTHY).replace(
            "  template:\n",
            "  template:\n    metadata: {labels: {sidecar.istio.io/inject: \"true\"}}\n",
        );
        assert_remains(
            &text,
            true,
            &[
                remains,
                "sidecar.istio.io/nativeSidecar: \"true\"",
                "restartPolicy: Always",
            ],
            &["quitquitquit;", "XPOST"],
        );
    }
}

#[test]
fn a_folded_script_stays_folded() {
    let app = "command: [bash, -c]
args:
  - >-
    export ZONE=a;

    ./totals.sh
    --from yesterday
    --to today;
    code=$?;
    curl -s -XPOST localhost:9091/quitquitquit;
    ./notify.sh \"$code\";
    exit $code
";
    let there = [
        "          - >-\n            export ZONE=a;\n\n            ./totals.sh\n            --from yesterday\n            --to today;\n            code=$?;\n            ./notify.sh \"$code\";\n            exit $code\n",
    ];
    assert_remains(&job(app, HEALTHY), true, &there, &["XPOST"]);
}

/// A Job whose app reads in, or runs, files of a ConfigMap.
fn with_files(files: &str, command: &str) -> String {
    let mounts = "volumeMounts: [{name: kit, mountPath: /kit}]\n";
    let job = job(&format!("{command}\n{mounts}"), HEALTHY);
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: kit}}\ndata:\n{files}---\n{job}      volumes: [{{name: kit, configMap: {{name: kit}}}}]\n"
    )
}

#[test]
fn files_of_a_config_map_are_followed() {
    let library = "  lib.sh: |
    quit() { curl -s -XPOST http://localhost:9091/quitquitquit; }
    up() { until curl -fs localhost:9090/startup; do sleep 1; done; }
";
    // What a function of the file does is cut where it is called.
    let text = with_files(
        library,
        "command: [bash, -c, '. /kit/lib.sh; up; /app; rc=$?; quit; exit $rc']",
    );
    assert_remains(
        &text,
        false,
        &["'. /kit/lib.sh; /app'", library, "restartPolicy: Always"],
        &["; quit"],
    );
    // What it does itself is not.
    let itself = "  lib.sh: |\n    trap 'curl -s -XPOST http://localhost:9091/quitquitquit' EXIT\n";
    let text = with_files(itself, "command: [bash, -c, '. /kit/lib.sh; /app; echo done']");
    let migration = migrated(&text, true);
    assert_eq!(migration.text, text);
    let reasons: Vec<&str> = migration
        .plans
        .iter()
        .flat_map(|plan| plan.refusals.iter().map(|refusal| refusal.what.as_str()))
        .chain(
            migration
                .plans
                .iter()
                .flat_map(|plan| plan.refusals.iter().map(|refusal| refusal.reason.as_str())),
        )
        .collect();
    assert!(
        reasons.iter().any(|reason| reason.contains("ConfigMap kit")),
        "{reasons:?}"
    );
    // A file that takes the script's place is the script.
    let whole = "  run.sh: |\n    /app\n    rc=$?\n    curl -s -XPOST http://localhost:9091/quitquitquit\n    exit $rc\n";
    for command in [
        "[sh, -c, . /kit/run.sh]",
        "[sh, -c, exec /kit/run.sh]",
        "[sh, -c, sh /kit/run.sh]",
        "[sh, -c, cd /kit && exec ./run.sh]",
        "[sh, /kit/run.sh]",
    ] {
        let text = with_files(whole, &format!("command: {command}"));
        assert_remains(&text, false, &["  run.sh: |\n    /app\n---", command], &["XPOST"]);
    }
}

#[test]
fn review_is_promised_only_where_it_does_more() {
    let promises = |text: &str| -> Vec<bool> {
        let plans = migrated(text, false).plans;
        plans
            .iter()
            .flat_map(|plan| &plan.refusals)
            .map(|refusal| refusal.review)
            .collect()
    };
    let sleep = "command: [sh, -c, 'sleep 5; exec /app']";
    assert_eq!(promises(&job(sleep, HEALTHY)), [true]);
    // No gate takes the sleep's place.
    assert_eq!(promises(&job(sleep, "args: [example:eu:orders]")), [false]);
    let istio = "apiVersion: batch/v1
kind: Job
metadata: {name: nightly}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: app
        image: registry.example.com/app:1
        command: [sh, -c, 'CALL']
";
    let with = |script: &str| istio.replace("CALL", script);
    let quit = "curl -X POST localhost:15020/quitquitquit";
    assert_eq!(promises(&with(&format!("/app; rc=$?; {quit}; exit $rc"))), [true]);
    assert_eq!(
        promises(&with(&format!("case $1 in a) /app; {quit};; esac"))),
        [true]
    );
    assert_eq!(
        promises(&with(&format!("/app; if {quit}; then /next; fi"))),
        [true]
    );
    assert_eq!(
        promises(&with(&format!("/app; if {quit} && /ready; then /next; fi"))),
        [false]
    );
}

#[test]
fn a_tool_that_waits_and_runs_the_app_leaves_the_app() {
    const REDIS: &str = "      - name: redis
        image: redis:7
        ports: [{containerPort: 6379}]
";
    let with = |command: &str| {
        let script = "        command:\n        - sh\n        - -c\n        - |\n          until X; do sleep 1; done\n          exec /app\n";
        waiting("X", REDIS).replace(script, &format!("        {command}\n"))
    };
    for (command, there) in [
        (
            "command: [dockerize, -wait, 'tcp://localhost:6379', -timeout, 60s, /app, --all]",
            "command: [/app, --all]",
        ),
        (
            "command: [./wait-for-it.sh, 'localhost:6379', -t, '30', --, python, app.py]",
            "command: [python, app.py]",
        ),
        (
            "command: [sh, -c, '/prepare && wait-for-it localhost:6379 -- /app --all']",
            "command: [sh, -c, '/prepare && /app --all']",
        ),
        (
            "command: [sh, -c, 'timeout 60 sh -c \"until nc -z localhost 6379; do sleep 1; done\" && /app']",
            "command: [/app]",
        ),
    ] {
        // They give up, and the kubelet's gate does not.
        assert_eq!(migrated(&with(command), false).text, with(command), "{command}");
        let probe = "tcpSocket:\n            port: 6379\n";
        assert_remains(
            &with(command),
            true,
            &[there, probe],
            &["wait-for", "dockerize", "until"],
        );
    }
    for command in [
        "command: [wait4x, tcp, 'localhost:6379', --, /app]",
        "command: [./wait-for-it.sh, 'localhost:6379', --, /app]",
        // Its result is not the script's: the app starts in any case.
        "command: [sh, -c, './wait-for-it.sh localhost:6379 --strict -- echo up; /app']",
        "command: [./wait-for-it.sh, 'localhost:6379', -t, $(LIMIT), --, /app]",
    ] {
        assert_eq!(migrated(&with(command), false).text, with(command), "{command}");
    }
    for command in [
        "command: [./wait-for-it.sh, 'localhost:6379', -t, '0', --, /app]",
        "command: [wait4x, tcp, 'localhost:6379', -t, '0', --, /app]",
        // The container is restarted and waits anew.
        "command: [./wait-for-it.sh, 'localhost:6379', -t, '30', --strict, --, /app]",
    ] {
        assert_remains(
            &with(command),
            false,
            &["command: [/app]", "tcpSocket:"],
            &["wait-for", "wait4x"],
        );
    }
    // A pod that is not restarted fails where the wait gives up, and its gate would go on.
    for (limit, gives_up) in [("30", true), ("0", false)] {
        let pod = format!(
            "apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  restartPolicy: Never
  containers:
  - name: app
    image: registry.example.com/app:1
    command: [wait-for-it, 'localhost:6379', -t, '{limit}', --strict, --, /app]
  - name: redis
    image: redis:7
    ports: [{{containerPort: 6379}}]
"
        );
        let text = migrated(&pod, false).text;
        assert_eq!(text.contains("wait-for-it"), gives_up, "{text}");
    }
    for command in [
        "command: [dockerize, -wait, 'tcp://localhost:6379', -wait, 'tcp://db:5432', /app]",
        "command: [dockerize, -template, 'a:b', -wait, 'tcp://localhost:6379', /app]",
        // The image's entrypoint may be anything.
        "args: [dockerize, -wait, 'tcp://localhost:6379', /app]",
    ] {
        assert_eq!(migrated(&with(command), true).text, with(command), "{command}");
    }
    let http = with("command: [dockerize, -wait, 'http://localhost:6379/healthz', /app]");
    assert_remains(&http, true, &["path: /healthz"], &["dockerize"]);
}

#[test]
fn a_container_that_only_ends_the_sidecar_goes() {
    let watcher = |stop: &str| {
        job("command: [/bin/app]", HEALTHY)
            + &format!(
                "      # ends the proxy
      - name: watcher
        image: registry.example.com/watcher:1
        command: [sh, -c, 'sleep 5; while pgrep -x app; do sleep 2; done; {stop}']
      shareProcessNamespace: true
"
            )
    };
    for stop in [
        "pkill cloud-sql-proxy",
        "curl -X POST localhost:9091/quitquitquit",
    ] {
        assert_remains(
            &watcher(stop),
            true,
            &["command: [/bin/app]"],
            &["watcher", "ends the proxy"],
        );
    }
    // It asks the API server, and looks at the answer.
    for asks in [
        "kubectl get pod $POD -o json | jq -e .status.running >/dev/null",
        "! kubectl get pod $POD -o yaml | grep -q terminated",
    ] {
        let text = watcher("curl -X POST localhost:9091/quitquitquit").replace("pgrep -x app", asks);
        assert_remains(&text, true, &["command: [/bin/app]"], &["watcher"]);
    }
    // It has more to do.
    assert_remains(
        &watcher("/upload; pkill cloud-sql-proxy"),
        true,
        &["watcher"],
        &[],
    );
    // It stands before the sidecar, and the app tells it by a file.
    let text = "apiVersion: v1
kind: Pod
metadata: {name: load}
spec:
  restartPolicy: Never
  containers:
  - name: stopper
    image: registry.example.com/curl:1
    command: [sh, -c, 'until [ -f /run/done ]; do sleep 1; done; curl -X POST localhost:9091/quitquitquit']
    volumeMounts: [{name: run, mountPath: /run}]
  - name: load
    image: registry.example.com/load:1
    command: [sh, -c, '/load; rc=$?; touch /run/done; exit $rc']
    volumeMounts: [{name: run, mountPath: /run}]
  - name: proxy
    image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
    args: [--quitquitquit, example:eu:orders]
  volumes: [{name: run, emptyDir: {}}]
";
    assert_remains(text, true, &["command: [/load]"], &["stopper", "run,"]);
    assert_eq!(migrated(text, false).text, text);
    let injected = "apiVersion: v1
kind: Pod
metadata: {name: load, labels: {sidecar.istio.io/inject: 'true'}}
spec:
  restartPolicy: Never
  shareProcessNamespace: true
  containers:
  - name: load
    image: registry.example.com/load:1
  - name: stopper
    image: registry.example.com/curl:1
    command: [sh, -c, 'while pgrep load; do sleep 1; done; curl -X POST localhost:15020/quitquitquit']
";
    assert_remains(injected, true, &["nativeSidecar"], &["stopper"]);
}

#[test]
fn a_ready_file_and_a_done_file_go_together() {
    let text = |ready: &str, ports: &str| {
        format!(
            "apiVersion: batch/v1
kind: Job
metadata: {{name: load}}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: load
        image: registry.example.com/load:1
        command: [sh, -c]
        args:
        - |
          until [ -f /signs/ready ]; do sleep 1; done
          /load --all
          rc=$?
          touch /signs/done
          exit $rc
        volumeMounts: [{{name: signs, mountPath: /signs}}]
      - name: tunnel
        image: registry.example.com/tunnel:1
        ports: [{ports}]
        command: [sh, -c]
        args:
        - |
          /tunnel --to=db &
          pid=$!
          {ready}
          touch /signs/ready
          while [ ! -f /signs/done ]; do sleep 1; done
          kill $pid
        volumeMounts: [{{name: signs, mountPath: /signs}}]
      volumes: [{{name: signs, emptyDir: {{}}}}]
"
        )
    };
    let port = "{containerPort: 15432}";
    let waits = text("until nc -z localhost 15432; do sleep 1; done", port);
    assert_remains(
        &waits,
        true,
        &[
            "command: [/tunnel, --to=db]",
            "tcpSocket:\n            port: 15432\n",
            "command: [/load, --all]",
        ],
        &["signs"],
    );
    assert_eq!(migrated(&waits, false).text, waits);
    // Nothing can hold the app back then.
    for text in [
        text("sleep 2", ""),
        text("until nc -z localhost 15432; do sleep 1; done", ""),
        text("prepare", port),
    ] {
        assert_eq!(migrated(&text, true).text, text);
    }
}

#[test]
fn sleeps_that_belong_to_a_wait_or_a_stop_go_with_it() {
    let app = "command: [sh, -c, '/app; rc=$?; curl -X POST localhost:9091/quitquitquit; sleep 5; exit $rc']";
    assert_remains(&job(app, HEALTHY), false, &["command: [/app]"], &["sleep"]);
    // It waits for something else.
    let app = "command: [sh, -c, '/app; rc=$?; curl -X POST localhost:9091/quitquitquit; sleep 5; /report; exit $rc']";
    assert_remains(&job(app, HEALTHY), true, &["sleep 5; /report"], &["curl"]);
    let app = "command: [sh, -c, 'until curl -s localhost:9090/startup; do sleep 1; done; sleep 2; /app']";
    assert_remains(&job(app, HEALTHY), false, &["sleep 2; /app"], &["until"]);
    assert_remains(&job(app, HEALTHY), true, &["command: [/app]"], &["until"]);
    let injected = "apiVersion: v1
kind: Pod
metadata: {name: load, labels: {sidecar.istio.io/inject: 'true'}}
spec:
  restartPolicy: Never
  containers:
  - name: load
    image: registry.example.com/load:1
    command: [sh, -c, 'until curl -sf localhost:15021/healthz/ready; do sleep 1; done; sleep 2; /load']
";
    assert_remains(injected, true, &["command: [/load]"], &["sleep", "until"]);
}

/// Each of the cuts is proved where the other one stays: `-e` lets `&&` fail, and what stands last says the result.
#[test]
fn cuts_that_are_proved_one_by_one_are_judged_together() {
    let call = "curl -fsS -X POST http://localhost:9091/quitquitquit";
    let script = |end: &str| {
        let app = format!("command: [sh, -ec, '/app one && /app two; {call}; {end}']");
        job(&app, "args: [--quitquitquit, example:eu:orders]")
    };
    let again = script(call);
    assert_eq!(migrated(&again, false).text, again);
    assert_remains(&again, true, &["/app one && /app two"], &["curl"]);
    let reviewed = migrated(&again, true);
    let notes: Vec<&String> = reviewed.plans.iter().flat_map(|plan| &plan.notes).collect();
    assert!(
        notes
            .iter()
            .any(|note| note.contains("would end with the result of “/app one && /app two”")),
        "{notes:?}"
    );
    assert_remains(
        &script("sleep 5"),
        false,
        &["/app one && /app two; sleep 5"],
        &["curl"],
    );
}

#[test]
fn a_hook_that_waits_for_its_own_container_tells_a_sidecar() {
    let text = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: edge
        image: envoyproxy/envoy:v1.30.0
        lifecycle:
          postStart:
            exec: {command: [sh, -c, 'until curl -sf localhost:9901/ready; do sleep 1; done']}
      - name: web
        image: registry.example.com/web:1
";
    assert_remains(text, false, &["      initContainers:\n      - name: edge\n"], &[]);
    // A program that nobody knows may warm itself up, and the last container holds nobody back.
    let unknown = text.replace("envoyproxy/envoy:v1.30.0", "registry.example.com/edge:1");
    assert_eq!(migrated(&unknown, false).text, unknown);
    let start = text.find("      - name: web").unwrap();
    let (first, web) = text.split_at(start);
    let at = first.find("      - name: edge").unwrap();
    let last = format!("{}{web}{}", &first[..at], &first[at..]);
    assert_eq!(migrated(&last, false).text, last);
}

#[test]
fn a_program_behind_an_init_program_is_known_by_its_name() {
    let text = "apiVersion: batch/v1
kind: Job
metadata: {name: e2e}
spec:
  template:
    spec:
      shareProcessNamespace: true
      restartPolicy: Never
      containers:
      - name: e2e
        image: registry.example.com/e2e:1
        command: [tini, --, bash, -c]
        args: ['/run-tests; s=$?; killall -INT chromedriver; exit $s']
      - name: browser
        image: registry.example.com/browser:1
        command: [tini, --, chromedriver, --port=4444]
";
    // What an unknown program makes of SIGINT, SIGTERM need not do.
    assert_eq!(migrated(text, false).text, text);
    assert_remains(
        &text.replace("-INT ", ""),
        false,
        &["command: [tini, --, /run-tests]", "initContainers"],
        &["killall", "shareProcessNamespace", "args"],
    );
}

#[test]
fn a_killers_annotation_for_an_injected_proxy_becomes_its_switch() {
    let text = "apiVersion: v1
kind: Pod
metadata:
  name: load
  annotations:
    example.com/sidecars: istio-proxy
spec:
  restartPolicy: Never
  containers:
  - name: load
    image: registry.example.com/load:1
";
    assert_remains(
        text,
        true,
        &["    sidecar.istio.io/nativeSidecar: \"true\"\nspec"],
        &["example.com/sidecars"],
    );
    // It may name others too.
    let both = text.replace("istio-proxy", "istio-proxy,agent");
    assert_remains(&both, true, &["example.com/sidecars"], &[]);
}

#[test]
fn a_result_that_shows_from_now_on_is_said() {
    let notes = |app: &str| -> Vec<String> {
        let plans = migrated(&job(app, HEALTHY), true).plans;
        plans.into_iter().flat_map(|plan| plan.notes).collect()
    };
    let call = "curl -X POST localhost:9091/quitquitquit";
    let masked = notes(&format!("command: [sh, -c, '/app; {call}']"));
    assert!(
        masked
            .iter()
            .any(|note| note.starts_with("app now ends with the result")),
        "{masked:?}"
    );
    let kept = notes(&format!("command: [sh, -c, '/app; rc=$?; {call}; exit $rc']"));
    assert_eq!(kept, Vec::<String>::new());
}

/// Whether the wait of this app goes without a look, and the plan's words.
/// The function stands before the work, and is called behind it.
#[test]
fn a_call_in_a_function_goes_from_both_branches() {
    let script = "quit() { curl -sf -X POST http://localhost:9091/quitquitquit; }\nif /app/run; then\n  quit\n  exit 0\nelse\n  quit\n  exit 1\nfi";
    let app = format!(
        "command: [sh, -c]\nargs:\n- |\n  {}",
        script.replace('\n', "\n  ")
    );
    let quits = "args: [--quitquitquit, example:eu:orders]";
    let there = ["if /app/run; then\n            exit 0\n          else\n            exit 1\n          fi"];
    assert_remains(&job(&app, quits), false, &there, &["quit()", "curl"]);
    let early = app.replace("if /app/run", "quit\n  if /app/run");
    assert_remains(&job(&early, quits), false, &["curl"], &["restartPolicy: Always"]);
}

/// Kubernetes 1.34 lets any container have one; a native sidecar has another.
#[test]
fn a_restart_policy_of_its_own_becomes_always() {
    let app = "command: [sh, -c, '/app; rc=$?; curl -X POST localhost:9091/quitquitquit; exit $rc']";
    let own = "restartPolicy: OnFailure\nargs: [--quitquitquit, example:eu:orders]";
    assert_remains(
        &job(app, own),
        true,
        &["restartPolicy: Always", "command: [/app]"],
        &["OnFailure"],
    );
}

fn wait_goes(app: &str, review: bool) -> (bool, String) {
    let migration = migrated(&job(app, HEALTHY), review);
    let plans = format!("{:?}", migration.plans);
    (!migration.text.contains("5432"), plans)
}

#[test]
fn a_wait_for_a_host_that_nothing_tells_of_is_for_review() {
    let from_map = "env: [{name: DB_HOST, valueFrom: {configMapKeyRef: {name: db, key: host}}}]";
    let open = "envFrom: [{configMapRef: {name: db}}]";
    let literal = "env: [{name: DB_HOST, value: 127.0.0.1}]";
    let own = "env: [{name: DB_HOST, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]";
    let cases = [
        (
            "until nc -z $DB_HOST 5432; do sleep 1; done; exec /app",
            from_map,
            false,
        ),
        (
            "until nc -z $DB_HOST 5432; do sleep 1; done; exec /app",
            open,
            false,
        ),
        (
            "until pg_isready -h ${DB_HOST:-localhost} -p 5432; do sleep 1; done; exec /app",
            open,
            false,
        ),
        (
            "DB_HOST=$(cat /etc/host); until nc -z $DB_HOST 5432; do sleep 1; done; exec /app",
            "",
            false,
        ),
        (
            "until nc -z $DB_HOST 5432; do sleep 1; done; exec /app",
            literal,
            true,
        ),
        (
            "until nc -z $DB_HOST 5432; do sleep 1; done; exec /app",
            own,
            true,
        ),
        (
            "until nc -z ${DB_HOST:-localhost} 5432; do sleep 1; done; exec /app",
            "",
            true,
        ),
        (
            "until nc -z localhost 5432; do sleep 1; done; exec /app",
            open,
            true,
        ),
        ("until pg_isready -p 5432; do sleep 1; done; exec /app", "", true),
    ];
    for (script, environment, goes) in cases {
        let app = format!("command: [sh, -c, '{script}']\n{environment}");
        let (gone, plans) = wait_goes(&app, false);
        assert_eq!(gone, goes, "{script} {environment}\n{plans}");
        assert_eq!(
            plans.contains("the host is not known"),
            !goes,
            "{script}\n{plans}"
        );
    }
    // Without an address a client asks its own host, unless the container says another.
    let client = "command: [sh, -c, 'until pg_isready -p 5432; do sleep 1; done; exec /app']";
    let (_, plans) = wait_goes(&format!("{client}\n{open}"), false);
    assert!(!plans.contains("the host is not known"), "{plans}");
    let named = from_map.replace("DB_HOST", "PGHOST");
    let (gone, plans) = wait_goes(&format!("{client}\n{named}"), false);
    assert!(!gone && plans.contains("`$PGHOST`"), "{plans}");
}

#[test]
fn a_wait_for_several_hosts_stays() {
    const WAIT: &str = "until nc -z $1 5432; do sleep 1; done";
    let scripts = [
        "for h in localhost db.example.com; do until nc -z $h 5432; do sleep 1; done; done".to_owned(),
        "HOSTS=\"localhost db.example.com\"; for h in $HOSTS; do until nc -z $h 5432; do sleep 1; done; done"
            .to_owned(),
        format!("ready() {{ {WAIT}; }}; ready localhost; ready db.example.com"),
        format!("ready() {{ {WAIT}; }}; for h in localhost db.example.com; do ready $h; done"),
    ];
    for script in scripts {
        for review in [false, true] {
            let (gone, plans) = wait_goes(&format!("command: [sh, -c, '{script}; exec /app']"), review);
            assert!(!gone, "{plans}");
        }
    }
}

#[test]
fn a_wait_under_a_condition_is_for_review() {
    const WAIT: &str = "until nc -z localhost 5432; do sleep 1; done";
    let conditional = [
        format!("if [ \"$WAIT\" = 1 ]; then {WAIT}; fi; exec /app"),
        format!("if [ \"$MODE\" != offline ]; then {WAIT}; fi; exec /app"),
        format!("if [ \"$SKIP\" = 1 ]; then echo skipped; else {WAIT}; fi; exec /app"),
        format!("case \"$ROLE\" in worker) {WAIT};; esac; exec /app"),
        format!("[ \"$ROLE\" = offline ] || {WAIT}; exec /app"),
        format!("[ -f /etc/wait ] && {WAIT}; exec /app"),
        format!("if /app needs-db; then {WAIT}; fi; exec /app"),
        format!("wait_db() {{ {WAIT}; }}; [ \"$1\" = web ] && wait_db; exec /app"),
        format!("wait_db() {{ [ -n \"$SKIP\" ] && return; {WAIT}; }}; wait_db; exec /app"),
        "until nc -z localhost 5432 || [ -n \"$SKIP\" ]; do sleep 1; done; exec /app".to_owned(),
        "until nc -z localhost 5432 && [ \"$READY\" = 1 ]; do sleep 1; done; exec /app".to_owned(),
    ];
    let unconditional = [
        format!("{WAIT}; exec /app"),
        format!("export LEVEL=1 && {WAIT}; exec /app"),
        format!("wait_db() {{ {WAIT}; }}; wait_db; exec /app"),
        format!("if [ \"$MODE\" = offline ]; then {WAIT}; fi; exec /app"),
        format!("[ \"$MODE\" = online ] || {WAIT}; exec /app"),
        format!("if command -v nc; then {WAIT}; fi; exec /app"),
        format!("if ! nc -z localhost 5432; then {WAIT}; fi; exec /app"),
    ];
    let judged = |script: &str| {
        let app = format!(
            "command: [sh, -c, '{script}']\nenv: [{{name: MODE, value: offline}}]\nenvFrom: [{{configMapRef: {{name: app}}}}]"
        );
        wait_goes(&app, false)
    };
    for script in conditional {
        let (gone, plans) = judged(&script);
        assert!(!gone, "{script}\n{plans}");
        assert!(
            plans.contains("whether it waits depends on") || plans.contains("before the loop"),
            "{script}\n{plans}"
        );
    }
    for script in unconditional {
        let (gone, plans) = judged(&script);
        assert!(gone, "{script}\n{plans}");
        assert!(
            !plans.contains("whether it waits depends on"),
            "{script}\n{plans}"
        );
    }
}

#[test]
fn a_file_that_a_third_container_waits_for_is_still_written() {
    let volume = "volumeMounts: [{name: run, mountPath: /run}]";
    let app = format!("command: [sh, -c, '/app; rc=$?; touch /run/done; exit $rc']\n{volume}");
    let proxy = format!(
        "command: [sh, -c, '/cloud-sql-proxy a:b:c & P=$!; until [ -f /run/done ]; do sleep 1; done; kill $P']\n{volume}"
    );
    let third = |script: &str| {
        job(&app, &proxy)
            + &format!(
                "      - name: upload
        image: registry.example.com/upload:1
        command: [sh, -c, '{script}']
        {volume}
      volumes: [{{name: run, emptyDir: {{}}}}]
"
            )
    };
    let waits = third("until [ -f /run/done ]; do sleep 1; done; /upload /run/out");
    assert_remains(
        &waits,
        true,
        &["touch /run/done", "[/cloud-sql-proxy, a:b:c]"],
        &["kill"],
    );
    let does_not = third("/upload /run/out");
    assert_remains(
        &does_not,
        true,
        &["[/cloud-sql-proxy, a:b:c]"],
        &["kill", "touch"],
    );
}

#[test]
fn a_file_that_is_a_copy_of_nothing_is_a_marker() {
    let volume = "volumeMounts: [{name: run, mountPath: /run}]";
    for writes in ["install -m 0644 /dev/null /run/over", "cp /dev/null /run/over"] {
        let app = format!("command: [sh, -c, '/app; rc=$?; {writes}; exit $rc']\n{volume}");
        let proxy = format!(
            "command: [sh, -c, '/cloud-sql-proxy a:b:c & P=$!; until [ -f /run/over ]; do sleep 1; done; kill $P']\n{volume}"
        );
        let text = job(&app, &proxy) + "      volumes: [{name: run, emptyDir: {}}]\n";
        assert_remains(
            &text,
            false,
            &["/cloud-sql-proxy", "command: [/app]"],
            &["kill", "over"],
        );
    }
}

#[test]
fn a_shell_that_sources_a_file_first_stays() {
    let app = |shell: &str, variable: &str| {
        let script = "until nc -z localhost 5432; do sleep 1; done; exec /app";
        job(
            &format!("command: [{shell}, -c, '{script}']\nenv: [{variable}]"),
            HEALTHY,
        )
    };
    let literal = "{name: BASH_ENV, value: /etc/rvm.sh}";
    let taken = "{name: BASH_ENV, valueFrom: {configMapKeyRef: {name: c, key: k}}}";
    // What the file does nobody knows: it may end the proxy, too.
    for variable in [literal, taken] {
        assert_remains(
            &app("bash", variable),
            true,
            &["[bash, -c, 'exec /app']"],
            &["until"],
        );
    }
    for (shell, variable) in [
        ("sh", literal),
        ("bash", "{name: BASH_ENV, value: ''}"),
        ("bash", "{name: ENV, value: /etc/rvm.sh}"),
    ] {
        assert_remains(&app(shell, variable), false, &["command: [/app]"], &["until"]);
    }
}

#[test]
fn a_probe_of_the_sidecars_own_health_is_no_end() {
    for probe in [
        "livenessProbe: {exec: {command: [nc, -z, localhost, \"5432\"]}}",
        "livenessProbe: {exec: {command: [cat, /tmp/healthy]}}",
        "livenessProbe: {exec: {command: [curl, -fsS, \"http://localhost:9090/liveness\"]}}",
        "livenessProbe: {httpGet: {path: /liveness, port: 9090}}",
        "lifecycle: {postStart: {exec: {command: [sh, -c, \"until nc -z localhost 5432; do sleep 1; done\"]}}}",
    ] {
        let text = job("command: [/app]", &format!("{HEALTHY}\n{probe}"));
        assert_remains(&text, false, &["initContainers:"], &[]);
    }
}

/// The kubelet ends a sidecar after all other containers: who waits for its end goes with what ended it, or all stays.
#[test]
fn a_wait_for_the_sidecars_end_goes_with_the_call() {
    let app = |waits: &str, behind: &str| {
        let script =
            format!("/app; rc=$?\n  curl -X POST localhost:9091/quitquitquit\n  {waits}\n  {behind}");
        job(
            &format!("command: [bash, -c]\nargs:\n- |\n  {script}"),
            "args: [--quitquitquit, example:eu:orders]",
        )
    };
    for waits in [
        "while nc -z localhost 5432; do sleep 1; done",
        "until ! nc -z 127.0.0.1 5432; do sleep 1; done",
        "while curl -sf localhost:9090/startup >/dev/null; do sleep 1; done",
        "for i in $(seq 30); do nc -z localhost 5432 || break; sleep 1; done",
        "wait4x tcp localhost:5432 --invert-check -t 0",
    ] {
        assert_remains(
            &app(waits, "exit $rc"),
            false,
            &["command: [/app]"],
            &["5432", "9090"],
        );
    }
    for (waits, behind) in [
        (
            "while nc -z localhost 5432; do /app --flush; sleep 1; done",
            "exit $rc",
        ),
        (
            "for i in 1 2 3; do nc -z localhost 5432 || exit $rc; sleep 1; done",
            "exit 4",
        ),
        ("nc -z localhost 5432 && exit 5", "exit $rc"),
        ("if nc -z localhost 5432; then exit 5; fi", "exit $rc"),
    ] {
        let text = app(waits, behind);
        for review in [false, true] {
            assert_eq!(migrated(&text, review).text, text, "{waits}");
        }
    }
    // What the loop looks at is not known, so that a person has to say it.
    let text = app("while ss -ltn | grep -q :5432; do sleep 1; done", "exit $rc");
    assert_eq!(migrated(&text, false).text, text);
}

/// A Deployment of an app that waits in its script, and of a server that may be its sidecar.
fn deployment(script: &str, of_app: &str, sidecar: &str) -> String {
    web(&format!(
        "      volumes: [{{name: shared, emptyDir: {{}}}}]
      containers:
      - name: web
        image: registry.example.com/web:1
        command: [sh, -c, '{script}']
{of_app}      - name: server
{sidecar}"
    ))
}

const SERVER: &str = "        image: registry.example.com/server:1
        args: [--listen=:3000]
        ports: [{containerPort: 3000}, {containerPort: 3001}]
";

/// One gate takes the place of the waits that it shows to be over, and no others.
#[test]
fn a_gate_takes_the_place_of_what_it_asks() {
    let stays = |script: &str, gate: &str, wait: &str| {
        assert_remains(&deployment(script, "", SERVER), false, &[gate, wait], &[]);
    };
    stays(
        "until curl -fs localhost:3000/live; do sleep 1; done; until curl -fs localhost:3000/ready; do sleep 1; done; exec /web",
        "path: /live",
        "until curl -fs localhost:3000/ready",
    );
    stays(
        "until nc -z localhost 3000; do sleep 1; done; until nc -z localhost 3001; do sleep 1; done; exec /web",
        "port: 3000",
        "until nc -z localhost 3001",
    );
    // An answer shows an open port too, whichever comes first.
    for script in [
        "until nc -z localhost 3000; do sleep 1; done; until curl -fs localhost:3000/ready; do sleep 1; done; exec /web",
        "until curl -fs localhost:3000/ready; do sleep 1; done; until nc -z localhost 3000; do sleep 1; done; exec /web",
    ] {
        assert_remains(
            &deployment(script, "", SERVER),
            false,
            &["path: /ready", "command: [/web]"],
            &["until"],
        );
    }
}

#[test]
fn a_wait_over_udp_stays() {
    for wait in [
        "nc -zu localhost 3000",
        "nc -w1 -u -z localhost 3000",
        "echo >/dev/udp/127.0.0.1/3000",
    ] {
        let text = deployment(&format!("until {wait}; do sleep 1; done; exec /web"), "", SERVER);
        for review in [false, true] {
            assert_eq!(migrated(&text, review).text, text, "{wait}");
        }
    }
}

#[test]
fn a_port_that_nobody_waited_for_is_no_gate() {
    let envoy = "        image: envoyproxy/envoy:v1.31.0
        args: [-c, /etc/envoy/envoy.yaml]
        ports: [{containerPort: 9901}]
";
    let text = deployment(
        "until nc -z localhost 8080; do sleep 1; done; exec /web",
        "",
        envoy,
    );
    assert_eq!(migrated(&text, false).text, text);
}

/// Behind a gate the app would never write what the sidecar starts with.
#[test]
fn a_file_that_the_sidecar_needs_is_written_before_it() {
    let mount = |path: &str| format!("        volumeMounts: [{{name: shared, mountPath: {path}}}]\n");
    let server = format!(
        "        image: registry.example.com/server:1
        args: [--config, /etc/server/server.yaml]
        ports: [{{containerPort: 3000}}]
{}",
        mount("/etc/server")
    );
    let script =
        "envsubst </tpl >/shared/server.yaml; until nc -z localhost 3000; do sleep 1; done; exec /web";
    let text = deployment(script, &mount("/shared"), &server);
    for review in [false, true] {
        assert_eq!(migrated(&text, review).text, text);
    }
}

/// A sleep says nothing of what it waits for: without a gate in its place nothing is done for its sake.
#[test]
fn a_sleep_alone_moves_nothing() {
    let proxy = "        image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
        args: [--port=5432, example:eu:orders]
";
    let text = deployment("sleep 15; exec /web", "", proxy);
    for review in [false, true] {
        assert_eq!(migrated(&text, review).text, text);
    }
}

/// Its configuration stands in the same input.
#[test]
fn a_listener_of_a_config_map_on_127_0_0_1_gets_no_probe() {
    let pooler = |field: &str| {
        format!(
            "        image: edoburu/pgbouncer:v1.23.1-p2
        ports: [{{containerPort: 6432}}]
        {field}
"
        )
    };
    let wait = "until nc -z localhost 6432; do sleep 1; done; exec /web";
    let config_map = |data: &str| {
        format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: pooler}}\ndata:\n{data}\n")
    };
    let file = "  pgbouncer.ini: |\n    [pgbouncer]\n    listen_addr = 127.0.0.1\n    listen_port = 6432";
    let mounted = deployment(
        wait,
        "",
        &pooler("volumeMounts: [{name: ini, mountPath: /etc/pgbouncer}]"),
    )
    .replace("volumes: [", "volumes: [{name: ini, configMap: {name: pooler}}, ");
    let taken = deployment(wait, "", &pooler("envFrom: [{configMapRef: {name: pooler}}]"));
    for text in [
        format!("{mounted}{}", config_map(file)),
        format!("{taken}{}", config_map("  LISTEN_ADDR: 127.0.0.1")),
    ] {
        assert_eq!(migrated(&text, false).text, text);
    }
    let everywhere = format!("{mounted}{}", config_map(&file.replace("127.0.0.1", "0.0.0.0")));
    assert_ne!(migrated(&everywhere, false).text, everywhere);
}

/// Who was ended by another signal than the kubelet's is told, whether by a kill in the app's script or by its own.
#[test]
fn another_signal_than_the_kubelet_s_is_said() {
    let watching = |signal: &str| {
        format!(
            "apiVersion: batch/v1
kind: Job
metadata: {{name: nightly}}
spec:
  template:
    spec:
      restartPolicy: Never
      volumes: [{{name: signal, emptyDir: {{}}}}]
      containers:
      - name: app
        image: registry.example.com/app:1
        command: [sh, -c, '/app; rc=$?; touch /signal/done; exit $rc']
        volumeMounts: [{{name: signal, mountPath: /signal}}]
      - name: ingest
        image: registry.example.com/ingest:1
        command: [sh, -c, '/ingest & pid=$!; until [ -f /signal/done ]; do sleep 1; done; kill {signal} $pid; wait $pid']
        volumeMounts: [{{name: signal, mountPath: /signal}}]
"
        )
    };
    let signal_of = |text: &str, review: bool| {
        let migration = migrated(text, review);
        let mut notes = migration.plans.iter().flat_map(|plan| &plan.notes);
        notes.find(|note| note.contains("lifecycle.stopSignal")).cloned()
    };
    for signal in ["-INT", "-s QUIT", "-3"] {
        let text = watching(signal);
        assert_eq!(migrated(&text, false).text, text, "{signal}");
        let note = signal_of(&text, true).unwrap();
        assert!(note.starts_with("ingest got SIG"), "{note}");
    }
    for signal in ["", "-TERM", "-15"] {
        assert_eq!(signal_of(&watching(signal), false), None, "{signal}");
        assert_ne!(migrated(&watching(signal), false).text, watching(signal));
    }
}

/// What a script does behind the end of a server may need it to be gone.
#[test]
fn a_server_that_is_ended_before_other_work_is_for_review() {
    let job = |stop: &str, behind: &str| {
        format!(
            "apiVersion: batch/v1
kind: Job
metadata: {{name: nightly}}
spec:
  template:
    spec:
      restartPolicy: Never
      shareProcessNamespace: true
      containers:
      - name: app
        image: registry.example.com/app:1
        command: [sh, -c, '/app; rc=$?; {stop}; {behind}exit $rc']
      - name: postgres
        image: docker.io/library/postgres:17
"
        )
    };
    for stop in ["pkill -x postgres", "pg_ctl stop -D /data"] {
        let behind = job(stop, "tar czf /out/data.tgz /data; ");
        assert_eq!(migrated(&behind, false).text, behind, "{stop}");
        let last = job(stop, "");
        assert_ne!(migrated(&last, false).text, last, "{stop}");
    }
}

/// A port that somebody has declared shows no address, where settings that may name one are not in the input.
#[test]
fn a_setting_that_is_not_in_the_input_may_name_127_0_0_1() {
    let server = |image: &str, port: u16, more: &str| {
        format!("        image: {image}\n        ports: [{{containerPort: {port}}}]\n        {more}\n")
    };
    for (image, port, more, proved) in [
        ("redis:7", 6379, "args: [redis-server, /conf/redis.conf]", false),
        ("redis:7", 6379, "args: [redis-server, --save, '']", true),
        (
            "edoburu/pgbouncer:v1",
            6432,
            "command: [pgbouncer, /conf/pgbouncer.ini]",
            false,
        ),
        (
            "edoburu/pgbouncer:v1",
            6432,
            "envFrom: [{configMapRef: {name: elsewhere}}]",
            false,
        ),
        (
            "edoburu/pgbouncer:v1",
            6432,
            "envFrom: [{secretRef: {name: elsewhere}}]",
            false,
        ),
        (
            "edoburu/pgbouncer:v1",
            6432,
            "env: [{name: LISTEN_ADDR, value: 0.0.0.0}]",
            true,
        ),
        (
            "postgres:16",
            5432,
            "envFrom: [{secretRef: {name: passwords}}]",
            true,
        ),
        (
            "postgres:16",
            5432,
            "volumeMounts: [{name: map, mountPath: /docker-entrypoint-initdb.d}]",
            true,
        ),
        (
            "nginx:1",
            80,
            "volumeMounts: [{name: map, mountPath: /etc/nginx/conf.d}]",
            false,
        ),
        ("example.com/api:1", 8000, "args: [--config=/etc/api.toml]", false),
        (
            "example.com/api:1",
            8000,
            "args: [--config=/etc/api.toml, --listen=0.0.0.0:8000]",
            true,
        ),
    ] {
        let wait = format!("until nc -z localhost {port}; do sleep 1; done; exec /web");
        let text = deployment(&wait, "", &server(image, port, more)).replace(
            "volumes: [",
            "volumes: [{name: map, configMap: {name: elsewhere}}, ",
        );
        assert_eq!(migrated(&text, false).text != text, proved, "{image} {more}");
        assert_ne!(migrated(&text, true).text, text, "{image} {more}");
    }
}

/// The gate waits as long as the wait did, and no server is killed that was waited for without end.
#[test]
fn a_gate_is_as_patient_as_the_wait() {
    let dind = "        image: docker:24-dind\n        env: [{name: DOCKER_TLS_CERTDIR, value: \"\"}]\n";
    let rabbit = "        image: rabbitmq:3\n        ports: [{containerPort: 5672}]\n";
    for (wait, server, attempts) in [
        ("until docker info; do sleep 1; done", dind, 3600),
        (
            "for i in $(seq 1 30); do nc -z localhost 5672 && break; sleep 1; done",
            rabbit,
            30,
        ),
        ("until nc -z localhost 5672; do sleep 1; done", rabbit, 3600),
    ] {
        let text = deployment(&format!("{wait}; exec /web"), "", server);
        assert_remains(
            &text,
            true,
            &[&format!("failureThreshold: {attempts}\n")],
            &["sleep"],
        );
    }
}

/// A wrapper that gives up its wait is told from one that starts its command again and again.
#[test]
fn a_wrapper_that_gives_up_is_for_review() {
    let pod = |restart: &str, more: &str| {
        let wrapped = |name: &str, deps: &str, words: &str| {
            format!(
                "      - name: {name}
        image: registry.example.com/{name}:1
        command: [/kubexit/kubexit, {words}]
        env: [{{name: KUBEXIT_NAME, value: {name}}}, {{name: KUBEXIT_GRAVEYARD, value: /graveyard}}, {{name: {deps}{more}}}]
        readinessProbe: {{httpGet: {{path: /healthz, port: 8000}}}}
        volumeMounts: [{{name: tools, mountPath: /kubexit}}, {{name: graveyard, mountPath: /graveyard}}]
"
            )
        };
        format!(
            "apiVersion: v1
kind: Pod
metadata: {{name: client}}
spec:
  restartPolicy: {restart}
  volumes: [{{name: tools, emptyDir: {{}}}}, {{name: graveyard, emptyDir: {{}}}}]
  initContainers:
  - name: copy
    image: karlkfi/kubexit:v0.3.2
    command: [cp, /bin/kubexit, /kubexit/kubexit]
    volumeMounts: [{{name: tools, mountPath: /kubexit}}]
  containers:
{}",
            format!(
                "{}{}",
                wrapped("client", "KUBEXIT_BIRTH_DEPS, value: proxy", "/client").replace(
                    "        readinessProbe: {httpGet: {path: /healthz, port: 8000}}\n",
                    ""
                ),
                wrapped(
                    "proxy",
                    "KUBEXIT_DEATH_DEPS, value: client",
                    "/proxy, --listen=:8000"
                )
            )
            .replace("\n        ", "\n    ")
            .replace("      - name", "  - name")
        )
    };
    let once = pod("Never", "");
    assert_eq!(migrated(&once, false).text, once);
    assert_remains(
        &once,
        true,
        &["startupProbe", "command: [/client]"],
        &["kubexit", "volumes:"],
    );
    // Where its container is started again, it waits as long as it takes.
    let again = pod("Always", "");
    assert_remains(&again, false, &["command: [/client]"], &["kubexit", "volumes:"]);
}

/// What a script writes into a file and runs from there is no part of it: a call in it stays, and so does its sidecar.
#[test]
fn a_call_in_a_file_that_is_written_keeps_the_sidecar() {
    for (file, run) in [
        ("/tmp/end.py", "python3 /tmp/end.py"),
        ("/tmp/end.sh", "/tmp/end.sh"),
    ] {
        let body = format!(
            "cat > {file} <<'EOF'\n  post http://localhost:9091/quitquitquit\n  EOF\n  /app\n  {run}"
        );
        let text = job(&format!("command: [sh, -c]\nargs:\n- |\n  {body}"), HEALTHY);
        assert_eq!(migrated(&text, true).text, text, "{body}");
    }
}

/// A sidecar's own limit goes with the move, and is looked at.
#[test]
fn a_time_limit_of_the_sidecar_goes_with_a_look() {
    let boxed = job(
        "command: [/app]",
        "command: [timeout, -k, '5', '600', /cloud-sql-proxy, example:eu:orders]",
    );
    assert_eq!(migrated(&boxed, false).text, boxed);
    assert_remains(
        &boxed,
        true,
        &[
            "restartPolicy: Always",
            "command: [/cloud-sql-proxy, example:eu:orders]",
        ],
        &["timeout"],
    );
}

/// A trap that hides the result goes as a whole, and a process that nobody signals any more is not looked up.
#[test]
fn what_hides_the_result_goes_with_the_call() {
    let trap = "f() { curl -X POST localhost:9091/quitquitquit; exit 0; }; trap f EXIT; /app";
    let text = job(&format!("command: [sh, -c, '{trap}']"), HEALTHY);
    assert_remains(&text, true, &["command: [/app]"], &["trap", "exit 0"]);
    let look = "/app; rc=$?; P=$(pgrep -x cloud-sql-proxy); if [ -n \"$P\" ]; then kill -15 $P; fi; exit $rc";
    let text = job(&format!("command: [sh, -c, '{look}']"), HEALTHY).replace(
        "restartPolicy: Never",
        "restartPolicy: Never\n      shareProcessNamespace: true",
    );
    assert_remains(&text, false, &["command: [/app]"], &["pgrep", "rc="]);
}

/// A hook that ends a declared sidecar runs beside the app.
#[test]
fn a_hook_that_ends_a_declared_sidecar_goes_with_a_look() {
    let hook =
        "restartPolicy: Always\n        lifecycle: {preStop: {httpGet: {path: /quitquitquit, port: 9091}}}";
    let text = job("command: [/app]", HEALTHY)
        .replace(
            "      - name: proxy",
            "      initContainers:\n      - name: proxy",
        )
        .replace("args: [--health", &format!("{hook}\n        args: [--health"));
    assert_eq!(migrated(&text, false).text, text);
    assert_remains(&text, true, &["restartPolicy: Always"], &["preStop", "lifecycle"]);
}

/// A pod that never starts starts: a server among the init containers becomes a sidecar, and one that stands behind who
/// waits for it stands before it.
#[test]
fn a_sidecar_that_comes_too_late_comes_first_with_a_look() {
    let inits = |inits: &str| {
        web(&format!(
            "      initContainers:\n{inits}      containers:\n      - name: web\n        image: registry.example.com/web:1\n        env: [{{name: URL, value: \"redis://localhost:6379\"}}]\n"
        ))
    };
    let server = "      - name: redis\n        image: redis:7\n        ports: [{containerPort: 6379}]\n";
    let text = inits(server);
    assert_eq!(migrated(&text, false).text, text);
    assert_remains(&text, true, &["restartPolicy: Always"], &[]);
    let declared = format!("{server}        restartPolicy: Always\n");
    let waits = "      - name: load\n        image: registry.example.com/load:1\n        command: [sh, -c, 'until nc -z localhost 6379; do sleep 1; done; /load']\n";
    let other =
        "      - name: other\n        image: registry.example.com/other:1\n        command: [/other]\n";
    let text = inits(&format!("{other}{waits}{declared}"));
    assert_eq!(migrated(&text, false).text, text);
    let ordered = migrated(&text, true).text;
    let at = |name: &str| ordered.find(&format!("name: {name}\n")).unwrap();
    assert!(at("other") < at("redis") && at("redis") < at("load"), "{ordered}");
}

/// Who alone shares the volume writes the file that the app waits for.
#[test]
fn the_only_other_container_of_a_volume_writes_its_files() {
    let agent = "        image: hashicorp/vault:1.16
        args: [agent, -config=/etc/agent.hcl]
        volumeMounts: [{name: shared, mountPath: /out}]
";
    let wait = "while [ ! -s /secrets/db ]; do sleep 1; done; exec /web";
    let mount = "        volumeMounts: [{name: shared, mountPath: /secrets}]\n";
    let text = deployment(wait, mount, agent).replace("name: server", "name: vault-agent");
    assert_eq!(migrated(&text, false).text, text);
    assert_remains(
        &text,
        true,
        &["command: [test, -s, /out/db]", "command: [/web]"],
        &["while"],
    );
    let third = format!("{text}      - name: third\n        image: registry.example.com/third:1\n{mount}");
    assert_eq!(migrated(&third, true).text, third);
}

/// A condition behind a call that compares what was known before ends the script as it did.
#[test]
fn a_condition_that_looks_at_the_result_alone_is_kept() {
    let script = |call: &str, condition: &str| {
        let text = format!("rc=0; /app || rc=$?; {call}; if {condition}; then exit 0; fi; exit $rc");
        job(&format!("command: [sh, -c, '{text}']"), HEALTHY)
    };
    let call = "curl -X POST localhost:9091/quitquitquit";
    for (call, condition, is_kept) in [
        (call.to_owned(), "[ $rc -eq 3 ]", true),
        (format!("{call} || echo no"), "[ $rc -eq 3 ]", true),
        (format!("q() {{ {call}; }}; q || echo no"), "[ $rc -eq 3 ]", true),
        (call.to_owned(), "nc -z localhost 5432", false),
        (call.to_owned(), "[ -f /tmp/x ]", false),
        (
            format!("{call}; s=$(nc -z localhost 5432 && echo up)"),
            "[ $s = up ]",
            false,
        ),
        (format!("{call} && rc=0"), "[ $rc -eq 3 ]", false),
    ] {
        let text = script(&call, condition);
        assert_eq!(
            migrated(&text, false).text != text,
            is_kept,
            "{call}; {condition}"
        );
    }
}
