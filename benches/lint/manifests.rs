//! Manifests as repositories hold them: three of four without a workaround, the others with one or two.

/// The file of a manifest, 100 in a directory.
pub(crate) fn name(index: usize) -> String {
    format!("team-{}/{}.yaml", index / 100, index)
}

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

const DEPLOYMENT: &str = r#"# Managed by the platform team; ask in #platform before changing resources.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-NUMBER
  namespace: team-TEAM
  labels:
    app.kubernetes.io/name: app-NUMBER
    app.kubernetes.io/part-of: shop
    app.kubernetes.io/managed-by: kustomize
spec:
  replicas: 3
  revisionHistoryLimit: 5
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}
  selector:
    matchLabels:
      app.kubernetes.io/name: app-NUMBER
"#;

const STATEFUL_SET: &str = r#"---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: store-NUMBER
  namespace: team-TEAM
spec:
  serviceName: store-NUMBER
  replicas: 3
  podManagementPolicy: Parallel
  selector:
    matchLabels:
      app.kubernetes.io/name: store-NUMBER
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes: [ReadWriteOnce]
        resources:
          requests:
            storage: 10Gi
"#;

const JOB: &str = r#"# Runs once per release.
apiVersion: batch/v1
kind: Job
metadata:
  name: job-NUMBER
  namespace: team-TEAM
  annotations:
    argocd.argoproj.io/hook: PreSync
spec:
  backoffLimit: 2
  ttlSecondsAfterFinished: 3600
"#;

const BODY: &str = r#"  template:
    metadata:
      labels:
        app.kubernetes.io/name: app-NUMBER
        app.kubernetes.io/version: "1.2.NUMBER"
      annotations:
        checksum/config: 4f1a3b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e
        prometheus.io/scrape: "true"
        prometheus.io/port: "9090"
      ANNOTATIONS
    spec:
      RESTART
      serviceAccountName: app
      terminationGracePeriodSeconds: 45
      securityContext:
        runAsNonRoot: true
        runAsUser: 10001
        fsGroup: 10001
      containers:
        - name: app
          image: registry.example.com/team-TEAM/app:1.2.NUMBER
          imagePullPolicy: IfNotPresent
          COMMAND
          ports:
            - name: http
              containerPort: 8080
              protocol: TCP
            - name: metrics
              containerPort: 9090
          env:
            - name: PORT
              value: "8080"
            - name: LOG_LEVEL
              value: info
            - name: DATABASE_HOST
              value: postgres-NUMBER.team-TEAM.svc.cluster.local
            - name: DATABASE_PASSWORD
              valueFrom:
                secretKeyRef:
                  name: app-NUMBER-database
                  key: password
            - name: POD_IP
              valueFrom:
                fieldRef:
                  fieldPath: status.podIP
            # Half of the limit below, so that the collector runs early enough.
            - name: GOMEMLIMIT
              value: 256MiB
          envFrom:
            - configMapRef:
                name: config-NUMBER
          resources:
            requests:
              cpu: 100m
              memory: 256Mi
            limits:
              memory: 512Mi
          startupProbe:
            httpGet:
              path: /healthz
              port: http
            failureThreshold: 30
            periodSeconds: 2
          livenessProbe:
            httpGet:
              path: /healthz
              port: http
            periodSeconds: 10
          readinessProbe:
            httpGet:
              path: /ready
              port: http
            periodSeconds: 5
          LIFECYCLE
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
          volumeMounts:
            - name: config
              mountPath: /etc/app
              readOnly: true
            - name: scratch
              mountPath: /var/run/shared
        SIDECAR
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - weight: 100
              podAffinityTerm:
                topologyKey: kubernetes.io/hostname
                labelSelector:
                  matchLabels:
                    app.kubernetes.io/name: app-NUMBER
      volumes:
        - name: config
          configMap:
            name: config-NUMBER
        - name: scratch
          emptyDir: {}
"#;

const SERVICE: &str = r#"apiVersion: v1
kind: Service
metadata:
  name: app-NUMBER
  namespace: team-TEAM
  labels:
    app.kubernetes.io/name: app-NUMBER
  annotations:
    external-dns.alpha.kubernetes.io/hostname: app-NUMBER.example.com
spec:
  type: ClusterIP
  selector:
    app.kubernetes.io/name: app-NUMBER
  ports:
    - name: http
      port: 80
      targetPort: http
      protocol: TCP
    - name: metrics
      port: 9090
      targetPort: metrics
"#;

const CONFIG_MAP: &str = r#"apiVersion: v1
kind: ConfigMap
metadata:
  name: config-NUMBER
  namespace: team-TEAM
data:
  LOG_FORMAT: json
  FEATURES: "checkout,search,recommendations"
  application.properties: |
    # generated, do not edit
    server.port=8080
    server.shutdown=graceful
    spring.lifecycle.timeout-per-shutdown-phase=20s
    spring.datasource.url=jdbc:postgresql://postgres-NUMBER.team-TEAM.svc.cluster.local:5432/app
    spring.datasource.hikari.maximum-pool-size=20
    management.endpoints.web.exposure.include=health,info,prometheus
  logging.yaml: |
    root:
      level: INFO
      handlers: [console]
    handlers:
      console:
        class: logging.StreamHandler
        formatter: json
        stream: ext://sys.stdout
  nginx.conf: |
    worker_processes auto;
    events { worker_connections 1024; }
    http {
      server {
        listen 8080;
        location /healthz { return 200 'ok'; }
        location / { proxy_pass http://127.0.0.1:3000; }
      }
    }
  entrypoint.sh: |
    #!/bin/sh
    set -e
    envsubst < /etc/app/template > /tmp/config
    exec /app/server --config /tmp/config
"#;
