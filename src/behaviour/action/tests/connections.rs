use super::{connection, host, last, number, script};
use crate::{
    behaviour::action::Action,
    catalogue::wait_tool::{Address, Question, WAIT_TOOLS, WaitTool},
};

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
        ("wait-for-it.sh localhost:5432", "local 5432", Some(15.0), None),
        (
            "./wait-for-it.sh db:5432 -t 30 -- ./app x",
            "db 5432",
            Some(30.0),
            Some("./app"),
        ),
        ("wait-for-it -h localhost -p 1 --timeout=0", "local 1", None, None),
        (
            "wait-for http://localhost:8080/x -- app",
            "local 8080 /x",
            Some(15.0),
            Some("app"),
        ),
        ("wait-for-port 5432", "local 5432", Some(30.0), None),
        ("wait-for-port --host=db 5432", "db 5432", Some(30.0), None),
        (
            "exec dockerize -wait tcp://localhost:5432 -timeout 60s app x",
            "local 5432",
            Some(60.0),
            Some("app"),
        ),
        (
            "dockerize -wait http://localhost:1/x",
            "local 1 /x",
            Some(10.0),
            None,
        ),
        ("wait-on tcp:5432", "local 5432", None, None),
        ("wait-on -t 5000 tcp:db:5432 && app", "", None, None),
        ("wait-on http://localhost:1/x", "local 1 /x", None, None),
        ("wait4x tcp localhost:1", "local 1", Some(10.0), None),
        ("wait4x tcp localhost:1 -t 0", "local 1", None, None),
        (
            "wait4x tcp localhost:1 -t 1m -- app",
            "local 1",
            Some(60.0),
            Some("app"),
        ),
        ("wait4ports tcp://localhost:1", "local 1", None, None),
        ("wait4ports -t 9 tcp://localhost:1", "local 1", Some(9.0), None),
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
fn a_limit_of_unknown_length_is_an_unknown_option() {
    for text in [
        "wait-for-it localhost:1 -t $LIMIT -- app",
        "wait4x tcp localhost:1 --timeout=$LIMIT",
        "wait-on -t $LIMIT tcp:1",
    ] {
        assert!(unknown_option(text).is_some(), "{text}");
    }
}

#[test]
fn a_command_is_held_back_where_the_tool_is_told_so() {
    for (text, strict) in [
        ("wait-for-it localhost:1 --strict -- app", true),
        ("wait-for-it.sh localhost:1 -s -t 30 -- app", true),
        ("wait-for-it localhost:1 -- app", false),
        // Nothing runs behind it.
        ("wait-for-it localhost:1 --strict", false),
        // It has no such option.
        ("wait-for localhost:1 -- app --strict", false),
    ] {
        assert_eq!(connection(text).is_strict, strict, "{text}");
    }
}

/// A call of a tool as its row's grammar has it, with a word more.
fn call_of(tool: &WaitTool, more: &str) -> String {
    let program = tool.programs[0];
    let question = match tool.question {
        Question::Operand(words) => words[0].to_owned(),
        Question::Option(names) if names[0].len() == 1 => format!("-{} 'select 1'", names[0]),
        Question::Option(names) => format!("--{} ping", names[0]),
        Question::Always | Question::Never => String::new(),
    };
    match tool.address {
        Address::HostAndPort => format!("{program} {more} localhost:5432"),
        Address::Option(option) => format!("{program} -{option} tcp://localhost:5432 {more}"),
        Address::Operand(kinds) => {
            format!("{program} {} localhost:5432 {more}", kinds.first().unwrap_or(&""))
        }
        Address::HostThenPort => format!("{program} {more} localhost 5432"),
        Address::HostAndPortOption => format!("{program} {more} -{} 5432 localhost", tool.port[0]),
        Address::HostPortOption(option) => format!("{program} -{option}=localhost:5432 {more}"),
        Address::Database => format!("{program} {more} {question}"),
        Address::Request => format!("{program} {more} http://localhost:5432/x"),
    }
}

fn unknown_option(text: &str) -> Option<String> {
    last(text).unknown_option().map(str::to_owned)
}

#[test]
fn a_row_is_all_that_a_tool_takes() {
    for tool in WAIT_TOOLS.iter().filter(|tool| tool.question != Question::Never) {
        let text = call_of(tool, "");
        let action = last(&text);
        match &action.action {
            Action::Connect(connect) => {
                assert_eq!(connect.waits, tool.waits, "{text}");
                assert!(!connect.inverted && !connect.has_side_effects, "{text}");
                let expected = tool.usual_port.or(Some(5432));
                assert!(connect.host.is_local() && connect.port == expected, "{text}");
            }
            Action::Http(http) => assert_eq!(http.url.port, Some(5432), "{text}"),
            other => panic!("{text}: {other:?}"),
        }
        assert_eq!(unknown_option(&text), None, "{text}");
        let dashes = if tool.single_dash { "-" } else { "--" };
        let strange = format!("{dashes}frobnicate");
        let text = call_of(tool, &strange);
        assert_eq!(unknown_option(&text).as_deref(), Some(strange.as_str()), "{text}");
        for option in tool.inverts {
            let dashes = if option.len() == 1 { "-" } else { "--" };
            let text = call_of(tool, &format!("{dashes}{option}"));
            assert!(connection(&text).inverted, "{text}");
            assert_eq!(unknown_option(&text), None, "{text}");
        }
    }
}

#[test]
fn options_that_people_write_are_understood() {
    for text in [
        "curl -fsSL --retry 5 --retry-connrefused -o /dev/null http://localhost:1/x",
        "wget -qO- -T 2 http://localhost:1/x",
        "wget -nv --spider --no-check-certificate https://localhost:1/x",
        "nc -zv -w 1 localhost 1",
        "mysqladmin ping -uroot -psecret --silent",
        "mysql -h localhost -u root -p$PASSWORD -e 'select 1'",
        "pg_isready -q -h localhost -U postgres -d shop",
        "redis-cli -a secret --no-auth-warning ping",
        "wait-for-it.sh localhost:1 -s -t 30 -- app",
        "wait4x tcp localhost:1 -t 60s -i 1s -q",
    ] {
        assert_eq!(unknown_option(text), None, "{text}");
    }
    for text in [
        "wait4x http http://localhost:1/x --expect-status-code 204",
        "curl --no-such-flag http://localhost:1/x",
    ] {
        assert!(unknown_option(text).is_some(), "{text}");
    }
}
