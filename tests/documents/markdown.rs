//! The pages, and what of them is tested.

use std::{
    fs,
    path::{Path, PathBuf},
};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A page: its path from the root of the repository, and its text.
pub(crate) struct Page {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// A block of code.
#[derive(Debug)]
pub(crate) struct Block {
    /// `README.md:12`, its first line.
    pub(crate) at: String,
    pub(crate) language: String,
    pub(crate) text: String,
    /// The words of the HTML comment right above it.
    pub(crate) comment: String,
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The README and what it leads to.
pub(crate) fn pages() -> Vec<Page> {
    let mut paths = [
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "examples/README.md",
    ]
    .map(PathBuf::from)
    .to_vec();
    let mut directories = vec![root().join("docs")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                paths.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| Page {
            text: fs::read_to_string(root().join(&path)).unwrap(),
            path,
        })
        .collect()
}

impl Page {
    fn events(&self) -> impl Iterator<Item = (Event<'_>, std::ops::Range<usize>)> {
        Parser::new_ext(&self.text, Options::ENABLE_TABLES).into_offset_iter()
    }

    /// The line of an offset, counted from 1.
    fn at(&self, offset: usize) -> String {
        let line = self.text[..offset].matches('\n').count() + 1;
        format!("{}:{line}", self.path.display())
    }

    pub(crate) fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut comment = String::new();
        let mut is_open = false;
        for (event, range) in self.events() {
            match event {
                Event::Html(html) if html.starts_with("<!--") => {
                    html.trim()
                        .trim_matches(['<', '!', '-', '>', ' '])
                        .clone_into(&mut comment);
                }
                Event::Start(Tag::CodeBlock(kind)) => {
                    is_open = true;
                    blocks.push(Block {
                        at: self.at(range.start),
                        language: match kind {
                            CodeBlockKind::Fenced(language) => language.into_string(),
                            CodeBlockKind::Indented => String::new(),
                        },
                        text: String::new(),
                        comment: std::mem::take(&mut comment),
                    });
                }
                Event::Text(text) if is_open => blocks.last_mut().unwrap().text.push_str(&text),
                Event::End(TagEnd::CodeBlock) => is_open = false,
                Event::Start(Tag::HtmlBlock) | Event::End(TagEnd::HtmlBlock) => {}
                _ => comment.clear(),
            }
        }
        blocks
    }

    /// Code in the text, with where it stands.
    pub(crate) fn code_spans(&self) -> Vec<(String, String)> {
        self.events()
            .filter_map(|(event, range)| match event {
                Event::Code(code) => Some((self.at(range.start), code.into_string())),
                _ => None,
            })
            .collect()
    }

    /// Where links and pictures lead, with where they stand.
    pub(crate) fn links(&self) -> Vec<(String, String)> {
        self.events()
            .filter_map(|(event, range)| match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    Some((self.at(range.start), dest_url.into_string()))
                }
                _ => None,
            })
            .collect()
    }

    /// The anchors of its headings, as GitHub and mdBook make them.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let mut anchors = Vec::new();
        let mut heading: Option<String> = None;
        for (event, _) in self.events() {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                Event::End(TagEnd::Heading(_)) => {
                    anchors.extend(heading.take().map(|heading| anchor(&heading)))
                }
                _ => {}
            }
        }
        anchors
    }
}

fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|one| one.is_alphanumeric() || matches!(one, ' ' | '-' | '_'))
        .map(|one| if one == ' ' { '-' } else { one })
        .collect()
}
