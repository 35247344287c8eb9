//! The new entrypoint of a container: parts of its script cut out, its wrappers gone, its shell too where no
//! feature of it is left.

use std::collections::BTreeSet;

use super::{
    cut::{Environment, Extent, Remains, Shell, calls_of_function, cut},
    hindrance::{Hindrance, excerpt},
    plain_command::plain_command,
    trials::cut_once,
};
use crate::{
    behaviour::Answer,
    edit::{change::has_comments, removal::Removals},
    pod::{Member, Pod},
    remedy::{plan::Changes, workaround::watchdog::in_foreground},
    shell::{Dialect, Script, Span},
    workload::{Program, ProgramPlace},
    yaml::{Node, ScalarStyle},
};

/// What is to be changed in one container's entrypoint.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Entrypoint {
    /// Commands that are cut out of the script.
    pub(crate) cuts: Vec<Span>,
    /// Words before a command of the script that go: a tool that runs the command.
    pub(crate) stripped: Vec<Span>,
    /// The script's new text before anything is cut, where it is not the old one.
    pub(crate) restored: Option<String>,
    /// What the script starts in the background and waits for takes the shell's place: nothing else in it passes
    /// SIGTERM on any more.
    pub(crate) foreground: bool,
    /// The new text is the old one but for a wrapper, so that nothing else can be cut out of it.
    pub(crate) alone: bool,
    /// Somebody looks at what remains.
    pub(crate) reviewed: bool,
    /// Words of the command line that go: a wrapper and its options.
    pub(crate) dropped: BTreeSet<usize>,
}

impl Entrypoint {
    pub(crate) fn is_empty(&self) -> bool {
        !self.changes_script() && self.dropped.is_empty()
    }

    /// Whether one of the cuts takes all of a range with it.
    pub(crate) fn cuts_out(&self, span: &Span) -> bool {
        let mut cuts = self.cuts.iter();
        cuts.any(|cut| cut.start <= span.start && span.end <= cut.end)
    }

    fn changes_script(&self) -> bool {
        !self.cuts.is_empty() || !self.stripped.is_empty() || self.restored.is_some()
    }

    /// The script without the words that go before its commands, and the cuts in it.
    fn stripped_script(&self, text: &str) -> (String, Vec<Span>) {
        let mut stripped = self.stripped.clone();
        stripped.sort_by_key(|span| std::cmp::Reverse(span.start));
        let mut text = text.to_owned();
        let mut cuts = self.cuts.clone();
        stripped.retain(|span| text.get(span.clone()).is_some());
        for span in stripped {
            let shift = |offset: usize| {
                if offset >= span.end {
                    offset - span.len()
                } else {
                    offset
                }
            };
            for cut in &mut cuts {
                *cut = shift(cut.start)..shift(cut.end);
            }
            text.replace_range(span, "");
        }
        (text, cuts)
    }

    /// Adds what another reason changes.
    pub(crate) fn merge(&mut self, other: &Self) {
        for span in &other.cuts {
            if !self.cuts.contains(span) {
                self.cuts.push(span.clone());
            }
        }
        for span in &other.stripped {
            if !self.stripped.contains(span) {
                self.stripped.push(span.clone());
            }
        }
        self.foreground |= other.foreground;
        self.reviewed |= other.reviewed;
        if other.restored.is_some() {
            self.restored.clone_from(&other.restored);
            self.alone |= other.alone;
        }
        self.dropped.extend(&other.dropped);
    }

    /// Cuts a command out, and somebody looks at what remains.
    pub(crate) fn reviewed(span: Span) -> Self {
        Self {
            reviewed: true,
            ..Self::cutting(span)
        }
    }

    /// Cuts a command out.
    pub(crate) fn cutting(span: Span) -> Self {
        Self {
            cuts: vec![span],
            ..Self::default()
        }
    }
}

/// The changes that give a container its new entrypoint. Where `keeps_script`, as much of a script stays as may
/// (`remedy::Options`).
///
/// # Errors
/// Why it can't be written, in one sentence.
pub(crate) fn change<'a>(
    pod: &Pod<'a>,
    member: &Member<'a>,
    entrypoint: &Entrypoint,
    keeps_script: bool,
    removals: &mut Removals<'a>,
) -> Result<Changes, String> {
    let mut changes = Changes::default();
    if entrypoint.is_empty() {
        return Ok(changes);
    }
    let (_, program) = Pod::entrypoint(member).ok_or("it has no entrypoint in the manifest")?;
    if let Some(reason) = program.shared.as_ref().filter(|_| entrypoint.changes_script()) {
        return Err(reason.clone());
    }
    let script = match new_script(member, program, entrypoint, keeps_script)? {
        Some((script, doubt)) => {
            changes.doubt = doubt.map(|doubt| doubt.to_string());
            Some(program.own_text(&script).ok_or(INCLUDED)?)
        }
        None => None,
    };
    let command = member.container.node.get("command");
    let arguments = member.container.node.entry("args");
    // Comments on single words would be lost with them.
    let is_explained = command.is_some_and(has_comments)
        || arguments.is_some_and(|arguments| has_comments(arguments.written_value()));
    let plain = script
        .as_deref()
        .filter(|_| !is_explained && !keeps_script)
        .and_then(|script| without_shell(member, program, script));
    let kept_before = |end: usize| -> Vec<String> {
        program
            .words
            .iter()
            .enumerate()
            .take(end)
            .filter(|(index, _)| !entrypoint.dropped.contains(index))
            .filter_map(|(_, node)| node.as_str().map(str::to_owned))
            .collect()
    };
    if let (Some(plain), Some(command), Some(at)) = (
        plain,
        command,
        program
            .invocation
            .as_ref()
            .and_then(|invocation| invocation.shell),
    ) {
        let mut words = kept_before(at - usize::from(is_applet(program, at)));
        words.extend(plain);
        changes.words(command, words)?;
        if let Some(arguments) = arguments {
            removals.add(arguments.key);
        }
        return Ok(changes);
    }
    if let Some(script) = script {
        let node = program.node().ok_or("its script was not found")?;
        changes.script(pod.sources, node, script)?;
    }
    drop_words(member, program, entrypoint, removals, &mut changes)?;
    Ok(changes)
}

/// The new text of a script, and why somebody has to look at it.
fn new_script(
    member: &Member<'_>,
    program: &Program<'_>,
    entrypoint: &Entrypoint,
    keeps_script: bool,
) -> Result<Option<(String, Option<Hindrance>)>, String> {
    if !entrypoint.changes_script() {
        return Ok(None);
    }
    if !program.is_shell() {
        return Err(NO_SHELL.to_owned());
    }
    let has_cuts = !entrypoint.cuts.is_empty() || !entrypoint.stripped.is_empty();
    if entrypoint.alone && has_cuts {
        return Err("its script would have to change for two reasons at once".to_owned());
    }
    if let Some(restored) = &entrypoint.restored {
        return Ok(Some((restored.clone(), None)));
    }
    let (text, cuts) = entrypoint.stripped_script(&program.text);
    if cuts.is_empty() {
        return Ok(Some((text, None)));
    }
    let whole = || remains(member, program, &cuts, Extent::WithBelongings);
    let remains = if !entrypoint.stripped.is_empty() {
        cut(&text, &shell(member, program), &cuts)
    } else if keeps_script {
        let alone = remains(member, program, &cuts, Extent::Alone);
        match alone {
            Ok(alone) if alone.doubt.is_none() => Ok(alone),
            _ => whole(),
        }
    } else {
        whole()
    };
    let remains = remains.map_err(|hindrance| hindrance.to_string())?;
    let Remains { text, doubt } = remains;
    if let Some(doubt) = doubt.as_ref().filter(|_| !entrypoint.reviewed) {
        return Err(format!("it has to be looked at: {doubt}"));
    }
    let text = match entrypoint.foreground {
        true => in_foreground(&text, dialect(program))
            .ok_or("what it runs in the background would get no SIGTERM without it")?,
        false => text,
    };
    Ok(Some((text, doubt)))
}

/// Whether these commands can be cut out of a program's script: proved where what remains does what it did, unknown
/// where somebody has to look at it.
pub(crate) fn can_cut(member: &Member<'_>, program: &Program<'_>, spans: &[Span]) -> Answer<Hindrance> {
    let out_of_reach = |reason: &str| Answer::Refuted(Hindrance::OutOfReach(reason.to_owned()));
    if program.place != ProgramPlace::Entrypoint {
        return out_of_reach("it stands in a hook");
    }
    if let Some(reason) = &program.shared {
        return out_of_reach(reason);
    }
    if !program.is_shell() {
        return out_of_reach(NO_SHELL);
    }
    match remains(member, program, spans, Extent::WithBelongings) {
        Ok(remains) => remains
            .doubt
            .or_else(|| read_in(program).map(Hindrance::Sourced))
            .map_or(Answer::Proved, Answer::Unknown),
        Err(hindrance) => Answer::Refuted(hindrance),
    }
}

/// What remains of a program's script without these commands.
fn remains(
    member: &Member<'_>,
    program: &Program<'_>,
    spans: &[Span],
    extent: Extent,
) -> Result<Remains, Hindrance> {
    let script = program.script.as_ref().ok_or(Hindrance::NotUnderstood)?;
    if spans.iter().any(|span| in_here_document(script, span)) {
        return Err(Hindrance::OutOfReach(HERE_DOCUMENT.to_owned()));
    }
    let cuts = own_cuts(program, script, spans)?;
    cut_once(&program.text, script, shell(member, program), cuts, extent)
}

/// The command that reads into the script's own shell what is not in the manifest: a file, or the text of a variable.
/// Files that are there stand in the text in its place.
fn read_in(program: &Program<'_>) -> Option<String> {
    let commands = program.script.as_ref()?.list.commands();
    commands.filter_map(|visit| visit.simple()).find_map(|simple| {
        let (first, rest) = simple.words.split_first()?;
        let is_unread = match first.literal()?.as_ref() {
            "." | "source" => true,
            "eval" => rest.iter().any(|word| word.literal().is_none()),
            _ => false,
        };
        is_unread.then(|| excerpt(program.text.get(simple.span.clone()).unwrap_or_default()))
    })
}

/// The commands to cut out of a script's own text: in place of those that stand in a function of a file which it reads
/// in, the calls of that function.
fn own_cuts(program: &Program<'_>, script: &Script, spans: &[Span]) -> Result<Vec<Span>, Hindrance> {
    let mut own = Vec::new();
    for span in spans {
        let included = program
            .included()
            .find(|(range, _)| range.start <= span.start && span.end <= range.end);
        match included {
            None => own.push(span.clone()),
            Some((_, config_map)) => {
                let out_of_reach = || {
                    Hindrance::OutOfReach(format!(
                        "it stands in a file of ConfigMap {config_map} that the script reads in"
                    ))
                };
                let calls = calls_of_function(&program.text, script, span).map_err(|_| out_of_reach())?;
                let is_elsewhere =
                    |call: &Span| program.included().any(|(range, _)| range.contains(&call.start));
                if calls.is_empty() || calls.iter().any(is_elsewhere) {
                    return Err(out_of_reach());
                }
                own.extend(calls);
            }
        }
    }
    Ok(own)
}

/// Whether a place lies in the here-document that a shell reads its script from.
fn in_here_document(script: &Script, span: &Span) -> bool {
    let mut commands = script.list.commands().filter_map(|visit| visit.simple());
    commands.any(|simple| {
        let mut scripts = simple.scripts.iter().filter(|script| script.word.is_none());
        let lists = scripts.find_map(|script| script.list.as_ref());
        lists.is_some_and(|list| {
            let mut statements = list.statements.iter();
            statements.any(|statement| statement.span.start < span.end && span.start < statement.span.end)
        })
    })
}

const HERE_DOCUMENT: &str = "it stands in a here-document, which is not rewritten";

const INCLUDED: &str = "a file that its script reads in would have to change, too";

const NO_SHELL: &str = "no shell runs it, so that nothing can be cut out";

/// The shell that runs a program's script.
pub(crate) fn shell(member: &Member<'_>, program: &Program<'_>) -> Shell {
    let names = member
        .container
        .environment()
        .map(|variable| variable.name.to_owned());
    Shell {
        environment: Environment::new(names, member.container.node.get("envFrom").is_some()),
        dialect: dialect(program),
        exits_on_unset: options(program).any(|option| {
            option == "nounset"
                || option.starts_with('-') && !option.starts_with("--") && option.contains('u')
        }),
        exits_on_error: program
            .invocation
            .as_ref()
            .is_some_and(|invocation| invocation.exits_on_error),
    }
}

/// The options that stand between a program's shell and its script.
fn options<'p>(program: &'p Program<'_>) -> impl Iterator<Item = &'p str> {
    let range = program
        .invocation
        .as_ref()
        .map(|invocation| invocation.options.clone());
    let words = range
        .and_then(|range| program.words.get(range))
        .unwrap_or_default();
    words.iter().filter_map(|node| node.as_str())
}

pub(crate) fn dialect(program: &Program<'_>) -> Dialect {
    program
        .invocation
        .as_ref()
        .map_or(Dialect::Posix, |invocation| invocation.dialect)
}

/// The words of the program that the script runs, where nothing else needs the shell.
fn without_shell(member: &Member<'_>, program: &Program<'_>, script: &str) -> Option<Vec<String>> {
    let invocation = program.invocation.as_ref()?;
    // Arguments behind the script are `$0` and on.
    if invocation.file || program.config_map.is_some() || invocation.script + 1 != program.words.len() {
        return None;
    }
    let options = program.words.get(invocation.options.clone())?;
    let understood = options.iter().filter_map(|node| node.as_str()).all(|option| {
        matches!(
            option,
            "-c" | "-e"
                | "-u"
                | "-ec"
                | "-ce"
                | "-uc"
                | "-eu"
                | "-euc"
                | "-o"
                | "pipefail"
                | "-eo"
                | "-euo"
                | "--"
        )
    });
    if !understood {
        return None;
    }
    if sources_a_file(member, program) {
        return None;
    }
    // Only a literal value is certain to be one word, and certain to be there.
    let words = plain_command(script, dialect(program), &|name| {
        member.container.value_of(name).is_some()
    })?;
    // The shell of busybox runs its own applets, whether or not the image has files of their names.
    let may_be_applet = invocation.shell.is_some_and(|shell| is_applet(program, shell))
        && words.first().is_some_and(|word| !word.contains('/'));
    (!may_be_applet).then_some(words)
}

/// Whether bash reads a file before the script: it does so for `BASH_ENV`
/// (gnu.org/software/bash/manual, Bash Startup Files); other shells read one for `ENV` only where they are interactive.
fn sources_a_file(member: &Member<'_>, program: &Program<'_>) -> bool {
    let shell = program
        .invocation
        .as_ref()
        .and_then(|invocation| invocation.shell);
    let Some(shell) = shell else {
        return false;
    };
    let mut words = program
        .words
        .iter()
        .take(shell + 1)
        .filter_map(|word| word.as_str());
    let is_given = words.any(|word| word.starts_with("BASH_ENV="));
    let named = program.words.get(shell).and_then(|word| word.as_str());
    let is_bash = named.is_some_and(|word| word.rsplit('/').next() == Some("bash"));
    let is_set = || {
        let mut variables = member.container.environment();
        variables.any(|variable| variable.name == "BASH_ENV" && variable.value != Some(""))
    };
    is_bash && (is_given || is_set())
}

/// Whether the shell is one of the programs in a single binary: `busybox sh`.
fn is_applet(program: &Program<'_>, shell: usize) -> bool {
    let before = shell.checked_sub(1).and_then(|before| program.words.get(before));
    before
        .and_then(|word| word.as_str())
        .is_some_and(|word| matches!(word.rsplit('/').next(), Some("busybox" | "toybox")))
}

/// Takes words off the command line.
fn drop_words<'a>(
    member: &Member<'a>,
    program: &Program<'a>,
    entrypoint: &Entrypoint,
    removals: &mut Removals<'a>,
    changes: &mut Changes,
) -> Result<(), String> {
    if entrypoint.dropped.is_empty() {
        return Ok(());
    }
    let command = member.container.command();
    let Some(list) = member
        .container
        .node
        .get("command")
        .filter(|_| !command.is_empty())
    else {
        return Err("the image's own entrypoint gets these words, and it is not in the manifest".to_owned());
    };
    if entrypoint.dropped.len() >= program.words.len() {
        return Err("nothing but the image's own entrypoint would remain".to_owned());
    }
    if (0..command.len()).any(|index| !entrypoint.dropped.contains(&index)) {
        for node in entrypoint
            .dropped
            .iter()
            .filter_map(|index| program.words.get(*index))
        {
            removals.add(*node);
        }
        return Ok(());
    }
    // All words of `command` go, so `args` becomes the command.
    if entrypoint.changes_script() {
        return Err("the script would have to move from args to command".to_owned());
    }
    let kept: Vec<Node<'a>> = program
        .words
        .iter()
        .enumerate()
        .filter(|(index, _)| !entrypoint.dropped.contains(index))
        .map(|(_, node)| *node)
        .collect();
    let arguments = member.container.node.entry("args");
    // Scripts and comments stay where they are: only the program's name goes over.
    if let [program, _, ..] = kept.as_slice()
        && let [first, rest @ ..] = command.as_slice()
        && arguments.is_some_and(|arguments| has_comments(arguments.written_value()))
            | kept
                .iter()
                .any(|word| word.style().is_some_and(ScalarStyle::is_block))
    {
        changes.text(*first, program.as_str().unwrap_or_default())?;
        rest.iter().for_each(|word| removals.add(*word));
        removals.add(*program);
        return Ok(());
    }
    let words = kept
        .iter()
        .filter_map(|node| node.as_str().map(str::to_owned))
        .collect();
    changes.words(list, words)?;
    if let Some(arguments) = arguments {
        removals.add(arguments.key);
    }
    Ok(())
}

/// The node of a word among those that start a container.
pub(crate) fn word_index(program: &Program<'_>, node: Node<'_>) -> Option<usize> {
    program.words.iter().position(|word| *word == node)
}
