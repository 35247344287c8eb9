//! Asks before something is changed that is not a file.

use std::io::{self, BufRead, IsTerminal, Write};

use super::Error;
use crate::report::printable;

/// Asks a question on standard error that a person answers with yes or no; `yes` answers it beforehand.
///
/// # Errors
/// Where nobody can be asked, because standard input or standard error is no terminal.
pub(super) fn confirm(question: &str, yes: bool) -> Result<bool, Error> {
    if yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Error::Usage(format!(
            "{question} There is no terminal to ask in: nothing was changed. --yes answers beforehand"
        )));
    }
    Ok(ask(question, &mut io::stdin().lock(), &mut io::stderr())?)
}

/// Everything but a clear yes is a no, the end of the input too.
fn ask(question: &str, input: &mut impl BufRead, output: &mut impl Write) -> io::Result<bool> {
    write!(output, "{} [y/N] ", printable(question))?;
    output.flush()?;
    let mut answer = String::new();
    input.read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_one() {
        for (answer, expected) in [
            ("y\n", true),
            ("YES\n", true),
            ("n\n", false),
            ("\n", false),
            ("yes please\n", false),
            ("", false),
        ] {
            let mut asked = Vec::new();
            let answered = ask("Apply?", &mut answer.as_bytes(), &mut asked).unwrap();
            assert_eq!(answered, expected, "{answer:?}");
            assert_eq!(asked, b"Apply? [y/N] ");
        }
    }

    #[test]
    fn yes_beforehand_asks_nobody() {
        assert!(confirm("Apply?", true).unwrap());
    }
}
