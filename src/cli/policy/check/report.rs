//! What a check has found, as text and as JSON: `schemas/policy-check.v1.json` is made of these types.
//!
//! Fields may be added to version 1; none is removed or changes its meaning.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use schemars::JsonSchema;
use serde::Serialize;

use super::super::survey::{Change, Effect, Names, Survey};
use crate::{policy::Promotion, report::printable};

/// The version of the contract.
const VERSION: u32 = 1;

/// What `policy check -o json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "kubectl sidecar policy check, version 1")]
pub struct PolicyCheck {
    /// The version of the contract: 1.
    version: u32,
    #[serde(flatten)]
    head: Head,
    #[serde(flatten)]
    findings: Findings,
}

/// What is there, and what whoever asks may do.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
    /// The API server's version, such as `1.37`; absent where it names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kubernetes_version: Option<String>,
    /// What whoever asks may not do, such as `create mutatingadmissionpolicies`, of what it takes to install and remove
    /// policies.
    pub(super) missing_rights: Vec<String>,
    /// The promotion that was looked at.
    pub(super) promotion: Standing,
    /// The policies that warn of workarounds, or refuse them.
    pub(super) guards: Guards,
}

/// A promotion, and whether it is installed.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Standing {
    /// The policy's name.
    pub(super) policy: String,
    /// What is installed under that name; absent where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) installed: Option<Installed>,
    /// The options whose effect is told: the installed policy's, or else those that were asked for.
    pub(super) options: Promotion,
}

/// An installed policy beside what this version would install.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Installed {
    /// The version that made it.
    pub(super) made_by: String,
    /// Whether all of its objects are as this version makes them of its options.
    pub(super) in_step: bool,
    /// Whether it was made with the options that were asked for; those of the policy count where none were.
    pub(super) as_asked: bool,
}

/// The installed guards.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Guards {
    /// How many there are.
    pub(super) installed: usize,
    /// The names of those that this version makes otherwise.
    pub(super) out_of_step: Vec<String>,
}

/// What the promotion does.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Findings {
    /// How many workloads were looked at.
    looked_at: usize,
    /// Those whose pods are concerned.
    workloads: Vec<Effect>,
    /// Quotas that would be exceeded, a sentence each.
    quotas: Vec<String>,
    /// What could not be looked at, and why.
    not_looked_at: Vec<String>,
}

impl PolicyCheck {
    pub(super) fn new(head: Head, findings: Findings) -> Self {
        Self {
            version: VERSION,
            head,
            findings,
        }
    }
}

impl From<Survey> for Findings {
    fn from(survey: Survey) -> Self {
        Self {
            looked_at: survey.seen,
            workloads: survey.effects,
            quotas: survey.quotas,
            not_looked_at: survey.unread,
        }
    }
}

impl Head {
    /// Whether what is installed is what this version would install, and what was asked for.
    pub(super) fn is_fine(&self) -> bool {
        let promotion = self.promotion.installed.as_ref();
        promotion.is_none_or(|installed| installed.in_step && installed.as_asked)
            && self.guards.out_of_step.is_empty()
    }

    /// Prints it, with the server's version in words.
    pub(super) fn print(&self, server: &str, program: &str, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "server: {server}, which has MutatingAdmissionPolicy")?;
        if self.missing_rights.is_empty() {
            writeln!(out, "rights: you may install and remove policies")?;
        } else {
            writeln!(out, "rights: you may not {}", self.missing_rights.join(", "))?;
        }
        self.promotion.print(program, out)?;
        self.guards.print(program, out)
    }
}

impl Standing {
    fn print(&self, program: &str, out: &mut dyn Write) -> io::Result<()> {
        let (own, name) = (env!("CARGO_PKG_VERSION"), &self.policy);
        let Some(installed) = &self.installed else {
            return writeln!(out, "installed: no policy {name}; this is what it would do");
        };
        let version = printable(&installed.made_by);
        let again = format!("`{program} policy install promote` brings it into step");
        match (installed.in_step, version == own) {
            (true, _) => writeln!(out, "installed: {name}, in step with this version ({own})")?,
            (false, true) => writeln!(
                out,
                "installed: {name}, changed since this version made it; {again}"
            )?,
            (false, false) => writeln!(
                out,
                "installed: {name}, made by {version}; this version ({own}) makes another; {again}"
            )?,
        }
        if !installed.as_asked {
            writeln!(
                out,
                "           with other options than these; what follows is what the installed one does"
            )?;
        }
        Ok(())
    }
}

impl Guards {
    fn print(&self, program: &str, out: &mut dyn Write) -> io::Result<()> {
        let (own, count) = (env!("CARGO_PKG_VERSION"), self.installed);
        match (count, self.out_of_step.as_slice()) {
            (0, _) => writeln!(out, "guards: none is installed"),
            (count, []) => writeln!(
                out,
                "guards: {count} installed, in step with this version ({own})"
            ),
            (count, strays) => writeln!(
                out,
                "guards: {count} installed; this version ({own}) makes others of {}; `{program} policy install guard` brings them into step",
                printable(&strays.join(", "))
            ),
        }
    }
}

impl Findings {
    /// Prints them, with the pods before and after where that is asked for.
    pub(super) fn print(&self, with_diff: bool, out: &mut dyn Write) -> io::Result<()> {
        for effect in &self.workloads {
            writeln!(out, "\n{}", printable(&effect.workload()))?;
            for line in lines(&effect.change) {
                writeln!(out, "  {}", printable(&line))?;
            }
            if with_diff {
                for line in effect.diff.lines() {
                    writeln!(out, "  {}", printable(line))?;
                }
            }
        }
        for sentence in &self.quotas {
            writeln!(out, "\n{}", printable(sentence))?;
        }
        for sentence in &self.not_looked_at {
            writeln!(out, "\nnot looked at: {}", printable(sentence))?;
        }
        // A workload may have several templates.
        let count = |promoted: bool| {
            let effects = self.workloads.iter();
            effects
                .filter(|effect| matches!(effect.change, Change::Promoted { .. }) == promoted)
                .map(Effect::identity)
                .collect::<BTreeSet<_>>()
                .len()
        };
        writeln!(
            out,
            "\n{} of {} workloads have pods that are promoted{}",
            count(true),
            self.looked_at,
            match count(false) {
                0 => String::new(),
                1 => ", 1 has pods that cannot be".to_owned(),
                more => format!(", {more} have pods that cannot be"),
            }
        )
    }
}

/// What is done to a workload's pods, a line each.
fn lines(change: &Change) -> Vec<String> {
    let (init_containers, containers, gates, deadlocks, resources) = match change {
        Change::Refused { reasons } => {
            return vec![format!("its pods would be refused: {}", reasons.join("; "))];
        }
        Change::Left { reasons } => {
            return vec![format!("its pods stay as they are: {}", reasons.join("; "))];
        }
        Change::Promoted {
            init_containers,
            containers,
            gates,
            deadlocks,
            resources,
        } => (init_containers, containers, gates, deadlocks, resources),
    };
    let mut lines = vec![
        format!("initContainers: {}", both(init_containers)),
        format!("containers: {}", both(containers)),
    ];
    if !gates.is_empty() {
        lines.push(format!("the app starts when {} is ready", gates.join(" and ")));
    }
    lines.extend(deadlocks.iter().map(|name| {
        format!(
            "DEADLOCK: {name} is ready when the app is, and the app would start when {name} is ready; --gate {name}=none"
        )
    }));
    lines.extend(
        resources
            .iter()
            .map(|(key, amount)| format!("{key}: {} → {}", amount.before, amount.after)),
    );
    lines
}

fn both(names: &Names) -> String {
    let listed = |names: &[String]| match names {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    format!("{} → {}", listed(&names.before), listed(&names.after))
}
