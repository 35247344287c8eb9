//! Errors that say the same of several kinds, as one.

/// Kinds that are named; more are counted.
const NAMED: usize = 12;

/// Something that could not be looked at: what, and why.
pub(super) type Unseen = (String, String);

/// Joins what could not be looked at for the same reason: a selector that is wrong, or a list that is forbidden, is so
/// for every kind. The first of its kind stands for all.
pub(super) fn joined(unseen: Vec<Unseen>) -> Vec<Unseen> {
    let mut groups: Vec<(String, Vec<Unseen>)> = Vec::new();
    for (what, reason) in unseen {
        let key = general(&what, &reason);
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, group)) => group.push((what, reason)),
            None => groups.push((key, vec![(what, reason)])),
        }
    }
    groups
        .into_iter()
        .map(|(key, group)| one_of(key, group))
        .collect()
}

fn one_of(key: String, mut group: Vec<Unseen>) -> Unseen {
    if let [_] = group.as_slice()
        && let Some(only) = group.pop()
    {
        return only;
    }
    group.sort();
    let kinds: Vec<&str> = group.iter().map(|(what, _)| kind(what)).take(NAMED).collect();
    let more = match group.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more kinds"),
    };
    let place = group
        .first()
        .and_then(|(what, _)| what.split_once(' '))
        .map_or(String::new(), |(_, place)| format!(" {place}"));
    (format!("{}{more}{place}", kinds.join(", ")), key)
}

/// `deployments.apps` of `deployments.apps in namespace shop`.
fn kind(what: &str) -> &str {
    what.split(' ').next().unwrap_or(what)
}

/// A reason without the path that was asked for, and without the words that name the kind.
fn general(what: &str, reason: &str) -> String {
    let kind = kind(what);
    let (plural, group) = kind.split_once('.').unwrap_or((kind, ""));
    let text = match reason.strip_prefix('/').and_then(|rest| rest.split_once(": ")) {
        Some((_, message)) => message,
        None => reason,
    };
    text.replace(&format!("{plural:?}"), "…")
        .replace(kind, "…")
        .replace(&format!("in API group {group:?} "), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forbidden(plural: &str, group: &str) -> Unseen {
        let name = if group.is_empty() {
            plural.to_owned()
        } else {
            format!("{plural}.{group}")
        };
        (
            format!("{name} in namespace q"),
            format!(
                "/apis/{group}/v1/{plural}?limit=500: {name} is forbidden: User \"u\" cannot list resource \"{plural}\" in API group \"{group}\" in the namespace \"q\" (403)"
            ),
        )
    }

    #[test]
    fn what_is_forbidden_for_every_kind_is_said_once() {
        let all = vec![
            forbidden("pods", ""),
            forbidden("jobs", "batch"),
            forbidden("cronjobs", "batch"),
            forbidden("deployments", "apps"),
            ("jobs.batch".to_owned(), "something else".to_owned()),
        ];
        let joined = joined(all);
        assert_eq!(joined.len(), 2, "{joined:?}");
        assert_eq!(
            joined[0].0,
            "cronjobs.batch, deployments.apps, jobs.batch, pods in namespace q"
        );
        assert!(
            joined[0]
                .1
                .contains("cannot list resource … in the namespace \"q\""),
            "{joined:?}"
        );
        assert_eq!(joined[1].1, "something else");
    }
}
