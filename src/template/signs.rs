//! Signs of workarounds that leave no doubt even in text that is no YAML.

use std::{
    ops::Range,
    sync::{Arc, LazyLock},
};

use crate::{
    catalogue::{Catalogue, controller::KILLED_WHEN_ALONE, injector::INJECTORS, quit, wrapper::WRAPPERS},
    pod::Subject,
    rules::{self, Confidence, Finding, Fix, FixClass, Location, RuleInfo, Severity},
    source::SourceFile,
    workload::ObjectReference,
};

/// Commands that end a process by its name, with the options that most people give them.
const KILLERS: [&str; 6] = [
    "pkill",
    "pkill -f",
    "pkill -x",
    "pkill -TERM",
    "killall",
    "killall -q",
];

/// Words that stand for one rule each.
static SIGNS: LazyLock<Vec<(&str, String)>> = LazyLock::new(|| {
    let quits = quit::texts().map(|text| ("quit-endpoint", text.to_owned()));
    let wrappers = WRAPPERS.iter().flat_map(|wrapper| {
        let programs = wrapper.programs.iter().flat_map(|program| {
            if program.contains('-') {
                vec![(*program).to_owned()]
            } else if wrapper.is_common_word {
                vec![format!("/{program} ")]
            } else {
                vec![format!("/{program}"), format!("{program} ")]
            }
        });
        let settings = wrapper
            .ending_settings
            .iter()
            .map(|setting| (*setting).to_owned());
        programs.chain(settings).map(|text| ("wrapper-binary", text))
    });
    let holds = INJECTORS
        .iter()
        .flat_map(|injector| injector.holds)
        .flat_map(|hold| {
            let value = hold.value.unwrap_or("true");
            let name = hold.name.rsplit('/').next().unwrap_or(hold.name);
            [
                format!("{name}: {value}"),
                format!("{name}\": {value}"),
                format!("{name}\":{value}"),
            ]
            .map(|text| ("hold-annotation", text))
        });
    let kills = Catalogue::built_in().entries().flat_map(|known| {
        let programs = known.programs.iter();
        programs.flat_map(|program| KILLERS.map(|killer| ("shared-pid-kill", format!("{killer} {program}"))))
    });
    let killers = std::iter::once(("external-killer", format!("{KILLED_WHEN_ALONE}:")));
    quits
        .chain(wrappers)
        .chain(holds)
        .chain(kills)
        .chain(killers)
        .collect()
});

/// Whether a text names a wrapper, or a setting of one: whatever branch that stands in, the image has it.
#[must_use]
pub(crate) fn names_a_wrapper(text: &str) -> bool {
    WRAPPERS.iter().any(|wrapper| {
        let programs = wrapper.programs.iter().filter(|_| !wrapper.is_common_word);
        programs.chain(wrapper.settings).any(|word| text.contains(*word))
    })
}

/// Whether a text has words of a workaround: one of those that stand for a rule, or a pause, which most waits have.
#[must_use]
pub(crate) fn may_hold_a_workaround(text: &str) -> bool {
    text.contains("sleep") || SIGNS.iter().any(|(_, word)| text.contains(word.as_str()))
}

/// What the words of a text say, at most once a line and rule. Comments say nothing.
#[must_use]
pub(crate) fn signs(source: &Arc<SourceFile>) -> Vec<Finding> {
    let mut found = Vec::new();
    // A text of many short lines is searched as a whole first.
    let signs: Vec<_> = SIGNS
        .iter()
        .filter(|(_, word)| source.text.contains(word.as_str()))
        .collect();
    if signs.is_empty() {
        return found;
    }
    let mut line_start = 0;
    for line in source.text.split_inclusive('\n') {
        let mut seen: Vec<&str> = Vec::new();
        let code = without_comment(line);
        for (rule, word) in &signs {
            if let (Some(at), false, Some(rule)) = (
                code.match_indices(word.as_str())
                    .map(|(at, _)| at)
                    .find(|at| *rule != "shared-pid-kill" || ends_a_name(code, at + word.len())),
                seen.contains(rule),
                rules::by_name(rule),
            ) {
                seen.push(rule.name);
                let start = line_start + at;
                found.push(finding(source, rule, start..start + word.trim_end().len()));
            }
        }
        line_start += line.len();
    }
    found
}

/// Whether a name ends at a place of a line: `pkill vault` is no `pkill vault-env`.
fn ends_a_name(line: &str, at: usize) -> bool {
    let goes_on = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    !line.get(at..).is_some_and(|rest| rest.starts_with(goes_on))
}

fn finding(source: &Arc<SourceFile>, rule: &'static RuleInfo, span: Range<usize>) -> Finding {
    Finding {
        rule,
        severity: rule.severity.min(Severity::Warning),
        // The container that the text becomes a part of may be the one whose process that is.
        confidence: match rule.name {
            "shared-pid-kill" => Confidence::Low,
            _ => Confidence::Medium,
        },
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_leave_no_doubt() {
        let found = |text: &str| {
            let source = Arc::new(SourceFile {
                name: "x.tpl".to_owned(),
                text: text.into(),
            });
            signs(&source)
                .iter()
                .map(|finding| finding.rule.name)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            found("  {{- if $s }}\n  pod.kubernetes.io/sidecars: {{ $s | join \",\" }}\n"),
            ["external-killer"]
        );
        assert_eq!(
            found("  # update pod.kubernetes.io/sidecars: above"),
            Vec::<&str>::new()
        );
        assert_eq!(found("{{- printf \"pkill vault-env\" }}"), Vec::<&str>::new());
        assert_eq!(
            found("{{- printf \"pkill vault || true\" }}"),
            ["shared-pid-kill"]
        );
        assert_eq!(
            found("{{- printf \"pkill envoy-x; pkill envoy\" }}"),
            ["shared-pid-kill"]
        );
    }
}
