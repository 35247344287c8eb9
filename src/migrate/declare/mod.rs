//! Declared sidecars: in which form, where in the pod, and in what order.

pub(super) mod annotation;
mod app_half;
pub(super) mod arrangement;
pub(super) mod convert;
pub(super) mod declaration;
pub(super) mod form;
pub(super) mod ground;
pub(super) mod init_order;
pub(super) mod injected;
pub(super) mod position;
