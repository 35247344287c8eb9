//! What is said about a rule wherever it is named: in findings, `explain`, the documentation.

use serde::{Deserialize, Serialize};

use super::Severity;
use crate::remedy::Obligation;

/// Rules that belong together.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// The app waits for its sidecar.
    Startup,
    /// The pod ends although the sidecar would run on.
    Completion,
    /// The sidecar outlives the app.
    Shutdown,
    /// Programs and scripts around the processes.
    Wrappers,
    /// About the declared sidecar itself.
    Remedy,
}

impl Family {
    /// All families, in the order of the documentation.
    pub const ALL: [Self; 5] = [
        Self::Startup,
        Self::Completion,
        Self::Shutdown,
        Self::Wrappers,
        Self::Remedy,
    ];

    /// The name, as `--select` takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Startup => "startup",
            Self::Completion => "completion",
            Self::Shutdown => "shutdown",
            Self::Wrappers => "wrappers",
            Self::Remedy => "remedy",
        }
    }
}

/// A rule's description. `explain` prints it, `docs/rules/` is made of it.
#[derive(Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// The name, as `--select` takes it.
    pub name: &'static str,
    /// Its family.
    pub family: Family,
    /// The severity of a typical finding.
    pub severity: Severity,
    /// One line: what it finds.
    pub summary: &'static str,
    /// What it finds and what it leaves alone, in Markdown paragraphs.
    pub what: &'static str,
    /// Why it matters, in Markdown paragraphs.
    pub why: &'static str,
    /// A manifest, or the part of one, that has the workaround.
    pub before: &'static str,
    /// The same after it was replaced.
    pub after: &'static str,
    /// What `migrate` does with it.
    pub migrate: &'static str,
    /// What its rewrites rest on, in groups.
    pub rests_on: &'static [&'static [Obligation]],
    /// Where the facts come from: (title, URL).
    pub sources: &'static [(&'static str, &'static str)],
}

impl RuleInfo {
    /// What the rule's page says below its title, in Markdown.
    #[must_use]
    pub fn page(&self) -> String {
        let yaml = |manifest: &str| match manifest.trim_matches('\n') {
            "" => String::new(),
            manifest => format!("```yaml\n{manifest}\n```"),
        };
        let sources = self
            .sources
            .iter()
            .map(|(title, url)| format!("- [{title}]({url})\n"));
        [
            ("What it finds", self.what.to_owned()),
            ("Why it matters", self.why.to_owned()),
            ("Before", yaml(self.before)),
            ("After", yaml(self.after)),
            ("What migrate does with it", self.migrate.to_owned()),
            ("What a rewrite rests on", self.obligations()),
            ("Sources", sources.collect()),
        ]
        .into_iter()
        .filter(|(_, body)| !body.trim().is_empty())
        .map(|(title, body)| format!("## {title}\n\n{}\n", body.trim()))
        .collect::<Vec<_>>()
        .join("\n")
    }

    /// What has to be proved for its rewrites, in Markdown. Empty where nothing is rewritten.
    #[must_use]
    pub fn obligations(&self) -> String {
        let all = self.rests_on.iter().copied().flatten();
        let list: String = all
            .map(|obligation| format!("- `{}`: {}\n", obligation.name(), obligation.describe()))
            .collect();
        match list.is_empty() {
            true => list,
            false => format!(
                "Where everything that applies is proved, the rewrite is safe. Where something is not known, it is for review. Where something is refuted, nothing is rewritten.\n\n{list}"
            ),
        }
    }

    /// The address of the rule's page.
    #[must_use]
    pub fn url(&self) -> String {
        format!(
            "{}/blob/main/docs/rules/{}.md",
            env!("CARGO_PKG_REPOSITORY"),
            self.name
        )
    }
}
