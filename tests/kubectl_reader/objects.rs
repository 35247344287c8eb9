//! Our reading of a text as the objects that kubectl would send.

use kubectl_sidecar::yaml::{Value, parse};
use serde_json::{Map, Number, Value as Json};

/// The objects of a text: what each document says that says something.
///
/// # Errors
/// Why there are none.
pub(crate) fn read(text: &str) -> Result<Vec<Json>, String> {
    let stream = parse(text).map_err(|error| error.to_string())?;
    let documents = Value::documents(&stream).map_err(|error| error.to_string())?;
    let mut objects = Vec::new();
    for document in documents.iter().flatten() {
        let object = json(&document.effective())?;
        if !object.is_null() {
            objects.push(object);
        }
    }
    Ok(objects)
}

fn json(value: &Value) -> Result<Json, String> {
    Ok(match value {
        Value::Null => Json::Null,
        Value::Boolean(value) => Json::Bool(*value),
        Value::Integer(text) | Value::Float(text) => number(text)?,
        Value::String(text) => Json::String(text.clone()),
        Value::Sequence(items) => Json::Array(items.iter().map(json).collect::<Result<_, _>>()?),
        Value::Mapping(entries) => {
            let mut object = Map::new();
            for (key, value) in entries {
                object.insert(key_text(key)?, json(value)?);
            }
            Json::Object(object)
        }
        Value::Tagged(_, value) => json(value)?,
    })
}

/// A key as sigs.k8s.io/yaml makes a string of it.
fn key_text(key: &Value) -> Result<String, String> {
    match key {
        Value::String(text) => Ok(text.clone()),
        Value::Boolean(value) => Ok(value.to_string()),
        Value::Integer(text) | Value::Float(text) => Ok(match number(text)? {
            Json::Number(number) if !number.is_f64() => number.to_string(),
            other => short_float(other.as_f64().unwrap_or_default() as f32),
        }),
        Value::Tagged(_, key) => key_text(key),
        other => Err(format!("no key: {other:?}")),
    }
}

/// A float as Go's `strconv.FormatFloat(value, 'g', -1, 32)` writes it.
fn short_float(value: f32) -> String {
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap();
    let exponent: i32 = exponent.parse().unwrap();
    if (-4..6).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// A number as go-yaml reads it: base 10, 16, 8 (`0o7` and `07`) and 2, with underscores.
fn number(text: &str) -> Result<Json, String> {
    let plain = text.replace('_', "");
    let (negative, digits) = match plain.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let lower = digits.to_ascii_lowercase();
    let based = [("0x", 16), ("0o", 8), ("0b", 2), ("0", 8)];
    let integer = based
        .iter()
        .find_map(|(prefix, base)| {
            let digits = lower.strip_prefix(prefix).filter(|digits| !digits.is_empty())?;
            Some(i128::from_str_radix(digits, *base).ok())
        })
        .unwrap_or_else(|| lower.parse::<i128>().ok());
    let signed = integer.map(|value| if negative { -value } else { value });
    if let Some(value) = signed {
        if let Ok(value) = i64::try_from(value) {
            return Ok(value.into());
        }
        if let Ok(value) = u64::try_from(value) {
            return Ok(value.into());
        }
    }
    let value: f64 = plain.parse().map_err(|_| format!("no number: {text}"))?;
    Number::from_f64(value)
        .map(Json::Number)
        .ok_or_else(|| format!("not in JSON: {text}"))
}

/// Whether two lists of objects say the same; numbers are compared by their value.
pub(crate) fn are_same(ours: &[Json], theirs: &[Json]) -> bool {
    ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(one, other)| is_same(one, other))
}

fn is_same(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Json::Array(one), Json::Array(other)) => are_same(one, other),
        (Json::Object(one), Json::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, value)| other.get(key).is_some_and(|other| is_same(value, other)))
        }
        _ => one == other,
    }
}

/// The object with `sh -c 'exec app'` as the words that it runs. migrate leaves the shell where a comment stands among
/// the words, and JSON has no comments.
pub(crate) fn without_shells(object: Json) -> Json {
    match object {
        Json::Array(items) => {
            let items: Vec<Json> = items.into_iter().map(without_shells).collect();
            let words: Option<Vec<&str>> = items.iter().map(Json::as_str).collect();
            match words.as_deref() {
                Some(["sh", "-c", script]) => {
                    let script = script.strip_prefix("exec ").unwrap_or(script);
                    let bare: String = script
                        .chars()
                        .filter(|character| !"'\"\n".contains(*character))
                        .collect();
                    bare.split(' ').map(Json::from).collect()
                }
                _ => Json::Array(items),
            }
        }
        Json::Object(entries) => entries
            .into_iter()
            .map(|(key, value)| (key, without_shells(value)))
            .collect(),
        other => other,
    }
}
