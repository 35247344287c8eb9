//! Files that a script reads into its own shell, or runs in its own place: `. /kit/lib.sh`, `exec /kit/run.sh`,
//! `cd /kit && exec ./run.sh`.

use std::ops::Range;

use crate::{
    shell::{Command, Connector, Dialect, List, Script, Simple, Variable, Word},
    yaml::Node,
};

/// Finds the script at a path.
pub(super) type Lookup<'l, 't> = &'l dyn Fn(&str) -> Option<(&'t str, Node<'t>)>;

/// A file's text where a script reads it in.
#[derive(Debug, Clone)]
pub(super) struct Included<'t> {
    /// Where its text stands in that of the whole.
    pub(super) range: Range<usize>,
    /// The scalar that holds it.
    pub(super) node: Node<'t>,
    /// The ConfigMap that it comes from.
    pub(super) config_map: &'t str,
    /// The statement that reads it in.
    pub(super) statement: String,
}

/// What stands around an included text: a group, so that it is one command as before.
const OPEN: &str = "{\n";
const CLOSE: &str = "\n}";

/// A file that a script runs, with the arguments that it gives it.
pub(super) struct RunFile {
    pub(super) path: String,
    pub(super) arguments: Vec<Variable>,
}

/// The file that is all that a script runs.
pub(super) fn only_file(script: &Script, dialect: Dialect) -> Option<RunFile> {
    let [statement] = script.list.statements.as_slice() else {
        return None;
    };
    let simple = |commands: &[Command]| match commands {
        [Command::Simple(simple)] => Some(simple.clone()),
        _ => None,
    };
    let first = simple(&statement.and_or.first.commands)?;
    match statement.and_or.rest.as_slice() {
        [] => run_file(&first, None, dialect),
        [(Connector::And, second)] => {
            let directory = match literals(&first)?.as_slice() {
                [cd, directory] if cd == "cd" => directory.clone(),
                _ => return None,
            };
            run_file(&simple(&second.commands)?, Some(&directory), dialect)
        }
        _ => None,
    }
}

fn literals(simple: &Simple) -> Option<Vec<String>> {
    let is_plain = simple.assignments.is_empty() && simple.redirects.is_empty();
    let words = simple.words.iter().map(|word| word.literal().map(Into::into));
    words.collect::<Option<Vec<String>>>().filter(|_| is_plain)
}

/// The file of `. f`, `exec f`, `sh f` and `f`, each with arguments or without.
fn run_file(simple: &Simple, directory: Option<&str>, dialect: Dialect) -> Option<RunFile> {
    let words = literals(simple)?;
    let is_shell = |word: &str| Dialect::of_program(word).is_some();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let words = match words.as_slice() {
        ["exec", rest @ ..] => rest,
        all => all,
    };
    let (file, arguments) = match words {
        ["." | "source", file, arguments @ ..] => (*file, arguments),
        [shell, file, arguments @ ..] if is_shell(shell) && !file.starts_with('-') => (*file, arguments),
        [file, arguments @ ..] if file.contains('/') => (*file, arguments),
        _ => return None,
    };
    let path = match (directory, file.strip_prefix("./")) {
        _ if file.starts_with('/') => file.to_owned(),
        (Some(directory), relative) => {
            format!("{}/{}", directory.trim_end_matches('/'), relative.unwrap_or(file))
        }
        (None, _) => return None,
    };
    // dash leaves `$1` as it is in `. FILE ARGUMENT`, other shells set it.
    let is_ignored = matches!(words.first(), Some(&("." | "source"))) && dialect == Dialect::Posix;
    let argument = |word: &str| match is_ignored {
        true => Variable::Unknown,
        false => Variable::Known(word.to_owned()),
    };
    Some(RunFile {
        path,
        arguments: arguments.iter().map(|word| argument(word)).collect(),
    })
}

/// A script with the texts of the files that it reads in, and where they stand.
pub(super) fn include<'t>(
    text: &str,
    script: &Script,
    lookup: Lookup<'_, 't>,
) -> Option<(String, Vec<Included<'t>>)> {
    let mut joined = String::new();
    let mut included = Vec::new();
    let mut at = 0;
    for simple in reading(&script.list) {
        let words = literals(simple)?;
        let [_, file, arguments @ ..] = words.as_slice() else {
            continue;
        };
        let Some((config_map, node)) = lookup(file) else {
            continue;
        };
        let (Some(before), Some(own)) = (text.get(at..simple.span.start), node.as_str()) else {
            return None;
        };
        // The text would find the arguments of the whole script instead of its own.
        if !arguments.is_empty() && reads_parameters(own) {
            continue;
        }
        joined.push_str(before);
        joined.push_str(OPEN);
        let start = joined.len();
        joined.push_str(own);
        included.push(Included {
            range: start..joined.len(),
            node,
            config_map,
            statement: text.get(simple.span.clone())?.to_owned(),
        });
        joined.push_str(CLOSE);
        at = simple.span.end;
    }
    joined.push_str(text.get(at..)?);
    (!included.is_empty()).then_some((joined, included))
}

/// Whether a script names its arguments: `$1`, `${2:-x}`, `$@`, `$#`, `shift`.
fn reads_parameters(text: &str) -> bool {
    let named = text.split('$').skip(1).any(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        rest.starts_with(|first: char| first.is_ascii_digit() || "@*#".contains(first))
    });
    named || text.contains("shift")
}

/// The commands `. file` and `source file`, but for those in inner scripts, whose quotes the text would end.
fn reading(list: &List) -> Vec<&Simple> {
    let reads = |simple: &Simple| {
        let word = simple.words.first().and_then(Word::literal);
        simple.words.len() >= 2 && word.is_some_and(|word| matches!(&*word, "." | "source"))
    };
    let mut found: Vec<&Simple> = list
        .commands()
        .filter(|visit| visit.context.trap.is_none() && !visit.context.subshell)
        .filter_map(|visit| visit.simple())
        .filter(|simple| reads(simple))
        .collect();
    found.sort_by_key(|simple| simple.span.start);
    found
}

/// A changed script without the texts that it had read in, which have to be there still as they were.
pub(super) fn exclude(text: &str, whole: &str, included: &[Included<'_>]) -> Option<String> {
    let mut text = text.to_owned();
    for file in included {
        let own = whole.get(file.range.clone())?;
        let block = format!("{OPEN}{own}{CLOSE}");
        if text.matches(&block).count() != 1 {
            return None;
        }
        text = text.replacen(&block, &file.statement, 1);
    }
    Some(text)
}
