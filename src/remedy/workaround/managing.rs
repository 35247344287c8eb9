//! The parts of workarounds around each container of a pod, found once for all plans of it.

use std::cell::OnceCell;

use super::{part::Part, requirement::parts};
use crate::{
    pod::Pod,
    remedy::{Form, wanted::Wanted},
};

/// What manages each container. To find it scripts are cut on trial, and every plan asks more than once.
pub(crate) struct Managing<'p, 'a> {
    pod: &'p Pod<'a>,
    wanted: &'p Wanted,
    form: Form,
    /// By container.
    found: Vec<OnceCell<Vec<Part<'a>>>>,
}

impl<'p, 'a> Managing<'p, 'a> {
    /// Nothing is looked for before it is asked for.
    pub(crate) fn new(pod: &'p Pod<'a>, wanted: &'p Wanted, form: Form) -> Self {
        Self {
            pod,
            wanted,
            form,
            found: vec![OnceCell::new(); pod.members.len()],
        }
    }

    /// All parts of workarounds that manage the container at `index`.
    pub(crate) fn of(&self, index: usize) -> &[Part<'a>] {
        self.found.get(index).map_or(&[], |found| {
            found.get_or_init(|| parts(self.pod, index, self.wanted, self.form))
        })
    }
}
