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
