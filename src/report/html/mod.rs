//! One self-contained page: an overview of a repository or a cluster, and every finding in its source.
//!
//! It has no script and asks nobody for anything, which its own policy makes sure of; the filters are style sheets.

mod chart;
mod diff;
mod findings;
mod source;

use std::{
    collections::{BTreeMap, HashMap},
    io,
};

use super::{Report, Rewritten, counted, excerpt::printable, markup::escape, severity_name};
use crate::{
    roles::{ContainerRole, Role, WorkloadSummary},
    rules::{Family, Finding, FixClass, RULES, Severity},
    workload::ObjectReference,
};
use chart::{Bar, bars};
use findings::findings;

const STYLE: &str = include_str!("style.css");

/// Findings of more than this are counted, but not shown: no browser is to choke on the page.
const MOST_SHOWN: usize = 3000;

/// Pages with more findings than this begin with their workloads folded.
const MOST_OPEN: usize = 30;

const SEVERITIES: [(Severity, &str); 3] = [
    (Severity::Error, "e"),
    (Severity::Warning, "w"),
    (Severity::Info, "i"),
];

pub(super) fn write(report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let groups = groups(report);
    writeln!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>Sidecar workarounds</title>\n\
         <style>\n{STYLE}{}</style>\n</head>\n<body>\n<main>",
        filters(report)
    )?;
    head(report, out)?;
    charts(report, &groups, out)?;
    findings(report, &groups, out)?;
    errors(report, out)?;
    silenced(report, out)?;
    writeln!(
        out,
        "</main>\n<footer><p class=\"soft\">Made by kubectl sidecar {}.</p></footer>\n</body>\n</html>",
        env!("CARGO_PKG_VERSION")
    )
}

/// An object with what was found in it.
struct Group<'a> {
    source: &'a str,
    document: usize,
    object: &'a ObjectReference,
    /// Absent where findings were made in what is no workload.
    workload: Option<&'a WorkloadSummary>,
    findings: Vec<&'a Finding>,
}

impl<'a> Group<'a> {
    /// What the group is about, as an object that migrate rewrites.
    fn rewritten(&self) -> Rewritten<'a> {
        Rewritten {
            source: self.source,
            document: self.document,
            object: self.object,
        }
    }
}

/// All workloads, and whatever else has findings, in the order of the inputs.
fn groups<'a>(report: &Report<'a>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut known: HashMap<(&str, usize, &ObjectReference), usize> = HashMap::new();
    for workload in report.workloads {
        let key = (workload.source.name.as_str(), workload.document, &workload.object);
        known.entry(key).or_insert(groups.len());
        groups.push(Group {
            source: key.0,
            document: key.1,
            object: key.2,
            workload: Some(workload),
            findings: Vec::new(),
        });
    }
    for finding in report.findings {
        let source = finding
            .primary()
            .map_or("", |primary| primary.source.name.as_str());
        let key = (source, finding.document, &finding.object);
        let index = *known.entry(key).or_insert_with(|| {
            groups.push(Group {
                source,
                document: finding.document,
                object: &finding.object,
                workload: None,
                findings: Vec::new(),
            });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(index) {
            group.findings.push(finding);
        }
    }
    groups
}

/// Whether a workload can be migrated: its class in the style sheet and the words.
fn state(findings: &[&Finding]) -> (&'static str, &'static str) {
    let classes: Vec<FixClass> = findings.iter().map(|finding| finding.fix.class).collect();
    let has = |class| classes.contains(&class);
    let rewritten = classes.iter().any(|class| class.is_rewritten());
    let class = match (rewritten, has(FixClass::Manual)) {
        (true, true) => "part",
        (false, true) => "manual",
        _ if has(FixClass::Review) => "review",
        _ if has(FixClass::Safe) => "safe",
        _ => "clean",
    };
    (class, super::migration(&classes))
}

/// Sidecars, declared and not.
fn sidecars<'a>(report: &Report<'a>) -> impl Iterator<Item = &'a ContainerRole> {
    report
        .workloads
        .iter()
        .flat_map(|workload| &workload.containers)
        .filter(|container| container.role == Role::Sidecar)
}

fn head(report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let mut contexts: Vec<&str> = report
        .contexts
        .iter()
        .flat_map(|contexts| contexts.values())
        .map(String::as_str)
        .collect();
    contexts.sort_unstable();
    contexts.dedup();
    let place = match contexts.as_slice() {
        [context] => format!("the cluster {}", printable(context)),
        _ => report.whereabouts(),
    };
    writeln!(
        out,
        "<h1>Sidecar workarounds</h1>\n<p class=\"soft\">{} in {}.</p>",
        counted(report.workloads.len(), "workload"),
        escape(&place)
    )?;
    if let Some(provenance) = report.provenance {
        writeln!(
            out,
            "<p class=\"soft\">Made {} by <code>{}</code>{}.</p>",
            escape(&provenance.made_at),
            escape(&printable(&provenance.command)),
            match provenance.subject().as_str() {
                "" => String::new(),
                subject => format!(" of {}", escape(&printable(subject))),
            }
        )?;
    }
    writeln!(out, "<ul class=\"figures\">")?;
    let mut figure = |class: &str, count: usize, words: &str| {
        writeln!(out, "<li><b class=\"{class}\">{count}</b> {words}</li>")
    };
    figure("e", report.count(Severity::Error), "errors")?;
    figure("w", report.count(Severity::Warning), "warnings")?;
    figure("i", report.count(Severity::Info), "info")?;
    figure("safe", report.fixable(FixClass::Safe), "can be rewritten safely")?;
    figure("review", report.fixable(FixClass::Review), "with a review")?;
    figure("manual", report.fixable(FixClass::Manual), "by hand")?;
    let declared = sidecars(report).filter(|sidecar| sidecar.declared).count();
    figure("declared", declared, "declared sidecars")?;
    figure(
        "undeclared",
        sidecars(report).count() - declared,
        "undeclared sidecars",
    )?;
    writeln!(out, "</ul>")
}

/// What there is of each severity.
fn parts<'a>(
    findings: impl Iterator<Item = &'a Finding> + Clone,
) -> Vec<(&'static str, &'static str, usize)> {
    SEVERITIES
        .iter()
        .map(|(severity, class)| {
            let count = findings
                .clone()
                .filter(|finding| finding.severity == *severity)
                .count();
            (*class, severity_name(*severity), count)
        })
        .collect()
}

fn charts(report: &Report<'_>, groups: &[Group<'_>], out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out, "<h2 id=\"overview\">Overview</h2>\n<div class=\"charts\">")?;
    let mut states: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for group in groups {
        *states.entry(state(&group.findings)).or_default() += 1;
    }
    let order = ["safe", "review", "part", "manual", "clean"];
    let migration: Vec<Bar> = order
        .iter()
        .flat_map(|class| states.iter().filter(move |((own, _), _)| own == class))
        .map(|((class, words), count)| Bar {
            label: (*words).to_owned(),
            parts: vec![(*class, *words, *count)],
        })
        .collect();
    let declared = sidecars(report).filter(|sidecar| sidecar.declared).count();
    let found = sidecars(report).count() - declared;
    let roles = [
        ("declared", "declared", declared),
        ("undeclared", "not declared", found),
    ]
    .map(|part| Bar {
        label: part.1.to_owned(),
        parts: vec![part],
    });
    write!(out, "{}", bars("Workloads: can they be migrated?", &migration))?;
    write!(out, "{}", bars("Sidecars", &roles))?;
    if !report.findings.is_empty() {
        let families: Vec<Bar> = Family::ALL
            .iter()
            .map(|family| Bar {
                label: family.name().to_owned(),
                parts: parts(
                    report
                        .findings
                        .iter()
                        .filter(|finding| finding.rule.family == *family),
                ),
            })
            .collect();
        let severities: Vec<Bar> = parts(report.findings.iter())
            .into_iter()
            .map(|part| Bar {
                label: part.1.to_owned(),
                parts: vec![part],
            })
            .collect();
        let mut rules: Vec<Bar> = rules(report)
            .into_iter()
            .map(|rule| Bar {
                label: rule.to_owned(),
                parts: parts(report.findings.iter().filter(|finding| finding.rule.name == rule)),
            })
            .collect();
        rules.sort_by_key(|bar| std::cmp::Reverse(bar.parts.iter().map(|(.., count)| count).sum::<usize>()));
        write!(out, "{}", bars("Findings by family", &families))?;
        write!(out, "{}", bars("Findings by severity", &severities))?;
        write!(out, "{}", bars("Findings by rule", &rules))?;
    }
    writeln!(out, "</div>")
}

/// The rules that found something, in the order of the documentation.
fn rules(report: &Report<'_>) -> Vec<&'static str> {
    let mut found: Vec<&'static str> = report.findings.iter().map(|finding| finding.rule.name).collect();
    found.sort_unstable_by_key(|name| (RULES.iter().position(|rule| rule.name == *name), *name));
    found.dedup();
    found
}

/// What is not chosen is not displayed.
fn filters(report: &Report<'_>) -> String {
    let mut style = String::new();
    let rules: Vec<String> = rules(report).iter().map(|rule| format!("r-{rule}")).collect();
    for choice in rules
        .iter()
        .map(String::as_str)
        .chain(SEVERITIES.map(|(_, class)| class))
    {
        let chosen = format!("body:has(option[value=\"{choice}\"]:checked)");
        style.push_str(&format!(
            "{chosen} .finding:not(.{choice}), {chosen} :is(.workload, .place):not(:has(.finding.{choice})) {{ display: none; }}\n"
        ));
    }
    for rule in &rules {
        for (_, class) in SEVERITIES {
            style.push_str(&format!(
                "body:has(option[value=\"{rule}\"]:checked):has(option[value=\"{class}\"]:checked) \
                 :is(.workload, .place):not(:has(.{rule}.{class})) {{ display: none; }}\n"
            ));
        }
    }
    style
}

fn errors(report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    list("errors", "Not linted", report.errors, out)
}

fn silenced(report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let by: Vec<&crate::suppress::Suppression> = report
        .suppressions
        .iter()
        .filter(|suppression| suppression.used)
        .collect();
    list("silenced", "Silenced", &by, out)
}

fn list<T: ToString>(id: &str, title: &str, items: &[T], out: &mut dyn io::Write) -> io::Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h2 id=\"{id}\">{title}</h2>\n<ul class=\"plain\">")?;
    for item in items.iter().take(MOST_SHOWN) {
        writeln!(out, "<li>{}</li>", escape(&printable(&item.to_string())))?;
    }
    writeln!(out, "</ul>")
}
