//! Manifests as repositories hold them: three of four without a workaround, the others with one or two.

/// The manifest of a number: always the same one.
pub(crate) fn manifest(index: usize) -> String {
    let text = match index % 20 {
        0..=7 => workload("Deployment", &Parts::default()),
        8 | 9 => workload("StatefulSet", &Parts::default()),
        10..=12 => format!("{SERVICE}---\n{CONFIG_MAP}"),
        13 | 14 => format!("{}---\n{SERVICE}", workload("Deployment", &Parts::default())),
        _ => {
            let parts = WORKAROUNDS.get(index / 20 % WORKAROUNDS.len()).unwrap();
            workload(if parts.job { "Job" } else { "Deployment" }, parts)
        }
    };
    text.replace("NUMBER", &index.to_string())
        .replace("TEAM", &(index / 100).to_string())
}

/// What makes a workload of this family differ from a plain one.
#[derive(Default)]
struct Parts {
    job: bool,
    annotations: &'static str,
    command: &'static str,
    lifecycle: &'static str,
    sidecar: &'static str,
}

const PROXY: &str = r#"        - name: istio-proxy
          image: docker.io/istio/proxyv2:1.24.0
          args: [proxy, sidecar, --domain, $(POD_NAMESPACE).svc.cluster.local, --proxyLogLevel=warning]
          ports:
            - containerPort: 15090
              name: http-envoy-prom
          readinessProbe:
            httpGet: {path: /healthz/ready, port: 15021}
            periodSeconds: 15
"#;

const SHIPPER: &str = r#"        - name: log-shipper
          image: registry.example.com/platform/vector:0.40.1
          command: ["/bin/sh", "-c"]
          args:
            - |
              vector --config /etc/vector/vector.yaml &
              child=$!
              while [ ! -f /var/run/shared/done ]; do
                sleep 2
              done
              kill -TERM "$child"
              wait "$child"
          volumeMounts:
            - name: scratch
              mountPath: /var/run/shared
"#;

const SQL: &str = r#"        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.1
          args:
            - --port=5432
            - --quitquitquit
            - project:region:database-NUMBER
          securityContext:
            runAsNonRoot: true
          lifecycle:
            preStop:
              exec:
                command: ["sleep", "20"]
"#;

const WORKAROUNDS: [Parts; 10] = [
    Parts {
        job: false,
        annotations: "",
        command: r#"          command: ["/bin/sh", "-c"]
          args:
            - |
              set -euo pipefail
              # The mesh must be up before the first request goes out.
              until curl -fsS http://localhost:15021/healthz/ready; do
                echo "waiting for the proxy"
                sleep 1
              done
              exec /app/server --port "$PORT" --log-level "$LOG_LEVEL"
"#,
        lifecycle: "",
        sidecar: PROXY,
    },
    Parts {
        job: true,
        annotations: "",
        command: r#"          command:
            - /bin/bash
            - -c
            - |
              /app/migrate --to latest
              code=$?
              curl -fsS -X POST http://127.0.0.1:15020/quitquitquit
              exit $code
"#,
        lifecycle: "",
        sidecar: PROXY,
    },
    Parts {
        job: true,
        annotations: "",
        command: r#"          command: [sh, -c, "trap 'touch /var/run/shared/done' EXIT; /app/nightly --all"]
"#,
        lifecycle: "",
        sidecar: SHIPPER,
    },
    Parts {
        job: false,
        annotations: "",
        command: r#"          command: ["sh", "-c", "sleep 15 && exec /app/server"]
"#,
        lifecycle: "",
        sidecar: SQL,
    },
    Parts {
        job: false,
        annotations: "        proxy.istio.io/config: '{\"holdApplicationUntilProxyStarts\": true}'\n",
        command: "",
        lifecycle: "",
        sidecar: "",
    },
    Parts {
        job: true,
        annotations: "        sidecar.istio.io/inject: \"false\"\n",
        command: "          command: [/app/report, --since, yesterday]\n",
        lifecycle: "",
        sidecar: "",
    },
    Parts {
        job: true,
        annotations: "",
        command: r#"          command: ["scuttle", "/app/import", "--from", "s3://bucket/NUMBER"]
"#,
        lifecycle: "",
        sidecar: PROXY,
    },
    Parts {
        job: false,
        annotations: "",
        command: "",
        lifecycle: r#"          lifecycle:
            postStart:
              exec:
                command:
                  - /bin/sh
                  - -c
                  - |
                    for i in $(seq 1 30); do
                      if nc -z 127.0.0.1 5432; then exit 0; fi
                      sleep 2
                    done
                    exit 1
            preStop:
              exec:
                command: ["/bin/sh", "-c", "sleep 10"]
"#,
        sidecar: SQL,
    },
    Parts {
        job: true,
        annotations: "",
        command: r#"          command:
            - sh
            - -c
            - "/app/batch; pkill -TERM cloud-sql-proxy; exit 0"
"#,
        lifecycle: "",
        sidecar: SQL,
    },
    Parts {
        job: false,
        annotations: "        config.linkerd.io/proxy-await: enabled\n        linkerd.io/inject: enabled\n",
        command: "          command: [/app/server]\n",
        lifecycle: "",
        sidecar: SHIPPER,
    },
];

fn workload(kind: &str, parts: &Parts) -> String {
    let head = match kind {
        "Job" => JOB,
        "StatefulSet" => STATEFUL_SET,
        _ => DEPLOYMENT,
    };
    let body = BODY
        .replace("      ANNOTATIONS\n", parts.annotations)
        .replace("          COMMAND\n", parts.command)
        .replace("          LIFECYCLE\n", parts.lifecycle)
        .replace("        SIDECAR\n", parts.sidecar)
        .replace(
            "RESTART",
            if kind == "Job" {
                "restartPolicy: Never"
            } else {
                "restartPolicy: Always"
            },
        );
    format!("{head}{body}")
}

const DEPLOYMENT: &str = include_str!("deployment.yaml");

const STATEFUL_SET: &str = include_str!("stateful_set.yaml");

const JOB: &str = include_str!("job.yaml");

const BODY: &str = include_str!("body.yaml");

const SERVICE: &str = include_str!("service.yaml");

const CONFIG_MAP: &str = include_str!("config_map.yaml");
