//! Commands that end the server of their own container: what a preStop hook or a script says to it.

/// A command that ends a server.
#[derive(Debug)]
pub struct StopCommand {
    /// The program.
    pub program: &'static str,
    /// The words behind it that end the server, in this order, with other words between them.
    pub words: &'static [&'static str],
    /// The port and path of the pod itself that it sends a POST to, where that is all it does.
    pub request: Option<(u16, &'static str)>,
    /// The options that give another port, without their dashes.
    pub port_options: &'static [&'static str],
    /// The server of another container that it ends as well.
    pub server: Option<StoppedServer>,
    /// The words stand within an argument, such as a statement.
    pub is_within: bool,
    /// A word of what the client is given to say, by its words or its input, that ends the server; empty where it says
    /// nothing by itself.
    pub statement: &'static str,
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

/// A server that its client ends.
#[derive(Debug)]
pub struct StoppedServer {
    /// The names of its programs, and the last parts of its images' names.
    pub names: &'static [&'static str],
    /// The port that it listens at by default.
    pub port: u16,
    /// Options that lead to a server elsewhere, of a client whose options no other row has.
    pub elsewhere: &'static [&'static str],
}

const REDIS: StoppedServer = StoppedServer {
    names: &[
        "redis",
        "redis-server",
        "redis-stack",
        "redis-stack-server",
        "valkey",
        "valkey-server",
    ],
    port: 6379,
    elsewhere: &[],
};
const MYSQL: StoppedServer = StoppedServer {
    names: &[
        "mysql",
        "mysqld",
        "mysql-server",
        "mariadb",
        "mariadbd",
        "mariadb-server",
        "percona",
        "percona-server",
    ],
    port: 3306,
    elsewhere: &[],
};
const MONGO: StoppedServer = StoppedServer {
    names: &["mongo", "mongod", "mongodb", "mongodb-community-server"],
    port: 27017,
    elsewhere: &[],
};
const RABBITMQ: StoppedServer = StoppedServer {
    names: &["rabbitmq", "rabbitmq-server"],
    port: 5672,
    elsewhere: &["-n", "--node"],
};

/// All such commands.
pub const STOP_COMMANDS: &[StopCommand] = &[
    row(
        "nginx",
        &["-s", "quit"],
        "https://nginx.org/en/docs/switches.html",
    ),
    row(
        "nginx",
        &["-s", "stop"],
        "https://nginx.org/en/docs/switches.html",
    ),
    StopCommand {
        request: Some((9091, "/quitquitquit")),
        port_options: &["admin-port"],
        ..row(
            "cloud-sql-proxy",
            &["shutdown"],
            "https://github.com/GoogleCloudPlatform/cloud-sql-proxy/blob/main/cmd/root.go",
        )
    },
    StopCommand {
        request: Some((9091, "/quitquitquit")),
        port_options: &["admin-port"],
        ..row(
            "alloydb-auth-proxy",
            &["shutdown"],
            "https://github.com/GoogleCloudPlatform/alloydb-auth-proxy/blob/main/cmd/root.go",
        )
    },
    StopCommand {
        request: Some((15000, "/quitquitquit")),
        ..row(
            "pilot-agent",
            &["request", "POST", "quitquitquit"],
            "https://github.com/istio/istio/blob/master/pilot/cmd/pilot-agent/app/request.go",
        )
    },
    row(
        "apachectl",
        &["graceful-stop"],
        "https://httpd.apache.org/docs/current/stopping.html",
    ),
    row(
        "apachectl",
        &["stop"],
        "https://httpd.apache.org/docs/current/stopping.html",
    ),
    StopCommand {
        server: Some(REDIS),
        statement: "shutdown",
        ..row(
            "redis-cli",
            &["shutdown"],
            "https://github.com/redis/redis-doc/blob/master/commands/shutdown.md",
        )
    },
    StopCommand {
        server: Some(MYSQL),
        ..row(
            "mysqladmin",
            &["shutdown"],
            "https://dev.mysql.com/doc/en/shutdown.html",
        )
    },
    row(
        "pg_ctl",
        &["stop"],
        "https://github.com/postgres/postgres/blob/master/doc/src/sgml/ref/pg_ctl-ref.sgml",
    ),
    StopCommand {
        server: Some(RABBITMQ),
        ..row(
            "rabbitmqctl",
            &["stop"],
            "https://github.com/rabbitmq/rabbitmq-server/blob/main/deps/rabbit/docs/rabbitmqctl.8",
        )
    },
    StopCommand {
        server: Some(RABBITMQ),
        ..row(
            "rabbitmqctl",
            &["shutdown"],
            "https://github.com/rabbitmq/rabbitmq-server/blob/main/deps/rabbit/docs/rabbitmqctl.8",
        )
    },
    StopCommand {
        server: Some(REDIS),
        checked: "2026-11-30",
        statement: "shutdown",
        ..row(
            "valkey-cli",
            &["shutdown"],
            "https://valkey.io/commands/shutdown/",
        )
    },
    StopCommand {
        server: Some(MYSQL),
        checked: "2026-11-30",
        ..row(
            "mariadb-admin",
            &["shutdown"],
            "https://mariadb.com/docs/server/clients-and-utilities/administrative-tools/mariadb-admin",
        )
    },
    StopCommand {
        server: Some(MYSQL),
        is_within: true,
        checked: "2026-11-30",
        statement: "shutdown",
        ..row(
            "mysql",
            &["shutdown"],
            "https://dev.mysql.com/doc/refman/8.4/en/shutdown.html",
        )
    },
    StopCommand {
        server: Some(MYSQL),
        is_within: true,
        checked: "2026-11-30",
        statement: "shutdown",
        ..row(
            "mariadb",
            &["shutdown"],
            "https://mariadb.com/docs/server/reference/sql-statements/administrative-sql-statements/shutdown",
        )
    },
    StopCommand {
        server: Some(MONGO),
        is_within: true,
        checked: "2026-11-30",
        statement: "shutdown",
        ..row(
            "mongosh",
            &["db.shutdownserver"],
            "https://www.mongodb.com/docs/manual/reference/method/db.shutdownServer/",
        )
    },
    StopCommand {
        server: Some(MONGO),
        is_within: true,
        checked: "2026-11-30",
        statement: "shutdown",
        ..row(
            "mongo",
            &["db.shutdownserver"],
            "https://www.mongodb.com/docs/manual/reference/method/db.shutdownServer/",
        )
    },
];

/// Whether a text that a client is given, or reads, tells its server to end: in whatever case, and as a part of another
/// word.
#[must_use]
pub fn says_an_end(program: &str, text: &str) -> bool {
    let mut rows = STOP_COMMANDS.iter().filter(|row| row.program == program);
    rows.any(|row| !row.statement.is_empty() && text.to_ascii_lowercase().contains(row.statement))
}

/// Whether a program is a client that tells its server to end by what it is given to say.
#[must_use]
pub fn has_statements(program: &str) -> bool {
    let mut rows = STOP_COMMANDS.iter();
    rows.any(|row| row.program == program && !row.statement.is_empty())
}

const fn row(program: &'static str, words: &'static [&'static str], source: &'static str) -> StopCommand {
    StopCommand {
        program,
        words,
        request: None,
        port_options: &[],
        server: None,
        is_within: false,
        statement: "",
        source,
        checked: "2026-11-29",
    }
}

/// The row of a command, given its program and the words behind it.
#[must_use]
pub fn of_command(program: &str, arguments: &[&str]) -> Option<&'static StopCommand> {
    let name = program.rsplit('/').next().unwrap_or(program);
    STOP_COMMANDS
        .iter()
        .filter(|row| row.program == name)
        .find(|row| {
            let mut left = arguments.iter();
            row.words.iter().all(|word| {
                left.any(|own| match row.is_within {
                    true => own.to_ascii_lowercase().contains(word),
                    false => own.trim_start_matches('/').eq_ignore_ascii_case(word),
                })
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_found_with_other_words_around() {
        for row in STOP_COMMANDS {
            let mut words = vec!["--verbose"];
            words.extend(row.words);
            words.push("now");
            let found = of_command(&format!("/usr/bin/{}", row.program), &words).unwrap();
            assert_eq!(found.words, row.words, "{}", row.program);
            assert!(of_command(row.program, &["--verbose"]).is_none());
        }
        assert!(of_command("nginx", &["-s", "reload"]).is_none());
        assert!(of_command("nginx", &["quit", "-s"]).is_none());
        assert!(of_command("pilot-agent", &["request", "POST", "/quitquitquit"]).is_some());
    }
}
