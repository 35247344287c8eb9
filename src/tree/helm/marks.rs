//! Marks that go through a rendering: at its end, a line says which line of which file it was written in.
//!
//! A mark is a comment of YAML and of shells. In a block scalar it is text of a script, which is why what is rendered
//! with marks is read for them and for nothing else.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use crate::{
    source::Lines,
    yaml::{self, ScalarStyle},
};

use super::{
    super::Files,
    lines::{Line, lines_of},
};

const OPEN: &str = "#⟦";
const CLOSE: char = '⟧';

/// A line of one of the chart's files, from 0.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SourceLine {
    /// The file, below the chart.
    pub(super) path: PathBuf,
    /// Its line, from 0.
    pub(super) line: usize,
}

/// How many of a file's lines are marked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Extent {
    /// Each that can be.
    #[default]
    Full,
    /// Those that look like keys and items: no lines of strings that go over several.
    Plain,
    /// None.
    None,
}

/// What a mark stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// The line.
    pub(super) at: SourceLine,
    /// Whether an action brings all of it.
    pub(super) is_call: bool,
}

/// Files with marks, and what these stand for.
#[derive(Debug, Default)]
pub(super) struct Marked {
    pub(super) files: Files,
    pub(super) marks: Vec<Mark>,
}

impl Marked {
    /// Marks the files of a chart.
    pub(super) fn of(files: &Files, extents: &HashMap<PathBuf, Extent>) -> Self {
        let reads_files = files
            .texts()
            .any(|(path, text)| is_template(path) && text.contains(".Files."));
        let mut marked = Self {
            files: files.clone(),
            marks: Vec::new(),
        };
        for (path, text) in files.texts() {
            let extent = extents.get(path).copied().unwrap_or_default();
            if extent == Extent::None {
                continue;
            }
            let text = if is_template(path) || (reads_files && may_be_read(path)) {
                marked.mark(path, text, extent, |_| true)
            } else if is_yaml_file(path) && text.contains("{{") {
                let read = lines_that_are_read(text);
                marked.mark(path, text, extent, |line| read.contains(&line))
            } else {
                continue;
            };
            marked.files.put(path.to_owned(), text);
        }
        marked
    }

    /// Marks the lines of a file that may be.
    fn mark(&mut self, path: &Path, text: &str, extent: Extent, may_be: impl Fn(usize) -> bool) -> String {
        let lines = lines_of(text);
        let mut output = String::with_capacity(text.len() * 2);
        for (number, (line, own)) in text.split('\n').zip(&lines).enumerate() {
            if number > 0 {
                output.push('\n');
            }
            match place_of_mark(line, own, extent)
                .filter(|_| may_be(number) && own.define.is_none_or(|at| is_yaml(text, &lines, at)))
            {
                Some(at) => {
                    let (before, after) = line.split_at_checked(at).unwrap_or((line, ""));
                    output.push_str(before);
                    output.push_str(&format!(" {OPEN}{}{CLOSE}", self.marks.len()));
                    output.push_str(after);
                    self.marks.push(Mark {
                        at: SourceLine {
                            path: path.to_owned(),
                            line: number,
                        },
                        is_call: own.is_call(),
                    });
                }
                None => output.push_str(line),
            }
        }
        output
    }
}

fn is_yaml_file(path: &Path) -> bool {
    let suffix = path.extension().and_then(|suffix| suffix.to_str());
    matches!(suffix, Some("yaml" | "yml"))
}

/// The lines of texts in values that have actions: they are there to be read as templates (`tpl`).
fn lines_that_are_read(text: &str) -> HashSet<usize> {
    let Ok(stream) = yaml::parse(text) else {
        return HashSet::new();
    };
    let lines = Lines::new(text);
    let line_of = |offset: usize| lines.position(offset).line - 1;
    let nodes = stream.roots().flat_map(|(_, root)| root.walk());
    let read = nodes.filter(|node| node.style() == Some(ScalarStyle::Literal) && node.raw().contains("{{"));
    let spans = read.map(|node| node.span());
    spans
        .flat_map(|span| line_of(span.start)..=line_of(span.end.saturating_sub(1)))
        .collect()
}

/// Where in a line its mark goes.
fn place_of_mark(text: &str, line: &Line, extent: Extent) -> Option<usize> {
    let trimmed = text.trim_start();
    if trimmed.starts_with("---") || (extent == Extent::Plain && !looks_like_entry(trimmed)) {
        return None;
    }
    if line.is_call() {
        let begins = line.trims_before || !text.contains("nindent");
        // What a plain action brings ends in its own line.
        let is_whole = begins && (line.block_output.is_some() || !line.trims_before) && !line.is_unmarkable;
        return is_whole.then(|| text.trim_end().len());
    }
    if !line.is_literal {
        return None;
    }
    if let Some(at) = line.block_output {
        return Some(text.get(..at)?.trim_end().len());
    }
    // A shell's line goes on: what follows its backslash is no comment.
    let end = text.trim_end();
    (!line.is_unmarkable && !end.is_empty()).then_some(end.len())
}

fn looks_like_entry(trimmed: &str) -> bool {
    trimmed.starts_with("- ")
        || trimmed
            .split_once(':')
            .is_some_and(|(key, _)| !key.is_empty() && !key.contains([' ', '"', '\'']))
}

/// Whether a `define` makes YAML or a script, and no name that is compared or cut.
fn is_yaml(text: &str, lines: &[Line], define: usize) -> bool {
    let own: Vec<&str> = text
        .split('\n')
        .zip(lines)
        .filter(|(_, line)| line.define == Some(define) && line.is_literal)
        .map(|(text, _)| text.trim_start())
        .collect();
    own.len() > 1 || own.iter().any(|line| looks_like_entry(line) || has_words(line))
}

/// Whether several words stand outside of actions: a command, and no name.
fn has_words(line: &str) -> bool {
    let literal = line
        .split("{{")
        .map(|part| part.split_once("}}").map_or(part, |(_, after)| after));
    literal.collect::<String>().split_whitespace().count() > 1
}

/// Whether helm renders the file, or takes parts from it.
pub(super) fn is_template(path: &Path) -> bool {
    let suffix = path.extension().and_then(|suffix| suffix.to_str());
    path.iter().any(|part| part == "templates") && matches!(suffix, Some("yaml" | "yml" | "tpl"))
}

/// Whether a template may read the file.
pub(super) fn may_be_read(path: &Path) -> bool {
    let suffix = path.extension().and_then(|suffix| suffix.to_str());
    !path
        .iter()
        .any(|part| part == "templates" || part == "crds" || part == "ci")
        && matches!(
            suffix,
            None | Some("sh" | "bash" | "conf" | "cfg" | "tpl" | "script" | "py")
        )
}

/// Whether templates may bring the text of a file that is none: its values, or what they read.
pub(super) fn may_bring(path: &Path) -> bool {
    let is_other =
        |part: &std::ffi::OsStr| part == "templates" || part == "crds" || part == "tests" || part == "docs";
    let suffix = path.extension().and_then(|suffix| suffix.to_str());
    !path.iter().any(is_other) && !matches!(suffix, Some("md" | "txt" | "lock"))
}

/// A line without its marks, and which they were.
pub(super) fn unmarked(line: &str) -> (String, Vec<usize>) {
    let mut text = String::with_capacity(line.len());
    let mut marks = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find(OPEN) {
        let (before, mark) = rest.split_at_checked(at).unwrap_or((rest, ""));
        let number = mark.get(OPEN.len()..).unwrap_or_default();
        match number
            .split_once(CLOSE)
            .map(|(number, after)| (number.parse(), after))
        {
            Some((Ok(number), after)) => {
                text.push_str(before.strip_suffix(' ').unwrap_or(before));
                marks.push(number);
                rest = after;
            }
            _ => break,
        }
    }
    text.push_str(rest);
    (text, marks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_off_again() {
        let mut files = Files::default();
        let text = "a:\n  b: {{ .x }}\n  c: {{- include \"y\" . | nindent 4 }}\n---\n{{- if .z }}\nd: 1\n{{- end }}\n";
        files.put("templates/a.yaml".into(), text);
        let marked = Marked::of(&files, &HashMap::new());
        let found = marked.files.text(Path::new("templates/a.yaml")).unwrap();
        assert!(
            found.contains("a: #⟦0⟧\n  b: {{ .x }} #⟦1⟧\n  c: #⟦2⟧ {{- include"),
            "{found}"
        );
        let lines: Vec<String> = found.split('\n').map(|line| unmarked(line).0).collect();
        assert_eq!(lines.join("\n"), text);
        assert_eq!(marked.marks.len(), 4);
    }
}
