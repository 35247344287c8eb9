//! Any text is parsed without a panic, spans are where they should be, and so is every fact read from it. What its words
//! stand for is bounded by its length.
#![no_main]

use kubectl_sidecar::{
    behaviour::{action::Values, script::ScriptBehaviour},
    shell::{Command, Dialect, List, RedirectKind, Span, Variable, Word, parse},
};
use libfuzzer_sys::fuzz_target;

/// How much any script may look up.
const LOOKED_UP: usize = 64 * 1024;

fuzz_target!(|text: &str| {
    for dialect in [Dialect::Posix, Dialect::Bash] {
        let Some(script) = parse(text, dialect) else {
            continue;
        };
        list(text, &script.list, &(0..text.len()));
        let environment = |name: &str| match name.len() % 4 {
            0 => Variable::Known("localhost".to_owned()),
            1 => Variable::Unset,
            2 => Variable::Known("long ".repeat(500)),
            _ => Variable::Unknown,
        };
        let values = Values::of_script(&script, &environment);
        let words = script
            .list
            .commands()
            .filter_map(|visit| visit.simple())
            .flat_map(|simple| &simple.words);
        let length: usize = words
            .filter_map(|word| values.resolve(word))
            .map(|value| value.len())
            .sum();
        // Its own text, here-documents read twice, and what may be looked up.
        assert!(
            length <= 18 * text.len() + LOOKED_UP,
            "{length} bytes of {}",
            text.len()
        );
        let facts = ScriptBehaviour::new(&script, &environment, text.len() % 2 == 0);
        let mut spans: Vec<Span> = Vec::new();
        for wait in facts.waits() {
            spans.extend([wait.span, wait.statement]);
            spans.extend(wait.cut);
            spans.extend(wait.command_after);
        }
        for sleep in facts.sleeps() {
            spans.extend([sleep.span, sleep.statement, sleep.cut]);
            spans.extend(sleep.command_after);
        }
        for quit in facts.quits() {
            spans.extend([quit.span, quit.statement]);
            spans.extend(quit.plumbing);
            spans.extend(quit.cut);
        }
        spans.extend(
            facts
                .kills()
                .into_iter()
                .flat_map(|kill| [kill.span, kill.statement, kill.cut]),
        );
        for marker in facts.markers() {
            spans.extend([marker.span, marker.statement, marker.cut, marker.file.span]);
        }
        for trap in facts.traps() {
            spans.extend([trap.span, trap.statement]);
            spans.extend(trap.script);
            let _ = trap.actions.len();
        }
        spans.extend(facts.background().into_iter().map(|background| background.span));
        spans.extend(
            facts
                .swallowed()
                .into_iter()
                .flat_map(|swallowed| [swallowed.span, swallowed.command]),
        );
        spans.extend(facts.main().map(|step| step.span()));
        for span in spans {
            assert!(text.get(span.clone()).is_some(), "{span:?}");
        }
    }
});

/// The span is on character boundaries of the text and within what holds it.
fn check(text: &str, span: &Span, outer: &Span) {
    assert!(text.get(span.clone()).is_some(), "{span:?} of {}", text.len());
    assert!(
        outer.start <= span.start && span.end <= outer.end,
        "{span:?} in {outer:?}"
    );
}

fn list(text: &str, list: &List, outer: &Span) {
    let mut behind = 0;
    for statement in &list.statements {
        check(text, &statement.span, outer);
        // Statements without spans of their own all have the span of the word they come from.
        assert!(statement.span.start >= behind || statement.span == *outer);
        behind = statement.span.end.min(statement.span.start.max(behind));
        for pipeline in statement.and_or.pipelines() {
            check(text, &pipeline.span, &statement.span);
            for command in &pipeline.commands {
                check(text, &command.span(), &pipeline.span);
                inner(text, command);
            }
        }
    }
}

fn inner(text: &str, command: &Command) {
    let span = command.span();
    let lists = |lists: &[&List]| lists.iter().for_each(|inner| list(text, inner, &span));
    match command {
        Command::Simple(simple) => {
            for assignment in &simple.assignments {
                check(text, &assignment.span, &span);
                word(text, &assignment.value, &assignment.span);
            }
            for inner in &simple.words {
                word(text, inner, &span);
            }
            for redirect in &simple.redirects {
                check(text, &redirect.span, &span);
                match &redirect.target {
                    // A here-document stands behind its line.
                    Some(target) if redirect.kind == RedirectKind::Here => {
                        word(text, target, &(0..text.len()))
                    }
                    Some(target) => word(text, target, &redirect.span),
                    None => {}
                }
            }
            for script in &simple.scripts {
                // A here-document stands behind its line.
                let outer = match script.word {
                    Some(word) => simple.words[word].span.clone(),
                    None => 0..text.len(),
                };
                if let Some(inner) = &script.list {
                    list(text, inner, &outer);
                }
            }
        }
        Command::Group { body, .. }
        | Command::Subshell { body, .. }
        | Command::For { body, .. }
        | Command::Function { body, .. } => lists(&[body]),
        Command::Loop { condition, body, .. } => lists(&[condition, body]),
        Command::If {
            branches, otherwise, ..
        } => {
            for branch in branches {
                lists(&[&branch.condition, &branch.body]);
            }
            otherwise.iter().for_each(|inner| list(text, inner, &span));
        }
        Command::Case { arms, .. } => arms.iter().for_each(|inner| list(text, inner, &span)),
        Command::Test { words, .. } => words.iter().for_each(|inner| word(text, inner, &span)),
        Command::Arithmetic { .. } => {}
    }
}

fn word(text: &str, word: &Word, outer: &Span) {
    check(text, &word.span, outer);
    for inner in word.substitutions() {
        list(text, inner, &word.span);
    }
    // A word that is a script has such words itself, so only their places are looked at.
    for statement in word.as_script().iter().flat_map(|script| &script.list.statements) {
        check(text, &statement.span, &word.span);
    }
}
