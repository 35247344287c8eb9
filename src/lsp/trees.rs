//! Charts and kustomizations: what their renderings show, worked out beside the conversation.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{self, Sender},
    },
    thread,
};

use super::{client::Preferences, transport::Incoming};
use crate::{remedy::Form, rules::Finding, source::SourceFile};

/// Renders charts and kustomizations.
pub(crate) trait Render: Send {
    /// What the charts and kustomizations around open files show, with all files as they are on the disk.
    fn render(&mut self, wanted: &Around) -> Vec<RenderedTree>;
}

/// What is to be rendered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Around {
    /// The directories of the workspace. Out of them nothing is read.
    pub folders: Vec<PathBuf>,
    /// The files that are open.
    pub open: Vec<PathBuf>,
    /// What the editor's user wants.
    pub preferences: Preferences,
}

/// A chart or the kustomizations that share files.
#[derive(Debug, Default)]
pub(crate) struct RenderedTree {
    /// Its name, as the user would write its directory.
    pub name: String,
    /// Its files by their names, with the lines, from 0, that its renderings show; nothing where they show all of it.
    pub files: HashMap<String, (Arc<SourceFile>, Option<HashSet<usize>>)>,
    /// What is found in its renderings, at places of its files.
    pub findings: Vec<Finding>,
    /// The edits that replace all of it, each proved by rendering again.
    pub rewrites: Vec<TreeRewrite>,
}

/// An edit of a tree's files.
#[derive(Debug)]
pub(crate) struct TreeRewrite {
    /// How sidecars are declared.
    pub form: Form,
    /// Whether a person has to look at it.
    pub is_for_review: bool,
    /// The files that change: name, path, text before and after.
    pub files: Vec<RewrittenFile>,
}

/// A file of a tree before and after an edit.
#[derive(Debug)]
pub(crate) struct RewrittenFile {
    /// The name of its source.
    pub name: String,
    /// Its text on the disk.
    pub old: Arc<str>,
    /// Its text then.
    pub new: Arc<str>,
}

impl RenderedTree {
    /// Whether the file of a source is the tree's, with this text.
    pub(super) fn holds(&self, source: &SourceFile) -> bool {
        let known = self.files.get(&source.name);
        known.is_some_and(|(known, _)| known.text == source.text)
    }

    /// Whether its renderings show a line of a source.
    pub(super) fn shows(&self, source: &SourceFile, line: usize) -> bool {
        let known = self.files.get(&source.name);
        known.is_some_and(|(known, lines)| {
            known.text == source.text && lines.as_ref().is_none_or(|lines| lines.contains(&line))
        })
    }
}

/// A thread that renders. Of what is asked while it works only the last counts.
pub(super) struct Worker {
    requests: Sender<Around>,
}

impl Worker {
    pub(super) fn start(mut render: impl Render + 'static, answers: Sender<Incoming>) -> Self {
        let (requests, receiver) = mpsc::channel::<Around>();
        thread::spawn(move || {
            while let Ok(mut wanted) = receiver.recv() {
                while let Ok(newer) = receiver.try_recv() {
                    wanted = newer;
                }
                if answers.send(Incoming::Rendered(render.render(&wanted))).is_err() {
                    return;
                }
            }
        });
        Self { requests }
    }

    pub(super) fn ask(&self, wanted: Around) {
        // Without the thread nothing is rendered, and the files speak for themselves.
        let _sent = self.requests.send(wanted);
    }
}
