//! What a pod asks for, before and after.

use crate::remedy::plan::Plan;
use crate::{
    workload::{self, Amounts, effective_resources, write_amount},
    yaml,
};

/// Notes the effective requests and limits that a plan changes.
pub(super) fn compare(before: &yaml::Stream<'_>, after: &yaml::Stream<'_>, plans: &mut [Plan]) {
    let (before, after) = (all(before), all(after));
    for plan in plans.iter_mut().filter(|plan| !plan.is_empty()) {
        let own = |(document, reference, _): &&(usize, crate::workload::ObjectReference, Amounts)| {
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
                    write_amount(name, old.get(name).copied().unwrap_or_default()),
                    write_amount(name, *amount)
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

fn all(stream: &yaml::Stream<'_>) -> Vec<(usize, crate::workload::ObjectReference, Amounts)> {
    workload::objects_of(stream)
        .flat_map(|object| {
            workload::discover(&object)
                .iter()
                .map(|workload| {
                    (
                        object.document,
                        object.reference.clone(),
                        effective_resources(workload),
                    )
                })
                .collect::<Vec<_>>()
        })
        .collect()
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
            .map(|(name, amount)| (name.clone(), write_amount(name, *amount)))
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
