//! What commands do to other containers: wait for them, stop them, leave files for them.
//!
//! `action` classifies one command; `script` finds waits, stops and markers in a whole script; `links` says
//! which container each of them is about.

mod action;
mod address;
mod command_line;
mod connect;
mod exit_code;
mod file;
mod http;
mod links;
mod script;
mod signal;
mod wait;

pub use action::{Action, Connection, HttpCall, Kill, ProcessTarget, action};
pub use address::{Address, Host};
pub use command_line::{Argument, CommandLine, Lookup};
pub use exit_code::ExitCode;
pub use links::{Link, LinkKind, Links, Party, links};
pub use script::{MarkerTest, MarkerWrite, Means, ScriptFacts, Sleep, Stop, Trap};
pub use wait::{Target, Wait, WaitForm};
