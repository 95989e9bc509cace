//! What people write about the values of a Secret, in its annotations.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;

use envcrypt_core::envelope::SealedSecret;
use envcrypt_core::manifest::Object;
use envcrypt_core::secret::{Key, NEVER_STALE_ANNOTATION, OWNER_ANNOTATION, ROTATE_BY_ANNOTATION};

/// The notes of a Secret.
#[derive(Debug, Default)]
pub struct Notes {
    /// Who replaces the values.
    pub owner: Option<String>,
    /// The date by which the values must be replaced. `Some(None)` if it is not a date.
    pub rotate_by: Option<Option<Date>>,
    /// The keys whose values may have any age.
    never_stale: BTreeSet<String>,
}

impl Notes {
    /// Reads the notes of an object. Those of an `EnvcryptSecret` itself come before those of its
    /// template.
    pub fn of(object: &Object, secret: &SealedSecret) -> Self {
        let own = object.metadata.annotations.as_ref();
        let text = |name| own.and_then(|own| own.get(name)).or(secret.meta.annotations.get(name));
        let owner = text(OWNER_ANNOTATION).map(|owner| owner.trim().to_owned());
        let keys = text(NEVER_STALE_ANNOTATION).map_or("", String::as_str).split(',');
        Self {
            owner: owner.filter(|owner| !owner.is_empty()),
            rotate_by: text(ROTATE_BY_ANNOTATION).map(|text| date(text)),
            never_stale: keys.map(|key| key.trim().to_owned()).collect(),
        }
    }

    /// Whether the value of this key may have any age.
    pub fn is_never_stale(&self, key: &Key) -> bool {
        self.never_stale.contains(key.as_str())
    }
}

/// Refuses a note that means nothing.
pub fn check_notes(annotations: &BTreeMap<String, String>) -> Result<(), String> {
    let text = annotations.get(ROTATE_BY_ANNOTATION);
    if text.is_some_and(|text| date(text).is_none()) {
        return Err(format!("`{ROTATE_BY_ANNOTATION}` is not a date: write it as 2026-03-01"));
    }
    Ok(())
}

/// A date in the one form `YYYY-MM-DD`. The parser alone would accept a time, too.
fn date(text: &str) -> Option<Date> {
    let is_form = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    text.parse().ok().filter(|_| is_form)
}

/// The time when a date begins in UTC, in seconds since 1970.
pub fn start(date: Date) -> Option<i64> {
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_has_one_form() {
        assert_eq!(date("1970-01-02").and_then(start), Some(24 * 60 * 60));
        for bad in
            ["", "soon", "2026-3-1", "20260301", "2026-02-30", "2026-03-01T00:00", " 2026-03-01"]
        {
            assert_eq!(date(bad), None, "{bad}");
        }
    }
}
