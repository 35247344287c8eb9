//! How long the tree takes beside the bare events of saphyr-parser: `cargo bench --bench yaml`.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use std::{
    fmt::Write,
    hint::black_box,
    time::{Duration, Instant},
};

use kubectl_sidecar::yaml;
use saphyr_parser::Parser;

const MANIFEST: &str = r#"---
# Source: chart/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-NUMBER
  labels:
    app.kubernetes.io/name: "app"   # a comment
    app.kubernetes.io/instance: 'release-NUMBER'
spec:
  replicas: 3
  selector:
    matchLabels: {app: app-NUMBER}
  template:
    metadata:
      annotations:
        checksum/config: 4f1a3b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e
    spec:
      containers:
        - name: app
          image: registry.example.com/team/app:1.2.NUMBER
          command: ["/bin/sh", "-c"]
          args:
            - |
              set -e
              until curl -fs localhost:15021/healthz/ready; do
                sleep 1
              done
              exec /app --port "$PORT"
          env:
            - name: PORT
              value: "8080"
            - name: HOST
              valueFrom:
                fieldRef:
                  fieldPath: status.podIP
          ports:
            - containerPort: 8080
              name: http
          readinessProbe:
            httpGet: {path: /ready, port: http}
            periodSeconds: 5
          volumeMounts:
            - name: config
              mountPath: /etc/app
        - name: proxy
          image: registry.example.com/team/proxy:2.0
          lifecycle:
            preStop:
              exec:
                command: [sleep, "10"]
      volumes:
        - name: config
          configMap:
            name: app-NUMBER
"#;

fn manifests(count: usize, json: bool) -> String {
    let mut text = String::new();
    for number in 0..count {
        let manifest = MANIFEST.replace("NUMBER", &number.to_string());
        if json {
            let value: serde_json::Value = serde_yaml::from_str(&manifest).unwrap();
            writeln!(text, "{}", serde_json::to_string_pretty(&value).unwrap()).unwrap();
            text += "---\n";
        } else {
            text += &manifest;
        }
    }
    if json {
        text.trim_end_matches("---\n").to_owned()
    } else {
        text
    }
}

fn fastest(mut run: impl FnMut()) -> Duration {
    let time = |run: &mut dyn FnMut()| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..300).map(|_| time(&mut run)).min().unwrap_or_default()
}

fn compare(name: &str, text: &str) {
    let events = fastest(|| {
        let mut parser = Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            black_box(event.unwrap());
        }
    });
    let tree = fastest(|| {
        black_box(yaml::parse(text).unwrap());
    });
    println!(
        "{name}: {} kB, events {events:?}, tree {tree:?}, ratio {:.2}",
        text.len() / 1000,
        tree.as_secs_f64() / events.as_secs_f64()
    );
}

fn main() {
    let yaml = manifests(250, false);
    compare("YAML", &yaml);
    compare("YAML beyond ASCII", &yaml.replace("a comment", "ein Gruß"));
    compare("JSON", &manifests(250, true));
    compare("one JSON value", &manifests(1, true));
}
