//! Which parts of a script go with the commands that are cut.

use crate::remedy::script::{
    kept::Kept,
    output::is_nowhere,
    result::{exits_with, keeps_result, result_variable},
};
use crate::{
    behaviour::action::{Action, ExitCode, Values, classify_simple},
    shell::{
        AndOr, Command, Connector, EmbeddedKind, List, Pipeline, Redirect, Simple, Span, Statement,
        Terminator, Word,
    },
};

/// What a command does, whatever its variables hold.
pub(super) fn action(simple: &Simple) -> Action {
    classify_simple(simple, &Values::new(&|_| None)).action
}

/// Tells what goes.
pub(super) struct Cutter<'c> {
    pub(super) spans: &'c [Span],
    /// Functions that hold nothing but what is cut.
    pub(super) emptied: Vec<String>,
}

impl Cutter<'_> {
    /// `Some(None)`: all of it goes. `None`: not certain.
    pub(super) fn statement<'s>(&self, statement: &'s Statement) -> Option<Option<Kept<'s>>> {
        if !self.is_touched(&statement.span) && !self.calls_emptied(statement) {
            return Some(Some(Kept {
                statement,
                part: statement.span.clone(),
            }));
        }
        if statement
            .and_or
            .pipelines()
            .all(|pipeline| self.pipeline_goes(pipeline))
        {
            return Some(None);
        }
        if statement.terminator == Terminator::Background {
            return None;
        }
        self.and_chain(&statement.and_or)
            .map(|part| Some(Kept { statement, part }))
    }

    /// `wait && app`, `app && quit`
    fn and_chain(&self, and_or: &AndOr) -> Option<Span> {
        if and_or
            .rest
            .iter()
            .any(|(connector, _)| *connector == Connector::Or)
        {
            return None;
        }
        let kept: Vec<&Pipeline> = and_or
            .pipelines()
            .filter(|pipeline| {
                let concerns = self.is_touched(&pipeline.span) || self.pipeline_calls_emptied(pipeline);
                !(concerns && self.pipeline_goes(pipeline))
            })
            .collect();
        let kept: Vec<&Pipeline> = match kept.as_slice() {
            // `app && code=$(echo $?) && exit $code`
            [main, assignment, exit]
                if keeps_result(assignment).is_some() && exits_with(exit, &keeps_result(assignment)?) =>
            {
                vec![main]
            }
            _ => kept,
        };
        let (first, last) = (kept.first()?, kept.last()?);
        // What is kept has to stand together.
        let between: Vec<&Pipeline> = and_or
            .pipelines()
            .filter(|pipeline| first.span.start <= pipeline.span.start && pipeline.span.end <= last.span.end)
            .collect();
        if between.len() != kept.len() {
            return None;
        }
        Some(first.span.start..last.span.end)
    }

    fn is_touched(&self, span: &Span) -> bool {
        self.spans
            .iter()
            .any(|own| span.start <= own.start && own.end <= span.end)
    }

    fn is_cut(&self, span: &Span) -> bool {
        self.spans
            .iter()
            .any(|own| own.start <= span.start && span.end <= own.end)
    }

    fn calls_emptied(&self, statement: &Statement) -> bool {
        statement
            .and_or
            .pipelines()
            .any(|pipeline| self.pipeline_calls_emptied(pipeline))
    }

    fn pipeline_calls_emptied(&self, pipeline: &Pipeline) -> bool {
        pipeline
            .commands
            .iter()
            .any(|command| matches!(command, Command::Simple(simple) if self.is_emptied_call(simple)))
    }

    fn is_emptied_call(&self, simple: &Simple) -> bool {
        let calls = |word: Option<&Word>| {
            word.and_then(Word::literal)
                .is_some_and(|name| self.emptied.iter().any(|emptied| *emptied == *name))
        };
        calls(simple.words.first())
            || (simple.words.first().is_some_and(|word| word.raw == "trap") && calls(simple.words.get(1)))
    }

    fn pipeline_goes(&self, pipeline: &Pipeline) -> bool {
        pipeline.commands.iter().all(|command| self.goes(command))
    }

    fn list_goes(&self, list: &List) -> bool {
        list.statements
            .iter()
            .flat_map(|statement| statement.and_or.pipelines())
            .all(|pipeline| self.pipeline_goes(pipeline))
    }

    /// Whether a command may go together with those that are cut.
    fn goes(&self, command: &Command) -> bool {
        if self.is_cut(&command.span()) {
            return true;
        }
        match command {
            Command::Simple(simple) => self.simple_goes(simple),
            Command::Group { body, .. } | Command::Subshell { body, .. } => self.list_goes(body),
            Command::Loop { condition, body, .. } => self.list_goes(condition) && self.list_goes(body),
            Command::For { body, .. } => self.list_goes(body),
            Command::If {
                branches, otherwise, ..
            } => {
                branches
                    .iter()
                    .all(|branch| self.condition_goes(&branch.condition) && self.list_goes(&branch.body))
                    && otherwise.as_ref().is_none_or(|list| self.list_goes(list))
            }
            Command::Function { name, .. } => self.emptied.contains(name),
            Command::Test { .. } => true,
            Command::Case { .. } | Command::Arithmetic { .. } => false,
        }
    }

    /// A condition that only asks whether something here answers: `if curl -sf localhost:15021/…; then quit; fi`.
    fn condition_goes(&self, list: &List) -> bool {
        let asks = |command: &Command| match command {
            Command::Simple(simple) => match action(simple) {
                Action::Http(http) => {
                    http.only_asks() && http.output.is_none() && http.urls().all(|url| url.host.is_local())
                }
                Action::Connect(connect) => !connect.has_side_effects && connect.host.is_local(),
                _ => false,
            },
            _ => false,
        };
        list.statements
            .iter()
            .flat_map(|statement| statement.and_or.pipelines())
            .flat_map(|pipeline| &pipeline.commands)
            .all(|command| asks(command) || self.goes(command))
    }

    fn simple_goes(&self, simple: &Simple) -> bool {
        if self.is_emptied_call(simple) {
            return true;
        }
        if let Some(embedded) = simple.scripts.first() {
            return matches!(embedded.kind, EmbeddedKind::Trap { .. })
                && embedded.list.as_ref().is_some_and(|list| trap_goes(self, list));
        }
        match action(simple) {
            Action::Sleep { .. } | Action::Break { .. } | Action::TestFile { .. } | Action::Compare => true,
            Action::Echo => simple.assignments.is_empty() && is_harmless(simple),
            _ => false,
        }
    }
}

/// A trap's body, which may keep the result: `code=$?; quit; exit $code`.
fn trap_goes(cutter: &Cutter<'_>, list: &List) -> bool {
    list.commands()
        .filter_map(|visit| visit.simple().cloned())
        .all(|simple| {
            cutter.is_cut(&simple.span)
                || cutter.simple_goes(&simple)
                || result_variable(&simple).is_some()
                || matches!(
                    action(&simple),
                    Action::Exit {
                        code: None | Some(ExitCode::LastStatus | ExitCode::Variable(_)),
                        ..
                    }
                )
        })
}

/// Functions that hold nothing but commands that are cut.
pub(super) fn emptied_functions(list: &List, spans: &[Span]) -> Vec<String> {
    let cutter = Cutter {
        spans,
        emptied: Vec::new(),
    };
    list.constructs()
        .filter_map(|visit| match visit.command {
            Command::Function { name, body, span } if cutter.is_touched(span) && trap_goes(&cutter, body) => {
                Some(name.clone())
            }
            _ => None,
        })
        .collect()
}

/// `echo`, `true`, `:`, `printf`: whose only effect is what they print.
fn is_harmless(simple: &Simple) -> bool {
    let name = simple.words.first().and_then(Word::literal);
    name.is_some_and(|name| matches!(&*name, "echo" | "true" | ":" | "printf" | "date" | "false"))
        && simple.redirects.iter().all(leads_nowhere)
}

pub(super) fn leads_nowhere(redirect: &Redirect) -> bool {
    redirect
        .target
        .as_ref()
        .is_none_or(|target| is_nowhere(&target.raw))
}
