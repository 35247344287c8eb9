//! What variables and file descriptors stand for.

use std::{
    cell::Cell,
    collections::{HashMap, HashSet},
};

use crate::shell::{Command, List, Piece, RedirectKind, Script, Simple, Variable, Word};

use super::{connect, host::Host};

/// The marker of a part that isn't known, in the text of a word.
pub(super) const UNKNOWN: char = '\u{FFFD}';

/// What stands for the pod's own name and address, which are not known: all names below `localhost` are of the pod.
const OWN_HOST: &str = "hostname.localhost";

/// The longest value that is looked up, in bytes: the longest path (`PATH_MAX` of Linux). What is asked of a value
/// is where it leads, and a variable may be made of others that are made of others.
const LONGEST_VALUE: usize = 4096;

/// How many bytes of values may be looked up for each byte of a script, and how many for any script. Without a
/// bound a script of `$A$A$A` could be made to stand for more than any memory holds.
const LOOKED_UP: (usize, usize) = (16, 64 * 1024);

/// How many addresses a loop may run over.
const MOST_ADDRESSES: usize = 16;

/// What is known about variables: the environment, and what the script itself assigns.
pub struct Values<'a> {
    environment: &'a dyn Fn(&str) -> Variable,
    /// What the script assigns; absent for variables that it assigns in several ways.
    assigned: HashMap<String, Option<String>>,
    /// What `exec 3<>/dev/tcp/host/port` connected.
    connections: HashMap<i32, (Host, Option<u16>)>,
    /// The addresses that a loop runs over, by its variable: `for url in $QUIT_URLS`.
    addresses: HashMap<String, Vec<String>>,
    /// The variables of loops over names of the pod itself.
    own_hosts: HashSet<String>,
    /// How many bytes of values may still be looked up.
    left: Cell<usize>,
}

impl std::fmt::Debug for Values<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Values")
            .field("assigned", &self.assigned)
            .finish_non_exhaustive()
    }
}

impl<'a> Values<'a> {
    /// Only the environment.
    pub fn new(environment: &'a dyn Fn(&str) -> Variable) -> Self {
        Self {
            environment,
            assigned: HashMap::new(),
            connections: HashMap::new(),
            addresses: HashMap::new(),
            own_hosts: HashSet::new(),
            left: Cell::new(LOOKED_UP.1),
        }
    }

    /// The environment, and the variables that `script` assigns exactly once.
    pub fn of_script(script: &Script, environment: &'a dyn Fn(&str) -> Variable) -> Self {
        let mut values = Self::new(environment);
        let length = script
            .list
            .statements
            .last()
            .map_or(0, |statement| statement.span.end);
        values.left = Cell::new(LOOKED_UP.0 * length + LOOKED_UP.1);
        values.learn_all(script);
        let parameters = values.parameters(script);
        if !parameters.is_empty() {
            values.assigned = parameters;
            values.learn_all(script);
        }
        if changes_parameters(script) {
            for number in 1..=9 {
                values.assigned.entry(number.to_string()).or_insert(None);
            }
        }
        for visit in script.list.constructs() {
            if let Command::For {
                variable,
                words,
                body,
                ..
            } = visit.command
            {
                let before = values.assigned.insert(variable.clone(), None);
                if before.is_none() && values.are_own_hosts(words) {
                    values.own_hosts.insert(variable.clone());
                }
                let addresses = values.addresses_in(words);
                if before.is_none() && !leaves_early(body) && !addresses.is_empty() {
                    values.addresses.insert(variable.clone(), addresses);
                }
            }
        }
        for visit in script.list.commands() {
            if let Some(simple) = visit.simple().filter(|simple| is_exec(simple)) {
                values.learn_connections(simple);
            }
        }
        values
    }

    fn learn_all(&mut self, script: &Script) {
        for visit in script.list.commands() {
            if let Some(simple) = visit.simple() {
                self.learn(simple);
            }
        }
    }

    /// What `$1` and its like are in a function, where the script calls only one with arguments, and once.
    fn parameters(&self, script: &Script) -> HashMap<String, Option<String>> {
        let functions = script.functions();
        let is_call = |simple: &&Simple| {
            let name = simple.words.first().and_then(Word::literal);
            simple.words.len() > 1 && name.is_some_and(|name| functions.contains_key(&*name))
        };
        let visits: Vec<_> = script.list.commands().collect();
        let calls: Vec<&Simple> = visits
            .iter()
            .filter_map(|visit| visit.simple())
            .filter(is_call)
            .collect();
        let [call] = calls.as_slice() else {
            return HashMap::new();
        };
        let arguments = call.words.iter().enumerate().skip(1);
        arguments
            .map(|(index, word)| (index.to_string(), self.resolve(word)))
            .collect()
    }

    fn learn(&mut self, simple: &Simple) {
        if simple.words.is_empty() {
            for assignment in &simple.assignments {
                let value = (!assignment.appends)
                    .then(|| self.resolve(&assignment.value))
                    .flatten();
                self.assign(&assignment.name, value);
            }
            return;
        }
        match simple.words.first().map(|word| word.raw.as_str()) {
            Some("export" | "local" | "declare" | "typeset" | "readonly") => {
                for word in simple.words.iter().skip(1) {
                    let text = self.expand(word);
                    if let Some((name, value)) = text.split_once('=') {
                        let value = (!value.contains(UNKNOWN)).then(|| value.to_owned());
                        self.assign(name, value);
                    }
                }
            }
            Some("read" | "mapfile" | "readarray" | "getopts" | "unset") => {
                for word in simple.words.iter().skip(1) {
                    self.assigned.insert(word.raw.clone(), None);
                }
            }
            _ => {}
        }
    }

    /// A second assignment makes the value unknown, unless both are the same. What the environment may hold already
    /// stays where the assignment is only one for want of it.
    fn assign(&mut self, name: &str, value: Option<String>) {
        let value = match self.assigned.get(name) {
            Some(earlier) if *earlier != value => None,
            None if (self.environment)(name) == Variable::Unknown => None,
            _ => value.filter(|value| value.len() <= LONGEST_VALUE),
        };
        self.assigned.insert(name.to_owned(), value);
    }

    fn learn_connections(&mut self, simple: &Simple) {
        for redirect in &simple.redirects {
            let (Some(descriptor), Some(target)) = (redirect.descriptor, &redirect.target) else {
                continue;
            };
            if redirect.kind != RedirectKind::Duplicate
                && let Some(address) = connect::device(&self.expand(target))
            {
                self.connections.insert(descriptor, address);
            }
        }
    }

    pub(crate) fn connection(&self, descriptor: i32) -> Option<&(Host, Option<u16>)> {
        self.connections.get(&descriptor)
    }

    /// The value of a variable. One that is longer than [`LONGEST_VALUE`] is not known, and none is once too much
    /// was looked up.
    #[must_use]
    pub fn get(&self, name: &str) -> Variable {
        let value = match self.assigned.get(name) {
            Some(Some(value)) => value.clone(),
            Some(None) => return Variable::Unknown,
            None => match (self.environment)(name) {
                Variable::Known(value) => value,
                other => return other,
            },
        };
        self.bounded(value).map_or(Variable::Unknown, Variable::Known)
    }

    fn bounded(&self, value: String) -> Option<String> {
        let left = self.left.get().checked_sub(value.len())?;
        self.left.set(left);
        (value.len() <= LONGEST_VALUE).then_some(value)
    }

    /// The word's value, if all of it is known.
    #[must_use]
    pub fn resolve(&self, word: &Word) -> Option<String> {
        if !word.pieces.iter().any(|piece| self.of_kubelet(piece).is_some()) {
            return word.resolve(|name| self.get(name));
        }
        let pieces = word.pieces.iter().map(|piece| match self.of_kubelet(piece) {
            Some(text) => Piece::Text { text, quoted: true },
            None => piece.clone(),
        });
        let expanded = Word {
            pieces: pieces.collect(),
            ..word.clone()
        };
        expanded.resolve(|name| self.get(name))
    }

    /// The addresses that the words of a loop come to, where all of them are addresses.
    fn addresses_in(&self, words: &[Word]) -> Vec<String> {
        let mut found = Vec::new();
        for word in words {
            let Some(value) = self.resolve(word) else {
                return Vec::new();
            };
            found.extend(value.split_ascii_whitespace().map(str::to_owned));
        }
        let are_addresses = found.len() <= MOST_ADDRESSES && found.iter().all(|value| value.contains("://"));
        match are_addresses {
            true => found,
            false => Vec::new(),
        }
    }

    /// Whether the words of a loop all are names of the pod itself: `for h in localhost 127.0.0.1`.
    fn are_own_hosts(&self, words: &[Word]) -> bool {
        // Without quotes a variable is several words.
        let is_own = |word: &Word| {
            let value = self.resolve(word).unwrap_or_default();
            let mut hosts = value.split_ascii_whitespace().peekable();
            hosts.peek().is_some() && hosts.all(|host| Host::of(host).is_local())
        };
        !words.is_empty() && words.iter().all(is_own)
    }

    /// What a word stands for, each address of a loop in turn, with [`UNKNOWN`] for each part that isn't known.
    pub(super) fn expansions(&self, word: &Word) -> Vec<String> {
        let addresses = match word.pieces.as_slice() {
            [
                Piece::Variable {
                    name, simple: true, ..
                },
            ] => self.addresses.get(name),
            _ => None,
        };
        addresses.cloned().unwrap_or_else(|| vec![self.expand(word)])
    }

    /// The value of `$(NAME)` where the container has that variable: the kubelet puts it in before a shell sees it.
    fn of_kubelet(&self, piece: &Piece) -> Option<String> {
        let Piece::Substitution {
            script: Some(script), ..
        } = piece
        else {
            return None;
        };
        let [statement] = script.statements.as_slice() else {
            return None;
        };
        let [Command::Simple(simple)] = statement.and_or.first.commands.as_slice() else {
            return None;
        };
        let [name] = simple.words.as_slice() else {
            return None;
        };
        let is_name = simple.span == name.span && statement.and_or.rest.is_empty();
        let value = is_name.then(|| (self.environment)(&name.raw).value()).flatten()?;
        self.bounded(value)
    }

    /// Whether a piece is the name or the address of the pod itself: `$(hostname -i)`, `$HOSTNAME`.
    fn is_own_host(&self, piece: &Piece) -> bool {
        match piece {
            Piece::Variable {
                name, simple: true, ..
            } => {
                self.own_hosts.contains(name) && self.assigned.get(name) == Some(&None)
                    || name == "HOSTNAME" && self.get(name) == Variable::Unset
            }
            Piece::Substitution {
                script: Some(script), ..
            } => {
                let [statement] = script.statements.as_slice() else {
                    return false;
                };
                let [Command::Simple(simple)] = statement.and_or.first.commands.as_slice() else {
                    return false;
                };
                let words: Vec<&str> = simple.words.iter().map(|word| word.raw.as_str()).collect();
                let is_alone = statement.and_or.rest.is_empty();
                is_alone
                    && matches!(
                        words.as_slice(),
                        ["hostname"] | ["hostname", "-i" | "-I" | "-f" | "-s" | "--ip-address" | "--fqdn"]
                    )
            }
            _ => false,
        }
    }

    /// The word's text, with [`UNKNOWN`] for each part that isn't known.
    pub(crate) fn expand(&self, word: &Word) -> String {
        let mut text = String::new();
        for piece in &word.pieces {
            match piece {
                Piece::Text { text: part, .. } => text.push_str(part),
                // With something before it, it is the name of something else: `db-$HOSTNAME`.
                piece if !text.ends_with(is_part_of_name) && self.is_own_host(piece) => {
                    text.push_str(OWN_HOST);
                }
                piece => {
                    let alone = Word {
                        raw: String::new(),
                        pieces: vec![piece.clone()],
                        span: word.span.clone(),
                    };
                    match self.resolve(&alone) {
                        Some(value) => text.push_str(&value),
                        None => text.push(UNKNOWN),
                    }
                }
            }
        }
        text
    }
}

/// Whether a letter before a name makes another one of it.
fn is_part_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | UNKNOWN)
}

/// Whether a loop may end before it has run over all of its words.
fn leaves_early(body: &List) -> bool {
    body.commands().filter_map(|visit| visit.simple()).any(|simple| {
        let first = simple.words.first().map_or("", |word| word.raw.as_str());
        matches!(first, "break" | "exit" | "return" | "exec")
    })
}

/// Whether `$1` is not everywhere in a script what the script was given: in a function, behind `shift` and `set --`.
fn changes_parameters(script: &Script) -> bool {
    script.list.commands().any(|visit| match visit.command {
        Command::Function { .. } => true,
        Command::Simple(simple) => match simple.words.first().map(|word| word.raw.as_str()) {
            Some("shift") => true,
            Some("set") => simple
                .words
                .iter()
                .skip(1)
                .any(|word| word.raw == "--" || !word.raw.starts_with(['-', '+'])),
            _ => false,
        },
        _ => false,
    })
}

fn is_exec(simple: &Simple) -> bool {
    simple.words.len() == 1 && simple.words.iter().all(|word| word.raw == "exec")
}
