//! Programs that watch over other containers' processes, and tools that tell whether something is ready.

use super::{
    Action, Http, Url,
    argument::{Argument, Options, Syntax},
};
use crate::catalogue::{
    tool,
    wrapper::{self, OwnOptions, Tie, Wrapper},
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
        let command = command.filter(|index| *index < arguments.len());
        if let Some(request) = command.and_then(|index| quit(name, wrapper, &options, arguments, index)) {
            return Some(Action::Http(request));
        }
        return Some(match command {
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

/// Commands that do nothing but let a wrapper end its sidecar behind them.
const NOTHING: [&str; 5] = ["echo", "true", ":", "printf", "date"];

/// The request that is all a wrapper is there for: it is told to end its sidecar, and its command does nothing.
fn quit(
    name: &str,
    wrapper: &Wrapper,
    options: &Options<'_>,
    arguments: &[Argument],
    command: usize,
) -> Option<Http> {
    let request = wrapper.quit?;
    let Tie::Told(ending) = wrapper.ends else {
        return None;
    };
    let own = arguments.get(..command)?;
    let is_told = own
        .iter()
        .any(|argument| ending.contains(&argument.text.as_str()));
    let run = arguments.get(command)?;
    let does_nothing = run
        .known()
        .is_some_and(|word| NOTHING.contains(&word.rsplit('/').next().unwrap_or(word)));
    let port = match options.value(request.port_options) {
        Some(port) => port.text.to_owned(),
        None => request.port.to_string(),
    };
    (is_told && does_nothing).then(|| {
        let url = Url::parse(&format!("http://localhost:{port}{}", request.path), run.span());
        Http::new(name, Some("POST"), url)
    })
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
