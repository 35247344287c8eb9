//! What is traced: the arguments as selectors, names and owners.

use std::sync::Arc;

use kube::Client;

use crate::{
    cli::trace::{TraceArguments, TraceError},
    cluster::{OwnerError, Owners, Selection, Server, Target, get_json, is_type},
};

/// What is traced.
pub(super) struct Scope {
    pub(super) selection: Selection,
    pub(super) owners: Option<Owners>,
    pub(super) names: Vec<String>,
    pub(super) targets: Vec<Target>,
    /// What the user should know.
    pub(super) notes: Vec<String>,
}

pub(super) async fn scope(arguments: &TraceArguments, server: &Arc<Server>) -> Result<Scope, TraceError> {
    let named = arguments.namespace.clone();
    let namespace = named.unwrap_or_else(|| server.namespace().to_owned());
    let client = &server.client();
    let mut owners = Owners::new(Arc::clone(server));
    let (mut names, mut targets, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for target in &arguments.targets {
        match target.split_once('/') {
            Some((kind, name)) if !matches!(kind.to_lowercase().as_str(), "po" | "pod" | "pods") => {
                let target = owners.add(kind, name, &namespace).await.map_err(mistaken)?;
                if !target.is_there {
                    let what = &target.description;
                    refuse_missing_namespace(client, &namespace).await?;
                    if arguments.once {
                        return Err(TraceError::Mistaken(format!("{what} is not there")));
                    }
                    notes.push(format!("{what} is not there yet; waiting for it"));
                }
                targets.push(target);
            }
            Some((_, name)) => names.push(name.to_owned()),
            None => {
                refuse_type(client, target, &namespace).await?;
                names.push(target.clone());
            }
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
        notes,
    })
}

/// A type that the server does not have is a mistake of who typed it.
fn mistaken(error: OwnerError) -> TraceError {
    match error {
        OwnerError::UnknownType(_) => TraceError::Mistaken(error.to_string()),
        OwnerError::Request(error) => error.into(),
    }
}

/// The answer to whether an object is there; `None` where it may not be asked for.
async fn is_there(client: &Client, path: &str, name: &str) -> Option<bool> {
    match get_json::<serde_json::Value>(client, path).await {
        Ok(_) => Some(true),
        // The server names what it has not found; another 404 is about the path.
        Err(error) if error.code() == Some(404) && error.to_string().contains(&format!("{name:?}")) => {
            Some(false)
        }
        Err(_) => None,
    }
}

/// Refuses a namespace that is not there.
pub(super) async fn refuse_missing_namespace(client: &Client, namespace: &str) -> Result<(), TraceError> {
    match is_there(client, &format!("/api/v1/namespaces/{namespace}"), namespace).await {
        Some(false) => Err(TraceError::Mistaken(format!("there is no namespace {namespace}"))),
        _ => Ok(()),
    }
}

/// Refuses the name of a type where no pod has that name.
async fn refuse_type(client: &Client, word: &str, namespace: &str) -> Result<(), TraceError> {
    if !is_type(word) {
        return Ok(());
    }
    let path = format!("/api/v1/namespaces/{namespace}/pods/{word}");
    match is_there(client, &path, word).await {
        Some(false) => Err(TraceError::Mistaken(format!(
            "{word} is a type, and no pod has that name: write {word}/NAME, or nothing for all pods of the namespace"
        ))),
        _ => Ok(()),
    }
}
