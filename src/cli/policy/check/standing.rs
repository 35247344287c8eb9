//! What is installed, and whether it is what this version would install.

use std::collections::BTreeMap;

use serde_json::Value;

use super::report::{Guards, Installed, Standing};
use crate::{
    cli::Error,
    policy::{Guard, OPTIONS_ANNOTATION, PolicyObject, Promotion, VERSION_ANNOTATION, is_in_step},
    rules::RULES,
};

/// Everything of this program's that a server holds, by resource.
type Held = BTreeMap<&'static str, Vec<Value>>;

fn named<'h>(held: &'h Held, resource: &str, name: &str) -> Option<&'h Value> {
    held.get(resource)?.iter().find(|object| name_of(object) == name)
}

fn name_of(object: &Value) -> &str {
    object
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn annotation<'o>(object: &'o Value, key: &str) -> Option<&'o str> {
    object.pointer("/metadata/annotations")?.get(key)?.as_str()
}

/// Whether all of these objects are there as this version prints them.
fn are_in_step(held: &Held, printed: &[PolicyObject]) -> bool {
    printed.iter().all(|object| {
        named(held, &object.resource(), &object.name).is_some_and(|held| is_in_step(&object.json(), held))
    })
}

/// Which guards are there, and which of them this version would make otherwise.
pub(super) fn guards(held: &Held) -> Guards {
    let mut guards = Guards::default();
    // Only what guards has options of its own among these.
    for policy in held.get("validatingadmissionpolicies").into_iter().flatten() {
        let Some(options) = annotation(policy, OPTIONS_ANNOTATION) else {
            continue;
        };
        guards.installed += 1;
        let name = name_of(policy);
        let guard = serde_json::from_str::<Guard>(options).ok();
        let printed = guard.and_then(|guard| {
            let (rule, prefix) = RULES
                .iter()
                .find_map(|rule| Some((*rule, name.strip_suffix(rule.name)?.strip_suffix('-')?)))?;
            guard.objects(prefix, &[rule]).ok()
        });
        if !printed.is_some_and(|printed| are_in_step(held, &printed)) {
            guards.out_of_step.push(name.to_owned());
        }
    }
    guards
}

/// Reads the policy and compares all of its objects with what this version prints for its options.
pub(super) fn standing(held: &Held, name: &str, asked: &Promotion) -> Result<Standing, Error> {
    let Some(policy) = named(held, "mutatingadmissionpolicies", name) else {
        return Ok(Standing {
            policy: name.to_owned(),
            installed: None,
            options: asked.clone(),
        });
    };
    let Ok(options) =
        serde_json::from_str::<Promotion>(annotation(policy, OPTIONS_ANNOTATION).unwrap_or_default())
    else {
        return Err(Error::Cluster(format!(
            "the annotation {OPTIONS_ANNOTATION} of the installed {name} does not say its options"
        )));
    };
    let printed = options
        .objects(name)
        .map_err(|error| Error::Cluster(error.to_string()))?;
    let installed = Installed {
        made_by: annotation(policy, VERSION_ANNOTATION)
            .unwrap_or_default()
            .to_owned(),
        in_step: are_in_step(held, &printed),
        // Who asks for nothing in particular asks for what is there.
        as_asked: *asked == Promotion::default() || *asked == options,
    };
    Ok(Standing {
        policy: name.to_owned(),
        installed: Some(installed),
        options,
    })
}
