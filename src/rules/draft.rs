//! How a rule writes its findings down.

use std::{borrow::Cow, ops::Range};

use crate::{
    shell::Span,
    workload::{Container, Object, Program},
    yaml::{Entry, Node},
};

use super::{Confidence, Finding, Fix, FixClass, Location, RuleInfo, Severity};
use crate::pod::{Delay, DelayPlace, Pod, Sources, Subject, embedded::entry_span};

/// A finding in the making. It starts with the rule's own severity, medium confidence and a fix that only a
/// person can make.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    sources: Sources<'a>,
    finding: Finding,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(pod: &Pod<'a>, rule: &'static RuleInfo, message: impl Into<String>) -> Self {
        Self::about(&pod.workload.object, pod.sources, rule, message)
    }

    /// About an object that need not hold a pod.
    pub(crate) fn about(
        object: &Object<'a>,
        sources: Sources<'a>,
        rule: &'static RuleInfo,
        message: impl Into<String>,
    ) -> Self {
        let finding = Finding {
            rule,
            severity: rule.severity,
            confidence: Confidence::Medium,
            message: message.into(),
            help: String::new(),
            document: object.document,
            object: object.reference.clone(),
            container: None,
            locations: Vec::new(),
            subject: Subject::ByHand("".into()),
            fix: Fix {
                class: FixClass::Manual,
                reason: String::new(),
            },
            text_level: false,
        };
        Self { sources, finding }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.finding.help = help.into();
        self
    }

    pub(crate) fn severity(mut self, severity: Severity) -> Self {
        self.finding.severity = severity;
        self
    }

    pub(crate) fn confidence(mut self, confidence: Confidence) -> Self {
        self.finding.confidence = confidence;
        self
    }

    /// What the finding is about: whether and how that can be rewritten is decided for it in `remedy`.
    pub(crate) fn subject(mut self, subject: Subject) -> Self {
        self.finding.subject = subject;
        self
    }

    /// Nothing that a rewrite could do, for this reason.
    pub(crate) fn by_hand(self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.subject(Subject::ByHand(reason.into()))
    }

    /// Nothing that has to change, for this reason.
    pub(crate) fn fine(self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.subject(Subject::Fine(reason.into()))
    }

    pub(crate) fn container(mut self, container: &Container<'_>) -> Self {
        self.finding.container = (!container.name.is_empty()).then(|| container.name.to_owned());
        self
    }

    /// The place the finding is about: a node.
    pub(crate) fn at(mut self, node: Node<'a>, label: impl Into<String>) -> Self {
        self.add(node, node.span(), label.into(), true);
        self
    }

    /// The place the finding is about: a key and its value.
    pub(crate) fn at_entry(mut self, entry: Entry<'a>, label: impl Into<String>) -> Self {
        let span = entry_span(entry);
        self.add(entry.key, span, label.into(), true);
        self
    }

    /// The place the finding is about: a part of a program.
    pub(crate) fn at_text(mut self, program: &Program<'a>, span: Span, label: impl Into<String>) -> Self {
        if let Some((node, span)) = program.locate(span) {
            self.add(node, span, label.into(), true);
        }
        self
    }

    /// The place the finding is about: bytes within a node.
    pub(crate) fn at_span(mut self, node: Node<'a>, span: Range<usize>, label: impl Into<String>) -> Self {
        self.add(node, span, label.into(), true);
        self
    }

    /// The place the finding is about: where a hook waits.
    pub(crate) fn at_delay(self, delay: &Delay<'_, 'a>, label: &str) -> Self {
        match &delay.place {
            DelayPlace::Text(program, span) => self.at_text(program, span.clone(), label),
            DelayPlace::Entry(entry) => self.at_entry(*entry, label),
        }
    }

    /// Another label for the place the finding is about.
    pub(crate) fn with_label(mut self, label: impl Into<String>) -> Self {
        if let Some(location) = self
            .finding
            .locations
            .iter_mut()
            .find(|location| location.primary)
        {
            location.label = label.into();
        }
        self
    }

    /// Context: a node.
    pub(crate) fn with(mut self, node: Node<'a>, label: impl Into<String>) -> Self {
        self.add(node, node.span(), label.into(), false);
        self
    }

    /// Context: a key and its value.
    pub(crate) fn with_entry(mut self, entry: Entry<'a>, label: impl Into<String>) -> Self {
        let span = entry_span(entry);
        self.add(entry.key, span, label.into(), false);
        self
    }

    /// Context: bytes within a node.
    pub(crate) fn with_span(mut self, node: Node<'a>, span: Range<usize>, label: impl Into<String>) -> Self {
        self.add(node, span, label.into(), false);
        self
    }

    /// Context: a part of a program.
    pub(crate) fn with_text(mut self, program: &Program<'a>, span: Span, label: impl Into<String>) -> Self {
        if let Some((node, span)) = program.locate(span) {
            self.add(node, span, label.into(), false);
        }
        self
    }

    /// The place of the finding: the line that names a container, or the container where none does.
    pub(crate) fn at_container(self, container: &Container<'a>, label: impl Into<String>) -> Self {
        let entry = container
            .node
            .entry("name")
            .or_else(|| container.node.entry("image"));
        match entry {
            Some(entry) => self.at_entry(entry, label),
            None => self.at(container.node, label),
        }
    }

    /// Context: the line that names a container.
    pub(crate) fn with_container(self, container: &Container<'a>, label: impl Into<String>) -> Self {
        match container
            .node
            .entry("name")
            .or_else(|| container.node.entry("image"))
        {
            Some(entry) => self.with_entry(entry, label),
            None => self,
        }
    }

    fn add(&mut self, node: Node<'a>, span: Range<usize>, label: String, primary: bool) {
        if let Some(source) = self.sources.of(node) {
            self.finding.locations.push(Location {
                source,
                span,
                label,
                primary,
            });
        }
    }

    pub(crate) fn finish(mut self) -> Finding {
        self.finding.locations.sort_by_key(|location| !location.primary);
        let (class, reason) = match &self.finding.subject {
            Subject::Fine(reason) => (FixClass::None, reason.to_string()),
            Subject::ByHand(reason) => (FixClass::Manual, reason.to_string()),
            _ => (FixClass::Manual, String::new()),
        };
        self.finding.fix = Fix { class, reason };
        self.finding
    }
}
