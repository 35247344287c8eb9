use super::{environment, last, script};
use crate::behaviour::action::{Action, ExitCode, FilePath, Target, Values, Within, classify_pipeline};

#[test]
fn understands_signals() {
    let process = |pattern: &str, within| Target::Process {
        pattern: pattern.to_owned(),
        within,
    };
    let variable = |name: &str| Target::Variable(name.to_owned());
    for (text, signal, targets) in [
        ("kill $PID", None, vec![variable("PID")]),
        (
            "kill -TERM \"${PID}\" $!",
            Some("TERM"),
            vec![variable("PID"), variable("!")],
        ),
        ("kill -s SIGINT 1", Some("INT"), vec![Target::Pid(1)]),
        ("kill -9 -- -1", Some("9"), vec![Target::Pid(-1)]),
        ("kill -15 -1", Some("15"), vec![Target::Pid(-1)]),
        ("kill -- -$PID", None, vec![variable("PID")]),
        ("kill %1", None, vec![Target::Job("%1".to_owned())]),
        (
            "kill $(pgrep -f cloud_sql)",
            None,
            vec![process("cloud_sql", Within::CommandLine)],
        ),
        (
            "kill -INT `pidof envoy`",
            Some("INT"),
            vec![process("envoy", Within::WholeName)],
        ),
        (
            "kill $(cat /run/x.pid)",
            None,
            vec![Target::PidFile("/run/x.pid".to_owned())],
        ),
        (
            "kill $(ps aux | grep envoy | grep -v grep | awk '{print $2}')",
            None,
            vec![process("envoy", Within::CommandLine)],
        ),
        ("kill $(x)", None, vec![Target::Unknown]),
        ("pkill envoy", None, vec![process("envoy", Within::Name)]),
        (
            "pkill -INT -f cloud_sql_proxy",
            Some("INT"),
            vec![process("cloud_sql_proxy", Within::CommandLine)],
        ),
        (
            "pkill -x --signal TERM envoy",
            Some("TERM"),
            vec![process("envoy", Within::WholeName)],
        ),
        (
            "killall -s INT nginx envoy",
            Some("INT"),
            vec![
                process("nginx", Within::WholeName),
                process("envoy", Within::WholeName),
            ],
        ),
        (
            "killall -9 envoy || true",
            Some("9"),
            vec![process("envoy", Within::WholeName)],
        ),
    ] {
        let script = script(text);
        let values = Values::of_script(&script, &environment);
        let found = classify_pipeline(&script.list.statements[0].and_or.first, &values)
            .remove(0)
            .action;
        let expected = Action::Signal {
            signal: signal.map(str::to_owned),
            targets,
            only_tests: false,
        };
        assert_eq!(found, expected, "{text}");
    }
    for text in [
        "kill -0 $PID",
        "killall -0 nginx",
        "pgrep -f envoy",
        "pidof envoy",
    ] {
        assert!(
            matches!(last(text).action, Action::Signal { only_tests: true, .. }),
            "{text}"
        );
    }
    assert_eq!(last("kill -l").action, Action::Echo);
}

#[test]
fn a_program_called_as_a_builtin_is_no_builtin() {
    for (path, builtin) in [
        ("/app/export", "export"),
        ("./exit", "exit"),
        ("/opt/bin/wait", "wait"),
        ("bin/read", "read"),
        ("/app/set", "set"),
    ] {
        let is_other = |text: &str| matches!(last(text).action, Action::Other { .. });
        assert!(is_other(path) && !is_other(builtin), "{path}");
    }
}

#[test]
fn a_pattern_is_a_part_of_the_name_that_the_kernel_keeps() {
    for (pattern, program, fits) in [
        ("cloud-sql", "cloud-sql-proxy", true),
        ("^cloud", "cloud-sql-proxy", true),
        ("^sql", "cloud-sql-proxy", false),
        ("sql-proxy", "cloud-sql-proxy", true),
        // The kernel keeps `statsd-exporter`'s 15 bytes, and of this one as many.
        ("exporter", "mysqld-exporter-two", true),
        ("two", "mysqld-exporter-two", false),
        ("envoy|nginx", "envoy", false),
        ("[e]nvoy", "envoy", false),
    ] {
        assert_eq!(Within::Name.fits_in_part(pattern, program), fits, "{pattern}");
        assert!(!Within::WholeName.fits_in_part(pattern, program));
    }
}

#[test]
fn a_client_that_ends_its_server_makes_a_call() {
    for (text, expected) in [
        ("redis-cli shutdown nosave", Some((true, Some(6379)))),
        (
            "redis-cli -h localhost -p 6380 SHUTDOWN",
            Some((true, Some(6380))),
        ),
        (
            "redis-cli -h cache.example.com shutdown",
            Some((false, Some(6379))),
        ),
        ("redis-cli set shutdown 1", None),
        (
            "mysqladmin -h 127.0.0.1 -uroot -ppw shutdown",
            Some((true, Some(3306))),
        ),
        ("mysqladmin -uroot ping", None),
        ("mysql -h127.0.0.1 -e 'SHUTDOWN;'", Some((true, Some(3306)))),
        ("mysql -h127.0.0.1 -e 'select 1'", None),
        (
            "mongosh --host 127.0.0.1 admin --eval 'db.shutdownServer()'",
            Some((true, Some(27017))),
        ),
        ("rabbitmqctl stop", Some((true, Some(5672)))),
        ("rabbitmqctl stop_app", None),
        ("rabbitmqctl -n rabbit@other stop", None),
        ("cloud-sql-proxy shutdown", Some((true, Some(9091)))),
        (
            "cloud-sql-proxy shutdown --admin-port 9092",
            Some((true, Some(9092))),
        ),
    ] {
        let found = match last(text).action {
            Action::Http(http) => Some((http.url.host.is_local(), http.url.port)),
            _ => None,
        };
        assert_eq!(found, expected, "{text}");
    }
    let stops = |text| match last(text).action {
        Action::Signal { signal, .. } => signal,
        other => panic!("{other:?}"),
    };
    assert_eq!(stops("pg_ctl stop -D /data").as_deref(), Some("INT"));
    assert_eq!(stops("pg_ctl -D /data -m smart stop").as_deref(), Some("TERM"));
}

#[test]
fn understands_files() {
    for (text, expected) in [
        ("touch /tmp/a /tmp/b", "touch /tmp/a /tmp/b"),
        (": > /tmp/a", "touch /tmp/a"),
        ("> /tmp/a", "touch /tmp/a"),
        ("echo done >> /tmp/a", "touch /tmp/a"),
        ("date > $PROXY_HOST/a", "touch 127.0.0.1/a"),
        ("echo x | tee /tmp/a", "touch /tmp/a"),
        ("touch $NOBODY", "touch ?"),
        ("echo x >/dev/null", "-"),
        ("echo x >&2", "-"),
        ("echo x >/dev/termination-log", "-"),
        ("rm -rf /tmp/a", "remove /tmp/a"),
        ("[ -f /tmp/a ]", "test /tmp/a Regular"),
        ("[ ! -e /tmp/a ]", "test /tmp/a Exists not"),
        ("! [ -e /tmp/a ]", "test /tmp/a Exists"),
        ("test -s /tmp/a", "test /tmp/a NotEmpty"),
        ("[[ -f /tmp/a && $x == y ]]", "test /tmp/a Regular"),
        ("[[ ! -S /tmp/a ]]", "test /tmp/a Socket not"),
        ("[ -d \"$PROXY_HOST\" ]", "test 127.0.0.1 Directory"),
        ("ls -l /tmp/a", "test /tmp/a Exists"),
        ("stat /tmp/a", "test /tmp/a Exists"),
        ("cat /tmp/a", "test /tmp/a Read"),
        ("inotifywait -e create /tmp", "test /tmp Watch"),
        ("[ $x -lt 3 ]", "-"),
        ("[ a = b -a c = d ]", "-"),
    ] {
        let paths = |paths: &[FilePath]| {
            paths
                .iter()
                .map(|file| file.path.clone().unwrap_or("?".to_owned()))
                .collect::<Vec<_>>()
                .join(" ")
        };
        let found = match last(text).action {
            Action::Touch { paths: files } => format!("touch {}", paths(&files)),
            Action::Remove { paths: files } => format!("remove {}", paths(&files)),
            Action::TestFile { path, negated, kind } => {
                format!(
                    "test {} {kind:?}{}",
                    paths(&[path]),
                    if negated { " not" } else { "" }
                )
            }
            _ => "-".to_owned(),
        };
        assert_eq!(found, expected, "{text}");
    }
    let written: Vec<_> = last("make report > /tmp/out").written_files;
    assert_eq!(written[0].path.as_deref(), Some("/tmp/out"));
}

#[test]
fn understands_wrappers_and_prefixes() {
    for (text, name, command) in [
        ("kubexit app x", "kubexit", "app"),
        ("/kubexit/kubexit -- app", "kubexit", "app"),
        ("exec scuttle /app", "scuttle", "/app"),
        ("linkerd-await --shutdown -- app", "linkerd-await", "app"),
        ("linkerd-await -S --port 4191 app", "linkerd-await", "app"),
        ("tini -- kubexit app", "kubexit", "app"),
    ] {
        let script = script(text);
        let words = &script.list.commands().next().unwrap().simple().unwrap().words;
        match last(text).action {
            Action::Wrapper {
                name: found,
                command: index,
                ..
            } => {
                assert_eq!(
                    (found.as_str(), words[index].raw.as_str()),
                    (name, command),
                    "{text}"
                );
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    for (text, program) in [
        ("exec app x", "app"),
        ("env A=b -u C app", "app"),
        ("timeout -k 5 10 app", "app"),
        ("timeout -t 5 app", "app"),
        ("nohup nice -n 5 gosu user app", "app"),
        ("sudo -u user -E app", "app"),
        ("dumb-init -- app", "app"),
        ("stdbuf -oL app", "app"),
        ("time app", "app"),
        ("A=b command app", "app"),
        ("su-exec user:group app", "app"),
        ("$PROXY_HOST", "127.0.0.1"),
    ] {
        assert_eq!(
            last(text).action,
            Action::Other {
                program: Some(program.to_owned())
            },
            "{text}"
        );
    }
    assert!(last("exec env app").is_exec && !last("env app").is_exec);
    for (text, name) in [
        ("docker info", "docker info"),
        ("docker ps -q", "docker ps"),
        ("pilot-agent wait", "pilot-agent wait"),
        (
            "/usr/lib/linkerd/linkerd-await --timeout=2m --port=4191",
            "linkerd-await",
        ),
        ("vault status", "vault status"),
    ] {
        assert_eq!(
            last(text).action,
            Action::Tool {
                name: name.to_owned()
            },
            "{text}"
        );
    }
    for text in [
        "docker run x",
        "nginx -t",
        "vault agent",
        "envoy -c x",
        "command -v curl && app",
    ] {
        assert!(matches!(last(text).action, Action::Other { .. }), "{text}");
    }
}

#[test]
fn understands_the_shells_own_commands() {
    for (text, expected) in [
        ("sleep 5", Action::Sleep { seconds: Some(5.0) }),
        ("sleep 1m 5s", Action::Sleep { seconds: Some(65.0) }),
        (
            "sleep infinity",
            Action::Sleep {
                seconds: Some(f64::INFINITY),
            },
        ),
        ("sleep .5", Action::Sleep { seconds: Some(0.5) }),
        ("usleep 500000", Action::Sleep { seconds: Some(0.5) }),
        ("sleep $N", Action::Sleep { seconds: None }),
        ("N=3; sleep $N", Action::Sleep { seconds: Some(3.0) }),
        ("wait", Action::Wait { targets: vec![] }),
        (
            "wait $PID",
            Action::Wait {
                targets: vec![Target::Variable("PID".to_owned())],
            },
        ),
        (
            "exit",
            Action::Exit {
                code: None,
                is_return: false,
            },
        ),
        (
            "exit 0",
            Action::Exit {
                code: Some(ExitCode::Number(0)),
                is_return: false,
            },
        ),
        (
            "exit $?",
            Action::Exit {
                code: Some(ExitCode::LastStatus),
                is_return: false,
            },
        ),
        (
            "exit \"$rc\"",
            Action::Exit {
                code: Some(ExitCode::Variable("rc".to_owned())),
                is_return: false,
            },
        ),
        (
            "return 1",
            Action::Exit {
                code: Some(ExitCode::Number(1)),
                is_return: true,
            },
        ),
        ("break", Action::Break { is_continue: false }),
        (
            "trap 'a b' EXIT INT",
            Action::Trap {
                script: Some(1),
                signals: vec!["EXIT".to_owned(), "INT".to_owned()],
            },
        ),
        (
            "trap - EXIT",
            Action::Trap {
                script: None,
                signals: vec!["EXIT".to_owned()],
            },
        ),
        ("sh -c 'a'", Action::Script),
        ("timeout 5 bash -c 'a'", Action::Script),
        ("eval a", Action::Script),
        ("A=b", Action::Assign),
        ("cd /x", Action::ChangeDirectory),
        ("export A=b", Action::Export),
        ("set -e", Action::Echo),
        ("echo x", Action::Echo),
        ("((i++))", Action::Compare),
        ("x=$(sleep 5)", Action::Assign),
        ("$A x", Action::Other { program: None }),
        ("exec", Action::Echo),
    ] {
        assert_eq!(last(text).action, expected, "{text}");
    }
}
