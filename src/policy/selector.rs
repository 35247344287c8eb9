//! Label selectors as kubectl's `-l` takes them, for the `namespaceSelector` of a policy.

use crate::yaml::Value;

/// What one label has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The label.
    pub key: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what.
    pub values: Vec<String>,
}

/// How a label is compared (`metav1.LabelSelectorOperator`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// One of the values.
    In,
    /// None of the values, or no such label.
    NotIn,
    /// There, whatever its value.
    Exists,
    /// Not there.
    DoesNotExist,
}

/// A selector that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no label selector such as `team=a,env in (test,stage),!legacy`")]
pub struct SelectorError(String);

impl Operator {
    fn name(self) -> &'static str {
        match self {
            Self::In => "In",
            Self::NotIn => "NotIn",
            Self::Exists => "Exists",
            Self::DoesNotExist => "DoesNotExist",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::In, Self::NotIn, Self::Exists, Self::DoesNotExist]
            .into_iter()
            .find(|operator| operator.name() == name)
    }
}

impl Requirement {
    /// Whether these labels are what is asked for.
    #[must_use]
    pub fn holds(&self, labels: &serde_json::Value) -> bool {
        let own = labels.get(&self.key).and_then(serde_json::Value::as_str);
        let is_listed = own.is_some_and(|own| self.values.iter().any(|value| value == own));
        match self.operator {
            Operator::In => is_listed,
            Operator::NotIn => !is_listed,
            Operator::Exists => own.is_some(),
            Operator::DoesNotExist => own.is_none(),
        }
    }

    /// The entry of `matchExpressions`.
    pub(super) fn value(&self) -> Value {
        let mut entries = vec![
            (Value::string("key"), Value::string(&self.key)),
            (Value::string("operator"), Value::string(self.operator.name())),
        ];
        if !self.values.is_empty() {
            let values = self.values.iter().map(Value::string).collect();
            entries.push((Value::string("values"), Value::Sequence(values)));
        }
        Value::Mapping(entries)
    }
}

/// Reads a LabelSelector of the API (metav1).
pub(super) fn label_selector(selector: &serde_json::Value) -> Vec<Requirement> {
    use serde_json::Value as Json;
    let labels = selector.get("matchLabels").and_then(Json::as_object);
    let equal = labels.into_iter().flatten().map(|(key, value)| Requirement {
        key: key.clone(),
        operator: Operator::In,
        values: value.as_str().map(str::to_owned).into_iter().collect(),
    });
    let expressions = selector.get("matchExpressions").and_then(Json::as_array);
    let compared = expressions.into_iter().flatten().filter_map(|expression| {
        let values = expression.get("values").and_then(Json::as_array);
        Some(Requirement {
            key: expression.get("key")?.as_str()?.to_owned(),
            operator: Operator::named(expression.get("operator")?.as_str()?)?,
            values: values
                .into_iter()
                .flatten()
                .filter_map(|value| value.as_str().map(str::to_owned))
                .collect(),
        })
    });
    equal.chain(compared).collect()
}

/// Reads a selector: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, joined by commas.
///
/// # Errors
/// Anything else.
pub fn parse_selector(text: &str) -> Result<Vec<Requirement>, SelectorError> {
    let wrong = || SelectorError(text.to_owned());
    pieces(text)
        .map(|piece| requirement(piece.trim()).ok_or_else(wrong))
        .collect()
}

/// What stands between the commas that are not in parentheses.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.split(move |letter| {
        match letter {
            '(' => inside = true,
            ')' => inside = false,
            _ => {}
        }
        letter == ',' && !inside
    })
}

fn requirement(piece: &str) -> Option<Requirement> {
    let made = |key: &str, operator, values: Vec<String>| {
        is_key(key.trim()).then(|| Requirement {
            key: key.trim().to_owned(),
            operator,
            values,
        })
    };
    if let Some(list) = piece.strip_suffix(')') {
        let (head, list) = list.split_once('(')?;
        let (key, word) = head.trim().rsplit_once(char::is_whitespace)?;
        let operator = match word {
            "in" => Operator::In,
            "notin" => Operator::NotIn,
            _ => return None,
        };
        let values = list.split(',').map(value).collect::<Option<_>>()?;
        return made(key, operator, values);
    }
    if let Some((key, text)) = piece.split_once("!=") {
        return made(key, Operator::NotIn, vec![value(text)?]);
    }
    if let Some((key, text)) = piece.split_once("==").or_else(|| piece.split_once('=')) {
        return made(key, Operator::In, vec![value(text)?]);
    }
    match piece.strip_prefix('!') {
        Some(key) => made(key, Operator::DoesNotExist, Vec::new()),
        None => made(piece, Operator::Exists, Vec::new()),
    }
}

fn is_key(key: &str) -> bool {
    !key.is_empty()
        && key
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-_./".contains(letter))
}

fn value(text: &str) -> Option<String> {
    let text = text.trim();
    text.chars()
        .all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
        .then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_read_as_kubectl_reads_them() {
        let read = |text: &str| -> Vec<String> {
            parse_selector(text)
                .unwrap()
                .iter()
                .map(|one| format!("{} {} {}", one.key, one.operator.name(), one.values.join(" ")))
                .collect()
        };
        assert_eq!(
            read("team=a, env in (test, stage),tier notin (x),a.b/c!=d,e==f,there,!legacy"),
            [
                "team In a",
                "env In test stage",
                "tier NotIn x",
                "a.b/c NotIn d",
                "e In f",
                "there Exists ",
                "legacy DoesNotExist "
            ]
        );
        for wrong in [
            "",
            "a=b,",
            "a in b",
            "a within (b)",
            "a b",
            "a=b c",
            "=b",
            "a in (b",
            "a=b)",
        ] {
            assert!(parse_selector(wrong).is_err(), "{wrong}");
        }
    }
}
