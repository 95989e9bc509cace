//! Durations in the configuration: `5m`, `24h`, `0`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};

pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = match serde_yaml::Value::deserialize(deserializer)? {
        serde_yaml::Value::String(text) => text,
        serde_yaml::Value::Number(number) if number.as_u64() == Some(0) => {
            return Ok(Duration::ZERO);
        }
        _ => String::new(),
    };
    humantime::parse_duration(&text)
        .map_err(|_| D::Error::custom("a duration must be a text such as 10s, 5m or 24h, or 0"))
}
