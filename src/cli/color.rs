//! The one decision about colour.

use std::{
    ffi::OsString,
    io::{self, IsTerminal},
};

use clap::ValueEnum;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorChoice {
    /// In a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Decides once for everything that is printed, and tells `colored`. [`is_on`] tells the others.
pub(super) fn decide(choice: ColorChoice) {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    let on = match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        // https://no-color.org, https://bixense.com/clicolors
        ColorChoice::Auto if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) => false,
        ColorChoice::Auto if set("CLICOLOR_FORCE") => true,
        ColorChoice::Auto => {
            io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
        }
    };
    colored::control::set_override(on);
}

/// What the arguments ask for, for messages about arguments that can't be parsed.
pub(super) fn wished(arguments: &[OsString]) -> clap::ColorChoice {
    let mut arguments = arguments.iter().filter_map(|argument| argument.to_str());
    while let Some(argument) = arguments.next() {
        let value = match argument.strip_prefix("--color") {
            Some("") => arguments.next(),
            Some(rest) => rest.strip_prefix('='),
            None => continue,
        };
        match value {
            Some("always") => return clap::ColorChoice::Always,
            Some("never") => return clap::ColorChoice::Never,
            _ => {}
        }
    }
    clap::ColorChoice::Auto
}

/// Does something without colour, whatever was decided.
pub(super) fn without<T>(act: impl FnOnce() -> T) -> T {
    let decided = is_on();
    colored::control::set_override(false);
    let done = act();
    colored::control::set_override(decided);
    done
}

/// What was decided.
pub(super) fn is_on() -> bool {
    colored::control::SHOULD_COLORIZE.should_colorize()
}
