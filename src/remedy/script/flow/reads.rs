//! What the commands that stay read of it.

use super::{Flow, Lost, signal_name};
use crate::{
    behaviour::Answer,
    remedy::script::hindrance::{Hindrance, excerpt},
    shell::{Simple, Span, State, StateAccess},
};

impl Flow<'_> {
    /// A function's name as a word: a call, `export -f`, the program of another command.
    pub(super) fn names(&mut self, simple: &Simple) {
        let lost = self.lost.iter().filter_map(|lost| match lost {
            Lost::State(State::Function(name)) => Some(name),
            _ => None,
        });
        let named = lost
            .filter(|name| {
                simple
                    .words
                    .iter()
                    .any(|word| word.raw.trim_matches(['"', '\'']) == **name)
            })
            .map(|name| Answer::Refuted(Hindrance::Function(name.clone())));
        self.found.extend(named);
    }

    pub(super) fn descriptors(&mut self, simple: &Simple) {
        let used = |number: i32| {
            let text = number.to_string();
            simple.redirects.iter().any(|redirect| {
                let target = redirect
                    .target
                    .as_ref()
                    .map(|target| target.raw.trim_matches('"'));
                redirect.descriptor == Some(number) && target != Some("-") || target == Some(text.as_str())
            }) || number < 3 && !simple.words.is_empty()
                || names_descriptor(simple, &text)
        };
        let found: Vec<_> = self
            .lost
            .iter()
            .filter_map(|lost| match lost {
                Lost::State(State::Descriptor(number)) if used(*number) => Some(*number),
                _ => None,
            })
            .map(|number| Answer::Refuted(Hindrance::Descriptor(number)))
            .collect();
        self.found.extend(found);
    }

    /// What a command that stays reads, and then sets anew.
    pub(super) fn access(&mut self, access: &StateAccess, span: &Span) {
        if !self.lost.is_empty() {
            let reader = excerpt(self.text.get(span.clone()).unwrap_or_default());
            let found: Vec<_> = self
                .lost
                .iter()
                .filter_map(|lost| self.reads(lost, access, &reader))
                .collect();
            self.found.extend(found);
        }
        for state in &access.sets {
            if let State::Trap(signal) = state {
                self.traps.insert(signal_name(signal));
            }
            self.lost.remove(&Lost::State(state.clone()));
        }
    }

    fn reads(&self, lost: &Lost, access: &StateAccess, reader: &str) -> Option<Answer<Hindrance>> {
        let evaluated = |what: String| {
            access.runs_unknown.as_ref().map(|by| {
                Answer::Unknown(Hindrance::Evaluated {
                    what,
                    by: excerpt(by),
                })
            })
        };
        match lost {
            Lost::Child => {
                let is_about = access.reads.child
                    || reader.starts_with("wait -n")
                    || reader.starts_with("jobs")
                    || ["%", "fg", "bg"]
                        .iter()
                        .any(|job| reader.split(' ').any(|word| word.starts_with(job)));
                is_about.then(|| Answer::Refuted(Hindrance::Child(reader.to_owned())))
            }
            Lost::State(State::Variable(name)) => self
                .reads_variable(name, access, reader)
                .or_else(|| evaluated(name.clone())),
            Lost::State(State::Exported(_) | State::Trap(_) | State::Descriptor(_)) => None,
            Lost::State(State::Directory) => {
                let depends = access.program.is_some() || access.sets.contains(&State::Directory);
                if depends {
                    return Some(Answer::Refuted(Hindrance::Directory(reader.to_owned())));
                }
                evaluated("the working directory".to_owned())
            }
            Lost::State(State::Option(name)) => {
                let sets_it = access.sets.contains(&State::Option(name.clone()));
                (!sets_it).then(|| Answer::Refuted(Hindrance::Option(name.clone())))
            }
            Lost::State(State::Parameters) => access
                .reads
                .parameters
                .then(|| Answer::Refuted(Hindrance::Parameters(reader.to_owned())))
                .or_else(|| evaluated("the positional parameters".to_owned())),
            Lost::State(State::Function(name)) => evaluated(format!("the function {name}")),
        }
    }

    fn reads_variable(&self, name: &str, access: &StateAccess, reader: &str) -> Option<Answer<Hindrance>> {
        if access.reads.variables.contains(name) {
            return Some(Answer::Refuted(Hindrance::Variable {
                name: name.to_owned(),
                reader: reader.to_owned(),
            }));
        }
        if access.reads.indirect {
            return Some(Answer::Unknown(Hindrance::Evaluated {
                what: name.to_owned(),
                by: reader.to_owned(),
            }));
        }
        let program = access.program.as_ref()?;
        if self.exports_all || self.exported.contains(name) || self.environment.holds(name) {
            return Some(Answer::Refuted(Hindrance::Environment {
                name: name.to_owned(),
                program: excerpt(program),
            }));
        }
        self.environment
            .may_hold(name)
            .then(|| Answer::Unknown(Hindrance::MaybeEnvironment(name.to_owned())))
    }
}

/// Whether a command is told of a descriptor that it inherits: `--control-fd 3`, `--fd=3`, `/dev/fd/3`, `LISTEN_FDS=1`.
fn names_descriptor(simple: &Simple, number: &str) -> bool {
    let is_about = |text: &str| text.to_ascii_lowercase().contains("fd");
    let words = simple.words.iter().map(|word| word.raw.trim_matches(['"', '\'']));
    let before = std::iter::once("").chain(words.clone());
    let is_named = before.zip(words).any(|(before, word)| {
        let start = word.strip_suffix(number);
        start.is_some_and(|start| match start.is_empty() {
            true => is_about(before),
            false => is_about(start) && !start.ends_with(|letter: char| letter.is_ascii_digit()),
        })
    });
    is_named
        || simple
            .assignments
            .iter()
            .any(|assignment| assignment.name == "LISTEN_FDS")
}
