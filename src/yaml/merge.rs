//! Entries of mappings, with those that a merge key (`<<`) brings in.

use super::{
    node::{Children, Node},
    tree::{Content, Kind, NodeId, ScalarStyle},
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
    /// The entries of a mapping that count, in written order, those merged by `<<` behind its own; nothing for any
    /// other node.
    ///
    /// As kubectl reads them (go-yaml fills a map from the first line to the last): of a key that stands twice the
    /// last one counts, and a merge key overwrites what stands before it, whether that was written or merged. In a
    /// list of mappings to merge the first ones outweigh the others.
    #[must_use]
    pub fn entries(self) -> Vec<Entry<'t>> {
        if !self.is_irregular() {
            return self.pairs().collect();
        }
        let mapping = self.resolved();
        let mut seen = std::collections::HashSet::new();
        let (mut own, mut merged) = (Vec::new(), Vec::new());
        for entry in FromTheEnd::of(mapping) {
            if entry.key.key_text().is_some_and(|key| !seen.insert(key)) {
                continue;
            }
            let is_own = entry.key.parent() == Some(mapping);
            if is_own { &mut own } else { &mut merged }.push(entry);
        }
        own.reverse();
        merged.reverse();
        own.extend(merged);
        own
    }

    /// The entries of a mapping as they stand in the text, `<<` included; nothing for any other node.
    pub fn written_entries(self) -> impl Iterator<Item = Entry<'t>> {
        self.pairs()
    }

    /// The entries in this node whose key stands again further down in the same mapping.
    pub fn all_overwritten_entries(self) -> impl Iterator<Item = Entry<'t>> {
        let stream = self.stream();
        let irregular = stream.irregular.as_slice();
        let end = self.data().map_or(self.id(), |data| NodeId(data.next));
        let first = irregular.partition_point(|id| *id < self.id());
        let last = irregular.partition_point(|id| *id < end);
        let within = irregular.get(first..last).unwrap_or_default();
        within
            .iter()
            .filter_map(|id| stream.node(*id))
            .flat_map(Node::overwritten_entries)
    }

    /// The entries of a mapping whose key stands again further down, so that kubectl does not see them.
    #[must_use]
    pub fn overwritten_entries(self) -> Vec<Entry<'t>> {
        if !self.is_irregular() {
            return Vec::new();
        }
        let mut later = std::collections::HashSet::new();
        let entries: Vec<_> = self.pairs().filter(|entry| !entry.key.is_merge_key()).collect();
        let mut overwritten: Vec<_> = entries
            .into_iter()
            .rev()
            .filter(|entry| entry.key.key_text().is_some_and(|key| !later.insert(key)))
            .collect();
        overwritten.reverse();
        overwritten
    }

    /// Whether this is a mapping of which not every written entry counts, or not only those.
    fn is_irregular(self) -> bool {
        self.resolved().data().is_some_and(|data| data.irregular)
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

    /// The entry of `key` in a mapping that counts (see [`Self::entries`]).
    #[must_use]
    pub fn entry(self, key: &str) -> Option<Entry<'t>> {
        if self.is_irregular() {
            return FromTheEnd::of(self).find(|entry| entry.key.key_text() == Some(key));
        }
        // Hundreds of keys of a file are compared, so that a value is looked at only once its key has been found.
        let mapping = self.resolved();
        let mut children = match mapping.is_mapping() {
            true => mapping.children(),
            false => mapping.no_children(),
        };
        loop {
            let own = children.next()?;
            let value = children.next()?;
            if own.key_is(key) {
                let value = value.resolved();
                return Some(Entry { key: own, value });
            }
        }
    }

    /// Whether it is a scalar with this text.
    fn key_is(self, key: &str) -> bool {
        match self.data().map(|data| data.content) {
            Some(Content::Verbatim(style)) => self.verbatim(style) == key,
            Some(Content::Sequence(_) | Content::Mapping(_)) | None => false,
            Some(Content::Decoded(..) | Content::Alias(_)) => self.key_text() == Some(key),
        }
    }

    /// The value of `key` in a mapping, aliases resolved.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Node<'t>> {
        self.entry(key).map(|entry| entry.value)
    }
}

/// All entries of a mapping and of what its merge keys bring in, the last and so the strongest first.
struct FromTheEnd<'t> {
    seen: Vec<NodeId>,
    /// What comes still, the next one last.
    waiting: Vec<Waiting<'t>>,
}

enum Waiting<'t> {
    Entry(Entry<'t>),
    /// A mapping that is merged.
    Source(Node<'t>),
}

impl<'t> FromTheEnd<'t> {
    fn of(mapping: Node<'t>) -> Self {
        Self {
            seen: Vec::new(),
            waiting: vec![Waiting::Source(mapping.resolved())],
        }
    }

    /// Lays out a mapping, once: what it brings in a second time is there already.
    fn open(&mut self, mapping: Node<'t>) {
        if self.seen.len() > MAX_MERGED || !mapping.is_mapping() || self.seen.contains(&mapping.id()) {
            return;
        }
        self.seen.push(mapping.id());
        for entry in mapping.pairs() {
            if !entry.key.is_merge_key() {
                self.waiting.push(Waiting::Entry(entry));
            } else if entry.value.is_sequence() {
                let sources: Vec<_> = entry.value.items().take(MAX_MERGED).collect();
                self.waiting
                    .extend(sources.into_iter().rev().map(Waiting::Source));
            } else {
                self.waiting.push(Waiting::Source(entry.value));
            }
        }
    }
}

impl<'t> Iterator for FromTheEnd<'t> {
    type Item = Entry<'t>;

    fn next(&mut self) -> Option<Entry<'t>> {
        loop {
            match self.waiting.pop()? {
                Waiting::Entry(entry) => return Some(entry),
                Waiting::Source(mapping) => self.open(mapping),
            }
        }
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
    fn what_stands_last_counts() {
        for (text, expected) in [
            ("a: {b: 1, c: 2, b: 3}", [("c", "2"), ("b", "3")].as_slice()),
            ("m: &m {b: 1}\na: {b: 2, <<: *m}", &[("b", "1")]),
            ("m: &m {b: 1}\na: {<<: *m, b: 2}", &[("b", "2")]),
            (
                "m: &m {b: 1}\nn: &n {b: 3, c: 4}\na: {<<: *m, <<: *n}",
                &[("b", "3"), ("c", "4")],
            ),
            ("m: &m {b: 1}\nn: &n {b: 3}\na: {<<: [*m, *n]}", &[("b", "1")]),
            ("m: &m {b: 1}\na: {b: 2, <<: [*m], b: 5, \"b\": 6}", &[("b", "6")]),
            ("{\"a\": {\"b\": 1, \"b\": 2}}", &[("b", "2")]),
        ] {
            let expected: Vec<_> = expected
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect();
            let found: Vec<_> = keys(text, "a")
                .into_iter()
                .map(|(key, value)| (key.trim_matches('"').to_owned(), value))
                .collect();
            assert_eq!(found, expected, "{text}");
            let stream = parse(text).unwrap();
            let mapping = stream.root(0).unwrap().get("a").unwrap();
            for (key, value) in &expected {
                assert_eq!(mapping.get(key).unwrap().raw(), value, "{text}");
            }
        }
    }

    #[test]
    fn overwritten_entries_are_named() {
        let stream = parse("a: {b: 1, c: 2, 'b': 3, c: 4, d: 5, b: 6}").unwrap();
        let mapping = stream.root(0).unwrap().get("a").unwrap();
        let values: Vec<_> = mapping
            .overwritten_entries()
            .iter()
            .map(|entry| entry.value.raw())
            .collect();
        assert_eq!(values, ["1", "2", "3"]);
    }

    #[test]
    fn own_entries_behind_a_merge_key_win() {
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
