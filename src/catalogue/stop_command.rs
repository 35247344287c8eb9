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
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

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
    row(
        "cloud-sql-proxy",
        &["shutdown"],
        "https://github.com/GoogleCloudPlatform/cloud-sql-proxy/blob/main/cmd/root.go",
    ),
    row(
        "alloydb-auth-proxy",
        &["shutdown"],
        "https://github.com/GoogleCloudPlatform/alloydb-auth-proxy/blob/main/cmd/root.go",
    ),
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
    row(
        "redis-cli",
        &["shutdown"],
        "https://github.com/redis/redis-doc/blob/master/commands/shutdown.md",
    ),
    row(
        "mysqladmin",
        &["shutdown"],
        "https://dev.mysql.com/doc/en/shutdown.html",
    ),
    row(
        "pg_ctl",
        &["stop"],
        "https://github.com/postgres/postgres/blob/master/doc/src/sgml/ref/pg_ctl-ref.sgml",
    ),
    row(
        "rabbitmqctl",
        &["stop"],
        "https://github.com/rabbitmq/rabbitmq-server/blob/main/deps/rabbit/docs/rabbitmqctl.8",
    ),
    row(
        "rabbitmqctl",
        &["shutdown"],
        "https://github.com/rabbitmq/rabbitmq-server/blob/main/deps/rabbit/docs/rabbitmqctl.8",
    ),
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
            row.words
                .iter()
                .all(|word| left.any(|own| own.trim_start_matches('/').eq_ignore_ascii_case(word)))
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
