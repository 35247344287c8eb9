//! Commands that serve nothing once what they stand beside is gone.

use super::{output::leads_nowhere, result::result_variable};
use crate::{
    behaviour::action::{Action, ExitCode, Values, classify_simple},
    shell::{Command, List, Simple, Word},
};

/// What a command does, whatever its variables hold.
pub(super) fn action(simple: &Simple) -> Action {
    classify_simple(simple, &Values::new(&|_| None)).action
}

/// A command that passes time, prints, looks at something or counts.
pub(super) fn simple_goes(simple: &Simple) -> bool {
    let runs_nothing = || {
        let words = simple.words.iter();
        let values = simple.assignments.iter().map(|assignment| &assignment.value);
        words
            .chain(values)
            .all(|word| word.substitutions().next().is_none())
    };
    match action(simple) {
        Action::Sleep { .. } | Action::Break { .. } | Action::TestFile { .. } | Action::Compare => true,
        Action::Assign => runs_nothing(),
        Action::Echo => simple.assignments.is_empty() && is_print(simple),
        _ => false,
    }
}

/// A condition that only asks whether something here answers: `if curl -sf localhost:15021/…; then quit; fi`.
pub(super) fn condition_goes(list: &List) -> bool {
    let asks = |command: &Command| match command {
        Command::Simple(simple) => match action(simple) {
            Action::Http(http) => {
                http.only_asks() && http.output.is_none() && http.urls().all(|url| url.host.is_local())
            }
            Action::Connect(connect) => !connect.has_side_effects && connect.host.is_local(),
            _ => simple_goes(simple),
        },
        Command::Test { .. } => true,
        _ => false,
    };
    list.statements
        .iter()
        .flat_map(|statement| statement.and_or.pipelines())
        .flat_map(|pipeline| &pipeline.commands)
        .all(asks)
}

/// `code=$?`, `exit $code`
pub(super) fn carries_result(simple: &Simple) -> bool {
    result_variable(simple).is_some()
        || matches!(
            action(simple),
            Action::Exit {
                code: None | Some(ExitCode::LastStatus | ExitCode::Variable(_)),
                ..
            }
        )
}

/// `echo`, `true`, `:`, `printf`, `local n=0`: whose only effect is what they print or keep.
fn is_print(simple: &Simple) -> bool {
    let name = simple.words.first().and_then(Word::literal);
    name.is_some_and(|name| {
        matches!(
            &*name,
            "echo" | "true" | ":" | "printf" | "date" | "false" | "let"
        )
    }) && simple.redirects.iter().all(leads_nowhere)
}
