//! What the names in the actions of a part of a template mean.

use std::path::PathBuf;

use super::{
    super::Files,
    lines::lines_of,
    marks::{SourceLine, is_template},
};

/// A template, or a `define` in it, with what it calls the values of all templates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope {
    path: PathBuf,
    pub(super) define: Option<usize>,
    /// What stands before `.Values`: nothing, `$`, or `$root` where the part is given a list or map.
    root: String,
}

impl Scope {
    /// The part that a line is in.
    pub(super) fn of(at: &SourceLine, files: &Files) -> Option<Self> {
        let text = files.text(&at.path)?;
        let lines = lines_of(text);
        let define = lines.get(at.line)?.define;
        let own = text
            .split('\n')
            .zip(&lines)
            .filter(|(_, line)| line.define == define);
        let root = own.filter_map(|(text, _)| root_in(text)).next();
        Some(Self {
            path: at.path.clone(),
            define,
            root: root.unwrap_or_default().to_owned(),
        })
    }

    /// An action of this part as the other one would say it; nothing where that has no name for what it is about.
    pub(super) fn action_in(&self, action: &str, other: &Self) -> Option<String> {
        if self == other || !is_template(&self.path) {
            return Some(action.to_owned());
        }
        let own = format!("{}.Values.", self.root);
        let is_plain = |root: &str| root.is_empty() || root == "$";
        let renamed = match is_plain(&self.root) && is_plain(&other.root) {
            true => action.to_owned(),
            false => action.replace(&own, &format!("{}.Values.", other.root)),
        };
        let names = renamed.replace(&format!("{}.Values.", other.root), "");
        let is_variable = |sign: Option<char>| sign.is_some_and(char::is_alphanumeric);
        let has_variable = names
            .split('$')
            .skip(1)
            .any(|rest| is_variable(rest.chars().next()));
        (!has_variable).then_some(renamed)
    }
}

/// What stands before `.Values.` in a line.
fn root_in(line: &str) -> Option<&str> {
    let (before, _) = line.split_once(".Values.")?;
    let is_name = |sign: char| sign.is_ascii_alphanumeric() || "_$.".contains(sign);
    before.get(before.trim_end_matches(is_name).len()..)
}
