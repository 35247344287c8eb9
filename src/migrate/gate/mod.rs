//! What makes the app wait until a sidecar is up.

pub(super) mod declared;
pub(super) mod startup;
