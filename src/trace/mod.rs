//! Trace: evidence of what containers did becomes facts, a timeline, and verdicts on the declared order.
//!
//! [`Engine`] does no input or output: the live watch, a replay and every test feed it the same
//! [`Evidence`]. `docs/semantics.md` is its specification: "Native sidecars", "What a trace can prove".

pub mod container;
pub mod declared;
mod engine;
pub mod evidence;
pub mod fact;
pub mod goal;
pub mod judgement;
mod moment;
pub mod object;
pub mod plan;
pub mod pod;
pub mod recording;
pub mod report;
pub mod run;
pub mod timeline;
pub mod verdict;
pub mod witness;

pub use engine::{Engine, Settings};
pub use evidence::{Clock, Evidence};
pub use fact::{Fact, News, PodName};
pub use moment::{MILLISECOND, Moment, SECOND, describe_length};
