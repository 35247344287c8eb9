//! How templates print a list or map of values.

use std::{ops::Range, path::PathBuf};

use super::{
    super::Files,
    conditions::{expression, is_loop},
    edits::indented,
    held::indentation,
    lines::{Line, lines_of},
    marks::is_template,
};

/// Lines of a template that print a list or map of values, with what asks whether there is one.
#[derive(Debug, Clone)]
pub(super) struct Printing {
    pub(super) path: PathBuf,
    /// The lines, from 0.
    pub(super) lines: Range<usize>,
    texts: Vec<String>,
    /// The values, as they are written: `$.Values.job.sidecars`.
    pub(super) words: String,
    /// How many keys that are.
    pub(super) keys: usize,
    /// Each field of an item is written by itself, and not the item as a whole.
    pub(super) is_by_field: bool,
    /// How many of the last lines end the loop and what is around it.
    pub(super) ends: usize,
}

/// The lines of all templates that print the values behind these keys.
pub(super) fn printings(files: &Files, keys: &[String]) -> Vec<Printing> {
    let templates = files.texts().filter(|(path, _)| is_template(path));
    let mut found = Vec::new();
    for (path, text) in templates {
        // A chart below this one knows them without its own name.
        let own = match path.starts_with("charts") {
            true => keys.get(1..).unwrap_or_default(),
            false => keys,
        };
        if own.is_empty() {
            continue;
        }
        if own.last().is_none_or(|last| !text.contains(last.as_str())) {
            continue;
        }
        let (texts, lines): (Vec<&str>, _) = (text.split('\n').collect(), lines_of(text));
        let names = names(&texts, &lines, own);
        let mut number = 0;
        while number < texts.len() {
            let known = names.get(number).map_or(&[][..], Vec::as_slice);
            let block = known
                .iter()
                .find_map(|asked| block(&texts, &lines, number, asked));
            let Some((block, words)) = block else {
                number += 1;
                continue;
            };
            number = block.end;
            let own_texts = texts.get(block.clone()).unwrap_or_default();
            found.push(Printing {
                path: path.to_owned(),
                is_by_field: own_texts.iter().any(|line| {
                    let line = line.trim_start();
                    line.trim_start_matches("- ").starts_with("image:")
                }),
                ends: ends(&lines, &block),
                texts: own_texts.iter().map(|line| (*line).to_owned()).collect(),
                lines: block,
                words,
                keys: own.len(),
            });
        }
    }
    found
}

/// The lines from this one on that print the values, and the words for them.
fn block(texts: &[&str], lines: &[Line], number: usize, asked: &str) -> Option<(Range<usize>, String)> {
    let (text, line) = (texts.get(number)?, lines.get(number)?);
    let words = mention(text, asked)?;
    let prints = line.has_output && line.opens == line.closes;
    let opens = line.is_control() && (line.opens, line.closes) == (1, 0);
    let asks = opens && text.contains("if ");
    if !prints && (!opens || asks) {
        return None;
    }
    let mut block = number..if opens {
        end_of(lines, number)? + 1
    } else {
        number + 1
    };
    while let Some(above) = block.start.checked_sub(1)
        && let Some(opener) = lines.get(above)
        && opener.is_control()
        && (opener.opens, opener.closes) == (1, 0)
        && texts
            .get(above)
            .is_some_and(|text| mention(text, asked).is_some())
        && end_of(lines, above) == Some(block.end)
    {
        block = above..block.end + 1;
    }
    Some((block, words))
}

/// The line that ends what a line opens.
fn end_of(lines: &[Line], open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (number, line) in lines.iter().enumerate().skip(open) {
        depth = (depth + line.opens).checked_sub(line.closes)?;
        if depth == 0 {
            return Some(number);
        }
    }
    None
}

fn ends(lines: &[Line], block: &Range<usize>) -> usize {
    let own = lines.get(block.clone()).unwrap_or_default();
    own.iter()
        .take_while(|line| line.is_control() && (line.opens, line.closes) == (1, 0))
        .count()
}

/// The words of a line that name the values: with what stands before `.Values`, and no further key behind.
fn mention(line: &str, asked: &str) -> Option<String> {
    line.match_indices(asked).find_map(|(at, _)| {
        let behind = line.get(at + asked.len()..)?;
        let goes_on = behind.starts_with(|sign: char| sign.is_ascii_alphanumeric() || "_.".contains(sign));
        let before = line.get(..at)?;
        let is_name = |sign: char| sign.is_ascii_alphanumeric() || "_$".contains(sign);
        let root = before.get(before.trim_end_matches(is_name).len()..)?;
        let is_whole = asked.starts_with(".Values.") || (root.is_empty() && !before.ends_with([')', '.']));
        (!goes_on && is_whole).then(|| format!("{root}{asked}"))
    })
}

impl Printing {
    /// The same lines for other values beside these, with items at this column.
    pub(super) fn copy(&self, from: &str, to: &str, column: usize) -> Option<Vec<String>> {
        let other = format!("{}{to}", self.words.strip_suffix(from)?);
        let by = column.cast_signed() - self.column()?.cast_signed();
        let line = |line: &String| {
            let renamed = match mention(line, &self.words) {
                Some(_) => line.replace(&self.words, &other),
                None => line.clone(),
            };
            indented(&renamed, by)
        };
        Some(self.texts.iter().map(line).collect())
    }

    /// The keys beside these that the same template names in the same words, and that end in this way.
    pub(super) fn siblings(&self, template: &str, suffix: &str) -> Vec<String> {
        let Some((base, _)) = self.words.rsplit_once('.') else {
            return Vec::new();
        };
        let base = format!("{base}.");
        let mut found: Vec<String> = Vec::new();
        for (at, _) in template.match_indices(&base) {
            let rest = template.get(at + base.len()..).unwrap_or_default();
            let is_key = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
            let key = rest.split(|sign: char| !is_key(sign)).next().unwrap_or_default();
            let own = format!("{base}{key}");
            let is_whole = template
                .get(at.saturating_sub(1)..)
                .is_some_and(|text| mention(text, &own).is_some());
            if is_whole && key.to_lowercase().ends_with(suffix) && !found.iter().any(|known| known == key) {
                found.push(key.to_owned());
            }
        }
        found
    }

    /// What the first of the lines asks for there to be something, with other values than these.
    pub(super) fn condition(lines: &[String]) -> Option<&str> {
        let first = lines.first()?;
        expression(first).filter(|_| !is_loop(first))
    }

    /// The column at which the items stand.
    fn column(&self) -> Option<usize> {
        let item = self.texts.iter().find(|line| line.trim_start().starts_with("- "));
        let number = |line: &String| {
            let (_, behind) = line.split_once("indent ")?;
            let end = behind
                .find(|sign: char| !sign.is_ascii_digit())
                .unwrap_or(behind.len());
            behind.get(..end)?.parse().ok()
        };
        match item {
            Some(item) => Some(indentation(item)),
            None => self.texts.iter().find_map(number),
        }
    }
}

/// What a name in a template stands for: keys of values, `*` for each of a list or map.
type Bound = (String, Vec<String>);

/// For each line the words that mean the values behind these keys: from the root of all values, from a variable, or from
/// what a `with` or `range` is about.
fn names(texts: &[&str], lines: &[Line], keys: &[String]) -> Vec<Vec<String>> {
    let whole = format!(".Values.{}", keys.join("."));
    let mut all = Vec::new();
    // What is known at each depth of conditions and loops.
    let mut open: Vec<Vec<Bound>> = vec![Vec::new()];
    for (text, line) in texts.iter().zip(lines) {
        let known: Vec<Bound> = open.iter().flatten().cloned().collect();
        if line.opens > line.closes {
            open.push(Vec::new());
        }
        if let Some((name, path)) = bound(text, &known)
            && let Some(last) = open.last_mut()
        {
            if line.opens > line.closes {
                last.push((String::new(), path.clone()));
            }
            last.extend(name.map(|name| (name, path)));
        }
        if line.closes > line.opens && open.len() > 1 {
            open.pop();
        }
        // A name within another one's reach hides it.
        let last = |(index, (name, _)): &(usize, &Bound)| {
            let mut inner = known.iter().skip(index + 1);
            inner.all(|(other, _)| other != name)
        };
        let visible = known.iter().enumerate().filter(last);
        let short = visible.filter_map(|(_, (name, path))| {
            let is_prefix =
                path.len() < keys.len() && path.iter().zip(keys).all(|(own, key)| own == "*" || own == key);
            let rest = keys.get(path.len()..).filter(|_| is_prefix)?;
            Some(format!("{name}.{}", rest.join(".")))
        });
        all.push([whole.clone()].into_iter().chain(short).collect());
    }
    all
}

/// The variable that a line names, if it does, and the values that it, or what is open from there on, stands for.
fn bound(text: &str, known: &[Bound]) -> Option<(Option<String>, Vec<String>)> {
    let action = text
        .trim()
        .strip_prefix("{{")?
        .strip_suffix("}}")?
        .trim_matches('-')
        .trim();
    let (word, rest) = action.split_once(char::is_whitespace)?;
    let is_loop = word == "range";
    let (name, value) = match action.split_once(":=") {
        Some((names, value)) => {
            let name = names.trim_start_matches(word).rsplit(',').next()?.trim();
            (Some(if word.starts_with('$') { word } else { name }), value)
        }
        None => (None, rest),
    };
    if !is_loop && word != "with" && !word.starts_with('$') {
        return None;
    }
    let mut path = path_of(value.split('|').next()?.trim().trim_matches(['(', ')']), known)?;
    if is_loop {
        path.push("*".to_owned());
    }
    Some((name.map(str::to_owned), path))
}

/// The keys of values that words stand for.
fn path_of(words: &str, known: &[Bound]) -> Option<Vec<String>> {
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "_.$".contains(sign);
    if !words.chars().all(is_plain) {
        return None;
    }
    let keys = |rest: &str| {
        rest.split('.')
            .filter(|key| !key.is_empty())
            .map(str::to_owned)
            .collect()
    };
    if let Some((_, rest)) = words.split_once(".Values.") {
        return Some(keys(rest));
    }
    let (name, rest) = words.split_once('.').unwrap_or((words, ""));
    let (_, path) = known.iter().rev().find(|(own, _)| own == name)?;
    let rest: Vec<String> = keys(rest);
    Some([path.as_slice(), &rest].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{{- range $name, $job := .Values.jobs }}\n{{- with $job.pod }}\n{{- toYaml .sidecars | nindent 8 }}\n{{- end }}\n{{- toYaml $job.sidecars | nindent 8 }}\n{{- end }}\n{{- if $.Values.jobs.sidecars }}\n{{- tpl $.Values.jobs.sidecars . | nindent 8 }}\n{{- end }}";

    fn found(keys: &[&str]) -> Vec<(Range<usize>, String)> {
        let mut files = Files::default();
        files.put("templates/a.yaml".into(), TEXT);
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        let all = printings(&files, &keys).into_iter();
        all.map(|printing| (printing.lines, printing.words)).collect()
    }

    #[test]
    fn values_are_known_by_all_their_names() {
        let expected = |lines, words: &str| [(lines, words.to_owned())];
        assert_eq!(found(&["jobs", "a", "sidecars"]), expected(4..5, "$job.sidecars"));
        assert_eq!(
            found(&["jobs", "a", "pod", "sidecars"]),
            expected(2..3, ".sidecars")
        );
        assert_eq!(
            found(&["jobs", "sidecars"]),
            expected(6..9, "$.Values.jobs.sidecars")
        );
    }
}
