//! A script that is nothing but one command needs no shell.

use super::result::only_simple;
use crate::shell::{Dialect, Piece, Statement, Terminator, Word, parse};

/// How the environment of a container names a variable.
pub(crate) type IsVariable<'v> = &'v dyn Fn(&str) -> bool;

/// Built-in commands and keywords that the grammar takes for commands, which no program need stand for.
const BUILT_IN: [&str; 49] = [
    ".",
    ":",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "cd",
    "command",
    "compgen",
    "complete",
    "continue",
    "coproc",
    "declare",
    "disown",
    "enable",
    "eval",
    "exec",
    "exit",
    "export",
    "fc",
    "fg",
    "getopts",
    "hash",
    "jobs",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "pushd",
    "read",
    "readarray",
    "readonly",
    "return",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "time",
    "trap",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unset",
    "wait",
];

/// The words that start the program which a script is about, where no shell is needed for them.
///
/// `$VAR` in double quotes becomes `$(VAR)`, which the kubelet expands
/// (kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container).
pub(crate) fn plain_command(
    text: &str,
    dialect: Dialect,
    is_variable: IsVariable<'_>,
) -> Option<Vec<String>> {
    let script = parse(text, dialect)?;
    // A comment would be lost, and what the kubelet itself expands in the script is not what the shell sees.
    let has_comment = text.lines().any(|line| line.trim_start().starts_with('#'));
    if has_comment || text.contains("$$") || text.contains("$(") {
        return None;
    }
    let mut statements = script
        .list
        .statements
        .iter()
        .filter(|statement| !is_shell_option(statement));
    let (Some(statement), None) = (statements.next(), statements.next()) else {
        return None;
    };
    if statement.terminator == Terminator::Background || !statement.and_or.rest.is_empty() {
        return None;
    }
    let simple = only_simple(&statement.and_or.first)?;
    if !simple.assignments.is_empty() || !simple.redirects.is_empty() || !simple.scripts.is_empty() {
        return None;
    }
    let skip = usize::from(simple.words.first().is_some_and(|word| word.raw == "exec"));
    // Shells other than bash read `$'a\tb'` as it stands, and which one `sh` is the image decides.
    let is_ansi = |word: &Word| word.raw.contains("$'");
    if dialect == Dialect::Posix && simple.words.iter().any(is_ansi) {
        return None;
    }
    let words: Vec<String> = simple
        .words
        .iter()
        .skip(skip)
        .map(|word| plain_word(word, is_variable))
        .collect::<Option<_>>()?;
    let program = words.first()?;
    // `exec -a NAME` has options of its own; a script may have no `#!` line, and only a shell runs it then.
    let needs_shell = program.is_empty()
        || program.starts_with('-')
        || program.contains('$')
        || [".sh", ".bash"].iter().any(|ending| program.ends_with(ending))
        || BUILT_IN.contains(&program.as_str());
    (!needs_shell).then_some(words)
}

/// `set -e` and its like, which say nothing about a single command.
fn is_shell_option(statement: &Statement) -> bool {
    statement.and_or.rest.is_empty()
        && only_simple(&statement.and_or.first).is_some_and(|simple| {
            let mut words = simple.words.iter().map(|word| word.raw.as_str());
            words.next() == Some("set")
                && words.all(|word| {
                    matches!(
                        word,
                        "-e" | "-u" | "-eu" | "-ue" | "-o" | "pipefail" | "-eo" | "-euo"
                    )
                })
        })
}

fn plain_word(word: &Word, is_variable: IsVariable<'_>) -> Option<String> {
    let mut plain = String::new();
    for piece in &word.pieces {
        match piece {
            Piece::Text { text, quoted } => {
                let expands = text.contains(['*', '?', '[', '{', '~', '!']) && !quoted;
                if expands {
                    return None;
                }
                plain += text;
            }
            Piece::Variable {
                name,
                default: None,
                simple: true,
                quoted: true,
            } if is_variable(name) => {
                plain += &format!("$({name})");
            }
            _ => return None,
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_command_needs_no_shell() {
        let plain = |text: &str| plain_command(text, Dialect::Posix, &|name| name == "URL");
        let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(plain("exec /app --x 'a b'"), words(&["/app", "--x", "a b"]));
        assert_eq!(plain("set -e\n/app \"$URL\"\n"), words(&["/app", "$(URL)"]));
        for text in [
            "/app $URL",
            "/app \"$OTHER\"",
            "/app *.txt",
            "/app > log",
            "A=1 /app",
            "cd /x",
            "/app | tee",
            "/app &",
            "a; b",
            "/app `x`",
            "# why\n/app",
            "/app ~",
            "/app '$(x)'",
            "/app '$$'",
            "$URL",
            "exec -a name /app",
            "time /app",
            "/app $'a\\tb'",
            "/scripts/run.sh --x",
        ] {
            assert_eq!(plain(text), None, "{text}");
        }
    }
}
