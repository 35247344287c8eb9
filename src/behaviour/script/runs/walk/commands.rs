//! Simple commands: what each does to the shell's state.

use super::{Walk, Ways, counted};
use crate::{
    behaviour::{
        action::{Action, Target},
        script::{
            Located, StepKind, covers, quit,
            runs::state::{Flow, State, Status, Value},
            step::command_kind,
        },
    },
    shell::{EmbeddedKind, List, Simple, Word},
};

impl<'w, 's: 'w> Walk<'w, 's> {
    pub(super) fn simple(&mut self, simple: &'w Simple, state: State, is_tested: bool) -> Option<Ways> {
        let located = *self.commands.get(&simple.span.start)?;
        let action = &located.action;
        // Elsewhere it is part of something that would change with it.
        if self.without == Some(action.span.start) {
            return None;
        }
        let mut state = self.substitutions(simple, state)?;
        let goes_well = |is_tested: bool| if is_tested { Status::Unknown } else { Status::Zero };
        let next = |state: State, status: Status| Some(vec![(state.with_status(status), Flow::Next)]);
        if !action.written_files.is_empty() {
            state.made.insert(action.span.start);
        }
        if self.work.contains(&action.span) {
            state.has_worked = true;
            let status = if self.fails { Status::Work } else { Status::Zero };
            let mut state = state.with_status(status);
            if action.is_exec {
                state.on_exit = None;
                return Some(vec![(state, Flow::Exit)]);
            }
            return Some(vec![(state, Flow::Next)]);
        }
        match &action.action {
            Action::Exit { is_return, .. } => {
                let code = simple.words.get(action.program_word + 1);
                if let Some(code) = code {
                    state.status = state.value(code, &self.sets).as_status();
                    if state.value(code, &self.sets) == Value::Text(String::new()) {
                        state.status = Status::Zero;
                    }
                } else if let Some(before) = state.before_trap {
                    // POSIX, `exit`: what was there before the trap.
                    state.status = before;
                }
                Some(vec![(state, if *is_return { Flow::Return } else { Flow::Exit })])
            }
            Action::Break { is_continue } => {
                let loops = simple
                    .words
                    .get(1)
                    .and_then(|word| word.raw.parse().ok())
                    .unwrap_or(1);
                let state = state.with_status(Status::Zero);
                let flow = if *is_continue {
                    Flow::Continue(loops)
                } else {
                    Flow::Break(loops)
                };
                Some(vec![(state, flow)])
            }
            Action::Trap { signals, .. } => self.trap(simple, signals, state),
            Action::Wait { targets } => {
                let status = self.waited(simple, targets, &state);
                next(state, status)
            }
            Action::Script => self.inner_script(simple, state, is_tested),
            Action::Assign | Action::Export => {
                let status = self.assign(simple, &mut state);
                next(state, status)
            }
            Action::Compare => {
                let words = simple.words.get(action.program_word..).unwrap_or_default();
                Some(self.test(words, state))
            }
            Action::TestFile { .. } | Action::Tool { .. } | Action::Connect(_) => {
                next(state, goes_well(is_tested))
            }
            Action::Echo => self.builtin(simple, action.program_word, state, is_tested),
            Action::Signal { only_tests: true, .. } => next(state, goes_well(is_tested)),
            Action::Http(http) if !quit::stops(http) => {
                // A request that a wait repeats asks, and stops nobody.
                if !self
                    .behaviour
                    .waiting
                    .iter()
                    .any(|wait| covers(wait, &action.span))
                {
                    state.made.insert(action.span.start);
                }
                next(state, goes_well(is_tested))
            }
            Action::Signal { .. } | Action::Http(_) => {
                state.made.insert(action.span.start);
                next(state, Status::Zero)
            }
            Action::Touch { .. } | Action::Remove { .. } => {
                state.made.insert(action.span.start);
                next(state, Status::Zero)
            }
            Action::Sleep { .. } | Action::ChangeDirectory => next(state, Status::Zero),
            Action::Wrapper { .. } | Action::Other { .. } => self.other(simple, located, state, is_tested),
        }
    }

    fn other(
        &mut self,
        simple: &'w Simple,
        located: &Located<'s>,
        mut state: State,
        is_tested: bool,
    ) -> Option<Ways> {
        let name = match &located.action.action {
            Action::Other { program: Some(name) } => name.as_str(),
            Action::Wrapper { .. } => "",
            _ => return None,
        };
        if let Some(body) = self.behaviour.functions.get(name).copied() {
            let own = state.parameters();
            let given: Vec<Value> = match changes_parameters(body) {
                true => Vec::new(),
                false => {
                    let words = simple.words.iter().skip(located.action.program_word + 1);
                    words.map(|word| state.value(word, &self.sets)).collect()
                }
            };
            state.give_parameters(given);
            let ways = self.list(body, state, is_tested)?;
            return Some(
                ways.into_iter()
                    .map(|(mut state, flow)| {
                        state.give_parameters(own.clone());
                        match flow {
                            Flow::Return => (state, Flow::Next),
                            _ => (state, flow),
                        }
                    })
                    .collect(),
            );
        }
        // A script that goes on with other work does so whatever came of this one.
        if state.has_worked && command_kind(self.behaviour, located) == StepKind::Work {
            state.is_noticed = true;
        }
        // What a sourced file sets, ends or traps is not known.
        if matches!(name, "." | "source" | "getopts" | "mapfile" | "readarray") {
            return None;
        }
        let status = if is_tested { Status::Unknown } else { Status::Zero };
        let mut state = state.with_status(status);
        if located.action.is_exec && located.action.program_word < simple.words.len() {
            state.on_exit = None;
            return Some(vec![(state, Flow::Exit)]);
        }
        Some(vec![(state, Flow::Next)])
    }

    /// What runs in `$(…)` among a command's words.
    fn substitutions(&mut self, simple: &'w Simple, mut state: State) -> Option<State> {
        let values = simple.assignments.iter().map(|assignment| &assignment.value);
        let targets = simple
            .redirects
            .iter()
            .filter_map(|redirect| redirect.target.as_ref());
        let words = simple.words.iter().chain(values).chain(targets);
        for list in words.flat_map(Word::substitutions) {
            let outer = state.clone();
            let inner = state.clone();
            for (end, _) in self.apart(&outer, |walk| walk.list(list, inner, true))? {
                state.perhaps.extend(end.perhaps);
                state.made.extend(end.made);
                state.has_worked |= end.has_worked;
            }
        }
        Some(state)
    }

    fn assign(&mut self, simple: &Simple, state: &mut State) -> Status {
        let before = state.status;
        for assignment in &simple.assignments {
            let value = match assignment.appends {
                true => Value::Unknown,
                false => state.value(&assignment.value, &self.sets),
            };
            state.variables.insert(assignment.name.clone(), value);
        }
        for word in simple.words.iter().skip(1) {
            let Some((name, value)) = word.raw.split_once('=') else {
                if !word.raw.starts_with('-')
                    && simple.words.first().is_some_and(|first| first.raw != "export")
                {
                    let value = if matches!(simple.words.first().map(|word| word.raw.as_str()), Some("read"))
                    {
                        Value::Unknown
                    } else {
                        Value::Text(String::new())
                    };
                    state.variables.insert(word.raw.clone(), value);
                }
                continue;
            };
            let value = match value.trim_matches('"') {
                "$?" | "${?}" | "$(echo $?)" => Value::Status(before),
                "$!" | "${!}" => state.variables.get("!").cloned().unwrap_or(Value::Unknown),
                text if text.contains(['$', '`', '\'']) => Value::Unknown,
                text => Value::Text(text.to_owned()),
            };
            state.variables.insert(name.to_owned(), value);
        }
        Status::Zero
    }

    fn builtin(&mut self, simple: &Simple, at: usize, mut state: State, is_tested: bool) -> Option<Ways> {
        let words: Vec<&str> = simple
            .words
            .iter()
            .skip(at)
            .map(|word| word.raw.as_str())
            .collect();
        let status = match words.first().copied() {
            Some("false" | "/bin/false") => Status::Other,
            Some("set") => {
                set_options(&words, &mut state);
                Status::Zero
            }
            Some("let" | "expr") => {
                state = counted(state);
                Status::Unknown
            }
            Some(":" | "true" | "/bin/true" | "echo" | "printf") | None => Status::Zero,
            Some(_) if is_tested => Status::Unknown,
            Some(_) => Status::Zero,
        };
        Some(vec![(state.with_status(status), Flow::Next)])
    }

    fn trap(&mut self, simple: &'w Simple, signals: &[String], mut state: State) -> Option<Ways> {
        let script = simple
            .scripts
            .iter()
            .find(|script| matches!(script.kind, EmbeddedKind::Trap { .. }));
        let list = match script {
            // A trap that is not understood may do anything.
            Some(script) => Some(script.list.as_ref()?),
            None => None,
        };
        let at = list.map(|list| {
            self.traps.push(list);
            self.traps.len() - 1
        });
        for signal in signals {
            match signal.trim_start_matches("SIG").to_ascii_uppercase().as_str() {
                "EXIT" | "0" => state.on_exit = at,
                "ERR" => state.on_error = at,
                "DEBUG" | "RETURN" => return None,
                _ => {}
            }
        }
        Some(vec![(state.with_status(Status::Zero), Flow::Next)])
    }

    /// The result of `wait`.
    fn waited(&self, simple: &Simple, targets: &[Target], state: &State) -> Status {
        let of_work = if self.fails { Status::Work } else { Status::Zero };
        let has_child = state.variables.values().any(|value| *value == Value::Child);
        let words = simple.words.get(1..).unwrap_or_default();
        match words {
            [] => Status::Zero,
            [flag] if flag.raw == "-n" => {
                if has_child {
                    of_work
                } else {
                    Status::Unknown
                }
            }
            [.., last] => match state.value(last, &self.sets) {
                Value::Child => of_work,
                _ if targets.iter().any(|target| matches!(target, Target::Job(_))) && has_child => of_work,
                _ => Status::Unknown,
            },
        }
    }

    /// `sh -c '…'`, `eval '…'`
    fn inner_script(&mut self, simple: &'w Simple, state: State, is_tested: bool) -> Option<Ways> {
        let [script] = simple.scripts.as_slice() else {
            return None;
        };
        let list = script.list.as_ref()?;
        match script.kind {
            EmbeddedKind::Eval => self.list(list, state, is_tested),
            EmbeddedKind::Shell { exits_on_error } => {
                let outer = state.clone();
                let inner = State {
                    exits_on_error,
                    pipefail: false,
                    ..state
                };
                // The inner shell looks at its own results, whatever the outer one does with the last.
                let ways = self.apart(&outer, |walk| walk.own_shell(list, inner, false))?;
                let is_exec = simple.words.first().is_some_and(|word| word.raw == "exec");
                Some(
                    ways.into_iter()
                        .map(|(mut state, flow)| {
                            if is_exec {
                                state.on_exit = None;
                                (state, Flow::Exit)
                            } else {
                                (state, flow)
                            }
                        })
                        .collect(),
                )
            }
            EmbeddedKind::Trap { .. } => None,
        }
    }
}

/// Whether a function's parameters are not the same at each of its places: `shift`, `set --`.
fn changes_parameters(body: &List) -> bool {
    let mut commands = body.commands().filter_map(|visit| visit.simple());
    commands.any(|simple| {
        let first = simple.words.first().map(|word| word.raw.as_str());
        matches!(first, Some("shift" | "set"))
    })
}

/// `set -e`, `set +e`, `set -euo pipefail`
fn set_options(words: &[&str], state: &mut State) {
    let mut words = words.iter().skip(1).copied().peekable();
    while let Some(word) = words.next() {
        let (turns_on, letters) = match (word.strip_prefix('-'), word.strip_prefix('+')) {
            (Some(letters), _) => (true, letters),
            (_, Some(letters)) => (false, letters),
            _ => return,
        };
        if letters.starts_with('-') || letters.is_empty() {
            return;
        }
        if letters.contains('e') {
            state.exits_on_error = turns_on;
        }
        if letters.ends_with('o') {
            match words.next() {
                Some("errexit") => state.exits_on_error = turns_on,
                Some("pipefail") => state.pipefail = turns_on,
                _ => {}
            }
        }
    }
}
