//! Who made whom, so that each workload is looked at once: at the top of its chain of owners.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use super::template::Shape;

/// Owners own owners (CronJob, Job, Pod); no further than this.
const DEPTH: usize = 8;

/// An object by its `metadata.uid`, in eight bytes: a scan remembers every object that may own one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Uid(u64);

impl Uid {
    /// The key of a uid.
    #[must_use]
    pub(crate) fn of(uid: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        uid.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// What is remembered of an object that may own others.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owner {
    /// Who manages it.
    pub owner: Option<Uid>,
    /// The containers of the one pod template it holds.
    pub shape: Option<Arc<Shape>>,
    /// Whether pods of it may come from another template than that: the label and value that those of the present
    /// template have.
    pub revision: Option<(&'static str, String)>,
    /// Whether what it owns is always made of its template, as by the controllers of Kubernetes itself.
    pub is_transparent: bool,
    /// It is a Job that is `Complete`.
    pub has_completed: bool,
}

/// The objects of a scan that may own others.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    known: HashMap<Uid, Owner>,
    /// Templates of many objects have the same containers.
    shapes: HashMap<Arc<Shape>, ()>,
}

impl Owners {
    /// Remembers an object.
    pub(crate) fn add(&mut self, uid: Uid, mut owner: Owner) {
        owner.shape = owner.shape.map(|shape| self.shared(shape));
        self.known.insert(uid, owner);
    }

    fn shared(&mut self, shape: Arc<Shape>) -> Arc<Shape> {
        if let Some((known, ())) = self.shapes.get_key_value(&shape) {
            return Arc::clone(known);
        }
        self.shapes.insert(Arc::clone(&shape), ());
        shape
    }

    /// What is remembered of an object.
    #[must_use]
    pub(crate) fn get(&self, uid: Uid) -> Option<&Owner> {
        self.known.get(&uid)
    }

    /// The objects that are `Complete` Jobs.
    pub(crate) fn completed(&self) -> impl Iterator<Item = Uid> {
        self.known
            .iter()
            .filter(|(_, owner)| owner.has_completed)
            .map(|(uid, _)| *uid)
    }

    /// The highest owner whose template this object is made of: itself where there is none.
    #[must_use]
    pub(crate) fn top(&self, uid: Uid) -> Uid {
        let mut top = uid;
        for _ in 0..DEPTH {
            let Some(child) = self.known.get(&top) else {
                break;
            };
            let Some((owner_uid, owner)) = child
                .owner
                .and_then(|uid| self.known.get(&uid).map(|owner| (uid, owner)))
            else {
                break;
            };
            if !owner.made(child) {
                break;
            }
            top = owner_uid;
        }
        top
    }
}

impl Owner {
    /// Whether a child's pods are made of this template: the owner is one of Kubernetes' own, or its template has
    /// all of the child's containers. An operator's object that only adds a container to a StatefulSet does not.
    fn made(&self, child: &Self) -> bool {
        if self.is_transparent {
            return true;
        }
        match (&self.shape, &child.shape) {
            (Some(own), Some(other)) => other
                .regular()
                .all(|container| own.regular().any(|mine| mine.name == container.name)),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::template::ContainerShape;

    fn owner(above: Option<&str>, containers: &[&str], is_transparent: bool) -> Owner {
        let containers = containers
            .iter()
            .map(|name| ContainerShape {
                name: (*name).to_owned(),
                is_init: false,
                restarts: false,
            })
            .collect();
        Owner {
            owner: above.map(Uid::of),
            shape: Some(Arc::new(Shape { containers })),
            is_transparent,
            ..Owner::default()
        }
    }

    #[test]
    fn the_top_is_the_highest_owner_with_the_template() {
        let mut owners = Owners::default();
        owners.add(Uid::of("cron"), owner(None, &["app"], true));
        owners.add(Uid::of("job"), owner(Some("cron"), &["app"], true));
        assert_eq!(owners.top(Uid::of("job")), Uid::of("cron"));
        // An operator's object that holds a container to be added only.
        owners.add(Uid::of("custom"), owner(None, &["extra"], false));
        owners.add(Uid::of("set"), owner(Some("custom"), &["server", "extra"], true));
        assert_eq!(owners.top(Uid::of("set")), Uid::of("set"));
        // One whose template is the child's.
        owners.add(Uid::of("rollout"), owner(None, &["web"], false));
        owners.add(Uid::of("replicas"), owner(Some("rollout"), &["web"], true));
        assert_eq!(owners.top(Uid::of("replicas")), Uid::of("rollout"));
        assert_eq!(owners.top(Uid::of("stranger")), Uid::of("stranger"));
    }

    #[test]
    fn circles_end() {
        let mut owners = Owners::default();
        owners.add(Uid::of("a"), owner(Some("b"), &["x"], true));
        owners.add(Uid::of("b"), owner(Some("a"), &["x"], true));
        let _ = owners.top(Uid::of("a"));
    }
}
