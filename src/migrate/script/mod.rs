//! Scripts: what remains of them, and of the entrypoint that runs them, when parts are cut out.

mod belongings;
pub(super) mod cut;
pub(super) mod entrypoint;
mod fate;
mod flow;
mod functions;
mod harmless;
pub(super) mod hindrance;
pub(super) mod kept;
mod obligation;
pub(super) mod output;
pub(super) mod plain_command;
pub(super) mod result;
pub(super) mod shared;
mod spans;
mod status;
pub(super) mod text;
