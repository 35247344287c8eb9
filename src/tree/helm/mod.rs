//! Charts, rendered by helm.

mod actions;
mod back;
mod blocks;
mod branches;
mod candidates;
mod changed;
mod changes;
mod conditions;
mod dependencies;
mod edits;
mod find;
mod held;
mod items;
mod kept;
mod lines;
mod marks;
mod origins;
mod placing;
mod printings;
mod probes;
mod run;
mod scope;
mod uses;
mod values;
mod values_list;
mod ways;
mod within;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    source::{Lines, SourceFile},
    template::may_hold_a_workaround,
};

use super::{
    Files, FilesError, Place, ProgramError, Renderer, Rendering, Scratch, Unreached, Wanted, Way,
    proof::UNFOUND,
};

use dependencies::Dependencies;
use marks::{Extent, Marked, SourceLine, is_template};
use origins::{Origin, Origins, template_of};
use run::{refuses_version, template};
use ways::{name_of, stand_in};

pub(crate) use dependencies::{Reach, shortened};
pub(crate) use find::is_rendered_alone;

/// So often a rendering with marks is tried before none are left.
const ATTEMPTS: usize = 16;

/// The versions between which a chart that asks for one may choose: the oldest with sidecars of Kubernetes' own, and
/// the newest (kubernetes.io/releases, 2026-11).
const VERSIONS: [&str; 2] = ["1.29.0", "1.36.0"];

/// A chart.
#[derive(Debug)]
pub(crate) struct Chart {
    name: String,
    root: PathBuf,
    files: Files,
    ways: Vec<Way>,
    dependencies: Dependencies,
    /// Files of values that are not in the chart, by the paths that stand for them.
    outside: BTreeMap<PathBuf, PathBuf>,
    /// Renderings with all marks that were made ahead, by the way.
    ahead: Mutex<HashMap<Way, Result<String, ProgramError>>>,
    /// Where the lines of each rendering come from, by the way.
    origins: Mutex<HashMap<Way, Arc<Origins>>>,
    /// What its own files render to in further ways: each proof asks for many of the same.
    probed: Known,
    /// The same once more, where an edit had to be compared with what differs by itself.
    again: Known,
}

/// Renderings of a chart's own files, by the way.
type Known = Mutex<HashMap<Way, Option<Rendering>>>;

/// Why there is no chart to render.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChartError {
    /// Its files.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A file of values that is not there.
    #[error("{}: is no file of the chart {}", path.display(), root.display())]
    Values {
        /// The file.
        path: PathBuf,
        /// The chart.
        root: PathBuf,
    },
}

/// A file of values that a chart is rendered with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ValuesFile {
    /// One of the chart, by its path below it.
    Own(PathBuf),
    /// Another one, as the user would write it.
    Outside(PathBuf),
}

impl Chart {
    /// Reads the chart in `root`, with the charts that it needs and that lie within `reach`. `values` are files that are
    /// merged in their order, once for each way in which the chart is used besides its own.
    ///
    /// # Errors
    /// What can't be read.
    pub(crate) fn read(
        root: &Path,
        values: &[Vec<ValuesFile>],
        reach: Reach<'_>,
    ) -> Result<Self, ChartError> {
        let mut files = Files::read(root)?;
        let dependencies = dependencies::read(root, &mut files, reach)?;
        let mut outside = BTreeMap::new();
        let mut groups = vec![Vec::new()];
        groups.extend(find::test_values(&files).map(|path| vec![path]));
        for group in values {
            let mut paths = Vec::new();
            for file in group {
                let path = match file {
                    ValuesFile::Own(path) => path.clone(),
                    ValuesFile::Outside(path) => stand_in(path, &mut outside, &mut files),
                };
                if files.text(&path).is_none() {
                    return Err(ChartError::Values {
                        path: outside.get(&path).cloned().unwrap_or(path),
                        root: root.to_owned(),
                    });
                }
                paths.push(path);
            }
            groups.push(paths);
        }
        let asks = files
            .texts()
            .any(|(path, text)| is_template(path) && text.contains(".Capabilities.KubeVersion"));
        let versions: &[Option<&'static str>] = if asks {
            &[Some(VERSIONS[0]), Some(VERSIONS[1])]
        } else {
            &[None]
        };
        let mut ways = Vec::new();
        for group in groups {
            let shown: Vec<PathBuf> = group
                .iter()
                .map(|path| outside.get(path).unwrap_or(path).clone())
                .collect();
            ways.extend(versions.iter().map(|version| Way {
                name: name_of(&shown, *version),
                paths: group.clone(),
                kubernetes_version: *version,
                probe: None,
            }));
        }
        ways.dedup();
        Ok(Self {
            name: root.display().to_string(),
            root: root.to_owned(),
            files,
            ways,
            dependencies,
            outside,
            ahead: Mutex::default(),
            origins: Mutex::default(),
            probed: Mutex::default(),
            again: Mutex::default(),
        })
    }

    fn text(&self, files: &Files, way: &Way) -> Result<String, ProgramError> {
        let files = dependencies::without(files, &self.dependencies.missing);
        let scratch = Scratch::of(&files).map_err(|error| ProgramError::Unstarted {
            program: "helm".to_owned(),
            error,
        })?;
        let versions = match way.kubernetes_version {
            Some(version) => vec![version],
            // Which one helm takes by itself depends on how it was built.
            None => vec![VERSIONS[1], VERSIONS[0]],
        };
        let mut refused = None;
        for version in versions {
            match template(&scratch, way, version) {
                Err(error @ ProgramError::Failed { .. }) if refuses_version(&error) => {
                    refused.get_or_insert(error);
                }
                other => return other,
            }
        }
        Err(refused.unwrap_or_else(|| ProgramError::Missing("helm".to_owned())))
    }

    /// The file that a line of a rendering was made of: a chart may be rendered under another name than it has.
    fn template_of(&self, text: &str, offset: usize) -> Option<PathBuf> {
        let path = template_of(text, offset)?;
        match self.files.text(&path) {
            Some(_) => Some(path),
            None => dependencies::unaliased(&self.files, &path),
        }
    }

    /// Whether files differ in a chart that comes from elsewhere: what is edited there is gone with its next version.
    fn touches_foreign(&self, edited: &Files) -> bool {
        let mut foreign = find::foreign_charts(&self.files);
        // Other charts may need them, too.
        foreign.extend(self.dependencies.beside.iter().map(|(own, _)| own.clone()));
        edited
            .changed(&self.files)
            .any(|path| foreign.iter().any(|directory| path.starts_with(directory)))
    }

    /// Where the lines of a rendering come from.
    fn origins(&self, rendering: &Rendering) -> Arc<Origins> {
        let known = || self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(origins) = known().get(&rendering.way) {
            return Arc::clone(origins);
        }
        let plain = &rendering.source.text;
        let (text, marked) = self.marked(&rendering.way).unwrap_or_default();
        let values = values::values_of(&rendering.way);
        let origins = Arc::new(Origins::of(plain, &text, &marked.marks, &self.files, &values));
        known().insert(rendering.way.clone(), Arc::clone(&origins));
        origins
    }

    /// What its own files render to, rendered where that is not known yet.
    fn render_once(&self, all: &Known, way: &Way) -> Option<Rendering> {
        let known = || all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rendering) = known().get(way) {
            return rendering.clone();
        }
        let rendering = self.render(&self.files, way).ok();
        known().insert(way.clone(), rendering.clone());
        rendering
    }

    fn ahead(&self) -> MutexGuard<'_, HashMap<Way, Result<String, ProgramError>>> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Renders with as many marks as the templates stand.
    fn marked(&self, way: &Way) -> Option<(String, Marked)> {
        let mut extents: HashMap<PathBuf, Extent> = HashMap::new();
        let mut ahead = self.ahead().remove(way);
        for _ in 0..ATTEMPTS {
            let marked = Marked::of(&self.files, &extents);
            let text = ahead.take().unwrap_or_else(|| self.text(&marked.files, way));
            match text {
                Ok(text) => return Some((text, marked)),
                Err(ProgramError::Failed { message, .. }) => self.mark_less(&message, &mut extents)?,
                Err(_) => return None,
            }
        }
        None
    }

    /// Takes marks from the file that an error names, and where that does not help from those that it may read or
    /// include.
    fn mark_less(&self, message: &str, extents: &mut HashMap<PathBuf, Extent>) -> Option<()> {
        let extent = |path: &Path| extents.get(path).copied().unwrap_or_default();
        let is_named = |path: &Path| is_template(path) && message.contains(&format!("/{}", path.display()));
        let is_part =
            |path: &Path| is_template(path) && path.extension().is_some_and(|suffix| suffix == "tpl");
        let left = |is_asked: &dyn Fn(&Path) -> bool| -> Vec<PathBuf> {
            let paths = self.files.texts().map(|(path, _)| path);
            let left = paths.filter(|path| is_asked(path) && extent(path) != Extent::None);
            left.map(Path::to_owned).collect()
        };
        let named: Vec<PathBuf> = left(&is_named).into_iter().take(1).collect();
        let is_brought = |path: &Path| !is_template(path);
        let others: [&dyn Fn(&Path) -> bool; 3] = [&is_brought, &is_part, &is_template];
        let chosen = match named.is_empty() {
            false => named,
            true => others.into_iter().map(left).find(|chosen| !chosen.is_empty())?,
        };
        let less = |path: PathBuf| match extent(&path) {
            Extent::Full if is_template(&path) => (path, Extent::Plain),
            _ => (path, Extent::None),
        };
        let less: Vec<(PathBuf, Extent)> = chosen.into_iter().map(less).collect();
        extents.extend(less);
        Some(())
    }
}

impl Renderer for Chart {
    fn name(&self) -> &str {
        &self.name
    }

    fn root(&self) -> &Path {
        &self.root
    }

    fn files(&self) -> &Files {
        &self.files
    }

    fn missing(&self) -> &[String] {
        &self.dependencies.missing
    }

    fn located(&self, path: &Path) -> PathBuf {
        if let Some(outside) = self.outside.get(path) {
            return outside.clone();
        }
        let mut beside = self.dependencies.beside.iter();
        let found = beside.find_map(|(own, real)| Some(real.join(path.strip_prefix(own).ok()?)));
        found.unwrap_or_else(|| self.root.join(path))
    }

    fn ways(&self) -> &[Way] {
        &self.ways
    }

    fn render(&self, files: &Files, way: &Way) -> Result<Rendering, ProgramError> {
        let text = self.text(files, way)?;
        Ok(Rendering {
            way: way.clone(),
            source: Arc::new(SourceFile {
                name: format!("{} ({})", self.name, way.name),
                text: text.into(),
            }),
        })
    }

    fn render_original(&self, way: &Way) -> Option<Rendering> {
        self.render_once(&self.probed, way)
    }

    fn render_again(&self, way: &Way) -> Option<Rendering> {
        self.render_once(&self.again, way)
    }

    fn prepare(&self, way: &Way) {
        // Where nothing is found nobody asks for the way back.
        if !self.files.texts().any(|(_, text)| may_hold_a_workaround(text)) {
            return;
        }
        let marked = Marked::of(&self.files, &HashMap::new());
        let text = self.text(&marked.files, way);
        self.ahead().insert(way.clone(), text);
    }

    fn origin(&self, rendering: &Rendering, span: Range<usize>) -> Option<Place> {
        let origins = self.origins(rendering);
        let plain = &rendering.source.text;
        let line = Lines::new(plain).position(span.start).line - 1;
        let origin = origins.lines.get(line)?;
        let words = plain
            .get(span)
            .unwrap_or_default()
            .lines()
            .next()
            .unwrap_or_default()
            .trim();
        let lines = origin.own.iter().chain(&origin.inner);
        let places = lines.filter_map(|line| {
            let text = self.files.text(&line.path)?;
            Some((line, text, Lines::new(text).line(line.line + 1)))
        });
        let mut first = None;
        for (line, text, bytes) in places {
            let written = text.get(bytes.clone()).unwrap_or_default();
            let exact = written.find(words).filter(|_| !words.is_empty());
            let place = |start: usize, length: usize| Place {
                path: line.path.clone(),
                span: start..start + length,
            };
            if let Some(at) = exact {
                return Some(place(bytes.start + at, words.len()));
            }
            let indent = written.len() - written.trim_start().len();
            first.get_or_insert(place(bytes.start + indent, written.trim().len()));
        }
        values::holding(words, &self.files, &values::values_of(&rendering.way)).or(first)
    }

    fn is_rendered(&self, path: &Path) -> bool {
        is_template(path)
    }

    fn whole(&self, rendering: &Rendering, offset: usize) -> Option<Place> {
        let path = self.template_of(&rendering.source.text, offset)?;
        let text = self.files.text(&path)?;
        let end = text.find('\n').unwrap_or(text.len());
        Some(Place { path, span: 0..end })
    }

    fn is_traced(&self, rendering: &Rendering) -> bool {
        let known = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains_key(&rendering.way)
    }

    fn reached(&self, rendering: &Rendering) -> HashMap<PathBuf, Vec<usize>> {
        let mut reached: HashMap<PathBuf, Vec<usize>> = HashMap::new();
        for origin in &self.origins(rendering).lines {
            for line in origin.sources() {
                reached.entry(line.path.clone()).or_default().push(line.line);
            }
        }
        reached
    }

    fn unreached(&self, edited: &Files, renderings: &[Rendering], probed: &[Way]) -> Vec<Unreached> {
        let origins: Vec<_> = renderings
            .iter()
            .map(|rendering| self.origins(rendering))
            .collect();
        let mut all = Vec::new();
        for path in edited.changed(&self.files).filter(|path| is_template(path)) {
            let Some(text) = self.files.text(path) else {
                continue;
            };
            let of_file = |line: &&SourceLine| line.path == path;
            let marked = origins.iter().map(|origins| {
                let own = origins.marked.iter().filter(of_file);
                own.map(|line| line.line).collect::<HashSet<_>>()
            });
            let marked = marked.reduce(|one, other| &one & &other).unwrap_or_default();
            let lines = origins.iter().flat_map(|origins| &origins.lines);
            let sources = lines.flat_map(Origin::sources);
            let reached = sources.filter(of_file).map(|line| line.line).collect();
            let found =
                branches::unreached(text, &marked, &reached, &|asked| probes::is_probed(asked, probed));
            all.extend(found.into_iter().map(|branch| {
                let span = Lines::new(text).line(branch.condition + 1);
                Unreached {
                    condition: text.get(span.clone()).unwrap_or_default().trim().to_owned(),
                    place: Place {
                        path: path.to_owned(),
                        span,
                    },
                    line: branch.condition + 1,
                    lines: (branch.lines.start + 1, branch.lines.end),
                }
            }));
        }
        all
    }

    fn unseen_use(&self, edited: &Files, wanted: &[Wanted<'_>], probed: &[Way]) -> Option<String> {
        let uses = uses::of_changed(&self.files, edited);
        if uses.is_empty() {
            return None;
        }
        let origins: Vec<_> = wanted.iter().map(|one| self.origins(one.rendering)).collect();
        let is_reached = |own: &uses::Use| {
            let lines = origins.iter().flat_map(|origins| &origins.lines);
            let mut sources = lines.flat_map(Origin::sources);
            sources.any(|line| line.path == own.path && line.line == own.line)
        };
        // Without a condition it is included wherever what it stands in is, which is looked at by itself.
        let is_probed = |own: &uses::Use| {
            let mut asked = own.asked.iter();
            asked.all(|asked| {
                asked
                    .as_deref()
                    .is_some_and(|asked| probes::is_probed(asked, probed))
            })
        };
        let unseen = uses.iter().find(|own| !is_reached(own) && !is_probed(own))?;
        Some(format!(
            "it would change the part {:?}, which {}:{} includes too, and no rendering came by there: name values with which one does",
            unseen.name,
            unseen.path.display(),
            unseen.line + 1
        ))
    }

    fn probes(&self, edited: &Files) -> Vec<Way> {
        probes::probes(&self.files, edited, &self.ways)
    }

    fn hindrance(&self, wanted: &[Wanted<'_>]) -> Option<String> {
        let line = wanted
            .iter()
            .find_map(|one| back::shared_line(one, &self.origins(one.rendering)))?;
        Some(format!(
            "{}:{} writes several containers in a loop, of which one would have to move: move it out of the loop's values and print it by lines of its own first",
            line.path.display(),
            line.line + 1
        ))
    }

    fn edited(&self, wanted: &[Wanted<'_>]) -> Result<Files, String> {
        let first = self.candidates(wanted)?.into_iter().next();
        first.ok_or_else(|| UNFOUND.to_owned())
    }

    fn candidates(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Files>, String> {
        candidates::candidates(self, wanted)
    }
}
