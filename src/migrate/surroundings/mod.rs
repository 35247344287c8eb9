//! What is around a pod in its input: patches, ConfigMaps, and whoever else owns or names it.

pub(super) mod elsewhere;
pub(super) mod foreign;
pub(super) mod patches;
pub(super) mod references;
pub(super) mod sources;
