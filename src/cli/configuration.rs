//! `.kubectl-sidecar.yaml`: its form, and where it is found.

mod places;

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use places::Places;

use super::{kubernetes_version::parse_version, mesh, severity::Threshold};
use crate::{
    catalogue::injector::Meshes,
    pod::Target,
    roles::{Catalogue, KnownSidecar},
    rules::{RULES, Severity},
    source::{CONFIGURATION, Input, Origin, Pattern, plain},
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
    /// The least severity to report.
    pub min_severity: Option<Severity>,
    /// The least severity that makes the exit code 1.
    pub fail_on: Option<Threshold>,
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

/// The configurations of a run.
#[derive(Debug)]
pub(super) struct Configurations {
    /// All of them; inputs without one have the first.
    pub(super) loaded: Vec<Loaded>,
    discover: bool,
    known: HashMap<PathBuf, usize>,
}

impl Configurations {
    /// The configuration `file` for all inputs, or those that are found unless `discover` is false.
    pub(super) fn new(file: Option<&Path>, discover: bool) -> Result<Self, ConfigurationError> {
        let first = match file {
            Some(file) => Loaded::read(file)?,
            None => Loaded::none(),
        };
        Ok(Self {
            loaded: vec![first],
            discover: discover && file.is_none(),
            known: HashMap::new(),
        })
    }

    /// The configuration of the current directory: objects have none of their own.
    pub(super) fn of_objects(mut self) -> Result<Loaded, ConfigurationError> {
        let here = Input {
            name: String::new(),
            origin: Origin::StandardInput,
        };
        let index = self.of(&here)?;
        Ok(self.loaded.into_iter().nth(index).unwrap_or_else(Loaded::none))
    }

    /// The index of the configuration of an input.
    pub(super) fn of(&mut self, input: &Input) -> Result<usize, ConfigurationError> {
        if !self.discover {
            return Ok(0);
        }
        let start = match &input.origin {
            Origin::Kustomization(directory) => directory.clone(),
            Origin::File(path) | Origin::Found(path) => path.parent().map(Path::to_owned).unwrap_or_default(),
            Origin::StandardInput => PathBuf::new(),
        };
        let start = if start.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            start
        };
        if let Some(index) = self.known.get(&start) {
            return Ok(*index);
        }
        let mut visited = vec![start.clone()];
        let mut index = 0;
        let absolute = fs::canonicalize(&start).unwrap_or(start);
        for directory in absolute.ancestors() {
            if let Some(known) = self.known.get(directory) {
                index = *known;
                break;
            }
            visited.push(directory.to_owned());
            let candidate = directory.join(CONFIGURATION);
            if candidate.is_file() {
                self.loaded.push(Loaded::read(&shortened(&candidate))?);
                index = self.loaded.len() - 1;
                break;
            }
            // The repository ends here.
            if directory.join(".git").exists() {
                break;
            }
        }
        for directory in visited {
            self.known.insert(directory, index);
        }
        Ok(index)
    }
}

/// The path as people would write it from the current directory.
fn shortened(path: &Path) -> PathBuf {
    std::env::current_dir()
        .and_then(fs::canonicalize)
        .ok()
        .and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned))
        .unwrap_or_else(|| path.to_owned())
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
