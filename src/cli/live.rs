//! Which objects of which clusters: kubectl's flags, as `lint` and `migrate` take them.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{ConnectionArguments, Error};
use crate::cluster::{Connection, Filter, built_in};

/// Live objects instead of files.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Cluster")]
pub(super) struct LiveArguments {
    /// Read objects from the cluster, named as TYPE or TYPE/NAME
    #[arg(long)]
    live: bool,
    /// The namespace [default: the context's]
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,
    /// All namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
    /// Only objects with these labels
    #[arg(short = 'l', long, value_name = "LABELS")]
    selector: Option<String>,
    /// Only objects with these fields, such as metadata.name=web
    #[arg(long, value_name = "FIELDS")]
    field_selector: Option<String>,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// What of a cluster is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LiveScope {
    /// The namespace that was named; the context's otherwise.
    pub(super) namespace: Option<String>,
    pub(super) all_namespaces: bool,
    pub(super) filter: Filter,
    /// What was named; nothing for everything that has pods.
    pub(super) targets: Vec<LiveTarget>,
}

/// `TYPE` or `TYPE/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LiveTarget {
    /// As it was typed: `deploy`, `rollouts.argoproj.io`.
    pub(super) kind: String,
    /// The object; `None` for all of the type.
    pub(super) name: Option<String>,
}

impl LiveArguments {
    /// Whether anything says that a cluster is meant.
    pub(super) fn is_asked_for(&self) -> bool {
        self.live
            || self.namespace.is_some()
            || self.all_namespaces
            || self.selector.is_some()
            || self.field_selector.is_some()
            || self.connection.is_given()
    }

    /// The namespace that was named, where no other flag says that a cluster is meant: for kubectl, `-f FILE -n NAME`
    /// is about files.
    pub(super) fn namespace_alone(&self) -> Option<&str> {
        let others = Self {
            namespace: None,
            ..self.clone()
        };
        self.namespace.as_deref().filter(|_| !others.is_asked_for())
    }

    /// Refuses files that are named together with a flag of kubectl's, which makes the words types of objects.
    ///
    /// # Errors
    /// There is one.
    pub(super) fn refuse_files(&self, named: &[PathBuf], command: &str, program: &str) -> Result<(), Error> {
        let is_file = |path: &&PathBuf| path.exists() && !path.to_str().is_some_and(is_type);
        let Some(file) = named.iter().find(is_file).filter(|_| !self.live) else {
            return Ok(());
        };
        let file = file.display();
        let meant = match self.namespace_alone() {
            Some(namespace) => format!(
                "; to read it as a file of that namespace: {program} {command} -f {file} -n {namespace}"
            ),
            None => format!("; to read it leave them out: {program} {command} {file}"),
        };
        Err(Error::Usage(format!(
            "{file} is a file, and flags for a cluster take TYPE or TYPE/NAME{meant}"
        )))
    }

    /// A connection for each `--context`, at least one.
    pub(super) fn connections(&self) -> Vec<Connection> {
        self.connection.connections()
    }

    /// Reads what was named as kubectl does: `TYPE`, `TYPE,TYPE`, `TYPE NAME…` or `TYPE/NAME…`.
    ///
    /// # Errors
    /// What makes no sense, or makes none together.
    pub(super) fn scope(&self, named: &[PathBuf]) -> Result<LiveScope, Error> {
        let targets = targets(named)?;
        let names = targets.iter().any(|target| target.name.is_some());
        if names && self.all_namespaces {
            return Err(Error::Usage(
                "an object has one namespace: name it with -n instead of -A".to_owned(),
            ));
        }
        if names && (self.selector.is_some() || self.field_selector.is_some()) {
            return Err(Error::Usage(
                "a name and a selector cannot be given together".to_owned(),
            ));
        }
        Ok(LiveScope {
            namespace: self.namespace.clone(),
            all_namespaces: self.all_namespaces,
            filter: Filter {
                labels: self.selector.clone(),
                fields: self.field_selector.clone(),
            },
            targets,
        })
    }
}

fn targets(named: &[PathBuf]) -> Result<Vec<LiveTarget>, Error> {
    let words = named
        .iter()
        .map(|word| {
            word.to_str()
                .ok_or_else(|| Error::Usage(format!("{} is neither TYPE nor TYPE/NAME", word.display())))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let kinds = |list: &str| -> Vec<String> { list.split(',').map(str::to_owned).collect() };
    let targets: Vec<LiveTarget> = match words.as_slice() {
        [types] if !types.contains('/') => kinds(types)
            .into_iter()
            .map(|kind| LiveTarget { kind, name: None })
            .collect(),
        [types, names @ ..] if !types.contains('/') && names.iter().all(|name| !name.contains('/')) => {
            kinds(types)
                .into_iter()
                .flat_map(|kind| {
                    names.iter().map(move |name| LiveTarget {
                        kind: kind.clone(),
                        name: Some((*name).to_owned()),
                    })
                })
                .collect()
        }
        words => words
            .iter()
            .map(|word| match word.split_once('/') {
                Some((kind, name)) => Ok(LiveTarget {
                    kind: kind.to_owned(),
                    name: Some(name.to_owned()),
                }),
                None => Err(Error::Usage(format!(
                    "{word:?} has no name: write TYPE/NAME for each object"
                ))),
            })
            .collect::<Result<_, _>>()?,
    };
    let broken = |target: &&LiveTarget| {
        target.kind.is_empty()
            || target
                .name
                .as_ref()
                .is_some_and(|name| name.is_empty() || name.contains('/'))
    };
    match targets.iter().find(broken) {
        Some(target) => Err(Error::Usage(format!(
            "{:?} is neither TYPE nor TYPE/NAME{}",
            match &target.name {
                Some(name) => format!("{}/{name}", target.kind),
                None => target.kind.clone(),
            },
            if named.iter().any(|word| word.exists()) {
                "; with --live and kubectl's flags the cluster is looked at, and no file"
            } else {
                ""
            }
        ))),
        None => Ok(targets),
    }
}

/// Refuses a path that is not there and looks like an object of the cluster, or a type of objects.
///
/// # Errors
/// There is one.
pub(super) fn refuse_targets(paths: &[PathBuf], command: &str, program: &str) -> Result<(), Error> {
    let words = || paths.iter().map(|path| path.display().to_string());
    let meant = match paths.iter().find(|path| !path.exists()) {
        Some(target) if looks_like_target(target) => target.display().to_string(),
        // kubectl's `TYPE NAME…`: all words belong together.
        Some(first) if paths.first() == Some(first) && first.to_str().is_some_and(is_type) => {
            words().collect::<Vec<_>>().join(" ")
        }
        _ => return Ok(()),
    };
    let missing = meant.split(' ').next().unwrap_or_default();
    Err(Error::Usage(format!(
        "{missing}: there is no such file; for the cluster's add --live: {program} {command} --live {meant}"
    )))
}

/// Whether a word is `TYPE` or `TYPE,TYPE`, of types with pods that every cluster has.
fn is_type(word: &str) -> bool {
    let is_one = |one: &str| {
        let mut with_pods = built_in().filter(|collection| collection.kind != "Node");
        with_pods.any(|collection| collection.answers_to(one)) || one.eq_ignore_ascii_case("podtemplates")
    };
    word.split(',').all(is_one)
}

/// Whether a path that is not there was meant as an object of the cluster: `deploy/web`.
fn looks_like_target(path: &Path) -> bool {
    let Some(text) = path.to_str() else {
        return false;
    };
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '.'))
            && word.starts_with(|first: char| first.is_ascii_alphanumeric())
    };
    let is_file = [".yaml", ".yml", ".json", ".tpl"]
        .iter()
        .any(|suffix| text.ends_with(suffix));
    !is_file
        && text
            .split_once('/')
            .is_some_and(|(kind, name)| is_word(kind) && is_word(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Vec<String>, String> {
        let words: Vec<PathBuf> = words.iter().map(PathBuf::from).collect();
        targets(&words)
            .map(|targets| {
                targets
                    .into_iter()
                    .map(|target| match target.name {
                        Some(name) => format!("{}/{name}", target.kind),
                        None => target.kind,
                    })
                    .collect()
            })
            .map_err(|error| error.to_string())
    }

    #[test]
    fn targets_are_written_as_for_kubectl() {
        let read_well = |words: &[&str]| read(words).unwrap().join(" ");
        assert_eq!(read_well(&[]), "");
        assert_eq!(read_well(&["deploy"]), "deploy");
        assert_eq!(read_well(&["deploy,sts"]), "deploy sts");
        assert_eq!(read_well(&["deploy", "web", "api"]), "deploy/web deploy/api");
        assert_eq!(read_well(&["deploy/web", "cj/x"]), "deploy/web cj/x");
        for wrong in [
            &["deploy/web", "cj"][..],
            &["deploy/"],
            &["/web"],
            &["a/b/c"],
            &[","],
        ] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn paths_do_not_look_like_objects() {
        for (path, expected) in [
            ("deploy/web", true),
            ("rollouts.argoproj.io/web", true),
            ("deploy/web.yaml", false),
            ("deploy", false),
            ("./web", false),
            ("a/b/c", false),
            ("/web", false),
        ] {
            assert_eq!(looks_like_target(Path::new(path)), expected, "{path}");
        }
    }
}
