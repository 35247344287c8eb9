//! The walk through a script's statements.

mod commands;
mod loops;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Run,
    condition::{fits_one, test},
    state::{Flow, State, Status, Value},
};
use crate::{
    behaviour::{
        action::Action,
        script::{Located, ScriptBehaviour, covers},
    },
    shell::{AndOr, Command, Connector, List, Pipeline, RedirectKind, Span, Statement, Terminator, Word},
};

/// How many ways are followed at once, and how many commands in all.
const WAYS: usize = 64;
const COMMANDS: usize = 6000;
const DEPTH: usize = 24;

/// The ends of a part of a script.
type Ways = Vec<(State, Flow)>;

/// The runs in which the work is done, and succeeds or fails; `without` a command. Absent where the walk does not know
/// its way.
pub(super) fn runs(
    behaviour: &ScriptBehaviour<'_>,
    work: &[Span],
    without: Option<usize>,
    fails: bool,
) -> Option<Vec<Run>> {
    let mut walk = Walk {
        behaviour,
        work,
        without,
        fails,
        sets: variables_set(behaviour),
        commands: commands_by_place(behaviour)?,
        traps: Vec::new(),
        budget: COMMANDS,
        depth: 0,
    };
    let start = State::at_start(behaviour.exits_on_error);
    let ways = walk.list(&behaviour.script.list, start, false)?;
    let mut runs = Vec::new();
    for (state, _) in ways {
        for state in walk.end(state)? {
            if state.has_worked {
                runs.push(Run {
                    made: state.made,
                    perhaps: state.perhaps,
                    beside_result: state.beside_result,
                    status: state.status,
                    is_noticed: state.is_noticed,
                });
            }
        }
    }
    runs.sort();
    runs.dedup();
    Some(runs)
}

/// The variables that a script gives a value.
fn variables_set(behaviour: &ScriptBehaviour<'_>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for simple in behaviour
        .commands
        .iter()
        .filter_map(|located| located.visit.simple())
    {
        names.extend(
            simple
                .assignments
                .iter()
                .map(|assignment| assignment.name.clone()),
        );
        if matches!(
            simple.words.first().map(|word| word.raw.as_str()),
            Some("export" | "local" | "declare" | "typeset" | "readonly")
        ) {
            let declared = simple.words.iter().filter_map(|word| word.raw.split_once('='));
            names.extend(declared.map(|(name, _)| name.to_owned()));
        }
    }
    names
}

/// A word with escapes gives all of its commands one place, so that they cannot be told apart.
fn commands_by_place<'w, 's>(behaviour: &'w ScriptBehaviour<'s>) -> Option<BTreeMap<usize, &'w Located<'s>>> {
    let mut places = BTreeMap::new();
    for located in &behaviour.commands {
        if places
            .insert(located.visit.command.span().start, located)
            .is_some()
        {
            return None;
        }
    }
    Some(places)
}

struct Walk<'w, 's> {
    behaviour: &'w ScriptBehaviour<'s>,
    work: &'w [Span],
    /// Where a command starts that is cut out of the script.
    without: Option<usize>,
    fails: bool,
    sets: BTreeSet<String>,
    /// The commands by where they start.
    commands: BTreeMap<usize, &'w Located<'s>>,
    traps: Vec<&'w List>,
    budget: usize,
    depth: usize,
}

impl<'w, 's: 'w> Walk<'w, 's> {
    /// The end of the script: its EXIT trap runs, and its result stays unless the trap exits itself.
    fn end(&mut self, mut state: State) -> Option<Vec<State>> {
        let Some(trap) = state.on_exit.take().and_then(|at| self.traps.get(at).copied()) else {
            return Some(vec![state]);
        };
        let status = state.status;
        state.before_trap = Some(status);
        let made = state.made.clone();
        let ways = self.list(trap, state, false)?;
        let ends = ways.into_iter().map(|(state, flow)| {
            let mut state = match flow {
                Flow::Exit => state,
                _ => state.with_status(status),
            };
            if state.status == status {
                state.beside_result.extend(state.made.difference(&made));
            }
            state
        });
        Some(ends.collect())
    }

    /// `is_tested`: the result is a condition, so that `set -e` does not look at it.
    fn list(&mut self, list: &'w List, state: State, is_tested: bool) -> Option<Ways> {
        self.depth += 1;
        if self.depth > DEPTH {
            return None;
        }
        let mut ways = vec![(state, Flow::Next)];
        let mut before: Option<&Statement> = None;
        for statement in &list.statements {
            let goes_with_it = before.is_some_and(|before| self.lets_it_go(before, statement));
            before = Some(statement);
            if !goes_with_it {
                ways = self.each(ways, |walk, state| walk.statement(statement, state, is_tested))?;
            }
        }
        self.depth -= 1;
        Some(ways)
    }

    /// Goes on from all ways that go on.
    fn each(&mut self, ways: Ways, mut go: impl FnMut(&mut Self, State) -> Option<Ways>) -> Option<Ways> {
        let mut all = Vec::new();
        for (state, flow) in ways {
            match flow {
                Flow::Next => all.extend(go(self, state)?),
                _ => all.push((state, flow)),
            }
        }
        all.sort();
        all.dedup();
        (all.len() <= WAYS).then_some(all)
    }

    fn statement(&mut self, statement: &'w Statement, state: State, is_tested: bool) -> Option<Ways> {
        if statement.terminator == Terminator::Sequence {
            return match self.is_cut_out(statement) {
                true => Some(vec![(state, Flow::Next)]),
                false => self.and_or(&statement.and_or, state, is_tested),
            };
        }
        let covers_work = self
            .work
            .iter()
            .any(|work| statement.span.start <= work.start && work.end <= statement.span.end);
        let child = self.and_or(&statement.and_or, state.clone(), true)?;
        let mut state = state.with_status(Status::Zero);
        state.has_worked |= covers_work;
        for (child, _) in child {
            state.perhaps.extend(child.made.difference(&state.made));
            state.perhaps.extend(child.perhaps);
        }
        let number = if covers_work { Value::Child } else { Value::Unknown };
        state.variables.insert("!".to_owned(), number);
        Some(vec![(state, Flow::Next)])
    }

    /// Whether a sleep lets the command before it come about, with which it is cut out.
    fn lets_it_go(&self, before: &Statement, statement: &Statement) -> bool {
        let holds = |start: usize| before.span.start <= start && start < before.span.end;
        let mut commands = self.behaviour.within(&statement.span);
        self.without.is_some_and(holds)
            && statement.and_or.rest.is_empty()
            && commands.all(|located| matches!(located.action.action, Action::Sleep { .. }))
    }

    /// Whether a statement is nothing but the command that is cut out, with the `|| true` behind it, or a loop or group
    /// that only repeats it and says so.
    fn is_cut_out(&self, statement: &Statement) -> bool {
        self.is_only_command(statement) || self.only_repeats(statement)
    }

    fn only_repeats(&self, statement: &Statement) -> bool {
        let body = matches!(
            statement.and_or.first.commands.as_slice(),
            [Command::Loop { .. } | Command::For { .. } | Command::Group { .. } | Command::Subshell { .. }]
        );
        let mut cut = 0;
        let mut inner = self.behaviour.within(&statement.span);
        let is_idle = inner.all(|located| {
            let is_it = self.without == Some(located.visit.command.span().start);
            cut += usize::from(is_it);
            is_it
                || matches!(
                    located.action.action,
                    Action::Echo | Action::Sleep { .. } | Action::Break { .. }
                )
        });
        body && is_idle && cut == 1 && statement.and_or.rest.is_empty() && !statement.and_or.first.negated
    }

    fn is_only_command(&self, statement: &Statement) -> bool {
        let is_it = self.without == Some(statement.span.start);
        // What writes to a descriptor goes with the `exec` that opened it.
        let is_simple = match statement.and_or.first.commands.as_slice() {
            [Command::Simple(simple)] => simple
                .redirects
                .iter()
                .all(|redirect| redirect.kind != RedirectKind::Duplicate || redirect.descriptor == Some(2)),
            _ => false,
        };
        // What is said or done only where the command failed goes with it.
        let is_idle = |(connector, pipeline): &(Connector, Pipeline)| {
            let mut inner = self.behaviour.within(&pipeline.span);
            *connector == Connector::Or
                && inner.all(|located| matches!(located.action.action, Action::Echo | Action::Exit { .. }))
        };
        is_it && is_simple && statement.and_or.rest.iter().all(is_idle)
    }

    fn and_or(&mut self, and_or: &'w AndOr, state: State, is_tested: bool) -> Option<Ways> {
        // `app && STOP` without its end is `app`.
        let is_cut_out = |(connector, pipeline): &&(Connector, Pipeline)| {
            let is_simple = matches!(pipeline.commands.as_slice(), [Command::Simple(_)]);
            *connector == Connector::And && is_simple && self.without == Some(pipeline.span.start)
        };
        let rest = match and_or.rest.split_last() {
            Some((last, before)) if is_cut_out(&last) => before,
            _ => and_or.rest.as_slice(),
        };
        let last = rest.len();
        // The index of the pipeline that ran last decides whether `set -e` looks at it.
        let mut open: Vec<(State, usize)> = Vec::new();
        let mut done: Ways = Vec::new();
        for (state, flow) in self.pipeline(&and_or.first, state, is_tested || last > 0)? {
            match flow {
                Flow::Next => open.push((state, 0)),
                _ => done.push((state, flow)),
            }
        }
        for (index, (connector, pipeline)) in rest.iter().enumerate() {
            let mut next = Vec::new();
            for (mut state, ran) in open {
                if *connector == Connector::Or {
                    state.notice();
                }
                let runs_on = *connector == Connector::And;
                for (state, succeeds) in known(state) {
                    if succeeds != runs_on {
                        next.push((state, ran));
                        continue;
                    }
                    for (state, flow) in self.pipeline(pipeline, state, is_tested || index + 1 < last)? {
                        match flow {
                            Flow::Next => next.push((state, index + 1)),
                            _ => done.push((state, flow)),
                        }
                    }
                }
            }
            next.sort();
            next.dedup();
            open = next;
        }
        let negated = |index: usize| {
            let pipeline = and_or.pipelines().nth(index);
            pipeline.is_some_and(|pipeline| pipeline.negated)
        };
        let ends_within = |index: usize| and_or.pipelines().nth(index).is_some_and(fails_within);
        for (state, ran) in open {
            if is_tested || ran < last || negated(ran) || ends_within(ran) {
                done.push((state, Flow::Next));
            } else {
                done.extend(self.after_statement(state)?);
            }
        }
        (done.len() <= WAYS).then_some(done)
    }

    /// What `set -e` and an ERR trap do about a result.
    fn after_statement(&mut self, state: State) -> Option<Ways> {
        if !state.exits_on_error && state.on_error.is_none() {
            return Some(vec![(state, Flow::Next)]);
        }
        let mut all = Vec::new();
        for (state, succeeds) in known(state) {
            if succeeds {
                all.push((state, Flow::Next));
                continue;
            }
            let exits = state.exits_on_error;
            let status = state.status;
            let trap = state.on_error.and_then(|at| self.traps.get(at).copied());
            let ways = match trap {
                Some(trap) => {
                    let (mut state, on_error) = (state.clone(), state.on_error);
                    state.on_error = None;
                    let mut ways = self.list(trap, state, true)?;
                    for (state, flow) in &mut ways {
                        state.on_error = on_error;
                        if *flow == Flow::Next {
                            state.status = status;
                        }
                    }
                    ways
                }
                None => vec![(state, Flow::Next)],
            };
            all.extend(ways.into_iter().map(|(state, flow)| match flow {
                Flow::Next if exits => (state, Flow::Exit),
                _ => (state, flow),
            }));
        }
        Some(all)
    }

    fn pipeline(&mut self, pipeline: &'w Pipeline, state: State, is_tested: bool) -> Option<Ways> {
        let is_tested = is_tested || pipeline.negated;
        let mut ways = match pipeline.commands.as_slice() {
            [command] => self.command(command, state, is_tested)?,
            commands => {
                let mut ways = vec![(state.clone().with_status(Status::Zero), Flow::Next)];
                for command in commands {
                    let is_last = std::ptr::eq(command, commands.last()?);
                    ways = self.each(ways, |walk, before| {
                        let inner = State {
                            status: state.status,
                            ..before.clone()
                        };
                        let is_tested = is_tested || !is_last;
                        let ends = walk.apart(&before, |walk| walk.command(command, inner, is_tested))?;
                        let is_first = commands.first().is_some_and(|first| std::ptr::eq(command, first));
                        Some(
                            ends.into_iter()
                                .map(|(end, flow)| {
                                    let own = end.status;
                                    let mut end = end.joined(&before, is_last);
                                    end.first_of_pipe = if is_first { own } else { before.first_of_pipe };
                                    (end, flow)
                                })
                                .collect(),
                        )
                    })?;
                }
                // A pipe ends with its last command's result: what that loses, no stop behind it loses.
                let is_within = |work: &Span| covers(&pipeline.span, work);
                if self.work.iter().any(is_within) {
                    for (state, _) in &mut ways {
                        state.is_noticed |= state.has_worked && state.status != Status::Work;
                    }
                }
                ways
            }
        };
        if pipeline.commands.len() == 1 {
            for (state, _) in &mut ways {
                state.first_of_pipe = state.status;
            }
        }
        if pipeline.negated {
            for (state, flow) in &mut ways {
                if *flow == Flow::Next {
                    state.notice();
                    state.status = match state.status.succeeds() {
                        Some(true) => Status::Other,
                        Some(false) => Status::Zero,
                        None => Status::Unknown,
                    };
                }
            }
        }
        Some(ways)
    }

    /// A part that runs as a process of its own: what it sets is lost, and its `exit` is only its own end.
    fn apart(&mut self, outer: &State, go: impl FnOnce(&mut Self) -> Option<Ways>) -> Option<Ways> {
        let ways = go(self)?;
        let ends = ways.into_iter().map(|(inner, _)| {
            let state = State {
                variables: outer.variables.clone(),
                exits_on_error: outer.exits_on_error,
                pipefail: outer.pipefail,
                on_exit: outer.on_exit,
                on_error: outer.on_error,
                ..inner
            };
            (state, Flow::Next)
        });
        Some(ends.collect())
    }

    fn command(&mut self, command: &'w Command, state: State, is_tested: bool) -> Option<Ways> {
        self.budget = self.budget.checked_sub(1)?;
        match command {
            Command::Simple(simple) => self.simple(simple, state, is_tested),
            Command::Group { body, .. } => self.list(body, state, is_tested),
            Command::Subshell { body, .. } => {
                let outer = state.clone();
                self.apart(&outer, |walk| walk.own_shell(body, state, is_tested))
            }
            Command::Loop {
                until,
                condition,
                body,
                ..
            } => self.repeat(*until, condition, body, state, is_tested),
            Command::For {
                variable,
                words,
                endless,
                body,
                ..
            } => self.count((variable, words, *endless), body, state, is_tested),
            Command::If {
                branches, otherwise, ..
            } => {
                let mut done = Vec::new();
                let mut open = vec![state];
                for branch in branches {
                    let mut next = Vec::new();
                    for state in open {
                        for (mut state, flow) in self.list(&branch.condition, state, true)? {
                            if flow != Flow::Next {
                                done.push((state, flow));
                                continue;
                            }
                            // `if app; then break; fi` does nothing about a failure.
                            if branches.len() > 1 || otherwise.is_some() {
                                state.notice();
                            }
                            for (state, holds) in known(state) {
                                match holds {
                                    true => done.extend(self.list(&branch.body, state, is_tested)?),
                                    false => next.push(state),
                                }
                            }
                        }
                    }
                    open = next;
                }
                for state in open {
                    match otherwise {
                        Some(body) => done.extend(self.list(body, state, is_tested)?),
                        None => done.push((state.with_status(Status::Zero), Flow::Next)),
                    }
                }
                self.each(done, |_, state| Some(vec![(state, Flow::Next)]))
            }
            Command::Case {
                word, arms, patterns, ..
            } => self.case(word, arms, patterns, state, is_tested),
            Command::Function { .. } => Some(vec![(state.with_status(Status::Zero), Flow::Next)]),
            Command::Test { words, .. } => Some(self.test(words, state)),
            Command::Arithmetic { .. } => {
                Some(vec![(counted(state).with_status(Status::Unknown), Flow::Next)])
            }
        }
    }

    /// The arms that may be taken: those before the first one whose pattern fits for sure, and that one.
    fn case(
        &mut self,
        word: &'w Word,
        arms: &'w [List],
        patterns: &'w [Vec<Word>],
        mut state: State,
        is_tested: bool,
    ) -> Option<Ways> {
        let value = state.value(word, &self.sets);
        if value == Value::Status(Status::Work) {
            state.is_noticed = true;
        }
        let mut done = Vec::new();
        let mut is_taken = false;
        for (at, arm) in arms.iter().enumerate() {
            let fits = match patterns.get(at) {
                Some(patterns) => fits_one(patterns, &value),
                None => None,
            };
            if fits != Some(false) {
                done.extend(self.list(arm, state.clone(), is_tested)?);
            }
            is_taken = fits == Some(true);
            if is_taken {
                break;
            }
        }
        if !is_taken {
            done.push((state.with_status(Status::Zero), Flow::Next));
        }
        self.each(done, |_, state| Some(vec![(state, Flow::Next)]))
    }

    /// A list in a shell of its own, whose traps run at its end.
    fn own_shell(&mut self, list: &'w List, state: State, is_tested: bool) -> Option<Ways> {
        // A subshell does not inherit traps.
        let inner = State {
            on_exit: None,
            on_error: None,
            ..state
        };
        let mut ends = Vec::new();
        for (state, _) in self.list(list, inner, is_tested)? {
            ends.extend(self.end(state)?.into_iter().map(|state| (state, Flow::Next)));
        }
        Some(ends)
    }

    fn test(&mut self, words: &[Word], mut state: State) -> Ways {
        let (status, looks) = test(words, &state, &self.sets);
        state.is_noticed |= looks;
        vec![(state.with_status(status), Flow::Next)]
    }
}

impl State {
    /// The end of one command of a pipe, joined to those before it.
    fn joined(self, before: &State, is_last: bool) -> State {
        let status = match (self.pipefail, before.status.succeeds(), is_last) {
            (true, Some(true), _) | (false, _, true) => self.status,
            (true, Some(false), _) => before.status,
            (true, None, _) => Status::Unknown,
            (false, _, false) => Status::Zero,
        };
        self.with_status(status)
    }
}

/// Where a result is not known, both ways.
fn known(state: State) -> Vec<(State, bool)> {
    match state.status.succeeds() {
        Some(succeeds) => vec![(state, succeeds)],
        None => vec![
            (state.clone().with_status(Status::Zero), true),
            (state.with_status(Status::Other), false),
        ],
    }
}

/// Arithmetic may count any variable that holds a number.
fn counted(mut state: State) -> State {
    for value in state.variables.values_mut() {
        if matches!(value, Value::Text(text) if text.is_empty() || text.trim().parse::<i64>().is_ok()) {
            *value = Value::Unknown;
        }
    }
    state
}

/// A compound command in this shell: a failure in it that `set -e` acts on has ended it, so that it acts on none that is
/// left (POSIX, `set -e`, item 3).
fn fails_within(pipeline: &Pipeline) -> bool {
    matches!(
        pipeline.commands.as_slice(),
        [Command::Group { .. }
            | Command::Loop { .. }
            | Command::For { .. }
            | Command::If { .. }
            | Command::Case { .. }]
    )
}
