//! Other values and another release, which tell an edit from one that only fits the values at hand: a condition that was
//! lost, a value that became the text of a template.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::{
    diff::hunks,
    tree::{Files, Probe, Way},
    yaml,
};

use super::{
    conditions::{around, expression, is_loop},
    dependencies,
    edits::name_of_define,
    lines::{Line, lines_of},
    marks::is_template,
    uses,
};

/// So many lines around a change are searched for values that it may depend on.
const NEAR: usize = 6;
/// Parts that include others are followed so far.
const MOST_INCLUDED: usize = 3;
/// A value that is longer is not shown.
const LONGEST: usize = 60;
/// More other values are not tried for each way.
const MOST: usize = 16;

/// The ways that tell whether edited files hold for other values than those of `ways`, too.
pub(super) fn probes(before: &Files, edited: &Files, ways: &[Way]) -> Vec<Way> {
    let mut used = Used::default();
    let changed: Vec<&Path> = edited
        .changed(before)
        .filter(|path| !only_prints_more(before, edited, path))
        .collect();
    for path in changed.iter().copied() {
        let text = |files: &Files| files.text(path).map(|text| text.to_string()).unwrap_or_default();
        let (old, new) = (text(before), text(edited));
        let (gone, come): (Vec<_>, Vec<_>) = hunks(&old, &new)
            .into_iter()
            .map(|hunk| (hunk.before, hunk.after))
            .unzip();
        used.add(of_chart(before, path, values_near(&old, &gone)));
        used.add(of_chart(before, path, values_near(&new, &come)));
    }
    // What is decided further away may be about the same pod.
    for path in changed.into_iter().filter(|path| is_template(path)) {
        let text = before.text(path).map(|text| text.to_string()).unwrap_or_default();
        let known = lines_of(&text);
        let lines = text.split('\n').zip(&known);
        let deciding: BTreeSet<_> = lines
            .enumerate()
            .filter(|(_, (_, line))| !line.is_define)
            .flat_map(|(number, (own, line))| {
                let decides = line.opens > 0 && !repeats_words(&text, &known, number);
                values_decided_by(before, own, decides, MOST_INCLUDED)
            })
            .map(|path| (path, true))
            .collect();
        used.add(of_chart(before, path, deciding));
    }
    // So may be what is decided where another template includes a part that changes.
    for own in uses::of_changed(before, edited) {
        let asked = own.asked.iter().flatten();
        let deciding: BTreeSet<_> = asked
            .flat_map(|asked| values_in(asked))
            .map(|path| (path, true))
            .collect();
        used.add(of_chart(before, &own.path, deciding));
    }
    // What the edit is the first to ask for has done nothing until now.
    used.values.retain(|(path, _)| is_asked_for(before, path));
    let mut probes = Vec::new();
    for way in ways {
        probes.push(Way {
            name: format!("{}, released under another name", way.name),
            probe: Some(Probe::Release),
            ..way.clone()
        });
        let (Some(known), Some(new)) = (values_of(before, &way.paths), values_of(edited, &way.paths)) else {
            continue;
        };
        // A value that the edit itself changes can't be another one on both sides of it.
        let others = used
            .values
            .iter()
            .filter(|(path, _)| look_up(&known, path) == look_up(&new, path))
            .flat_map(|(path, decides)| {
                let others = others(path, look_up(&known, path)).into_iter();
                others.map(move |other| (path, other, *decides))
            });
        probes.extend(others.take(MOST).map(|(path, value, is_switch)| {
            let key = path.join(".");
            let set = format!("{key}={value}");
            let shown = if set.len() > LONGEST {
                format!("{key}=another value")
            } else {
                set.clone()
            };
            Way {
                name: format!("{} and {shown}", way.name),
                probe: Some(Probe::Value { set, is_switch }),
                ..way.clone()
            }
        }));
    }
    probes
}

/// Whether a template has lost nothing, and what is new in it is there for values alone that no template has asked for:
/// without them it is what it was.
fn only_prints_more(before: &Files, edited: &Files, path: &Path) -> bool {
    let (Some(old), Some(new)) = (before.text(path), edited.text(path)) else {
        return false;
    };
    let lines: Vec<&str> = new.split('\n').collect();
    hunks(old, new).iter().all(|hunk| {
        let come = lines.get(hunk.after.clone()).unwrap_or_default();
        let asked = come.first().and_then(|line| expression(line));
        let ends = come.last().is_some_and(|line| line.trim() == "{{- end }}");
        let known = lines_of(&come.join("\n"));
        let depth = |count: usize| {
            let some = known.iter().take(count);
            some.fold(0isize, |depth, line| {
                depth + line.opens.cast_signed() - line.closes.cast_signed()
            })
        };
        let is_one = (1..come.len()).all(|count| depth(count) > 0) && depth(come.len()) == 0;
        let mut templates = before.texts().filter(|(path, _)| is_template(path));
        hunk.before.is_empty()
            && ends
            && is_one
            && !known.iter().any(|line| line.has_else)
            && asked.is_some_and(|asked| {
                let is_value = asked.contains('.') && !asked.contains(char::is_whitespace);
                is_value && templates.all(|(_, text)| !text.contains(asked))
            })
    })
}

/// Whether a template names a value.
fn is_asked_for(files: &Files, path: &[String]) -> bool {
    let words = |keys: &[String]| format!(".Values.{}", keys.join("."));
    let (whole, below) = (words(path), path.get(1..).map(words));
    let mut texts = files.texts().filter(|(_, text)| text.contains(".Values."));
    texts.any(|(path, text)| {
        let is_below = path.starts_with("charts") && below.as_ref().is_some_and(|words| text.contains(words));
        text.contains(&whole) || is_below
    })
}

/// Whether what a condition asks is only a value that one of these ways has turned over.
pub(super) fn is_probed(asked: &str, probed: &[Way]) -> bool {
    let Some(key) = asked
        .trim()
        .strip_prefix("not ")
        .unwrap_or(asked)
        .trim()
        .strip_prefix(".Values.")
    else {
        return false;
    };
    probed.iter().any(|way| match &way.probe {
        Some(Probe::Value { set, .. }) => set.split_once('=').is_some_and(|(own, _)| own == key),
        _ => false,
    })
}

/// Values by their keys, and whether a condition is about them, the nearest first.
#[derive(Default)]
struct Used {
    values: Vec<(Vec<String>, bool)>,
}

impl Used {
    fn add(&mut self, values: impl IntoIterator<Item = (Vec<String>, bool)>) {
        for (path, decides) in values {
            match self.values.iter_mut().find(|(own, _)| *own == path) {
                Some((_, own)) => *own |= decides,
                None => self.values.push((path, decides)),
            }
        }
    }
}

/// The values that stand in, beside or around some lines of a template, by their keys, and whether a condition is about
/// them.
fn values_near(text: &str, ranges: &[std::ops::Range<usize>]) -> BTreeSet<(Vec<String>, bool)> {
    let all: Vec<&str> = text.split('\n').collect();
    let known = lines_of(text);
    let mut used = BTreeSet::new();
    for range in ranges {
        let near = range.start.saturating_sub(NEAR)..(range.end + NEAR).min(all.len());
        let conditions = around(&known, range.start);
        let lines = near.chain(conditions.into_iter().map(|condition| condition.line));
        for line in lines {
            let decides = known
                .get(line)
                .is_some_and(|line| line.opens > 0 || line.has_else)
                && !repeats_words(text, &known, line);
            let values = all.get(line).map(|line| values_in(line)).unwrap_or_default();
            used.extend(values.into_iter().map(|path| (path, decides)));
        }
    }
    used
}

/// Whether a line opens a loop that writes nothing but words, be it in a script or in a list of arguments: it does not
/// decide which containers there are.
fn repeats_words(text: &str, lines: &[Line], at: usize) -> bool {
    let own = lines
        .get(at)
        .is_some_and(|line| line.opens == 1 && line.closes == 0);
    let mut texts = text.split('\n').enumerate().skip(at);
    let is_loop = texts.next().is_some_and(|(_, line)| is_loop(line));
    let mut depth = 1usize;
    let body = texts.take_while(|(number, _)| {
        let Some(line) = lines.get(*number) else {
            return false;
        };
        depth = (depth + line.opens).saturating_sub(line.closes);
        depth > 0
    });
    let is_more = |line: &str| {
        let brings = ["include ", "template ", "tpl ", "toYaml "];
        let is_entry = line
            .trim_start()
            .trim_start_matches("- ")
            .split_once(':')
            .is_some_and(|(key, _)| !key.is_empty() && key.bytes().all(|sign| sign.is_ascii_alphanumeric()));
        is_entry || brings.iter().any(|words| line.contains(words))
    };
    own && is_loop && !body.into_iter().any(|(_, line)| is_more(line))
}

/// The values that a condition names, and those that conditions name in the parts which a line includes.
fn values_decided_by(files: &Files, line: &str, is_condition: bool, depth: usize) -> Vec<Vec<String>> {
    let mut all = match is_condition {
        true => values_in(line),
        false => Vec::new(),
    };
    let Some(depth) = depth.checked_sub(1) else {
        return all;
    };
    for included in line.split("include \"").skip(1) {
        let name = included.split('"').next().unwrap_or_default();
        for (_, text) in files.texts().filter(|(path, _)| is_template(path)) {
            let is_it = |line: &str| name_of_define(line).is_some_and(|own| own == name);
            let Some(start) = text.split('\n').position(is_it) else {
                continue;
            };
            let lines = lines_of(text);
            let own = text.split('\n').zip(&lines);
            let own = own.filter(|(_, line)| line.define == Some(start));
            all.extend(own.flat_map(|(text, line)| {
                // What a condition includes is all about it.
                values_decided_by(files, text, is_condition || line.opens > 0, depth)
            }));
        }
    }
    all
}

/// Values as the outermost chart knows them: those of a chart below it have that one's name before them, or each of the
/// names that it is given there, but for a library's, which are those of whoever includes its parts.
fn of_chart(files: &Files, path: &Path, values: BTreeSet<(Vec<String>, bool)>) -> Vec<(Vec<String>, bool)> {
    let below = path.strip_prefix("charts").ok();
    let directory = below.and_then(|path| path.components().next()?.as_os_str().to_str());
    let Some(directory) = directory else {
        return values.into_iter().collect();
    };
    let names = dependencies::names_of(files, directory);
    let all = values.into_iter().flat_map(|(keys, decides)| {
        let own = names.iter().map(move |name| {
            let keys = name.iter().cloned().chain(keys.iter().cloned()).collect();
            (keys, decides)
        });
        own.collect::<Vec<_>>()
    });
    all.collect()
}

/// `.Values.a.b`: `a`, `b`.
fn values_in(line: &str) -> Vec<Vec<String>> {
    let parts = line.split(".Values.").skip(1);
    let path = |part: &str| -> Vec<String> {
        let end = part.find(|sign: char| !(sign.is_ascii_alphanumeric() || "_.".contains(sign)));
        let keys = part.get(..end.unwrap_or(part.len())).unwrap_or_default();
        keys.split('.')
            .filter(|key| !key.is_empty())
            .map(str::to_owned)
            .collect()
    };
    parts.map(path).filter(|keys| !keys.is_empty()).collect()
}

/// The chart's own values with those of some files over them, as helm merges them; nothing where they can't be read.
fn values_of(files: &Files, paths: &[PathBuf]) -> Option<Value> {
    let own = std::iter::once(Path::new("values.yaml")).chain(paths.iter().map(PathBuf::as_path));
    let texts = own.filter_map(|path| files.text(path));
    texts.into_iter().try_fold(json!({}), |below, text| {
        let stream = yaml::parse(text).ok()?;
        let document = yaml::Value::documents(&stream).ok()?.into_iter().next().flatten();
        match document {
            Some(document) => Some(merged(below, document.effective().to_json()?)),
            None => Some(below),
        }
    })
}

fn merged(below: Value, above: Value) -> Value {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            let mut all: BTreeMap<String, Value> = below.into_iter().collect();
            for (key, value) in above {
                let own = all.remove(&key).unwrap_or(Value::Null);
                all.insert(key, merged(own, value));
            }
            Value::Object(all.into_iter().collect())
        }
        (_, above) => above,
    }
}

fn look_up<'v>(values: &'v Value, path: &[String]) -> &'v Value {
    path.iter()
        .fold(values, |value, key| value.get(key).unwrap_or(&Value::Null))
}

/// Other values of the same kind. Of a list or map that is empty the name tells what may be in it.
fn others(path: &[String], value: &Value) -> Vec<Value> {
    let name = path.last().map(|name| name.to_lowercase()).unwrap_or_default();
    let filled = || {
        if name.ends_with("containers") {
            return Some(json!([{"name": "another", "image": "another"}]));
        }
        let is_map = name.ends_with("annotations") || name.ends_with("labels");
        is_map.then(|| json!({"another": "one"}))
    };
    let one = match value {
        Value::Null => Some(filled().unwrap_or(json!(true))),
        Value::Bool(is) => Some(json!(!is)),
        Value::Number(number) => number.as_i64().map(|number| json!(number + distance(number))),
        Value::String(text) => Some(json!(format!("{text}x"))),
        Value::Array(items) if !items.is_empty() => Some(json!([])),
        Value::Object(entries) if !entries.is_empty() => Some(Value::Null),
        Value::Array(_) | Value::Object(_) => filled(),
    };
    one.into_iter().chain(with_another(value)).collect()
}

/// How far another number is: the port beside one may be known for something else.
fn distance(number: i64) -> i64 {
    if number < 1024 { 1 } else { 100 }
}

/// A list or map of items with one more, of another name and image: what is true of those at hand need not be of it.
fn with_another(value: &Value) -> Option<Value> {
    let another = |item: &Value| {
        let mut item = item.as_object()?.clone();
        for key in ["name", "image"] {
            if let Some(own) = item.get_mut(key).filter(|own| own.is_string()) {
                *own = json!("another");
            }
        }
        Some(Value::Object(item))
    };
    match value {
        Value::Array(items) => {
            let another = another(items.first()?)?;
            Some(Value::Array(items.iter().cloned().chain([another]).collect()))
        }
        Value::Object(entries) if entries.values().all(Value::is_object) => {
            let another = another(entries.values().next()?)?;
            let mut entries = entries.clone();
            entries.insert("another".to_owned(), another);
            Some(Value::Object(entries))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_change_may_depend_on_is_asked_for_with_other_values() {
        let mut before = Files::default();
        before.put("values.yaml".into(), "proxy: {enabled: true, port: 5432}\n");
        before.put(
            "templates/a.yaml".into(),
            "{{- if .Values.proxy.enabled }}\na: {{ .Values.proxy.port }}\n{{- end }}\n",
        );
        let mut edited = before.clone();
        edited.put(
            "templates/a.yaml".into(),
            "{{- if .Values.proxy.enabled }}\nb: 5432\n{{- end }}\n",
        );
        let names: Vec<String> = probes(&before, &edited, &[Way::default()])
            .into_iter()
            .filter_map(|way| match way.probe? {
                Probe::Value { set, .. } => Some(set),
                Probe::Release => None,
            })
            .collect();
        assert_eq!(names, ["proxy.enabled=false", "proxy.port=5532"]);
    }
}
