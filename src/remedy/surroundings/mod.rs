//! What is around a pod in its input: patches, ConfigMaps, and whoever else owns or names it.

pub(crate) mod elsewhere;
pub(crate) mod foreign;
pub(crate) mod patches;
pub(crate) mod references;
pub(crate) mod sources;
pub(crate) mod watchers;
