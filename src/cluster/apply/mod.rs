//! Changing an object that is on a server: what of it a person wrote, who else would write it, the patch, and
//! what becomes of its pods.

mod keeper;
mod last_applied;
mod manifest;
mod patch;
mod pods;
mod rollout;
mod submit;

pub use keeper::{Keeper, keeper};
pub use last_applied::{last_applied, with_last_applied};
pub use manifest::{as_written, injected, recreatable, restorable};
pub use patch::{lost, not_kept, patch};
pub use pods::{Outlook, ProbeFailure, Trouble, last_probe_failure, pods_of, trouble};
pub use rollout::{Rollout, rollout};
pub use submit::{DRY_RUN, submit};
