//! The names that a text of the shell reads: `$x`, `${x:-y}`, `$((x + 1))`, `$?`.

use std::collections::BTreeSet;

/// The variables and parameters that a word reads, and those that its expansions set.
///
/// Where the text leaves a doubt, a name counts as read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Variables whose value it reads.
    pub variables: BTreeSet<String>,
    /// Those of them that must be set where `set -u` holds: no default stands beside them.
    pub needed: BTreeSet<String>,
    /// Variables that it sets: `${x:=y}`, `$((x += 1))`.
    pub sets: BTreeSet<String>,
    /// `$?`
    pub status: bool,
    /// `$!`
    pub child: bool,
    /// `$1`, `$@`, `$*`, `$#`
    pub parameters: bool,
    /// `${!name}`: a variable whose name is not in the text.
    pub indirect: bool,
}

/// The names in a word as it is written. Single quotes keep their text from being read.
#[must_use]
pub fn names_in(raw: &str) -> Names {
    let mut names = Names::default();
    names.add(raw);
    names
}

impl Names {
    /// Adds the names in a word.
    pub fn add(&mut self, raw: &str) {
        self.scan(raw, true);
    }

    /// Adds the names in a text in which quotes mean nothing: a here-document.
    pub fn add_unquoted(&mut self, raw: &str) {
        self.scan(raw, false);
    }

    /// Adds the names in a text that is run later, whatever its quotes.
    pub fn add_all(&mut self, raw: &str) {
        self.scan(&raw.replace(['\'', '\\'], " "), false);
    }

    /// Adds the names in an arithmetic expression.
    pub fn add_arithmetic(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if !(byte.is_ascii_alphabetic() || *byte == b'_') {
                at += 1;
                continue;
            }
            let name = identifier(text, at);
            let end = at + name.len();
            let behind = text.get(end..).unwrap_or_default().trim_start();
            let before = text.get(..at).unwrap_or_default().trim_end();
            let assigns = behind.starts_with('=') && !behind.starts_with("==")
                || behind.starts_with("++")
                || behind.starts_with("--")
                || before.ends_with("++")
                || before.ends_with("--")
                || ["+=", "-=", "*=", "/=", "%=", "<<=", ">>=", "&=", "|=", "^="]
                    .iter()
                    .any(|operator| behind.starts_with(operator));
            let is_number =
                before.ends_with(|letter: char| letter.is_ascii_digit()) && text.get(..at) == Some(before);
            if !is_number {
                self.variables.insert(name.to_owned());
                let sets_only = behind.starts_with('=') && !behind.starts_with("==");
                let is_expanded = before.ends_with('$') || before.ends_with('{') || before.ends_with(":-");
                if !sets_only && !is_expanded {
                    self.needed.insert(name.to_owned());
                }
                if assigns {
                    self.sets.insert(name.to_owned());
                }
            }
            at = end;
        }
        self.scan(text, false);
    }

    fn scan(&mut self, raw: &str, quotes: bool) {
        let bytes = raw.as_bytes();
        let (mut at, mut in_double) = (0, false);
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'\\' if quotes => at += 2,
                b'"' if quotes => {
                    in_double = !in_double;
                    at += 1;
                }
                b'\'' if quotes && !in_double => {
                    let length = raw
                        .get(at + 1..)
                        .and_then(|rest| rest.find('\''))
                        .unwrap_or(raw.len());
                    at += length + 2;
                }
                b'$' => at = self.expansion(raw, at + 1, quotes && !in_double),
                _ => at += 1,
            }
        }
    }

    /// What a `$` starts; gives where to go on.
    fn expansion(&mut self, raw: &str, at: usize, quotes: bool) -> usize {
        let rest = raw.get(at..).unwrap_or_default();
        match rest.as_bytes().first() {
            Some(b'\'') if quotes => {
                // `$'…'`: an escaped quote does not end it.
                let mut end = at + 1;
                while let Some(byte) = raw.as_bytes().get(end) {
                    match byte {
                        b'\\' => end += 2,
                        b'\'' => break,
                        _ => end += 1,
                    }
                }
                end + 1
            }
            Some(b'{') => {
                self.braced(rest);
                at + 1
            }
            Some(b'(') if rest.starts_with("((") => {
                let end = closing(rest);
                self.add_arithmetic(rest.get(2..end).unwrap_or_default());
                at + end.max(2)
            }
            Some(_) => at + self.plain(rest),
            None => at,
        }
    }

    /// `$name`, `$?`; gives its length.
    fn plain(&mut self, rest: &str) -> usize {
        let name = identifier(rest, 0);
        if !name.is_empty() {
            self.variables.insert(name.to_owned());
            self.needed.insert(name.to_owned());
            return name.len();
        }
        let first = rest.chars().next().unwrap_or(' ');
        self.special(first);
        usize::from(first.is_ascii())
    }

    fn special(&mut self, first: char) {
        match first {
            '?' => self.status = true,
            '!' => self.child = true,
            '@' | '*' | '#' | '1'..='9' => self.parameters = true,
            _ => {}
        }
    }

    /// `{name}`, `{#name}`, `{name:=default}`, `{name[index]}`, `{!name}`; what else stands inside is read too.
    fn braced(&mut self, rest: &str) {
        let inner = rest.get(1..).unwrap_or_default();
        let body = inner
            .strip_prefix(['#', '!'])
            .filter(|body| !body.starts_with('}'))
            .unwrap_or(inner);
        self.indirect |= inner.len() > body.len() && inner.starts_with('!');
        let name = identifier(body, 0);
        if name.is_empty() {
            self.special(body.chars().next().unwrap_or(' '));
            return;
        }
        self.variables.insert(name.to_owned());
        let behind = body.get(name.len()..).unwrap_or_default();
        if !behind.trim_start_matches(':').starts_with(['-', '=', '+']) {
            self.needed.insert(name.to_owned());
        }
        if behind.starts_with(":=") || behind.starts_with('=') {
            self.sets.insert(name.to_owned());
        }
        // `${array[index]}` and `${text:offset:length}` evaluate what is inside.
        if behind.starts_with('[') || behind.starts_with(':') && !behind.starts_with(":-") {
            let end = behind.find('}').unwrap_or(behind.len());
            let names = names_of_identifiers(behind.get(..end).unwrap_or_default());
            self.variables.extend(names);
        }
    }
}

fn identifier(text: &str, at: usize) -> &str {
    let rest = text.get(at..).unwrap_or_default();
    if rest.starts_with(|first: char| first.is_ascii_digit()) {
        return "";
    }
    let length = rest
        .bytes()
        .position(|byte| !byte.is_ascii_alphanumeric() && byte != b'_')
        .unwrap_or(rest.len());
    rest.get(..length).unwrap_or_default()
}

fn names_of_identifiers(text: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.split(|letter: char| !is_part(letter))
        .filter(|word| word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_'))
        .map(str::to_owned)
        .collect()
}

/// Where the parentheses that open at the start of a text close.
fn closing(text: &str) -> usize {
    let mut open = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => open += 1,
            b')' => {
                open = open.saturating_sub(1);
                if open == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_reads(raw: &str, variables: &[&str]) {
        let read: Vec<String> = names_in(raw).variables.into_iter().collect();
        assert_eq!(read, variables, "{raw}");
    }

    #[test]
    fn names_are_found_however_they_are_written() {
        assert_reads("$one-${two}", &["one", "two"]);
        assert_reads("\"${x:-$y}\"", &["x", "y"]);
        assert_reads("$((n + 1))$((m+=0x1F))", &["m", "n"]);
        assert_reads("${#list[@]}${list[at]}", &["at", "list"]);
        assert_reads("'$no' \"'$yes'\" \\$no", &["yes"]);
        assert_reads("$'a\\'$no'", &[]);
        assert_reads("$$ $0 $-", &[]);
        assert_reads("`echo $x`$(cat \"$y\")", &["x", "y"]);
    }

    #[test]
    fn what_expansions_set_and_the_special_parameters() {
        let names = names_in("${a:=1}${b=2}$((c = 1))$((d++))$((e == 1))");
        assert_eq!(
            names.sets.iter().map(String::as_str).collect::<Vec<_>>(),
            ["a", "b", "c", "d"]
        );
        let names = names_in("$? ${!} $@ ${!name}");
        let needed = names_in("$a ${b} ${c:-1} ${d-} ${e:+x} $((f + 1)) ${g%x}").needed;
        assert_eq!(
            needed.iter().map(String::as_str).collect::<Vec<_>>(),
            ["a", "b", "f", "g"]
        );
        assert!(names.status && names.child && names.parameters && names.indirect);
        assert!(!names_in("${#x}").parameters && names_in("${#}").parameters);
    }
}
