//! Signs of workarounds that leave no doubt even in text that is no YAML.

use std::{ops::Range, sync::Arc};

use crate::{
    pod::Subject,
    rules::{self, Confidence, Finding, Fix, FixClass, Location, RuleInfo, Severity},
    source::SourceFile,
    workload::ObjectReference,
};

/// Words that stand for one rule each.
const SIGNS: [(&str, &str); 20] = [
    ("quit-endpoint", "/quitquitquit"),
    ("quit-endpoint", "/agent/v1/quit"),
    ("quit-endpoint", ":4191/shutdown"),
    ("quit-endpoint", "localhost/4191"),
    ("quit-endpoint", ":3500/v1.0/shutdown"),
    ("quit-endpoint", ":20600/graceful_shutdown"),
    ("wrapper-binary", "KUBEXIT_DEATH_DEPS"),
    ("wrapper-binary", "KUBEXIT_BIRTH_DEPS"),
    ("wrapper-binary", "/kubexit "),
    ("wrapper-binary", "/scuttle"),
    ("wrapper-binary", "scuttle "),
    ("wrapper-binary", "ISTIO_QUIT_API"),
    ("wrapper-binary", "ENVOY_KILL_API"),
    ("wrapper-binary", "envoy-preflight"),
    ("wrapper-binary", "linkerd-await"),
    ("wrapper-binary", "/watchkiller"),
    ("hold-annotation", "holdApplicationUntilProxyStarts: true"),
    ("hold-annotation", "holdApplicationUntilProxyStarts\": true"),
    ("hold-annotation", "holdApplicationUntilProxyStarts\":true"),
    ("hold-annotation", "proxy-await: enabled"),
];

/// What the words of a text say, at most once a line and rule. Comments say nothing.
#[must_use]
pub fn signs(source: &Arc<SourceFile>) -> Vec<Finding> {
    let mut found = Vec::new();
    // A text of many short lines is searched as a whole first.
    let signs: Vec<_> = SIGNS
        .iter()
        .filter(|(_, word)| source.text.contains(word))
        .collect();
    if signs.is_empty() {
        return found;
    }
    let mut line_start = 0;
    for line in source.text.split_inclusive('\n') {
        let mut seen: Vec<&str> = Vec::new();
        let code = without_comment(line);
        for (rule, word) in &signs {
            if let (Some(at), false, Some(rule)) =
                (code.find(word), seen.contains(rule), rules::by_name(rule))
            {
                seen.push(rule.name);
                let start = line_start + at;
                found.push(finding(source, rule, start..start + word.trim_end().len()));
            }
        }
        line_start += line.len();
    }
    found
}

fn finding(source: &Arc<SourceFile>, rule: &'static RuleInfo, span: Range<usize>) -> Finding {
    Finding {
        rule,
        severity: rule.severity.min(Severity::Warning),
        confidence: Confidence::Medium,
        message: format!("the text has a sign of this: {}", rule.summary.to_lowercase()),
        help: "render the template and lint the result to see what it belongs to".to_owned(),
        document: 0,
        object: ObjectReference::default(),
        container: None,
        locations: vec![Location {
            source: Arc::clone(source),
            span,
            label: String::new(),
            primary: true,
        }],
        subject: Subject::ByHand("".into()),
        fix: Fix {
            class: FixClass::Manual,
            reason: "the text is no YAML, so nothing is rewritten".to_owned(),
        },
        text_level: true,
    }
}

fn without_comment(line: &str) -> &str {
    let trimmed = line.trim_start();
    if trimmed.starts_with('#') || trimmed.starts_with("//") || trimmed.starts_with("{{/*") {
        return "";
    }
    line.find(" #").and_then(|at| line.get(..at)).unwrap_or(line)
}
