//! Times as nanoseconds, and the texts the API writes them in.

use std::fmt;

/// Nanoseconds of one second.
pub const SECOND: i64 = 1_000_000_000;
/// Nanoseconds of one millisecond.
pub const MILLISECOND: i64 = 1_000_000;

/// A point in time: nanoseconds since the Unix epoch, on a clock that its context names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(pub i64);

impl Moment {
    /// Reads RFC 3339, with or without a fraction; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let timestamp: jiff::Timestamp = text.parse().ok()?;
        i64::try_from(timestamp.as_nanosecond()).ok().map(Self)
    }

    /// Now, by this machine's clock.
    #[must_use]
    pub fn now() -> Self {
        i64::try_from(jiff::Timestamp::now().as_nanosecond()).map_or(Self(0), Self)
    }

    /// This much later; saturates at the ends of what can be told.
    #[must_use]
    pub fn plus(self, nanoseconds: i64) -> Self {
        Self(self.0.saturating_add(nanoseconds))
    }

    /// Nanoseconds from `earlier` to this; negative where `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The start of the second this lies in.
    #[must_use]
    pub fn second(self) -> Self {
        Self(self.0.saturating_sub(self.0.rem_euclid(SECOND)))
    }

    /// RFC 3339 in UTC with `digits` digits of the second's fraction.
    #[must_use]
    pub fn rfc3339(self, digits: u8) -> String {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(timestamp) if digits == 0 => format!("{timestamp:.0}"),
            Ok(timestamp) => format!("{timestamp:.*}", usize::from(digits.min(9))),
            Err(_) => format!("{} ns", self.0),
        }
    }

    /// The time of day in UTC with milliseconds, `20:15:04.120`.
    #[must_use]
    pub fn clock(self, digits: u8) -> String {
        let text = self.rfc3339(digits);
        text.split_once('T')
            .map_or(text.as_str(), |(_, clock)| clock)
            .trim_end_matches('Z')
            .to_owned()
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.rfc3339(9))
    }
}

/// A length of time as people write it: `150 ms`, `4.2 s`, `3 min 5 s`.
#[must_use]
pub fn describe_length(nanoseconds: i64) -> String {
    if nanoseconds.saturating_abs() < SECOND {
        return format!("{} ms", nanoseconds / MILLISECOND);
    }
    if nanoseconds.saturating_abs() < 60 * SECOND {
        let tenths = nanoseconds / (SECOND / 10);
        return format!("{}.{} s", tenths / 10, (tenths % 10).abs());
    }
    let seconds = nanoseconds / SECOND;
    format!("{} min {} s", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_rfc3339() {
        let moment = Moment::parse("2026-11-23T19:53:01.461805Z").unwrap();
        assert_eq!(moment.rfc3339(6), "2026-11-23T19:53:01.461805Z");
        assert_eq!(moment.rfc3339(0), "2026-11-23T19:53:01Z");
        assert_eq!(moment.rfc3339(3), "2026-11-23T19:53:01.461Z");
        assert_eq!(moment.clock(3), "19:53:01.461");
        assert_eq!(moment.second().rfc3339(0), "2026-11-23T19:53:01Z");
        assert_eq!(Moment::parse("yesterday"), None);
    }

    #[test]
    fn lengths_are_readable() {
        assert_eq!(describe_length(150 * MILLISECOND), "150 ms");
        assert_eq!(describe_length(4250 * MILLISECOND), "4.2 s");
        assert_eq!(describe_length(185 * SECOND), "3 min 5 s");
    }
}
