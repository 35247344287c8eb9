//! How a list of words starts a shell, and which of them is the script.

use std::ops::Range;

use crate::shell::Dialect;

/// A shell with a script in a list of words: `["tini", "--", "sh", "-ec", "…", "name", "argument"]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellInvocation {
    /// The words before the shell: init programs and wrappers.
    pub wrappers: Range<usize>,
    /// The word that names the shell; absent where the image's entrypoint is one (`args: ["-c", "…"]`).
    pub shell: Option<usize>,
    /// The options, as they stand between the shell and the script.
    pub options: Range<usize>,
    /// The word that is the script, or the path of the script's file.
    pub script: usize,
    /// The script is a file.
    pub file: bool,
    /// `-e`: the script ends at the first command that fails.
    pub exits_on_error: bool,
    /// Which shell it is.
    pub dialect: Dialect,
}

/// Programs that run their arguments somewhere else.
const ELSEWHERE: [&str; 10] = [
    "kubectl", "oc", "docker", "podman", "nerdctl", "ssh", "nsenter", "crictl", "ctr", "chroot",
];

/// Finds the shell in `words`. Unknown words (`None`) are never one.
#[must_use]
pub(super) fn shell_invocation(words: &[Option<&str>]) -> Option<ShellInvocation> {
    if let Some(Some(first)) = words.first() {
        if ELSEWHERE.contains(&base_name(first)) {
            return None;
        }
        // Only `args` is written: the image's entrypoint must be a shell for that to make sense.
        if is_command_option(first) && words.len() > 1 {
            return behind_options(words, 0, None, Dialect::Posix);
        }
    }
    let shell = words
        .iter()
        .position(|word| word.is_some_and(|word| Dialect::of_program(word).is_some()))?;
    let dialect = Dialect::of_program((*words.get(shell)?)?)?;
    behind_options(words, shell + 1, Some(shell), dialect)
}

fn behind_options(
    words: &[Option<&str>],
    first_option: usize,
    shell: Option<usize>,
    dialect: Dialect,
) -> Option<ShellInvocation> {
    let mut at = first_option;
    let mut reads_argument = false;
    let mut exits_on_error = false;
    while let Some(word) = words.get(at) {
        let Some(option) = word.filter(|word| word.len() > 1 && word.starts_with(['-', '+'])) else {
            break;
        };
        at += 1;
        if option == "--" {
            break;
        }
        if let Some(long) = option.strip_prefix("--") {
            // bash's long options with an argument
            at += usize::from(matches!(long, "init-file" | "rcfile"));
            continue;
        }
        let letters = option.get(1..).unwrap_or_default();
        if option.starts_with('-') {
            reads_argument |= letters.contains('c');
            exits_on_error |= letters.contains('e');
        }
        // Each `o` takes the next word: `-eo pipefail`.
        for _ in letters.matches(['o', 'O']) {
            exits_on_error |= words.get(at).copied().flatten() == Some("errexit");
            at += 1;
        }
    }
    (*words.get(at)?)?;
    Some(ShellInvocation {
        wrappers: 0..shell.unwrap_or(0),
        shell,
        options: first_option..at,
        script: at,
        file: !reads_argument,
        exits_on_error,
        dialect,
    })
}

/// `-c`, `-ec`, `-lc`, `-euxc`: one dash, letters of shell options, a `c` among them.
fn is_command_option(word: &str) -> bool {
    word.strip_prefix('-').is_some_and(|letters| {
        letters.contains('c') && letters.chars().all(|letter| "abcefhiklmnpuvxo".contains(letter))
    })
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script_of(words: &[&str]) -> Option<(usize, bool, bool)> {
        let words: Vec<_> = words.iter().map(|word| Some(*word)).collect();
        shell_invocation(&words).map(|found| (found.script, found.file, found.exits_on_error))
    }

    #[test]
    fn finds_the_script_however_it_is_split() {
        for (words, expected) in [
            (&["sh", "-c", "x"][..], Some((2, false, false))),
            (&["/bin/bash", "-euxc", "x"], Some((2, false, true))),
            (
                &["/bin/bash", "-euo", "pipefail", "-c", "x"],
                Some((4, false, true)),
            ),
            (&["bash", "-o", "errexit", "-c", "x"], Some((4, false, true))),
            (&["bash", "-lc", "x", "name", "argument"], Some((2, false, false))),
            (&["sh", "-c", "--", "x"], Some((3, false, false))),
            (&["bash", "--login", "-c", "x"], Some((3, false, false))),
            (&["tini", "--", "sh", "-c", "x"], Some((4, false, false))),
            (
                &["/kubexit/kubexit", "/bin/sh", "-c", "x"],
                Some((3, false, false)),
            ),
            (&["busybox", "sh", "-c", "x"], Some((3, false, false))),
            (&["/usr/bin/env", "bash", "-c", "x"], Some((3, false, false))),
            (&["-c", "x"], Some((1, false, false))),
            (&["-ec", "x"], Some((1, false, true))),
            (&["sh", "/scripts/run.sh", "x"], Some((1, true, false))),
            (&["bash", "-e", "/scripts/run.sh"], Some((2, true, true))),
            (&["sh"], None),
            (&["sh", "-c"], None),
            (&["-config", "x"], None),
            (&["kubectl", "exec", "pod", "--", "sh", "-c", "x"], None),
            (&["nginx", "-c", "x"], None),
        ] {
            assert_eq!(script_of(words), expected, "{words:?}");
        }
    }
}
