//! Times in a readable form.

use jiff::Timestamp;

/// RFC 3339, or the bare number if it is outside of that range.
pub fn time(seconds: u64) -> String {
    let stamp =
        i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    stamp.map_or_else(|| seconds.to_string(), |stamp| stamp.to_string())
}
