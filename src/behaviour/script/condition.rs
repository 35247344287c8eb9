//! What decides whether a wait takes place at all: the `if`, `case`, `&&` and `||` around it, and what its own loop
//! looks at besides what it waits for.

use crate::{
    behaviour::action::{Action, ExitCode, Host},
    shell::{
        AndOr, Command, Connector, IfBranch, List, Piece, Pipeline, Simple, Span, Statement, Variable, Word,
    },
};

use super::{Located, ScriptBehaviour, Wait, covers, waiting_loop::extent};

/// How many calls of functions lead to a wait that are looked at.
const DEPTH_LIMIT: usize = 4;

impl<'a> ScriptBehaviour<'a> {
    /// The condition that a wait depends on, where nothing shows that it holds.
    pub(super) fn depends_on(&self, wait: &Wait, condition: Option<&Span>) -> Option<Span> {
        let around = self.unsettled(&wait.span, true);
        around
            .or_else(|| self.of_calls(wait.function.as_deref()?, &wait.span, DEPTH_LIMIT))
            .or_else(|| self.of_its_own(condition?, &wait.span))
    }

    /// Whether one of the hosts that a wait asks in turn is elsewhere: `for h in localhost db.example`.
    pub(super) fn asks_elsewhere(&self, wait: &Wait) -> bool {
        let is_open = |located: &&Located<'a>| match &located.action.action {
            Action::Connect(connect) => connect.host == Host::Unknown,
            _ => false,
        };
        let mut asked = self
            .within(&wait.span)
            .filter(is_open)
            .flat_map(words_of)
            .flat_map(names);
        asked.any(|name| {
            self.runs_over_others(name, &wait.span)
                || wait
                    .function
                    .as_deref()
                    .is_some_and(|function| self.is_given_others(function, name))
        })
    }

    /// Whether a call of a function gives it a host elsewhere as this parameter.
    fn is_given_others(&self, function: &str, parameter: &str) -> bool {
        let Ok(number) = parameter.parse::<usize>() else {
            return false;
        };
        self.callers(function).any(|call| {
            let Some(word) = words_of(call).nth(number) else {
                return false;
            };
            let is_elsewhere = self.values.resolve(word).is_some_and(|value| leads_away(&value));
            is_elsewhere || names(word).any(|name| self.runs_over_others(name, &call.action.span))
        })
    }

    /// Whether a loop around a range gives a variable a host elsewhere.
    fn runs_over_others(&self, name: &str, span: &Span) -> bool {
        let value_of = |word: &Word| match word.pieces.as_slice() {
            // Without quotes it is several words: `for h in $HOSTS`.
            [Piece::Variable { name, .. }] => self.values.get(name).value(),
            _ => self.values.resolve(word),
        };
        self.compounds.iter().any(|visit| match visit.command {
            Command::For {
                variable,
                words,
                span: around,
                ..
            } if variable == name && covers(around, span) => words
                .iter()
                .filter_map(value_of)
                .any(|value| value.split_ascii_whitespace().any(leads_away)),
            _ => false,
        })
    }

    /// A condition around a range that decides whether it runs. One that is known does not count; for what must not
    /// run (`taken` is false) it is enough that it is known at all.
    fn unsettled(&self, span: &Span, taken: bool) -> Option<Span> {
        let compounds = self.compounds.iter().map(|visit| visit.command);
        let by_compound = compounds
            .filter(|command| covers(&command.span(), span) && command.span() != *span)
            .find_map(|command| match command {
                Command::If {
                    branches, otherwise, ..
                } => self.of_branches(branches, otherwise.as_ref(), span, taken),
                Command::Case {
                    word,
                    arms,
                    patterns,
                    span: all,
                } => {
                    let place = arms.iter().position(|arm| is_within(arm, span))?;
                    let chosen = self.chosen(word, patterns);
                    let is_settled = match taken {
                        true => chosen == Some(place),
                        false => chosen.is_some(),
                    };
                    (!is_settled).then_some(all.start..word.span.end)
                }
                _ => None,
            });
        by_compound.or_else(|| {
            let statements = self.lists.iter().flat_map(|list| &list.statements);
            statements
                .filter(|statement| covers(&statement.span, span))
                .find_map(|statement| self.of_pipelines(statement, span, taken))
        })
    }

    /// The arm of a `case` that runs, where its word is known and so are the patterns before.
    fn chosen(&self, word: &Word, patterns: &[Vec<Word>]) -> Option<usize> {
        let is_known = names(word).all(|name| matches!(self.values.get(name), Variable::Known(_)));
        let value = self.values.resolve(word).filter(|_| is_known)?;
        for (place, patterns) in patterns.iter().enumerate() {
            for pattern in patterns {
                if pattern.raw == "*" {
                    return Some(place);
                }
                let is_pattern = pattern.raw.contains(['*', '?', '[']);
                let text = pattern.literal().filter(|_| !is_pattern)?;
                if text == value {
                    return Some(place);
                }
            }
        }
        None
    }

    fn of_branches(
        &self,
        branches: &[IfBranch],
        otherwise: Option<&List>,
        span: &Span,
        taken: bool,
    ) -> Option<Span> {
        let place = branches
            .iter()
            .position(|branch| is_within(&branch.body, span) || is_within(&branch.condition, span));
        let failed = match place {
            Some(place) => branches.get(..place)?,
            None if otherwise.is_some_and(|list| is_within(list, span)) => branches,
            None => return None,
        };
        let held = branches
            .get(place.unwrap_or(branches.len())..)
            .and_then(<[IfBranch]>::first)
            .filter(|branch| is_within(&branch.body, span));
        let wanted = failed
            .iter()
            .map(|branch| (branch, false))
            .chain(held.map(|branch| (branch, true)));
        wanted
            .filter(|(branch, holds)| {
                let is_settled = is_settled(self.outcome(&branch.condition), *holds, taken);
                !is_settled && !self.asks_what_is_there(&branch.condition)
            })
            .find_map(|(branch, _)| extent(&branch.condition))
    }

    fn of_pipelines(&self, statement: &Statement, span: &Span, taken: bool) -> Option<Span> {
        let pipelines: Vec<&Pipeline> = statement.and_or.pipelines().collect();
        let place = pipelines
            .iter()
            .position(|pipeline| covers(&pipeline.span, span))?;
        let connectors: Vec<Connector> = statement.and_or.rest.iter().map(|(sign, _)| *sign).collect();
        let own = *connectors.get(place.checked_sub(1)?)?;
        // `test && wait && app`: the app depends on the same.
        let goes_on = connectors
            .get(place..)
            .is_some_and(|rest| !rest.is_empty() && rest.iter().all(|sign| *sign == Connector::And));
        if own == Connector::And && goes_on && taken {
            return None;
        }
        let before = (0..place)
            .rev()
            .take_while(|index| connectors.get(*index) == Some(&own));
        before
            .filter_map(|index| pipelines.get(index).copied())
            .find(|pipeline| {
                let outcome = self.pipeline_outcome(pipeline);
                // What fails without being a question is a fault: `cd /app && wait`.
                let is_question = own == Connector::Or || self.is_question(pipeline);
                is_question
                    && !is_settled(outcome, own == Connector::And, taken)
                    && !self.looks_for_somebody(&pipeline.span)
            })
            .map(|pipeline| pipeline.span.clone())
    }

    /// What the calls of a function depend on, and what leaves it before it waits.
    fn of_calls(&self, function: &str, span: &Span, depth: usize) -> Option<Span> {
        let depth = depth.checked_sub(1)?;
        let leaves = |located: &&Located<'a>| {
            let gives_up = |code: &ExitCode| matches!(code, ExitCode::Number(code) if *code != 0);
            let is_success = match &located.action.action {
                Action::Exit { code, .. } => !code.as_ref().is_some_and(gives_up),
                _ => false,
            };
            is_success
                && located.visit.context.function == Some(function)
                && located.action.span.end <= span.start
        };
        let mut early = self.commands.iter().filter(leaves);
        if let Some(condition) = early.find_map(|located| self.unsettled(&located.action.span, false)) {
            return Some(condition);
        }
        let mut first = None;
        for call in self.callers(function) {
            let at = &call.action.span;
            let condition = self
                .unsettled(at, true)
                .or_else(|| self.of_calls(call.visit.context.function?, at, depth));
            // One call that always runs is enough.
            first.get_or_insert(condition?);
        }
        first
    }

    /// What a loop looks at besides what it waits for: `until nc … || [ -n "$SKIP" ]`. Numbers that are compared count
    /// its rounds, and what it sets itself is its own.
    fn of_its_own(&self, condition: &Span, whole: &Span) -> Option<Span> {
        let compares = self.within(condition).filter(|located| {
            located.action.action == Action::Compare && !located.visit.context.substitution
        });
        compares
            .filter(|located| !self.looks_for_somebody(&located.action.span))
            .filter(|located| !words_of(located).any(|word| counts(&word.raw)))
            .find(|located| {
                let mut named = words_of(located).flat_map(names).peekable();
                named.peek().is_some()
                    && named.all(|name| {
                        !matches!(self.values.get(name), Variable::Known(_))
                            && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                            && !self.sets(whole, name)
                    })
            })
            .map(|located| located.action.span.clone())
    }

    /// Whether a loop sets a variable.
    fn sets(&self, whole: &Span, name: &str) -> bool {
        let runs_over = |command: &Command| match command {
            Command::For { variable, span, .. } => covers(whole, span) && variable == name,
            _ => false,
        };
        let changes = |simple: &Simple| {
            let first = simple.words.first().map_or("", |word| word.raw.as_str());
            let is_setting = matches!(
                first,
                ":" | "let" | "read" | "export" | "local" | "declare" | "typeset"
            );
            simple
                .assignments
                .iter()
                .any(|assignment| assignment.name == name)
                || is_setting && simple.words.iter().any(|word| word.raw.contains(name))
        };
        self.compounds.iter().any(|visit| runs_over(visit.command))
            || self.within(whole).any(|located| match located.visit.command {
                Command::Arithmetic { .. } => true,
                Command::Simple(simple) => changes(simple),
                _ => false,
            })
    }

    /// Whether a list asks only for a tool, or for who is waited for.
    fn asks_what_is_there(&self, list: &List) -> bool {
        let pipelines = list
            .statements
            .iter()
            .flat_map(|statement| statement.and_or.pipelines());
        let is_open = self.outcome(list).is_none();
        let mut open = pipelines.filter(|pipeline| self.pipeline_outcome(pipeline).is_none());
        is_open && open.all(|pipeline| self.looks_for_somebody(&pipeline.span))
    }

    /// Whether something in a range looks for a tool, a process or a server.
    fn looks_for_somebody(&self, span: &Span) -> bool {
        self.within(span).any(|located| {
            let words: Vec<&str> = words_of(located).map(|word| word.raw.as_str()).collect();
            let looks_for_a_tool = matches!(
                words.as_slice(),
                ["command", "-v" | "-V", ..]
                    | ["which" | "type" | "hash", ..]
                    | ["[", .., "-x", _, "]"]
                    | ["test" | "!", "-x", _]
                    | ["-x", _]
            );
            let is_file = matches!(located.action.action, Action::TestFile { .. });
            looks_for_a_tool || located.action.is_probe() && !is_file
        })
    }

    /// Whether a pipeline is a question about a value or a file.
    fn is_question(&self, pipeline: &Pipeline) -> bool {
        let asks = |located: &Located| {
            matches!(located.action.action, Action::Compare | Action::TestFile { .. })
                && !located.visit.context.substitution
        };
        self.within(&pipeline.span).any(asks)
    }

    /// What a condition comes to, where its values are known.
    fn outcome(&self, list: &List) -> Option<bool> {
        let [statement] = list.statements.as_slice() else {
            return None;
        };
        let AndOr { first, rest } = &statement.and_or;
        let first = self.pipeline_outcome(first);
        rest.iter().fold(first, |left, (connector, pipeline)| {
            let right = self.pipeline_outcome(pipeline);
            match (connector, left, right) {
                (Connector::And, Some(false), _) | (Connector::And, _, Some(false)) => Some(false),
                (Connector::Or, Some(true), _) | (Connector::Or, _, Some(true)) => Some(true),
                (_, left, right) => left.and(right),
            }
        })
    }

    fn pipeline_outcome(&self, pipeline: &Pipeline) -> Option<bool> {
        let [command] = pipeline.commands.as_slice() else {
            return None;
        };
        let words: Vec<&Word> = match command {
            Command::Simple(simple) => simple.words.iter().collect(),
            Command::Test { words, .. } => words.iter().collect(),
            _ => return None,
        };
        let raws: Vec<&str> = words.iter().map(|word| word.raw.as_str()).collect();
        let is_test = matches!(command, Command::Test { .. });
        let asked = match (raws.as_slice(), is_test) {
            (["true" | ":"], false) => return Some(!pipeline.negated),
            (["false"], false) => return Some(pipeline.negated),
            (["[", .., "]"], false) => words.get(1..words.len().saturating_sub(1))?,
            (["test", ..], false) => words.get(1..)?,
            (_, true) => words.as_slice(),
            _ => return None,
        };
        let value = |word: &Word| {
            let is_known = names(word).all(|name| matches!(self.values.get(name), Variable::Known(_)));
            is_known.then(|| self.values.resolve(word)).flatten()
        };
        let holds = match asked {
            [word] => !value(word)?.is_empty(),
            [sign, word] if sign.raw == "-n" => !value(word)?.is_empty(),
            [sign, word] if sign.raw == "-z" => value(word)?.is_empty(),
            [left, sign, right] => {
                // A pattern: `[[ $MODE == work* ]]`.
                let is_pattern = is_test && right.raw.contains(['*', '?', '[']);
                let same = value(left)? == value(right)?;
                match sign.raw.as_str() {
                    "=" | "==" | "-eq" if !is_pattern => same,
                    "!=" | "-ne" if !is_pattern => !same,
                    _ => return None,
                }
            }
            _ => return None,
        };
        Some(holds != pipeline.negated)
    }
}

/// Whether a value is a host elsewhere, or one with its port: `db.example:5432`.
fn leads_away(value: &str) -> bool {
    let host = value.split(':').next().unwrap_or_default();
    let is_host = host.contains(|letter: char| letter.is_ascii_alphabetic() || letter == '.');
    is_host && matches!(Host::of(host), Host::Remote(_))
}

fn is_settled(outcome: Option<bool>, wanted: bool, taken: bool) -> bool {
    match taken {
        true => outcome == Some(wanted),
        false => outcome.is_some(),
    }
}

fn is_within(list: &List, span: &Span) -> bool {
    extent(list).is_some_and(|extent| covers(&extent, span))
}

fn words_of<'b>(located: &Located<'b>) -> impl Iterator<Item = &'b Word> {
    let words: &[Word] = match located.visit.command {
        Command::Simple(simple) => &simple.words,
        Command::Test { words, .. } => words,
        _ => &[],
    };
    words.iter()
}

/// The variables that a word names.
fn names(word: &Word) -> impl Iterator<Item = &String> {
    word.pieces.iter().filter_map(|piece| match piece {
        Piece::Variable { name, .. } => Some(name),
        _ => None,
    })
}

/// Whether a word of a test compares numbers.
pub(super) fn counts(word: &str) -> bool {
    matches!(word, "-gt" | "-ge" | "-lt" | "-le" | ">" | "<")
}
