//! What a pod asks for, before and after (`semantics.md`, 2.7; KEP-753, "Resources calculation").

use std::collections::BTreeMap;

use crate::{
    lint,
    workload::{self, ContainerList, Workload},
    yaml::{self, Node},
};

use super::plan::Plan;

/// Amounts by `requests.cpu`, `limits.memory`, …: thousandths of the unit.
type Amounts = BTreeMap<String, i128>;

/// Notes the effective requests and limits that a plan changes.
pub(super) fn compare(before: &str, after: &str, plans: &mut [Plan]) {
    let (Ok(before), Ok(after)) = (yaml::parse(before), yaml::parse(after)) else {
        return;
    };
    let (before, after) = (all(&before), all(&after));
    for plan in plans.iter_mut().filter(|plan| !plan.is_empty()) {
        let own = |(document, reference, _): &&(usize, crate::rules::ObjectReference, Amounts)| {
            *document == plan.document && *reference == plan.object
        };
        let (Some((.., old)), Some((.., new))) = (before.iter().find(own), after.iter().find(own)) else {
            continue;
        };
        let changed: Vec<String> = new
            .iter()
            .filter(|(name, amount)| old.get(*name) != Some(*amount))
            .map(|(name, amount)| {
                format!(
                    "{name} {} → {}",
                    written(name, old.get(name).copied().unwrap_or_default()),
                    written(name, *amount)
                )
            })
            .collect();
        if !changed.is_empty() {
            plan.note(format!(
                "the pod's effective resources change: {}",
                changed.join(", ")
            ));
        }
    }
}

fn all(stream: &yaml::Stream<'_>) -> Vec<(usize, crate::rules::ObjectReference, Amounts)> {
    lint::objects_of(stream)
        .flat_map(|object| {
            workload::discover(&object)
                .iter()
                .map(|workload| (object.document, object.reference.clone(), effective(workload)))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The larger of what runs together and what each init container needs beside the sidecars before it.
fn effective(workload: &Workload<'_>) -> Amounts {
    let mut sidecars = Amounts::new();
    let mut highest = Amounts::new();
    let mut regular = Amounts::new();
    for container in &workload.containers {
        let own = amounts(container.node);
        match container.list {
            ContainerList::Init => {
                let mut together = sidecars.clone();
                add(&mut together, &own);
                raise(&mut highest, &together);
                if container.is_native_sidecar() {
                    sidecars = together;
                }
            }
            ContainerList::Regular => add(&mut regular, &own),
            ContainerList::Ephemeral | ContainerList::ControllerSidecars => {}
        }
    }
    add(&mut regular, &sidecars);
    raise(&mut highest, &regular);
    highest
}

fn add(sum: &mut Amounts, other: &Amounts) {
    for (name, amount) in other {
        *sum.entry(name.clone()).or_default() += amount;
    }
}

fn raise(highest: &mut Amounts, other: &Amounts) {
    for (name, amount) in other {
        let own = highest.entry(name.clone()).or_default();
        *own = (*own).max(*amount);
    }
}

fn amounts(container: Node<'_>) -> Amounts {
    let mut amounts = Amounts::new();
    for kind in ["requests", "limits"] {
        let entries = container
            .path(&["resources", kind])
            .map(Node::entries)
            .unwrap_or_default();
        for entry in entries {
            if let (Some(name), Some(amount)) = (entry.key.as_str(), entry.value.as_str().and_then(quantity))
            {
                amounts.insert(format!("{kind}.{name}"), amount);
            }
        }
    }
    amounts
}

/// A quantity in thousandths: `250m`, `1.5`, `64Mi` (apimachinery, resource.Quantity).
fn quantity(text: &str) -> Option<i128> {
    let split = text
        .find(|letter: char| !(letter.is_ascii_digit() || matches!(letter, '.' | '+' | '-')))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(split);
    let scale: i128 = match suffix {
        "m" => 1,
        "" => 1_000,
        "k" => 1_000_000,
        "M" => 1_000_000_000,
        "G" => 1_000_000_000_000,
        "T" => 1_000_000_000_000_000,
        "Ki" => 1_000 << 10,
        "Mi" => 1_000 << 20,
        "Gi" => 1_000 << 30,
        "Ti" => 1_000 << 40,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut amount = whole.parse::<i128>().ok()?.checked_mul(scale)?;
    let mut place = scale;
    for digit in fraction.chars() {
        place /= 10;
        amount += i128::from(digit.to_digit(10)?) * place;
    }
    Some(amount)
}

fn written(name: &str, amount: i128) -> String {
    if name.ends_with("memory") || name.ends_with("storage") {
        let bytes = amount / 1_000;
        for (suffix, size) in [("Gi", 1_i128 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)] {
            if bytes >= size && bytes % size == 0 {
                return format!("{}{suffix}", bytes / size);
            }
        }
        return bytes.to_string();
    }
    if amount % 1_000 == 0 {
        (amount / 1_000).to_string()
    } else {
        format!("{amount}m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<(String, String)> {
        let stream = yaml::parse(text).unwrap();
        let found = all(&stream);
        found[0]
            .2
            .iter()
            .map(|(name, amount)| (name.clone(), written(name, *amount)))
            .collect()
    }

    #[test]
    fn a_sidecar_before_a_large_init_container_costs() {
        let pod = |list: &str, rest: &str| {
            format!(
                "kind: Pod\napiVersion: v1\nmetadata: {{name: a}}\nspec:\n  initContainers:\n{list}  - {{name: init, image: i, resources: {{requests: {{memory: 500Mi}}}}}}\n  containers:\n{rest}  - {{name: app, image: a, resources: {{requests: {{memory: 200Mi, cpu: 250m}}}}}}\n"
            )
        };
        let sidecar = "  - {name: s, image: s, resources: {requests: {memory: 100Mi, cpu: '1.5'}}";
        let after = of(&pod(&format!("{sidecar}, restartPolicy: Always}}\n"), ""));
        let before = of(&pod("", &format!("{sidecar}}}\n")));
        assert_eq!(
            after,
            [
                ("requests.cpu".into(), "1750m".into()),
                ("requests.memory".into(), "600Mi".into())
            ]
        );
        assert_eq!(
            before,
            [
                ("requests.cpu".into(), "1750m".into()),
                ("requests.memory".into(), "500Mi".into())
            ]
        );
    }
}
