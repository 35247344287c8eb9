//! What else is said over the connection of a request that goes: `exec 3<>/dev/tcp/…`, `cat <&3`, `exec 3>&-`.

use super::{hindrance::Hindrance, obligation::Cutting};
use crate::{
    behaviour::Answer,
    catalogue::stream_tool::{Stream, does},
    shell::{Command, Redirect, RedirectKind, Simple, Span, Statement, Terminator},
};

/// Statements that open the connection, read the answer and close it, where nothing else is said over it.
pub(super) fn rest_of_the_conversation(cutting: &Cutting<'_>) -> Vec<Span> {
    let mut found = Vec::new();
    for descriptor in descriptors(cutting) {
        let mut own: Vec<Span> = Vec::new();
        for visit in cutting.constructs {
            let statement = visit.statement;
            if !cutting.gone.cover(&statement.span) && is_part(cutting, statement, descriptor) {
                own.push(statement.span.clone());
            }
        }
        own.dedup();
        let is_own = |span: &Span| {
            own.iter()
                .any(|own| own.start <= span.start && span.end <= own.end)
        };
        let mut others = cutting
            .constructs
            .iter()
            .filter_map(|visit| visit.simple())
            .filter(|simple| !cutting.gone.cover(&simple.span) && !cutting.cuts.cover(&simple.span));
        if !others.any(|simple| !is_own(&simple.span) && uses(cutting, &simple.span, descriptor)) {
            found.extend(own);
        }
    }
    found
}

/// Whether a statement does nothing but open, use and close the connection: alone, in a chain or in a shell of its own.
fn is_part(cutting: &Cutting<'_>, statement: &Statement, descriptor: i32) -> bool {
    let mut speaks = false;
    let mut is_it = |command: &Command| match command {
        Command::Simple(simple) => {
            let own = opens_or_closes(simple, descriptor) || reads(cutting, simple, descriptor);
            speaks |= own;
            own || cutting.cuts.cover(&simple.span)
                || matches!(simple.words.as_slice(), [idle] if matches!(idle.raw.as_str(), "true" | ":"))
        }
        Command::Group { body, .. } | Command::Subshell { body, .. } => {
            let inner = |statement| is_part(cutting, statement, descriptor);
            let all = !body.statements.is_empty() && body.statements.iter().all(inner);
            speaks |= all;
            all
        }
        _ => false,
    };
    let mut commands = statement
        .and_or
        .pipelines()
        .flat_map(|pipeline| &pipeline.commands);
    statement.terminator == Terminator::Sequence && commands.all(&mut is_it) && speaks
}

/// Nothing that stays waits for the answer to a request that is never made.
pub(super) fn nothing_reads_its_answer(cutting: &Cutting<'_>) -> Vec<Answer<Hindrance>> {
    let descriptors = descriptors(cutting);
    let kept = cutting
        .constructs
        .iter()
        .filter(|visit| !cutting.gone.cover(&visit.command.span()))
        .filter_map(|visit| visit.simple());
    kept.filter(|simple| {
        descriptors.iter().any(|descriptor| {
            simple
                .redirects
                .iter()
                .any(|redirect| reads_from(cutting, redirect, *descriptor))
        })
    })
    .map(|simple| Answer::Refuted(Hindrance::Answer(cutting.shown(&simple.span))))
    .collect()
}

/// The descriptors that what is cut writes to, but for standard output and errors.
fn descriptors(cutting: &Cutting<'_>) -> Vec<i32> {
    let cut = cutting
        .constructs
        .iter()
        .filter(|visit| cutting.cuts.cover(&visit.command.span()))
        .filter_map(|visit| visit.simple());
    let mut found: Vec<i32> = cut
        .flat_map(|simple| &simple.redirects)
        .filter_map(duplicated)
        .filter(|descriptor| *descriptor > 2)
        .collect();
    found.dedup();
    found
}

/// `>&3`, `<&3`
fn duplicated(redirect: &Redirect) -> Option<i32> {
    let target = redirect.target.as_ref()?;
    (redirect.kind == RedirectKind::Duplicate).then(|| target.raw.parse().ok())?
}

fn reads_from(cutting: &Cutting<'_>, redirect: &Redirect, descriptor: i32) -> bool {
    let is_input = cutting
        .text
        .get(redirect.span.clone())
        .is_some_and(|written| written.trim_start_matches('0').starts_with('<'));
    is_input && duplicated(redirect) == Some(descriptor)
}

/// `exec 3<>/dev/tcp/localhost/9091`, `exec 3>&-`
fn opens_or_closes(simple: &Simple, descriptor: i32) -> bool {
    let is_exec = matches!(simple.words.as_slice(), [exec] if exec.raw == "exec");
    is_exec
        && simple.assignments.is_empty()
        && !simple.redirects.is_empty()
        && simple.redirects.iter().all(|redirect| {
            let target = redirect.target.as_ref().map_or("-", |target| target.raw.as_str());
            redirect.descriptor == Some(descriptor) && (target == "-" || target.starts_with("/dev/tcp/"))
        })
}

/// `cat <&3`, `head -n1 <&3 >/dev/null`: it shows the answer and nothing more.
fn reads(cutting: &Cutting<'_>, simple: &Simple, descriptor: i32) -> bool {
    let shows = simple
        .words
        .first()
        .is_some_and(|word| does(&word.raw, Stream::Shows));
    let mut inputs = simple
        .redirects
        .iter()
        .filter(|redirect| reads_from(cutting, redirect, descriptor));
    shows
        && simple.assignments.is_empty()
        && inputs.next().is_some()
        && simple.redirects.iter().all(super::output::leads_nowhere)
}

/// Whether a part of the script names the descriptor.
fn uses(cutting: &Cutting<'_>, span: &Span, descriptor: i32) -> bool {
    let text = cutting.text.get(span.clone()).unwrap_or_default();
    let number = descriptor.to_string();
    let mut numbers = text.match_indices(&number);
    numbers.any(|(at, number)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let behind = text.get(at + number.len()..).and_then(|text| text.chars().next());
        before == Some('&') || matches!(behind, Some('<' | '>'))
    })
}
