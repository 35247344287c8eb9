//! One self-contained page: timelines, verdicts and facts.

use super::{
    svg::svg,
    text::{how, how_trouble, role_name, trouble_text, trouble_time},
};
use crate::{
    report::escape,
    trace::{
        Fact, Moment, News,
        fact::{GapNotice, Precision, Trouble},
        timeline::{Phase, Timeline},
        verdict::{Outcome, Verdict},
    },
};

/// One pod on the page.
#[derive(Debug, Clone)]
pub struct PodSection {
    /// `namespace/name`
    pub title: String,
    /// Its timeline.
    pub timeline: Timeline,
    /// The verdicts.
    pub verdicts: Vec<Verdict>,
    /// The facts, as they became known.
    pub facts: Vec<News>,
}

/// The page's style sheet. No font, script or image comes from elsewhere.
const STYLE: &str = "
:root { color-scheme: light dark; --line: #8884; --soft: #7a808a; --ok: #1a7f37; --bad: #cf222e; --open: #9a6700;
  --unknown: #8886; --waiting: #c4c8cf; --starting: #79a8e0; --gated: #e3b341; --running: #3fa55f; --stopping: #b07cc6; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
table { border-collapse: collapse; width: 100%; margin: .8rem 0; font-size: .9rem; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td.time { font-variant-numeric: tabular-nums; white-space: nowrap; }
.verdict { font-weight: 600; white-space: nowrap; }
.proved { color: var(--ok); } .violated, .conflict { color: var(--bad); } .unknown, .consistent { color: var(--open); }
.not-applicable { color: var(--soft); }
.scroll { overflow-x: auto; } details { margin: .6rem 0; } summary { cursor: pointer; }
.evidence, .soft { color: var(--soft); font-size: .85rem; overflow-wrap: anywhere; }
.trouble td { color: var(--open); }
.gap { border-left: 4px solid var(--open); padding: .3rem .8rem; }
svg text { font: 13px system-ui, sans-serif; fill: currentColor; }
svg .label { text-anchor: end; } svg .role { fill: var(--soft); font-size: 11px; }
svg .tick { text-anchor: middle; fill: var(--soft); font-size: 11px; }
svg .grid { stroke: var(--line); } svg .deletion { stroke: var(--bad); stroke-dasharray: 4 3; }
svg .ending { font-size: 11px; } svg .ending.bad { fill: var(--bad); } svg .ending.ok { fill: var(--soft); }
svg .unknown { fill: none; stroke: var(--unknown); stroke-dasharray: 3 3; }
svg .stop-unknown { stop-color: var(--unknown); } svg .stop-waiting { stop-color: var(--waiting); stop-opacity: .5; }
svg .stop-starting { stop-color: var(--starting); } svg .stop-gated { stop-color: var(--gated); }
svg .stop-running { stop-color: var(--running); } svg .stop-stopping { stop-color: var(--stopping); }
svg .waiting { fill: var(--waiting); opacity: .5; } svg .starting { fill: var(--starting); }
svg .gated { fill: var(--gated); } svg .running { fill: var(--running); } svg .stopping { fill: var(--stopping); }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin: 0 .3em 0 1em; }
";

/// The whole page.
#[must_use]
pub fn page(sections: &[PodSection], gaps: &[GapNotice], made: Moment) -> String {
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Container order</title>\
         <style>{STYLE}</style></head><body>\n<h1>Container order</h1>\n<p class=\"soft\">{}, made {} by \
         kubectl sidecar trace {}. Times are UTC.</p>\n",
        crate::report::counted(sections.len(), "pod"),
        made.rfc3339(0),
        env!("CARGO_PKG_VERSION"),
    );
    html.push_str("<p>");
    for phase in Phase::ALL {
        let name = phase.name();
        html.push_str(&format!(
            "<span class=\"key\" style=\"background:var(--{name})\"></span>{name}"
        ));
    }
    html.push_str("</p>\n");
    for gap in gaps {
        html.push_str(&format!(
            "<p class=\"gap\"><b>Gap</b> in {} at {}: {}</p>\n",
            escape(&gap.resource),
            gap.noticed.rfc3339(3),
            escape(&gap.reason)
        ));
    }
    for section in sections {
        html.push_str(&pod(section));
    }
    html.push_str("</body></html>\n");
    html
}

fn pod(section: &PodSection) -> String {
    let mut html = format!(
        "<section>\n<h2>{}</h2>\n<div class=\"scroll\">{}</div>\n",
        escape(&section.title),
        svg(&section.timeline)
    );
    if section.verdicts.is_empty() {
        html.push_str("<p>No order is declared.</p>\n");
    } else {
        html.push_str("<table><thead><tr><th>Rule</th><th>Order</th><th>Verdict</th><th>Because</th></tr></thead><tbody>\n");
        for verdict in &section.verdicts {
            html.push_str(&verdict_row(verdict));
        }
        html.push_str("</tbody></table>\n");
    }
    html.push_str(&format!(
        "<details><summary>{} facts</summary>\n<table><thead><tr><th>Time</th><th>Container</th><th>What</th>\
         <th>Known from</th></tr></thead><tbody>\n",
        section.facts.len()
    ));
    for fact in &section.facts {
        html.push_str(&match fact {
            News::Fact(fact) => fact_row(fact),
            News::Trouble(trouble) => trouble_row(trouble),
            News::Pod(_) | News::Gap(_) => String::new(),
        });
    }
    html.push_str("</tbody></table></details>\n</section>\n");
    html
}

fn class(outcome: Outcome) -> &'static str {
    outcome.name()
}

fn verdict_row(verdict: &Verdict) -> String {
    let order = match (&verdict.before, &verdict.after) {
        (Some(before), Some(after)) => format!("{} → {}", escape(before), escape(after)),
        (Some(only), None) | (None, Some(only)) => escape(only),
        (None, None) => String::new(),
    };
    let evidence: Vec<String> = verdict
        .evidence
        .iter()
        .map(|item| {
            let container = item
                .container
                .as_deref()
                .map(|name| format!("{name}: "))
                .unwrap_or_default();
            let state = item
                .resource_version
                .as_deref()
                .map(|version| format!(" (resourceVersion {version})"))
                .unwrap_or_default();
            escape(&format!("{container}{}{state}", item.value))
        })
        .collect();
    let suggestion = verdict
        .suggestion
        .as_deref()
        .map(|text| format!("<br>{}", escape(text)))
        .unwrap_or_default();
    format!(
        "<tr><td>{}</td><td>{order}</td><td class=\"verdict {}\">{}</td><td>{}{suggestion}\
         <div class=\"evidence\">{}</div><div class=\"soft\">Rule: {}</div></td></tr>\n",
        verdict.rule,
        class(verdict.outcome),
        verdict.outcome.name(),
        escape(&verdict.reason),
        evidence.join("<br>"),
        escape(verdict.basis),
    )
}

fn fact_row(fact: &Fact) -> String {
    let time = fact.time_text().unwrap_or_else(|| "?".to_owned());
    let sign = match fact.precision {
        Precision::NotAfter => "≤ ",
        Precision::NotBefore => "≥ ",
        Precision::Nanosecond | Precision::Second => "",
    };
    let code = fact
        .exit_code
        .map(|code| format!(" with {code}"))
        .unwrap_or_default();
    let restart = if fact.restarts > 0 {
        format!(", restart {}", fact.restarts)
    } else {
        String::new()
    };
    format!(
        "<tr><td class=\"time\">{sign}{time}</td><td>{} <span class=\"soft\">{}</span></td><td>{}{code}{restart}</td>\
         <td class=\"soft\">{}</td></tr>\n",
        escape(&fact.container),
        role_name(fact.role, fact.declared == Some(false)),
        fact.what.words(),
        how(fact.source),
    )
}

fn trouble_row(trouble: &Trouble) -> String {
    let container = trouble.container.as_deref().unwrap_or("pod");
    let role = trouble
        .role
        .map_or("", |role| role_name(role, trouble.declared == Some(false)));
    format!(
        "<tr class=\"trouble\"><td class=\"time\">{}</td><td>{} <span class=\"soft\">{role}</span></td><td>{}</td>\
         <td class=\"soft\">{}</td></tr>\n",
        trouble_time(trouble),
        escape(container),
        escape(&trouble_text(trouble)),
        how_trouble(trouble.source),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        let html = page(&[], &[], Moment(0));
        assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("<script"));
    }
}
