//! What is known of other people's programs, as rows of data with a source and the day it was checked.
//!
//! Sidecars, wrapper programs, tools that wait, injectors: whoever has to know a name, a path, an option or a version
//! asks here, so that each is written once. `CONTRIBUTING.md` says how to add a row.

pub mod code_word;
pub mod command_runner;
pub mod container_name;
pub mod controller;
mod image_glob;
pub mod injected_file;
pub mod injector;
pub mod kubernetes;
pub mod port_list;
pub mod program_end;
pub mod program_reach;
pub mod quit;
pub mod service_port;
mod sidecar;
mod sidecars;
pub mod stop_command;
pub mod stream_tool;
pub mod tool;
pub mod wait_tool;
pub mod wrapper;

pub use sidecar::{Catalogue, CatalogueError, Endpoint, HealthListener, KnownSidecar, Switch, is_false};

#[cfg(test)]
mod tests;
