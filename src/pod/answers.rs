//! What has been asked of a member. Many rules and every plan ask the same, and most answers take a walk through scripts.

use std::cell::OnceCell;

use super::{Lifetime, Member, Pod};
use crate::roles::{RunsServer, runs_its_server};

/// The answers that are known by now. Each follows from the member, its pod's links and its pod's catalogue, none of
/// which changes once the pod is put together: roles do, so that no answer may rest on one.
#[derive(Debug, Default)]
pub struct Answers {
    pub(super) runs_server: OnceCell<RunsServer>,
    pub(super) lifetime: OnceCell<Lifetime>,
    pub(super) ends_with_another: OnceCell<bool>,
    pub(super) stops_another: OnceCell<bool>,
}

impl<'a> Pod<'a> {
    /// Whether one of its members runs its image's server.
    pub(crate) fn runs_server<'m>(&self, member: &'m Member<'a>) -> &'m RunsServer {
        member.answers.runs_server.get_or_init(|| {
            let entrypoint = Pod::entrypoint(member).map(|(_, program)| program);
            runs_its_server(&member.container, entrypoint, self.catalogue)
        })
    }
}
