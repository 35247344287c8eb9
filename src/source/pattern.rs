//! Globs that outsiders write: configurations and arguments.

use std::path::Path;

use globset::{GlobBuilder, GlobSet};

/// A glob ready to match.
///
/// globset's own matcher of one glob panics where the regular expression it makes is nested too deeply or too large;
/// its set of globs says so.
#[derive(Debug, Clone)]
pub struct Pattern(GlobSet);

/// A glob can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is not written as a glob is.
    #[error("{0}")]
    Malformed(String),
    /// It is well written and too much.
    #[error("the glob is nested too deeply or too long: {0:.60}")]
    TooComplex(String),
}

impl Pattern {
    /// Compiles a glob. Where `separated`, `*` and `?` match no `/`.
    ///
    /// # Errors
    /// A malformed glob, or one that is too complex.
    pub fn new(glob: &str, separated: bool) -> Result<Self, PatternError> {
        let malformed = |error: globset::Error| PatternError::Malformed(error.to_string());
        let built = GlobBuilder::new(glob)
            .literal_separator(separated)
            .build()
            .map_err(malformed)?;
        let set = GlobSet::builder().add(built).build();
        set.map(Self)
            .map_err(|_| PatternError::TooComplex(glob.to_owned()))
    }

    /// Whether the path or name matches.
    pub fn is_match(&self, path: impl AsRef<Path>) -> bool {
        self.0.is_match(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_complex_is_an_error() {
        assert!(Pattern::new("istio-*", false).unwrap().is_match("istio-proxy"));
        assert!(!Pattern::new("a/*", true).unwrap().is_match("a/b/c"));
        assert!(matches!(
            Pattern::new("[z-a", false),
            Err(PatternError::Malformed(_))
        ));
        for glob in [
            format!("{}b{}", "{a,".repeat(150), "}".repeat(150)),
            format!("{}b{}", "{a,".repeat(2000), "}".repeat(2000)),
        ] {
            let error = Pattern::new(&glob, false).unwrap_err();
            assert!(matches!(error, PatternError::TooComplex(_)), "{error}");
            assert!(error.to_string().len() < 120, "{error}");
        }
    }
}
