//! Programs that watch over other containers' processes, and tools that tell whether something is ready.

use super::{
    Action,
    argument::{Argument, Syntax},
};
use crate::catalogue::{
    tool,
    wrapper::{self, OwnOptions, Wrapper},
};

const NO_OPTIONS: Syntax = Syntax {
    short: "",
    short_attached: "",
    long: &[],
    single_dash: true,
};

fn syntax(wrapper: &Wrapper) -> Syntax {
    match wrapper.options {
        OwnOptions::Known { short, long } => Syntax {
            short,
            short_attached: "",
            long,
            single_dash: false,
        },
        OwnOptions::None | OwnOptions::Unknown => NO_OPTIONS,
    }
}

/// `program` is the index of the wrapper's own word.
pub(super) fn action(name: &str, arguments: &[Argument], program: usize) -> Option<Action> {
    if let Some(wrapper) = Wrapper::of_program(name) {
        let options = syntax(wrapper).read(arguments, true);
        let command = options
            .behind_dashes
            .or_else(|| options.operands.first().map(|(index, _)| *index));
        return Some(match command.filter(|index| *index < arguments.len()) {
            Some(index) => Action::Wrapper {
                name: name.to_owned(),
                command: program + 1 + index,
                is_init: false,
            },
            None => Action::Tool {
                name: name.to_owned(),
            },
        });
    }
    if wrapper::is_init(name) && !arguments.is_empty() {
        return Some(Action::Wrapper {
            name: name.to_owned(),
            command: program + 1,
            is_init: true,
        });
    }
    question(name, arguments).map(|name| Action::Tool { name })
}

/// Tools that ask whether something is ready.
fn question(name: &str, arguments: &[Argument]) -> Option<String> {
    let questions = tool::by_program(name)?.questions;
    if questions.is_empty() {
        return Some(name.to_owned());
    }
    let subcommand = arguments
        .iter()
        .find_map(|argument| questions.iter().find(|subcommand| argument.text == **subcommand))?;
    Some(format!("{name} {subcommand}"))
}
