//! Admission policies: the cluster itself orders the sidecars, and warns of new workarounds.
//!
//! Here the policies are built, and what they do to a pod is told by a model in Rust; nothing here asks a server.

mod cel;
mod conflict;
mod guard;
mod guard_rules;
mod model;
mod objects;
mod preview;
mod promote;
mod promotion;
mod reach;
mod selector;

pub use guard::{Guard, GuardAction, why_not};
pub use model::{Outcome, deadlocked, promoted};
pub use objects::{MANAGER, OPTIONS_ANNOTATION, PolicyObject, VERSION_ANNOTATION};
pub use preview::{exceeded, is_in_step, pod_of, pods_at_once, resources};
pub use promotion::{Gate, OnConflict, Promotion, PromotionError};
pub use reach::{NAMESPACE_LABEL, Reach};
pub use selector::{Operator, Requirement, SelectorError, parse_selector};

/// The first Kubernetes version with MutatingAdmissionPolicy in `admissionregistration.k8s.io/v1` (KEP-3962).
pub use crate::pod::PROMOTES_SINCE as MUTATING_SINCE;

/// The first Kubernetes version with ValidatingAdmissionPolicy in `admissionregistration.k8s.io/v1` (KEP-3488).
pub const GUARDING_SINCE: crate::pod::KubernetesVersion = (1, 30);
