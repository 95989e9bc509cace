//! Which values must be replaced.

use jiff::civil::Date;

use super::Notes;
use super::limit::Limit;
use super::notes::start;
use envcrypt_core::envelope::{Jwe, SealedSecret, is_too_late};
use envcrypt_core::secret::Key;

/// An age that cannot be: the value says that it was sealed in the future.
const FUTURE: i64 = -1;

/// Why values must be replaced.
#[derive(Debug, Clone)]
pub enum Reason {
    /// They are older than a rule allows.
    MaxAge(Limit),
    /// They are older than the date by which they had to be replaced.
    RotateBy(Date),
    /// The date is not a date.
    NoDate,
}

/// Values that must be replaced, for one reason.
#[derive(Debug)]
pub struct Overdue {
    pub reason: Reason,
    /// Their keys, and their [`age`]s.
    pub keys: Vec<(Key, i64)>,
}

/// The age of a value, in seconds. It is negative if the value says that it was sealed more than a
/// day in the future.
pub fn age(jwe: &Jwe, now: u64) -> i64 {
    match is_too_late(jwe.born(), now) {
        true => FUTURE,
        false => i64::try_from(now.saturating_sub(jwe.born())).unwrap_or(i64::MAX),
    }
}

/// The [`age`] of the oldest value, of those that may get stale. An impossible age comes first.
pub fn oldest(secret: &SealedSecret, notes: &Notes, now: u64) -> Option<i64> {
    let ages = values(secret, notes).map(|(_, jwe)| age(jwe, now));
    ages.max_by_key(|age| (*age == FUTURE, *age))
}

/// Finds the values that must be replaced. `now` is in seconds since 1970.
pub fn overdue(
    secret: &SealedSecret,
    notes: &Notes,
    limit: Option<&Limit>,
    now: u64,
) -> Vec<Overdue> {
    let with = |is_over: &dyn Fn(i64) -> bool| -> Vec<(Key, i64)> {
        let ages = values(secret, notes).map(|(key, jwe)| (key.clone(), age(jwe, now)));
        // A wrong clock, or someone who wants the value never to be reported.
        ages.filter(|(_, age)| *age == FUTURE || is_over(*age)).collect()
    };
    let mut found = Vec::new();
    let mut add = |reason, keys: Vec<(Key, i64)>| {
        if !keys.is_empty() {
            found.push(Overdue { reason, keys });
        }
    };
    if let Some(limit) = limit {
        let max = i64::try_from(limit.max_age.seconds).unwrap_or(i64::MAX);
        add(Reason::MaxAge(limit.clone()), with(&|age| age > max));
    }
    match notes.rotate_by {
        // A value of that date is a new one. The date itself is still in time, all day.
        Some(Some(date)) => {
            let now = i64::try_from(now).unwrap_or(i64::MAX);
            let has_passed = date.tomorrow().ok().and_then(start).is_some_and(|end| now >= end);
            if let Some(start) = start(date).filter(|_| has_passed) {
                add(Reason::RotateBy(date), with(&|age| now - age < start));
            }
        }
        Some(None) => found.push(Overdue { reason: Reason::NoDate, keys: Vec::new() }),
        None => {}
    }
    found
}

/// The values that may get stale.
fn values<'a>(
    secret: &'a SealedSecret,
    notes: &'a Notes,
) -> impl Iterator<Item = (&'a Key, &'a Jwe)> {
    secret.values.iter().filter(|(key, _)| !notes.is_never_stale(key))
}
