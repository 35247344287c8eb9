//! README.md and docs/: every command runs, every link leads somewhere, every page is in the book.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code"
)]

#[path = "../support/programs.rs"]
mod programs;
#[path = "../support/tell.rs"]
mod tell;

mod book;
mod ci;
mod cluster;
mod commands;
mod links;
mod markdown;
mod workshop;
