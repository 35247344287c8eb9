//! Entries of mappings, with those that a merge key (`<<`) brings in.

use super::{
    node::{Children, Node},
    tree::{Kind, NodeId, ScalarStyle},
};

/// No more mappings than this are looked into for one mapping's merge keys. Each is looked into once, so
/// neither circles nor repetition can make it long.
const MAX_MERGED: usize = 256;

/// A key and its value in a mapping.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'t> {
    /// The key as written.
    pub key: Node<'t>,
    /// The value, aliases resolved.
    pub value: Node<'t>,
}

impl<'t> Entry<'t> {
    /// The value as written: an alias where there is one.
    #[must_use]
    pub fn written_value(self) -> Node<'t> {
        self.key.next_sibling().unwrap_or(self.value)
    }
}

/// The entries of one mapping as written (see [`Node::written_entries`]).
#[derive(Clone)]
struct Pairs<'t>(Children<'t>);

impl<'t> Iterator for Pairs<'t> {
    type Item = Entry<'t>;

    fn next(&mut self) -> Option<Entry<'t>> {
        let key = self.0.next()?;
        let value = self.0.next()?.resolved();
        Some(Entry { key, value })
    }
}

impl<'t> Node<'t> {
    /// The entries of a mapping in written order, those merged by `<<` after its own; nothing for any other
    /// node. A key that stands twice is listed twice; a merged one is left out where the mapping, or what was
    /// merged before, has that key.
    #[must_use]
    pub fn entries(self) -> Vec<Entry<'t>> {
        let mut entries = Vec::new();
        let mut merges = false;
        for entry in self.written_entries() {
            if entry.key.is_merge_key() {
                merges = true;
            } else {
                entries.push(entry);
            }
        }
        if merges {
            let mut seen: std::collections::HashSet<&str> =
                entries.iter().filter_map(|entry| entry.key.key_text()).collect();
            for mapping in Merged::of(self) {
                for entry in mapping
                    .written_entries()
                    .filter(|entry| !entry.key.is_merge_key())
                {
                    if entry.key.key_text().is_none_or(|key| seen.insert(key)) {
                        entries.push(entry);
                    }
                }
            }
        }
        entries
    }

    /// The entries of a mapping as they stand in the text, `<<` included; nothing for any other node.
    pub fn written_entries(self) -> impl Iterator<Item = Entry<'t>> {
        self.pairs()
    }

    fn pairs(self) -> Pairs<'t> {
        let node = self.resolved();
        Pairs(if node.is_mapping() {
            node.children()
        } else {
            node.no_children()
        })
    }

    fn key_text(self) -> Option<&'t str> {
        match self.resolved().kind() {
            Kind::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    fn is_merge_key(self) -> bool {
        matches!(
            self.kind(),
            Kind::Scalar {
                value: "<<",
                style: ScalarStyle::Plain
            }
        )
    }

    /// The entry of `key` in a mapping: its own before a merged one.
    #[must_use]
    pub fn entry(self, key: &str) -> Option<Entry<'t>> {
        let own = |mapping: Node<'t>| mapping.pairs().find(|entry| entry.key.key_text() == Some(key));
        let mut merges = false;
        // One pass: most keys that are asked for are not there.
        for entry in self.pairs() {
            if entry.key.key_text() == Some(key) {
                return Some(entry);
            }
            merges |= entry.key.is_merge_key();
        }
        if merges && key != "<<" {
            Merged::of(self).find_map(own)
        } else {
            None
        }
    }

    /// The value of `key` in a mapping, aliases resolved.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Node<'t>> {
        self.entry(key).map(|entry| entry.value)
    }
}

/// The mappings that a mapping's merge keys bring in, the strongest first.
struct Merged<'t> {
    seen: Vec<NodeId>,
    /// What is still to be looked into, the next one last.
    waiting: Vec<Node<'t>>,
}

impl<'t> Merged<'t> {
    fn of(mapping: Node<'t>) -> Self {
        let mapping = mapping.resolved();
        let mut merged = Self {
            seen: vec![mapping.id()],
            waiting: Vec::new(),
        };
        merged.add_sources(mapping);
        merged
    }

    fn add_sources(&mut self, mapping: Node<'t>) {
        let first = self.waiting.len();
        for entry in mapping.pairs().filter(|entry| entry.key.is_merge_key()) {
            let room = MAX_MERGED.saturating_sub(self.waiting.len());
            if entry.value.is_sequence() {
                self.waiting.extend(entry.value.items().take(room));
            } else if room > 0 {
                self.waiting.push(entry.value);
            }
        }
        if let Some(added) = self.waiting.get_mut(first..) {
            added.reverse();
        }
    }
}

impl<'t> Iterator for Merged<'t> {
    type Item = Node<'t>;

    fn next(&mut self) -> Option<Node<'t>> {
        while let Some(mapping) = self.waiting.pop() {
            if self.seen.len() > MAX_MERGED {
                return None;
            }
            if mapping.is_mapping() && !self.seen.contains(&mapping.id()) {
                self.seen.push(mapping.id());
                self.add_sources(mapping);
                return Some(mapping);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    fn keys(text: &str, key: &str) -> Vec<(String, String)> {
        let stream = parse(text).unwrap();
        let root = stream.root(0).unwrap();
        let mapping = root.get(key).unwrap();
        mapping
            .entries()
            .iter()
            .map(|entry| (entry.key.raw().to_owned(), entry.value.raw().to_owned()))
            .collect()
    }

    #[test]
    fn own_entries_win_over_merged_ones() {
        let text = "base: &base {a: 1, b: 2}\nover: &over {b: 3, c: 4}\nx:\n  <<: [*over, *base]\n  a: 9\n";
        let expected = [("a", "9"), ("b", "3"), ("c", "4")];
        let expected: Vec<_> = expected.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec();
        assert_eq!(keys(text, "x"), expected);
        let stream = parse(text).unwrap();
        let x = stream.root(0).unwrap().get("x").unwrap();
        for (key, value) in &expected {
            assert_eq!(x.get(key).unwrap().as_str(), Some(value.as_str()));
        }
        assert!(x.get("d").is_none());
    }

    #[test]
    fn merges_in_circles_end() {
        let stream = parse("a: &a\n  <<: [*a, *a, *a, *a]\n  b: &b {<<: *a, c: 1, <<: *b}\n").unwrap();
        let a = stream.root(0).unwrap().get("a").unwrap();
        assert_eq!(a.entries().len(), 1);
        assert!(a.get("c").is_none());
        assert_eq!(a.path(&["b", "b", "b", "c"]).unwrap().as_str(), Some("1"));
    }

    #[test]
    fn repeated_merges_are_looked_into_once() {
        let mut text = String::from("m0: &m0 {k: v}\n");
        for level in 1..100 {
            let source = format!("*m{}", level - 1);
            text += &format!("m{level}: &m{level}\n  <<: [{source}, {source}, {source}]\n");
        }
        let stream = parse(&text).unwrap();
        let last = stream.root(0).unwrap().get("m99").unwrap();
        assert_eq!(last.get("k").unwrap().as_str(), Some("v"));
        assert_eq!(last.entries().len(), 1);
        assert!(last.get("nothing").is_none());
    }
}
