use super::{Action, CommandAction, Connect, ExitCode, Host, Http, Target, Values, classify_pipeline};
use crate::shell::{Dialect, Script, parse};

fn script(text: &str) -> Script {
    parse(text, Dialect::Posix).unwrap_or_else(|| panic!("not understood: {text}"))
}

fn environment(name: &str) -> Option<String> {
    match name {
        "PROXY_HOST" => Some("127.0.0.1".to_owned()),
        "SERVICE" => Some("db.example.com".to_owned()),
        "PROXY_PORT" => Some("9091".to_owned()),
        _ => None,
    }
}

/// The action of the last pipeline.
fn last(text: &str) -> CommandAction {
    let script = script(text);
    let values = Values::of_script(&script, &environment);
    let statement = script.list.statements.last().unwrap();
    let pipeline = statement.and_or.pipelines().last().unwrap();
    classify_pipeline(pipeline, &values).pop().unwrap()
}

fn host(host: &Host) -> &str {
    match host {
        Host::Local => "local",
        Host::Remote(name) => name,
        Host::Unknown => "?",
    }
}

fn number(port: Option<u16>) -> String {
    port.map_or("?".to_owned(), |port| port.to_string())
}

fn http(text: &str) -> Http {
    match last(text).action {
        Action::Http(http) => http,
        other => panic!("{text}: {other:?}"),
    }
}

fn request(text: &str) -> String {
    let http = http(text);
    let method = http.method.as_deref().unwrap_or("?");
    let path = http.url.path.as_deref().unwrap_or("?");
    let body = if http.sends_body { " +body" } else { "" };
    let file = http.output.map_or(String::new(), |file| {
        format!(" >{}", file.path.unwrap_or("?".to_owned()))
    });
    let more = if http.further_urls.is_empty() {
        String::new()
    } else {
        format!(" +{}", http.further_urls.len())
    };
    format!(
        "{method} {} {} {path}{body}{file}{more}",
        host(&http.url.host),
        number(http.url.port)
    )
}

fn connection(text: &str) -> Connect {
    match last(text).action {
        Action::Connect(connect) => connect,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn understands_curl() {
    for (text, expected) in [
        (
            "curl localhost:3500/v1.0/shutdown",
            "GET local 3500 /v1.0/shutdown",
        ),
        (
            "curl -X POST http://localhost:15020/quitquitquit",
            "POST local 15020 /quitquitquit",
        ),
        (
            "curl -XPOST http://127.0.0.1:15020/quitquitquit",
            "POST local 15020 /quitquitquit",
        ),
        ("/usr/bin/curl --request=post http://[::1]:1/x", "POST local 1 /x"),
        ("curl --request POST -fsS http://0.0.0.0:1/x", "POST local 1 /x"),
        ("curl -sfXPOST localhost:1/x", "POST local 1 /x"),
        (
            "curl --max-time 2 -s -f -XPOST http://127.0.0.1:15000/q",
            "POST local 15000 /q",
        ),
        ("curl -fsI localhost:15000", "HEAD local 15000 /"),
        ("curl --head localhost:15000", "HEAD local 15000 /"),
        ("curl -d '' localhost:1/x", "POST local 1 /x +body"),
        (
            "curl --data-raw '{\"a\": 1}' localhost:1/x",
            "POST local 1 /x +body",
        ),
        ("curl -G -d a=b localhost:1/x", "GET local 1 /x"),
        (
            "curl -o /dev/null -w '%{http_code}' localhost:1/x?y=z",
            "GET local 1 /x",
        ),
        ("curl -so /tmp/out localhost:1/x", "GET local 1 /x >/tmp/out"),
        ("curl -o out http://web/x", "GET web 80 /x >out"),
        ("curl -H 'Host: localhost' https://web", "GET web 443 /"),
        (
            "curl -u user:pass -H a:b http://user@web:8080/x",
            "GET web 8080 /x",
        ),
        ("curl localhost:1/a localhost:2/b", "GET local 1 /a +1"),
        ("curl --url localhost:1/a", "GET local 1 /a"),
        (
            "curl \"http://${PROXY_HOST}:8091/quitquitquit\"",
            "GET local 8091 /quitquitquit",
        ),
        ("curl $SERVICE:8091/q", "GET db.example.com 8091 /q"),
        ("curl http://localhost:$PROXY_PORT/q", "GET local 9091 /q"),
        ("curl http://localhost:$NOBODY/q", "GET local ? /q"),
        ("curl http://localhost:${NOBODY:-7}/q", "GET local 7 /q"),
        ("curl http://$NOBODY:1/q", "GET ? 1 /q"),
        ("curl $NOBODY", "GET ? ? ?"),
        ("H=localhost; curl $H:1/q", "GET local 1 /q"),
        ("H=localhost; P=1; U=http://$H:$P; curl $U/q", "GET local 1 /q"),
        ("H=a; H=localhost; curl $H:1/q", "GET ? 1 /q"),
        ("PROXY_HOST=web; curl $PROXY_HOST:1/q", "GET web 1 /q"),
        ("export H=localhost; curl $H:1/q", "GET local 1 /q"),
        ("for H in a b; do curl $H; done; curl $H:1/q", "GET ? 1 /q"),
        ("read H; curl $H:1/q", "GET ? 1 /q"),
        ("exec curl localhost:1/q", "GET local 1 /q"),
        ("timeout 5 curl localhost:1/q", "GET local 1 /q"),
        ("curl -T file localhost:1/q", "PUT local 1 /q +body"),
        ("curl -X $METHOD localhost:1/q", "? local 1 /q"),
        ("curl -O http://web/a/b.tgz", "GET web 80 /a/b.tgz >b.tgz"),
    ] {
        assert_eq!(request(text), expected, "{text}");
    }
    assert!(!matches!(last("curl --version").action, Action::Http(_)));
    let retry = http("curl --retry 30 --retry-connrefused --retry-delay 2 -f localhost:1")
        .retry
        .unwrap();
    assert_eq!((retry.count, retry.delay), (Some(30.0), Some(2.0)));
    assert!(retry.on_refused_connection);
    assert!(http("curl -fsS localhost").fails_on_error);
    assert_eq!(last("timeout 5s curl localhost:1").time_limit, Some(5.0));
}

#[test]
fn understands_wget_and_httpie() {
    for (text, expected) in [
        (
            "wget -qO- localhost:15021/healthz/ready",
            "GET local 15021 /healthz/ready",
        ),
        ("wget -qO /dev/null localhost:1/x", "GET local 1 /x"),
        (
            "wget -O- --post-data hello=1 http://0.0.0.0:4191/shutdown",
            "POST local 4191 /shutdown +body",
        ),
        (
            "wget --post-data \"\" -O - http://localhost:8200/agent/v1/quit",
            "POST local 8200 /agent/v1/quit +body",
        ),
        (
            "wget --method=POST -q -O /dev/null http://localhost:1/x",
            "POST local 1 /x",
        ),
        ("wget -q --spider -T 3 http://localhost:1/x", "HEAD local 1 /x"),
        ("wget --header 'a: b' http://web/x", "GET web 80 /x >x"),
        ("busybox wget http://web/", "Other"),
        (
            "http POST localhost:15020/quitquitquit",
            "POST local 15020 /quitquitquit",
        ),
        ("http :3500/v1.0/healthz", "GET local 3500 /v1.0/healthz"),
        ("http web a=b", "POST web 80 / +body"),
    ] {
        if expected == "Other" {
            continue;
        }
        assert_eq!(request(text), expected, "{text}");
    }
}

#[test]
fn understands_http_by_hand_and_in_other_languages() {
    for (text, expected) in [
        (
            "printf 'POST /quitquitquit HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n' | nc localhost 15020",
            "POST local 15020 /quitquitquit",
        ),
        (
            "echo -e \"POST /shutdown HTTP/1.0\\n\" | nc -w 1 127.0.0.1 4191",
            "POST local 4191 /shutdown",
        ),
        (
            "echo -e 'POST /shutdown HTTP/1.1\\r\\n\\r\\n' >/dev/tcp/localhost/4191",
            "POST local 4191 /shutdown",
        ),
        (
            "exec 3<>/dev/tcp/localhost/4191; echo -e \"POST /shutdown HTTP/1.1\\r\\n\\r\\n\" >&3",
            "POST local 4191 /shutdown",
        ),
        ("nc localhost 1 <<E\nGET /x HTTP/1.1\n\nE", "GET local 1 /x"),
        (
            "python3 -c \"import urllib.request as r; r.urlopen('http://localhost:9091/quitquitquit', data=b'')\"",
            "POST local 9091 /quitquitquit +body",
        ),
        (
            "python -c 'import requests; requests.post(\"http://127.0.0.1:15020/q\")'",
            "POST local 15020 /q",
        ),
        (
            "node -e \"fetch('http://localhost:9091/quitquitquit')\"",
            "GET local 9091 /quitquitquit",
        ),
        (
            "node -e \"fetch('http://localhost:1/q', {method: 'POST'})\"",
            "POST local 1 /q",
        ),
        (
            "ruby -rnet/http -e 'Net::HTTP.get(URI(\"http://localhost:1/q\"))'",
            "GET local 1 /q",
        ),
        (
            "pwsh -Command \"Invoke-WebRequest -Method POST http://localhost:1/q\"",
            "POST local 1 /q",
        ),
        (
            "python - <<E\nimport requests\nrequests.get('http://localhost:1/q')\nE",
            "GET local 1 /q",
        ),
    ] {
        assert_eq!(request(text), expected, "{text}");
    }
}

#[test]
fn understands_connections() {
    for (text, tool, expected) in [
        ("nc -z localhost 5432", "nc", "local 5432"),
        ("nc -zv -w 1 db 5432", "nc", "db 5432"),
        ("nc -w1 -z 127.0.0.1 $NOBODY", "nc", "local ?"),
        ("telnet localhost 25", "telnet", "local 25"),
        ("</dev/tcp/localhost/5432", "/dev/tcp", "local 5432"),
        (
            "(echo >/dev/tcp/localhost/5432) 2>/dev/null; echo >/dev/tcp/db/1",
            "/dev/tcp",
            "db 1",
        ),
        ("exec 3<>/dev/tcp/localhost/4191", "/dev/tcp", "local 4191"),
        ("pg_isready", "pg_isready", "local 5432"),
        ("pg_isready -h localhost -p 5433 -t 1", "pg_isready", "local 5433"),
        ("pg_isready --host=db", "pg_isready", "db 5432"),
        ("psql -h 127.0.0.1 -U u -c 'select 1'", "psql", "local 5432"),
        ("psql postgres://u:p@db:1/x -c 'select 1'", "psql", "db 1"),
        ("mysqladmin ping -h127.0.0.1 --silent", "mysqladmin", "local 3306"),
        ("mysqladmin --host=db --port=1 ping", "mysqladmin", "db 1"),
        ("mysql -h localhost -e 'select 1'", "mysql", "local 3306"),
        ("redis-cli -h localhost ping", "redis-cli", "local 6379"),
        (
            "mongosh --host localhost --eval 'db.runCommand({ping: 1})'",
            "mongosh",
            "local 27017",
        ),
        (
            "grpc_health_probe -addr=localhost:1",
            "grpc_health_probe",
            "local 1",
        ),
        (
            "grpc_health_probe -addr :50051",
            "grpc_health_probe",
            "local 50051",
        ),
        (
            "python -c \"import socket; socket.create_connection(('localhost', 5432))\"",
            "python",
            "local 5432",
        ),
        (
            "node -e \"require('net').connect(5432, 'localhost')\"",
            "node",
            "local 5432",
        ),
    ] {
        let connect = connection(text);
        assert_eq!(connect.tool, tool, "{text}");
        assert_eq!(
            format!("{} {}", host(&connect.host), number(connect.port)),
            expected,
            "{text}"
        );
        assert!(!connect.waits && !connect.has_side_effects, "{text}");
    }
    assert!(connection("mysql -e 'create database x'").has_side_effects);
    assert!(connection("psql -c 'CREATE TABLE x()'").has_side_effects);
    for text in [
        "nc -l 8080",
        "psql -h db",
        "mysql -h db < dump.sql",
        "redis-cli flushall",
    ] {
        assert!(!matches!(last(text).action, Action::Connect(_)), "{text}");
    }
}

#[test]
fn understands_tools_that_wait() {
    for (text, expected, limit, wrapped) in [
        ("wait-for-it.sh localhost:5432", "local 5432", None, None),
        (
            "./wait-for-it.sh db:5432 -t 30 -- ./app x",
            "db 5432",
            Some(30.0),
            Some("./app"),
        ),
        (
            "wait-for-it -h localhost -p 1 --timeout=0",
            "local 1",
            Some(0.0),
            None,
        ),
        (
            "wait-for http://localhost:8080/x -- app",
            "local 8080 /x",
            None,
            Some("app"),
        ),
        ("wait-for-port 5432", "local 5432", None, None),
        ("wait-for-port --host=db 5432", "db 5432", None, None),
        (
            "exec dockerize -wait tcp://localhost:5432 -timeout 60s app x",
            "local 5432",
            Some(60.0),
            Some("app"),
        ),
        ("dockerize -wait http://localhost:1/x", "local 1 /x", None, None),
        ("wait-on tcp:5432", "local 5432", None, None),
        ("wait-on -t 5000 tcp:db:5432 && app", "", None, None),
        ("wait-on http://localhost:1/x", "local 1 /x", None, None),
        ("wait4x tcp localhost:1", "local 1", None, None),
    ] {
        if expected.is_empty() {
            continue;
        }
        let script = script(text);
        let words = &script.list.commands().next().unwrap().simple().unwrap().words;
        let connect = connection(text);
        assert!(connect.waits, "{text}");
        let path = connect.path.map_or(String::new(), |path| format!(" {path}"));
        assert_eq!(
            format!("{} {}{path}", host(&connect.host), number(connect.port)),
            expected,
            "{text}"
        );
        assert_eq!(connect.time_limit, limit, "{text}");
        assert_eq!(
            connect.wraps.map(|index| words[index].raw.as_str()),
            wrapped,
            "{text}"
        );
    }
    assert!(!matches!(
        last("dockerize -template a:b app").action,
        Action::Connect(_)
    ));
}

#[test]
fn understands_signals() {
    let process = |pattern: &str, full| Target::Process {
        pattern: pattern.to_owned(),
        full_command_line: full,
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
            vec![process("cloud_sql", true)],
        ),
        (
            "kill -INT `pidof envoy`",
            Some("INT"),
            vec![process("envoy", false)],
        ),
        (
            "kill $(cat /run/x.pid)",
            None,
            vec![Target::PidFile("/run/x.pid".to_owned())],
        ),
        (
            "kill $(ps aux | grep envoy | grep -v grep | awk '{print $2}')",
            None,
            vec![process("envoy", true)],
        ),
        ("kill $(x)", None, vec![Target::Unknown]),
        ("pkill envoy", None, vec![process("envoy", false)]),
        (
            "pkill -INT -f cloud_sql_proxy",
            Some("INT"),
            vec![process("cloud_sql_proxy", true)],
        ),
        (
            "pkill -x --signal TERM envoy",
            Some("TERM"),
            vec![process("envoy", false)],
        ),
        (
            "killall -s INT nginx envoy",
            Some("INT"),
            vec![process("nginx", false), process("envoy", false)],
        ),
        (
            "killall -9 envoy || true",
            Some("9"),
            vec![process("envoy", false)],
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
        let paths = |paths: &[super::FilePath]| {
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
