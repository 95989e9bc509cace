//! The age that a value may have.

use std::fmt;

use jiff::{Span, SpanRelativeTo};

/// The `maxAge` of a rule: `90d`, `12w`, `36h`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaxAge {
    /// As the rule has it.
    text: String,
    /// More than 0.
    pub seconds: u64,
}

impl MaxAge {
    /// Parses an age of seconds, minutes, hours, days or weeks. A day has 24 hours. Months and years
    /// have no fixed length, so they are not valid. `None` if it is not an age, or 0.
    pub fn parse(text: &str) -> Option<Self> {
        let span: Span = text.parse().ok()?;
        let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
        let seconds = u64::try_from(duration.as_secs()).ok().filter(|seconds| *seconds > 0)?;
        Some(Self { text: text.to_owned(), seconds })
    }
}

impl fmt::Display for MaxAge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_a_fixed_length_and_is_not_0() {
        const DAY: u64 = 24 * 60 * 60;
        for (text, seconds) in [
            ("1s", 1),
            ("5m", 300),
            ("36h", 36 * 60 * 60),
            ("90d", 90 * DAY),
            ("12w", 84 * DAY),
            ("1w2d", 9 * DAY),
            ("90 days", 90 * DAY),
        ] {
            let age = MaxAge::parse(text).expect(text);
            assert_eq!((age.seconds, age.to_string()), (seconds, text.to_owned()));
        }
        for bad in
            ["", "0", "0d", "0s", "90", "-1d", "1d ago", "3mo", "1y", "x", "1.5d", "d", "500ms"]
        {
            assert_eq!(MaxAge::parse(bad), None, "{bad}");
        }
    }
}
