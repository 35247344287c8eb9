//! `policy promote`: prints the policy that promotes declared sidecars.

use std::io::{self, Write};

use clap::{Args, ValueEnum};

use super::{
    super::{Error, ExitStatus},
    session::missing,
};
use crate::{
    cli::kubernetes_version::parse_version,
    pod::KubernetesVersion,
    policy::{Gate, MUTATING_SINCE, OnConflict, PolicyObject, Promotion},
};

/// Print a policy by which declared sidecars become native ones when a pod is created
///
/// A pod declares them by the annotation `kubectl-sidecar/sidecars: proxy,shipper` on its template; --names and --known
/// declare them for all pods. They start behind the init containers, or before them where the pod is annotated
/// `kubectl-sidecar/position: first`. Print, look, and `kubectl apply`, or `policy install`.
#[derive(Debug, Args)]
pub(super) struct PromoteArguments {
    #[command(flatten)]
    pub(super) promotion: PromotionArguments,
    /// The policy's name
    #[arg(long, value_name = "NAME", default_value = Promotion::DEFAULT_NAME)]
    pub(super) policy_name: String,
    /// The Kubernetes version of the cluster, such as 1.34
    #[arg(long, value_name = "VERSION", value_parser = parse_version)]
    kubernetes_version: Option<KubernetesVersion>,
}

/// What is promoted, and how.
#[derive(Debug, Args)]
pub(super) struct PromotionArguments {
    /// Containers of these names are sidecars in every pod
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    names: Vec<String>,
    /// So are injected sidecars that no switch of the pod makes native in every version: Dapr's, Vault's, Consul's, Kuma's
    #[arg(long)]
    known: bool,
    /// Only pods in namespaces with such labels, such as team=a,env in (test,stage)
    #[arg(long, value_name = "SELECTOR")]
    namespace_selector: Option<String>,
    /// Also pods in kube-system
    #[arg(long)]
    include_kube_system: bool,
    /// What the app waits for: NAME=readiness or NAME=none [default: readiness, unless it waits for the app itself]
    #[arg(long, value_name = "NAME=GATE", value_delimiter = ',', value_parser = gate)]
    gate: Vec<(String, Gate)>,
    /// What becomes of a pod whose sidecars cannot be promoted
    #[arg(long, value_name = "WHAT", default_value = "ignore")]
    on_conflict: ConflictChoice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ConflictChoice {
    /// It is refused
    Deny,
    /// It stays as it is, with a warning
    Ignore,
}

impl PromotionArguments {
    /// As the policy takes it.
    pub(super) fn promotion(&self) -> Promotion {
        Promotion {
            names: self.names.clone(),
            known: self.known,
            gates: self.gate.iter().cloned().collect(),
            namespace_selector: self.namespace_selector.clone(),
            include_kube_system: self.include_kube_system,
            on_conflict: match self.on_conflict {
                ConflictChoice::Deny => OnConflict::Deny,
                ConflictChoice::Ignore => OnConflict::Ignore,
            },
        }
    }
}

impl PromoteArguments {
    /// The objects to print or install.
    pub(super) fn objects(&self, program: &str) -> Result<Vec<PolicyObject>, Error> {
        if let Some(version) = self
            .kubernetes_version
            .filter(|version| *version < MUTATING_SINCE)
        {
            let place = format!("Kubernetes {}.{}", version.0, version.1);
            return Err(Error::Usage(missing(
                &place,
                "MutatingAdmissionPolicy",
                MUTATING_SINCE,
                program,
            )));
        }
        self.promotion
            .promotion()
            .objects(&self.policy_name)
            .map_err(|error| Error::Usage(error.to_string()))
    }
}

/// `daprd=readiness`
fn gate(text: &str) -> Result<(String, Gate), String> {
    let (name, gate) = text
        .split_once('=')
        .ok_or("a gate is NAME=readiness or NAME=none")?;
    match gate {
        "readiness" => Ok((name.to_owned(), Gate::Readiness)),
        "none" => Ok((name.to_owned(), Gate::None)),
        other => Err(format!("{other:?} is no gate; it is readiness or none")),
    }
}

/// Runs `policy promote`.
pub(super) fn run(arguments: &PromoteArguments, program: &str) -> Result<ExitStatus, Error> {
    print(&arguments.objects(program)?)?;
    Ok(ExitStatus::Success)
}

/// Prints objects as documents of one stream.
pub(super) fn print(objects: &[PolicyObject]) -> io::Result<()> {
    let texts: Vec<&str> = objects.iter().map(|object| object.text.as_str()).collect();
    io::stdout().lock().write_all(texts.join("---\n").as_bytes())
}
