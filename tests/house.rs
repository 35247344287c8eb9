//! The rooms of `docs/architecture.md` and the arrows between them, held to what the sources import.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name == "tests" || name.ends_with("_tests") {
            continue;
        }
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// What a source says without comments and tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The first names behind `crate::`, alone or in braces.
fn used_rooms(code: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for (at, found) in code.match_indices("crate::") {
        let rest = &code[at + found.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            rooms.insert(first_name(rest));
            continue;
        };
        let mut depth = 0;
        let mut begins = true;
        for (at, letter) in group.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                letter if begins && depth == 0 && !letter.is_whitespace() => {
                    rooms.insert(first_name(&group[at..]));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    rooms.remove("");
    rooms
}

fn first_name(text: &str) -> String {
    text.chars()
        .take_while(|letter| letter.is_ascii_lowercase() || *letter == '_')
        .collect()
}

/// Each room with the rooms that it uses, and the files that do.
fn arrows() -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
    let folder = root().join("src");
    let mut files = Vec::new();
    sources(&folder, &mut files);
    let mut arrows: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for file in files {
        let name = file.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
        let room = name
            .split('/')
            .next()
            .unwrap_or_default()
            .trim_end_matches(".rs")
            .to_owned();
        if room == "main" || room == "lib" {
            continue;
        }
        let uses = arrows.entry(room.clone()).or_default();
        for used in used_rooms(&code(&file)).into_iter().filter(|used| *used != room) {
            uses.entry(used).or_default().push(name.clone());
        }
    }
    arrows
}

/// The table of the rooms: a room, and the names in its last column. `everything` is kept as a word.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let page = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let (_, rooms) = page.split_once("## The rooms").expect("the rooms");
    let (rooms, _) = rooms.split_once("\n## ").expect("what follows");
    let named = |text: &str| -> BTreeSet<String> {
        let quoted = text.split('`').skip(1).step_by(2);
        quoted
            .map(|name| name.trim_end_matches('/').trim_end_matches(".rs").to_owned())
            .collect()
    };
    let mut table = BTreeMap::new();
    for line in rooms.lines().filter(|line| line.starts_with("| `")) {
        let columns: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        let mut may_use = named(columns[2]);
        if columns[2].contains("everything") {
            may_use.insert("everything".to_owned());
        }
        for room in named(columns[0]) {
            table.insert(room, may_use.clone());
        }
    }
    table
}

#[test]
fn each_room_uses_what_the_page_says() {
    let table = table();
    let arrows = arrows();
    let rooms: BTreeSet<_> = arrows.keys().collect();
    assert_eq!(rooms, table.keys().collect::<BTreeSet<_>>(), "the rooms");
    let mut wrong = Vec::new();
    for (room, uses) in &arrows {
        let may_use = &table[room];
        if may_use.contains("everything") {
            continue;
        }
        let used: BTreeSet<_> = uses.keys().cloned().collect();
        for more in used.difference(may_use) {
            wrong.push(format!("{room} uses {more} in {:?}", uses[more]));
        }
        for less in may_use.difference(&used) {
            wrong.push(format!("{room} does not use {less}, which the page allows"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn arrows_point_one_way() {
    let arrows = arrows();
    let uses = |room: &str| arrows.get(room).into_iter().flat_map(BTreeMap::keys);
    for room in arrows.keys() {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&String> = uses(room).collect();
        while let Some(used) = next.pop() {
            assert_ne!(used, room, "{room} uses itself through {seen:?}");
            if seen.insert(used) {
                next.extend(uses(used));
            }
        }
    }
}

#[test]
fn what_decides_sees_neither_kube_nor_a_terminal() {
    let mut files = Vec::new();
    for room in [
        "yaml",
        "shell",
        "rules",
        "remedy",
        "edit",
        "pod",
        "migrate",
        "catalogue",
    ] {
        sources(&root().join("src").join(room), &mut files);
    }
    for file in files {
        let code = code(&file);
        for outside in [
            "kube::",
            "tokio::",
            "clap::",
            "colored::",
            "comfy_table::",
            "ratatui::",
        ] {
            assert!(!code.contains(outside), "{} uses {outside}", file.display());
        }
    }
}

/// A skip goes through `skip!`, which fails where `.ci/run` has what is wanted; so a word for it is nowhere else.
#[test]
fn no_test_skips_in_silence_of_ci() {
    let mut files = Vec::new();
    sources(&root().join("tests"), &mut files);
    for file in files
        .iter()
        .filter(|file| !file.ends_with("house.rs") && !file.ends_with("tell.rs"))
    {
        let text = std::fs::read_to_string(file).unwrap();
        for word in ["tell!(\"SKIPPED", "tell!(\"skipped", "println!(\"SKIPPED"] {
            let allowed = ["is for one before 1.36", "only root can"];
            let unexplained = text
                .lines()
                .filter(|line| line.contains(word))
                .filter(|line| !allowed.iter().any(|reason| line.contains(reason)));
            assert_eq!(
                unexplained.collect::<Vec<_>>(),
                Vec::<&str>::new(),
                "{}",
                file.display()
            );
        }
    }
}
