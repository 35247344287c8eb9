//! What has been asked of a member. Many rules and every plan ask the same, and most answers take a walk through scripts.

use std::cell::OnceCell;

use super::{Lifetime, Member, Pod};
use crate::roles::{Catalogue, RunsServer, runs_its_server};

/// The answers that are known by now.
#[derive(Debug, Default)]
pub struct Answers {
    pub(super) runs_server: OnceCell<RunsServer>,
    pub(super) lifetime: OnceCell<Lifetime>,
    pub(super) ends_with_another: OnceCell<bool>,
    pub(super) stops_another: OnceCell<bool>,
}

impl Member<'_> {
    /// Whether it runs its image's server.
    pub(crate) fn runs_server(&self, catalogue: &Catalogue) -> &RunsServer {
        self.answers.runs_server.get_or_init(|| {
            let entrypoint = Pod::entrypoint(self).map(|(_, program)| program);
            runs_its_server(&self.container, entrypoint, catalogue)
        })
    }
}
