//! Scripts: what remains of them, and of the entrypoint that runs them, when parts are cut out.

pub(crate) mod cut;
mod cutter;
pub(crate) mod entrypoint;
pub(crate) mod kept;
pub(crate) mod output;
pub(crate) mod plain_command;
pub(crate) mod result;
pub(crate) mod shared;
pub(crate) mod text;
