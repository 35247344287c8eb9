//! Commands that serve nothing once what they stand beside is gone.

use super::{output::leads_nowhere, result::result_variable};
use crate::{
    behaviour::action::{Action, ExitCode, Values, classify_simple},
    shell::{Command, List, Simple, Variable, Word},
};

/// What a command does, whatever its variables hold.
pub(super) fn action(simple: &Simple) -> Action {
    classify_simple(simple, &Values::new(&|_| Variable::Unset)).action
}

/// The code with which a command ends its shell or its function, and whether it is `return`; nothing for one that does
/// not.
pub(super) fn exit(simple: &Simple) -> Option<(Option<ExitCode>, bool)> {
    // Most commands are none, which shows sooner than what they are. A word may be quoted, or a variable's.
    let may_be = |word: &Word| {
        let text = word.literal();
        text.is_none_or(|text| text.ends_with("exit") || text.ends_with("return"))
    };
    if !simple.words.iter().any(may_be) {
        return None;
    }
    match action(simple) {
        Action::Exit { code, is_return } => Some((code, is_return)),
        _ => None,
    }
}

/// What is printed: the message of a loop that tries again goes with it, any other stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prints {
    Stay,
    Go,
}

/// A command that passes time, looks at something, counts, or prints.
pub(super) fn simple_goes(simple: &Simple, prints: Prints) -> bool {
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
        Action::Export => is_local(simple) && runs_nothing(),
        Action::Echo => simple.assignments.is_empty() && is_quiet(simple, prints),
        _ => false,
    }
}

/// `local n=0`
fn is_local(simple: &Simple) -> bool {
    simple
        .words
        .first()
        .is_some_and(|word| matches!(word.raw.as_str(), "local" | "declare" | "typeset"))
}

/// A condition that only asks whether something here answers: `if curl -sf localhost:15021/…; then quit; fi`.
pub(super) fn condition_goes(list: &List) -> bool {
    let asks = |command: &Command| match command {
        Command::Simple(simple) => match action(simple) {
            Action::Http(http) => {
                http.only_asks() && http.output.is_none() && http.urls().all(|url| url.host.is_local())
            }
            Action::Connect(connect) => !connect.has_side_effects && connect.host.is_local(),
            _ => simple_goes(simple, Prints::Stay),
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
            exit(simple),
            Some((None | Some(ExitCode::LastStatus | ExitCode::Variable(_)), _))
        )
}

/// `true`, `:`, and where prints go `echo`, `printf`: whose only effect is what they print.
fn is_quiet(simple: &Simple, prints: Prints) -> bool {
    let name = simple.words.first().and_then(Word::literal);
    let is_known = name.is_some_and(|name| match &*name {
        "true" | ":" | "false" | "let" => true,
        "echo" | "printf" | "date" => prints == Prints::Go,
        _ => false,
    });
    is_known && simple.redirects.iter().all(leads_nowhere)
}
