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
    /// The option that gives another port; empty where there is none.
    pub port_option: &'static str,
    /// The server of another container that it ends as well.
    pub server: Option<StoppedServer>,
    /// The words stand within an argument, such as a statement.
    pub is_within: bool,
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
        port_option: "--admin-port",
        ..row(
            "cloud-sql-proxy",
            &["shutdown"],
            "https://github.com/GoogleCloudPlatform/cloud-sql-proxy/blob/main/cmd/root.go",
        )
    },
    StopCommand {
        request: Some((9091, "/quitquitquit")),
        port_option: "--admin-port",
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
        ..row(
            "mongo",
            &["db.shutdownserver"],
            "https://www.mongodb.com/docs/manual/reference/method/db.shutdownServer/",
        )
    },
];

/// A word by which a client tells its server to end, among its own words or in what it reads.
#[derive(Debug)]
pub struct StopStatement {
    /// Names of the client's executable.
    pub programs: &'static [&'static str],
    /// The word, in whatever case and as a part of another one.
    pub word: &'static str,
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

/// All such words.
pub const STOP_STATEMENTS: &[StopStatement] = &[
    statement(
        &["redis-cli", "valkey-cli"],
        "shutdown",
        "https://github.com/redis/redis-doc/blob/master/commands/shutdown.md",
    ),
    statement(
        &["mysql", "mariadb"],
        "shutdown",
        "https://dev.mysql.com/doc/refman/8.4/en/shutdown.html",
    ),
    statement(
        &["mongosh", "mongo"],
        "shutdown",
        "https://www.mongodb.com/docs/manual/reference/method/db.shutdownServer/",
    ),
];

const fn statement(
    programs: &'static [&'static str],
    word: &'static str,
    source: &'static str,
) -> StopStatement {
    StopStatement {
        programs,
        word,
        source,
        checked: "2026-11-30",
    }
}

impl StopStatement {
    /// The row of a client.
    #[must_use]
    pub fn of(program: &str) -> Option<&'static Self> {
        STOP_STATEMENTS.iter().find(|row| row.programs.contains(&program))
    }

    /// Whether a text says it.
    #[must_use]
    pub fn is_said(&self, text: &str) -> bool {
        text.to_ascii_lowercase().contains(self.word)
    }
}

const fn row(program: &'static str, words: &'static [&'static str], source: &'static str) -> StopCommand {
    StopCommand {
        program,
        words,
        request: None,
        port_option: "",
        server: None,
        is_within: false,
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
