//! The one decision about colour.

use std::io::{self, IsTerminal};

use super::arguments::ColorChoice;

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

/// What was decided.
pub(super) fn is_on() -> bool {
    colored::control::SHOULD_COLORIZE.should_colorize()
}
