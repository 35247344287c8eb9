//! What is to be done to one workload, what is left to a person, and why.

use super::{
    edit::{
        change::{Change, Position},
        place::Place,
    },
    surroundings::elsewhere::Elsewhere,
};
use crate::{
    rules::{FixClass, ObjectReference, Sources},
    yaml::{Kind, Node},
};

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

impl From<FixClass> for Class {
    fn from(class: FixClass) -> Self {
        match class {
            FixClass::Safe => Self::Safe,
            FixClass::Review => Self::Review,
            FixClass::Manual | FixClass::None => Self::Manual,
        }
    }
}

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// How far it can be trusted.
    pub class: Class,
    /// What was done, in a few words.
    pub what: String,
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
    pub(super) elsewhere: Vec<Elsewhere>,
    /// Annotations that the pod gets.
    pub(super) annotations: Vec<(String, String)>,
    /// Names that the annotation which declares sidecars gets.
    pub(super) named: Vec<String>,
    /// Directories that served the workaround, whose volumes may have no use any more.
    pub(super) directories: Vec<String>,
    /// A signal to another container's process went.
    pub(super) signals_gone: bool,
    /// The pod's place among all of the source.
    pub(super) pod: usize,
    /// Its sidecars were declared well, and are declared in another form now: nothing else was looked at.
    pub(super) is_conversion: bool,
}

/// What is left where nothing can be done.
pub(super) const ALL: &str = "all of it";

/// The rounds of a plan before containers change their list, one in each round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Round {
    /// Texts and removals.
    Cut = 0,
    /// New entries.
    Add = 1,
}

impl Plan {
    pub(super) fn new(document: usize, object: ObjectReference) -> Self {
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
            is_conversion: false,
        }
    }

    /// Whether nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rounds.iter().all(Vec::is_empty) && self.elsewhere.is_empty()
    }

    /// Does afterwards what another plan does to what this one makes.
    pub(super) fn then(&mut self, next: Self) {
        for action in next.actions {
            self.done(action.class, action.what);
        }
        for refusal in next.refusals {
            self.left(refusal.what, refusal.reason, refusal.review);
        }
        next.notes.into_iter().for_each(|note| self.note(note));
        self.rounds.extend(next.rounds);
        self.elsewhere.extend(next.elsewhere);
        self.directories.extend(next.directories);
        self.signals_gone |= next.signals_gone;
    }

    /// Leaves everything as it is, for one reason.
    pub(super) fn abandon(&mut self, reason: impl Into<String>) {
        *self = Self {
            pod: self.pod,
            ..Self::new(self.document, self.object.clone())
        };
        self.left(ALL, reason, false);
    }

    pub(super) fn done(&mut self, class: Class, what: impl Into<String>) {
        let action = Action {
            class,
            what: what.into(),
        };
        if !self.actions.contains(&action) {
            self.actions.push(action);
        }
    }

    pub(super) fn left(&mut self, what: impl Into<String>, reason: impl Into<String>, review: bool) {
        let refusal = Refusal {
            what: what.into(),
            reason: reason.into(),
            review,
        };
        if !self.refusals.contains(&refusal) {
            self.refusals.push(refusal);
        }
    }

    /// Says of what `--review` would be said to do, and leaves as well, why that is so.
    pub(super) fn keep_promises(&mut self, reviewed: &Self) {
        for refusal in self.refusals.iter_mut().filter(|refusal| refusal.review) {
            let subject = |what: &str| what.split(", because").next().unwrap_or_default().to_owned();
            let left = reviewed
                .refusals
                .iter()
                .find(|left| left.what == refusal.what)
                .or_else(|| reviewed.refusals.iter().find(|left| left.what == ALL))
                .or_else(|| {
                    let mut others = reviewed.refusals.iter();
                    others.find(|left| subject(&left.what) == subject(&refusal.what))
                });
            if let Some(left) = left {
                *refusal = left.clone();
            }
        }
        let mut seen: Vec<Refusal> = Vec::new();
        self.refusals.retain(|refusal| {
            let is_new = !seen.contains(refusal);
            seen.push(refusal.clone());
            is_new
        });
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    pub(super) fn add(&mut self, round: Round, change: Change) {
        if let Some(changes) = self.rounds.get_mut(round as usize)
            && !changes.contains(&change)
        {
            changes.push(change);
        }
    }

    /// A move in a round of its own.
    pub(super) fn add_move(&mut self, change: Change) {
        self.rounds.push(vec![change]);
    }
}

/// Changes in the making: what has no place of its own in the text stops the rewrite.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes {
    pub(super) cuts: Vec<Change>,
    pub(super) additions: Vec<Change>,
    pub(super) elsewhere: Vec<Elsewhere>,
    /// Annotations that the pod gets.
    pub(super) annotations: Vec<(String, String)>,
}

/// What stands behind an anchor belongs to several places at once.
pub(super) const SHARED: &str =
    "it is written with an anchor or alias, so that a change would reach other places too";

/// A key is not guessed at.
pub(super) const TWICE: &str = "a key on the way to it stands twice in its mapping";

impl Changes {
    pub(super) fn text(&mut self, node: Node<'_>, text: impl Into<String>) -> Result<(), String> {
        self.cuts.push(Change::Text(place(node)?, text.into()));
        Ok(())
    }

    /// Gives a script another text, in whichever source it stands.
    pub(super) fn script(
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

    pub(super) fn words(&mut self, node: Node<'_>, words: Vec<String>) -> Result<(), String> {
        if node.children().any(is_used_elsewhere) {
            return Err(SHARED.to_owned());
        }
        self.cuts.push(Change::Words(place(node)?, words));
        Ok(())
    }

    pub(super) fn insert(
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

    pub(super) fn extend(&mut self, other: Self) {
        self.cuts.extend(other.cuts);
        self.additions.extend(other.additions);
        self.elsewhere.extend(other.elsewhere);
        self.annotations.extend(other.annotations);
    }
}

/// The place of a node that is to be changed.
pub(super) fn place(node: Node<'_>) -> Result<Place, String> {
    Place::of(node).ok_or_else(|| {
        match Place::is_ambiguous(node) {
            true => TWICE,
            false => SHARED,
        }
        .to_owned()
    })
}

/// Whether an alias somewhere else stands for a node, or for something in it.
pub(super) fn is_used_elsewhere(node: Node<'_>) -> bool {
    let aliased: Vec<_> = node
        .walk()
        .filter(|part| part.is_aliased())
        .map(Node::id)
        .collect();
    let span = node.written_span();
    !aliased.is_empty()
        && node
            .stream()
            .roots()
            .flat_map(|(_, root)| root.walk())
            .any(|other| {
                let is_inside = span.contains(&other.written_span().start);
                matches!(other.kind(), Kind::Alias(target) if !is_inside && aliased.contains(&target))
            })
}
