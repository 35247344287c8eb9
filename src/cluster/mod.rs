//! The API server: how to reach it, and how to follow what it says.

mod connect;
mod follow;
mod metrics;
mod names;
mod owner;
mod request;
mod resource;
mod watch;

pub use connect::{ConnectError, Connection, connect};
pub use follow::{Followed, Follower, follow_attach, follow_log};
pub use metrics::creation_times;
pub use names::{KubeconfigNames, kubeconfig_names, namespaces};
pub use owner::{OwnerError, Owners, Target, pod_owners};
pub use request::{RequestError, get_json, get_text, send_json};
pub use resource::{Selection, WatchedResource};
pub use watch::{Arrival, watch_resource};
