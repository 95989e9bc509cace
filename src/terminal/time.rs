//! Times, as people read them.

use jiff::Timestamp;

/// RFC 3339, or the bare number where it is no time at all.
pub fn time(seconds: u64) -> String {
    let stamp =
        i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    stamp.map_or_else(|| seconds.to_string(), |stamp| stamp.to_string())
}
