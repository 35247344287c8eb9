//! Text that becomes YAML only once it is rendered: Helm charts and other templates.
//!
//! A Go template is masked: its actions are replaced by as many bytes of filler, and of branches that exclude each
//! other one is taken at a time, so that most charts read as YAML with their bytes where they were. What cannot be
//! read even so is searched for signs that leave no doubt.

pub(crate) mod action;
mod branches;
mod mask;
mod outline;
mod reading;
mod signs;
#[cfg(test)]
mod tests;

pub(crate) use action::comments;
pub(crate) use mask::{Unknown, is_go_template, unmasked};
pub(crate) use reading::{Reading, readings};
pub(crate) use signs::{may_hold_a_workaround, names_a_wrapper, signs};
