//! `policy guard`: prints the policies that warn of new workarounds, or refuse them.

use clap::{Args, ValueEnum};

use super::{
    super::{Error, ExitStatus, warn},
    promote::print,
    session::missing,
};
use crate::{
    cli::kubernetes_version::parse_version,
    pod::KubernetesVersion,
    policy::{GUARDING_SINCE, Guard, GuardAction, PolicyObject, why_not},
    rules::{RULES, RuleInfo, Severity},
    suppress::Choice,
};

/// Print policies that warn of new sidecar workarounds, or refuse them
///
/// Each rule that CEL can recognise becomes a ValidatingAdmissionPolicy on workloads and their pod templates. It asks for
/// more signs than `lint` does, so as never to stop what is no workaround; those that it cannot express are named on
/// standard error. What is there already may stay: an update is refused only where the workaround is new.
#[derive(Debug, Args)]
pub(super) struct GuardArguments {
    /// Guard against these rules or families only [default: all that CEL can express, from warnings on]
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    select: Vec<String>,
    /// What becomes of an object with a new workaround
    #[arg(long, value_name = "WHAT", default_value = "warn")]
    action: ActionChoice,
    /// Only objects in namespaces with such labels, such as team=a,env in (test,stage)
    #[arg(long, value_name = "SELECTOR")]
    namespace_selector: Option<String>,
    /// Also objects in kube-system
    #[arg(long)]
    include_kube_system: bool,
    /// What the policies' names begin with
    #[arg(long, value_name = "NAME", default_value = Guard::DEFAULT_NAME)]
    policy_name: String,
    /// The Kubernetes version of the cluster, such as 1.34
    #[arg(long, value_name = "VERSION", value_parser = parse_version)]
    kubernetes_version: Option<KubernetesVersion>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ActionChoice {
    /// The sender is warned
    Warn,
    /// It is refused
    Deny,
    /// It is noted in the audit log
    Audit,
}

impl GuardArguments {
    /// The objects to print or install; tells which rules are no expressions.
    pub(super) fn objects(&self, program: &str) -> Result<Vec<PolicyObject>, Error> {
        if let Some(version) = self
            .kubernetes_version
            .filter(|version| *version < GUARDING_SINCE)
        {
            let place = format!("Kubernetes {}.{}", version.0, version.1);
            let kind = "ValidatingAdmissionPolicy";
            return Err(Error::Usage(missing(&place, kind, GUARDING_SINCE, program)));
        }
        let rules = self.rules()?;
        for rule in &rules {
            if let Some(reason) = why_not(rule) {
                warn(&format!("{} is not guarded against: {reason}", rule.name));
            }
        }
        let guard = Guard {
            action: match self.action {
                ActionChoice::Warn => GuardAction::Warn,
                ActionChoice::Deny => GuardAction::Deny,
                ActionChoice::Audit => GuardAction::Audit,
            },
            namespace_selector: self.namespace_selector.clone(),
            include_kube_system: self.include_kube_system,
        };
        let objects = guard
            .objects(&self.policy_name, &rules)
            .map_err(|error| Error::Usage(error.to_string()))?;
        if objects.is_empty() {
            return Err(Error::Usage(
                "none of these rules can be expressed in a policy".to_owned(),
            ));
        }
        Ok(objects)
    }

    fn rules(&self) -> Result<Vec<&'static RuleInfo>, Error> {
        let choices = self
            .select
            .iter()
            .map(|name| Choice::parse(name.trim(), RULES))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Error::Usage(error.to_string()))?;
        let is_meant = |rule: &RuleInfo| match choices.as_slice() {
            [] => rule.severity >= Severity::Warning,
            choices => choices.iter().any(|choice| choice.covers(rule)),
        };
        Ok(RULES.iter().copied().filter(|rule| is_meant(rule)).collect())
    }
}

/// Runs `policy guard`.
pub(super) fn run(arguments: &GuardArguments, program: &str) -> Result<ExitStatus, Error> {
    print(&arguments.objects(program)?)?;
    Ok(ExitStatus::Success)
}
