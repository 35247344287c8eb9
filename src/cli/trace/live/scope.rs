//! What is traced: the arguments as selectors, names and owners.

use kube::Client;

use crate::{
    cli::trace::{TraceArguments, TraceError},
    cluster::{Owners, Selection, Target},
};

/// What is traced.
pub(super) struct Scope {
    pub(super) selection: Selection,
    pub(super) owners: Option<Owners>,
    pub(super) names: Vec<String>,
    pub(super) targets: Vec<Target>,
}

pub(super) async fn scope(
    arguments: &TraceArguments,
    client: &Client,
    default: &str,
) -> Result<Scope, TraceError> {
    let namespace = arguments.namespace.clone().unwrap_or_else(|| default.to_owned());
    let mut owners = Owners::new(client.clone());
    let (mut names, mut targets) = (Vec::new(), Vec::new());
    for target in &arguments.targets {
        match target.split_once('/') {
            Some((kind, name)) if !matches!(kind.to_lowercase().as_str(), "po" | "pod" | "pods") => {
                targets.push(owners.add(kind, name, &namespace).await?);
            }
            Some((_, name)) => names.push(name.to_owned()),
            None => names.push(target.clone()),
        }
    }
    let single = names.len() + targets.len() == 1;
    let pod = names.first().filter(|_| single).cloned();
    let labels = match targets.first() {
        Some(target) if single => target.labels.clone(),
        _ => arguments.selector.clone(),
    };
    Ok(Scope {
        selection: Selection {
            namespace: (!arguments.all_namespaces).then_some(namespace),
            labels,
            pod,
        },
        owners: (!targets.is_empty()).then_some(owners),
        names,
        targets,
    })
}
