//! Which file a node stands in.

use std::sync::Arc;

use crate::{
    source::{SourceFile, first_template_comment_line},
    yaml::Node,
};

/// The sources that the nodes of a pod can come from: its own and those of the input's ConfigMaps.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    own: &'a Arc<SourceFile>,
    /// Ordered by the address of their text.
    others: &'a [Arc<SourceFile>],
}

impl<'a> Sources<'a> {
    /// The sources to look in; `others` in the order of the addresses of their texts.
    #[must_use]
    pub fn new(own: &'a Arc<SourceFile>, others: &'a [Arc<SourceFile>]) -> Self {
        Self { own, others }
    }

    /// The source that is linted.
    #[must_use]
    pub fn own(&self) -> &'a SourceFile {
        self.own
    }

    /// Whether an object of the source that is linted has comments that a text template reads: what it says is not
    /// what it means.
    #[must_use]
    pub fn has_template_comments(&self, object: Node<'_>) -> bool {
        let text = self.own.text.get(object.span());
        text.is_some_and(|text| first_template_comment_line(text).is_some())
    }

    /// The source a node stands in: the one whose text was parsed.
    #[must_use]
    pub fn of(&self, node: Node<'_>) -> Option<Arc<SourceFile>> {
        let address = |text: &str| text.as_ptr().addr();
        let wanted = address(node.stream().text());
        if address(&self.own.text) == wanted {
            return Some(Arc::clone(self.own));
        }
        let index = self
            .others
            .binary_search_by_key(&wanted, |file| address(&file.text))
            .ok()?;
        self.others.get(index).cloned()
    }
}
