//! The parts of a workaround, which all go or stay together.

mod delays;
pub(crate) mod end_hook;
mod given;
pub(crate) mod managing;
pub(crate) mod marker;
pub(crate) mod part;
pub(crate) mod requirement;
pub(crate) mod sleeps;
pub(crate) mod stop;
pub(crate) mod unwrap;
mod waits;
pub(crate) mod watchdog;
pub(crate) mod wrapper;
