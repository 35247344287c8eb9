//! The words behind a program: options, their values, operands.

use crate::{
    catalogue::wait_tool::WaitTool,
    shell::{Span, Word},
};

use super::values::{UNKNOWN, Values};

/// A word behind a program.
#[derive(Debug, Clone)]
pub(super) struct Argument<'a> {
    /// As written.
    pub(super) word: &'a Word,
    /// Its value, with [`UNKNOWN`] for what isn't known.
    pub(super) text: String,
}

impl Argument<'_> {
    /// Its value, if all of it is known.
    pub(super) fn known(&self) -> Option<&str> {
        (!self.text.contains(UNKNOWN)).then_some(self.text.as_str())
    }

    pub(super) fn span(&self) -> Span {
        self.word.span.clone()
    }
}

pub(super) fn arguments<'a>(words: &'a [Word], values: &Values) -> Vec<Argument<'a>> {
    words
        .iter()
        .flat_map(|word| {
            let texts = values.expansions(word).into_iter();
            texts.map(move |text| Argument { word, text })
        })
        .collect()
}

/// How a program reads its options.
pub(super) struct Syntax {
    /// Letters of short options that take a value.
    pub(super) short: &'static str,
    /// Letters of short options whose value can only be attached.
    pub(super) short_attached: &'static str,
    /// Names of long options that take the next word as their value.
    pub(super) long: &'static [&'static str],
    /// Long options have one dash, as Go's flags do.
    pub(super) single_dash: bool,
}

/// What stands behind an option.
#[derive(Debug, Clone)]
pub(super) struct OptionValue<'a> {
    pub(super) text: &'a str,
    pub(super) span: Span,
}

/// The options and operands of a command.
#[derive(Debug, Default)]
pub(super) struct Options<'a> {
    options: Vec<(&'a str, Option<OptionValue<'a>>)>,
    /// What isn't an option, with its index among the arguments.
    pub(super) operands: Vec<(usize, &'a Argument<'a>)>,
    /// The index of the first argument behind `--`.
    pub(super) behind_dashes: Option<usize>,
}

impl<'a> Options<'a> {
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.options.iter().any(|(name, _)| names.contains(name))
    }

    pub(super) fn value(&self, names: &[&str]) -> Option<&OptionValue<'a>> {
        self.values(names).next_back()
    }

    pub(super) fn values(&self, names: &[&str]) -> impl DoubleEndedIterator<Item = &OptionValue<'a>> {
        self.options
            .iter()
            .filter(|(name, _)| names.contains(name))
            .filter_map(|(_, value)| value.as_ref())
    }

    /// The first option that a tool's row does not list, as it is written.
    pub(super) fn unknown(&self, tool: &WaitTool) -> Option<String> {
        let (name, _) = self.options.iter().find(|(name, _)| !tool.understands(name))?;
        Some(spelled(tool, name))
    }

    /// The first of these options that is given, as it is written.
    pub(super) fn spelled(&self, tool: &WaitTool, names: &[&str]) -> Option<String> {
        let mut given = self.options.iter().map(|(name, _)| name);
        let name = given.find(|name| names.contains(*name))?;
        Some(spelled(tool, name))
    }

    pub(super) fn number(&self, names: &[&str]) -> Option<f64> {
        self.value(names)
            .and_then(|value| super::duration::duration(value.text))
    }
}

fn spelled(tool: &WaitTool, name: &str) -> String {
    let is_long = name.chars().count() > 1 && !tool.single_dash;
    format!("{}{name}", if is_long { "--" } else { "-" })
}

impl Syntax {
    /// A tool's own.
    pub(super) fn of(tool: &WaitTool) -> Self {
        Self {
            short: tool.short_values,
            short_attached: tool.short_attached,
            long: tool.long_values,
            single_dash: tool.single_dash,
        }
    }

    /// Takes the arguments apart. With `stops`, the first operand ends the options.
    pub(super) fn read<'a>(&self, arguments: &'a [Argument<'a>], stops: bool) -> Options<'a> {
        let mut read = Options::default();
        let mut index = 0;
        while let Some(argument) = arguments.get(index) {
            let here = index;
            index += 1;
            let text = argument.text.as_str();
            if text == "--" {
                read.behind_dashes = Some(index);
                let rest = arguments.iter().enumerate().skip(index);
                read.operands.extend(rest);
                break;
            }
            let next = || {
                arguments.get(index).map(|next| OptionValue {
                    text: next.text.as_str(),
                    span: next.span(),
                })
            };
            if let Some(long) = self.long_name(text) {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value)),
                    None => (long, None),
                };
                let value = match value {
                    Some(text) => Some(OptionValue {
                        text,
                        span: argument.span(),
                    }),
                    None if self.long.contains(&name) => {
                        let value = next();
                        index += 1;
                        value
                    }
                    None => None,
                };
                read.options.push((name, value));
            } else if text.len() > 1 && text.starts_with('-') {
                index += usize::from(self.short_options(argument, next(), &mut read));
            } else {
                read.operands.push((here, argument));
                if stops {
                    let rest = arguments.iter().enumerate().skip(index);
                    read.operands.extend(rest);
                    break;
                }
            }
        }
        read
    }

    fn long_name<'t>(&self, text: &'t str) -> Option<&'t str> {
        text.strip_prefix("--").or_else(|| {
            text.strip_prefix('-')
                .filter(|rest| self.single_dash && !rest.is_empty())
        })
    }

    /// `-fsSo file`, `-XPOST`; whether the next word was taken.
    fn short_options<'a>(
        &self,
        argument: &'a Argument<'a>,
        next: Option<OptionValue<'a>>,
        read: &mut Options<'a>,
    ) -> bool {
        let letters = argument.text.get(1..).unwrap_or_default();
        for (at, letter) in letters.char_indices() {
            let behind = at + letter.len_utf8();
            let name = letters.get(at..behind).unwrap_or_default();
            let is_attached = self.short_attached.contains(letter);
            if !is_attached && !self.short.contains(letter) {
                read.options.push((name, None));
                continue;
            }
            let attached = letters.get(behind..).unwrap_or_default();
            if attached.is_empty() {
                let value = next.filter(|_| !is_attached);
                let is_taken = value.is_some();
                read.options.push((name, value));
                return is_taken;
            }
            let value = OptionValue {
                text: attached.strip_prefix('=').unwrap_or(attached),
                span: argument.span(),
            };
            read.options.push((name, Some(value)));
            return false;
        }
        false
    }
}
