//! Links inside of the repository lead to a file, and to a heading of it.

use std::path::{Component, Path, PathBuf};

use crate::markdown::{Page, pages, root};

/// How a page of the book links to a file that is not in the book.
const REPOSITORY: &str = "https://github.com/kubectl-sidecar/kubectl-sidecar/blob/main/";

/// A path without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => assert!(normal.pop(), "{} leaves the repository", path.display()),
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

/// What is wrong with a link.
fn fault(page: &Page, link: &str, all: &[Page]) -> Option<String> {
    let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if let Some(target) = target.strip_prefix(REPOSITORY) {
        PathBuf::from(target)
    } else if target.contains("://") || target.starts_with("mailto:") {
        return None;
    } else if target.is_empty() {
        page.path.clone()
    } else {
        let target = normal(&page.path.parent().unwrap().join(target));
        if page.path.starts_with("docs") && !target.starts_with("docs") {
            return Some(format!(
                "it leaves the book; link to {REPOSITORY}{}",
                target.display()
            ));
        }
        target
    };
    if !root().join(&target).exists() {
        return Some("there is no such file".to_owned());
    }
    let is_there = anchor.is_empty()
        || all
            .iter()
            .find(|page| page.path == target)
            .is_some_and(|page| page.anchors().iter().any(|one| one == anchor));
    (!is_there).then(|| format!("{} has no heading #{anchor}", target.display()))
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let mut faults = Vec::new();
    for page in &pages {
        for (at, link) in page.links() {
            faults.extend(fault(page, &link, &pages).map(|fault| format!("{at}: {link}: {fault}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// `` `docs/semantics.md`, "Start" `` in a comment, with the lines of it joined.
#[test]
fn sections_that_comments_name_are_there() {
    let pages = pages();
    let page = pages
        .iter()
        .find(|page| page.path == Path::new("docs/semantics.md"))
        .unwrap();
    let headings: Vec<&str> = page
        .text
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim())
        .collect();
    let mut faults = Vec::new();
    let mut count = 0;
    for file in sources(&root().join("src"))
        .into_iter()
        .chain(sources(&root().join("tests")))
    {
        let text = std::fs::read_to_string(&file).unwrap();
        let text = text
            .lines()
            .map(|line| line.trim_start().trim_start_matches(['/', '!']))
            .collect::<Vec<_>>()
            .join("");
        for named in text.split("`docs/semantics.md`, \"").skip(1) {
            let name = named.split('"').next().unwrap();
            count += 1;
            if !headings.contains(&name) {
                faults.push(format!("{}: no section {name:?}", file.display()));
            }
        }
        assert!(
            !text.contains("`semantics.md`"),
            "{}: name the page as docs/semantics.md, with the section",
            file.display()
        );
    }
    assert!(count > 15, "{count}");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The Rust sources below a directory, but for this one, which names the page as an example.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.ends_with("documents/links.rs")
        {
            found.push(path);
        }
    }
    found
}
