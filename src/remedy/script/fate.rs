//! What becomes of each statement of a script when commands are cut out: it stays, goes, or loses a part.

mod goes;

use super::{
    harmless::{Prints, action, simple_goes},
    hindrance::{Hindrance, excerpt},
    result::{exits_with, keeps_result},
    spans::Spans,
    text::{Replaced, removals},
};
use crate::{
    behaviour::action::Action,
    shell::{AndOr, Command, Connector, IfBranch, List, Pipeline, Simple, Span, Statement, Terminator},
};

/// What a cut takes with it.
pub(super) struct Fates<'s> {
    text: &'s str,
    /// The commands that are cut, the calls of functions that hold nothing else among them.
    pub(super) cuts: Spans,
    /// Functions that hold nothing but what is cut.
    pub(super) emptied: Vec<String>,
    /// Statements that go as well.
    also: Spans,
}

/// What is done to the text, and which of its ranges are gone then.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) changes: Vec<Replaced>,
    pub(super) gone: Vec<Span>,
    /// Pipelines that stood before an `&&` and end a statement now.
    pub(super) unguarded: Vec<Span>,
    /// Whether anything stays.
    pub(super) stays: bool,
}

impl Outcome {
    fn take(&mut self, other: Self) {
        self.changes.extend(other.changes);
        self.gone.extend(other.gone);
        self.unguarded.extend(other.unguarded);
    }
}

enum Fate {
    Stays,
    Goes,
    Changes(Outcome),
}

impl<'s> Fates<'s> {
    pub(super) fn new(text: &'s str, list: &List, cuts: &[Span], also: &[Span]) -> Self {
        let mut fates = Self {
            text,
            cuts: Spans::new(cuts.to_vec()),
            emptied: Vec::new(),
            also: Spans::new(also.to_vec()),
        };
        // A function may hold nothing but the call of another one.
        for _ in 0..4 {
            let emptied = fates.emptied_functions(list);
            if emptied.len() == fates.emptied.len() {
                break;
            }
            fates.emptied = emptied;
            let calls = list.commands().filter_map(|visit| {
                let simple = visit.simple()?;
                fates.calls_emptied(simple).then(|| simple.span.clone())
            });
            fates.cuts = Spans::new(cuts.iter().cloned().chain(calls).collect());
        }
        fates
    }

    /// What becomes of a list.
    pub(super) fn list(&self, list: &List, is_whole: bool) -> Result<Outcome, Hindrance> {
        let mut outcome = Outcome::default();
        let mut stays = Vec::with_capacity(list.statements.len());
        for statement in &list.statements {
            match self.statement(statement)? {
                Fate::Stays => stays.push(true),
                Fate::Goes => {
                    stays.push(false);
                    outcome.gone.push(statement.span.clone());
                }
                Fate::Changes(part) => {
                    stays.push(true);
                    outcome.take(part);
                }
            }
        }
        outcome.stays = stays.contains(&true);
        if stays.contains(&false) {
            outcome
                .changes
                .extend(removals(self.text, list, &stays, is_whole));
        }
        Ok(outcome)
    }

    fn statement(&self, statement: &Statement) -> Result<Fate, Hindrance> {
        if self.also.cover(&statement.span) {
            return Ok(Fate::Goes);
        }
        if !self.concerns(&statement.span) {
            return Ok(Fate::Stays);
        }
        let is_cut = |pipeline: &Pipeline| self.cuts.touch(&pipeline.span) || self.cuts.cover(&pipeline.span);
        if statement.and_or.pipelines().any(is_cut)
            && statement
                .and_or
                .pipelines()
                .all(|pipeline| self.pipeline_goes(pipeline, Prints::Stay))
        {
            return Ok(Fate::Goes);
        }
        if statement.terminator == Terminator::Background && !statement.and_or.rest.is_empty() {
            return Err(self.entangled(&statement.span));
        }
        if let Some((branch, otherwise)) = plain_choice(statement)
            && self.list_is_concerned(&branch.condition)
        {
            let chosen = self.chosen(branch, otherwise, &statement.and_or.first.span)?;
            return Ok(Fate::Changes(chosen));
        }
        self.chain(&statement.and_or)
    }

    /// `wait && app`, `app && quit`, `wait || exit 1`: what goes has come about, so the rest runs as if it had.
    fn chain(&self, and_or: &AndOr) -> Result<Fate, Hindrance> {
        let mut outcome = Outcome::default();
        let joined = std::iter::once(Connector::And)
            .chain(and_or.rest.iter().map(|(connector, _)| *connector))
            .zip(and_or.pipelines());
        let mut kept: Vec<&Pipeline> = Vec::new();
        let mut segments: Vec<Span> = Vec::new();
        let mut last_end = None;
        for (connector, pipeline) in joined {
            let concerned = self.concerns(&pipeline.span);
            let goes = concerned && self.pipeline_goes(pipeline, Prints::Stay);
            match (connector, goes, kept.is_empty()) {
                (_, true, true) | (Connector::And, true, false) => {
                    outcome.gone.push(pipeline.span.clone());
                    if let Some(before) = last_end {
                        segments.push(before..pipeline.span.end);
                        outcome
                            .unguarded
                            .extend(kept.last().map(|last| last.span.clone()));
                    }
                }
                // What runs when a wait has failed goes with it.
                (Connector::Or, false, true) if last_end.is_none() && !outcome.gone.is_empty() => {
                    if concerned || !gives_up(pipeline) {
                        return Err(self.entangled(&pipeline.span));
                    }
                    outcome.gone.push(pipeline.span.clone());
                }
                (Connector::Or, true, false) => return Err(self.entangled(&pipeline.span)),
                (_, false, _) => {
                    if concerned {
                        outcome.take(self.pipeline(pipeline)?);
                    }
                    kept.push(pipeline);
                    last_end = Some(pipeline.span.end);
                }
            }
        }
        // `app && code=$(echo $?) && exit $code`
        if let [main, assignment, exit] = kept.as_slice()
            && !outcome.gone.is_empty()
            && keeps_result(assignment).is_some_and(|name| exits_with(exit, &name))
        {
            segments.clear();
            segments.push(main.span.end..and_or_end(and_or));
            outcome.gone.push(assignment.span.clone());
            outcome.gone.push(exit.span.clone());
            outcome.unguarded = vec![main.span.clone()];
        }
        let (Some(first), Some(last)) = (kept.first(), kept.last()) else {
            return Ok(Fate::Goes);
        };
        if and_or.first.span.start < first.span.start {
            segments.push(and_or.first.span.start..first.span.start);
        }
        // Only what ends the statement is not guarded any more.
        outcome.unguarded.retain(|span| *span == last.span);
        outcome.stays = true;
        let cut = apart(segments).map(|span| (span, String::new()));
        outcome.changes.extend(cut);
        Ok(Fate::Changes(outcome))
    }

    /// A pipeline that loses a part.
    fn pipeline(&self, pipeline: &Pipeline) -> Result<Outcome, Hindrance> {
        match pipeline.commands.as_slice() {
            [command] if !pipeline.negated => self.command(command),
            _ => Err(self.entangled(&pipeline.span)),
        }
    }

    fn command(&self, command: &Command) -> Result<Outcome, Hindrance> {
        let whole = command.span();
        match command {
            Command::Group { body, .. } | Command::Subshell { body, .. } | Command::For { body, .. } => {
                self.part(body, &whole)
            }
            Command::Function { body, .. } => self.part(body, &whole),
            Command::Loop { condition, body, .. } => {
                if self.list_is_concerned(condition) {
                    return Err(self.entangled(&whole));
                }
                self.part(body, &whole)
            }
            Command::If {
                branches, otherwise, ..
            } => {
                let mut outcome = Outcome::default();
                for branch in branches {
                    if self.list_is_concerned(&branch.condition) {
                        return Err(self.entangled(&whole));
                    }
                    outcome.take(self.body(&branch.body)?);
                }
                if let Some(otherwise) = otherwise {
                    outcome.take(self.body(otherwise)?);
                }
                Ok(outcome)
            }
            Command::Case { arms, .. } => {
                let mut outcome = Outcome::default();
                for arm in arms {
                    outcome.take(self.list(arm, false)?);
                }
                Ok(outcome)
            }
            Command::Simple(simple) => self.embedded(simple),
            Command::Test { .. } | Command::Arithmetic { .. } => Err(self.entangled(&whole)),
        }
    }

    /// `if quit; then echo stopped; fi`: what goes has come about, so that one branch runs and the other never does.
    fn chosen(
        &self,
        branch: &IfBranch,
        otherwise: Option<&List>,
        whole: &Span,
    ) -> Result<Outcome, Hindrance> {
        let around = || self.entangled(whole);
        let [asked] = branch.condition.statements.as_slice() else {
            return Err(around());
        };
        let first = &asked.and_or.first;
        if !asked.and_or.rest.is_empty() || !self.pipeline_goes(first, Prints::Stay) {
            return Err(around());
        }
        let (runs, never) = match first.negated {
            true => (otherwise, Some(&branch.body)),
            false => (Some(&branch.body), otherwise),
        };
        let says_so = |list: &List| {
            let mut pipelines = list
                .statements
                .iter()
                .flat_map(|statement| statement.and_or.pipelines());
            pipelines.all(gives_up)
        };
        let runs = runs.filter(|_| never.is_none_or(says_so)).ok_or_else(around)?;
        let (Some(start), Some(end)) = (runs.statements.first(), runs.statements.last()) else {
            return Err(around());
        };
        // The text of a here-document stands behind its line.
        let holds_text = self
            .text
            .get(whole.clone())
            .is_none_or(|text| text.contains("<<"));
        if holds_text || end.terminator == Terminator::Background {
            return Err(around());
        }
        let mut outcome = self.part(runs, whole)?;
        outcome.gone.push(asked.span.clone());
        outcome.gone.extend(
            never
                .into_iter()
                .flat_map(|list| &list.statements)
                .map(|statement| statement.span.clone()),
        );
        outcome
            .changes
            .push((whole.start..start.span.start, String::new()));
        outcome.changes.push((end.span.end..whole.end, String::new()));
        Ok(outcome)
    }

    /// A list of which something stays.
    fn part(&self, list: &List, around: &Span) -> Result<Outcome, Hindrance> {
        let outcome = self.list(list, false)?;
        if !outcome.stays {
            return Err(self.entangled(around));
        }
        Ok(outcome)
    }

    /// What runs behind `then` or `else`, which can't be empty.
    fn body(&self, list: &List) -> Result<Outcome, Hindrance> {
        let mut outcome = self.list(list, false)?;
        if let (false, Some(first), Some(last)) =
            (outcome.stays, list.statements.first(), list.statements.last())
        {
            outcome.changes = vec![(first.span.start..last.span.end, ":".to_owned())];
        }
        Ok(outcome)
    }

    /// The script in a command's words.
    fn embedded(&self, simple: &Simple) -> Result<Outcome, Hindrance> {
        let around = || self.entangled(&simple.span);
        let embedded = simple.scripts.first().ok_or_else(around)?;
        let word = embedded.word.and_then(|word| simple.words.get(word));
        let (Some(list), Some(word)) = (&embedded.list, word) else {
            return Err(around());
        };
        if is_collapsed(list, &word.span) && list.commands().count() > 1 {
            return Err(around());
        }
        self.part(list, &simple.span)
    }

    fn concerns(&self, span: &Span) -> bool {
        self.cuts.touch(span) || self.cuts.cover(span) || self.also.touch(span)
    }

    fn list_is_concerned(&self, list: &List) -> bool {
        list.statements
            .iter()
            .any(|statement| self.concerns(&statement.span))
    }

    fn entangled(&self, span: &Span) -> Hindrance {
        Hindrance::Entangled(excerpt(self.text.get(span.clone()).unwrap_or_default()))
    }

    /// Functions that hold nothing but commands that are cut.
    fn emptied_functions(&self, list: &List) -> Vec<String> {
        list.constructs()
            .filter_map(|visit| match visit.command {
                Command::Function { name, body, span } if self.concerns(span) && self.aside_goes(body) => {
                    Some(name.clone())
                }
                _ => None,
            })
            .collect()
    }

    /// `quit`, `trap quit EXIT`
    fn calls_emptied(&self, simple: &Simple) -> bool {
        let is_emptied = |word: Option<&crate::shell::Word>| {
            word.and_then(crate::shell::Word::literal)
                .is_some_and(|name| self.emptied.iter().any(|emptied| *emptied == *name))
        };
        simple.assignments.is_empty() && is_emptied(simple.words.first())
            || simple.words.first().is_some_and(|word| word.raw == "trap") && is_emptied(simple.words.get(1))
    }
}

/// Whether a pipeline does nothing but say that it gives up: `echo no proxy >&2`, `exit 1`.
pub(super) fn gives_up(pipeline: &Pipeline) -> bool {
    pipeline.commands.iter().all(|command| match command {
        Command::Simple(simple) => match action(simple) {
            Action::Exit { .. } => true,
            Action::Echo => simple_goes(simple, Prints::Go),
            _ => false,
        },
        Command::Group { body, .. } => body
            .statements
            .iter()
            .all(|statement| statement.and_or.pipelines().all(gives_up)),
        _ => false,
    })
}

/// Whether the commands of an inner script have no places of their own, since its text had to be unescaped.
fn is_collapsed(list: &List, word: &Span) -> bool {
    list.commands().any(|visit| visit.command.span() == *word)
}

fn and_or_end(and_or: &AndOr) -> usize {
    and_or
        .rest
        .last()
        .map_or(and_or.first.span.end, |(_, last)| last.span.end)
}

/// Ranges without those that lie in another one, joined where they overlap.
fn apart(mut spans: Vec<Span>) -> impl Iterator<Item = Span> {
    spans.sort_by_key(|span| (span.start, span.end));
    let mut joined: Vec<Span> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => joined.push(span),
        }
    }
    joined.into_iter()
}

/// `if quit; then a; b; fi` by itself: what stays of it no `&&`, `|` or `&` behind it takes for one command.
fn plain_choice(statement: &Statement) -> Option<(&IfBranch, Option<&List>)> {
    let AndOr { first, rest } = &statement.and_or;
    let is_plain = statement.terminator == Terminator::Sequence && rest.is_empty() && !first.negated;
    match first.commands.as_slice() {
        [
            Command::If {
                branches,
                otherwise,
                redirects,
                ..
            },
        ] if is_plain && redirects.is_empty() => {
            let [branch] = branches.as_slice() else {
                return None;
            };
            Some((branch, otherwise.as_ref()))
        }
        _ => None,
    }
}
