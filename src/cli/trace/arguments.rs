//! The arguments of `trace`.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use super::{TraceError, read_file};
use crate::{
    cli::ConnectionArguments,
    trace::{
        MILLISECOND, Settings,
        declared::{Expectation, Reading},
        goal::Goal,
        plan,
    },
};

/// Watch containers start and stop, and judge the order they were declared in.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Exit code: 0 the order held, 1 it was violated, 4 there is not enough evidence, \
                        2 wrong usage, 3 failure."
)]
pub struct TraceArguments {
    /// POD or TYPE/NAME; nothing for all pods of the namespace
    #[arg(value_name = "POD|TYPE/NAME")]
    pub targets: Vec<String>,
    /// The namespace
    #[arg(long, short = 'n', value_name = "NAME")]
    pub namespace: Option<String>,
    /// All namespaces
    #[arg(long, short = 'A', conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// Only pods with these labels
    #[arg(long, short = 'l', value_name = "LABELS")]
    pub selector: Option<String>,

    /// What to print
    #[arg(long, short = 'o', value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub output: Format,
    /// Show a live timeline on the whole screen
    #[arg(long, conflicts_with_all = ["output", "once"])]
    pub tui: bool,
    /// Write one page with timelines, facts and verdicts
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,

    /// End when all traced pods have got there
    #[arg(long = "for", value_enum, value_name = "STATE")]
    pub goal: Option<GoalName>,
    /// End after this time with the verdicts on what was seen
    #[arg(long, value_parser = duration, value_name = "DURATION")]
    pub timeout: Option<Duration>,
    /// Judge what has already happened, and end
    #[arg(long, conflicts_with_all = ["goal", "timeout"])]
    pub once: bool,
    /// End at the first violation, with exit code 1
    #[arg(long, conflicts_with = "once")]
    pub fail_fast: bool,
    /// Verdicts that are only consistent are not enough
    #[arg(long)]
    pub strict: bool,

    /// Judge by another order: a manifest, `lifecycle`, `native` or the pod's own `manifest`
    #[arg(
        long,
        value_name = "FILE|lifecycle|native|manifest",
        default_value = "manifest",
        hide_default_value = true
    )]
    pub expect: String,
    /// Treat this regular container as a sidecar, where the server dropped `lifecycle.type`; may be repeated
    #[arg(long = "sidecar", value_name = "NAME", value_delimiter = ',')]
    pub sidecars: Vec<String>,
    /// Print the order a manifest promises, by both designs, without a cluster
    #[arg(long, value_name = "FILE.yaml", conflicts_with_all = ["replay", "targets", "record", "report", "tui"])]
    pub plan: Option<PathBuf>,

    /// Read the times of the first and last log lines
    #[arg(long)]
    pub logs: bool,
    /// Read creation times from the kubelet's metrics (needs nodes/proxy)
    #[arg(long)]
    pub metrics: bool,
    /// Attach to running containers: the ends of the streams order stops within a second (needs pods/attach)
    #[arg(long)]
    pub attach: bool,
    /// Streams that end less than this apart order nothing
    #[arg(long, value_parser = duration, default_value = "250ms", value_name = "DURATION")]
    pub attach_margin: Duration,

    /// Keep the raw evidence
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    pub record: Option<PathBuf>,
    /// Read evidence from a recording instead of a cluster
    #[arg(long, value_name = "FILE|DIRECTORY", conflicts_with_all = ["targets", "once", "namespace", "all_namespaces", "selector"])]
    pub replay: Option<PathBuf>,
    /// Replay as slowly as it was recorded
    #[arg(long, requires = "replay")]
    pub realtime: bool,

    /// How to reach the cluster
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

/// What `-o` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Lines, timelines and tables
    Text,
    /// One JSON object per line
    Json,
}

/// What `--for` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GoalName {
    /// Succeeded, failed or gone
    Complete,
    /// Ready
    Ready,
    /// Gone
    Deleted,
    /// All apps have started
    Started,
}

impl From<GoalName> for Goal {
    fn from(name: GoalName) -> Self {
        match name {
            GoalName::Complete => Self::Complete,
            GoalName::Ready => Self::Ready,
            GoalName::Deleted => Self::Deleted,
            GoalName::Started => Self::Started,
        }
    }
}

/// A length of time as kubectl takes it: `300ms`, `90s`, `5m`, `1h30m`, or seconds.
///
/// # Errors
/// What is wrong with it.
pub(in crate::cli) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration such as 300ms, 90s, 5m or 1h30m");
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.len()
            - rest
                .trim_start_matches(|character: char| character.is_ascii_digit())
                .len();
        let (number, after) = rest.split_at(digits);
        let letters = after.len()
            - after
                .trim_start_matches(|character: char| character.is_ascii_alphabetic())
                .len();
        let (unit, after) = after.split_at(letters);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(wrong()),
        };
        let part = number.checked_mul(milliseconds).ok_or_else(wrong)?;
        total = total.checked_add(Duration::from_millis(part)).ok_or_else(wrong)?;
        rest = after;
    }
    if total.is_zero() && text.is_empty() {
        return Err(wrong());
    }
    Ok(total)
}

impl TraceArguments {
    /// Whether the arguments fit together, beyond what clap knows.
    ///
    /// # Errors
    /// What does not fit.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.connection.contexts() > 1 {
            return Err("a trace follows one cluster: name one --context".to_owned());
        }
        if self.targets.len() > 1 && self.targets.iter().any(|target| !target.contains('/')) {
            let [kind, name] = self.targets.as_slice() else {
                return Err("several targets are written TYPE/NAME".to_owned());
            };
            return Err(format!("write {kind}/{name} for the pods of one object"));
        }
        if !self.targets.is_empty() && self.selector.is_some() {
            return Err("a name and -l cannot be given together".to_owned());
        }
        if !self.targets.is_empty() && self.all_namespaces {
            return Err("a name and -A cannot be given together".to_owned());
        }
        for target in &self.targets {
            if target.split('/').any(str::is_empty) || target.matches('/').count() > 1 {
                return Err(format!("{target:?} is neither POD nor TYPE/NAME"));
            }
        }
        Ok(())
    }

    /// How declarations are to be read.
    ///
    /// # Errors
    /// Where the file of `--expect` cannot be read.
    pub(super) fn reading(&self) -> Result<Reading, TraceError> {
        let expectation = match self.expect.as_str() {
            "manifest" => Expectation::Manifest,
            "native" => Expectation::Native,
            "lifecycle" => Expectation::Lifecycle,
            path => {
                let path = PathBuf::from(path);
                let workloads = plan::workloads(&read_file(&path)?).map_err(|source| TraceError::Plan {
                    path: path.display().to_string(),
                    source,
                })?;
                Expectation::Specs(workloads.into_iter().map(|workload| workload.spec).collect())
            }
        };
        Ok(Reading {
            expectation,
            sidecars: self.sidecars.iter().cloned().collect::<BTreeSet<_>>(),
        })
    }

    /// How the engine is to judge.
    ///
    /// # Errors
    /// Where the file of `--expect` cannot be read.
    pub(super) fn settings(&self) -> Result<Settings, TraceError> {
        let margin = i64::try_from(self.attach_margin.as_millis()).unwrap_or(i64::MAX / MILLISECOND);
        Ok(Settings {
            reading: self.reading()?,
            attach_margin: margin.saturating_mul(MILLISECOND),
            attach: self.attach,
            logs: self.logs,
            metrics: self.metrics,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_kubectl_s() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("300ms"), Ok(Duration::from_millis(300)));
        assert_eq!(duration("5"), Ok(Duration::from_secs(5)));
        for wrong in ["", "s", "5x", "5s5", "-1s", "99999999999999999999h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
