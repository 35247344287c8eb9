//! What is to be done to one workload, what is left to a person, and why.

use std::ops::Range;

use crate::{
    edit::{
        change::{Change, Position},
        place::{Place, SHARED, is_used_elsewhere, place},
    },
    remedy::{obligation::Proof, surroundings::elsewhere::Elsewhere},
};
use crate::{pod::Sources, pod::Subject, workload::ObjectReference, yaml::Node};

/// How far a rewrite can be trusted. Later ones are less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The text proves that the meaning stays.
    Safe,
    /// A person has to look at it.
    Review,
    /// Only a person can do it.
    Manual,
}

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// How far it can be trusted.
    pub class: Class,
    /// What was done, in a few words.
    pub what: String,
    /// What is treated by it.
    pub subjects: Vec<Subject>,
    /// What it rests on.
    pub proofs: Vec<Proof>,
}

/// Something that was left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What was left.
    pub what: String,
    /// Why, in one sentence.
    pub reason: String,
    /// `--review` does it.
    pub review: bool,
    /// What stays untreated for it.
    pub subjects: Vec<Subject>,
    /// What it would rest on, as far as that was asked.
    pub proofs: Vec<Proof>,
}

/// What is done to one workload and what is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Index of the document in its source, from 0.
    pub document: usize,
    /// The object.
    pub object: ObjectReference,
    /// What is done.
    pub actions: Vec<Action>,
    /// What is left, and why.
    pub refusals: Vec<Refusal>,
    /// What a person should know besides.
    pub notes: Vec<String>,
    /// The changes; each round's places are those after the round before.
    pub rounds: Vec<Vec<Change>>,
    /// What changes in other sources at the same time.
    pub(crate) elsewhere: Vec<Elsewhere>,
    /// Annotations that the pod gets.
    pub(crate) annotations: Vec<(String, String)>,
    /// Names that the annotation which declares sidecars gets.
    pub(crate) named: Vec<String>,
    /// Directories that served the workaround, whose volumes may have no use any more.
    pub(crate) directories: Vec<String>,
    /// A signal to another container's process went.
    pub(crate) signals_gone: bool,
    /// The pod's place among all of the source.
    pub(crate) pod: usize,
    /// The bytes of its object.
    pub(crate) span: Range<usize>,
    /// Its sidecars were declared well, and are declared in another form now: nothing else was looked at.
    pub(crate) is_conversion: bool,
}

/// What is left where nothing can be done.
pub(crate) const ALL: &str = "all of it";

/// The rounds of a plan before containers change their list, one in each round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Round {
    /// Texts and removals.
    Cut = 0,
    /// New entries.
    Add = 1,
}

impl Plan {
    pub(crate) fn new(document: usize, object: ObjectReference) -> Self {
        Self {
            document,
            object,
            actions: Vec::new(),
            refusals: Vec::new(),
            notes: Vec::new(),
            rounds: vec![Vec::new(), Vec::new()],
            elsewhere: Vec::new(),
            annotations: Vec::new(),
            named: Vec::new(),
            directories: Vec::new(),
            signals_gone: false,
            pod: 0,
            span: 0..0,
            is_conversion: false,
        }
    }

    /// Whether nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rounds.iter().all(Vec::is_empty) && self.elsewhere.is_empty()
    }

    /// Does afterwards what another plan does to what this one makes.
    pub(crate) fn then(&mut self, next: Self) {
        for action in next.actions {
            self.add_action(action);
        }
        for refusal in next.refusals {
            self.add_refusal(refusal);
        }
        next.notes.into_iter().for_each(|note| self.note(note));
        self.rounds.extend(next.rounds);
        self.elsewhere.extend(next.elsewhere);
        self.directories.extend(next.directories);
        self.signals_gone |= next.signals_gone;
    }

    /// Leaves everything as it is, for one reason.
    pub(crate) fn abandon(&mut self, reason: impl Into<String>) {
        let mut subjects = self.treated().cloned().collect::<Vec<_>>();
        subjects.extend(
            self.refusals
                .iter()
                .flat_map(|refusal| refusal.subjects.iter().cloned()),
        );
        *self = Self {
            pod: self.pod,
            span: self.span.clone(),
            ..Self::new(self.document, self.object.clone())
        };
        self.left(ALL, reason, false, subjects);
    }

    /// The subjects that are treated.
    pub(crate) fn treated(&self) -> impl Iterator<Item = &Subject> {
        self.actions.iter().flat_map(|action| &action.subjects)
    }

    /// What treats a subject.
    pub(crate) fn action_on(&self, subject: &Subject) -> impl Iterator<Item = &Action> {
        self.actions
            .iter()
            .filter(move |action| action.subjects.contains(subject))
    }

    /// Why a subject stays untreated.
    pub(crate) fn refusal_of(&self, subject: &Subject) -> Option<&Refusal> {
        self.refusals
            .iter()
            .find(|refusal| refusal.subjects.contains(subject))
    }

    pub(crate) fn done(
        &mut self,
        class: Class,
        what: impl Into<String>,
        subjects: impl IntoIterator<Item = Subject>,
    ) {
        self.add_action(Action {
            class,
            what: what.into(),
            subjects: subjects.into_iter().collect(),
            proofs: Vec::new(),
        });
    }

    pub(crate) fn add_action(&mut self, action: Action) {
        match self.actions.iter_mut().find(|own| own.what == action.what) {
            Some(own) => {
                own.class = own.class.max(action.class);
                own.subjects.extend(action.subjects);
            }
            None => self.actions.push(action),
        }
    }

    /// Where each part is proved and all of them together are not, somebody looks at them.
    pub(crate) fn doubt_together(&mut self, doubt: &str) {
        if self.actions.iter().all(|action| action.class == Class::Safe) {
            self.actions
                .iter_mut()
                .for_each(|action| action.class = Class::Review);
            self.note(format!("compare the script before and after: {doubt}"));
        }
    }

    pub(crate) fn left(
        &mut self,
        what: impl Into<String>,
        reason: impl Into<String>,
        review: bool,
        subjects: impl IntoIterator<Item = Subject>,
    ) {
        self.add_refusal(Refusal {
            what: what.into(),
            reason: reason.into(),
            review,
            subjects: subjects.into_iter().collect(),
            proofs: Vec::new(),
        });
    }

    /// Leaves something for what it would rest on.
    pub(crate) fn left_unproved(
        &mut self,
        what: impl Into<String>,
        (reason, review): (String, bool),
        proofs: &[Proof],
        subjects: impl IntoIterator<Item = Subject>,
    ) {
        self.add_refusal(Refusal {
            what: what.into(),
            reason,
            review,
            subjects: subjects.into_iter().collect(),
            proofs: proofs.to_vec(),
        });
    }

    pub(crate) fn add_refusal(&mut self, refusal: Refusal) {
        let is_it = |own: &&mut Refusal| {
            (&own.what, &own.reason, own.review) == (&refusal.what, &refusal.reason, refusal.review)
        };
        match self.refusals.iter_mut().find(is_it) {
            Some(own) => own.subjects.extend(refusal.subjects),
            None => self.refusals.push(refusal),
        }
    }

    /// Leaves of what `--review` is said to do only what it does: of the rest it has another reason.
    pub(crate) fn keep_promises(&mut self, reviewed: &Self) {
        let refusals = std::mem::take(&mut self.refusals);
        for refusal in refusals {
            let is_done = refusal.subjects.is_empty()
                || refusal
                    .subjects
                    .iter()
                    .any(|subject| reviewed.action_on(subject).next().is_some());
            let instead = refusal
                .subjects
                .iter()
                .find_map(|subject| reviewed.refusal_of(subject));
            match instead {
                Some(instead) if refusal.review && !is_done => self.add_refusal(instead.clone()),
                _ => self.add_refusal(refusal),
            }
        }
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    pub(crate) fn add(&mut self, round: Round, change: Change) {
        if let Some(changes) = self.rounds.get_mut(round as usize)
            && !changes.contains(&change)
        {
            changes.push(change);
        }
    }

    /// A move in a round of its own.
    pub(crate) fn add_move(&mut self, change: Change) {
        self.rounds.push(vec![change]);
    }
}

/// Changes in the making: what has no place of its own in the text stops the rewrite.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes {
    pub(crate) cuts: Vec<Change>,
    pub(crate) additions: Vec<Change>,
    pub(crate) elsewhere: Vec<Elsewhere>,
    /// Annotations that the pod gets.
    pub(crate) annotations: Vec<(String, String)>,
    /// Why somebody has to look at what remains of a script, though each of its cuts may be proved by itself.
    pub(crate) doubt: Option<String>,
}

impl Changes {
    pub(crate) fn text(&mut self, node: Node<'_>, text: impl Into<String>) -> Result<(), String> {
        self.cuts.push(Change::Text(place(node)?, text.into()));
        Ok(())
    }

    /// Gives a script another text, in whichever source it stands.
    pub(crate) fn script(
        &mut self,
        sources: Sources<'_>,
        node: Node<'_>,
        text: impl Into<String>,
    ) -> Result<(), String> {
        let source = sources.of(node).ok_or("its script was not found")?;
        if std::ptr::eq(&*source, sources.own()) {
            return self.text(node, text);
        }
        let change = Change::Text(place(node)?, text.into());
        self.elsewhere.push(Elsewhere {
            source,
            rounds: vec![vec![change]],
        });
        Ok(())
    }

    pub(crate) fn words(&mut self, node: Node<'_>, words: Vec<String>) -> Result<(), String> {
        if node.children().any(is_used_elsewhere) {
            return Err(SHARED.to_owned());
        }
        self.cuts.push(Change::Words(place(node)?, words));
        Ok(())
    }

    pub(crate) fn insert(
        &mut self,
        mapping: Place,
        key: &str,
        value: crate::yaml::Value,
        position: Position,
    ) {
        self.additions.push(Change::Insert {
            mapping,
            key: key.to_owned(),
            value,
            position,
        });
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.cuts.extend(other.cuts);
        self.additions.extend(other.additions);
        self.elsewhere.extend(other.elsewhere);
        self.annotations.extend(other.annotations);
        self.doubt = self.doubt.take().or(other.doubt);
    }
}
