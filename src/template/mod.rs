//! Text that becomes YAML only once it is rendered: Helm charts and other templates.
//!
//! A Go template is masked: its actions are replaced by as many bytes of filler, so that most charts read as
//! YAML with every byte where it was. What cannot be read even so is searched for signs that leave no doubt.

mod branches;
mod mask;
mod signs;

pub use branches::stands_in_two_branches;
pub use mask::{is_go_template, mask, unmasked};
pub use signs::signs;
