//! Small manifests with two findings in each: less than a kilobyte, nothing but a workload with its workarounds.

/// How many there are in the set.
pub(crate) const SMALL: usize = 2000;

/// The small manifest of a number: always the same one.
pub(crate) fn manifest(index: usize) -> String {
    let (kind, app, sidecar) = KINDS[index % KINDS.len()];
    let (head, restart) = match kind {
        "Job" => (
            "apiVersion: batch/v1\nkind: Job\n",
            "      restartPolicy: Never\n",
        ),
        _ => ("apiVersion: apps/v1\nkind: Deployment\n", ""),
    };
    format!("{head}{METADATA}{restart}      containers:\n        - name: app\n{app}{sidecar}")
        .replace("NUMBER", &index.to_string())
        .replace("TEAM", &(index / 100).to_string())
}

const METADATA: &str = r#"metadata:
  name: service-NUMBER
  namespace: team-TEAM
  labels:
    app.kubernetes.io/name: service-NUMBER
    app.kubernetes.io/part-of: platform
spec:
  template:
    metadata:
      labels:
        app.kubernetes.io/name: service-NUMBER
    spec:
"#;

/// The kind of workload, its app and its sidecar.
const KINDS: [(&str, &str, &str); 5] = [
    (
        "Deployment",
        r#"          image: registry.example.com/team-TEAM/app:1.NUMBER
          command: ["/bin/sh", "-c"]
          args:
            - |
              sleep 5
              until curl -fsS http://localhost:15021/healthz/ready; do
                sleep 1
              done
              exec /app/server --port 8080
"#,
        PROXY,
    ),
    (
        "Job",
        r#"          image: registry.example.com/team-TEAM/app:1.NUMBER
          command:
            - /bin/bash
            - -c
            - |
              until curl -fsS http://localhost:15021/healthz/ready; do sleep 1; done
              /app/migrate --to latest
              code=$?
              curl -fsS -X POST http://127.0.0.1:15020/quitquitquit
              exit $code
"#,
        PROXY,
    ),
    (
        "Job",
        r#"          image: registry.example.com/team-TEAM/app:1.NUMBER
          command: [sh, -c, "sleep 10; /app/report --all; code=$?; touch /run/shared/done; exit $code"]
          volumeMounts:
            - {name: shared, mountPath: /run/shared}
"#,
        SHIPPER,
    ),
    (
        "Deployment",
        r#"          image: registry.example.com/team-TEAM/app:1.NUMBER
          command: ["sh", "-c", "sleep 15 && exec /app/server"]
          env:
            - name: DATABASE_URL
              value: postgres://app@127.0.0.1:5432/bookings
"#,
        DATABASE,
    ),
    (
        "Deployment",
        r#"          image: registry.example.com/team-TEAM/app:1.NUMBER
          command: [sh, -c, "sleep 5; exec scuttle /app/import --from s3://bucket/NUMBER"]
          env:
            - name: ENVOY_ADMIN_API
              value: http://127.0.0.1:15000
            - name: ISTIO_QUIT_API
              value: http://127.0.0.1:15020
"#,
        PROXY,
    ),
];

const PROXY: &str = r#"        - name: istio-proxy
          image: docker.io/istio/proxyv2:1.24.0
          args: [proxy, sidecar]
          ports:
            - containerPort: 15090
"#;

const DATABASE: &str = r#"        - name: cloud-sql-proxy
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.1
          args:
            - --port=5432
            - project:region:database-NUMBER
          lifecycle:
            preStop:
              exec:
                command: ["sleep", "20"]
"#;

const SHIPPER: &str = r#"        - name: log-shipper
          image: registry.example.com/platform/vector:0.40.1
          command: ["/bin/sh", "-c"]
          args:
            - |
              vector --config /etc/vector.yaml &
              while [ ! -f /run/shared/done ]; do sleep 2; done
              kill $!
          volumeMounts:
            - {name: shared, mountPath: /run/shared}
      volumes:
        - {name: shared, emptyDir: {}}
"#;
