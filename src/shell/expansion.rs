//! Expansions: variables and substitutions.

use super::{
    Piece, Word,
    cursor::{Origin, Parser},
    word::Pieces,
};

impl Parser<'_> {
    pub(super) fn backquotes(&mut self, pieces: &mut Pieces, quoted: bool) -> Option<()> {
        let start = self.position();
        self.advance(1);
        let mut close = self.position();
        let mut escaped = false;
        while self.byte_at(close)? != b'`' {
            if self.byte_at(close) == Some(b'\\') {
                escaped = true;
                close += 1;
            }
            close += 1;
        }
        let inner = self.slice(self.position(), close);
        let script = if escaped {
            let span = self.span(start, close + 1);
            let plain = unescape(inner, "`$\\");
            self.jump(close);
            Parser::nested(&plain, self.dialect(), Origin::Collapsed(span), self.allowance())
                .and_then(Parser::whole)
        } else {
            self.within(close, |parser| parser.list().filter(|_| parser.is_at_end()))
        };
        self.advance(1);
        pieces.push(Piece::Substitution {
            script: script.map(Box::new),
            quoted,
        });
        Some(())
    }

    /// `(…)` behind `$`, `<` or `>`.
    pub(super) fn substitution(&mut self, pieces: &mut Pieces, quoted: bool) -> Option<()> {
        self.advance(1);
        let list = self.deeper(Self::list)?;
        self.expect(")")?;
        pieces.push(Piece::Substitution {
            script: Some(Box::new(list)),
            quoted,
        });
        Some(())
    }

    pub(super) fn dollar(&mut self, pieces: &mut Pieces, quoted: bool) -> Option<()> {
        self.advance(1);
        // A manifest writes `$$` for a `$` that the kubelet is to leave
        // (kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables).
        if self.sees("$(") || self.sees("${") {
            self.advance(1);
        }
        match self.byte() {
            Some(b'\'') if !quoted => self.ansi_quotes(pieces)?,
            Some(b'"') if !quoted => self.double_quotes(pieces)?,
            Some(b'(') => {
                if let Some(end) = self.arithmetic_end(self.position()) {
                    self.jump(end);
                    pieces.push(Piece::Arithmetic);
                } else {
                    self.substitution(pieces, quoted)?;
                }
            }
            Some(b'{') => self.deeper(|parser| parser.braced_variable(pieces, quoted))?,
            Some(byte) => match variable_name(self.rest(), byte) {
                "" => pieces.text("$", quoted),
                name => {
                    self.advance(name.len());
                    pieces.push(Piece::Variable {
                        name: name.to_owned(),
                        default: None,
                        simple: true,
                        quoted,
                    });
                }
            },
            None => pieces.text("$", quoted),
        }
        Some(())
    }

    /// `{NAME}`, `{NAME:-default}` and the other forms behind `$`.
    fn braced_variable(&mut self, pieces: &mut Pieces, quoted: bool) -> Option<()> {
        self.advance(1);
        // `${#NAME}` and `${!NAME}`, but `${#}` and `${!}` are variables.
        let prefixed = matches!(self.byte(), Some(b'#' | b'!'))
            && self
                .byte_at(self.position() + 1)
                .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_@*".contains(&byte));
        if prefixed {
            self.advance(1);
        }
        let rest = self.rest();
        let digits = rest.len()
            - rest
                .trim_start_matches(|letter: char| letter.is_ascii_digit())
                .len();
        let name = if digits > 0 {
            self.slice(self.position(), self.position() + digits)
        } else {
            variable_name(rest, self.byte()?)
        };
        if name.is_empty() {
            return None;
        }
        self.advance(name.len());
        let plain = self.sees("}") && !prefixed;
        let defaults = !prefixed && (self.sees(":-") || self.sees("-"));
        if defaults {
            self.advance(if self.sees(":") { 2 } else { 1 });
        }
        let operand = self.operand(quoted)?;
        self.advance(1);
        let default = defaults.then(|| operand.literal().map(std::borrow::Cow::into_owned));
        pieces.push(Piece::Variable {
            name: name.to_owned(),
            default: match &default {
                Some(literal) => Some(literal.clone().unwrap_or_default()),
                None => (!plain).then(String::new),
            },
            simple: plain || default.flatten().is_some(),
            quoted,
        });
        // What the operand runs stays visible; the value is unknown then anyway.
        let runs = |piece: &Piece| matches!(piece, Piece::Substitution { .. });
        operand
            .pieces
            .into_iter()
            .filter(runs)
            .for_each(|piece| pieces.push(piece));
        Some(())
    }

    /// Everything up to the brace that closes `${`.
    fn operand(&mut self, quoted: bool) -> Option<Word> {
        let start = self.position();
        let mut pieces = Pieces::default();
        loop {
            match self.byte()? {
                b'}' => break,
                b'\'' if quoted => self.take_text(&mut pieces, 1, quoted),
                b'"' | b'\'' | b'\\' | b'$' | b'`' => self.unquoted(&mut pieces)?,
                _ => self.run_of_text(&mut pieces, b"}'\"\\$`", quoted),
            }
        }
        Some(Word {
            raw: self.slice(start, self.position()).to_owned(),
            pieces: pieces.pieces,
            span: self.span(start, self.position()),
        })
    }
}

/// The name of the variable at the start of `text`: an identifier, a digit or a special character.
fn variable_name(text: &str, first: u8) -> &str {
    let length = if first.is_ascii_alphabetic() || first == b'_' {
        text.bytes()
            .position(|byte| !byte.is_ascii_alphanumeric() && byte != b'_')
            .unwrap_or(text.len())
    } else {
        usize::from(first.is_ascii_digit() || b"?!$@*#-".contains(&first))
    };
    text.get(..length).unwrap_or_default()
}

/// Removes the backslashes in front of `escapable` characters, and continued lines.
pub(super) fn unescape(text: &str, escapable: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\\' {
            match characters.peek() {
                Some('\n') => {
                    characters.next();
                    continue;
                }
                Some(next) if escapable.contains(*next) => {
                    plain.push(*next);
                    characters.next();
                    continue;
                }
                _ => {}
            }
        }
        plain.push(character);
    }
    plain
}
