//! Patches that follow the containers they are about.

use std::{collections::BTreeMap, sync::Arc};

use crate::remedy::surroundings::patches::{Match, Patch, Reach};
use crate::{
    edit::{
        change::{Change, Position},
        place::{Place, Step},
        rewrite,
    },
    pod::Pod,
    remedy::surroundings::elsewhere::Elsewhere,
    workload::ContainerList,
    yaml::{self, Node, Stream, Value},
};

/// What becomes of a pod's containers, as far as patches have to know.
pub(crate) struct Rewrites<'r> {
    /// The containers that are `initContainers` afterwards, by their index in the pod's members.
    pub(crate) init: &'r [usize],
    /// Those that are `containers` afterwards.
    pub(crate) regular: &'r [usize],
    /// Whether the pod gets or keeps an annotation that declares its sidecars.
    pub(crate) annotates: bool,
    /// Whether a field of a container is rewritten.
    pub(crate) touches: &'r dyn Fn(usize, &str) -> bool,
}

/// The changes of patches that reach the rewritten containers.
///
/// # Errors
/// A patch that can't follow, in one sentence.
pub(crate) fn follow(
    pod: &Pod<'_>,
    patches: &[Patch],
    rewrites: &Rewrites<'_>,
) -> Result<Vec<Elsewhere>, String> {
    let mut texts: BTreeMap<(String, Option<Place>), PatchText> = BTreeMap::new();
    for patch in patches {
        let reaches = patch.target.matches(&pod.workload.object.reference);
        let stands_in_it = Rewrites::is_own(pod, patch);
        if reaches == Match::No || stands_in_it {
            continue;
        }
        let follows = rewrites
            .of(pod, patch)
            .and_then(|follows| match follows {
                Some(_) if reaches == Match::Maybe => {
                    Err("it may be applied to other objects too".to_owned())
                }
                other => Ok(other),
            })
            .map_err(|reason| {
                format!(
                    "{} in the same input reaches a container that is rewritten, and can't follow: {reason}; change the two together",
                    patch.name
                )
            })?;
        let Some(follows) = follows else { continue };
        let text = texts
            .entry((patch.source.name.clone(), patch.inline.clone()))
            .or_insert_with(|| PatchText {
                patch: patch.clone(),
                init_names: rewrites.init_names(pod),
                paths: Vec::new(),
                entries: Vec::new(),
            });
        match follows {
            Follows::Path(change) => text.paths.push(change),
            Follows::Entry(entry) => text.entries.push(entry),
        }
    }
    texts.into_values().map(PatchText::changes).collect()
}

/// How a patch follows its container.
enum Follows {
    /// Its path is another one.
    Path(Change),
    /// Its entry moves to `initContainers`.
    Entry(Entry),
}

/// An entry of an overlay that moves.
#[derive(Debug, Clone)]
struct Entry {
    place: Place,
    /// The index of its container in `initContainers`.
    at: usize,
}

impl Rewrites<'_> {
    /// Whether a patch is nothing but the object itself.
    fn is_own(pod: &Pod<'_>, patch: &Patch) -> bool {
        patch.is_overlay_in(pod.sources.own(), pod.workload.object.document)
    }

    fn init_names(&self, pod: &Pod<'_>) -> Vec<String> {
        let members = self.init.iter().filter_map(|index| pod.members.get(*index));
        members.map(|member| member.container.name.to_owned()).collect()
    }

    fn moves_anything(&self, pod: &Pod<'_>) -> bool {
        let before = |list: ContainerList| {
            pod.members
                .iter()
                .enumerate()
                .filter(move |(_, member)| member.container.list == list)
                .map(|(index, _)| index)
        };
        !before(ContainerList::Init).eq(self.init.iter().copied())
            || !before(ContainerList::Regular).eq(self.regular.iter().copied())
    }

    fn of(&self, pod: &Pod<'_>, patch: &Patch) -> Result<Option<Follows>, String> {
        match &patch.reach {
            Reach::Operation {
                list,
                index,
                field,
                path,
            } => self.of_operation(pod, patch, (list, *index, field.as_deref()), path),
            Reach::Entry {
                container,
                list,
                fields,
                place,
            } => self.of_entry(pod, container, list, fields, place.as_ref()),
            Reach::Annotations(_) if self.annotates => {
                Err("it may take the annotation away that declares the sidecars".to_owned())
            }
            Reach::Annotations(_) => Ok(None),
            Reach::Replacement(path) => {
                let names_unmoved = self.regular.iter().any(|index| {
                    pod.members
                        .get(*index)
                        .is_some_and(|member| path.contains(&format!("[name={}]", member.container.name)))
                });
                if self.moves_anything(pod) && !names_unmoved {
                    return Err("its path names the list".to_owned());
                }
                Ok(None)
            }
            Reach::Unread if self.moves_anything(pod) => {
                Err("its file is not in the input, name it too".to_owned())
            }
            Reach::Unread => Ok(None),
        }
    }

    fn of_operation(
        &self,
        pod: &Pod<'_>,
        patch: &Patch,
        (list, index, field): (&str, Option<usize>, Option<&str>),
        place: &Place,
    ) -> Result<Option<Follows>, String> {
        let kind = match list {
            "containers" => ContainerList::Regular,
            _ => ContainerList::Init,
        };
        let (Some(index), Some(field)) = (index, field) else {
            // `/containers/-` adds one at the end of a list that keeps its others.
            let adds_at_end = index.is_none() && patch.name.ends_with("/containers/-");
            return if self.moves_anything(pod) && !adds_at_end {
                Err("it changes the list itself".to_owned())
            } else {
                Ok(None)
            };
        };
        let Some(member) = pod
            .members
            .iter()
            .position(|member| member.container.list == kind && member.container.index == index)
        else {
            return Ok(None);
        };
        if (self.touches)(member, field) {
            return Err(format!("{field} is rewritten"));
        }
        let at = |members: &[usize]| members.iter().position(|own| *own == member);
        let (new_list, new_index) = match (at(self.init), at(self.regular)) {
            (Some(at), _) => ("initContainers", at),
            (None, Some(at)) => ("containers", at),
            (None, None) => return Err("the container goes".to_owned()),
        };
        if (new_list, new_index) == (list, index) {
            return Ok(None);
        }
        let old = patch.name.strip_prefix("the JSON patch of ").unwrap_or_default();
        let path = old.replacen(
            &format!("/{list}/{index}/"),
            &format!("/{new_list}/{new_index}/"),
            1,
        );
        Ok(Some(Follows::Path(Change::Text(place.clone(), path))))
    }

    fn of_entry(
        &self,
        pod: &Pod<'_>,
        container: &str,
        list: &str,
        fields: &[String],
        place: Option<&Place>,
    ) -> Result<Option<Follows>, String> {
        let Some(index) = pod
            .members
            .iter()
            .position(|member| member.container.name == container)
        else {
            return Ok(None);
        };
        if let Some(field) = fields.iter().find(|field| (self.touches)(index, field)) {
            return Err(format!("{field} of {container} is rewritten"));
        }
        let at = self.init.iter().position(|own| *own == index);
        let (Some(at), "containers") = (at, list) else {
            return Ok(None);
        };
        if fields.iter().any(|field| field.starts_with('$')) {
            return Err("it has directives".to_owned());
        }
        let place = place.ok_or("it is written with an anchor or alias")?;
        Ok(Some(Follows::Entry(Entry {
            place: place.clone(),
            at,
        })))
    }
}

/// All that follows within one text.
struct PatchText {
    /// One of its patches.
    patch: Patch,
    /// The names of all `initContainers` of the object.
    init_names: Vec<String>,
    paths: Vec<Change>,
    entries: Vec<Entry>,
}

impl PatchText {
    fn changes(self) -> Result<Elsewhere, String> {
        let fail = |reason: String| format!("{}: {reason}", self.patch.name);
        let outer = &self.patch.source.text;
        let stream = yaml::parse(outer).map_err(|error| fail(error.to_string()))?;
        let inline = match &self.patch.inline {
            Some(place) => {
                let node = place.node(&stream).and_then(Node::as_str);
                Some((place, node.ok_or_else(|| fail("its text is lost".to_owned()))?))
            }
            None => None,
        };
        let text = inline.map_or(&**outer, |(_, text)| text);
        let rounds = self.rounds(text).map_err(fail)?;
        let rounds = match inline {
            None => rounds,
            Some((place, text)) => {
                let new = rewrite(text, &rounds).map_err(|error| fail(error.to_string()))?;
                vec![vec![Change::Text(place.clone(), new)]]
            }
        };
        Ok(Elsewhere {
            source: Arc::clone(&self.patch.source),
            rounds,
        })
    }

    fn rounds(&self, text: &str) -> Result<Vec<Vec<Change>>, String> {
        let stream = yaml::parse(text).map_err(|error| error.to_string())?;
        let mut rounds = vec![self.paths.clone()];
        let mut by_mapping: BTreeMap<Place, Vec<(usize, usize)>> = BTreeMap::new();
        for entry in &self.entries {
            let lost = "its entry is lost";
            let (list, Step::Index(index)) = entry.place.split().ok_or(lost)? else {
                return Err(lost.to_owned());
            };
            let (mapping, _) = list.split().ok_or(lost)?;
            by_mapping.entry(mapping).or_default().push((entry.at, *index));
        }
        for (mapping, mut moved) in by_mapping {
            moved.sort_unstable();
            rounds.extend(self.moves(&stream, &mapping, &moved)?);
        }
        rounds.retain(|round| !round.is_empty());
        Ok(rounds)
    }

    /// Moves entries of one overlay, each told by its index in `initContainers` and the one it has now.
    ///
    /// Kustomize puts what an overlay names before all else, in the overlay's order. So it has to name the
    /// init containers before the last one that moves, too.
    fn moves(
        &self,
        stream: &Stream<'_>,
        mapping: &Place,
        moved: &[(usize, usize)],
    ) -> Result<Vec<Vec<Change>>, String> {
        let children = |key: &str| {
            let list = mapping.key(key);
            list.node(stream)
                .map(|list| list.children().collect::<Vec<_>>())
                .unwrap_or_default()
        };
        let named: Vec<&str> = children("initContainers")
            .iter()
            .filter_map(|item| item.get("name")?.as_str())
            .collect();
        let last = moved.last().map_or(0, |(at, _)| *at);
        let others: Vec<&String> = self
            .init_names
            .iter()
            .enumerate()
            .take(last)
            .filter(|(index, _)| !moved.iter().any(|(at, _)| at == index))
            .map(|(_, name)| name)
            .collect();
        let mut rounds = Vec::new();
        if named.is_empty() && !others.is_empty() {
            let entry = |name: &&String| {
                Value::Mapping(vec![(Value::string("name"), Value::string((*name).clone()))])
            };
            rounds.push(vec![Change::Insert {
                mapping: mapping.clone(),
                key: "initContainers".to_owned(),
                value: Value::Sequence(others.iter().map(entry).collect()),
                position: Position::Before("containers".to_owned()),
            }]);
        } else if named != others {
            return Err("it would change the order of the init containers".to_owned());
        }
        for (count, (at, index)) in moved.iter().enumerate() {
            let gone = moved
                .iter()
                .take(count)
                .filter(|(_, earlier)| earlier < index)
                .count();
            rounds.push(vec![Change::Move {
                mapping: mapping.clone(),
                from: "containers",
                index: index - gone,
                to: "initContainers",
                at: *at,
            }]);
        }
        // An overlay without containers says nothing of them.
        if moved.len() == children("containers").len() {
            rounds.push(vec![Change::Remove(mapping.key("containers"))]);
        }
        Ok(rounds)
    }
}
