//! Loops: each way through the body, until the states repeat.

use std::collections::BTreeSet;

use super::{WAYS, Walk, Ways, known};
use crate::{
    behaviour::script::{
        runs::state::{Flow, State, Status, Value},
        waiting_loop::is_endless,
    },
    shell::{List, Word},
};

impl<'w, 's: 'w> Walk<'w, 's> {
    pub(super) fn repeat(
        &mut self,
        until: bool,
        condition: &'w List,
        body: &'w List,
        state: State,
        is_tested: bool,
    ) -> Option<Ways> {
        let mut done = Vec::new();
        let mut seen = BTreeSet::new();
        let mut open = vec![(state, Status::Zero)];
        let is_endless = is_endless(condition, until);
        while let Some((state, of_body)) = open.pop() {
            if !seen.insert((state.clone(), of_body)) {
                continue;
            }
            if seen.len() > WAYS {
                return None;
            }
            for (mut state, flow) in self.list(condition, state, true)? {
                if flow != Flow::Next {
                    out_of_loop(state, flow, &mut done, &mut open);
                    continue;
                }
                state.notice();
                for (state, succeeds) in known(state) {
                    if succeeds == until && !is_endless {
                        done.push((state.with_status(of_body), Flow::Next));
                        continue;
                    }
                    for (state, flow) in self.list(body, state, is_tested)? {
                        out_of_loop(state, flow, &mut done, &mut open);
                    }
                }
            }
        }
        self.each(done, |_, state| Some(vec![(state, Flow::Next)]))
    }

    pub(super) fn count(
        &mut self,
        (variable, words, is_endless): (&str, &'w [Word], bool),
        body: &'w List,
        state: State,
        is_tested: bool,
    ) -> Option<Ways> {
        let mut done = Vec::new();
        let mut seen = BTreeSet::new();
        let mut open = vec![(state, Status::Zero)];
        // `1 2 3`, `$(seq 5)`, `{1..5}` and `((…))` have a first round; `$LIST` may have none.
        let has_round = words.is_empty() || words.iter().any(|word| !is_a_variable(word));
        let mut is_first = true;
        while let Some((state, of_body)) = open.pop() {
            if !seen.insert((state.clone(), of_body)) {
                continue;
            }
            if seen.len() > WAYS {
                return None;
            }
            if !(is_endless || is_first && has_round) {
                done.push((state.clone().with_status(of_body), Flow::Next));
            }
            is_first = false;
            let mut inner = state;
            inner.variables.insert(variable.to_owned(), Value::Unknown);
            for (state, flow) in self.list(body, inner, is_tested)? {
                out_of_loop(state, flow, &mut done, &mut open);
            }
        }
        self.each(done, |_, state| Some(vec![(state, Flow::Next)]))
    }
}

/// Where a loop's body leads.
fn out_of_loop(state: State, flow: Flow, done: &mut Ways, open: &mut Vec<(State, Status)>) {
    match flow {
        Flow::Next | Flow::Continue(..=1) => {
            let status = state.status;
            open.push((state, status));
        }
        Flow::Break(..=1) => done.push((state.with_status(Status::Zero), Flow::Next)),
        Flow::Break(loops) => done.push((state, Flow::Break(loops - 1))),
        Flow::Continue(loops) => done.push((state, Flow::Continue(loops - 1))),
        Flow::Return | Flow::Exit => done.push((state, flow)),
    }
}

fn is_a_variable(word: &Word) -> bool {
    word.raw.starts_with(['$', '"']) && word.substitutions().next().is_none()
}
