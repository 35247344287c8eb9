//! Globs over the names of images.

use crate::source::{Pattern, PatternError};

/// A glob over the last parts of an image's repository: as many as it has itself.
///
/// Most are plain texts or have `*` alone, which stands for any text within one part. They are compared as they are:
/// building the regular expressions of all of them took longer than linting a file. Any other glob is a [`Pattern`].
#[derive(Debug, Clone)]
pub(super) enum ImageGlob {
    /// A text without `*`.
    Literal(String),
    /// A text with `*`.
    Starred(String),
    /// Anything else: `?`, `[…]`, `{…}`, `**`.
    General(Box<Pattern>),
}

/// What a glob says about the last part of a repository.
#[derive(Debug, Clone)]
pub(super) enum LastPart {
    /// It is this text.
    Text(String),
    /// It begins with the one text and ends with the other.
    Between(String, String),
}

impl ImageGlob {
    /// # Errors
    /// A glob that is malformed or too complex.
    pub(super) fn new(pattern: &str) -> Result<Self, PatternError> {
        if !pattern.contains(['?', '[', ']', '{', '}', '\\']) && !pattern.contains("**") {
            let text = pattern.to_owned();
            return Ok(match text.contains('*') {
                true => Self::Starred(text),
                false => Self::Literal(text),
            });
        }
        general(&format!("**/{pattern}")).map(|glob| Self::General(Box::new(glob)))
    }

    /// How the last part of every repository that it matches begins and ends.
    pub(super) fn last_part(&self) -> LastPart {
        let pattern = match self {
            Self::Literal(pattern) | Self::Starred(pattern) => pattern,
            Self::General(_) => return LastPart::Between(String::new(), String::new()),
        };
        let part = pattern.rsplit('/').next().unwrap_or_default();
        match (part.split_once('*'), part.rsplit_once('*')) {
            (Some((start, _)), Some((_, end))) => LastPart::Between(start.to_owned(), end.to_owned()),
            _ => LastPart::Text(part.to_owned()),
        }
    }

    /// Whether it is the name of a repository: `gcr.io/cloudsql-docker/gce-proxy`.
    pub(super) fn matches(&self, repository: &str) -> bool {
        match self {
            // Asked for each image, of which few are any entry's: the end is compared before parts are told apart.
            Self::Literal(pattern) => repository
                .strip_suffix(pattern.as_str())
                .is_some_and(|before| before.is_empty() || before.ends_with('/')),
            Self::Starred(pattern) => {
                let mut parts = repository.rsplit('/');
                pattern
                    .rsplit('/')
                    .all(|part| parts.next().is_some_and(|own| matches_stars(part, own)))
            }
            Self::General(glob) => glob.is_match(repository),
        }
    }
}

fn general(pattern: &str) -> Result<Pattern, PatternError> {
    Pattern::new(pattern, true)
}

/// Whether a text is what a pattern says, in which `*` stands for any text.
pub(super) fn matches_stars(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut left) = text.strip_prefix(start) else {
        return false;
    };
    let mut pieces = rest.split('*').peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return left.ends_with(piece);
        }
        let Some(at) = left.find(piece) else {
            return false;
        };
        left = left.get(at + piece.len()..).unwrap_or_default();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;

    #[test]
    fn a_plain_glob_matches_what_globset_says() {
        let patterns: Vec<String> = Catalogue::built_in()
            .entries()
            .flat_map(|known| known.images.clone())
            .collect();
        let mut images: Vec<String> = patterns
            .iter()
            .flat_map(|pattern| {
                [
                    pattern.replace('*', ""),
                    pattern.replace('*', "x-y"),
                    format!("registry.example.com:5000/team/{}", pattern.replace('*', "z")),
                    format!("team/{}x", pattern.replace('*', "")),
                    format!("x{}", pattern.replace('*', "/")),
                ]
            })
            .collect();
        images.extend(["", "/", "a/b/c", "proxy", "istio/proxy/v2"].map(str::to_owned));
        for pattern in &patterns {
            let glob = ImageGlob::new(pattern).unwrap();
            let globset = general(&format!("**/{pattern}")).unwrap();
            for image in &images {
                assert_eq!(
                    glob.matches(image),
                    globset.is_match(image),
                    "{pattern} over {image}"
                );
            }
        }
    }

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, text, expected) in [
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "acb", false),
            ("*pg*", "my-pg-pool", true),
            ("*pg*", "my-p-g", false),
            ("a*a", "a", false),
            ("*dind*", "27-dind", true),
        ] {
            assert_eq!(matches_stars(pattern, text), expected, "{pattern} over {text}");
        }
    }

    #[test]
    fn other_globs_are_globsets() {
        assert!(ImageGlob::new("team/{a,b}").unwrap().matches("x/team/b"));
        assert!(ImageGlob::new("app[12]").unwrap().matches("x/app2"));
        assert!(ImageGlob::new("[").is_err());
    }
}
