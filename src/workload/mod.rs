//! The pods in a tree: which objects hold one, its containers, hooks, probes and volumes.
//!
//! Everything is a view into the YAML tree; nothing is copied, so that findings and edits point at the text.

mod config_map;
mod container;
mod discover;
mod image;
mod invocation;
mod object;
mod probe;
mod program;
mod resources;
mod service;
mod sourced;
mod subject;
mod volume;

pub use config_map::{ConfigMapIndex, ConfigMaps, config_maps};
pub use container::{Container, ContainerList, EnvironmentValues, EnvironmentVariable, Port};
pub use discover::{Controller, Workload, discover};
pub use image::Image;
pub use invocation::ShellInvocation;
pub use object::{Object, ObjectReference, WorkloadKind, objects, objects_of};
pub use probe::{Hook, HookKind, Probe, ProbeKind};
pub use program::{Program, ProgramPlace, programs};
pub use resources::{Amounts, effective_resources, quantity, write_amount};
pub use service::{Service, Services, services};
pub use volume::{Mount, Volume, VolumeSource};
