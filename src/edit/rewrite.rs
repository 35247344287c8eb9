//! Carries plans out: text to text, checked before anybody sees it.

use crate::edit::{
    change::{Change, ChangeError, edits},
    intention::intend,
};
use crate::yaml::{self, Stream, Value, edit, guard};

/// Why a text was left as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RewriteError {
    /// The text has a form that these edits don't know.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The edited text does not say what was meant. This is a bug.
    #[error("the rewritten text is not what was meant; please report this as a bug: {0}")]
    Guard(guard::GuardError),
    /// Another reader of YAML takes the edited text for something else. The text was unusual before.
    #[error(transparent)]
    Unsure(guard::GuardError),
}

impl From<guard::GuardError> for RewriteError {
    fn from(error: guard::GuardError) -> Self {
        match error {
            guard::GuardError::SecondReader { .. } => Self::Unsure(error),
            error => Self::Guard(error),
        }
    }
}

impl From<edit::EditError> for RewriteError {
    fn from(error: edit::EditError) -> Self {
        Self::Change(error.into())
    }
}

impl From<yaml::ValueError> for RewriteError {
    fn from(error: yaml::ValueError) -> Self {
        Self::from(guard::GuardError::from(error))
    }
}

impl From<yaml::ParseError> for RewriteError {
    fn from(error: yaml::ParseError) -> Self {
        Self::from(guard::GuardError::from(error))
    }
}

/// The text after all rounds of changes. The places of a round are those of the text after the round before.
///
/// # Errors
/// A change that can't be written, or a result that is not what was meant.
pub(crate) fn rewrite(text: &str, rounds: &[Vec<Change>]) -> Result<String, RewriteError> {
    let rounds: Vec<&[Change]> = rounds
        .iter()
        .map(Vec::as_slice)
        .filter(|round| !round.is_empty())
        .collect();
    let mut current = text.to_owned();
    for some in rounds.chunks(ROUNDS_AT_ONCE) {
        current = in_turn(&yaml::parse(&current)?, some)?;
    }
    Ok(current)
}

/// The trees of so many rounds are held at a time: each round goes on from the tree that the one before was checked by.
const ROUNDS_AT_ONCE: usize = 4;

fn in_turn(stream: &Stream<'_>, rounds: &[&[Change]]) -> Result<String, RewriteError> {
    let [changes, rest @ ..] = rounds else {
        return Ok(stream.text().to_owned());
    };
    let mut intended = Value::documents(stream)?;
    intend(&mut intended, changes)?;
    let edits = edits(stream, changes)?;
    let edited = edit::apply(stream.text(), &edits)?;
    let found = guard::checked(stream.text(), &edited, &edits, &intended)?;
    if stream.has_irregular_mappings() {
        check_effective(&Value::documents(stream)?, &found, changes)?;
    }
    match rest {
        [] => {
            drop(found);
            Ok(edited)
        }
        _ => in_turn(&found, rest),
    }
}

/// Merge keys and keys that stand twice may overwrite what was changed, which only shows where they are carried
/// out: the changes to what kubectl reads of the old text must make what it reads of the new one.
fn check_effective(
    before: &[Option<Value>],
    edited: &Stream<'_>,
    changes: &[Change],
) -> Result<(), RewriteError> {
    const OVERWRITTEN: ChangeError = ChangeError::Form(
        "a merge key (`<<`) or a key that stands twice would overwrite the change; write each key once first",
    );
    let effective = |documents: &[Option<Value>]| -> Vec<Option<Value>> {
        documents
            .iter()
            .map(|document| document.as_ref().map(Value::effective))
            .collect()
    };
    let mut intended = effective(before);
    intend(&mut intended, changes).map_err(|_| OVERWRITTEN)?;
    let found = Value::documents(edited)?;
    match effective(&intended) == effective(&found) {
        true => Ok(()),
        false => Err(OVERWRITTEN.into()),
    }
}
