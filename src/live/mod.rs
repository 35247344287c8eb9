//! Objects of a cluster as the rules read them: their text, the templates and the pods made from them, who owns
//! whom. Nothing here asks a server.

mod holder;
mod injectors;
mod lint;
mod object;
mod owners;
mod pod;
mod record;
mod roles;
mod secrets;
mod telling;
mod template;

pub(crate) use holder::Holder;
pub(crate) use injectors::Injectors;
pub(crate) use lint::{LiveOutcome, lint_live};
pub(crate) use object::{LiveObject, config_map, is_over};
pub(crate) use owners::{Owner, Owners, Uid};
pub(crate) use pod::{ObjectGlance, PodGlance, PodMetadata};
pub(crate) use record::Record;
pub(crate) use roles::{UndeclaredSidecars, is_open, undeclared_sidecars};
pub(crate) use secrets::{is_secret_option, without_secrets};
pub(crate) use template::{Shape, templates};
