//! `.kubectl-sidecar.yaml`: its form, and where it is found.

mod of_inputs;
mod places;

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

pub(super) use of_inputs::Configurations;
use places::Places;

use super::{kubernetes_version::parse_version, mesh, severity::Threshold};
use crate::{
    catalogue::injector::Meshes,
    pod::Target,
    roles::{Catalogue, KnownSidecar},
    rules::{RULES, Severity},
    source::{Pattern, plain},
    suppress::{Choice, Ignore, IgnoreMatcher},
    yaml,
};

/// The configuration of kubectl-sidecar, `.kubectl-sidecar.yaml`.
///
/// It is found upwards from each input, up to the root of the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(title = "kubectl-sidecar configuration, version 1")]
pub struct Configuration {
    /// Report these rules or families only.
    pub select: Vec<String>,
    /// Do not report these rules or families.
    pub ignore: Vec<String>,
    /// Files that are not looked at: globs over paths relative to the configuration's directory, `charts/**`. One
    /// without a slash is the name of a file or of a directory, wherever it is.
    pub exclude: Vec<String>,
    /// Findings that are not reported, by file, object, container and rule.
    pub ignores: Vec<Ignore>,
    /// Sidecars that the catalogue does not know.
    pub sidecars: Vec<KnownSidecar>,
    /// The Kubernetes version that the manifests are for: "1.29".
    pub kubernetes_version: Option<String>,
    /// The versions of the injectors that add sidecars to the pods: `istio: "1.27"`, `linkerd: edge-25.4.1`.
    pub meshes: BTreeMap<String, String>,
    /// How a sidecar is to be declared.
    pub target: Option<Target>,
    /// The charts that are rendered with more than their own values.
    pub charts: Vec<ChartValues>,
    /// The least severity to report.
    pub min_severity: Option<Severity>,
    /// The least severity that makes the exit code 1.
    pub fail_on: Option<Threshold>,
}

/// How a chart is used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChartValues {
    /// The chart's directory, from the configuration's: `charts/shop`.
    pub path: String,
    /// Files of values, from the chart's directory: `[[values-prod.yaml], [values-test.yaml, values-small.yaml]]`. Each
    /// list is one way in which the chart is used, its files merged in their order.
    pub values: Vec<Vec<String>>,
}

/// A configuration could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// It could not be opened.
    #[error("{path}: the configuration cannot be read: {}", plain(source))]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// Something in it is wrong.
    #[error("{path}:{line}:{column}: {message}")]
    Wrong {
        /// The file.
        path: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
}

/// A configuration with everything in it understood.
#[derive(Debug)]
pub(super) struct Loaded {
    /// The directory that its globs are relative to.
    pub(super) directory: PathBuf,
    pub(super) configuration: Configuration,
    pub(super) ignores: Vec<IgnoreMatcher>,
    /// What is not looked at.
    excluded: Vec<Pattern>,
    pub(super) kubernetes_version: Option<(u32, u32)>,
    pub(super) meshes: Meshes,
}

impl Loaded {
    /// What holds where there is no configuration.
    pub(super) fn none() -> Self {
        Self {
            directory: PathBuf::from("."),
            configuration: Configuration::default(),
            ignores: Vec::new(),
            excluded: Vec::new(),
            kubernetes_version: None,
            meshes: Meshes::default(),
        }
    }

    /// Reads a configuration.
    pub(super) fn read(path: &Path) -> Result<Self, ConfigurationError> {
        let name = path.display().to_string();
        let text = read_text(path).map_err(|source| ConfigurationError::Read {
            path: name.clone(),
            source,
        })?;
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        Self::parse(&text, &name, directory)
    }

    fn parse(text: &str, name: &str, directory: PathBuf) -> Result<Self, ConfigurationError> {
        let places = Places::new(text, name);
        // It has bounds, which libyaml has not: its time grows with the square of the depth.
        let stream = yaml::parse(text)
            .map_err(|error| places.error(error.line, error.column, error.message.clone()))?;
        let places = places.of(stream.root(0));
        let lines_of_ignores = places.lines_of("ignores");
        let configuration: Option<Configuration> =
            serde_yaml::from_str(text).map_err(|error| places.malformed(&error))?;
        let configuration = configuration.unwrap_or_default();
        for (key, names) in [
            ("select", &configuration.select),
            ("ignore", &configuration.ignore),
        ] {
            for (index, rule) in names.iter().enumerate() {
                Choice::parse(rule, RULES).map_err(|error| places.wrong(&[key], Some(index), &error))?;
            }
        }
        let mut ignores = Vec::new();
        for (index, ignore) in configuration.ignores.iter().enumerate() {
            let wrong = |error: &dyn std::fmt::Display| places.wrong(&["ignores"], Some(index), error);
            if ignore.is_boundless() {
                return Err(wrong(
                    &"this would ignore everything; name a file, kind, name, container or rules",
                ));
            }
            for rule in &ignore.rules {
                Choice::parse(rule, RULES).map_err(|error| wrong(&error))?;
            }
            let line = lines_of_ignores.get(index).copied();
            let matcher = IgnoreMatcher::new(ignore.clone(), name, line).map_err(|error| wrong(&error))?;
            ignores.push(matcher);
        }
        let mut excluded = Vec::new();
        for (index, glob) in configuration.exclude.iter().enumerate() {
            for pattern in patterns_of_exclude(glob) {
                let pattern = Pattern::new(&pattern, false);
                excluded.push(pattern.map_err(|error| places.wrong(&["exclude"], Some(index), &error))?);
            }
        }
        let kubernetes_version = configuration
            .kubernetes_version
            .as_deref()
            .map(parse_version)
            .transpose()
            .map_err(|error| places.wrong(&["kubernetesVersion"], None, &error))?;
        let meshes = mesh::configured(&configuration.meshes)
            .map_err(|(name, error)| places.wrong(&["meshes", name], None, &error))?;
        for (index, sidecar) in configuration.sidecars.iter().enumerate() {
            if sidecar.name.is_empty() || (sidecar.images.is_empty() && sidecar.containers.is_empty()) {
                let missing = "a sidecar needs a name, and images or containers to know it by";
                return Err(places.wrong(&["sidecars"], Some(index), &missing));
            }
        }
        Catalogue::extended(configuration.sidecars.clone())
            .map_err(|error| places.wrong(&["sidecars"], None, &error))?;
        Ok(Self {
            directory,
            configuration,
            ignores,
            excluded,
            kubernetes_version,
            meshes,
        })
    }

    /// Whether a file of this path, as [`Loaded::relative`] gives it, is not to be looked at.
    pub(super) fn excludes(&self, file: &str) -> bool {
        self.excluded.iter().any(|pattern| pattern.is_match(file))
    }

    /// Whether the configuration excludes anything.
    pub(super) fn has_excludes(&self) -> bool {
        !self.excluded.is_empty()
    }

    /// The path of a file from the configuration's directory; as it is named where it is not below it.
    pub(super) fn relative(&self, name: &str) -> String {
        match (fs::canonicalize(name), fs::canonicalize(&self.directory)) {
            (Ok(file), Ok(directory)) => file
                .strip_prefix(directory)
                .map_or_else(|_| name.to_owned(), |file| file.display().to_string()),
            _ => name.trim_start_matches("./").to_owned(),
        }
    }
}

/// The globs that an entry of `exclude` stands for: a directory excludes what is in it.
fn patterns_of_exclude(glob: &str) -> Vec<String> {
    let bare = glob.trim_start_matches("./").trim_end_matches('/');
    let anchored = if bare.contains('/') {
        bare.trim_start_matches('/').to_owned()
    } else {
        format!("**/{bare}")
    };
    vec![format!("{anchored}/**"), anchored]
}

/// The longest configuration that is read, in bytes.
const LONGEST: u64 = 4 << 20;

/// The text of a configuration, which is no endless one.
fn read_text(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut text = String::new();
    fs::File::open(path)?
        .take(LONGEST + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(io::Error::other("it is larger than 4 MiB"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Loaded, String> {
        Loaded::parse(text, "c.yaml", PathBuf::from(".")).map_err(|error| error.to_string())
    }

    #[test]
    fn versions_need_no_quotes() {
        assert_eq!(
            parse("kubernetesVersion: 1.30\n").unwrap().kubernetes_version,
            Some((1, 30))
        );
        assert_eq!(
            parse("kubernetesVersion: v1.29.4\n").unwrap().kubernetes_version,
            Some((1, 29))
        );
        assert_eq!(
            parse("select: [startup]\nkubernetesVersion: latest\n").unwrap_err(),
            "c.yaml:2:20: \"latest\" is no Kubernetes version such as 1.29"
        );
    }

    #[test]
    fn meshes_are_named_with_their_version() {
        let loaded = parse("meshes: {istio: 1.30, linkerd: edge-25.4.1}\n").unwrap();
        let mut expected = Meshes::default();
        expected.set_version("istio", "1.30").unwrap();
        expected.set_version("linkerd", "edge-25.4.1").unwrap();
        assert_eq!(loaded.meshes, expected);
        let unknown = parse("meshes:\n  istio: '1.27'\n  nobody: '1.2'\n").unwrap_err();
        assert!(
            unknown.starts_with(
                "c.yaml:3:11: no injector of sidecars called \"nobody\" is known; these are: istio, linkerd"
            ),
            "{unknown}"
        );
    }

    #[test]
    fn an_empty_configuration_is_one() {
        for text in ["", "# nothing yet\n", "---\n", "{}\n"] {
            assert_eq!(
                parse(text).unwrap().configuration,
                Configuration::default(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn directories_and_names_are_excluded() {
        let loaded = parse("exclude: [charts/, 'test/*.yaml', fixtures, '*.gen.yaml']\n").unwrap();
        for (file, expected) in [
            ("charts/a/templates/b.yaml", true),
            ("deploy/charts/a.yaml", true),
            ("test/a.yaml", true),
            ("a/fixtures/b.yaml", true),
            ("a/b.gen.yaml", true),
            ("deploy/a.yaml", false),
            ("test2/a.yaml", false),
        ] {
            assert_eq!(loaded.excludes(file), expected, "{file}");
        }
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (text, expected) in [
            (
                "select: [startup]\nminSeverty: error\n",
                "c.yaml:2:1: unknown field `minSeverty`; did you mean `minSeverity`?",
            ),
            (
                "failOn: warn\n",
                "c.yaml:1:9: failOn: unknown variant `warn`; did you mean `warning`?",
            ),
            (
                "ignore:\n- startup\n- shutdwon\n",
                "c.yaml:3:3: there is no rule or family `shutdwon`; did you mean `shutdown`?",
            ),
            (
                "ignores:\n- file: a\n- file: '[z-a'\n  rules: [startup]\n",
                "c.yaml:3:3: error parsing glob '**/[z-a': invalid range; 'z' > 'a'",
            ),
            (
                "ignores:\n- fil: a\n",
                "c.yaml:2:3: ignores[0]: unknown field `fil`; did you mean `file`?",
            ),
            (
                "ignores:\n- reason: all of it\n",
                "c.yaml:2:3: this would ignore everything; name a file, kind, name, container or rules",
            ),
            (
                "sidecars:\n- name: relay\n",
                "c.yaml:2:3: a sidecar needs a name, and images or containers to know it by",
            ),
            (
                "sidecars:\n- name: relay\n  image: [relay]\n",
                "c.yaml:3:3: sidecars[0]: unknown field `image`; did you mean `images`?",
            ),
            (
                "meshes:\n  istio: latest\n",
                "c.yaml:2:10: \"latest\" is no version of Istio such as 1.27",
            ),
            (
                "exclude:\n- charts/**\n- '[z-a'\n",
                "c.yaml:3:3: error parsing glob '**/[z-a/**': invalid range; 'z' > 'a'",
            ),
            (
                "select: startup\n",
                "c.yaml:1:9: select: invalid type: string \"startup\", expected a sequence",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err(), expected, "{text}");
        }
    }
}
