//! What makes the app wait until a sidecar is up.

pub(crate) mod declared;
pub(crate) mod handler;
pub(crate) mod implied;
pub(crate) mod startup;
pub(crate) mod strictness;
