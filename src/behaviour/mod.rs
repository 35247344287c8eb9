//! What the commands of a script do, and what a script does with them.

pub mod action;
pub mod script;
