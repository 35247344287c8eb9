//! What is read is compared as an outline: each command with the text its span covers.

mod grammar;
mod outline;
mod resilience;
mod second_opinion;
mod visits;
mod words;

use super::{Dialect, Script, parse};
use outline::Outline;

fn script(text: &str) -> Script {
    parse(text, Dialect::Posix).unwrap_or_else(|| panic!("not understood: {text}"))
}

fn outline(text: &str) -> String {
    Outline { text }.list(&script(text).list)
}
