//! One part of a workaround, with what goes when it goes.

use std::collections::BTreeMap;

use crate::{
    behaviour::{Answer, script::Wait},
    edit::removal::Removals,
    pod::{Member, Subject},
    remedy::{
        gate::startup::FileGate,
        obligation::{Obligation, Proof, judged},
        plan::Class,
        script::{
            entrypoint::{Entrypoint, can_cut},
            hindrance::Hindrance,
            script_is_whole,
        },
    },
    shell::Span,
    workload::Program,
};

/// One part of a workaround.
#[derive(Debug, Clone)]
pub(crate) struct Part<'a> {
    /// What is treated by it.
    pub(crate) subjects: Vec<Subject>,
    /// What becomes of it, in a few words.
    pub(crate) what: String,
    /// What its removal rests on, but for what speaks against it in `class`.
    pub(crate) proofs: Vec<Proof>,
    /// How far its removal can be trusted, or why it can't be removed.
    pub(crate) class: Result<Class, String>,
    /// It does harm if it stays beside a declared sidecar.
    pub(crate) harmful: bool,
    /// It only makes sense where the app is held back by a gate instead.
    pub(crate) wait: Option<Wait>,
    /// The file that the gate asks for instead.
    pub(crate) gate_file: Option<FileGate>,
    /// What the sidecar's own script waits for, which a gate may ask instead.
    pub(crate) asks: Option<Wait>,
    /// Files that told the app that the sidecar is ready, and are not made any more.
    pub(crate) replaces_signs: Vec<String>,
    /// The app is held back by it, so that a gate has to take its place.
    pub(crate) needs_gate: bool,
    /// It is a signal to another container's process.
    pub(crate) signals: bool,
    /// Changes of entrypoints, by container.
    pub(crate) entrypoints: BTreeMap<usize, Entrypoint>,
    /// What else goes.
    pub(crate) removals: Removals<'a>,
    /// Directories that served the workaround; their volumes may be left without use.
    pub(crate) directories: Vec<String>,
    /// What a person should know once it is gone.
    pub(crate) note: Option<String>,
}

impl Part<'_> {
    pub(crate) fn new(what: String, class: Result<Class, String>) -> Self {
        Self {
            subjects: Vec::new(),
            what,
            proofs: Vec::new(),
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
            note: None,
        }
    }

    pub(crate) fn on(mut self, subject: Subject) -> Self {
        self.subjects.push(subject);
        self
    }

    /// Rests on one thing more.
    pub(crate) fn rest_on(&mut self, proof: Proof) {
        self.class = match (&self.class, &proof.answer) {
            (Err(reason), _) | (Ok(_), Answer::Refuted(reason)) => Err(reason.clone()),
            (Ok(class), _) => Ok((*class).max(proof.class())),
        };
        self.proofs.push(proof);
    }

    /// Why it stays where so much is allowed, and whether `--review` does it.
    pub(crate) fn hindrance(&self, allowed: Class) -> Option<(String, bool)> {
        match &self.class {
            Err(reason) => Some((reason.clone(), false)),
            Ok(class) if *class > allowed => {
                let doubt = judged(&self.proofs).1;
                Some((doubt.unwrap_or_else(|| "it has to be looked at".to_owned()), true))
            }
            Ok(_) => None,
        }
    }

    /// What is not known of what remains of a script.
    pub(crate) fn doubt_of_script(&self) -> Option<&String> {
        let mut proofs = self.proofs.iter();
        let whole = proofs.find(|proof| proof.obligation == Obligation::ScriptIsWhole)?;
        whole.answer.reason()
    }

    /// Whether it may be removed at this class.
    pub(crate) fn is_allowed(&self, allowed: Class) -> bool {
        self.class.as_ref().is_ok_and(|class| *class <= allowed)
    }
}

/// A command that is cut out of an entrypoint.
pub(super) fn cutting<'a>(
    container: usize,
    member: &Member<'a>,
    program: &Program<'a>,
    span: &Span,
    what: String,
) -> Part<'a> {
    let answer = can_cut(member, program, std::slice::from_ref(span));
    with_cut(
        container,
        program,
        what,
        (answer, Entrypoint::cutting(span.clone())),
    )
}

/// A cut that was tried.
pub(super) fn with_cut<'a>(
    container: usize,
    program: &Program<'a>,
    what: String,
    (answer, entrypoint): (Answer<Hindrance>, Entrypoint),
) -> Part<'a> {
    let what = match program.config_map {
        Some(name) => format!("{what} from the script of ConfigMap {name}"),
        None => what,
    };
    let mut part = Part::new(what, Ok(Class::Safe));
    part.rest_on(script_is_whole(answer));
    part.entrypoints.insert(container, entrypoint);
    part
}
