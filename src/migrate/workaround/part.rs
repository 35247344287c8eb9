//! One part of a workaround, with what goes when it goes.

use std::collections::BTreeMap;

use crate::{
    behaviour::{Answer, script::Wait},
    migrate::{
        edit::removal::Removals,
        plan::Class,
        script::{entrypoint::Entrypoint, hindrance::Hindrance},
    },
};

/// One part of a workaround.
#[derive(Debug, Clone)]
pub(in crate::migrate) struct Part<'a> {
    /// What becomes of it, in a few words.
    pub(in crate::migrate) what: String,
    /// How far its removal can be trusted, or why it can't be removed.
    pub(in crate::migrate) class: Result<Class, String>,
    /// It does harm if it stays beside a declared sidecar.
    pub(in crate::migrate) harmful: bool,
    /// It only makes sense where the app is held back by a gate instead.
    pub(in crate::migrate) wait: Option<Wait>,
    /// The file that the gate asks for instead.
    pub(in crate::migrate) gate_file: Option<String>,
    /// What the sidecar's own script waits for, which a gate may ask instead.
    pub(in crate::migrate) asks: Option<Wait>,
    /// Files that told the app that the sidecar is ready, and are not made any more.
    pub(in crate::migrate) replaces_signs: Vec<String>,
    /// The app is held back by it, so that a gate has to take its place.
    pub(in crate::migrate) needs_gate: bool,
    /// It is a signal to another container's process.
    pub(in crate::migrate) signals: bool,
    /// Changes of entrypoints, by container.
    pub(in crate::migrate) entrypoints: BTreeMap<usize, Entrypoint>,
    /// What else goes.
    pub(in crate::migrate) removals: Removals<'a>,
    /// Directories that served the workaround; their volumes may be left without use.
    pub(in crate::migrate) directories: Vec<String>,
    /// Why somebody has to look at it.
    pub(in crate::migrate) doubt: Option<String>,
    /// What a person should know once it is gone.
    pub(in crate::migrate) note: Option<String>,
}

impl Part<'_> {
    pub(in crate::migrate) fn new(what: String, class: Result<Class, String>) -> Self {
        Self {
            what,
            class,
            harmful: true,
            wait: None,
            gate_file: None,
            asks: None,
            replaces_signs: Vec::new(),
            needs_gate: false,
            signals: false,
            entrypoints: BTreeMap::new(),
            removals: Removals::default(),
            directories: Vec::new(),
            doubt: None,
            note: None,
        }
    }

    /// Lowers the class to what can be said of a cut: for review where it is not known, with its reason where it is refuted.
    pub(in crate::migrate) fn holds(&mut self, answer: &Answer<Hindrance>) {
        match answer {
            Answer::Proved => {}
            Answer::Refuted(hindrance) => self.class = Err(hindrance.to_string()),
            Answer::Unknown(hindrance) => {
                if let Ok(class) = &mut self.class {
                    *class = (*class).max(Class::Review);
                    self.doubt = Some(hindrance.to_string());
                }
            }
        }
    }

    /// Whether it may be removed at this class.
    pub(in crate::migrate) fn is_allowed(&self, allowed: Class) -> bool {
        self.class.as_ref().is_ok_and(|class| *class <= allowed)
    }
}
