//! Image references.

/// An image reference without its tag and digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image<'t> {
    /// Registry and path: `gcr.io/cloudsql-docker/gce-proxy`.
    pub repository: &'t str,
    /// The tag, where one is written.
    pub tag: Option<&'t str>,
}

impl<'t> Image<'t> {
    /// Splits a reference as the container runtimes do: `registry:port/path:tag@digest`.
    #[must_use]
    pub fn parse(reference: &'t str) -> Self {
        let without_digest = reference.split_once('@').map_or(reference, |(name, _)| name);
        // A colon before the last slash belongs to the registry's port.
        match without_digest.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => Self {
                repository,
                tag: Some(tag),
            },
            _ => Self {
                repository: without_digest,
                tag: None,
            },
        }
    }

    /// The last part of the path: `gce-proxy`.
    #[must_use]
    pub fn base_name(&self) -> &'t str {
        self.repository.rsplit('/').next().unwrap_or(self.repository)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_references() {
        for (reference, repository, tag) in [
            ("nginx", "nginx", None),
            ("nginx:1.27", "nginx", Some("1.27")),
            ("localhost:5000/team/app", "localhost:5000/team/app", None),
            ("localhost:5000/team/app:1", "localhost:5000/team/app", Some("1")),
            ("gcr.io/x/y@sha256:abc", "gcr.io/x/y", None),
            ("gcr.io/x/y:v1@sha256:abc", "gcr.io/x/y", Some("v1")),
        ] {
            assert_eq!(Image::parse(reference), Image { repository, tag });
        }
        assert_eq!(Image::parse("gcr.io/x/proxyv2:1.20").base_name(), "proxyv2");
    }
}
