//! An option that a command does not have: which commands have it.

use clap::{
    Command, Error,
    builder::StyledStr,
    error::{ContextKind, ContextValue, ErrorKind},
};

/// The error with a hint at the commands that take the option, instead of clap's hint to pass it as a value.
pub(super) fn explained(mut error: Error, command: &Command) -> Error {
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let mut takers = Vec::new();
    collect(command, "", option, &mut takers);
    let tip = match takers.as_slice() {
        [] => None,
        [only] => Some(format!("only `{only}` takes {option}")),
        [others @ .., last] => Some(format!("{option} is for `{}` and `{last}`", others.join("`, `"))),
    };
    error.remove(ContextKind::Suggested);
    if let Some(tip) = tip {
        error.insert(
            ContextKind::Suggested,
            ContextValue::StyledStrs(vec![StyledStr::from(tip)]),
        );
    }
    error
}

/// The commands below one that take an option, by their names.
fn collect(command: &Command, above: &str, option: &str, takers: &mut Vec<String>) {
    for below in command.get_subcommands() {
        let name = format!("{above}{}", below.get_name());
        let takes = below.get_arguments().any(|argument| {
            let long = argument.get_long().map(|long| format!("--{long}"));
            let short = argument.get_short().map(|short| format!("-{short}"));
            [long, short].into_iter().flatten().any(|known| known == option)
        });
        if takes {
            takers.push(name.clone());
        }
        collect(below, &format!("{name} "), option, takers);
    }
}
