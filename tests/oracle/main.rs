//! Every ordering assertion of the upstream node e2e tests (`test/e2e_node/container_lifecycle_test.go`), as
//! evidence made by hand: rows A1 to D6 of `semantics.md` 2.12, what voids or contradicts a verdict, and sidecars
//! that the pod's annotation declares (`semantics.md` 8).

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "test code outside of test functions"
)]

mod bench;
mod limits;
mod promotion;
mod reboot;
mod restart;
mod start;
mod stop;
