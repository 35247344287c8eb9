//! What a pod asks for (`docs/semantics.md`, "Resources").

use std::collections::BTreeMap;

use super::{ContainerList, Workload};
use crate::yaml::Node;

/// Amounts by `requests.cpu`, `limits.memory`, …: thousandths of the unit.
pub type Amounts = BTreeMap<String, i128>;

/// What the scheduler, quotas and limits count for a pod: the larger of what runs together and what each init
/// container needs beside the sidecars before it.
#[must_use]
pub fn effective_resources(workload: &Workload<'_>) -> Amounts {
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
#[must_use]
pub fn quantity(text: &str) -> Option<i128> {
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

/// An amount as manifests have it: `600Mi`, `1750m`.
#[must_use]
pub fn write_amount(name: &str, amount: i128) -> String {
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
