//! `version`: what this program is made of and what it knows.

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{Error, ExitStatus, target::NATIVE_SINCE};
use crate::pod::KubernetesVersion;

/// The newest Kubernetes whose API and kubelet this was built and tried with.
const NEWEST_KUBERNETES: KubernetesVersion = (1, 37);

/// The documents that programs read and write, `schemas/NAME.vVERSION.json`.
const SCHEMAS: [Schema; 4] = [
    Schema::new("config", 1),
    Schema::new("lint", 1),
    Schema::new("policy-check", 1),
    Schema::new("trace", 1),
];

/// The commit, where it is known: see `build.rs`.
const COMMIT: Option<&str> = option_env!("KUBECTL_SIDECAR_COMMIT");

/// Say which version this is, and which Kubernetes and schemas it knows
#[derive(Debug, Args)]
pub(super) struct VersionArguments {
    /// How to print it
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: VersionFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum VersionFormat {
    /// Lines
    Text,
    /// One JSON object
    Json,
}

#[derive(Debug, Serialize)]
struct Version {
    version: &'static str,
    /// Absent in a build that was made from neither a clone nor a package.
    commit: Option<&'static str>,
    kubernetes: KubernetesRange,
    schemas: [Schema; SCHEMAS.len()],
}

#[derive(Debug, Serialize)]
struct KubernetesRange {
    oldest: String,
    newest: String,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Schema {
    name: &'static str,
    version: u32,
}

impl Schema {
    const fn new(name: &'static str, version: u32) -> Self {
        Self { name, version }
    }
}

/// Runs `version`.
pub(super) fn run(arguments: &VersionArguments, program: &str) -> Result<ExitStatus, Error> {
    let version = Version {
        version: env!("CARGO_PKG_VERSION"),
        commit: COMMIT,
        kubernetes: KubernetesRange {
            oldest: named(NATIVE_SINCE),
            newest: named(NEWEST_KUBERNETES),
        },
        schemas: SCHEMAS,
    };
    let text = match arguments.output {
        VersionFormat::Text => version.text(program),
        VersionFormat::Json => serde_json::to_string_pretty(&version).map_err(io::Error::from)? + "\n",
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitStatus::Success)
}

/// The minor versions that can be meant by `--kubernetes-version`, the newest first.
pub(super) fn kubernetes_versions() -> impl Iterator<Item = String> {
    let (major, newest) = NEWEST_KUBERNETES;
    (NATIVE_SINCE.1..=newest)
        .rev()
        .map(move |minor| named((major, minor)))
}

fn named((major, minor): KubernetesVersion) -> String {
    format!("{major}.{minor}")
}

impl Version {
    fn text(&self, program: &str) -> String {
        let schemas: Vec<String> = self
            .schemas
            .iter()
            .map(|schema| format!("{} v{}", schema.name, schema.version))
            .collect();
        format!(
            "{program} {}\ncommit:     {}\nKubernetes: {} to {}\nschemas:    {}\n",
            self.version,
            self.commit
                .unwrap_or("unknown (neither a release build nor a package)"),
            self.kubernetes.oldest,
            self.kubernetes.newest,
            schemas.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    #[test]
    fn the_schemas_are_those_in_the_repository() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
        let files: BTreeSet<String> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let known: BTreeSet<String> = SCHEMAS
            .iter()
            .map(|schema| format!("{}.v{}.json", schema.name, schema.version))
            .collect();
        assert_eq!(files, known);
    }

    #[test]
    fn the_newest_kubernetes_is_the_one_that_is_built_for() {
        let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
        let feature = format!("\"v{}_{}\"", NEWEST_KUBERNETES.0, NEWEST_KUBERNETES.1);
        assert!(manifest.contains(&feature), "Cargo.toml has no feature {feature}");
    }
}
