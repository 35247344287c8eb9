//! Where templates include the parts that an edit changes: what fits one of these places need not fit another.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use crate::tree::Files;

use super::{
    conditions::{around, expression},
    edits::name_of_define,
    lines::{Line, lines_of},
    marks::is_template,
};

/// A line that includes a part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Use {
    /// The part's name.
    pub(super) name: String,
    /// The template that includes it.
    pub(super) path: PathBuf,
    /// The line, from 0.
    pub(super) line: usize,
    /// What the conditions and loops around it ask, the outermost first; nothing where one can't be read.
    pub(super) asked: Vec<Option<String>>,
}

/// The lines that include a part which an edit changes, or a part that includes one.
pub(super) fn of_changed(before: &Files, edited: &Files) -> Vec<Use> {
    let mut names: Vec<String> = edited
        .changed(before)
        .filter(|path| is_template(path))
        .flat_map(|path| {
            let parts = |files: &Files| -> HashMap<String, String> {
                files.text(path).map(|text| parts_of(text)).unwrap_or_default()
            };
            let new = parts(edited);
            let old = parts(before).into_iter();
            old.filter(move |(name, body)| new.get(name) != Some(body))
                .map(|(name, _)| name)
        })
        .collect();
    let templates: Vec<(&Path, &str, Vec<Line>)> = before
        .texts()
        .filter(|(path, _)| is_template(path))
        .map(|(path, text)| (path, &**text, lines_of(text)))
        .collect();
    let mut known: BTreeSet<String> = names.iter().cloned().collect();
    let mut uses = Vec::new();
    while let Some(name) = names.pop() {
        let words = [format!("include \"{name}\""), format!("template \"{name}\"")];
        for (path, text, lines) in &templates {
            let texts: Vec<&str> = text.split('\n').collect();
            for (number, own) in texts.iter().enumerate() {
                if !words.iter().any(|words| own.contains(words)) {
                    continue;
                }
                let define = lines.get(number).and_then(|line| line.define);
                let around_it = define.and_then(|start| name_of_define(texts.get(start)?));
                names.extend(around_it.filter(|outer| known.insert(outer.clone())));
                let asked = around(lines, number).into_iter();
                uses.push(Use {
                    name: name.clone(),
                    path: path.to_path_buf(),
                    line: number,
                    asked: asked
                        .map(|open| Some(expression(texts.get(open.line)?)?.to_owned()))
                        .collect(),
                });
            }
        }
    }
    uses
}

/// The parts that a template defines, by their names.
fn parts_of(text: &str) -> HashMap<String, String> {
    let mut parts: HashMap<String, String> = HashMap::new();
    let texts: Vec<&str> = text.split('\n').collect();
    for (own, line) in texts.iter().zip(lines_of(text)) {
        let name = line.define.and_then(|start| name_of_define(texts.get(start)?));
        if let Some(name) = name {
            parts.entry(name).or_default().push_str(&format!("{own}\n"));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_changes_is_looked_for_in_all_that_include_it() {
        let mut before = Files::default();
        before.put(
            "templates/_parts.tpl".into(),
            "{{- define \"proxy\" }}\n- name: proxy\n{{- end }}\n{{- define \"pod\" }}\n{{- include \"proxy\" . }}\n{{- end }}\n{{- define \"labels\" }}\na: b\n{{- end }}\n",
        );
        before.put(
            "templates/job.yaml".into(),
            "a: {{ include \"labels\" . }}\n{{- if eq .Values.mode \"job\" }}\n{{- include \"pod\" . }}\n{{- end }}\n",
        );
        let mut edited = before.clone();
        edited.put(
            "templates/_parts.tpl".into(),
            before
                .text(Path::new("templates/_parts.tpl"))
                .unwrap()
                .replace("proxy\n", "proxy\n  restartPolicy: Always\n"),
        );
        let found: Vec<_> = of_changed(&before, &edited)
            .into_iter()
            .map(|one| (one.name, one.line, one.asked))
            .collect();
        let asked = vec![Some("eq .Values.mode \"job\"".to_owned())];
        assert_eq!(
            found,
            [("proxy".to_owned(), 4, Vec::new()), ("pod".to_owned(), 2, asked)]
        );
    }
}
