//! What has to hold so that a part of a script may go: nothing that is left reads what it wrote.
//!
//! Each obligation is a check of its own, with a reason in words and a test that breaks it alone.

mod clock;
mod exits;

use std::collections::BTreeSet;

use super::{
    accesses::Accesses,
    conversation::nothing_reads_its_answer,
    cut::Shell,
    fate::Outcome,
    flow::follow,
    harmless::action,
    hindrance::{Hindrance, excerpt},
    output::{leads_nowhere, redirects},
    spans::Spans,
    status::read_results,
};
use crate::{
    behaviour::{Answer, action::Action},
    shell::{Command, List, Part, RedirectKind, Script, Simple, Span, State, Terminator, Visit, Word},
};

use clock::measured_by_a_clock;
use exits::{it_waits_as_long, what_ran_behind_it_still_does};

/// A cut that is judged.
pub(super) struct Cutting<'s> {
    pub(super) text: &'s str,
    pub(super) script: &'s Script,
    /// The script's commands, the compound ones too.
    pub(super) constructs: &'s [Visit<'s>],
    pub(super) accesses: &'s Accesses<'s>,
    pub(super) shell: &'s Shell,
    pub(super) outcome: &'s Outcome,
    pub(super) emptied: &'s [String],
    /// What goes.
    pub(super) gone: Spans,
    /// What was to go.
    pub(super) cuts: Spans,
}

/// An obligation: all of its answers count.
type Obligation = fn(&Cutting<'_>) -> Vec<Answer<Hindrance>>;

const OBLIGATIONS: [Obligation; 11] = [
    nothing_reads_its_state,
    nobody_reads_its_result,
    errors_end_the_same,
    it_needs_no_variable,
    it_counts_on_numbers,
    nothing_shows_it,
    what_ran_behind_it_still_does,
    it_waits_as_long,
    its_output_is_nobodys,
    nothing_reads_its_answer,
    nobody_measures_it,
];

/// Whether nothing that is left reads what goes.
pub(super) fn judge(cutting: &Cutting<'_>) -> Answer<Hindrance> {
    OBLIGATIONS
        .iter()
        .flat_map(|obligation| obligation(cutting))
        .fold(Answer::Proved, |all, one| all.and(|| one))
}

/// Variables, the environment of programs, the working directory, descriptors, traps, options, positional parameters,
/// functions and `$!` that the part that goes had set are read by nothing that stays, or set anew before.
fn nothing_reads_its_state(cutting: &Cutting<'_>) -> Vec<Answer<Hindrance>> {
    follow(cutting)
}

/// `$?` behind it, the result of its function and that of the script are what they were.
fn nobody_reads_its_result(cutting: &Cutting<'_>) -> Vec<Answer<Hindrance>> {
    let errors_end_it = cutting.shell.exits_on_error || cutting.sets_errexit('-');
    let always = errors_end_it && !cutting.sets_errexit('+');
    read_results(cutting, always)
}

/// `-e` ends the script at no failure that it passed over while `&& …` came behind it.
fn errors_end_the_same(cutting: &Cutting<'_>) -> Vec<Answer<Hindrance>> {
    if !cutting.shell.exits_on_error && !cutting.sets_errexit('-') {
        return Vec::new();
    }
    let mut kept = cutting.script.list.statements.iter().rev();
    let last = kept.find(|statement| !cutting.gone.cover(&statement.span));
    let ends_there = |span: &Span| {
        last.is_some_and(|last| {
            last.and_or.pipelines().any(|pipeline| {
                pipeline.span == *span
                    && matches!(pipeline.commands.as_slice(), [Command::Simple(simple)]
                        if matches!(action(simple), Action::Other { .. } | Action::Wrapper { .. }))
            })
        })
    };
    let unguarded = cutting.outcome.unguarded.iter().filter(|span| !ends_there(span));
    let exits = unguarded.map(|span| Answer::Refuted(Hindrance::ErrorExit(cutting.shown(span))));
    // What a wait does besides waiting may fail: `((n++))` does at 0.
    let counts = cutting.gone_constructs().filter(|visit| {
        let context = &visit.context;
        let is_checked = context.connector.is_some()
            || context.next_connector.is_some()
            || context.negated
            || context.substitution
            || matches!(
                context.parts.innermost(),
                Some(Part::LoopCondition | Part::IfCondition)
            );
        context.is_in(Part::LoopBody) && !is_checked && may_fail(visit.command)
    });
    exits
        .chain(counts.map(|visit| Answer::Unknown(Hindrance::Fails(cutting.shown(&visit.command.span())))))
        .collect()
}

/// Whether a command of a wait fails with the values of variables.
fn may_fail(command: &Command) -> bool {
    match command {
        Command::Arithmetic { .. } | Command::Test { .. } => true,
        Command::Simple(simple) => match action(simple) {
            Action::Assign => simple
                .assignments
                .iter()
                .any(|assignment| assignment.value.substitutions().next().is_some()),
            Action::Compare | Action::TestFile { .. } | Action::Export | Action::ChangeDirectory => true,
            Action::Echo => simple
                .words
                .first()
                .is_some_and(|word| matches!(word.raw.as_str(), "let" | "false" | "expr")),
            _ => false,
        },
        _ => false,
    }
}

/// `-u` ends the script in no wait whose variable was never set.
fn it_needs_no_variable(cutting: &Cutting<'_>) -> Vec<Answer<Hindrance>> {
    let sets = |simple: &Simple| {
        let mut words = simple.words.iter().map(|word| word.raw.as_str());
        words.next() == Some("set")
            && words.any(|word| word == "nounset" || word.starts_with('-') && word.contains('u'))
    };
    let is_on = cutting.shell.exits_on_unset || cutting.simple_commands().any(sets);
    if !is_on {
        return Vec::new();
    }
    let mut given = Vec::new();
    for list in cutting.all_lists() {
        given_a_value(list, &mut given);
    }
    let mut answers = Vec::new();
    for visit in cutting.gone_constructs() {
        let access = cutting.accesses.of(visit.command);
        let unset = access.reads.needed.iter().find(|name| {
            let span = visit.command.span();
            let is_set = given.iter().any(|given| {
                given.name == name.as_str() && given.holds.start <= span.start && span.end <= given.holds.end
            });
            !is_set && !cutting.shell.environment.holds(name)
        });
        answers.extend(unset.map(|name| Answer::Unknown(Hindrance::Unset(name.clone()))));
    }
    answers
}

/// A variable that has a value in a part of a script.
struct Given<'s> {
    name: &'s str,
    holds: Span,
}

/// The variables that the plain statements of a list give a value: `n=0`, `local code=$?`. Each has it behind its own,
/// to the end of the list.
fn given_a_value<'s>(list: &'s List, found: &mut Vec<Given<'s>>) {
    let end = list.statements.last().map_or(0, |last| last.span.end);
    for statement in &list.statements {
        let [Command::Simple(simple)] = statement.and_or.first.commands.as_slice() else {
            continue;
        };
        if statement.terminator == Terminator::Background {
            continue;
        }
        let own = simple
            .assignments
            .iter()
            .filter(|_| simple.words.is_empty())
            .map(|assignment| (assignment.name.as_str(), assignment.span.end));
        let declares = simple.words.first().is_some_and(|word| {
            matches!(
                word.raw.as_str(),
                "local" | "declare" | "typeset" | "export" | "readonly"
            )
        });
        let declared = simple
            .words
            .iter()
            .skip(1)
            .filter(|_| declares)
            .filter_map(|word| Some((word.raw.split_once('=')?.0, word.span.end)));
        found.extend(own.chain(declared).map(|(name, start)| Given {
            name,
            holds: start..end,
        }));
    }
}

/// What it counts on is a number: a shell ends at `$((n + 1))` where `n` is a word.
fn it_counts_on_numbers(cutting: &Cutting<'_>) -> Vec<Answer<Hindrance>> {
    let mut end = 0;
    let counted: BTreeSet<String> = cutting
        .gone_constructs()
        .flat_map(|visit| {
            let text = cutting.text.get(visit.command.span()).unwrap_or_default();
            let counts = matches!(visit.command, Command::Arithmetic { .. })
                || matches!(visit.command, Command::Simple(_))
                    && (text.contains("$((") || text.starts_with("let "));
            match counts {
                true => {
                    end = end.max(visit.command.span().end);
                    cutting.accesses.of(visit.command).reads.variables.clone()
                }
                false => BTreeSet::new(),
            }
        })
        .collect();
    if counted.is_empty() {
        return Vec::new();
    }
    let from_environment = counted.iter().find(|name| cutting.shell.environment.holds(name));
    let is_number = |value: &str| {
        let value = value.trim_matches(['"', '\'']);
        value.parse::<i64>().is_ok() || value.starts_with("$((") || value.is_empty()
    };
    let from_elsewhere = cutting
        .constructs
        .iter()
        .filter(|visit| !cutting.gone.cover(&visit.command.span()))
        .filter(|visit| visit.context.function.is_some() || visit.command.span().start < end)
        .find_map(|visit| {
            let sets = match visit.command {
                Command::For { variable, .. } => vec![variable.clone()],
                Command::Simple(simple) if simple.words.is_empty() => simple
                    .assignments
                    .iter()
                    .filter(|assignment| assignment.appends || !is_number(&assignment.value.raw))
                    .map(|assignment| assignment.name.clone())
                    .collect(),
                Command::Simple(_) => cutting
                    .accesses
                    .of(visit.command)
                    .sets
                    .iter()
                    .filter_map(|state| match state {
                        State::Variable(name) => Some(name.clone()),
                        _ => None,
                    })
                    .collect(),
                _ => Vec::new(),
            };
            sets.into_iter().find(|name| counted.contains(name))
        });
    let unknown = from_environment.cloned().or(from_elsewhere);
    unknown
        .map(|name| Answer::Unknown(Hindrance::NoNumber(name)))
        .into_iter()
        .collect()
}

/// Nothing that stays prints the script's own text: `trap`, `declare -f`, `set`.
fn nothing_shows_it(cutting: &Cutting<'_>) -> Vec<Answer<Hindrance>> {
    let shows = |simple: &Simple| {
        let mut words = simple.words.iter().map(|word| word.raw.as_str());
        match words.next() {
            Some("trap" | "declare" | "typeset" | "export") => {
                words.next().is_none_or(|word| matches!(word, "-p" | "-f" | "-F"))
            }
            Some("set" | "alias" | "jobs") => words.next().is_none(),
            Some("type") => true,
            _ => false,
        }
    };
    cutting
        .simple_commands()
        .filter(|simple| !cutting.gone.cover(&simple.span) && shows(simple))
        .map(|simple| Answer::Unknown(Hindrance::Shown(cutting.shown(&simple.span))))
        .collect()
}

/// Nothing behind a wait reads bash's own clock, which the wait moves on, nor another one that was read before it.
fn nobody_measures_it(cutting: &Cutting<'_>) -> Vec<Answer<Hindrance>> {
    const CLOCK: &str = "SECONDS";
    let measured = measured_by_a_clock(cutting);
    if !cutting.text.contains(CLOCK) {
        return measured;
    }
    // A loop that never sleeps passes time as well.
    let gone = cutting.gone_constructs().map(|visit| visit.command.span().end);
    let Some(end) = gone.max() else {
        return measured;
    };
    let kept = cutting
        .constructs
        .iter()
        .filter(|visit| visit.simple().is_some() && !cutting.gone.cover(&visit.command.span()));
    let access = |visit: &Visit<'_>| cutting.accesses.of(visit.command);
    let mut behind =
        kept.filter(|visit| visit.command.span().start >= end || visit.context.function.is_some());
    let first = behind.find(|visit| {
        let access = access(visit);
        access.reads.variables.contains(CLOCK) || access.sets.contains(&State::Variable(CLOCK.to_owned()))
    });
    first
        .filter(|visit| access(visit).reads.variables.contains(CLOCK))
        .map(|visit| {
            Answer::Unknown(Hindrance::Variable {
                name: CLOCK.to_owned(),
                reader: cutting.shown(&visit.command.span()),
            })
        })
        .into_iter()
        .chain(measured)
        .collect()
}

/// Nothing that goes writes a file, but for what was asked to go.
fn its_output_is_nobodys(cutting: &Cutting<'_>) -> Vec<Answer<Hindrance>> {
    let mut answers = Vec::new();
    for visit in cutting.gone_constructs() {
        let own = match visit.command {
            Command::Simple(simple) if !cutting.cuts.touch(&simple.span) => simple.redirects.as_slice(),
            Command::Simple(_) => &[],
            command => redirects(command),
        };
        let kept = own.iter().find(|redirect| !leads_nowhere(redirect));
        answers.extend(
            kept.and_then(|redirect| redirect.target.as_ref())
                .map(|target| Answer::Refuted(Hindrance::Output(target.raw.clone()))),
        );
    }
    answers
}

impl Cutting<'_> {
    /// The texts of here-documents whose commands go, up to the line that ends each of them.
    ///
    /// # Errors
    /// A command whose text runs others.
    pub(super) fn here_documents(&self) -> Result<Vec<Span>, Hindrance> {
        let mut found = Vec::new();
        for simple in self.gone_constructs().filter_map(|visit| visit.simple()) {
            for redirect in &simple.redirects {
                let target = redirect.target.as_ref();
                let is_behind = |target: &&Word| target.span.start >= redirect.span.end;
                let Some(target) = target
                    .filter(is_behind)
                    .filter(|_| redirect.kind == RedirectKind::Here)
                else {
                    continue;
                };
                if target.substitutions().next().is_some() {
                    return Err(Hindrance::Entangled(self.shown(&simple.span)));
                }
                let last_line = self.text.get(target.span.end..).unwrap_or_default();
                let length = last_line.split_inclusive('\n').next().map_or(0, str::len);
                found.push(target.span.start..target.span.end + length);
            }
        }
        Ok(found)
    }

    fn simple_commands(&self) -> impl Iterator<Item = &Simple> {
        self.constructs.iter().filter_map(|visit| visit.simple())
    }

    /// `set -e`, `set -euo pipefail`, `set -o errexit`; with `+`, that it is taken back.
    fn sets_errexit(&self, sign: char) -> bool {
        self.simple_commands().any(|simple| {
            let mut words = simple.words.iter().map(|word| word.raw.as_str());
            words.next() == Some("set") && {
                let mut named = false;
                words.any(|word| {
                    let is_named = named && word == "errexit";
                    named = word.starts_with(sign) && word.ends_with('o');
                    is_named || word.starts_with(sign) && !word.starts_with("--") && word.contains('e')
                })
            }
        })
    }

    fn gone_constructs(&self) -> impl Iterator<Item = &Visit<'_>> {
        self.constructs
            .iter()
            .filter(|visit| self.gone.cover(&visit.command.span()))
    }

    pub(super) fn shown(&self, span: &Span) -> String {
        excerpt(self.text.get(span.clone()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
