//! Commands that ask whether something is there, once.

use crate::behaviour::action::{Action, CommandAction};

use super::{ScriptBehaviour, covers, quit};

impl ScriptBehaviour<'_> {
    /// The commands that ask for an address, a process or a tool, but for those of waits.
    #[must_use]
    pub fn questions(&self) -> Vec<CommandAction> {
        let asks = |action: &CommandAction| {
            action.is_probe()
                && !matches!(action.action, Action::TestFile { .. })
                && !action.http().is_some_and(quit::stops)
        };
        self.commands
            .iter()
            .map(|located| &located.action)
            .filter(|action| asks(action))
            .filter(|action| !self.waiting.iter().any(|wait| covers(wait, &action.span)))
            .cloned()
            .collect()
    }
}
