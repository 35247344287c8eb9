//! Programs that reach beyond themselves: into other containers, other processes, and files and tasks that no manifest
//! holds.

use memchr::memmem;

/// How far a program reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Into other containers: it runs commands there, or asks who does.
    Containers,
    /// To processes, which it signals.
    Processes,
    /// It runs a file that is one of its words.
    File,
    /// It runs a task that a file of its own describes.
    Task,
}

/// Programs that reach as far.
#[derive(Debug)]
pub struct ReachingPrograms {
    /// Names of their executables.
    pub programs: &'static [&'static str],
    /// How far.
    pub reach: Reach,
    /// Subcommands with which they reach no other container.
    pub harmless: &'static [&'static str],
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

/// Writes a row.
const fn row(programs: &'static [&'static str], reach: Reach, source: &'static str) -> ReachingPrograms {
    ReachingPrograms {
        programs,
        reach,
        harmless: &[],
        source,
        checked: "2026-11-30",
    }
}

/// A client of a container engine. What builds, brings or shows images ends no container.
const fn engine(programs: &'static [&'static str], source: &'static str) -> ReachingPrograms {
    ReachingPrograms {
        harmless: &[
            "build", "buildx", "push", "pull", "tag", "login", "logout", "images", "image", "info",
            "version", "ps", "save", "load", "manifest", "inspect",
        ],
        ..row(programs, Reach::Containers, source)
    }
}

/// Clients of the API server.
pub(super) const CLUSTER_CLIENTS: &[&str] = &["kubectl", "oc"];

/// All such programs.
pub const REACHING_PROGRAMS: &[ReachingPrograms] = &[
    row(
        CLUSTER_CLIENTS,
        Reach::Containers,
        "https://kubernetes.io/docs/reference/kubectl/generated/kubectl_exec/",
    ),
    engine(&["docker"], "https://docs.docker.com/reference/cli/docker/"),
    engine(&["podman"], "https://docs.podman.io/en/latest/Commands.html"),
    row(
        &["nerdctl", "ctr"],
        Reach::Containers,
        "https://github.com/containerd/nerdctl/blob/main/docs/command-reference.md",
    ),
    row(
        &["crictl"],
        Reach::Containers,
        "https://kubernetes.io/docs/tasks/debug/debug-cluster/crictl/",
    ),
    row(
        &["nsenter"],
        Reach::Containers,
        "https://man7.org/linux/man-pages/man1/nsenter.1.html",
    ),
    row(
        &["kill", "skill"],
        Reach::Processes,
        "https://man7.org/linux/man-pages/man1/kill.1.html",
    ),
    row(
        &["pkill"],
        Reach::Processes,
        "https://man7.org/linux/man-pages/man1/pgrep.1.html",
    ),
    row(
        &["killall"],
        Reach::Processes,
        "https://man7.org/linux/man-pages/man1/killall.1.html",
    ),
    row(
        &["fuser"],
        Reach::Processes,
        "https://man7.org/linux/man-pages/man1/fuser.1.html",
    ),
    row(
        &["sh", "bash", "ash", "dash", "zsh", "ksh", "mksh"],
        Reach::File,
        "https://pubs.opengroup.org/onlinepubs/9799919799/utilities/sh.html",
    ),
    row(
        &["python", "python2", "python3"],
        Reach::File,
        "https://docs.python.org/3/using/cmdline.html",
    ),
    row(&["node"], Reach::File, "https://nodejs.org/api/cli.html"),
    row(
        &["deno"],
        Reach::File,
        "https://docs.deno.com/runtime/reference/cli/run/",
    ),
    row(
        &["ruby"],
        Reach::File,
        "https://docs.ruby-lang.org/en/master/ruby/options_md.html",
    ),
    row(&["perl"], Reach::File, "https://perldoc.perl.org/perlrun"),
    row(
        &["php"],
        Reach::File,
        "https://www.php.net/manual/en/features.commandline.usage.php",
    ),
    row(
        &["npm", "npx"],
        Reach::Task,
        "https://docs.npmjs.com/cli/commands/npm-run",
    ),
    row(&["yarn"], Reach::Task, "https://yarnpkg.com/cli/run"),
    row(&["pnpm"], Reach::Task, "https://pnpm.io/cli/run"),
    row(
        &["make"],
        Reach::Task,
        "https://www.gnu.org/software/make/manual/make.html",
    ),
    row(&["task"], Reach::Task, "https://taskfile.dev/docs/reference/cli"),
    row(&["just"], Reach::Task, "https://just.systems/man/en/"),
    row(
        &["rake", "bundle"],
        Reach::Task,
        "https://bundler.io/man/bundle-exec.1.html",
    ),
    row(
        &["poetry"],
        Reach::Task,
        "https://python-poetry.org/docs/cli/#run",
    ),
    row(
        &["pipenv"],
        Reach::Task,
        "https://pipenv.pypa.io/en/latest/commands.html",
    ),
    row(
        &["uv"],
        Reach::Task,
        "https://docs.astral.sh/uv/reference/cli/#uv-run",
    ),
    row(
        &["tox"],
        Reach::Task,
        "https://tox.wiki/en/latest/cli_interface.html",
    ),
    row(
        &["invoke"],
        Reach::Task,
        "https://docs.pyinvoke.org/en/stable/invoke.html",
    ),
    row(
        &["gradle", "gradlew"],
        Reach::Task,
        "https://docs.gradle.org/current/userguide/command_line_interface.html",
    ),
    row(&["mvn"], Reach::Task, "https://maven.apache.org/run.html"),
    row(
        &["composer"],
        Reach::Task,
        "https://getcomposer.org/doc/03-cli.md#run-script-run",
    ),
    row(&["mix"], Reach::Task, "https://hexdocs.pm/mix/Mix.html"),
    row(
        &["sbt"],
        Reach::Task,
        "https://www.scala-sbt.org/1.x/docs/Running.html",
    ),
];

/// The endings that the names of scripts have by custom, with which an interpreter is no part of them.
const SCRIPT_ENDINGS: [&str; 7] = [".sh", ".bash", ".py", ".js", ".rb", ".pl", ".php"];

/// Whether a file is called as scripts are.
#[must_use]
pub fn is_called_a_script(file: &str) -> bool {
    SCRIPT_ENDINGS.iter().any(|ending| file.ends_with(ending))
}

/// Whether a program, by the name of its executable, reaches that far.
#[must_use]
pub fn reaches(program: &str, reach: Reach) -> bool {
    let mut rows = REACHING_PROGRAMS.iter().filter(|row| row.reach == reach);
    rows.any(|row| row.programs.contains(&program))
}

/// Whether a subcommand of a program reaches no other container.
#[must_use]
pub fn is_harmless(program: &str, subcommand: &str) -> bool {
    let mut rows = REACHING_PROGRAMS
        .iter()
        .filter(|row| row.programs.contains(&program));
    rows.any(|row| row.harmless.contains(&subcommand))
}

/// Whether a text names a client of the API server, as a word of its own.
#[must_use]
pub fn names_a_cluster_client(text: &str) -> bool {
    let is_apart = |at: Option<usize>| {
        let byte = at.and_then(|at| text.as_bytes().get(at));
        !byte.is_some_and(u8::is_ascii_alphanumeric)
    };
    CLUSTER_CLIENTS.iter().any(|client| {
        let mut places = memmem::find_iter(text.as_bytes(), client);
        places.any(|at| is_apart(at.checked_sub(1)) && is_apart(Some(at + client.len())))
    })
}

/// Whether a program, by its name or path, is a client of the API server.
#[must_use]
pub fn asks_the_cluster(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    CLUSTER_CLIENTS.contains(&name)
}
