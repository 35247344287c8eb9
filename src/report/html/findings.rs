//! The findings of each workload, in their source.

use std::{
    collections::{BTreeMap, HashMap},
    io,
};

use super::{Group, MOST_OPEN, MOST_SHOWN, SEVERITIES, diff, rules, source, state};
use crate::{
    report::{
        MigrationDiff, Report, Rewritten, counted, excerpt::printable, markup::escape, object_name,
        severity_name,
    },
    roles::{ContainerRole, Role, WorkloadSummary},
    rules::{Finding, FixClass},
    source::Positions,
};

pub(super) fn findings<'a>(
    report: &'a Report<'a>,
    groups: &[Group<'a>],
    out: &mut dyn io::Write,
) -> io::Result<()> {
    writeln!(out, "<h2 id=\"findings\">Findings</h2>")?;
    if report.findings.is_empty() {
        return writeln!(out, "<p>No sidecar workaround found.</p>");
    }
    write!(
        out,
        "<div class=\"filter\" role=\"group\" aria-label=\"Which findings to show\">\
         <label>Rule <select><option value=\"all\">all</option>"
    )?;
    for rule in rules(report) {
        write!(out, "<option value=\"r-{rule}\">{rule}</option>")?;
    }
    write!(
        out,
        "</select></label>\n<label>Severity <select><option value=\"all\">all</option>"
    )?;
    for (severity, class) in SEVERITIES {
        write!(
            out,
            "<option value=\"{class}\">{}</option>",
            severity_name(severity)
        )?;
    }
    writeln!(out, "</select></label></div>")?;
    let mut places: BTreeMap<(String, String), Vec<&Group<'a>>> = BTreeMap::new();
    for group in groups.iter().filter(|group| !group.findings.is_empty()) {
        places.entry(place(report, group)).or_default().push(group);
    }
    let mut writer = Writer {
        report,
        diffs: diffs_of(report, places.values().flatten()),
        positions: Positions::default(),
        left: MOST_SHOWN,
        open: report.findings.len() <= MOST_OPEN,
    };
    for ((cluster, place), groups) in &places {
        let cluster = match cluster.as_str() {
            "" => String::new(),
            cluster => format!("{} <span class=\"soft\">/</span> ", escape(cluster)),
        };
        writeln!(
            out,
            "<section class=\"place\"><h3>{cluster}{}</h3>",
            escape(place)
        )?;
        for group in groups {
            writer.group(group, out)?;
        }
        writeln!(out, "</section>")?;
    }
    let left_out = report.findings.len().saturating_sub(MOST_SHOWN);
    if left_out > 0 {
        writeln!(
            out,
            "<p>{} more, counted above but not shown here.</p>",
            counted(left_out, "finding")
        )?;
    }
    Ok(())
}

/// The cluster and namespace of a live object, or the file.
fn place(report: &Report<'_>, group: &Group<'_>) -> (String, String) {
    match report.context(group.source) {
        Some(context) => {
            let namespace = group.object.namespace.as_deref().unwrap_or("no namespace");
            (printable(context).into_owned(), printable(namespace).into_owned())
        }
        None => {
            let place = report.place(group.source);
            let path = place.path().unwrap_or(group.source);
            (String::new(), printable(path).into_owned())
        }
    }
}

/// The diffs of those groups that are shown.
fn diffs_of<'a: 'g, 'g>(
    report: &Report<'_>,
    groups: impl Iterator<Item = &'g &'g Group<'a>>,
) -> HashMap<Rewritten<'a>, MigrationDiff> {
    let Some(diffs) = report.diffs else {
        return HashMap::new();
    };
    let mut above = 0;
    let shown = groups.take_while(|group| {
        let is_shown = above < MOST_SHOWN;
        above += group.findings.len();
        is_shown
    });
    let rewritten = shown.filter(|group| group.findings.iter().any(|one| one.fix.class.is_rewritten()));
    let objects: Vec<_> = rewritten.map(|group| group.rewritten()).collect();
    let made = diffs.of(&objects);
    objects
        .into_iter()
        .zip(made)
        .filter_map(|(object, diff)| Some((object, diff?)))
        .collect()
}

struct Writer<'a> {
    report: &'a Report<'a>,
    diffs: HashMap<Rewritten<'a>, MigrationDiff>,
    positions: Positions<'a>,
    /// How many findings may still be shown.
    left: usize,
    open: bool,
}

impl<'a> Writer<'a> {
    fn group(&mut self, group: &Group<'a>, out: &mut dyn io::Write) -> io::Result<()> {
        if self.left == 0 {
            return Ok(());
        }
        let (class, words) = state(&group.findings);
        let open = if self.open { " open" } else { "" };
        writeln!(
            out,
            "<details class=\"workload\"{open}><summary><h4>{}</h4> <span class=\"soft\">{}, migration:</span> \
             <span class=\"{class}\">{words}</span></summary>",
            escape(&object_name(group.object)),
            counted(group.findings.len(), "finding"),
        )?;
        if let Some(workload) = group.workload {
            containers(workload, out)?;
        }
        for finding in group.findings.iter().take(self.left) {
            self.finding(finding, out)?;
        }
        if let Some(own) = self.diffs.get(&group.rewritten()) {
            diff::diffs(own, out)?;
        }
        self.left -= group.findings.len().min(self.left);
        writeln!(out, "</details>")
    }

    fn finding(&mut self, finding: &'a Finding, out: &mut dyn io::Write) -> io::Result<()> {
        let rule = finding.rule.name;
        let severity = SEVERITIES
            .iter()
            .find(|(severity, _)| *severity == finding.severity)
            .map_or("i", |(_, class)| *class);
        write!(
            out,
            "<article class=\"finding r-{rule} {severity}\">\n\
             <h5><span class=\"badge {severity}\">{}</span> <a href=\"{}\">{rule}</a> {}</h5>\n",
            severity_name(finding.severity),
            escape(&finding.rule.url()),
            escape(&printable(&finding.message))
        )?;
        if !finding.help.is_empty() {
            writeln!(out, "<p>To do: {}.</p>", escape(&printable(&finding.help)))?;
        }
        let (class, words) = match finding.fix.class {
            FixClass::Safe => ("safe", "can be rewritten safely"),
            FixClass::Review => ("review", "can be rewritten, with a review"),
            FixClass::Manual => ("manual", "must be changed by hand"),
            FixClass::None => ("clean", "nothing to rewrite"),
        };
        let reason = match finding.fix.reason.as_str() {
            "" => String::new(),
            reason => format!(": {}", escape(&printable(reason))),
        };
        writeln!(
            out,
            "<p><span class=\"{class}\">{words}</span><span class=\"soft\">{reason}</span></p>"
        )?;
        if finding.text_level {
            writeln!(
                out,
                "<p class=\"soft\">Found by text search: this file is not YAML until it is rendered.</p>"
            )?;
        }
        out.write_all(source::annotated(finding, self.report, &mut self.positions).as_bytes())?;
        writeln!(out, "</article>")
    }
}

fn containers(workload: &WorkloadSummary, out: &mut dyn io::Write) -> io::Result<()> {
    let sidecars: Vec<&ContainerRole> = workload
        .containers
        .iter()
        .filter(|container| container.role == Role::Sidecar)
        .collect();
    if sidecars.is_empty() {
        return Ok(());
    }
    write!(out, "<div class=\"containers\">Sidecars:<ul class=\"plain\">")?;
    for sidecar in sidecars {
        let (class, words) = match (sidecar.declared, sidecar.evidence.first()) {
            (true, _) => ("declared", "declared".to_owned()),
            (false, Some(evidence)) => (
                "undeclared",
                format!("not declared; {}", printable(&evidence.text)),
            ),
            (false, None) => ("undeclared", "not declared".to_owned()),
        };
        write!(
            out,
            "<li><code>{}</code> <span class=\"{class}\">{}</span></li>",
            escape(&printable(&sidecar.name)),
            escape(&words)
        )?;
    }
    writeln!(out, "</ul></div>")
}
