//! The pairs a declaration makes.

use super::{Declared, DeclaredContainer, Gate, Pair, Rule};
use crate::roles::Role;

impl Declared {
    /// Init containers and native sidecars one after the other; the last before every regular container; each
    /// sidecar of the first design before each app; regular containers in list order where nothing else holds.
    pub(super) fn start_pairs(&mut self, init_count: usize, enforced: bool) {
        let mut pairs = Vec::new();
        let mut pair = |rule, before: &DeclaredContainer, after: &DeclaredContainer, enforced| {
            pairs.push(Pair {
                rule,
                before: before.name.clone(),
                after: after.name.clone(),
                gate: if rule == Rule::StartOrder {
                    before.gate
                } else {
                    Gate::Running
                },
                enforced,
            });
        };
        let in_chain = |container: &&DeclaredContainer| container.role == Role::Init || container.native;
        let inits = self.containers.iter().take(init_count);
        let late_natives = self.containers.iter().skip(init_count).filter(in_chain);
        let chain: Vec<&DeclaredContainer> = inits.filter(in_chain).chain(late_natives).collect();
        for (one, two) in chain.iter().zip(chain.iter().skip(1)) {
            pair(Rule::StartOrder, one, two, enforced);
        }
        let parallel: Vec<&DeclaredContainer> =
            self.sidecars().filter(|container| !container.native).collect();
        let apps: Vec<&DeclaredContainer> = self.apps().collect();
        if let Some(last) = chain.last() {
            for next in parallel.iter().chain(&apps) {
                pair(Rule::StartOrder, last, next, enforced);
            }
        }
        for sidecar in &parallel {
            for app in &apps {
                pair(Rule::StartOrder, sidecar, app, false);
            }
        }
        if parallel.is_empty() {
            for (one, two) in apps.iter().zip(apps.iter().skip(1)) {
                pair(Rule::ListOrder, one, two, true);
            }
        }
        self.pairs.append(&mut pairs);
    }

    /// Every regular container before each sidecar; native sidecars in reverse list order.
    pub(super) fn stop_pairs(&mut self, enforced: bool) {
        let mut pairs = Vec::new();
        let mut pair = |before: &DeclaredContainer, after: &DeclaredContainer, enforced| {
            pairs.push(Pair {
                rule: Rule::StopOrder,
                before: before.name.clone(),
                after: after.name.clone(),
                gate: Gate::Completed,
                enforced,
            });
        };
        let natives: Vec<&DeclaredContainer> = self.sidecars().filter(|container| container.native).collect();
        let parallel: Vec<&DeclaredContainer> =
            self.sidecars().filter(|container| !container.native).collect();
        for (one, two) in natives.iter().zip(natives.iter().skip(1)) {
            pair(two, one, enforced);
        }
        for sidecar in &natives {
            for regular in self.apps().chain(parallel.iter().copied()) {
                pair(regular, sidecar, enforced);
            }
        }
        for sidecar in &parallel {
            for app in self.apps() {
                pair(app, sidecar, false);
            }
        }
        self.pairs.append(&mut pairs);
    }
}
