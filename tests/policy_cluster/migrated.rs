//! What `migrate --target annotation` writes is promoted, and holds the order; without a policy `trace` says so.

use serde_json::{Value, json};

use super::{Ground, image, names, run, sidecar, succeeded, text};

/// A Job whose app waits for its proxy and sends it away when it is done.
fn workaround(name: &str) -> String {
    let image = image();
    format!(
        "apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: app
          image: {image}
          command: [sh, -c]
          args:
            - |
              until curl -sf http://localhost:8099/ready; do sleep 1; done
              curl -sf http://localhost:8099/ready && echo the proxy is there && sleep 2
              code=$?
              curl -sf -X POST http://localhost:8099/quitquitquit
              exit $code
        # Ready after three seconds.
        - name: proxy
          image: {image}
          command: [stand-in, --listen, ':8099', --ready-after, 3s, --ready, /ready, --stop-after, 2s]
          ports:
            - containerPort: 8099
"
    )
}

fn migrated(name: &str) -> String {
    let arguments = [
        "migrate",
        "--target",
        "annotation",
        "--review",
        "--no-config",
        "-",
    ];
    let output = run(
        env!("CARGO_BIN_EXE_kubectl-sidecar"),
        &arguments,
        &workaround(name),
    );
    let text = succeeded(output);
    assert!(text.contains("kubectl-sidecar/sidecars: proxy"), "{text}");
    assert!(
        !text.contains("until") && !text.contains("quitquitquit"),
        "{text}"
    );
    text
}

/// The verdicts of a trace, as `rule before after: verdict`.
fn verdicts(output: &str) -> Vec<String> {
    output
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["type"] == "verdict")
        .map(|line| {
            let word = |key: &str| line[key].as_str().unwrap_or("-").to_owned();
            format!(
                "{} {} {}: {}",
                word("rule"),
                word("before"),
                word("after"),
                word("verdict")
            )
        })
        .collect()
}

#[test]
fn a_migrated_job_is_promoted_and_holds_the_order() {
    let Some(mut ground) = Ground::new("migrated") else {
        return;
    };
    let name = ground.name.clone();
    let trace = |job: &str, until: &str| {
        sidecar(&[
            "trace",
            job,
            "-n",
            &name,
            "--attach",
            "--logs",
            "--for",
            until,
            "--timeout",
            "170s",
            "-o",
            "json",
        ])
    };
    // Before the policy is there: an ordinary container, which never ends.
    let left = migrated("left");
    succeeded(ground.kubectl(&["create", "-f", "-"], &left));
    let found = verdicts(&text(&trace("job/left", "started").stdout));
    assert!(
        found
            .iter()
            .any(|verdict| verdict == "promotion proxy -: violated"),
        "{found:#?}"
    );
    ground.promote("migrated", &[]);
    succeeded(ground.kubectl(&["create", "-f", "-"], &migrated("promoted")));
    let run = trace("job/promoted", "complete");
    let done = ground.wait(&["job", "promoted"], |job| {
        !job["status"]["completionTime"].is_null()
    });
    assert_eq!(done["status"]["succeeded"], 1);
    let pods = ground.get(&["pods", "-l", "job-name=promoted"]);
    let pod = &pods["items"][0];
    assert_eq!(names(pod, "initContainers"), ["proxy"]);
    assert_eq!(
        pod["spec"]["initContainers"][0]["startupProbe"]["httpGet"]["path"],
        "/ready"
    );
    assert_eq!(
        pod["metadata"]["annotations"]["kubectl-sidecar/promoted"],
        "proxy"
    );
    let log = ground.kubectl(&["logs", "job/promoted", "-c", "app"], "");
    assert!(
        text(&log.stdout).contains("the proxy is there"),
        "{}",
        text(&log.stdout)
    );
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let found = verdicts(&text(&run.stdout));
    for verdict in [
        "start-order proxy app: proved",
        "stop-order app proxy: proved",
        "promotion proxy -: proved",
    ] {
        assert!(found.iter().any(|one| one == verdict), "{verdict}: {found:#?}");
    }
    // The one from before is as it was.
    let left = ground.get(&["job", "left"]);
    assert_eq!(left["status"]["active"], json!(1), "{}", left["status"]);
}
