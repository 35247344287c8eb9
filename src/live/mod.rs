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

pub use holder::Holder;
pub use injectors::Injectors;
pub use lint::{LiveOutcome, lint_live};
pub use object::{LiveObject, config_map, is_over, pruned};
pub use owners::{Owner, Owners, Uid};
pub use pod::{ObjectGlance, PodGlance, PodMetadata};
pub use record::Record;
pub use roles::{UndeclaredSidecars, is_open, undeclared_sidecars};
pub use secrets::{is_secret_option, without_secrets};
pub use template::{ContainerShape, Shape, templates};
