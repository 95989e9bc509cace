//! Patterns as people write them: `prod-*`, `deploy/prod/**`.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use globset::{Glob, GlobSet, GlobSetBuilder};

/// The longest pattern, in bytes. A pattern comes from a repository too.
const MAX_LENGTH: usize = 1024;

/// A pattern of names or paths. It keeps its text, to be shown and written down.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    /// A set of one: compiling a set reports an error where a single pattern panics.
    set: GlobSet,
}

impl Pattern {
    /// Whether a name or path matches.
    #[must_use]
    pub fn matches(&self, text: impl AsRef<Path>) -> bool {
        self.set.is_match(text)
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Pattern {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "it is not a valid pattern";
        if text.is_empty() || text.len() > MAX_LENGTH {
            return Err(WRONG);
        }
        let glob = Glob::new(text).map_err(|_| WRONG)?;
        let set = GlobSetBuilder::new().add(glob).build().map_err(|_| WRONG)?;
        Ok(Self { text: text.to_owned(), set })
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_no_machine_can_hold_is_an_error_and_no_panic() {
        let huge = format!("{{{}}}", vec!["a{1,2}"; 100].join(","));
        for bad in ["", "[", "{a", &"*".repeat(MAX_LENGTH + 1)] {
            assert!(bad.parse::<Pattern>().is_err(), "{bad}");
        }
        assert!("a".repeat(MAX_LENGTH).parse::<Pattern>().is_ok());
        let _ = huge.parse::<Pattern>();
        let _ = "[^/]".repeat(200).parse::<Pattern>();
        assert!("prod-*".parse::<Pattern>().expect("valid").matches("prod-eu"));
    }
}
