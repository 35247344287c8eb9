//! What the commands of a script read and set, worked out once for all rounds of a cut.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use crate::shell::{Command, StateAccess, state_access};

/// The accesses of one script's commands to its shell's state.
pub(super) struct Accesses<'s> {
    text: &'s str,
    /// By where the command starts and ends.
    known: RefCell<BTreeMap<(usize, usize), Rc<StateAccess>>>,
}

impl<'s> Accesses<'s> {
    /// Of the commands in a text, none of which is looked at yet.
    pub(super) fn new(text: &'s str) -> Self {
        Self {
            text,
            known: RefCell::default(),
        }
    }

    /// What a command that holds no other reads and sets.
    pub(super) fn of(&self, command: &Command) -> Rc<StateAccess> {
        let span = command.span();
        let mut known = self.known.borrow_mut();
        let access = known
            .entry((span.start, span.end))
            .or_insert_with(|| Rc::new(state_access(command, self.text)));
        Rc::clone(access)
    }
}
