//! What kustomize makes of a directory.

use std::{
    io::{self, Read},
    path::Path,
    process::{Command, Stdio},
};

use super::{MAXIMUM_SIZE, SourceError, SourceErrorKind, discover::plain, read::too_large};

/// The programs that render a kustomization with their subcommands, the one that `kubectl -k` itself is first.
pub(crate) const RENDERERS: [(&str, &str); 2] = [("kubectl", "kustomize"), ("kustomize", "build")];

/// Renders `directory` with the first program there is. What the program says goes to standard error.
pub(super) fn render(directory: &Path, name: &str) -> Result<Vec<u8>, SourceError> {
    for (program, subcommand) in RENDERERS {
        match run(program, subcommand, directory, name) {
            Ok(Some(text)) => return Ok(text),
            Ok(None) => {}
            Err(error) => return Err(error),
        }
    }
    Err(failure(
        name,
        "cannot be rendered: neither kubectl nor kustomize is on the PATH",
    ))
}

/// `None`: there is no such program.
fn run(
    program: &str,
    subcommand: &str,
    directory: &Path,
    name: &str,
) -> Result<Option<Vec<u8>>, SourceError> {
    let failed = |error: &io::Error| failure(name, format!("{program} cannot be run: {}", plain(error)));
    let mut child = match Command::new(program)
        .arg(subcommand)
        .arg(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
    {
        Ok(child) => child,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    let mut text = Vec::new();
    if let Some(output) = child.stdout.take() {
        output
            .take(MAXIMUM_SIZE + 1)
            .read_to_end(&mut text)
            .map_err(|error| failed(&error))?;
    }
    // Where the limit was reached, the pipe is closed by now, and the program ends at its next write.
    let status = child.wait().map_err(|error| failed(&error))?;
    if text.len() as u64 > MAXIMUM_SIZE {
        return Err(too_large(name));
    }
    if !status.success() {
        return Err(failure(
            name,
            format!(
                "`{program} {subcommand} {}` failed ({status})",
                directory.display()
            ),
        ));
    }
    Ok(Some(text))
}

fn failure(name: &str, message: impl Into<String>) -> SourceError {
    SourceError::new(name, SourceErrorKind::Rendering, message)
}
