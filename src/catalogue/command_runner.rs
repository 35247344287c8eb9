//! Programs whose words are a command, or names of programs.

/// What a program does with the command among its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    /// It runs it with more than stands there: with what it reads, or by a shell of its own.
    WithMore,
    /// It runs it as it stands there.
    AsItStands,
    /// It runs it on another machine.
    Elsewhere,
    /// It runs nothing: it installs the programs, or looks for them.
    Nothing,
}

/// Programs that do so.
#[derive(Debug)]
pub struct CommandRunners {
    /// Names of their executables.
    pub programs: &'static [&'static str],
    /// What they do.
    pub runs: Runs,
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

/// Writes a row.
const fn row(programs: &'static [&'static str], runs: Runs, source: &'static str) -> CommandRunners {
    CommandRunners {
        programs,
        runs,
        source,
        checked: "2026-11-30",
    }
}

/// All such programs, but for those that reach into containers.
pub const COMMAND_RUNNERS: &[CommandRunners] = &[
    row(
        &["xargs"],
        Runs::WithMore,
        "https://www.gnu.org/software/findutils/manual/html_node/find_html/Invoking-xargs.html",
    ),
    row(
        &["find"],
        Runs::WithMore,
        "https://www.gnu.org/software/findutils/manual/html_node/find_html/Run-Commands.html",
    ),
    row(
        &["parallel"],
        Runs::WithMore,
        "https://www.gnu.org/software/parallel/man.html",
    ),
    row(
        &["watch"],
        Runs::WithMore,
        "https://man7.org/linux/man-pages/man1/watch.1.html",
    ),
    row(
        &["flock"],
        Runs::WithMore,
        "https://man7.org/linux/man-pages/man1/flock.1.html",
    ),
    row(
        &["su", "runuser"],
        Runs::WithMore,
        "https://man7.org/linux/man-pages/man1/su.1.html",
    ),
    row(
        &["script"],
        Runs::WithMore,
        "https://man7.org/linux/man-pages/man1/script.1.html",
    ),
    row(&["retry"], Runs::AsItStands, "https://manpages.debian.org/retry"),
    row(&["ssh"], Runs::Elsewhere, "https://man.openbsd.org/ssh"),
    row(
        &["apk", "apt-get", "yum", "dnf"],
        Runs::Nothing,
        "https://wiki.alpinelinux.org/wiki/Alpine_Package_Keeper",
    ),
    row(&["which"], Runs::Nothing, "https://manpages.debian.org/which.1"),
];

/// What a program does with the command among its words, where it is known for having one.
#[must_use]
pub fn runs(program: &str) -> Option<Runs> {
    let mut rows = COMMAND_RUNNERS.iter();
    rows.find(|row| row.programs.contains(&program))
        .map(|row| row.runs)
}
