//! What completes which argument, by the argument's name in whatever command it is.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
    sync::Arc,
};

use clap::{Arg, Command, ValueEnum};
use clap_complete::{
    ArgValueCandidates, ArgValueCompleter, CompletionCandidate, PathCompleter, engine::ValueCompleter,
};

use super::scope::Scope;
use crate::{
    cli::{output::OutputFormat, version::kubernetes_versions},
    cluster::pod_owners,
    rules::{Family, RULES},
};

/// Attaches the candidates to all arguments of a command and of those below it. `typed` is what is asked with.
pub(super) fn attach(command: Command, typed: &[OsString]) -> Command {
    let typed: Arc<[OsString]> = typed.into();
    attach_all(command, &typed)
}

fn attach_all(command: Command, typed: &Arc<[OsString]>) -> Command {
    command
        .mut_args(|argument| attach_one(argument, typed))
        .mut_subcommands(|inner| attach_all(inner, typed))
}

fn attach_one(argument: Arg, typed: &Arc<[OsString]>) -> Arg {
    let scope = {
        let typed = Arc::clone(typed);
        move || Scope::of(&typed)
    };
    match argument.get_id().as_str() {
        "rule" => argument.add(ArgValueCandidates::new(rules)),
        "select" | "ignore" => argument.add(ArgValueCandidates::new(|| {
            families().into_iter().chain(rules()).collect()
        })),
        "kubernetes_version" => argument.add(ArgValueCandidates::new(|| candidates(kubernetes_versions()))),
        "outputs" => argument.add(ArgValueCompleter::new(outputs)),
        "paths" => {
            let typed = Arc::clone(typed);
            argument.add(ArgValueCompleter::new(move |current: &OsStr| {
                if means_a_cluster(&typed) {
                    live_targets(&scope(), current)
                } else {
                    manifests().complete(current)
                }
            }))
        }
        "filename" => argument.add(ArgValueCompleter::new(manifests())),
        "context" => argument.add(ArgValueCandidates::new(move || {
            candidates(scope().kubeconfig().contexts)
        })),
        "cluster" => argument.add(ArgValueCandidates::new(move || {
            candidates(scope().kubeconfig().clusters)
        })),
        "user" => argument.add(ArgValueCandidates::new(move || {
            candidates(scope().kubeconfig().users)
        })),
        "namespace" => argument.add(ArgValueCandidates::new(move || candidates(scope().namespaces()))),
        "targets" => argument.add(ArgValueCompleter::new(move |current: &OsStr| {
            targets(&scope(), current)
        })),
        _ => argument,
    }
}

fn candidates(names: impl IntoIterator<Item = String>) -> Vec<CompletionCandidate> {
    names.into_iter().map(CompletionCandidate::new).collect()
}

fn rules() -> Vec<CompletionCandidate> {
    let described = |rule: &&crate::rules::RuleInfo| {
        CompletionCandidate::new(rule.name).help(Some(rule.summary.to_owned().into()))
    };
    RULES.iter().map(described).collect()
}

fn families() -> Vec<CompletionCandidate> {
    Family::ALL
        .iter()
        .map(|family| {
            CompletionCandidate::new(family.name()).help(Some("all rules of the family".to_owned().into()))
        })
        .collect()
}

/// `FORMAT`, or `FORMAT=FILE`.
fn outputs(current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(current) = current.to_str() else {
        return Vec::new();
    };
    match current.split_once('=') {
        Some((format, file)) => PathCompleter::file()
            .complete(OsStr::new(file))
            .into_iter()
            .map(|candidate| candidate.add_prefix(format!("{format}=")))
            .collect(),
        None => OutputFormat::value_variants()
            .iter()
            .filter_map(ValueEnum::to_possible_value)
            .filter(|value| value.get_name().starts_with(current))
            .map(|value| CompletionCandidate::new(value.get_name()).help(value.get_help().cloned()))
            .collect(),
    }
}

/// What `lint` reads: manifests, and the directories they may be in.
fn manifests() -> impl ValueCompleter {
    let is_manifest = |path: &Path| {
        let suffix = path.extension().and_then(OsStr::to_str);
        path.is_file() && matches!(suffix, Some("yaml" | "yml" | "json"))
    };
    PathCompleter::any().filter(is_manifest).stdio()
}

/// Whether a flag says that objects of a cluster are meant, and no files.
fn means_a_cluster(typed: &[OsString]) -> bool {
    typed.iter().filter_map(|word| word.to_str()).any(|word| {
        let flag = word.split('=').next().unwrap_or_default();
        matches!(
            flag,
            "--live"
                | "-n"
                | "--namespace"
                | "-A"
                | "--all-namespaces"
                | "-l"
                | "--selector"
                | "--field-selector"
                | "--context"
        )
    })
}

/// `TYPE/` or `TYPE/NAME`.
fn live_targets(scope: &Scope, current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(current) = current.to_str() else {
        return Vec::new();
    };
    let mut found: Vec<String> = match current.split_once('/') {
        Some((kind, _)) => of_kind(scope, kind),
        None => pod_owners().map(|kind| format!("{kind}/")).collect(),
    };
    found.retain(|candidate| candidate.starts_with(current));
    candidates(found)
}

fn of_kind(scope: &Scope, kind: &str) -> Vec<String> {
    let named = |name| format!("{kind}/{name}");
    scope.objects(kind).into_iter().map(named).collect()
}

/// `POD`, `TYPE/` or `TYPE/NAME`.
fn targets(scope: &Scope, current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(current) = current.to_str() else {
        return Vec::new();
    };
    let mut found: Vec<String> = match current.split_once('/') {
        Some((kind, _)) => of_kind(scope, kind),
        None => {
            let kinds = pod_owners().map(|kind| format!("{kind}/"));
            scope.objects("pod").into_iter().chain(kinds).collect()
        }
    };
    found.retain(|candidate| candidate.starts_with(current));
    candidates(found)
}
