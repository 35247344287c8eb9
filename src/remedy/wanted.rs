//! What is to be treated.

use std::collections::HashSet;

use crate::pod::Subject;

/// The subjects of a pod that are to be treated: those of the findings that the user wants to see gone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    subjects: HashSet<Subject>,
}

impl Wanted {
    pub(crate) fn of(subjects: impl IntoIterator<Item = Subject>) -> Self {
        Self {
            subjects: subjects.into_iter().filter(Subject::is_treatable).collect(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Subject> {
        self.subjects.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.subjects.is_empty()
    }

    pub(crate) fn has(&self, subject: &Subject) -> bool {
        self.subjects.contains(subject)
    }

    /// Whether what a program does about another container is.
    pub(crate) fn link(&self, at: usize) -> bool {
        self.has(&Subject::Link(at))
    }

    pub(crate) fn any(&self, is_it: impl Fn(&Subject) -> bool) -> bool {
        self.subjects.iter().any(is_it)
    }

    /// Whether a sleep before some program's work is.
    pub(crate) fn some_sleep(&self) -> bool {
        self.any(|subject| matches!(subject, Subject::Sleep(_)))
    }
}
