//! The API server: how to reach it, and how to follow what it says.

pub mod apply;
mod connect;
mod credentials;
mod discovery;
mod follow;
mod kubeconfig;
mod look;
mod metrics;
mod names;
mod owner;
mod page;
mod policies;
mod request;
mod resource;
mod scan;
mod schema;
mod server;
mod versions;
mod watch;

pub use connect::{ConnectError, Connection, connect};
pub use credentials::{CredentialError, PLUGIN_ARGUMENT, run_plugin};
pub use discovery::{Collection, Discovery, Unavailable, built_in, discover};
pub use follow::{Followed, Follower, follow_absence, follow_attach, follow_log};
pub use look::{PodNow, pods_now, states_now};
pub use metrics::creation_times;
pub use names::{
    KubeconfigNames, cluster_name, current_context, is_missing_namespace, kubeconfig_names, namespaces,
};
pub use owner::{OwnerError, Owners, Target, controller_path, is_type, pod_owners, template_containers};
pub use page::{Filter, Glance, Listed, Pages};
pub use policies::{
    PolicyApi, apply_policy, created_pod, delete_policy, may, policies, policy_api, policy_object, quotas,
    replace_policy,
};
pub use request::{RequestError, get_json, get_text, send_json};
pub use resource::{Selection, WatchedResource};
pub use scan::{ScanError, ScanEvent, ScanRequest, Unseen, scan};
pub use schema::{WorkloadKinds, is_built_in_workload, workload_kinds};
pub use server::Server;
pub use versions::{Kubelets, Versions, versions};
pub use watch::{Arrival, watch_resource};
