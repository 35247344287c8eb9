//! What serves one app: pools, guards, reloaders, tunnels, and servers of tests.

use super::{ROW, Row, at, on};

/// The rows, in the order in which they are looked up.
pub(super) const ROWS: &[Row] = &[
    Row {
        name: "pgbouncer",
        flag_variables: Some("PGBOUNCER_"),
        images: &["*pgbouncer*"],
        containers: &["pgbouncer"],
        in_jobs: true,
        programs: &["pgbouncer"],
        serves: &[6432],
        one_shot: &["-d", "--daemon", "-V"],
        operands: true,
        runs_arguments: true,
        source: "https://github.com/pgbouncer/pgbouncer/blob/master/src/main.c",
        checked: "2026-11-29",
        ..ROW
    },
    Row {
        name: "oauth2-proxy",
        images: &["oauth2-proxy/oauth2-proxy", "oauth2-proxy", "oauth2_proxy"],
        containers: &["oauth2-proxy", "oauth-proxy"],
        in_jobs: true,
        programs: &["oauth2-proxy"],
        ready: &[at(4180, "/ping"), at(4180, "/ready")],
        serves: &[4180],
        // `http-address` in its pkg/apis/options/legacy_options.go.
        local_ports: &[4180],
        one_shot: &["--config-test", "--convert-config-to-alpha"],
        source: "https://github.com/oauth2-proxy/oauth2-proxy/blob/master/main.go",
        checked: "2026-11-29",
        ..ROW
    },
    Row {
        name: "kube-rbac-proxy",
        images: &["kube-rbac-proxy"],
        containers: &["kube-rbac-proxy"],
        certain: true,
        programs: &["kube-rbac-proxy"],
        source: "https://github.com/brancz/kube-rbac-proxy",
        checked: "2026-11-23",
        ..ROW
    },
    Row {
        name: "config-reloader",
        images: &[
            "prometheus-config-reloader",
            "configmap-reload",
            "config-reloader",
        ],
        containers: &[
            "config-reloader",
            "prometheus-config-reloader",
            "configmap-reload",
            "configmap-reloader",
        ],
        certain: true,
        programs: &["prometheus-config-reloader", "configmap-reload"],
        one_shot: &["--watch-interval=0", "--watch-interval=0s"],
        source: "https://github.com/prometheus-operator/prometheus-operator",
        checked: "2026-11-29",
        ..ROW
    },
    Row {
        name: "k8s-sidecar",
        images: &["kiwigrid/k8s-sidecar", "k8s-sidecar"],
        certain: true,
        one_shot_variables: &["METHOD=LIST"],
        source: "https://github.com/kiwigrid/k8s-sidecar",
        checked: "2026-11-29",
        ..ROW
    },
    Row {
        name: "git-sync",
        images: &["git-sync/git-sync", "git-sync"],
        containers: &["git-sync"],
        certain: true,
        programs: &["git-sync"],
        one_shot: &["--one-time", "-one-time", "--man"],
        one_shot_variables: &["GITSYNC_ONE_TIME", "GIT_SYNC_ONE_TIME"],
        source: "https://github.com/kubernetes/git-sync",
        checked: "2026-11-29",
        ..ROW
    },
    Row {
        name: "aws-sigv4-proxy",
        images: &["aws-sigv4-proxy", "aws-observability/aws-sigv4-proxy"],
        containers: &["aws-sigv4-proxy", "sigv4-proxy"],
        certain: true,
        programs: &["aws-sigv4-proxy"],
        source: "https://github.com/awslabs/aws-sigv4-proxy",
        checked: "2026-11-23",
        ..ROW
    },
    Row {
        name: "tailscale",
        images: &["tailscale/tailscale"],
        containers: &["tailscale", "ts-sidecar", "tailscale-sidecar"],
        in_jobs: true,
        programs: &["tailscaled", "containerboot"],
        ready: &[at(9002, "/healthz")],
        one_shot: &["--cleanup", "debug"],
        keeps_running: &["TS_AUTH_ONCE"],
        source: "https://tailscale.com/kb/1282/docker",
        checked: "2026-11-29",
        ..ROW
    },
    Row {
        name: "gluetun",
        images: &["qmcgaw/gluetun", "gluetun"],
        containers: &["gluetun"],
        certain: true,
        ready: &[on(9999)],
        // `SetDefaults` in its internal/configuration/settings/health.go.
        local_ports: &[9999],
        one_shot: &[
            "healthcheck",
            "clientkey",
            "openvpnconfig",
            "update",
            "format-servers",
            "genkey",
        ],
        source: "https://github.com/qdm12/gluetun/blob/master/cmd/gluetun/main.go",
        checked: "2026-11-29",
        ..ROW
    },
    Row {
        name: "cloudflared",
        images: &["cloudflare/cloudflared"],
        containers: &["cloudflared"],
        in_jobs: true,
        programs: &["cloudflared"],
        // Cloudflare's own example sets that port: argo-tunnel-examples, named-tunnel-k8s/cloudflared.yaml.
        ready: &[at(2000, "/ready")],
        subcommands: &["tunnel", "proxy-dns"],
        needs_subcommand: true,
        one_shot: &[
            "login", "create", "list", "route", "delete", "cleanup", "info", "token", "vnet", "diag",
            "ready", "ingress", "update", "version", "help",
        ],
        operands: true,
        source: "https://github.com/cloudflare/cloudflared/blob/master/cmd/cloudflared/tunnel/subcommands.go",
        checked: "2026-11-29",
        ..ROW
    },
    Row {
        images: &["postgres", "postgresql", "*postgis*"],
        programs: &["postgres"],
        one_shot: &[
            "--describe-config",
            "-C",
            "--check",
            "--boot",
            "--bootstrap",
            "--single",
            "-V",
        ],
        source: "https://www.postgresql.org/docs/current/app-postgres.html",
        ..SERVER
    },
    Row {
        images: &["redis"],
        programs: &["redis-server"],
        ..REDIS
    },
    Row {
        images: &["valkey"],
        programs: &["valkey-server"],
        ..REDIS
    },
    Row {
        images: &["mysql"],
        programs: &["mysqld"],
        ..MYSQL
    },
    Row {
        images: &["mariadb"],
        programs: &["mariadbd"],
        ..MYSQL
    },
    Row {
        images: &["mongo"],
        programs: &["mongod"],
        one_shot: &["--fork", "--shutdown", "--repair", "--sysinfo"],
        source: "https://www.mongodb.com/docs/manual/reference/program/mongod/",
        ..SERVER
    },
    Row {
        images: &["memcached"],
        programs: &["memcached"],
        one_shot: &["-d", "--daemon", "-V", "-h", "-i", "--license"],
        source: "https://github.com/memcached/memcached/blob/master/doc/memcached.1",
        ..SERVER
    },
    Row {
        images: &["nats"],
        programs: &["nats-server"],
        one_shot: &["--signal", "-sl", "-t", "-v", "--help_tls"],
        source: "https://docs.nats.io/running-a-nats-service/introduction/flags",
        ..SERVER
    },
    Row {
        images: &["rabbitmq"],
        programs: &["rabbitmq-server"],
        one_shot: &["-detached"],
        source: "https://www.rabbitmq.com/docs/man/rabbitmq-server.8",
        ..SERVER
    },
    Row {
        images: &["influxdb"],
        programs: &["influxd"],
        subcommands: &["run"],
        one_shot: &[
            "version",
            "inspect",
            "print-config",
            "recovery",
            "upgrade",
            "downgrade",
            "backup",
            "restore",
            "config",
            "help",
        ],
        source: "https://docs.influxdata.com/influxdb/v2/reference/cli/influxd/",
        ..SERVER
    },
    Row {
        images: &["elasticsearch"],
        programs: &["elasticsearch"],
        one_shot: &["-d", "--daemonize", "-V"],
        source: "https://www.elastic.co/guide/en/elasticsearch/reference/current/starting-elasticsearch.html",
        ..SERVER
    },
    Row {
        images: &["minio/minio"],
        programs: &["minio"],
        subcommands: &["server"],
        one_shot: &["update"],
        source: "https://min.io/docs/minio/linux/reference/minio-server/minio-server.html",
        ..SERVER
    },
    Row {
        images: &["selenium/*", "localstack/localstack"],
        source: "https://github.com/kubernetes/kubernetes/issues/25908",
        ..SERVER
    },
];

/// Redis and its fork.
const REDIS: Row = Row {
    one_shot: &["--daemonize=yes", "--test-memory", "--check-system", "-v"],
    source: "https://github.com/redis/redis/blob/unstable/src/server.c",
    ..SERVER
};

/// MySQL and its fork.
const MYSQL: Row = Row {
    one_shot: &[
        "--initialize",
        "--initialize-insecure",
        "--validate-config",
        "--bootstrap",
        "--daemonize",
        "-D",
        "--print-defaults",
        "-V",
    ],
    source: "https://dev.mysql.com/doc/refman/8.4/en/server-options.html",
    ..SERVER
};

/// A server that an integration test is run against.
const SERVER: Row = Row {
    name: "test service",
    serves_jobs: true,
    operands: true,
    runs_arguments: true,
    checked: "2026-11-30",
    ..ROW
};
