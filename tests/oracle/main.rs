//! Every ordering assertion of the upstream node e2e tests (`test/e2e_node/container_lifecycle_test.go`), as
//! evidence made by hand: cases A1 to D6 of `docs/semantics.md`, what voids or contradicts a verdict, and sidecars
//! that the pod's annotation declares (`docs/semantics.md`, "Promotion at admission").

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
