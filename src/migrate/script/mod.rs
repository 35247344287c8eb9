//! Scripts: what remains of them, and of the entrypoint that runs them, when parts are cut out.

pub(super) mod cut;
mod cutter;
pub(super) mod entrypoint;
pub(super) mod kept;
pub(super) mod output;
pub(super) mod plain_command;
pub(super) mod result;
pub(super) mod shared;
pub(super) mod text;
