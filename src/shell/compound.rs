//! The longer compound commands: `if`, `for`, `case` and `[[ … ]]`.

use super::{Command, IfBranch, Word, cursor::Parser, parse::is_not_zero};

impl Parser<'_> {
    pub(super) fn if_command(&mut self, start: usize) -> Option<Command> {
        self.keyword("if")?;
        let mut branches = Vec::new();
        let mut otherwise = None;
        loop {
            let condition = self.body()?;
            self.keyword("then")?;
            let body = self.body()?;
            branches.push(IfBranch { condition, body });
            match self.bare_word()? {
                "elif" => self.keyword("elif")?,
                "else" => {
                    self.keyword("else")?;
                    otherwise = Some(self.body()?);
                    self.keyword("fi")?;
                    break;
                }
                _ => {
                    self.keyword("fi")?;
                    break;
                }
            }
        }
        let redirects = self.redirects()?;
        Some(Command::If {
            branches,
            otherwise,
            redirects,
            span: self.span_from(start),
        })
    }

    pub(super) fn for_command(&mut self, start: usize, keyword: &str) -> Option<Command> {
        self.keyword(keyword)?;
        self.skip_blanks();
        let mut words = Vec::new();
        let mut variable = String::new();
        let mut endless = false;
        if self.sees("((") {
            let end = self.arithmetic_end(self.position())?;
            let mut parts = self.between_parentheses(self.position(), end).split(';');
            endless = parts
                .nth(1)
                .is_some_and(|condition| condition.trim().is_empty() || is_not_zero(condition) == Some(true));
            self.jump(end);
            self.skip_blanks();
            if self.sees(";") {
                self.advance(1);
            }
        } else {
            variable = self.word(false)?.literal()?.into_owned();
            self.skip_lines();
            if self.bare_word() == Some("in") {
                self.keyword("in")?;
                self.skip_blanks();
                while !self.sees(";") && !self.sees("\n") {
                    words.push(self.word(false)?);
                    self.skip_blanks();
                }
            }
            if self.sees(";") {
                self.advance(1);
            }
        }
        self.skip_lines();
        let body = if self.bare_word() == Some("{") {
            self.braces()?
        } else {
            self.do_group()?
        };
        let redirects = self.redirects()?;
        Some(Command::For {
            variable,
            words,
            endless,
            body,
            redirects,
            span: self.span_from(start),
        })
    }

    pub(super) fn case_command(&mut self, start: usize) -> Option<Command> {
        self.keyword("case")?;
        self.skip_blanks();
        let word = self.word(false)?;
        self.skip_lines();
        self.keyword("in")?;
        let mut arms = Vec::new();
        let mut patterns = Vec::new();
        let mut goes_on = false;
        loop {
            self.skip_lines();
            if self.bare_word() == Some("esac") {
                break;
            }
            if self.sees("(") {
                self.advance(1);
                self.skip_blanks();
            }
            let mut of_arm = Vec::new();
            loop {
                of_arm.push(self.word(false)?);
                self.skip_blanks();
                if !self.sees("|") {
                    break;
                }
                self.advance(1);
                self.skip_blanks();
            }
            self.expect(")")?;
            arms.push(self.list()?);
            patterns.push(of_arm);
            goes_on |= self.sees(";;&") || self.sees(";&");
            if self.sees(";;&") {
                self.advance(3);
            } else if self.sees(";;") || self.sees(";&") {
                self.advance(2);
            } else if self.bare_word() != Some("esac") {
                return None;
            }
        }
        self.keyword("esac")?;
        self.redirects()?;
        if goes_on {
            patterns.clear();
        }
        Some(Command::Case {
            word,
            arms,
            patterns,
            span: self.span_from(start),
        })
    }

    /// Inside of `[[ … ]]` operators are words of their own, and line breaks are blanks.
    pub(super) fn test_command(&mut self, start: usize) -> Option<Command> {
        self.expect("[[")?;
        let mut words: Vec<Word> = Vec::new();
        loop {
            self.skip_lines();
            if self.bare_word() == Some("]]") {
                break;
            }
            let operator = ["&&", "||", "<", ">", "(", ")"]
                .into_iter()
                .find(|operator| self.sees(operator));
            // A regular expression has parentheses and bars of its own.
            let matches = words.last().is_some_and(|word| word.raw == "=~");
            match operator.filter(|_| !matches) {
                Some(operator) => {
                    let from = self.position();
                    self.advance(operator.len());
                    words.push(Word::plain(operator, self.span_from(from)));
                }
                None => words.push(self.word(matches)?),
            }
        }
        self.keyword("]]")?;
        self.redirects()?;
        (!words.is_empty()).then_some(Command::Test {
            words,
            span: self.span_from(start),
        })
    }
}
