//! The process that a script starts only to end it when a file is there.

use crate::{
    behaviour::action::{Action, Target, Values, classify_simple},
    shell::{Command, Dialect, List, Simple, Statement, Terminator, Word, parse},
};

/// What a command does, whatever its variables hold.
fn action(simple: &Simple) -> Action {
    classify_simple(simple, &Values::new(&|_| None)).action
}

/// The command of a child process that the rest of a script only watches: `app & pid=$!; …; kill $pid`.
pub(super) fn watched_child(text: &str, dialect: Dialect, file: &str) -> Option<String> {
    let script = parse(text, dialect)?;
    let mut child = None;
    for statement in &script.list.statements {
        let is_command = matches!(
            statement.and_or.first.commands.as_slice(),
            [Command::Simple(simple)] if matches!(action(simple), Action::Other { .. })
        );
        if statement.terminator == Terminator::Background && statement.and_or.rest.is_empty() && is_command {
            if child.is_some() {
                return None;
            }
            child = text.get(statement.span.clone());
            continue;
        }
        if !watches(statement, file) {
            return None;
        }
    }
    child.map(str::to_owned)
}

/// A script in which what it starts in the background and waits for at its end takes the shell's place: `proxy &
/// pid=$!; wait $pid`. A script without a background process stays as it is. `None` where that is not all that
/// becomes of the process.
pub(super) fn in_foreground(text: &str, dialect: Dialect) -> Option<String> {
    let script = parse(text, dialect)?;
    let statements = &script.list.statements;
    let is_background = |statement: &&Statement| statement.terminator == Terminator::Background;
    let mut children = statements
        .iter()
        .enumerate()
        .filter(|(_, statement)| is_background(statement));
    let Some((at, child)) = children.next() else {
        return Some(text.to_owned());
    };
    let waits = statements.get(at + 1..)?.iter().all(|statement| {
        matches!(
            statement.and_or.first.commands.as_slice(),
            [Command::Simple(simple)] if statement.and_or.rest.is_empty()
                && matches!(action(simple), Action::Wait { .. } | Action::Assign)
        )
    });
    let is_command = child.and_or.rest.is_empty()
        && matches!(
            child.and_or.first.commands.as_slice(),
            [Command::Simple(simple)] if matches!(action(simple), Action::Other { .. })
        );
    if !waits || !is_command || children.next().is_some() {
        return None;
    }
    let trailing = text.len() - text.trim_end_matches('\n').len();
    let before = text.get(..child.span.start)?;
    let command = as_process(text.get(child.span.clone())?, dialect);
    Some(format!("{before}{command}{}", "\n".repeat(trailing)))
}

/// A simple command that takes the shell's place, so that SIGTERM reaches its program.
pub(super) fn as_process(command: &str, dialect: Dialect) -> String {
    let is_bare = parse(command, dialect).is_some_and(|script| {
        matches!(
            script.list.statements.as_slice(),
            [Statement { and_or, .. }] if matches!(
                and_or.first.commands.as_slice(),
                [Command::Simple(simple)] if simple.assignments.is_empty()
                    && simple.words.first().is_some_and(|word| word.raw != "exec")
            )
        )
    });
    match is_bare {
        true => format!("exec {command}"),
        false => command.to_owned(),
    }
}

/// Whether a statement only looks for the file, signals or waits for the child, and ends.
fn watches(statement: &Statement, file: &str) -> bool {
    let list = List {
        statements: vec![statement.clone()],
    };
    list.commands().all(|visit| match visit.command {
        Command::Simple(simple) => {
            let looks_on = match action(simple) {
                Action::TestFile { path, .. } => path.path.as_deref() == Some(file),
                Action::Signal { targets, .. } => targets
                    .iter()
                    .all(|target| matches!(target, Target::Variable(_) | Target::Job(_) | Target::Pid(1))),
                Action::Sleep { .. }
                | Action::Wait { .. }
                | Action::Break { .. }
                | Action::Exit { .. }
                | Action::Trap { .. }
                | Action::Compare
                | Action::Assign
                | Action::Echo => true,
                _ => false,
            };
            let writes = simple
                .redirects
                .iter()
                .any(|redirect| redirect.target.as_ref().is_some_and(|target| target.raw == file));
            looks_on && !writes
        }
        Command::Test { words, .. } => words.iter().filter_map(Word::literal).any(|word| word == file),
        Command::Case { .. } | Command::Function { .. } => false,
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_found_behind_its_watchdog() {
        let text = "/bin/proxy --x &\npid=$!\nwhile [ ! -f /signal/done ]; do sleep 1; done\nkill $pid\n";
        assert_eq!(
            watched_child(text, Dialect::Posix, "/signal/done").as_deref(),
            Some("/bin/proxy --x")
        );
        assert_eq!(watched_child(text, Dialect::Posix, "/other"), None);
        let more = format!("{text}upload\n");
        assert_eq!(watched_child(&more, Dialect::Posix, "/signal/done"), None);
    }
}
