//! Commands that end the server of their own container: what a preStop hook or a script says to it.

/// A command that ends a server.
#[derive(Debug)]
pub struct StopCommand {
    /// The program.
    pub program: &'static str,
    /// The words behind it that end the server, in this order, with other words between them.
    pub words: &'static [&'static str],
    /// It lets the server finish what it has begun.
    pub drains: bool,
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

/// All such commands.
pub const STOP_COMMANDS: &[StopCommand] = &[
    gentle(
        "nginx",
        &["-s", "quit"],
        "https://nginx.org/en/docs/switches.html",
    ),
    hard(
        "nginx",
        &["-s", "stop"],
        "https://nginx.org/en/docs/switches.html",
    ),
    hard(
        "cloud-sql-proxy",
        &["shutdown"],
        "https://github.com/GoogleCloudPlatform/cloud-sql-proxy",
    ),
    hard(
        "alloydb-auth-proxy",
        &["shutdown"],
        "https://github.com/GoogleCloudPlatform/alloydb-auth-proxy",
    ),
    hard(
        "pilot-agent",
        &["request", "POST", "quitquitquit"],
        "https://istio.io/latest/docs/reference/commands/pilot-agent/",
    ),
    gentle(
        "apachectl",
        &["graceful-stop"],
        "https://httpd.apache.org/docs/current/stopping.html",
    ),
    hard(
        "apachectl",
        &["stop"],
        "https://httpd.apache.org/docs/current/stopping.html",
    ),
    hard(
        "redis-cli",
        &["shutdown"],
        "https://redis.io/docs/latest/commands/shutdown/",
    ),
    hard(
        "mysqladmin",
        &["shutdown"],
        "https://dev.mysql.com/doc/refman/8.4/en/mysqladmin.html",
    ),
    gentle(
        "pg_ctl",
        &["stop"],
        "https://www.postgresql.org/docs/current/app-pg-ctl.html",
    ),
    gentle(
        "rabbitmqctl",
        &["stop"],
        "https://www.rabbitmq.com/docs/man/rabbitmqctl.8",
    ),
    gentle(
        "rabbitmqctl",
        &["shutdown"],
        "https://www.rabbitmq.com/docs/man/rabbitmqctl.8",
    ),
];

const fn hard(program: &'static str, words: &'static [&'static str], source: &'static str) -> StopCommand {
    StopCommand {
        program,
        words,
        drains: false,
        source,
        checked: "2026-11-29",
    }
}

const fn gentle(program: &'static str, words: &'static [&'static str], source: &'static str) -> StopCommand {
    StopCommand {
        drains: true,
        ..hard(program, words, source)
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
