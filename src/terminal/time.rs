//! Times and ages in a readable form.

use jiff::Timestamp;

/// RFC 3339, or the bare number if it is outside of that range.
pub fn time(seconds: u64) -> String {
    let stamp =
        i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    stamp.map_or_else(|| seconds.to_string(), |stamp| stamp.to_string())
}

/// What kubectl prints for an age below zero.
pub const INVALID: &str = "<invalid>";

/// An age in seconds, in kubectl's format: two units if the larger one is small.
pub fn age(seconds: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    const YEAR: i64 = 365 * DAY;
    let two = |large: i64, unit: char, small: i64, smaller: char| {
        let rest = seconds % large / small;
        let first = format!("{}{unit}", seconds / large);
        if rest == 0 { first } else { format!("{first}{rest}{smaller}") }
    };
    match seconds {
        ..0 => INVALID.to_owned(),
        _ if seconds < 2 * MINUTE => format!("{seconds}s"),
        _ if seconds < 10 * MINUTE => two(MINUTE, 'm', 1, 's'),
        _ if seconds < 3 * HOUR => format!("{}m", seconds / MINUTE),
        _ if seconds < 8 * HOUR => two(HOUR, 'h', MINUTE, 'm'),
        _ if seconds < 2 * DAY => format!("{}h", seconds / HOUR),
        _ if seconds < 8 * DAY => two(DAY, 'd', HOUR, 'h'),
        _ if seconds < 2 * YEAR => format!("{}d", seconds / DAY),
        _ if seconds < 8 * YEAR => two(YEAR, 'y', DAY, 'd'),
        _ => format!("{}y", seconds / YEAR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_kubectls() {
        for (seconds, expected) in [
            (-1, "<invalid>"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (10_799, "179m"),
            (10_800, "3h"),
            (18_180, "5h3m"),
            (172_799, "47h"),
            (176_400, "2d1h"),
            (700_000, "8d"),
            (70_000_000, "2y80d"),
            (300_000_000, "9y"),
        ] {
            assert_eq!(age(seconds), expected);
        }
    }
}
