//! Programs of which it is known whether they end: servers, which run until they are stopped, and programs that do one
//! thing and end. Sidecars are rows of their own.

/// A program that runs until it is stopped.
#[derive(Debug)]
pub struct ServerProgram {
    /// Names of its executable.
    pub programs: &'static [&'static str],
    /// The last parts of the names of images that run it without a command.
    pub images: &'static [&'static str],
    /// One of these has to be one of its words; with none, its name is enough.
    pub subcommands: &'static [&'static str],
    /// One of its words has to hold one of these; with none, its name is enough.
    pub needs: &'static [&'static str],
    /// With one of these words it does something else.
    pub unless: &'static [&'static str],
    /// Letters of short options: all of the first have to be there, and none of the second.
    pub short: (&'static str, &'static str),
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

/// A program that does one thing and ends.
#[derive(Debug)]
pub struct FiniteProgram {
    /// Names of its executable.
    pub programs: &'static [&'static str],
    /// The subcommands with which it does so; with none, all of them.
    pub subcommands: &'static [&'static str],
    /// With one of these words it may run on.
    pub unless: &'static [&'static str],
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

const SERVER: ServerProgram = ServerProgram {
    programs: &[],
    images: &[],
    subcommands: &[],
    needs: &[],
    unless: &[],
    short: ("", ""),
    source: "",
    checked: "2026-11-30",
};

/// Servers.
pub const SERVERS: &[ServerProgram] = &[
    ServerProgram {
        programs: &["nginx"],
        images: &["nginx", "nginx-unprivileged"],
        needs: &["daemon off"],
        unless: &["-t", "-T", "-s", "-v", "-V"],
        source: "https://nginx.org/en/docs/ngx_core_module.html#daemon",
        ..SERVER
    },
    ServerProgram {
        programs: &["httpd-foreground", "apache2-foreground"],
        images: &["httpd"],
        source: "https://hub.docker.com/_/httpd",
        ..SERVER
    },
    ServerProgram {
        programs: &["haproxy"],
        images: &["haproxy"],
        needs: &["-f"],
        unless: &["-c", "-D", "-v", "-vv"],
        source: "https://docs.haproxy.org/3.0/management.html",
        ..SERVER
    },
    ServerProgram {
        programs: &["caddy"],
        images: &["caddy"],
        subcommands: &["run", "file-server", "reverse-proxy"],
        source: "https://caddyserver.com/docs/command-line",
        ..SERVER
    },
    ServerProgram {
        programs: &["traefik"],
        images: &["traefik"],
        unless: &["version", "healthcheck", "--help"],
        source: "https://doc.traefik.io/traefik/operations/cli/",
        ..SERVER
    },
    ServerProgram {
        programs: &["vault"],
        subcommands: &["server"],
        unless: &[
            "agent", "auth", "debug", "delete", "kv", "lease", "list", "login", "monitor", "operator",
            "patch", "policy", "print", "proxy", "read", "secrets", "ssh", "status", "token", "unwrap",
            "version", "write",
        ],
        source: "https://developer.hashicorp.com/vault/docs/commands/server",
        ..SERVER
    },
    ServerProgram {
        programs: &["socat"],
        // Without it socat ends with its one connection.
        needs: &["fork"],
        source: "https://man.archlinux.org/man/socat.1",
        ..SERVER
    },
    ServerProgram {
        programs: &["ssh", "autossh"],
        short: ("N", "f"),
        source: "https://man.openbsd.org/ssh",
        ..SERVER
    },
    ServerProgram {
        programs: &["kubectl"],
        subcommands: &["port-forward", "proxy"],
        // A pod or container may be called so.
        unless: &[
            "exec", "get", "logs", "cp", "delete", "wait", "describe", "rollout", "scale", "apply",
        ],
        source: "https://kubernetes.io/docs/reference/kubectl/generated/kubectl_port-forward/",
        ..SERVER
    },
    ServerProgram {
        programs: &["python", "python3"],
        needs: &["http.server"],
        source: "https://docs.python.org/3/library/http.server.html",
        ..SERVER
    },
    ServerProgram {
        programs: &["php"],
        short: ("S", ""),
        source: "https://www.php.net/manual/en/features.commandline.webserver.php",
        ..SERVER
    },
    ServerProgram {
        programs: &["watch"],
        // With these it ends when the command's output or result changes.
        unless: &[
            "-g",
            "--chgexit",
            "-e",
            "--errexit",
            "-q",
            "--equexit",
            "-v",
            "--version",
            "--help",
        ],
        short: ("", "geq"),
        source: "https://man7.org/linux/man-pages/man1/watch.1.html",
        ..SERVER
    },
    ServerProgram {
        programs: &["inotifywait"],
        short: ("m", "t"),
        source: "https://man7.org/linux/man-pages/man1/inotifywait.1.html",
        ..SERVER
    },
    ServerProgram {
        programs: &["tcpdump"],
        // A file that is read, and a number of packets or files, end it.
        short: ("", "crWDh"),
        unless: &["--version", "--help"],
        source: "https://www.tcpdump.org/manpages/tcpdump.1.html",
        ..SERVER
    },
    ServerProgram {
        programs: &["crond", "cron"],
        short: ("f", ""),
        source: "https://man7.org/linux/man-pages/man8/cron.8.html",
        ..SERVER
    },
    ServerProgram {
        programs: &["sshd"],
        short: ("D", "tT"),
        source: "https://man.openbsd.org/sshd",
        ..SERVER
    },
    // Busybox' server has -f for the foreground; Apache's has it for a file, and goes into the background.
    ServerProgram {
        programs: &["httpd"],
        short: ("fp", ""),
        source: "https://busybox.net/downloads/BusyBox.html",
        ..SERVER
    },
    ServerProgram {
        programs: &["httpd"],
        short: ("fh", ""),
        source: "https://busybox.net/downloads/BusyBox.html",
        ..SERVER
    },
    ServerProgram {
        programs: &["busybox"],
        needs: &["httpd"],
        short: ("f", ""),
        source: "https://busybox.net/downloads/BusyBox.html",
        ..SERVER
    },
    ServerProgram {
        programs: &["httpd", "apache2", "apache2ctl", "apachectl"],
        needs: &["FOREGROUND", "NO_DETACH"],
        source: "https://httpd.apache.org/docs/current/programs/httpd.html",
        ..SERVER
    },
    ServerProgram {
        programs: &["gunicorn", "uvicorn", "uwsgi"],
        unless: &["--check-config", "--version", "-D", "--daemon", "--help"],
        source: "https://docs.gunicorn.org/en/stable/settings.html",
        ..SERVER
    },
];

const FINITE: FiniteProgram = FiniteProgram {
    programs: &[],
    subcommands: &[],
    unless: &[],
    source: "https://www.gnu.org/software/coreutils/manual/coreutils.html",
    checked: "2026-11-30",
};

/// Programs that do one thing and end.
pub const FINITE_PROGRAMS: &[FiniteProgram] = &[
    FiniteProgram {
        programs: &[
            "cp",
            "mv",
            "ln",
            "rm",
            "mkdir",
            "rmdir",
            "chmod",
            "chown",
            "chgrp",
            "touch",
            "ls",
            "stat",
            "echo",
            "printf",
            "true",
            "false",
            "date",
            "[",
            "basename",
            "dirname",
            "md5sum",
            "sha256sum",
            "whoami",
            "uname",
            "mktemp",
            "truncate",
            "df",
            "du",
        ],
        ..FINITE
    },
    FiniteProgram {
        programs: &["tar", "gzip", "gunzip", "unzip", "zip", "bzip2", "xz"],
        source: "https://www.gnu.org/software/tar/manual/tar.html",
        ..FINITE
    },
    FiniteProgram {
        programs: &["sed", "envsubst"],
        source: "https://www.gnu.org/software/sed/manual/sed.html",
        ..FINITE
    },
    FiniteProgram {
        programs: &["git"],
        subcommands: &[
            "clone",
            "pull",
            "fetch",
            "checkout",
            "init",
            "config",
            "submodule",
            "reset",
        ],
        source: "https://git-scm.com/docs",
        ..FINITE
    },
    FiniteProgram {
        programs: &["apk", "apt-get", "apt", "yum", "dnf", "pip", "pip3"],
        source: "https://docs.alpinelinux.org/user-handbook/0.1a/Working/apk.html",
        ..FINITE
    },
    FiniteProgram {
        programs: &["npm", "yarn", "pnpm"],
        subcommands: &["ci", "install", "i", "add"],
        source: "https://docs.npmjs.com/cli/commands/npm-ci",
        ..FINITE
    },
    FiniteProgram {
        programs: &["aws"],
        subcommands: &["s3", "s3api", "sts", "secretsmanager", "ssm"],
        source: "https://docs.aws.amazon.com/cli/latest/reference/s3/",
        ..FINITE
    },
    FiniteProgram {
        programs: &["gsutil"],
        subcommands: &["cp", "rsync", "mv", "ls"],
        source: "https://cloud.google.com/storage/docs/gsutil",
        ..FINITE
    },
    FiniteProgram {
        programs: &["rsync"],
        unless: &["--daemon"],
        source: "https://download.samba.org/pub/rsync/rsync.1",
        ..FINITE
    },
    FiniteProgram {
        programs: &["kubectl"],
        subcommands: &[
            "apply", "create", "delete", "patch", "label", "annotate", "scale", "cp", "version",
        ],
        unless: &["-w", "--watch"],
        source: "https://kubernetes.io/docs/reference/kubectl/generated/",
        ..FINITE
    },
    FiniteProgram {
        programs: &["flyway"],
        subcommands: &["migrate", "info", "validate", "repair", "baseline", "clean"],
        source: "https://documentation.red-gate.com/flyway/reference/commands",
        ..FINITE
    },
    FiniteProgram {
        programs: &["liquibase"],
        subcommands: &["update", "validate", "status", "rollback"],
        source: "https://docs.liquibase.com/commands/home.html",
        ..FINITE
    },
    FiniteProgram {
        programs: &["alembic"],
        subcommands: &["upgrade", "downgrade", "stamp", "current"],
        source: "https://alembic.sqlalchemy.org/en/latest/tutorial.html",
        ..FINITE
    },
    FiniteProgram {
        programs: &[
            "pg_dump",
            "pg_restore",
            "mysqldump",
            "mongodump",
            "openssl",
            "keytool",
            "sysctl",
        ],
        source: "https://www.postgresql.org/docs/current/app-pgdump.html",
        ..FINITE
    },
];

/// A program that goes into the background by itself with one of these words behind it.
#[derive(Debug)]
pub struct DaemonProgram {
    /// Names of its executable.
    pub programs: &'static [&'static str],
    /// Words, or pairs of words, that say so.
    pub words: &'static [&'static str],
    /// A letter of a short option that says so: `-f`, `-fN`.
    pub short: Option<char>,
    /// It does so without any word.
    pub always: bool,
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

const DAEMON: DaemonProgram = DaemonProgram {
    programs: &[],
    words: &[],
    short: None,
    always: false,
    source: "",
    checked: "2026-11-30",
};

/// Programs that go into the background by themselves.
pub const DAEMONS: &[DaemonProgram] = &[
    DaemonProgram {
        programs: &["redis-server", "valkey-server"],
        words: &["--daemonize yes", "--daemonize=yes"],
        source: "https://redis.io/docs/latest/operate/oss_and_stack/management/config-file/",
        ..DAEMON
    },
    DaemonProgram {
        programs: &["ssh", "autossh"],
        short: Some('f'),
        source: "https://man.openbsd.org/ssh",
        ..DAEMON
    },
    DaemonProgram {
        programs: &["mysqld", "gunicorn", "uwsgi", "pgbouncer", "php-fpm"],
        words: &["--daemonize", "--daemon", "-D", "-d"],
        source: "https://dev.mysql.com/doc/refman/8.4/en/server-options.html",
        ..DAEMON
    },
    DaemonProgram {
        programs: &["mongod"],
        words: &["--fork"],
        source: "https://www.mongodb.com/docs/manual/reference/program/mongod/",
        ..DAEMON
    },
    DaemonProgram {
        programs: &["memcached"],
        words: &["-d", "--daemon"],
        source: "https://docs.memcached.org/serverguide/",
        ..DAEMON
    },
    DaemonProgram {
        programs: &["pg_ctl", "pg_ctlcluster", "service", "rc-service"],
        words: &["start"],
        source: "https://www.postgresql.org/docs/current/app-pg-ctl.html",
        ..DAEMON
    },
    DaemonProgram {
        programs: &["start-stop-daemon"],
        words: &["--background", "-b"],
        source: "https://man7.org/linux/man-pages/man8/start-stop-daemon.8.html",
        ..DAEMON
    },
    DaemonProgram {
        programs: &["nginx"],
        always: true,
        source: "https://nginx.org/en/docs/ngx_core_module.html#daemon",
        ..DAEMON
    },
];

/// Whether a program with these words behind it goes into the background by itself.
#[must_use]
pub fn becomes_a_daemon(program: &str, words: &[&str]) -> bool {
    let text = words.join(" ");
    DAEMONS.iter().any(|row| {
        let says_so = |word: &&str| match word.contains(' ') {
            true => text.contains(word),
            false => words.contains(word),
        };
        let by_letter = |letter| words.iter().any(|word| is_short(word) && word.contains(letter));
        row.programs.contains(&program)
            && (row.words.iter().any(says_so)
                || row.short.is_some_and(by_letter)
                || row.always && words.is_empty())
    })
}

/// Whether a program with these words behind it runs until it is stopped.
#[must_use]
pub fn is_server(program: &str, words: &[&str]) -> bool {
    SERVERS.iter().any(|row| {
        let has = |letters: &str| {
            letters
                .chars()
                .all(|letter| words.iter().any(|word| is_short(word) && word.contains(letter)))
        };
        row.programs.contains(&program)
            && (row.subcommands.is_empty() || words.iter().any(|word| row.subcommands.contains(word)))
            && (row.needs.is_empty()
                || row
                    .needs
                    .iter()
                    .any(|need| words.iter().any(|word| word.contains(need))))
            && !words.iter().any(|word| row.unless.contains(word))
            && has(row.short.0)
            && !row.short.1.chars().any(|letter| has(&letter.to_string()))
    })
}

/// Whether an image, by the last part of its name, runs a server without a command.
#[must_use]
pub fn is_server_image(base_name: &str) -> bool {
    SERVERS.iter().any(|row| row.images.contains(&base_name))
}

/// Words of options by which any program may run on.
const RUNNING_ON: [&str; 8] = [
    "watch", "follow", "daemon", "loop", "interval", "serve", "server", "every",
];

/// The folders of programs that an image's distribution brings: elsewhere the name may be anybody's.
const FOLDERS: [&str; 6] = [
    "/bin/",
    "/usr/bin/",
    "/sbin/",
    "/usr/sbin/",
    "/usr/local/bin/",
    "/usr/local/sbin/",
];

/// Whether a program, as it is called, may be anybody's of that name: `/app/watch`.
#[must_use]
pub fn is_foreign(call: &str) -> bool {
    let program = call.rsplit('/').next().unwrap_or(call);
    call.contains('/') && !FOLDERS.iter().any(|folder| call == format!("{folder}{program}"))
}

/// Whether a program, as it is called, with these words behind it does one thing and ends.
#[must_use]
pub fn is_finite(call: &str, words: &[&str]) -> bool {
    let program = call.rsplit('/').next().unwrap_or(call);
    let runs_on = words.iter().filter(|word| word.starts_with('-')).any(|word| {
        word.split(|letter: char| !letter.is_ascii_alphanumeric())
            .any(|part| RUNNING_ON.contains(&part))
    });
    if is_foreign(call) || runs_on {
        return false;
    }
    FINITE_PROGRAMS.iter().any(|row| {
        row.programs.contains(&program)
            && (row.subcommands.is_empty() || words.iter().any(|word| row.subcommands.contains(word)))
            && !words
                .iter()
                .any(|word| row.unless.iter().any(|unless| word.starts_with(unless)))
    })
}

/// Short options in one word: `-fNT`.
fn is_short(word: &str) -> bool {
    word.starts_with('-') && !word.starts_with("--")
}
