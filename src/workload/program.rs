//! What a container runs: its entrypoint, hooks and probes, as scripts that know where they stand.

use std::{borrow::Cow, collections::HashMap, ops::Range};

use crate::{
    shell::{
        self, AndOr, Command, Dialect, List, Piece, Pipeline, Script, Simple, Statement, Terminator,
        Variable, Word,
    },
    yaml::{Node, ScalarMap},
};

use super::{
    Container, HookKind, ProbeKind, Workload,
    config_map::ConfigMaps,
    invocation::{ShellInvocation, shell_invocation},
    sourced::{self, Included},
};

/// Which of a container's programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProgramPlace {
    /// `command` and `args`, or a step's `script`.
    Entrypoint,
    /// A hook's `exec.command`.
    Hook(HookKind),
    /// A probe's `exec.command`.
    Probe(ProbeKind),
}

/// Where a program's text stands.
#[derive(Debug, Clone)]
enum Origin<'t> {
    /// A scalar holds the whole script.
    Scalar(Node<'t>),
    /// Each word is a scalar of its own; the offset is its start in the text of the joined words.
    Words(Vec<(usize, Node<'t>)>),
}

/// A program a container runs.
#[derive(Debug, Clone)]
pub struct Program<'t> {
    /// Which one it is.
    pub place: ProgramPlace,
    /// Its words: `command` and `args` together.
    pub words: Vec<Node<'t>>,
    /// How the words start a shell, where they do.
    pub invocation: Option<ShellInvocation>,
    /// The name of the ConfigMap the script comes from.
    pub config_map: Option<&'t str>,
    /// The path of the script's file, where it is one.
    pub file: Option<String>,
    /// Why a change of the script may reach more than this program. Nothing where it stands in the pod itself.
    pub shared: Option<String>,
    /// The script's text, or the words joined by blanks.
    pub text: String,
    /// What it says, as far as it was understood. Words without a shell are a script of one command.
    pub script: Option<Script>,
    origin: Origin<'t>,
    /// What `. FILE ARGUMENTS` gives the script, where that is how it runs.
    given: Option<Vec<Variable>>,
    /// Files that the script reads into its shell, and whose text is in its own.
    included: Vec<Included<'t>>,
    /// The texts of a ConfigMap's files that its words name: `-config=/etc/vault/agent.hcl`.
    pub settings: Vec<&'t str>,
    /// The variables that its container has from ConfigMaps.
    pub variables: HashMap<String, &'t str>,
}

/// The programs of a container: its entrypoint, its hooks, its probes.
#[must_use]
pub fn programs<'t>(
    workload: &Workload<'t>,
    container: &Container<'t>,
    config_maps: &ConfigMaps<'t>,
) -> Vec<Program<'t>> {
    let mut programs = Vec::new();
    let mut add = |place, words: Vec<Node<'t>>| {
        if !words.is_empty() {
            programs.push(Program::new(place, words, workload, container, config_maps));
        }
    };
    let mut entrypoint = container.command();
    entrypoint.extend(container.arguments());
    add(ProgramPlace::Entrypoint, entrypoint);
    for kind in [HookKind::PostStart, HookKind::PreStop] {
        if let Some(hook) = container.hook(kind) {
            add(ProgramPlace::Hook(kind), hook.command());
        }
    }
    for kind in ProbeKind::ALL {
        if let Some(probe) = container.probe(kind) {
            add(ProgramPlace::Probe(kind), probe.command());
        }
    }
    // Tekton's `script` and Argo's `source` are whole scripts.
    // `-c FILE` alone is an option of the image's own program.
    let runs_no_shell = |own: &&mut Program<'_>| {
        let invocation = own.invocation.as_ref();
        invocation.is_none_or(|invocation| invocation.shell.is_none())
    };
    if let Some(entrypoint) = programs.first_mut().filter(runs_no_shell) {
        let words = entrypoint.words.iter().filter_map(|word| word.as_str());
        let files = words.map(|word| word.split_once('=').map_or(word, |(_, value)| value));
        entrypoint.settings = files
            .filter(|file| file.starts_with('/'))
            .filter_map(|file| config_maps.script(workload, container, file)?.1.as_str())
            .collect();
    }
    let has_script = programs.iter().any(|program| program.script.is_some());
    if has_script && takes_from_elsewhere(container) {
        let variables = config_maps.variables(workload, container);
        for program in &mut programs {
            program.variables.clone_from(&variables);
        }
    }
    for field in ["script", "source"] {
        if let Some(node) = container.node.get(field).filter(|node| node.as_str().is_some()) {
            programs.push(Program::of_scalar(
                ProgramPlace::Entrypoint,
                Vec::new(),
                None,
                None,
                node,
            ));
        }
    }
    programs
}

/// Whether a file's name is not that of a configuration: `envoy -c /etc/envoy/envoy.yaml`.
fn may_be_script(file: &str) -> bool {
    const CONFIGURATIONS: [&str; 11] = [
        "yaml",
        "yml",
        "json",
        "toml",
        "conf",
        "cfg",
        "ini",
        "hcl",
        "xml",
        "properties",
        "tmpl",
    ];
    let end = file.rsplit('/').next().and_then(|name| name.rsplit_once('.'));
    !end.is_some_and(|(_, end)| CONFIGURATIONS.contains(&end))
}

/// Whether variables of a container have their values somewhere else.
fn takes_from_elsewhere(container: &Container<'_>) -> bool {
    container.node.get("envFrom").is_some()
        || container.environment().any(|variable| variable.value.is_none())
}

impl<'t> Program<'t> {
    fn new(
        place: ProgramPlace,
        words: Vec<Node<'t>>,
        workload: &Workload<'t>,
        container: &Container<'t>,
        config_maps: &ConfigMaps<'t>,
    ) -> Self {
        let texts: Vec<_> = words.iter().map(|node| node.as_str()).collect();
        let invocation = shell_invocation(&texts);
        if let Some(invocation) = &invocation
            && !invocation.file
            && let Some(node) = words.get(invocation.script).copied()
        {
            let variable = script_variable(place, container, node);
            let held = variable.as_ref().map_or(node, |(_, value)| *value);
            let mut inline = Self::of_scalar(place, words, Some(invocation.clone()), None, held);
            inline.shared = variable.map(|(name, _)| {
                format!("it stands in the variable {name}, which others of the container may read too")
            });
            let lookup = |file: &str| config_maps.script(workload, container, file);
            let only = inline
                .script
                .as_ref()
                .and_then(|script| sourced::only_file(script, invocation.dialect));
            if let Some((name, only, node)) = only
                .filter(|only| may_be_script(&only.path))
                .and_then(|only| lookup(&only.path).map(|(name, node)| (name, only, node)))
            {
                let mut own = Self::of_scalar(place, inline.words, inline.invocation, Some(name), node);
                own.file = Some(only.path);
                own.given = Some(only.arguments);
                return own.including(&lookup);
            }
            return inline.including(&lookup);
        }
        let file = match &invocation {
            Some(invocation) => texts.get(invocation.script).copied().flatten(),
            None => texts
                .iter()
                .flatten()
                .copied()
                .find(|word| word.starts_with('/') && may_be_script(word)),
        };
        if let Some((name, node)) = file.and_then(|file| config_maps.script(workload, container, file)) {
            let path = file.map(str::to_owned);
            let mut own = Self::of_scalar(place, words, invocation, Some(name), node);
            own.file = path;
            return own.including(&|file| config_maps.script(workload, container, file));
        }
        Self::of_words(place, words, &texts)
    }

    fn of_scalar(
        place: ProgramPlace,
        words: Vec<Node<'t>>,
        invocation: Option<ShellInvocation>,
        config_map: Option<&'t str>,
        node: Node<'t>,
    ) -> Self {
        let text = node.as_str().unwrap_or_default().to_owned();
        let dialect = invocation.as_ref().map(|invocation| invocation.dialect);
        let readable = without_placeholders(&text);
        let script = match shebang_dialect(&text) {
            Shebang::Shell(named) => shell::parse(&readable, dialect.unwrap_or(named)),
            Shebang::Absent => shell::parse(&readable, dialect.unwrap_or(Dialect::Posix)),
            Shebang::Other => None,
        };
        Self {
            place,
            words,
            invocation,
            config_map,
            shared: config_map
                .map(|name| format!("it stands in a script of ConfigMap {name}, which others may use too")),
            text,
            file: None,
            script,
            origin: Origin::Scalar(node),
            given: None,
            included: Vec::new(),
            settings: Vec::new(),
            variables: HashMap::new(),
        }
    }

    /// With the text of the files that it reads into its shell.
    fn including(mut self, lookup: sourced::Lookup<'_, 't>) -> Self {
        let joined = self
            .script
            .as_ref()
            .and_then(|script| sourced::include(&self.text, script, lookup));
        let Some((text, included)) = joined else {
            return self;
        };
        let dialect = self
            .invocation
            .as_ref()
            .map_or(Dialect::Posix, |invocation| invocation.dialect);
        if let Some(script) = shell::parse(&without_placeholders(&text), dialect) {
            self.script = Some(script);
            self.text = text;
            self.included = included;
        }
        self
    }

    /// What the script finds as `$1` and so on.
    #[must_use]
    pub fn parameter(&self, number: usize) -> Variable {
        let known = |word: Option<Option<&str>>| match word {
            Some(Some(word)) => Variable::Known(word.to_owned()),
            Some(None) => Variable::Unknown,
            None => Variable::Unset,
        };
        let Some(index) = number.checked_sub(1) else {
            return Variable::Unknown;
        };
        if let Some(given) = &self.given {
            return given.get(index).cloned().unwrap_or(Variable::Unset);
        }
        // `sh -c SCRIPT NAME ARGUMENT …`, `sh FILE ARGUMENT …` and `FILE ARGUMENT …`
        let script = match &self.invocation {
            Some(invocation) if invocation.file => Some(invocation.script),
            Some(invocation) => Some(invocation.script + 1),
            None => {
                let is_file =
                    |node: &Node<'_>| node.as_str().is_some() && node.as_str() == self.file.as_deref();
                self.words.iter().position(is_file)
            }
        };
        match script {
            Some(script) => known(self.words.get(script + 1 + index).map(|node| node.as_str())),
            None => Variable::Unknown,
        }
    }

    /// The ranges of [`Self::text`] that come from other files, each with the ConfigMap that holds it.
    pub fn included(&self) -> impl Iterator<Item = (Range<usize>, &'t str)> {
        self.included
            .iter()
            .map(|file| (file.range.clone(), file.config_map))
    }

    /// A changed text without what comes from other files; nothing where that is not as it was.
    #[must_use]
    pub fn own_text(&self, changed: &str) -> Option<String> {
        sourced::exclude(changed, &self.text, &self.included)
    }

    fn of_words(place: ProgramPlace, words: Vec<Node<'t>>, texts: &[Option<&'t str>]) -> Self {
        let mut text = String::new();
        let mut starts = Vec::new();
        let mut simple = Simple::default();
        for (node, word) in words.iter().zip(texts) {
            if !text.is_empty() {
                text.push(' ');
            }
            let start = text.len();
            starts.push((start, *node));
            text.push_str(word.unwrap_or_default());
            simple.words.push(Word {
                raw: word.unwrap_or_default().to_owned(),
                pieces: vec![Piece::Text {
                    text: word.unwrap_or_default().to_owned(),
                    quoted: true,
                }],
                span: start..text.len(),
            });
        }
        simple.span = 0..text.len();
        let span = simple.span.clone();
        let first = Pipeline {
            negated: false,
            commands: vec![Command::Simple(simple)],
            span: span.clone(),
        };
        let statement = Statement {
            and_or: AndOr {
                first,
                rest: Vec::new(),
            },
            terminator: Terminator::Sequence,
            span,
        };
        let script = Some(Script {
            list: List {
                statements: vec![statement],
            },
        });
        let origin = Origin::Words(starts);
        Self {
            place,
            words,
            invocation: None,
            config_map: None,
            shared: None,
            text,
            file: None,
            script,
            origin,
            given: None,
            included: Vec::new(),
            settings: Vec::new(),
            variables: HashMap::new(),
        }
    }

    /// The node that holds the script, or the program's first word.
    #[must_use]
    pub fn node(&self) -> Option<Node<'t>> {
        match &self.origin {
            Origin::Scalar(node) => Some(*node),
            Origin::Words(words) => words.first().map(|(_, node)| *node),
        }
    }

    /// Whether a shell runs it, so that several commands and expansions are possible.
    #[must_use]
    pub fn is_shell(&self) -> bool {
        matches!(self.origin, Origin::Scalar(_))
    }

    /// The words that a range of [`Self::text`] covers; none where the text is a script.
    #[must_use]
    pub fn words_within(&self, span: &Range<usize>) -> Range<usize> {
        let Origin::Words(words) = &self.origin else {
            return 0..0;
        };
        let index = |offset: usize| words.partition_point(|(start, _)| *start < offset);
        index(span.start)..index(span.end)
    }

    /// The scalar that holds the start of a range of the text, and the range in it.
    fn place_of(&self, own: Node<'t>, span: Range<usize>) -> (Node<'t>, Range<usize>) {
        let (mut before, mut behind) = (0, 0);
        for file in &self.included {
            let range = &file.range;
            if range.contains(&span.start) {
                return (
                    file.node,
                    span.start - range.start..span.end.min(range.end) - range.start,
                );
            }
            // `{`, a line break, the text, a line break and `}` stand for the statement.
            let added = range.len() + 4 - file.statement.len();
            if range.end <= span.start {
                before += added;
            }
            if range.end <= span.end {
                behind += added;
            }
        }
        (
            own,
            span.start.saturating_sub(before)..span.end.saturating_sub(behind),
        )
    }

    /// The bytes of the file behind a range of [`Self::text`], with a node of the tree they stand in.
    #[must_use]
    pub fn locate(&self, span: Range<usize>) -> Option<(Node<'t>, Range<usize>)> {
        match &self.origin {
            Origin::Scalar(node) => {
                let (node, span) = self.place_of(*node, span);
                Some((node, ScalarMap::new(node).raw_range(span)))
            }
            Origin::Words(words) => {
                let index = |offset: usize| {
                    words
                        .partition_point(|(start, _)| *start <= offset)
                        .checked_sub(1)
                };
                let (_, first) = words.get(index(span.start)?)?;
                let (_, last) = words.get(index(span.end.max(span.start + 1) - 1)?)?;
                let (start, end) = (first.span(), last.span());
                Some((
                    *first,
                    if end.end >= start.start {
                        start.start..end.end
                    } else {
                        start
                    },
                ))
            }
        }
    }
}

/// The variable that holds all of a script, and its value: `bash -c "$(SCRIPT)"`. The kubelet puts it in before the shell
/// sees it, in an entrypoint and in no hook or probe.
fn script_variable<'t>(
    place: ProgramPlace,
    container: &Container<'t>,
    script: Node<'t>,
) -> Option<(&'t str, Node<'t>)> {
    let text = script.as_str().filter(|_| place == ProgramPlace::Entrypoint)?;
    let name = text.trim().strip_prefix("$(")?.strip_suffix(')')?;
    let variable = container.variable(name)?;
    variable.value.filter(|value| !value.is_empty())?;
    Some((variable.name, variable.node.get("value")?))
}

/// `<DB_PORT>` in an example stands for a word, not for two redirections: its brackets become word characters
/// of the same length.
fn without_placeholders(text: &str) -> Cow<'_, str> {
    let mut masked = Cow::Borrowed(text);
    for (start, _) in text.match_indices('<') {
        let name = text.get(start + 1..).unwrap_or_default();
        let length =
            name.find(|letter: char| !(letter.is_ascii_uppercase() || "_-0123456789".contains(letter)));
        let Some(length) = length
            .filter(|length| *length > 1 && name.get(*length..).is_some_and(|rest| rest.starts_with('>')))
        else {
            continue;
        };
        let masked = masked.to_mut();
        masked.replace_range(start..=start, "_");
        let end = start + 1 + length;
        masked.replace_range(end..=end, "_");
    }
    masked
}

enum Shebang {
    Absent,
    Shell(Dialect),
    Other,
}

fn shebang_dialect(text: &str) -> Shebang {
    let Some(line) = text
        .strip_prefix("#!")
        .map(|rest| rest.lines().next().unwrap_or_default())
    else {
        return Shebang::Absent;
    };
    let mut words = line.split_whitespace();
    match words.find_map(Dialect::of_program) {
        Some(dialect) => Shebang::Shell(dialect),
        None => Shebang::Other,
    }
}
