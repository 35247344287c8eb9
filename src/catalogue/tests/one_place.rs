//! What a row holds stands nowhere else in the program.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::catalogue::{
    Catalogue,
    controller::{KILLERS, OPEN_KRUISE},
    injector::INJECTORS,
    quit,
    tool::READINESS_TOOLS,
    wait_tool::WAIT_TOOLS,
    wrapper::{INITS, WRAPPERS},
};

/// The names, paths and settings of all rows that are no everyday words.
fn texts() -> BTreeSet<String> {
    let mut texts: Vec<&str> = quit::texts().collect();
    for wrapper in WRAPPERS {
        texts.extend(wrapper.programs.iter().chain(wrapper.settings));
    }
    texts.extend(INITS.iter().map(|init| init.program));
    texts.extend(READINESS_TOOLS.iter().flat_map(|tool| tool.programs));
    texts.extend(WAIT_TOOLS.iter().flat_map(|tool| tool.programs));
    for injector in INJECTORS {
        texts.extend(
            injector
                .marks
                .iter()
                .chain(injector.opt_outs)
                .map(|mark| mark.annotation),
        );
        texts.extend(injector.holds.iter().map(|hold| hold.name));
        texts.extend(injector.containers.iter().chain(injector.drain_annotations));
        texts.extend(injector.settings_annotation);
        texts.extend(injector.installation_switch);
        if let Some(switch) = &injector.pod_switch {
            texts.push(switch.annotation);
            texts.extend(switch.formerly.iter().map(|own| own.annotation));
        }
    }
    texts.extend(KILLERS.iter().map(|killer| killer.image));
    for injector in INJECTORS {
        texts.extend(injector.leaves_with.iter().map(|mark| mark.annotation));
    }
    texts.push(OPEN_KRUISE.ordered.annotation);
    texts.push(OPEN_KRUISE.ordered.variable);
    texts.extend(OPEN_KRUISE.ends_with_the_job.iter().map(|(name, _)| name));
    let mut texts: BTreeSet<String> = texts.into_iter().map(str::to_owned).collect();
    for known in Catalogue::built_in().entries() {
        texts.insert(known.name.clone());
        texts.extend(known.quit_flag.clone().map(|flag| format!("--{flag}")));
        let lists = [
            &known.containers,
            &known.programs,
            &known.images,
            &known.drain,
            &known.one_shot_variables,
            &known.keeps_running,
        ];
        texts.extend(lists.into_iter().flatten().cloned());
        let marks = known.injection.iter();
        texts.extend(marks.map(|mark| mark.split('=').next().unwrap().to_owned()));
    }
    // `agent`, `docker`, `curl`: words that mean other things too.
    texts.retain(|text| text.len() > 5 && text.contains(|letter: char| !letter.is_ascii_lowercase()));
    texts
}

/// The sources of the program but for the catalogue and the tests.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "catalogue" | "tests") {
                sources(&path, found);
            }
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// The literals of a source, each with its line. A rule's own documentation and a file's tests are left out.
fn literals(text: &str) -> Vec<(usize, String)> {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let documentation = text.find("RuleInfo = RuleInfo {").map(|start| {
        let end = text[start..].find("\n};").map_or(text.len(), |end| start + end);
        start..end
    });
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\''") || rest.starts_with("b'\"'") {
            at += 4;
        } else if let Some(hashes) = rest
            .strip_prefix('r')
            .map(|raw| raw.len() - raw.trim_start_matches('#').len())
            .filter(|hashes| rest[1 + hashes..].starts_with('"'))
        {
            let start = at + 2 + hashes;
            let close = format!("\"{}", "#".repeat(hashes));
            let length = text[start..].find(&close).unwrap_or(text.len() - start);
            found.push((start, text[start..start + length].to_owned()));
            at = start + length + close.len();
        } else if rest.starts_with('"') {
            let mut end = at + 1;
            while end < bytes.len() && bytes[end] != b'"' {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            found.push((at, text[at + 1..end].to_owned()));
            at = end + 1;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    found
        .into_iter()
        .filter(|(start, _)| !documentation.as_ref().is_some_and(|range| range.contains(start)))
        .map(|(start, literal)| (text[..start].matches('\n').count() + 1, literal))
        .collect()
}

/// Whether a text stands in a literal as a word of its own.
fn holds(literal: &str, text: &str) -> bool {
    let is_inner = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric());
    literal.match_indices(text).any(|(at, _)| {
        let before = literal[..at].chars().next_back();
        let after = literal[at + text.len()..].chars().next();
        !is_inner(before) && (text.ends_with('_') || !is_inner(after))
    })
}

#[test]
fn what_a_row_holds_is_written_once() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 250, "{}", files.len());
    let texts = texts();
    assert!(texts.len() > 200, "{}", texts.len());
    let mut twice = Vec::new();
    for file in files {
        for (line, literal) in literals(&fs::read_to_string(&file).unwrap()) {
            for text in texts.iter().filter(|text| holds(&literal, text)) {
                let place = file.strip_prefix(&root).unwrap().display();
                twice.push(format!("src/{place}:{line}: {text}, in {literal:?}"));
            }
        }
    }
    assert!(
        twice.is_empty(),
        "a row of src/catalogue holds this already; ask it instead:\n{}",
        twice.join("\n")
    );
}

#[test]
fn a_second_place_is_found() {
    let source = "// kubexit\nstatic RULE: RuleInfo = RuleInfo {\n what: \"kubexit\",\n};\nfn x() { y(r#\"a/kubexit b\"#, 'x', \"kubexits\") }\n";
    let found: Vec<_> = literals(source)
        .into_iter()
        .filter(|(_, literal)| holds(literal, "kubexit"))
        .collect();
    assert_eq!(found, [(5, "a/kubexit b".to_owned())]);
    assert!(holds("KUBEXIT_NAME", "KUBEXIT_"));
    assert!(!holds("/quitquitquitter", "/quitquitquit"));
}
