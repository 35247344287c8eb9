//! `policy check`: what is there, what could be done, and what it would do. Nothing is changed.

mod report;
mod standing;

use std::io::{self, BufWriter, Write};

use clap::{Args, ValueEnum};

use super::{
    super::{ConnectionArguments, Error, ExitStatus},
    promote::PromotionArguments,
    session::{RESOURCES, Session, converse},
    survey::survey,
};
use crate::{cluster::may, policy::Promotion, report::write_pretty};

pub use report::PolicyCheck;
use report::{Findings, Head};
use standing::{guards, standing};

/// Say what a promotion would do to the cluster's workloads, and whether it can be installed
///
/// Where the policy is installed, the server tries a pod of each workload (dry-run). Where it is not, the server tries
/// the pod as it is and as the policy would make it. Custom resources with a pod template are workloads too. Nothing is
/// changed.
#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    promotion: PromotionArguments,
    /// The policy's name
    #[arg(long, value_name = "NAME", default_value = Promotion::DEFAULT_NAME)]
    policy_name: String,
    /// Only workloads of this namespace [default: all]
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,
    /// Show the pods that would be changed, before and after
    #[arg(long)]
    diff: bool,
    /// How to print it
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: CheckFormat,
    #[command(flatten)]
    connection: ConnectionArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CheckFormat {
    /// Sentences
    Text,
    /// The JSON of schemas/policy-check.v1.json
    Json,
}

/// Runs `policy check`.
pub(super) fn run(arguments: &CheckArguments, program: &str) -> Result<ExitStatus, Error> {
    let asked = arguments.promotion.promotion();
    asked.check().map_err(|error| Error::Usage(error.to_string()))?;
    let is_text = arguments.output == CheckFormat::Text;
    if arguments.diff && !is_text {
        return Err(Error::Usage("--diff is for text, not for -o json".to_owned()));
    }
    converse(async {
        let session = Session::open(&arguments.connection, program).await?;
        session.needs_mutating()?;
        let mut out = BufWriter::new(io::stdout().lock());
        let missing_rights = missing_rights(&session).await?;
        let held = session.installed().await?;
        let head = Head {
            kubernetes_version: session
                .api
                .version
                .map(|(major, minor)| format!("{major}.{minor}")),
            missing_rights,
            promotion: standing(&held, &arguments.policy_name, &asked)?,
            guards: guards(&held),
        };
        if is_text {
            head.print(&session.version(), program, &mut out)?;
            out.flush()?;
        }
        let promotion = &head.promotion;
        let namespace = arguments.namespace.as_deref();
        let survey = survey(
            &session.server,
            &promotion.options,
            promotion.installed.is_some(),
            namespace,
        )
        .await?;
        let is_fine = head.is_fine() && survey.is_fine();
        let has_seen_all = survey.unread.is_empty();
        let findings = Findings::from(survey);
        if is_text {
            findings.print(arguments.diff, &mut out)?;
        } else {
            let report = PolicyCheck::new(head, findings);
            write_pretty(&mut out, &report)?;
            writeln!(out)?;
        }
        out.flush()?;
        Ok(match is_fine {
            _ if !has_seen_all => ExitStatus::Unread,
            true => ExitStatus::Success,
            false => ExitStatus::Found,
        })
    })
}

/// What whoever asks may not do to policies, of what it takes to install and remove them.
async fn missing_rights(session: &Session) -> Result<Vec<String>, Error> {
    let mut missing = Vec::new();
    for resource in RESOURCES {
        for verb in ["create", "patch", "delete"] {
            if !may(&session.server, verb, resource).await? {
                missing.push(format!("{verb} {resource}"));
            }
        }
    }
    Ok(missing)
}
