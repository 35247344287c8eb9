//! What served nothing but the part that goes: the result it kept, its counter, the message of a wait that gave up.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    conversation::rest_of_the_conversation,
    fate::gives_up,
    harmless::action,
    obligation::Cutting,
    result::{exits_with, keeps_result, only_simple, result_variable},
};
use crate::behaviour::action::Action;
use crate::shell::{
    Command, List, Names, Pipeline, Simple, Span, State, StateAccess, Statement, Terminator, names_in,
};

/// Statements that may go as well, where nothing else reads what they set.
pub(super) fn belongings(cutting: &Cutting<'_>) -> Vec<Span> {
    let statements = &cutting.script.list.statements;
    let kept: Vec<&Statement> = statements
        .iter()
        .filter(|statement| !cutting.gone.cover(&statement.span))
        .collect();
    let mut found = plumbing(cutting, &kept);
    found.extend(rest_of_the_conversation(cutting));
    if found.is_empty() {
        found.extend(guards(cutting));
    }
    if found.is_empty() {
        found.extend(counters(cutting, &kept));
    }
    found
}

/// `code=$?` and `exit $code`, where nothing stands between them any more.
fn plumbing(cutting: &Cutting<'_>, kept: &[&Statement]) -> Vec<Span> {
    fn single(statement: &Statement) -> Option<&Pipeline> {
        (statement.and_or.rest.is_empty() && statement.terminator == Terminator::Sequence)
            .then_some(&statement.and_or.first)
    }
    if let [earlier @ .., before, assignment, exit] = kept
        && before.terminator == Terminator::Sequence
        && let Some(variable) = single(assignment).and_then(keeps_result)
        && single(exit).is_some_and(|exit| exits_with(exit, &variable))
        && !earlier
            .iter()
            .chain([before])
            .any(|statement| cutting.names(&statement.span).contains(&variable))
        && !cutting.shell.environment.holds(&variable)
    {
        return vec![assignment.span.clone(), exit.span.clone()];
    }
    match kept {
        [.., _, last] if single(last).is_some_and(|exit| exits_with(exit, "?")) => vec![last.span.clone()],
        _ => Vec::new(),
    }
}

/// `[ $n -lt 60 ] || exit 1`, `if [ "$ready" != 1 ]; then echo no proxy; exit 1; fi`: what looks at nothing but what the
/// wait left behind, and gives up.
fn guards(cutting: &Cutting<'_>) -> Vec<Span> {
    let set = cutting.set_by_gone();
    let mut found = Vec::new();
    for list in cutting.lists() {
        let statements = &list.statements;
        let mut behind_gone = false;
        let mut kept_result: Option<(&Statement, String)> = None;
        for statement in statements {
            if cutting.gone.cover(&statement.span) {
                behind_gone = true;
                continue;
            }
            if !behind_gone {
                continue;
            }
            if kept_result.is_none()
                && let Some(name) = only_simple(&statement.and_or.first).and_then(result_variable)
                && statement.and_or.rest.is_empty()
            {
                kept_result = Some((statement, name));
                continue;
            }
            let mut known = set.clone();
            known.extend(kept_result.iter().map(|(_, name)| name.clone()));
            match is_guard(cutting, statement, &known) {
                true => {
                    if let Some((result, _)) = kept_result.take() {
                        found.push(result.span.clone());
                    }
                    found.push(statement.span.clone());
                }
                false => {
                    behind_gone = false;
                    kept_result = None;
                }
            }
        }
    }
    found
}

fn is_guard(cutting: &Cutting<'_>, statement: &Statement, set: &BTreeSet<String>) -> bool {
    let looks = |command: &Command| {
        let access = cutting.accesses.of(command);
        let is_test = match command {
            Command::Simple(simple) => simple
                .words
                .first()
                .is_some_and(|word| matches!(word.raw.as_str(), "[" | "test")),
            Command::Test { .. } | Command::Arithmetic { .. } => true,
            _ => false,
        };
        is_test && looks_only_at(&access, set)
    };
    let test = |pipeline: &Pipeline| matches!(pipeline.commands.as_slice(), [command] if looks(command));
    let ends = |list: &List| {
        let all = || {
            list.statements
                .iter()
                .flat_map(|statement| statement.and_or.pipelines())
        };
        all().all(gives_up) && all().any(fails)
    };
    match (
        &statement.and_or.first.commands.as_slice(),
        statement.and_or.rest.as_slice(),
    ) {
        (
            [
                Command::If {
                    branches,
                    otherwise: None,
                    redirects,
                    ..
                },
            ],
            [],
        ) => {
            let [branch] = branches.as_slice() else {
                return false;
            };
            let [condition] = branch.condition.statements.as_slice() else {
                return false;
            };
            condition.and_or.pipelines().all(test) && ends(&branch.body) && redirects.is_empty()
        }
        (_, [(_, action)]) => test(&statement.and_or.first) && gives_up(action) && fails(action),
        _ => false,
    }
}

/// `exit 1`, at whatever place.
fn fails(pipeline: &Pipeline) -> bool {
    pipeline.commands.iter().any(|command| match command {
        Command::Simple(simple) => {
            let mut words = simple.words.iter().map(|word| word.raw.as_str());
            matches!(words.next(), Some("exit" | "return")) && words.next() != Some("0")
        }
        Command::Group { body, .. } => body
            .statements
            .iter()
            .any(|statement| statement.and_or.pipelines().any(fails)),
        _ => false,
    })
}

fn looks_only_at(access: &StateAccess, set: &BTreeSet<String>) -> bool {
    let Names {
        variables,
        status,
        child,
        parameters,
        indirect,
        ..
    } = &access.reads;
    let reads_some = *status || !variables.is_empty();
    reads_some && !child && !parameters && !indirect && variables.iter().all(|name| set.contains(name))
}

/// `n=0`, which only what goes counted on.
fn counters(cutting: &Cutting<'_>, kept: &[&Statement]) -> Vec<Span> {
    let assignments: Vec<_> = kept
        .iter()
        .filter_map(|statement| Some((statement, plain_assignment(statement)?)))
        .collect();
    // Text that is not here may read them.
    let runs_unknown = || {
        let mut commands = cutting.script.list.commands();
        commands.any(|visit| cutting.accesses.of(visit.command).runs_unknown.is_some())
    };
    if assignments.is_empty() || runs_unknown() {
        return Vec::new();
    }
    // What looks up a process ends a script of `set -e` where there is none.
    let may_end =
        cutting.shell.exits_on_error || cutting.text.contains("set -") || cutting.text.contains("errexit");
    let used: BTreeSet<String> = cutting.gone.iter().flat_map(|span| cutting.names(span)).collect();
    // How many of the statements that stay name a word.
    let mut naming: BTreeMap<String, usize> = BTreeMap::new();
    for name in kept.iter().flat_map(|statement| cutting.names(&statement.span)) {
        *naming.entry(name).or_default() += 1;
    }
    let mut found = Vec::new();
    for (statement, simple) in assignments {
        let serves = simple.assignments.iter().all(|assignment| {
            used.contains(&assignment.name)
                && naming.get(&assignment.name) == Some(&1)
                && !cutting.shell.environment.holds(&assignment.name)
                && !cutting.shell.environment.may_hold(&assignment.name)
        });
        if serves && !(may_end && looks_up_a_process(simple)) {
            found.push(statement.span.clone());
        }
    }
    found
}

/// `n=0`, `a=1 b=`
fn plain_assignment(statement: &Statement) -> Option<&Simple> {
    let simple = only_simple(&statement.and_or.first)
        .filter(|_| statement.and_or.rest.is_empty() && statement.terminator == Terminator::Sequence)?;
    let is_plain = |simple: &&Simple| {
        simple.words.is_empty()
            && simple.redirects.is_empty()
            && !simple.assignments.is_empty()
            && simple.assignments.iter().all(|assignment| {
                assignment.value.literal().is_some() && names_in(&assignment.value.raw) == Names::default()
            })
    };
    Some(simple).filter(|simple| is_plain(simple) || looks_up_a_process(simple))
}

/// `PID=$(pgrep -x envoy)`
fn looks_up_a_process(simple: &Simple) -> bool {
    let only_looks = |list: &List| {
        let mut commands = list.commands().peekable();
        commands.peek().is_some()
            && commands.all(|visit| {
                visit
                    .simple()
                    .is_some_and(|simple| matches!(action(simple), Action::Signal { only_tests: true, .. }))
            })
    };
    let mut values = simple.assignments.iter().map(|assignment| &assignment.value);
    simple.words.is_empty()
        && simple.redirects.is_empty()
        && !simple.assignments.is_empty()
        && values.all(|value| value.substitutions().next().is_some() && value.substitutions().all(only_looks))
}

impl Cutting<'_> {
    /// All words of a range that may be names of variables, quotes or not.
    fn names(&self, span: &Span) -> BTreeSet<String> {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let text = self.text.get(span.clone()).unwrap_or_default();
        text.split(|letter: char| !is_part(letter))
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// The variables that what goes had set.
    fn set_by_gone(&self) -> BTreeSet<String> {
        let mut set = BTreeSet::new();
        for visit in self.constructs {
            if !self.gone.cover(&visit.command.span()) {
                continue;
            }
            if let Command::For { variable, .. } = visit.command {
                set.insert(variable.clone());
            }
            for state in &self.accesses.of(visit.command).sets {
                if let State::Variable(name) = state {
                    set.insert(name.clone());
                }
            }
        }
        set
    }

    /// The script's list and those of its functions and inner scripts.
    pub(super) fn all_lists(&self) -> Vec<&List> {
        let inner = self
            .constructs
            .iter()
            .filter_map(|visit| visit.simple())
            .flat_map(|simple| simple.scripts.iter().filter_map(|script| script.list.as_ref()));
        self.lists().into_iter().chain(inner).collect()
    }

    /// The script's list and those of its functions.
    fn lists(&self) -> Vec<&List> {
        let functions = self.constructs.iter().filter_map(|visit| match visit.command {
            Command::Function { body, .. } => Some(body),
            _ => None,
        });
        std::iter::once(&self.script.list).chain(functions).collect()
    }
}
