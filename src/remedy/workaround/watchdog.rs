//! The process that a script starts only to end it when a file is there.

use crate::{
    behaviour::action::{Action, FilePath, Target, Values, classify_simple},
    remedy::script::{kept::Kept, text::write},
    shell::{Command, Dialect, List, Simple, Span, Statement, Terminator, Variable, Word, parse},
};

/// What a command does, whatever its variables hold.
fn action(simple: &Simple) -> Action {
    classify_simple(simple, &Values::new(&|_| Variable::Unset)).action
}

/// The file that a script looks for, and those that it makes to tell that its process is ready.
struct Watched<'w> {
    file: &'w str,
    signs: &'w [&'w str],
    values: Values<'w>,
}

/// The script without what only minds a file: `app & pid=$!; …; kill $pid` becomes what comes before the process, and
/// the process itself in the shell's place. The files at `signs` are made, behind a wait or a sleep, to tell that the
/// process is ready.
pub(crate) fn without_watchdog(
    text: &str,
    dialect: Dialect,
    environment: &dyn Fn(&str) -> Variable,
    file: &str,
    signs: &[&str],
) -> Option<String> {
    let script = parse(text, dialect)?;
    let watched = |signs| Watched {
        file,
        signs,
        values: Values::of_script(&script, environment),
    };
    let (watched, unsigned) = (watched(signs), watched(&[]));
    let statements = &script.list.statements;
    let mut children = statements
        .iter()
        .enumerate()
        .filter(|(_, statement)| is_child(statement));
    let (Some((at, child)), None) = (children.next(), children.next()) else {
        return None;
    };
    let (before, behind) = (statements.get(..at)?, statements.get(at + 1..)?);
    if !behind.iter().all(|statement| watched.by(statement)) {
        return None;
    }
    // What comes first stays, but for what minds the file and the traps for the process, which are gone with it.
    let minds = |statement: &Statement| {
        let list = List {
            statements: vec![statement.clone()],
        };
        let minds = list.commands().any(|visit| match visit.command {
            Command::Simple(simple) => {
                matches!(
                    action(simple),
                    Action::Trap { .. }
                        | Action::Signal { .. }
                        | Action::TestFile { .. }
                        | Action::Remove { .. }
                ) || watched.is_named_by(simple) && !uses(text, &child.span, simple)
            }
            Command::Test { .. } => true,
            _ => false,
        });
        minds || statement.terminator == Terminator::Background
    };
    if before
        .iter()
        .any(|statement| minds(statement) && !unsigned.by(statement))
    {
        return None;
    }
    let kept: Vec<Kept<'_>> = before
        .iter()
        .filter(|statement| !minds(statement))
        .map(|statement| Kept {
            statement,
            part: statement.span.clone(),
        })
        .collect();
    if kept
        .iter()
        .any(|kept| text.get(kept.part.clone()).is_none_or(|part| part.contains(file)))
    {
        return None;
    }
    let command = as_process(text.get(child.span.clone())?, dialect);
    if kept.is_empty() {
        return Some(command);
    }
    let prefix = text.get(..child.span.start)?;
    let list = List {
        statements: before.to_vec(),
    };
    // `write` knows the statements by where they are.
    let kept: Vec<Kept<'_>> = list
        .statements
        .iter()
        .filter(|statement| kept.iter().any(|kept| kept.part == statement.span))
        .map(|statement| Kept {
            statement,
            part: statement.span.clone(),
        })
        .collect();
    let setup = write(prefix, &list, &kept);
    let gap = prefix.get(prefix.trim_end().len()..).unwrap_or_default();
    let separator = if gap.contains('\n') { gap } else { "; " };
    let trailing = text.len() - text.trim_end_matches('\n').len();
    Some(format!(
        "{}{separator}{command}{}",
        setup.trim_end(),
        "\n".repeat(trailing)
    ))
}

/// A program that a script starts in the background.
fn is_child(statement: &Statement) -> bool {
    statement.terminator == Terminator::Background
        && statement.and_or.rest.is_empty()
        && matches!(
            statement.and_or.first.commands.as_slice(),
            [Command::Simple(simple)] if matches!(action(simple), Action::Other { .. })
        )
}

/// A script in which what it starts in the background and waits for at its end takes the shell's place: `proxy &
/// pid=$!; wait $pid`. A script without a background process stays as it is. `None` where that is not all that
/// becomes of the process.
pub(crate) fn in_foreground(text: &str, dialect: Dialect) -> Option<String> {
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
    if !waits || !is_child(child) || children.next().is_some() {
        return None;
    }
    let trailing = text.len() - text.trim_end_matches('\n').len();
    let before = text.get(..child.span.start)?;
    let command = as_process(text.get(child.span.clone())?, dialect);
    Some(format!("{before}{command}{}", "\n".repeat(trailing)))
}

/// A simple command that takes the shell's place, so that SIGTERM reaches its program.
pub(crate) fn as_process(command: &str, dialect: Dialect) -> String {
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

/// Whether a command names a variable that a script assigns.
fn uses(text: &str, command: &Span, simple: &Simple) -> bool {
    let command = text.get(command.clone()).unwrap_or_default();
    simple
        .assignments
        .iter()
        .any(|assignment| command.contains(assignment.name.as_str()))
}

impl Watched<'_> {
    /// Whether a command does nothing but give the file's path a name: `FLAG=/signal/done`.
    fn is_named_by(&self, simple: &Simple) -> bool {
        let is_path = |value: &Word| self.values.expand(value) == self.file;
        simple.words.is_empty()
            && !simple.assignments.is_empty()
            && simple
                .assignments
                .iter()
                .all(|assignment| is_path(&assignment.value))
    }

    /// Whether a statement only looks for the file, signals or waits for the child, tells that it is ready, and ends.
    fn by(&self, statement: &Statement) -> bool {
        let list = List {
            statements: vec![statement.clone()],
        };
        list.commands().all(|visit| match visit.command {
            Command::Simple(simple) => {
                let looks_on = self.is_looking_on(&classify_simple(simple, &self.values).action);
                let writes = simple.redirects.iter().any(|redirect| {
                    let target = redirect.target.as_ref();
                    target.is_some_and(|target| self.values.expand(target) == self.file)
                });
                looks_on && !writes
            }
            Command::Test { words, .. } => words.iter().any(|word| self.values.expand(word) == self.file),
            Command::Case { .. } | Command::Function { .. } => false,
            _ => true,
        })
    }

    fn is_looking_on(&self, action: &Action) -> bool {
        let is_sign = |path: &FilePath| {
            path.path
                .as_deref()
                .is_some_and(|path| self.signs.contains(&path))
        };
        let is_file = |path: &FilePath| path.path.as_deref() == Some(self.file);
        match action {
            Action::TestFile { path, .. } => is_file(path),
            Action::Signal { targets, .. } => targets
                .iter()
                .all(|target| matches!(target, Target::Variable(_) | Target::Job(_) | Target::Pid(1))),
            Action::Touch { paths } => paths.iter().all(is_sign),
            Action::Http(http) => !self.signs.is_empty() && http.only_asks(),
            Action::Connect(connect) => !self.signs.is_empty() && !connect.has_side_effects,
            Action::Remove { paths } => paths.iter().all(is_file),
            Action::Sleep { .. }
            | Action::Wait { .. }
            | Action::Break { .. }
            | Action::Exit { .. }
            | Action::Trap { .. }
            | Action::Compare
            | Action::Assign
            | Action::Echo => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_found_behind_its_watchdog() {
        let text = "/bin/proxy --x &\npid=$!\nwhile [ ! -f /signal/done ]; do sleep 1; done\nkill $pid\n";
        let unset = |_: &str| Variable::Unset;
        let without = |text: &str| without_watchdog(text, Dialect::Posix, &unset, "/signal/done", &[]);
        assert_eq!(without(text).as_deref(), Some("exec /bin/proxy --x"));
        assert_eq!(
            without_watchdog(text, Dialect::Posix, &unset, "/other", &[]),
            None
        );
        assert_eq!(without(&format!("{text}upload\n")), None);
        // What comes before the process is not the watchdog's.
        let setup = format!("#!/bin/sh\nPORT=5432 # ours\nrm -f /signal/done\nmkdir -p /run/x\n\n{text}");
        assert_eq!(
            without(&setup).as_deref(),
            Some("#!/bin/sh\nPORT=5432 # ours\nmkdir -p /run/x\n\nexec /bin/proxy --x\n")
        );
        let line = "A=1; /bin/proxy $A & p=$!; until [ -f /signal/done ]; do sleep 1; done; kill $p";
        assert_eq!(without(line).as_deref(), Some("A=1; exec /bin/proxy $A"));
        // A variable may stand for the file, the script's own or the container's.
        let named = "FLAG=/signal/done\n/bin/proxy & p=$!\nuntil [[ -f $FLAG ]]; do sleep 1; done\nkill $p\n";
        assert_eq!(without(named).as_deref(), Some("exec /bin/proxy"));
        assert_eq!(without(&named.replace("proxy &", "proxy --until $FLAG &")), None);
        let of_container = |name: &str| match name {
            "END" => Variable::Known("/signal/done".to_owned()),
            _ => Variable::Unset,
        };
        let script = "/bin/proxy & while [ ! -e \"$END\" ]; do sleep 1; done; kill $!";
        let restored = without_watchdog(script, Dialect::Posix, &of_container, "/signal/done", &[]);
        assert_eq!(restored.as_deref(), Some("exec /bin/proxy"));
        for setup in [
            "trap 'save; kill $pid' TERM",
            "touch /signal/done",
            "/bin/other &",
        ] {
            assert_eq!(without(&format!("{setup}\n{text}")), None, "{setup}");
        }
    }
}
