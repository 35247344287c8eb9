//! `docs/` is an mdBook.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    markdown::{pages, root},
    programs,
};

#[test]
fn every_page_is_in_the_table_of_contents() {
    let pages = pages();
    let summary = pages
        .iter()
        .find(|page| page.path == Path::new("docs/SUMMARY.md"))
        .unwrap();
    let listed: BTreeSet<PathBuf> = summary
        .links()
        .into_iter()
        .map(|(_, link)| PathBuf::from("docs").join(link))
        .collect();
    let there: BTreeSet<PathBuf> = pages
        .iter()
        .map(|page| page.path.clone())
        .filter(|path| path.starts_with("docs") && !path.ends_with("SUMMARY.md"))
        .collect();
    assert_eq!(listed, there);
}

/// mdBook makes index.html of a README.md, and README.html of the links to it.
#[test]
fn links_to_a_directorys_page_are_led_on() {
    let settings = fs::read_to_string(root().join("book.toml")).unwrap();
    let pages = pages();
    let mut linked = pages
        .iter()
        .filter(|page| page.path.starts_with("docs") && page.path.ends_with("README.md"))
        .peekable();
    assert!(linked.peek().is_some());
    for page in linked {
        let path = page.path.strip_prefix("docs").unwrap().with_extension("html");
        let led_on = format!("\"/{}\" = \"index.html\"", path.display());
        assert!(settings.contains(&led_on), "book.toml has no {led_on}");
    }
}

#[test]
fn the_book_can_be_built() {
    let Some(mdbook) = programs::find("mdbook") else {
        crate::tell::skip("mdbook", "there is no mdbook");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new(mdbook)
        .args(["build", "--dest-dir"])
        .arg(directory.path())
        .current_dir(root())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("WARN") && !said.contains("ERROR"), "{said}");
    let page = fs::read_to_string(directory.path().join("rules/startup-sleep.html")).unwrap();
    assert!(page.contains("<h1 id=\"startup-sleep\">"), "{page}");
    let mut dead = Vec::new();
    for page in html_files(directory.path()) {
        let text = fs::read_to_string(&page).unwrap();
        // A page that was not found is shown from any address: its links are absolute.
        if page.ends_with("404.html") || page.ends_with("toc.html") {
            continue;
        }
        for link in text
            .split("href=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
        {
            let target = link.split('#').next().unwrap();
            let is_elsewhere = target.is_empty() || target.contains(':');
            if !is_elsewhere && !page.parent().unwrap().join(target).exists() {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

/// The pages below a directory.
fn html_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(html_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "html") {
            files.push(path);
        }
    }
    files
}
