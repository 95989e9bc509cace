//! Durations in flags and settings.

use std::time::Duration;

use jiff::SignedDuration;

/// A duration as users of kubectl write it: `30`, `5s`, `1m30s`. The error says how to write one.
pub fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let duration = text.parse::<SignedDuration>().ok();
    let duration = duration.and_then(|duration| Duration::try_from(duration).ok());
    duration.ok_or_else(|| "use 500ms, 30s, 2m or 1h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_kubectl() {
        for (text, millis) in [
            ("0", 0),
            ("30", 30_000),
            ("5s", 5000),
            ("1m30s", 90_000),
            ("1.5h", 5_400_000),
            ("250ms", 250),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for bad in ["", "x", "5x", "s", "-1s", "-5"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
