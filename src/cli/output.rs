//! `-o`: which reports a run writes, and where they go.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ffi::OsStr,
    io::{self, BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
};

use clap::{
    Arg, Command, ValueEnum,
    builder::{EnumValueParser, PossibleValue, TypedValueParser},
};

use super::{Error, color, complain, note, warn, write};
use crate::{
    report::{Appearance, Base, Format, Report},
    source::{Note, NoteKind, chart_of, plain},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// Annotated source
    Text,
    /// One line per finding: file:line:col: severity[rule] message
    Concise,
    /// One row per workload
    Table,
    /// The table with files, other containers and lines, never wrapped
    Wide,
    /// The workloads with findings, one per line, as kubectl names them
    Name,
    /// The JSON of schemas/lint.v1.json
    Json,
    /// SARIF 2.1.0, for code scanning and editors
    Sarif,
    /// Annotations of GitHub Actions
    Github,
    /// GitLab's code quality report
    Gitlab,
    /// JUnit XML, for CI servers
    Junit,
    /// A comment on a pull or merge request
    Markdown,
    /// One self-contained page: charts, findings, annotated source
    Html,
}

impl From<OutputFormat> for Format {
    fn from(format: OutputFormat) -> Self {
        match format {
            OutputFormat::Text => Self::Text,
            OutputFormat::Concise => Self::Concise,
            OutputFormat::Table => Self::Table,
            OutputFormat::Wide => Self::Wide,
            OutputFormat::Name => Self::Name,
            OutputFormat::Json => Self::Json,
            OutputFormat::Sarif => Self::Sarif,
            OutputFormat::Github => Self::Github,
            OutputFormat::Gitlab => Self::Gitlab,
            OutputFormat::Junit => Self::Junit,
            OutputFormat::Markdown => Self::Markdown,
            OutputFormat::Html => Self::Html,
        }
    }
}

/// One `-o FORMAT` or `-o FORMAT=FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Output {
    format: OutputFormat,
    /// `None`: standard output.
    file: Option<PathBuf>,
}

/// Takes `FORMAT` and `FORMAT=FILE`.
#[derive(Debug, Clone)]
pub(super) struct OutputParser;

impl TypedValueParser for OutputParser {
    type Value = Output;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Output, clap::Error> {
        let text = value.to_str().unwrap_or_default();
        let (format, file) = match text.split_once('=') {
            Some((format, "-")) => (OsStr::new(format), None),
            // Without a name there is no file to write.
            Some((format, file)) if !file.is_empty() => (OsStr::new(format), Some(PathBuf::from(file))),
            _ => (value, None),
        };
        let format = EnumValueParser::<OutputFormat>::new().parse_ref(command, argument, format)?;
        Ok(Output { format, file })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let formats = OutputFormat::value_variants().iter();
        Some(Box::new(formats.filter_map(ValueEnum::to_possible_value)))
    }
}

impl Output {
    /// Whether the report offers rewrites with its findings.
    pub(super) fn offers_rewrites(&self) -> bool {
        self.format == OutputFormat::Sarif
    }

    /// Whether the report shows the diff of each workload.
    pub(super) fn shows_diffs(&self) -> bool {
        matches!(self.format, OutputFormat::Html | OutputFormat::Markdown)
    }

    /// Whether the report says when it was made, of what and how.
    pub(super) fn holds_provenance(&self) -> bool {
        self.format().holds_provenance()
    }

    fn format(&self) -> Format {
        self.format.into()
    }

    fn name(&self) -> String {
        self.format
            .to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }
}

/// Columns of the terminal that the result goes to.
pub(super) fn width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}

/// From where reports for others name files: the root of the repository that the run is in, or the working
/// directory.
pub(super) fn base() -> Option<Base> {
    let current = std::env::current_dir().ok()?;
    let root = current
        .ancestors()
        .find(|directory| directory.join(".git").exists())
        .unwrap_or(&current)
        .to_owned();
    Some(Base { current, root })
}

/// Whether each report has a place of its own.
///
/// # Errors
/// Two go to standard output or to one file.
pub(super) fn check(outputs: &[Output]) -> Result<(), Error> {
    let mut printed: Option<&Output> = None;
    let mut files = HashSet::new();
    for output in outputs {
        let mistake = match &output.file {
            Some(file) if !files.insert(file) => {
                format!(
                    "two reports go to {}; give each a file of its own",
                    file.display()
                )
            }
            Some(_) => continue,
            None => match printed.replace(output) {
                None => continue,
                Some(first) => format!(
                    "{} and {name} both go to standard output; write one to a file, as in -o {name}=FILE",
                    first.name(),
                    name = output.name()
                ),
            },
        };
        return Err(Error::Usage(mistake));
    }
    Ok(())
}

/// Writes the reports, and says on standard error what those on standard output do not hold.
///
/// # Errors
/// A file or standard output does not take its report. The others are written nevertheless.
pub(super) fn deliver(
    report: &Report<'_>,
    outputs: &[Output],
    verbosity: Verbosity,
    program: &str,
) -> Result<(), Error> {
    let quiet = verbosity == Verbosity::Quiet;
    let printed = outputs.iter().find(|output| output.file.is_none());
    let mut failures = Vec::new();
    for output in outputs {
        if let Some(file) = &output.file
            && let Err(error) = write_file(report, output.format(), file, quiet, program)
        {
            failures.push(format!(
                "{}: the report cannot be written: {}",
                file.display(),
                plain(&error)
            ));
        }
    }
    if let Some(output) = printed {
        print(report, output.format(), quiet, program)?;
    }
    if printed.is_none_or(|output| !output.format().holds_errors()) {
        tell(report, verbosity);
    }
    let last = failures.pop();
    failures.iter().for_each(|failure| complain(failure));
    last.map_or(Ok(()), |failure| Err(Error::Usage(failure)))
}

fn write_file(
    report: &Report<'_>,
    format: Format,
    file: &Path,
    quiet: bool,
    program: &str,
) -> io::Result<()> {
    let appearance = Appearance {
        color: false,
        width: None,
        quiet,
        program: program.to_owned(),
    };
    let mut bytes = Vec::new();
    color::without(|| report.write(format, &appearance, &mut bytes))?;
    write::put(file, &bytes)
}

fn print(report: &Report<'_>, format: Format, quiet: bool, program: &str) -> Result<(), Error> {
    let appearance = Appearance {
        color: color::is_on(),
        width: width(),
        quiet,
        program: program.to_owned(),
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let written = report
        .write(format, &appearance, &mut out)
        .and_then(|()| out.flush());
    match written {
        // Whoever reads has read enough; the exit code still tells what was found.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// How much is said beside the findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verbosity {
    /// Nothing that is no error.
    Quiet,
    /// A line a chart.
    Usual,
    /// A line a file.
    Verbose,
}

/// What could not be read, what silences nothing, and what was not looked at.
fn tell(report: &Report<'_>, verbosity: Verbosity) {
    if verbosity != Verbosity::Quiet {
        let unused = report.suppressions.iter().filter(|suppression| !suppression.used);
        unused.for_each(|suppression| warn(&suppression.to_string()));
    }
    match verbosity {
        Verbosity::Quiet => {}
        Verbosity::Usual => {
            lines_of_charts(report.notes).iter().for_each(|line| note(line));
            let unrendered = report
                .notes
                .iter()
                .filter(|note| note.kind == NoteKind::Unrendered);
            unrendered.for_each(|each| note(&each.to_string()));
        }
        Verbosity::Verbose => report.notes.iter().for_each(|each| note(&each.to_string())),
    }
    report
        .errors
        .iter()
        .for_each(|error| complain(&error.to_string()));
}

/// One line for the templates of each chart, or of each directory outside of charts.
fn lines_of_charts(notes: &[Note]) -> Vec<String> {
    let mut counts: BTreeMap<(PathBuf, bool), usize> = BTreeMap::new();
    let mut known: HashMap<PathBuf, (PathBuf, bool)> = HashMap::new();
    for note in notes.iter().filter(|note| note.kind.is_template()) {
        let file = Path::new(&note.file);
        let directory = file.parent().map(Path::to_owned).unwrap_or_default();
        let owner = known
            .entry(directory.clone())
            .or_insert_with(|| chart_of(file).map_or((directory, false), |chart| (chart, true)));
        *counts.entry(owner.clone()).or_default() += 1;
    }
    counts
        .into_iter()
        .map(|((directory, is_chart), count)| {
            let shown = match directory.display().to_string() {
                empty if empty.is_empty() => ".".to_owned(),
                shown => shown,
            };
            let noun = if count == 1 {
                "template was"
            } else {
                "templates were"
            };
            let rendered = match is_chart {
                true => {
                    format!("; to lint what helm renders: helm template {shown} | kubectl sidecar lint -")
                }
                false => String::new(),
            };
            format!("{shown}: {count} {noun} read as text{rendered}")
        })
        .collect()
}
