//! Loops that wait, told from loops that work.

mod variable;

use crate::{
    behaviour::action::{Action, ExitCode},
    shell::{Command, Connector, List, Part, Pipeline, Span, Word},
};

use super::{
    Located, ScriptBehaviour, WaitForm, covers, quit,
    step::{is_filter, is_last_status},
};
use variable::{
    asks_something, by_variable, command_sets, looks_at_saved, looks_at_status, reads_input, sets,
};

/// A loop that waits: which part asks, and which passes the time.
pub(super) struct Shape {
    pub(super) form: WaitForm,
    pub(super) condition: Span,
    pub(super) body: Span,
    pub(super) inverted: bool,
    pub(super) rounds: Option<f64>,
}

impl Shape {
    pub(super) fn of(behaviour: &ScriptBehaviour, command: &Command) -> Option<Self> {
        let shape = match command {
            Command::Loop { body, .. } | Command::For { body, .. } if is_endless_loop(command) => {
                let (condition, inverted) = leaving_condition(behaviour, body, &[])?;
                Self {
                    form: WaitForm::EndlessLoop,
                    condition,
                    body: extent(body)?,
                    inverted,
                    rounds: None,
                }
            }
            Command::Loop {
                until,
                condition,
                body,
                ..
            } if !asks_something(behaviour, condition) => by_variable(behaviour, *until, condition, body)?,
            Command::Loop {
                until,
                condition,
                body,
                ..
            } => {
                let asks = is_negated(behaviour, condition);
                Self {
                    form: WaitForm::Loop,
                    condition: extent(condition)?,
                    body: extent(body)?,
                    inverted: asks == *until,
                    rounds: None,
                }
            }
            Command::For { words, body, .. } => {
                let (condition, inverted) = leaving_condition(behaviour, body, &[])?;
                Self {
                    form: WaitForm::CountedLoop,
                    condition,
                    body: extent(body)?,
                    inverted,
                    rounds: rounds(words),
                }
            }
            _ => return None,
        };
        // Who asks another one to stop until it does so, does not wait for it.
        let asks =
            |located: &Located| located.action.is_probe() && !located.action.http().is_some_and(quit::stops);
        let inside = || behaviour.within(&shape.condition);
        // What only passes the time is a wait; a loop that works while something holds is a service.
        let works = behaviour
            .within(&shape.body)
            .filter(|located| !covers(&shape.condition, &located.action.span))
            .any(|located| is_work(located) && !leaves_for_work(located));
        (inside().any(asks) && !inside().any(reads_input) && !works).then_some(shape)
    }
}

/// Whether a loop goes on until its body leaves it: `while true`, `until false`, `for ((;;))`.
pub(super) fn is_endless_loop(command: &Command) -> bool {
    match command {
        Command::Loop { until, condition, .. } => is_endless(condition, *until),
        Command::For { endless, .. } => *endless,
        _ => false,
    }
}

/// `true`, `:`, `[ 1 ]`, `(( 1 ))`, `sleep 5`
pub(super) fn is_endless(condition: &List, until: bool) -> bool {
    let [statement] = condition.statements.as_slice() else {
        return false;
    };
    let pipeline = &statement.and_or.first;
    let [command] = pipeline.commands.as_slice() else {
        return false;
    };
    let holds = constant(command).map(|holds| holds != pipeline.negated);
    statement.and_or.rest.is_empty() && holds == Some(!until)
}

/// How a command ends that always ends alike.
fn constant(command: &Command) -> Option<bool> {
    match command {
        Command::Arithmetic { constant, .. } => *constant,
        Command::Test { words, .. } => constant_test(&raws(words)),
        Command::Simple(simple) => match raws(&simple.words).as_slice() {
            [":" | "true" | "/bin/true"] => Some(true),
            ["false" | "/bin/false"] => Some(false),
            ["sleep" | "/bin/sleep", time] => is_plain(time).then_some(true),
            ["[", words @ .., "]"] | ["test", words @ ..] => constant_test(words),
            _ => None,
        },
        _ => None,
    }
}

fn raws(words: &[Word]) -> Vec<&str> {
    words.iter().map(|word| word.raw.as_str()).collect()
}

/// `1`, `1 -eq 1`, `a = b`
fn constant_test(words: &[&str]) -> Option<bool> {
    match words {
        [word] => is_plain(word).then_some(true),
        [left, "=" | "==", right] => (is_plain(left) && is_plain(right)).then_some(left == right),
        // `1 -eq 01` holds, too.
        [left, "-eq", right] => (is_plain(left) && left == right).then_some(true),
        _ => None,
    }
}

/// A word that stands for itself: a number, a name.
fn is_plain(word: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, ':' | '.' | '_');
    !word.is_empty() && word.chars().all(is_letter)
}

/// What makes a loop's body leave the loop: `cond && break`, `if cond; then break; fi`. With whether the thing
/// must be gone.
/// A flag is a variable that the loop's own condition looks at: `ready=true` leaves the loop too.
fn leaving_condition(behaviour: &ScriptBehaviour, body: &List, flags: &[&str]) -> Option<(Span, bool)> {
    let leaves = |behaviour: &ScriptBehaviour, body: &List| leaves(behaviour, body) || sets(body, flags);
    for (place, statement) in body.statements.iter().enumerate() {
        // `curl …` and then `if [ $? -eq 0 ]`, or `rc=$?` and then `if [ $rc -eq 0 ]`
        let before = |steps: usize| {
            place
                .checked_sub(steps)
                .and_then(|before| body.statements.get(before))
        };
        let asked = |condition: Span| match (before(1), before(2)) {
            (Some(before), _) if looks_at_status(behaviour, &condition) => before.span.clone(),
            (Some(saves), Some(before)) if looks_at_saved(behaviour, &condition, saves) => {
                before.span.clone()
            }
            _ => condition,
        };
        let pipelines: Vec<&Pipeline> = statement.and_or.pipelines().collect();
        if let [
            Command::If {
                branches, otherwise, ..
            },
        ] = statement.and_or.first.commands.as_slice()
        {
            for branch in branches {
                if leaves(behaviour, &branch.body) {
                    return Some((
                        asked(extent(&branch.condition)?),
                        is_negated(behaviour, &branch.condition),
                    ));
                }
            }
            let first = branches.first()?;
            if continues(behaviour, &first.body) && ends_with_break(behaviour, body) {
                return Some((
                    asked(extent(&first.condition)?),
                    !is_negated(behaviour, &first.condition),
                ));
            }
            if otherwise.as_ref().is_some_and(|body| leaves(behaviour, body)) {
                return Some((
                    asked(extent(&first.condition)?),
                    !is_negated(behaviour, &first.condition),
                ));
            }
        }
        for (index, (connector, pipeline)) in statement.and_or.rest.iter().enumerate() {
            // `nc … || { sleep 1; continue; }` before what leaves the loop.
            let goes_round = *connector == Connector::Or
                && pipeline.commands.iter().any(|command| match command {
                    Command::Group { body, .. } => continues(behaviour, body),
                    _ => false,
                });
            if goes_round && ends_with_break(behaviour, body) {
                let (first, last) = (pipelines.first()?, pipelines.get(index)?);
                let condition = first.span.start..last.span.end;
                let negated = first.negated || tests_absence(behaviour, &condition);
                return Some((asked(condition), negated));
            }
            let breaks = pipeline
                .commands
                .iter()
                .any(|command| command_leaves(behaviour, command) || command_sets(command, flags));
            if breaks {
                let (first, last) = (pipelines.first()?, pipelines.get(index)?);
                let condition = first.span.start..last.span.end;
                let negated = first.negated
                    || tests_absence(behaviour, &condition)
                    || looks_at_status(behaviour, &condition)
                        && compares_with_failure(behaviour, &first.commands);
                return Some((asked(condition), negated != (*connector == Connector::Or)));
            }
        }
    }
    None
}

/// `continue`
fn continues(behaviour: &ScriptBehaviour, body: &List) -> bool {
    let continues = |located: &Located| matches!(located.action.action, Action::Break { is_continue: true });
    extent(body).is_some_and(|extent| behaviour.within(&extent).any(continues))
}

fn ends_with_break(behaviour: &ScriptBehaviour, body: &List) -> bool {
    let last = body.statements.last().map(|statement| &statement.and_or.first);
    last.is_some_and(|last| {
        last.commands
            .iter()
            .any(|command| command_leaves(behaviour, command))
    })
}

fn leaves(behaviour: &ScriptBehaviour, body: &List) -> bool {
    body.statements
        .iter()
        .flat_map(|statement| statement.and_or.pipelines())
        .flat_map(|pipeline| &pipeline.commands)
        .any(|command| command_leaves(behaviour, command))
}

/// `break`, `exit 0`, `return`, and groups of them. Leaving with an error is giving up.
fn command_leaves(behaviour: &ScriptBehaviour, command: &Command) -> bool {
    match command {
        Command::Group { body, .. } => leaves(behaviour, body),
        Command::Simple(simple) => {
            behaviour
                .within(&simple.span)
                .any(|located| match &located.action.action {
                    _ if leaves_for_work(located) => true,
                    Action::Break { is_continue } => !is_continue,
                    Action::Exit { code, .. } => {
                        matches!(code, None | Some(ExitCode::Number(0) | ExitCode::LastStatus))
                    }
                    _ => false,
                })
        }
        _ => false,
    }
}

/// `exec /app`: it leaves a loop, and the script.
pub(super) fn leaves_for_work(located: &Located) -> bool {
    // A subshell or a process beside it would leave the loop to the script.
    let context = &located.visit.context;
    let is_own = !context.subshell && !context.background && context.pipeline_length == 1;
    is_own && located.action.is_exec && matches!(located.action.action, Action::Other { program: Some(_) })
}

/// Whether a condition holds while the thing is absent: `! curl …`, `[ ! -f x ]`.
fn is_negated(behaviour: &ScriptBehaviour, condition: &List) -> bool {
    let Some(statement) = condition.statements.last() else {
        return false;
    };
    let pipeline = &statement.and_or.first;
    let tests = compares_with_failure(behaviour, &pipeline.commands);
    (pipeline.negated != tests) != tests_absence(behaviour, &pipeline.span)
}

fn tests_absence(behaviour: &ScriptBehaviour, span: &Span) -> bool {
    behaviour.within(span).any(|located| {
        matches!(&located.action.action, Action::TestFile { negated: true, .. })
            && !located.visit.context.substitution
    })
}

/// `[ "$(curl …)" != 200 ]`, `[ -z "$(…)" ]`; for what is counted, `[ $(… | wc -l) -eq 0 ]`.
fn compares_with_failure(behaviour: &ScriptBehaviour, commands: &[Command]) -> bool {
    let [command] = commands else {
        return false;
    };
    let words: &[Word] = match command {
        Command::Simple(simple)
            if matches!(
                simple.words.first().map(|word| word.raw.as_str()),
                Some("[" | "test")
            ) =>
        {
            &simple.words
        }
        Command::Test { words, .. } => words,
        _ => return false,
    };
    let has = |raws: &[&str]| words.iter().any(|word| raws.contains(&word.raw.as_str()));
    let counts = behaviour.within(&command.span()).any(|located| {
        let words = located
            .visit
            .simple()
            .map_or(&[][..], |simple| simple.words.as_slice());
        let raws: Vec<_> = words.iter().map(|word| word.raw.as_str()).collect();
        matches!(raws.as_slice(), ["wc", ..]) || raws.first() == Some(&"grep") && raws.contains(&"-c")
    });
    // curl prints 000 where nothing answered.
    if words.iter().any(|word| is_no_status(&word.raw)) {
        return has(&["=", "==", "-eq"]);
    }
    if counts && has(&["0", "\"0\"", "1"]) {
        return has(&["-eq", "=", "==", "-lt", "-le"]);
    }
    has(&["!=", "-ne", "-z"]) || has(&["-gt", "-ge", ">"]) && words.iter().any(is_last_status)
}

/// What `curl -w '%{http_code}'` prints where it got no answer.
pub(super) fn is_no_status(word: &str) -> bool {
    word.trim_matches(['"', '\'']) == "000"
}

/// From the first to the last statement.
pub(super) fn extent(list: &List) -> Option<Span> {
    Some(list.statements.first()?.span.start..list.statements.last()?.span.end)
}

/// How often `for i in $(seq 1 30)` runs.
fn rounds(words: &[Word]) -> Option<f64> {
    let [word] = words else {
        return Some(words.iter().map(|_| 1.0).sum());
    };
    if let Some(range) = word.raw.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        let (first, last) = range.split_once("..")?;
        return Some(last.parse::<f64>().ok()? - first.parse::<f64>().ok()? + 1.0);
    }
    let list = word.substitutions().next()?;
    let [statement] = list.statements.as_slice() else {
        return None;
    };
    let [Command::Simple(simple)] = statement.and_or.first.commands.as_slice() else {
        return None;
    };
    let numbers: Vec<f64> = simple
        .words
        .iter()
        .skip(1)
        .filter_map(|word| word.literal()?.parse().ok())
        .collect();
    match (simple.words.first()?.raw.as_str(), numbers.as_slice()) {
        ("seq", [last]) => Some(*last),
        ("seq", [first, last]) => Some(last - first + 1.0),
        ("seq", [first, step, last]) => Some(((last - first) / step).floor() + 1.0),
        _ => None,
    }
}

/// Whether a loop's body does something that isn't part of waiting.
fn is_work(located: &Located) -> bool {
    let context = &located.visit.context;
    match &located.action.action {
        Action::Other { program: Some(name) } if is_filter(name) => context.pipeline_index == 0,
        // `echo &2>1 "no key"`: what was to be printed is taken for a program, and nothing has that name.
        Action::Other { program: Some(name) } if name.contains(' ') && !name.contains('/') => false,
        Action::Other { .. } | Action::Wrapper { .. } => !context.is_in(Part::LoopCondition),
        Action::Signal { only_tests, .. } => !only_tests,
        _ => false,
    }
}
