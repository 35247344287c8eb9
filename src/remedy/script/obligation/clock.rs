//! Times that a script measures across what goes.

use super::Cutting;
use crate::{
    behaviour::Answer,
    remedy::script::hindrance::Hindrance,
    shell::{Simple, Visit},
};

/// `t0=$(date +%s); …; t1=$(date +%s); app --waited=$((t1 - t0))`
pub(super) fn measured_by_a_clock(cutting: &Cutting<'_>) -> Vec<Answer<Hindrance>> {
    const CLOCKS: [&str; 5] = ["date", "EPOCHSECONDS", "EPOCHREALTIME", "/proc/uptime", "SECONDS"];
    let reads_clock = |text: &str| {
        let mut words =
            text.split(|letter: char| !letter.is_ascii_alphanumeric() && !"/_-.".contains(letter));
        words.any(|word| CLOCKS.contains(&word.rsplit('/').next().unwrap_or(word)) || CLOCKS.contains(&word))
    };
    if !CLOCKS.iter().any(|clock| cutting.text.contains(clock)) {
        return Vec::new();
    }
    let spans = cutting.gone_constructs().map(|visit| visit.command.span());
    let Some((start, end)) = spans.fold(None, |found: Option<(usize, usize)>, span| match found {
        Some((start, end)) => Some((start.min(span.start), end.max(span.end))),
        None => Some((span.start, span.end)),
    }) else {
        return Vec::new();
    };
    let kept = || {
        cutting
            .simple_commands()
            .filter(|simple| !cutting.gone.cover(&simple.span))
    };
    let before: Vec<&str> = kept()
        .filter(|simple| simple.span.end <= start)
        .flat_map(|simple| &simple.assignments)
        .filter(|assignment| reads_clock(&assignment.value.raw))
        .map(|assignment| assignment.name.as_str())
        .collect();
    if before.is_empty() {
        return Vec::new();
    }
    let text = |simple: &Simple| cutting.text.get(simple.span.clone()).unwrap_or_default();
    let is_read_again = kept().any(|simple| simple.span.start >= end && reads_clock(text(simple)));
    let names = |visit: &&Visit<'_>| {
        let read = &cutting.accesses.of(visit.command).reads.variables;
        before.iter().any(|name| read.contains(*name))
    };
    let mut behind = cutting.constructs.iter().filter(|visit| {
        let span = visit.command.span();
        visit.simple().is_some() && span.start >= end && !cutting.gone.cover(&span)
    });
    let reader = behind.find(names).filter(|_| is_read_again);
    reader
        .map(|visit| Answer::Unknown(Hindrance::Measured(cutting.shown(&visit.command.span()))))
        .into_iter()
        .collect()
}
