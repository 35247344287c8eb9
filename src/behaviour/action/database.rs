//! Database clients that are asked whether their server answers.

use crate::shell::Span;

use super::{
    Action, Connect, Host, Url,
    argument::{Argument, OptionValue, Options, Syntax},
    host::port,
    values::Values,
};

/// A client of a database server.
struct Client {
    names: &'static [&'static str],
    host: &'static [&'static str],
    port: &'static [&'static str],
    /// Options whose value is run at the server.
    statement: &'static [&'static str],
    /// The variables that replace host and port.
    variables: (&'static str, &'static str),
    usual_port: u16,
    syntax: Syntax,
}

/// Whether a program asks a database server in the server's own protocol, which says more than an open port.
pub(crate) fn is_database_client(program: &str) -> bool {
    CLIENTS.iter().any(|client| client.names.contains(&program))
}

const CLIENTS: [Client; 4] = [
    Client {
        names: &["pg_isready", "psql"],
        host: &["h", "host"],
        port: &["p", "port"],
        statement: &["c", "command", "f", "file"],
        variables: ("PGHOST", "PGPORT"),
        usual_port: 5432,
        syntax: Syntax {
            short: "hpUdtcfvFRP",
            long: &[
                "host", "port", "username", "dbname", "timeout", "command", "file", "set", "variable",
            ],
            single_dash: false,
        },
    },
    Client {
        names: &["mysql", "mysqladmin", "mariadb", "mariadb-admin"],
        host: &["h", "host"],
        port: &["P", "port"],
        statement: &["e", "execute"],
        variables: ("MYSQL_HOST", "MYSQL_TCP_PORT"),
        usual_port: 3306,
        syntax: Syntax {
            short: "huPDeSw",
            long: &[
                "host",
                "user",
                "port",
                "database",
                "execute",
                "socket",
                "connect-timeout",
                "connect_timeout",
            ],
            single_dash: false,
        },
    },
    Client {
        names: &["redis-cli", "valkey-cli"],
        host: &["h"],
        port: &["p"],
        statement: &[],
        variables: ("", ""),
        usual_port: 6379,
        syntax: Syntax {
            short: "hpanursi",
            long: &["user", "pass", "cacert", "cert", "key"],
            single_dash: false,
        },
    },
    Client {
        names: &["mongo", "mongosh", "mongoexport", "mongodump"],
        host: &["host"],
        port: &["port"],
        statement: &["eval"],
        variables: ("", ""),
        usual_port: 27017,
        syntax: Syntax {
            short: "up",
            long: &[
                "host",
                "port",
                "eval",
                "username",
                "password",
                "authenticationDatabase",
                "db",
            ],
            single_dash: false,
        },
    },
];

pub(super) fn action(name: &str, arguments: &[Argument], values: &Values) -> Option<Action> {
    let client = CLIENTS.iter().find(|client| client.names.contains(&name))?;
    let options = client.syntax.read(arguments, false);
    let whole = arguments.first().map_or(0..0, Argument::span);
    let (host, given, span) = address(client, &options, values, whole);
    let mut connect = Connect::new(name, host, given, span);
    connect.has_side_effects = has_side_effects(client, name, &options);
    connect.time_limit = options.number(&["t", "timeout", "connect-timeout", "connect_timeout"]);
    // A client without a question is a session or reads a script: that is work, not a probe.
    let asks = match name {
        "pg_isready" => true,
        "mysqladmin" | "mariadb-admin" => options
            .operands
            .iter()
            .any(|(_, word)| matches!(word.text.as_str(), "ping" | "status" | "version")),
        "redis-cli" | "valkey-cli" => options.operands.iter().any(|(_, word)| {
            word.text.eq_ignore_ascii_case("ping") || word.text.eq_ignore_ascii_case("info")
        }),
        "mongo" | "mongosh" => options.has(&["eval"]),
        "psql" => options.has(&["c", "command", "l", "list"]),
        "mysql" | "mariadb" => options.has(&["e", "execute"]),
        _ => false,
    };
    asks.then_some(Action::Connect(connect))
}

fn address(client: &Client, options: &Options, values: &Values, whole: Span) -> (Host, Option<u16>, Span) {
    let url = options
        .operands
        .iter()
        .map(|(_, operand)| (operand.text.as_str(), operand.span()))
        .chain(
            options
                .values(&["d", "dbname"])
                .map(|value| (value.text.as_str(), value.span.clone())),
        )
        .find(|(text, _)| text.contains("://"));
    if let Some((text, span)) = url {
        let url = Url::parse(text, span.clone());
        return (url.host, url.port.or(Some(client.usual_port)), span);
    }
    let host = options.value(client.host);
    let span = host.map_or(whole, |host| host.span.clone());
    let by_variable = |name: &str| if name.is_empty() { None } else { values.get(name) };
    let leads_to = match host {
        // A directory is the place of a local socket.
        Some(host) if host.text.starts_with('/') => Host::Local,
        Some(host) => Host::of(&host.text),
        None => by_variable(client.variables.0).map_or(Host::Local, |host| Host::of(&host)),
    };
    let given = match options.value(client.port) {
        Some(OptionValue { text, .. }) => port(text),
        None => by_variable(client.variables.1)
            .and_then(|text| port(&text))
            .or(Some(client.usual_port)),
    };
    (leads_to, given, span)
}

/// Whether a statement does more than ask.
fn has_side_effects(client: &Client, name: &str, options: &Options) -> bool {
    const QUESTIONS: [&str; 9] = [
        "select",
        "show",
        "\\q",
        "\\l",
        "\\conninfo",
        "db.runcommand",
        "db.admincommand",
        "db.stats",
        "rs.status",
    ];
    if name.starts_with("redis") || name.starts_with("valkey") {
        return false;
    }
    options.values(client.statement).any(|statement| {
        let statement = statement.text.trim_start().to_ascii_lowercase();
        let asks = QUESTIONS.iter().any(|question| statement.starts_with(question))
            || statement.contains("ping")
            || statement.contains("ismaster");
        !asks
    })
}
