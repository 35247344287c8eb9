//! `duplicate-key`

use crate::yaml::{Entry, Value};

use super::{Confidence, Draft, Family, Finding, Pod, RuleInfo, Severity};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "duplicate-key",
    family: Family::Remedy,
    severity: Severity::Warning,
    summary: "A key stands twice in one mapping, and kubectl takes the last one without a word",
    what: r#"A key that stands twice in one mapping of an object that has pods: a second `image:`, `args:` or
`env:`, in YAML or JSON. All other rules read what kubectl reads, which is the last one."#,
    why: r#"kubectl makes JSON of a manifest before it sends it, and of a key that stands twice only the last
value is left. The API server, which would refuse the doubled field, never sees it. What stands
further up looks as if it counted: the image, the arguments or the limits that a person reads
there are not those that run. Other readers refuse such a file, or take the first.

Where both values are the same, or the first one is empty, nothing is lost: it is an `info`.

Of a text template only one branch of a condition is left. Keys in branches that exclude each
other are not named, nor is any key where the template stands in comments, as ytt's `#@ if`
does."#,
    before: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: invoices
spec:
  selector:
    matchLabels: {app: invoices}
  template:
    metadata:
      labels: {app: invoices}
    spec:
      containers:
        - name: invoices
          image: registry.example.com/billing/invoices:2.3.0
          args: ["--db=127.0.0.1:5432"]
          args: ["--db=127.0.0.1:5432", "--verbose"]
"#,
    after: "",
    migrate: "Nothing, and it rewrites nothing else of such an object: which of the two is meant, only a person knows.",
    rests_on: &[],
    sources: &[
        (
            "yaml and json parsers silently drop duplicate keys (kubernetes/kubernetes#14791)",
            "https://github.com/kubernetes/kubernetes/issues/14791",
        ),
        (
            "Mapping keys must be unique (YAML 1.2.2, 3.2.1.3)",
            "https://yaml.org/spec/1.2.2/#3213-node-comparison",
        ),
    ],
};

/// More of them are not named in one object.
const NAMED: usize = 20;

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    let object = pod.workload.object.node;
    // Of the branches of a text template one is left.
    if pod.sources.has_template_comments(object) {
        return;
    }
    for entry in object.all_overwritten_entries().take(NAMED) {
        let (Some(key), Some(mapping)) = (entry.key.as_str(), entry.key.parent()) else {
            continue;
        };
        let holds = |outer: crate::yaml::Node<'_>| {
            let (outer, inner) = (outer.span(), entry.key.span());
            outer.start <= inner.start && inner.end <= outer.end
        };
        let counting = mapping.entry(key);
        let twice = format!("the key {key} stands twice in one mapping");
        let draft = match counting.and_then(|counting| harmless(entry, counting)) {
            Some(why) => Draft::new(pod, &RULE, format!("{twice}, {why}"))
                .severity(Severity::Info)
                .help("remove the first one")
                .by_hand("an object with a doubled key is not rewritten"),
            None => Draft::new(pod, &RULE, format!("{twice}, and kubectl takes the last one"))
                .help("remove the one that is not meant")
                .by_hand("which of the two is meant, only a person knows"),
        };
        let mut draft = draft
            .confidence(Confidence::High)
            .at_entry(entry, "kubectl does not see this one");
        if let Some(counting) = counting {
            draft = draft.with_entry(counting, "this one counts");
        }
        if let Some(member) = pod.members.iter().find(|member| holds(member.container.node)) {
            draft = draft.container(&member.container);
        }
        findings.push(draft.finish());
    }
}

/// Why it makes no difference which of the two counts; nothing where it does.
fn harmless(overwritten: Entry<'_>, counting: Entry<'_>) -> Option<&'static str> {
    let value = |entry: Entry<'_>| Value::of(entry.value).ok().map(|value| value.effective());
    let (first, last) = (value(overwritten)?, value(counting)?);
    if first == last {
        return Some("with the same value");
    }
    let is_empty = match &first {
        Value::Null => true,
        Value::Sequence(items) => items.is_empty(),
        Value::Mapping(entries) => entries.is_empty(),
        _ => false,
    };
    is_empty.then_some("and the first one is empty")
}
