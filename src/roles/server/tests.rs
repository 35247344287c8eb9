use super::*;
use crate::{
    workload::{self, ConfigMapIndex, ConfigMaps, ProgramPlace},
    yaml,
};

/// The answer for one container, written as fields in flow style.
fn answer(container: &str) -> RunsServer {
    let text = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: x}}\nspec:\n  containers:\n  - {{name: x, {container}}}\n"
    );
    let stream = yaml::parse(&text).unwrap_or_else(|error| panic!("{container}: {error}"));
    let (document, root) = stream.roots().next().unwrap();
    let object = workload::objects(root, document).into_iter().next().unwrap();
    let workload = workload::discover(&object).into_iter().next().unwrap();
    let container = &workload.containers[0];
    let config_maps = ConfigMaps::new(ConfigMapIndex::default(), None);
    let programs = workload::programs(&workload, container, &config_maps);
    let entrypoint = programs
        .iter()
        .find(|program| program.place == ProgramPlace::Entrypoint);
    runs_its_server(container, entrypoint, Catalogue::built_in())
}

/// An image that a row's globs match.
fn image_of(known: &KnownSidecar) -> String {
    let image = known.images[0].replace('*', "x");
    match known.tags.first() {
        Some(tag) => format!("{image}:{}", tag.replace('*', "1")),
        None => format!("{image}:1"),
    }
}

#[test]
fn each_row_runs_its_server_by_itself() {
    for known in Catalogue::built_in().entries() {
        let image = image_of(known);
        assert_eq!(
            answer(&format!("image: {image:?}")),
            RunsServer::Proved,
            "{image}"
        );
    }
}

#[test]
fn each_program_and_subcommand_of_a_row_runs_its_server() {
    for known in Catalogue::built_in().entries() {
        for program in &known.programs {
            let subcommand = known.subcommands.first().filter(|_| known.needs_subcommand);
            let words: Vec<String> = [Some(program), subcommand]
                .into_iter()
                .flatten()
                .map(|word| format!("{word:?}"))
                .collect();
            let command = format!("image: {:?}, command: [{}]", image_of(known), words.join(", "));
            assert_eq!(answer(&command), RunsServer::Proved, "{command}");
        }
        for subcommand in &known.subcommands {
            let arguments = format!(
                "image: {:?}, args: [{subcommand:?}, --log-level=info]",
                image_of(known)
            );
            assert_eq!(answer(&arguments), RunsServer::Proved, "{arguments}");
        }
    }
}

#[test]
fn each_one_shot_mode_of_a_row_refutes() {
    for known in Catalogue::built_in().entries() {
        let image = image_of(known);
        for mode in &known.one_shot {
            // A property is the value of an option.
            let word = if mode == "exit_on_eof" {
                "exit_on_eof=on"
            } else {
                mode
            };
            let container = format!("image: {image:?}, args: [{word:?}]");
            assert!(
                matches!(answer(&container), RunsServer::Refuted(OneShot::Argument(_))),
                "{container}: {:?}",
                answer(&container)
            );
            if let Some(program) = known.programs.first() {
                let container = format!("image: {image:?}, command: [/usr/bin/{program}, {word:?}]");
                assert!(
                    matches!(answer(&container), RunsServer::Refuted(_)),
                    "{container}"
                );
                let container =
                    format!("image: {image:?}, command: [sh, -c, 'set -e; exec {program} {word}']");
                assert!(
                    matches!(answer(&container), RunsServer::Refuted(_)),
                    "{container}"
                );
            }
        }
        for mode in &known.one_shot_variables {
            let (name, value) = split_mode(mode);
            let variable =
                |value: &str| format!("image: {image:?}, env: [{{name: {name}, value: {value:?}}}]");
            assert!(
                matches!(
                    answer(&variable(value.unwrap_or("true"))),
                    RunsServer::Refuted(OneShot::Variable(_))
                ),
                "{mode}"
            );
            if value.is_none() {
                assert_eq!(answer(&variable("false")), RunsServer::Proved, "{mode}");
            }
            let hidden = format!("image: {image:?}, env: [{{name: {name}, valueFrom: {{}}}}]");
            assert!(matches!(answer(&hidden), RunsServer::Unknown(_)), "{hidden}");
            let elsewhere = format!("image: {image:?}, envFrom: [{{configMapRef: {{name: x}}}}]");
            assert_eq!(answer(&elsewhere), RunsServer::Unknown(ServerDoubt::Environment));
        }
    }
}

#[test]
fn what_only_sounds_like_an_end_of_a_row_proves() {
    for known in Catalogue::built_in().entries() {
        let image = image_of(known);
        let subcommand = known
            .subcommands
            .first()
            .map_or(String::new(), |word| format!("{word:?}, "));
        for name in &known.keeps_running {
            let container = if name.starts_with('-') {
                format!("image: {image:?}, args: [{subcommand}{name:?}]")
            } else {
                format!("image: {image:?}, env: [{{name: {name}, value: \"true\"}}]")
            };
            assert_eq!(answer(&container), RunsServer::Proved, "{container}");
        }
    }
}

#[test]
fn servers_as_people_write_them_are_proved() {
    for container in [
        "image: 'gcr.io/cloud-sql-connectors/cloud-sql-proxy:2', args: [--port=5432, $(INSTANCE)]",
        "image: 'gcr.io/cloud-sql-connectors/cloud-sql-proxy:2', args: [--port, '5432', --quitquitquit, --health-check, shop:eu:orders]",
        "image: 'gcr.io/cloudsql-docker/gce-proxy:1.33', command: [/cloud_sql_proxy, '-instances=a:b:c=tcp:5432', -term_timeout=30s]",
        "image: istio/proxyv2, args: [proxy, sidecar, --domain, $(POD_NAMESPACE).svc.cluster.local]",
        "image: istio/proxyv2, env: [{name: EXIT_ON_ZERO_ACTIVE_CONNECTIONS, value: 'true'}]",
        "image: 'docker:27-dind', args: [dockerd, '--host=tcp://0.0.0.0:2375']",
        "image: elastic/filebeat, args: [-c, /etc/filebeat.yml, -e]",
        "image: 'redis:7', command: [redis-server], args: [/etc/redis.conf]",
        "image: 'postgres:16', args: [-c, max_connections=200]",
        "image: 'my/vault:1', command: [sh, -c, 'echo ${C?} | base64 -d > /c.json && vault agent -config=/c.json']",
        "image: 'telegraf:1', command: [tini, --, telegraf, --config, /etc/t.conf]",
        "image: 'envoyproxy/envoy:v1', command: [envoy, -c, /etc/envoy.yaml]",
        "image: 'registry.k8s.io/git-sync/git-sync:v4', args: ['--one-time=false', '--period=60s']",
        "image: 'my/image', command: [/usr/bin/fluent-bit, -c, /etc/fb.conf]",
        "image: 'grafana/promtail:3', args: [-config.file=/etc/promtail.yml]",
        "image: 'telegraf:1', command: [sh, -c, 'until nc -z db 5432; do echo wait; sleep 1; done; exec telegraf']",
        "image: 'telegraf:1', command: [sh, -c, 'while ! curl -fs localhost:9090/ready; do sleep 1; done; telegraf']",
    ] {
        assert_eq!(answer(container), RunsServer::Proved, "{container}");
    }
}

#[test]
fn one_shot_modes_as_people_write_them_are_refuted() {
    for container in [
        "image: 'telegraf:1.31', args: [--once]",
        "image: 'telegraf:1.31', command: [telegraf], args: [--config, /x, --test]",
        "image: elastic/filebeat, args: [setup, -e]",
        "image: elastic/filebeat, command: [filebeat, setup, --dashboards]",
        "image: 'gcr.io/cloud-sql-connectors/cloud-sql-proxy:2', args: [wait, --max=60s]",
        "image: 'gcr.io/cloud-sql-connectors/cloud-sql-proxy:2', args: [--run-connection-test, a:b:c]",
        "image: otel/opentelemetry-collector, args: [validate, --config=/x]",
        "image: 'kiwigrid/k8s-sidecar:1', env: [{name: METHOD, value: LIST}]",
        "image: 'registry.k8s.io/git-sync/git-sync:v4', args: [--one-time=true]",
        "image: 'fluent/fluent-bit:3', args: [-i, tail, -p, exit_on_eof=true, -o, stdout]",
        "image: 'fluent/fluent-bit:3', args: [-i, dummy, -o, exit]",
        "image: 'gcr.io/datadoghq/agent:7', command: [agent, check, postgres]",
        "image: 'vault-agent:1', args: [agent, -exit-after-auth, -config=/x]",
        "image: 'envoyproxy/envoy:v1', args: [--mode, validate, -c, /x]",
        "image: 'timberio/vector:1', args: [validate, /etc/vector.yaml]",
        "image: prometheus-config-reloader, args: ['--watch-interval=0', --config-file=/x]",
    ] {
        let answer = answer(container);
        assert!(
            matches!(answer, RunsServer::Refuted(_)),
            "{container}: {answer:?}"
        );
    }
}

#[test]
fn what_the_text_does_not_tell_is_unknown_with_its_reason() {
    use ServerDoubt as Doubt;
    for (container, doubt) in [
        ("image: my/app", Doubt::Image),
        ("args: [x]", Doubt::Image),
        (
            "image: 'telegraf:1', command: [/work.sh]",
            Doubt::Command("work.sh".into()),
        ),
        (
            "image: 'telegraf:1', args: [/work.sh]",
            Doubt::Command("/work.sh".into()),
        ),
        (
            "image: 'postgres:16', args: [psql, -c, x]",
            Doubt::Command("psql".into()),
        ),
        (
            "image: elastic/filebeat, args: [filebeat, frob]",
            Doubt::Subcommand("frob".into()),
        ),
        (
            "image: elastic/filebeat, args: [--frob, setup]",
            Doubt::Subcommand("setup".into()),
        ),
        (
            "image: elastic/filebeat, args: [filebeat, $(MODE)]",
            Doubt::Word("$(MODE)".into()),
        ),
        ("image: istio/proxyv2, args: [--domain=x]", Doubt::NoSubcommand),
        (
            "image: 'telegraf:1', args: [--run-once-more]",
            Doubt::Option("--run-once-more".into()),
        ),
        (
            "image: 'telegraf:1', command: [sh, -c, 'telegraf & sleep 30; kill $!']",
            Doubt::Script { starts_server: true },
        ),
        (
            "image: 'telegraf:1', command: [sh, -c, '(sleep 9; kill 1) & telegraf']",
            Doubt::Script { starts_server: true },
        ),
        (
            "image: 'telegraf:1', command: [sh, -c, 'telegraf | tee /x']",
            Doubt::Script { starts_server: true },
        ),
        // The app's end may be what it waits for.
        (
            "image: 'telegraf:1', command: [sh, -c, 'while nc -z localhost 80; do sleep 1; done; telegraf']",
            Doubt::Script { starts_server: true },
        ),
        (
            "image: 'telegraf:1', command: [sh, -c, 'until [ -f /x ]; do sleep 1; done; telegraf']",
            Doubt::Script { starts_server: true },
        ),
        (
            "image: 'telegraf:1', command: [timeout, '60', telegraf]",
            Doubt::Wrapper {
                name: "timeout",
                starts_server: true,
            },
        ),
        (
            "image: 'telegraf:1', command: [kubexit, telegraf]",
            Doubt::Wrapper {
                name: "kubexit",
                starts_server: true,
            },
        ),
        (
            "image: 'telegraf:1', env: [{name: KUBEXIT_NAME, value: x}]",
            Doubt::Wrapper {
                name: "kubexit",
                starts_server: true,
            },
        ),
        (
            "image: 'telegraf:1', env: [{name: LINKERD_AWAIT_DISABLED, value: ''}]",
            Doubt::Wrapper {
                name: "linkerd-await",
                starts_server: true,
            },
        ),
        (
            "image: 'gcr.io/datadoghq/agent:7', env: [{name: DD_AUTO_EXIT_NOPROCESS_ENABLED, value: 'true'}]",
            Doubt::Variable("DD_AUTO_EXIT_NOPROCESS_ENABLED".into()),
        ),
        (
            "image: 'telegraf:1', env: [{name: RUN_ONCE, value: '1'}]",
            Doubt::Variable("RUN_ONCE".into()),
        ),
        (
            "image: 'telegraf:1', env: [{name: EXIT_DIR, value: /x}]",
            Doubt::Variable("EXIT_DIR".into()),
        ),
        (
            "image: 'telegraf:1', env: [{name: A_ONE_TIME_JOB, value: 'yes'}]",
            Doubt::Variable("A_ONE_TIME_JOB".into()),
        ),
    ] {
        assert_eq!(answer(container), RunsServer::Unknown(doubt), "{container}");
    }
}
