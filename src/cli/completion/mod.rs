//! `completion`: scripts that make shells and kubectl complete what is typed, and the answers to them.
//!
//! A script runs this program with what is typed so far and [`VARIABLE`] set, so that rules, contexts and names
//! are those of the moment.

mod candidates;
mod kubectl;
mod scope;
mod script;

use std::ffi::OsString;

use clap::CommandFactory;
use clap_complete::env::{Bash, CompleteEnv, Fish, Powershell, Shells, Zsh};

use super::arguments::Arguments;
use kubectl::Kubectl;
use script::VARIABLE;
pub use script::completion_scripts;
pub(super) use script::{CompletionArguments, run};

/// Whether a script runs this to complete, which is then done.
///
/// # Errors
/// A shell that is not known, or standard output that takes nothing.
pub(super) fn answer(arguments: &[OsString]) -> Result<bool, clap::Error> {
    if std::env::var_os(VARIABLE).is_none() {
        return Ok(false);
    }
    let typed = arguments
        .iter()
        .skip_while(|argument| *argument != "--")
        .skip(1)
        .cloned();
    let typed: Vec<OsString> = typed.collect();
    let current = std::env::current_dir().ok();
    CompleteEnv::with_factory(|| candidates::attach(Arguments::command(), &typed))
        .var(VARIABLE)
        .shells(Shells(&[&Bash, &Zsh, &Fish, &Powershell, &Kubectl]))
        .try_complete(arguments.iter().cloned(), current.as_deref())
}
