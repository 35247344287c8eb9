//! Files that scripts create, remove and look for.

use crate::shell::{Redirect, Simple};

use super::{
    Action,
    action::is_writing,
    command_line::{CommandLine, Lookup},
};

/// What a command does with files, where that is all it does.
pub(super) fn action(simple: &Simple, line: &CommandLine, value_of: Lookup<'_>) -> Option<Action> {
    let paths = || -> Vec<String> {
        line.arguments
            .iter()
            .skip(1)
            .filter_map(|argument| argument.value.clone())
            .filter(|path| !path.starts_with('-'))
            .collect()
    };
    match line.program() {
        "touch" | "mkfifo" | "truncate" | "tee" | "rm" | "unlink" => Some(Action::Write(paths())),
        // The last word is written.
        "cp" | "mv" | "install" | "ln" => paths().pop().map(|path| Action::Write(vec![path])),
        "stat" | "ls" | "cat" | "wc" | "head" | "tail" | "inotifywait" => {
            let path = paths().into_iter().find(|path| path.starts_with('/'))?;
            simple
                .redirects
                .iter()
                .all(|redirect| !writes_file(redirect, value_of))
                .then_some(Action::TestFile { path, negated: false })
        }
        "echo" | "printf" | "date" | ":" | "true" | "hostname" => {
            let written = written(&simple.redirects, value_of);
            (!written.is_empty()).then_some(Action::Write(written))
        }
        _ => None,
    }
}

/// The files that redirections write, standard output and devices left out.
pub(super) fn written(redirects: &[Redirect], value_of: Lookup<'_>) -> Vec<String> {
    redirects
        .iter()
        .filter(|redirect| is_writing(redirect))
        .filter_map(|redirect| redirect.target.as_ref()?.resolve(value_of))
        .filter(|path| !path.starts_with("/dev/") && !path.starts_with("/proc/"))
        .collect()
}

fn writes_file(redirect: &Redirect, value_of: Lookup<'_>) -> bool {
    !written(std::slice::from_ref(redirect), value_of).is_empty()
}
