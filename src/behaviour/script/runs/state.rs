//! What is known at one place of a run.

use std::collections::{BTreeMap, BTreeSet};

use crate::shell::{Piece, Variable, Word, names_in};

/// The longest text that is kept of a variable, in bytes: what is asked of one is a number, a word or whether there is
/// any, and each way that is followed has its own.
const LONGEST_TEXT: usize = 256;

/// The numbers of the parameters that are followed.
const PARAMETERS: std::ops::RangeInclusive<u32> = 1..=9;

/// A result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    Zero,
    /// The failure of the script's work.
    Work,
    /// Another failure.
    Other,
    /// What a word amounts to that starts here: unknown, and the same in each run, since it reads nothing that a stop
    /// changes.
    Word(usize),
    /// What the arithmetic that starts here makes of a result: of the work's failure, or of a success. Unknown, and the same
    /// in each run that has that result.
    MadeOf(usize, bool),
    Unknown,
}

impl Status {
    /// Whether it is a success, where that is known.
    pub(super) fn succeeds(self) -> Option<bool> {
        match self {
            Self::Zero => Some(true),
            Self::Work | Self::Other => Some(false),
            Self::Word(_) | Self::MadeOf(..) | Self::Unknown => None,
        }
    }
}

/// What a variable holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Value {
    Text(String),
    Status(Status),
    /// The number of the process that does the script's work in the background.
    Child,
    Unknown,
}

impl Value {
    pub(super) fn as_status(&self) -> Status {
        match self {
            Self::Status(status) => *status,
            Self::Text(text) => match text.trim().parse::<i64>() {
                Ok(0) => Status::Zero,
                Ok(_) => Status::Other,
                Err(_) => Status::Unknown,
            },
            Self::Child | Self::Unknown => Status::Unknown,
        }
    }
}

/// How a script goes on behind a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Flow {
    Next,
    /// Leaves so many loops.
    Break(u32),
    /// The next round of the loop that is so many loops out.
    Continue(u32),
    Return,
    Exit,
}

/// What is known at one place of a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct State {
    /// `$?`
    pub(super) status: Status,
    /// `${PIPESTATUS[0]}`
    pub(super) first_of_pipe: Status,
    pub(super) variables: BTreeMap<String, Value>,
    /// `set -e`
    pub(super) exits_on_error: bool,
    /// `set -o pipefail`
    pub(super) pipefail: bool,
    /// The traps for the end and for a failure: their places in the list of traps.
    pub(super) on_exit: Option<usize>,
    pub(super) on_error: Option<usize>,
    /// In the EXIT trap: `$?` as it was before.
    pub(super) before_trap: Option<Status>,
    /// Where the commands start that ran, and those that run in the background.
    pub(super) made: BTreeSet<usize>,
    pub(super) perhaps: BTreeSet<usize>,
    /// Those of them that an EXIT trap ran which left the result as it was.
    pub(super) beside_result: BTreeSet<usize>,
    pub(super) has_worked: bool,
    pub(super) is_noticed: bool,
}

impl State {
    pub(super) fn at_start(exits_on_error: bool) -> Self {
        Self {
            status: Status::Zero,
            first_of_pipe: Status::Zero,
            variables: BTreeMap::new(),
            exits_on_error,
            pipefail: false,
            on_exit: None,
            on_error: None,
            before_trap: None,
            made: BTreeSet::new(),
            perhaps: BTreeSet::new(),
            beside_result: BTreeSet::new(),
            has_worked: false,
            is_noticed: false,
        }
    }

    pub(super) fn with_status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    /// `$1` to `$9`, as far as they are known from the first on.
    pub(super) fn parameters(&self) -> Vec<Value> {
        let known = PARAMETERS.map_while(|number| self.variables.get(&number.to_string()).cloned());
        known.collect()
    }

    /// Puts these in the place of `$1` to `$9`.
    pub(super) fn give_parameters(&mut self, values: Vec<Value>) {
        for number in PARAMETERS {
            self.variables.remove(&number.to_string());
        }
        let numbered = PARAMETERS.zip(values);
        self.variables
            .extend(numbered.map(|(number, value)| (number.to_string(), value)));
    }

    /// A condition looks at `$?`: a failure of the work is noticed by it.
    pub(super) fn notice(&mut self) {
        self.is_noticed |= self.status == Status::Work;
    }

    /// What a word amounts to. A variable that the script sets nowhere is somebody else's.
    pub(super) fn value(&self, word: &Word, sets: &BTreeSet<String>) -> Value {
        if let [piece] = word.pieces.as_slice() {
            match piece {
                Piece::Variable {
                    name,
                    default,
                    simple: true,
                    ..
                } => return self.variable(name, default.as_deref(), sets),
                Piece::Substitution { .. } if super::super::step::is_last_status(word) => {
                    return Value::Status(self.status);
                }
                _ => {}
            }
        }
        if word.raw.trim_matches('"') == "${PIPESTATUS[0]}" {
            return Value::Status(self.first_of_pipe);
        }
        let text = word.resolve(|name| match self.variable(name, None, sets) {
            Value::Text(text) => Variable::Known(text),
            Value::Status(Status::Zero) => Variable::Known("0".to_owned()),
            _ => Variable::Unknown,
        });
        match text {
            Some(text) if text.len() > LONGEST_TEXT => Value::Unknown,
            Some(text) => Value::Text(text),
            None if self.is_the_same(word, sets) => Value::Status(Status::Word(word.span.start)),
            None => self.made_of_a_result(word).map_or(Value::Unknown, Value::Status),
        }
    }

    /// `$((rc > 1))`: arithmetic that reads one result and nothing else.
    fn made_of_a_result(&self, word: &Word) -> Option<Status> {
        if !matches!(word.pieces.as_slice(), [Piece::Arithmetic]) {
            return None;
        }
        let names = names_in(&word.raw);
        let is_plain = !names.child && !names.indirect && !names.parameters && names.sets.is_empty();
        let mut read: Vec<Status> = names.status.then_some(self.status).into_iter().collect();
        for name in &names.variables {
            match self.variables.get(name) {
                Some(Value::Status(status)) => read.push(*status),
                Some(Value::Text(text)) if text.trim() == "0" => read.push(Status::Zero),
                _ => return None,
            }
        }
        match read.as_slice() {
            [Status::Zero] if is_plain => Some(Status::MadeOf(word.span.start, false)),
            [Status::Work] if is_plain => Some(Status::MadeOf(word.span.start, true)),
            _ => None,
        }
    }

    /// Whether a word amounts to the same in each run: it reads no result, and no variable of the script but those
    /// that are the same themselves.
    fn is_the_same(&self, word: &Word, sets: &BTreeSet<String>) -> bool {
        let names = names_in(&word.raw);
        let is_known = |name: &String| {
            let value = self.variables.get(name);
            matches!(value, Some(Value::Status(Status::Word(_)))) || value.is_none() && !sets.contains(name)
        };
        !names.status
            && !names.child
            && !names.indirect
            && !word.raw.contains("PIPESTATUS")
            && names.variables.iter().all(is_known)
    }

    fn variable(&self, name: &str, default: Option<&str>, sets: &BTreeSet<String>) -> Value {
        if name == "?" {
            return Value::Status(self.status);
        }
        match self.variables.get(name) {
            Some(Value::Text(text)) if text.is_empty() => Value::Text(default.unwrap_or_default().to_owned()),
            Some(value) => value.clone(),
            None if sets.contains(name) => Value::Text(default.unwrap_or_default().to_owned()),
            None => Value::Unknown,
        }
    }
}
