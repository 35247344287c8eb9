//! Promoted pods run in the declared order, and Jobs with sidecars end.

use std::{thread, time::Duration};

use serde_json::{Value, json};

use super::{Ground, image, kubectl, names, sidecar, succeeded, text};

/// A Job with a proxy, an app and a log shipper side by side, as everybody wrote it before sidecars.
fn job(name: &str, annotations: &Value) -> Value {
    let ready = json!({"httpGet": {"port": 8099, "path": "/ready"}, "periodSeconds": 1});
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name},
        "spec": {"backoffLimit": 0, "template": {
            "metadata": {"annotations": annotations},
            "spec": {
                "restartPolicy": "Never", "terminationGracePeriodSeconds": 30,
                "initContainers": [{"name": "setup", "image": image(), "command": ["true"]}],
                "containers": [
                    {"name": "proxy", "image": image(), "readinessProbe": ready,
                     "command": ["stand-in", "--listen", ":8099", "--ready-after", "3s", "--ready", "/ready", "--stop-after", "2s"]},
                    {"name": "app", "image": image(),
                     "command": ["sh", "-c", "curl -sf http://localhost:8099/ready && echo the proxy is there; sleep 2"]},
                    {"name": "shipper", "image": image(), "command": ["stand-in", "--stop-after", "2s"]},
                ],
            },
        }},
    })
}

#[test]
fn a_job_hangs_without_and_completes_with_promotion() {
    let Some(mut ground) = Ground::new("order") else {
        return;
    };
    ground.promote("order", &[]);
    ground.create(&job("plain", &json!({})));
    let annotations = json!({"kubectl-sidecar/sidecars": "shipper,proxy"});
    let name = ground.name.clone();
    let recording = tempfile::tempdir().unwrap();
    let directory = recording.path().join("recording.jsonl");
    let arguments = [
        "trace",
        "job/promoted",
        "-n",
        &name,
        "--attach",
        "--logs",
        "--metrics",
        "--for",
        "complete",
        "--timeout",
        "170s",
        "--record",
        directory.to_str().unwrap(),
        "-o",
        "json",
    ];
    ground.create(&job("promoted", &annotations));
    let run = sidecar(&arguments);
    let done = ground.wait(&["job", "promoted"], |job| {
        !job["status"]["completionTime"].is_null()
    });
    assert_eq!(done["status"]["succeeded"], 1);
    let pods = ground.get(&["pods", "-l", "job-name=promoted"]);
    assert_eq!(
        names(&pods["items"][0], "initContainers"),
        ["setup", "proxy", "shipper"]
    );
    let log = ground.kubectl(&["logs", "job/promoted", "-c", "app"], "");
    assert!(
        text(&log.stdout).contains("the proxy is there"),
        "{}",
        text(&log.stdout)
    );
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    for output in [
        text(&run.stdout),
        succeeded(sidecar(&[
            "trace",
            "--replay",
            directory.to_str().unwrap(),
            "-o",
            "json",
        ])),
    ] {
        let proved: Vec<String> = output
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|line| line["type"] == "verdict" && line["verdict"] == "proved")
            .map(|line| {
                format!(
                    "{} {} {}",
                    line["rule"].as_str().unwrap_or_default(),
                    line["before"].as_str().unwrap_or("-"),
                    line["after"].as_str().unwrap_or("-")
                )
            })
            .collect();
        for order in [
            "start-order proxy shipper",
            "start-order shipper app",
            "stop-order app shipper",
            "stop-order shipper proxy",
        ] {
            assert!(proved.iter().any(|line| line == order), "{order}: {proved:#?}");
        }
    }
    // Its app has ended as long ago, and the Job still runs.
    let plain = ground.wait(&["pods", "-l", "job-name=plain"], |pods| {
        pods["items"][0]["status"]["containerStatuses"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|status| status["name"] == "app" && !status["state"]["terminated"].is_null())
    });
    assert_eq!(plain["items"][0]["status"]["phase"], "Running");
    thread::sleep(Duration::from_secs(5));
    let plain = ground.get(&["job", "plain"]);
    assert_eq!(plain["status"]["active"], 1, "{}", plain["status"]);
    kubectl(&["-n", &name, "delete", "job", "--all", "--wait=false"], "");
}
