//! Declared sidecars: in which form, where in the pod, and in what order.

pub(crate) mod annotation;
mod app_half;
pub(crate) mod arrangement;
pub(crate) mod convert;
pub(crate) mod declaration;
pub(crate) mod end_watches;
pub(crate) mod form;
pub(crate) mod ground;
pub(crate) mod init_order;
pub(crate) mod injected;
mod late;
pub(crate) mod needs;
pub(crate) mod obligations;
pub(crate) mod position;
