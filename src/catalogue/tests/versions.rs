//! What pages and messages say of a version stands on a row.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::catalogue::{
    injector::{INJECTORS, Since, Version},
    kubernetes::KUBERNETES,
};

/// The versions that rows name.
fn known() -> BTreeSet<String> {
    let of_kubernetes = KUBERNETES.iter().map(|row| format!("1.{}", row.since));
    let mut known: BTreeSet<String> = of_kubernetes.collect();
    let mut add = |since: &Since| {
        known.insert(since.version.to_owned());
        known.extend(since.also.iter().map(|also| (*also).to_owned()));
    };
    for injector in INJECTORS {
        injector.since.iter().for_each(&mut add);
        let default = injector.by_default.and_then(|default| default.since);
        default.iter().for_each(&mut add);
        if let Some(switch) = &injector.pod_switch {
            switch.since.iter().for_each(&mut add);
            switch.formerly.iter().for_each(|own| add(&own.since));
        }
    }
    for injector in INJECTORS {
        let least = injector.by_default.and_then(|default| default.kubernetes);
        known.extend(least.map(|minor| format!("1.{minor}")));
    }
    known
}

/// Versions of formats, and the one of the clusters that the project measured and recorded itself.
const OTHERS: [&str; 3] = ["2.1.0", "1.2.2", "1.37"];

/// The words of a text that are versions of Kubernetes or of an injector, by their look.
fn claims(text: &str) -> Vec<&str> {
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || "._-/:=@".contains(letter)));
    words
        .map(|word| word.trim_matches(|letter: char| !letter.is_ascii_alphanumeric()))
        .filter(|word| {
            let numbers = word.strip_prefix("edge-").unwrap_or(word);
            let is_plain = numbers.split('.').all(|part| part.parse::<u32>().is_ok());
            let looks = numbers.starts_with("1.") || numbers.starts_with("2.") || word.starts_with("edge-");
            let is_version = Version::parse(word).is_some_and(|_| numbers.split('.').nth(1) != Some("0"));
            // 1.5 seconds are none.
            is_plain && looks && is_version && numbers.len() > 3
        })
        .collect()
}

/// A page without its examples and commands.
fn prose(page: &str) -> String {
    let mut is_code = false;
    let mut prose = String::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            // Every other part stands between backticks.
            line.split('`').step_by(2).for_each(|part| prose.push_str(part));
            prose.push('\n');
        }
    }
    prose
}

/// What a source file says: its strings, without comments, examples and tests.
fn messages(code: &str) -> String {
    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
    let mut said = String::new();
    let mut is_example = false;
    for line in code.lines() {
        is_example |= line.contains("before: r#") || line.contains("after: r#");
        if !line.trim_start().starts_with("//") && !is_example {
            said.push_str(line);
            said.push('\n');
        }
        is_example &= !line.starts_with("\"#");
    }
    said
}

fn files(directory: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let is_test = path.file_stem().is_some_and(|stem| stem == "tests");
        if path.is_dir() && !is_test {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|own| own == extension) && !is_test {
            found.push(path);
        }
    }
}

#[test]
fn every_version_that_is_said_stands_on_a_row() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let known = known();
    let mut unknown = Vec::new();
    let mut pages = Vec::new();
    files(&root.join("docs"), "md", &mut pages);
    // They tell of the program's own builds, and of versions as words of a command.
    let others = ["architecture.md", "reference.md", "install.md", "SUMMARY.md"];
    pages.retain(|page| !others.iter().any(|other| page.ends_with(other)));
    let mut sources = Vec::new();
    for room in ["rules", "remedy", "migrate", "pod", "policy"] {
        files(&root.join("src").join(room), "rs", &mut sources);
    }
    assert!(pages.len() > 30 && sources.len() > 80);
    let said = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        match path.extension().is_some_and(|own| own == "md") {
            true => prose(&text),
            false => messages(&text),
        }
    };
    let mut count = 0;
    for path in pages.iter().chain(&sources) {
        for claim in claims(&said(path)) {
            count += 1;
            if !known.contains(claim) && !OTHERS.contains(&claim) {
                unknown.push(format!("{}: {claim}", path.strip_prefix(root).unwrap().display()));
            }
        }
    }
    assert!(count > 20, "{count}");
    assert!(
        unknown.is_empty(),
        "no row stands behind:\n{}",
        unknown.join("\n")
    );
}

#[test]
fn a_claim_is_a_version_and_nothing_else() {
    let text =
        "Istio 1.27, Linkerd (edge-26.5.2) and 1.9.0; not 1.5 s, nginx:1.25, v1.2 or 1.0.0, https://x/1.27.";
    assert_eq!(claims(text), ["1.27", "edge-26.5.2", "1.9.0"]);
}
