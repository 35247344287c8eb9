use super::{connection, host, last, number, script};
use crate::behaviour::action::Action;

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
