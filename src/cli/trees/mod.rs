//! Charts and kustomizations among what the user named: found, rendered, and joined with rules.

mod kustomizations;
mod lint;
mod migrate;
mod values;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::{Args, ValueEnum};
use rayon::prelude::*;

use super::{Error, configuration::Configurations, progress::Progress};
pub(super) use migrate::Migrated;

use crate::{
    source::{Input, Note, NoteKind, Origin, SourceFile, chart_of, looks_like_manifest},
    tree::{Chart, ProgramError, Reach, Renderer, Rendering, is_rendered_alone, kustomize::Search},
};

/// How charts are read.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct TreeArguments {
    /// Files of values that a chart is rendered with, besides its own and those in ci/
    ///
    /// Those of one option are merged in their order, as helm does. May be given several times.
    #[arg(long, value_name = "FILE,...")]
    values: Vec<String>,
    /// Whether charts and kustomizations are rendered [default: auto]
    #[arg(long, value_name = "WHEN", default_value = "auto", hide_default_value = true)]
    render: Render,
    /// Read what charts and kustomizations name outside of what is searched, files of values too
    #[arg(long)]
    allow_outside: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Render {
    /// Where helm, kubectl or kustomize is on the PATH
    #[default]
    Auto,
    /// Templates are read as text, and kustomizations file by file
    Never,
}

/// A tree that renders, in at least one way.
pub(super) struct Tree {
    pub(super) renderer: Box<dyn Renderer>,
    /// The index of its configuration.
    pub(super) group: usize,
    pub(super) renderings: Vec<Rendering>,
    /// The names of its files, as the user would write them, by their paths below it.
    pub(super) names: BTreeMap<PathBuf, String>,
}

/// The trees among the inputs, and what is to be said of those that are read as text.
#[derive(Default)]
pub(super) struct Trees {
    pub(super) all: Vec<Tree>,
    pub(super) notes: Vec<Note>,
    /// Patches of kustomizations that are not rendered: no workloads of their own.
    patches: Vec<PathBuf>,
}

impl Tree {
    /// Whether an input is a template of the tree, which is rendered and not read as text.
    pub(super) fn renders(&self, input: &Input) -> bool {
        let mut names = self.names.iter();
        names.any(|(path, name)| *name == input.name && self.renderer.is_rendered(path))
    }
}

/// Whether a tree with this root is rendered, and with this file, if it is asked for one file after the other.
type IsWanted<'w> = &'w (dyn Fn(&Path, Option<&Path>) -> bool + Sync);

impl Tree {
    /// The tree's files by their names, with the lines, from 0, that renderings show; nothing where they show all.
    pub(super) fn shown_lines(&self) -> HashMap<String, (Arc<SourceFile>, Option<HashSet<usize>>)> {
        let mut reached = match self.renderer.stands_for_its_files() {
            true => HashMap::new(),
            false => self.reached(),
        };
        let files = self.names.iter().filter_map(|(path, name)| {
            let text = Arc::clone(self.renderer.files().text(path)?);
            let lines = match self.renderer.stands_for_its_files() {
                true => None,
                false => Some(reached.remove(name.as_str()).unwrap_or_default()),
            };
            let source = SourceFile {
                name: name.clone(),
                text,
            };
            Some((name.clone(), (Arc::new(source), lines)))
        });
        files.collect()
    }

    /// The files that a rendering stands for and that look like manifests, with their texts.
    pub(super) fn manifests(&self) -> impl Iterator<Item = (&str, &Arc<str>)> {
        let stands_for_them = self.renderer.stands_for_its_files();
        let files = self.names.iter().filter(move |_| stands_for_them);
        files.filter_map(|(path, name)| {
            let text = self.renderer.files().text(path)?;
            looks_like_manifest(text.as_bytes()).then_some((name.as_str(), text))
        })
    }
}

impl Trees {
    /// Finds the trees that hold one of the files, and renders them.
    pub(super) fn around(
        files: &[PathBuf],
        inputs: &[(Input, usize)],
        directories: &[PathBuf],
        configurations: &Configurations,
    ) -> Result<Self, Error> {
        let files: Vec<PathBuf> = files
            .iter()
            .filter_map(|file| fs::canonicalize(file).ok())
            .collect();
        let holds = |root: &Path, path: Option<&Path>| {
            let root = real(root);
            files.iter().any(|file| match path {
                Some(path) => *file == root.join(path),
                None => file.starts_with(&root),
            })
        };
        let arguments = TreeArguments::default();
        Self::render_some(inputs, directories, &arguments, configurations, true, &holds)
    }

    /// Finds and renders the trees whose beginning is among the inputs. `directories` are those that were named.
    pub(super) fn render(
        inputs: &[(Input, usize)],
        directories: &[PathBuf],
        arguments: &TreeArguments,
        configurations: &Configurations,
        quiet: bool,
    ) -> Result<Self, Error> {
        Self::render_some(inputs, directories, arguments, configurations, quiet, &|_, _| {
            true
        })
    }

    /// The same for trees that are wanted: charts by their root, kustomizations by their root and one of their files.
    fn render_some(
        inputs: &[(Input, usize)],
        directories: &[PathBuf],
        arguments: &TreeArguments,
        configurations: &Configurations,
        quiet: bool,
        is_wanted: IsWanted<'_>,
    ) -> Result<Self, Error> {
        let mut trees = Self::default();
        if arguments.render == Render::Never {
            return Ok(trees);
        }
        let mut found: Vec<(Box<dyn Renderer>, usize)> = Vec::new();
        let mut used = BTreeSet::new();
        let charts = charts(inputs);
        let wanted = charts.iter().filter(|(root, _)| is_wanted(root, None));
        for (root, group) in wanted.cloned() {
            let values = values::values_of(
                &root,
                (&charts, directories),
                arguments,
                configurations,
                group,
                &mut used,
            )?;
            let reach = Reach {
                directories,
                allow_outside: arguments.allow_outside,
            };
            match Chart::read(&root, &values, reach) {
                Ok(chart) => found.push((Box::new(chart), group)),
                Err(error) => trees.notes.push(unrendered(&root.display().to_string(), &error)),
            }
        }
        if let Some(index) = (0..arguments.values.len()).find(|index| !used.contains(index)) {
            let files = arguments.values.get(index).map_or("", String::as_str);
            return Err(Error::Usage(format!(
                "--values {files}: none of the charts that were named has these files; --allow-outside reads them for the only chart that is named"
            )));
        }
        let count: usize = found.iter().map(|(tree, _)| tree.ways().len()).sum();
        let bar = Progress::renderings(count);
        // Where nothing else is to be rendered, there is time for it.
        let is_idle = count == 1 && rayon::current_num_threads() > 1;
        let rendered: Vec<_> = found
            .par_iter()
            .map(|(tree, _)| rendered(tree.as_ref(), is_idle, &bar))
            .collect();
        drop(bar);
        let named = Named::of(inputs);
        for ((renderer, group), results) in found.into_iter().zip(rendered) {
            trees.add(renderer, group, results, &named);
        }
        if let Some(missing) = trees.notes.iter().position(is_about_missing_program) {
            // It is the same for all of them.
            let first = trees.notes.remove(missing);
            trees.notes.retain(|note| !is_about_missing_program(note));
            trees.notes.insert(0, first);
        }
        let kustomizations = kustomizations::rendered(
            &named,
            &Search {
                boundaries: directories,
                allow_outside: arguments.allow_outside,
            },
            quiet,
            is_wanted,
        );
        trees.all.extend(kustomizations.trees);
        trees.patches = kustomizations.patches;
        Ok(trees)
    }

    /// Whether an input says nothing by itself: a rendering says it, or it is a patch of what is not rendered.
    pub(super) fn speak_for(&self, input: &Input) -> bool {
        let is_patch = |path: &Path| fs::canonicalize(path).is_ok_and(|path| self.patches.contains(&path));
        let is_met = matches!(input.origin, Origin::Found(_));
        let mut trees = self.all.iter();
        trees.any(|tree| tree.renderer.stands_for_its_files() && tree.renders(input))
            || is_met && input.path().is_some_and(is_patch)
    }

    fn add(
        &mut self,
        renderer: Box<dyn Renderer>,
        group: usize,
        results: Vec<Result<Rendering, ProgramError>>,
        named: &Named<'_>,
    ) {
        let mut renderings = Vec::new();
        let mut failures = Vec::new();
        for (result, way) in results.into_iter().zip(renderer.ways()) {
            match result {
                Ok(rendering) => renderings.push(rendering),
                Err(error) => failures.push((way.name.clone(), error)),
            }
        }
        if renderings.is_empty() {
            if let Some((_, error)) = failures.first() {
                let why = match absent(renderer.as_ref()) {
                    Some(absent) => format!("{error} ({absent})"),
                    None => error.to_string(),
                };
                self.notes.push(unrendered(renderer.name(), &why));
            }
            return;
        }
        self.notes.extend(absent(renderer.as_ref()).map(|absent| {
            let message = format!("rendered without what it needs: {absent}");
            Note::new(renderer.name(), NoteKind::Unrendered, message)
        }));
        self.notes.extend(failures.iter().map(|(way, error)| {
            let message = format!("with {way} it is not rendered: {error}");
            Note::new(renderer.name(), NoteKind::Unrendered, message)
        }));
        let names = named.names(renderer.as_ref());
        self.all.push(Tree {
            renderer,
            group,
            renderings,
            names,
        });
    }
}

/// What a tree renders to in each of its ways. Where there is time, the way back is prepared beside it.
fn rendered(tree: &dyn Renderer, is_idle: bool, bar: &Progress) -> Vec<Result<Rendering, ProgramError>> {
    let ways = tree.ways().par_iter();
    let render = |way| {
        let render = || tree.render(tree.files(), way);
        let rendering = match is_idle {
            true => rayon::join(render, || tree.prepare(way)).0,
            false => render(),
        };
        bar.step();
        rendering
    };
    ways.map(render).collect()
}

fn unrendered(name: &str, why: &dyn std::fmt::Display) -> Note {
    let message = format!("its templates are read without rendering them: {why}");
    Note::new(name, NoteKind::Unrendered, message)
}

fn is_about_missing_program(note: &Note) -> bool {
    note.message.ends_with("is not on the PATH")
}

/// The directories of the charts that were met, each with the index of its configuration. A chart within another one
/// belongs to it.
fn charts(inputs: &[(Input, usize)]) -> Vec<(PathBuf, usize)> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (input, group) in inputs {
        let Origin::Found(path) = &input.origin else {
            continue;
        };
        if path.file_name().is_none_or(|name| name != "Chart.yaml") {
            continue;
        }
        let Some(root) = chart_of(path) else { continue };
        // What has nothing to render says nothing by failing to.
        let is_chart = (root.join("templates").is_dir() || root.join("charts").is_dir())
            && fs::read_to_string(root.join("Chart.yaml")).is_ok_and(|text| is_rendered_alone(&text));
        if is_chart && seen.insert(root.clone()) {
            found.push((root, *group));
        }
    }
    found
}

/// What is said of the charts that a tree needs and that are not there.
fn absent(tree: &dyn Renderer) -> Option<String> {
    let names = tree.missing().join(", ");
    let verb = if tree.missing().len() == 1 { "is" } else { "are" };
    (!names.is_empty())
        .then(|| format!("{names} {verb} not in charts/; helm dependency build fetches what a chart needs"))
}

/// The inputs by their paths, as the file system calls them but for a link at the end.
struct Named<'i> {
    inputs: &'i [(Input, usize)],
    indices: HashMap<PathBuf, usize>,
    begins_with_dot: bool,
}

impl<'i> Named<'i> {
    fn of(inputs: &'i [(Input, usize)]) -> Self {
        let mut directories: HashMap<&Path, PathBuf> = HashMap::new();
        let mut indices = HashMap::new();
        for (index, (input, _)) in inputs.iter().enumerate() {
            let Some(path) = input.path() else { continue };
            let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
                continue;
            };
            let real = directories.entry(directory).or_insert_with(|| real(directory));
            indices.entry(real.join(name)).or_insert(index);
        }
        Self {
            inputs,
            indices,
            begins_with_dot: inputs.iter().any(|(input, _)| input.name.starts_with("./")),
        }
    }

    /// What the files of a tree are called: as the inputs are, where they are inputs, and else as they would be.
    fn names(&self, tree: &dyn Renderer) -> BTreeMap<PathBuf, String> {
        let root = real(tree.root());
        let input = |path: &Path| {
            let located = tree.located(path);
            let real = match located.strip_prefix(tree.root()) {
                Ok(below) => root.join(below),
                Err(_) => real(located.parent()?).join(located.file_name()?),
            };
            self.inputs.get(*self.indices.get(&real)?)
        };
        let name = |path: &Path| {
            if let Some((input, _)) = input(path) {
                return input.name.clone();
            }
            let whole = tree.located(path);
            let whole = whole.strip_prefix("./").unwrap_or(&whole);
            match self.begins_with_dot && whole.is_relative() && !whole.starts_with("..") {
                true => format!("./{}", whole.display()),
                false => whole.display().to_string(),
            }
        };
        tree.files()
            .texts()
            .map(|(path, _)| (path.to_owned(), name(path)))
            .collect()
    }

    /// The index of the configuration of a tree's first input.
    fn group(&self, tree: &dyn Renderer) -> usize {
        let root = real(tree.root());
        let indices = tree
            .files()
            .texts()
            .map(|(path, _)| self.indices.get(&root.join(path)));
        let first = indices.flatten().min().and_then(|index| self.inputs.get(*index));
        first.map_or(0, |(_, group)| *group)
    }
}

/// A directory as the file system calls it.
fn real(directory: &Path) -> PathBuf {
    let written = match directory.as_os_str().is_empty() {
        true => Path::new("."),
        false => directory,
    };
    fs::canonicalize(written).unwrap_or_else(|_| written.to_owned())
}
