//! The parts of a workaround, which all go or stay together.

pub(super) mod marker;
pub(super) mod part;
pub(super) mod requirement;
pub(super) mod scratch;
pub(super) mod shared_processes;
pub(super) mod sleeps;
pub(super) mod stop;
pub(super) mod unwrap;
pub(super) mod wanted;
pub(super) mod watchdog;
pub(super) mod wrapper;
