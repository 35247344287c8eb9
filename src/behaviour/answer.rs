//! Three values: what is proved, what is refuted, and what is not known.

/// The answer to a question about a pod. Only [`Answer::Proved`] carries an error, high confidence or a safe rewrite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<R> {
    /// The text shows that it is so.
    Proved,
    /// The text shows that it is not, for this reason.
    Refuted(R),
    /// The text does not show it; this is what is not known.
    Unknown(R),
}

impl<R> Answer<R> {
    /// Both questions at once: the first that is refuted, else the first that is not known.
    #[must_use]
    pub fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Refuted(_) => self,
            Self::Proved => other(),
            Self::Unknown(_) => match other() {
                refuted @ Self::Refuted(_) => refuted,
                _ => self,
            },
        }
    }

    /// Whether it is proved.
    #[must_use]
    pub fn is_proved(&self) -> bool {
        matches!(self, Self::Proved)
    }

    /// Whether it is refuted.
    #[must_use]
    pub fn is_refuted(&self) -> bool {
        matches!(self, Self::Refuted(_))
    }

    /// What stands against it.
    pub fn reason(&self) -> Option<&R> {
        match self {
            Self::Proved => None,
            Self::Refuted(reason) | Self::Unknown(reason) => Some(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Answer::{Proved, Refuted, Unknown};

    #[test]
    fn what_is_refuted_outweighs_what_is_not_known() {
        for (one, other, both) in [
            (Proved, Proved, Proved),
            (Proved, Unknown(2), Unknown(2)),
            (Unknown(1), Proved, Unknown(1)),
            (Unknown(1), Unknown(2), Unknown(1)),
            (Unknown(1), Refuted(2), Refuted(2)),
            (Refuted(1), Unknown(2), Refuted(1)),
        ] {
            assert_eq!(one.and(|| other), both);
        }
    }
}
