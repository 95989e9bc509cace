//! The meaning of scalars in YAML.
//!
//! kube-apiserver reads YAML 1.1, in which `yes` is a boolean and `010` a number. It refuses both
//! where it expects text.

use saphyr_parser::Tag;

/// The meaning of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Null,
    Text,
    Boolean,
    Number,
    /// `!!binary`: base64 that the reader decodes.
    Binary,
    /// The key `<<`.
    Merge,
}

/// Returns the meaning of a scalar. `is_plain` says that the scalar is not in quotes or a block.
pub(super) fn meaning(text: &str, is_plain: bool, tag: Option<&Tag>) -> Meaning {
    match tag {
        Some(tag) if !tag.is_yaml_core_schema() => Meaning::Text,
        Some(tag) => match tag.suffix.as_str() {
            "null" => Meaning::Null,
            "bool" => Meaning::Boolean,
            "int" | "float" => Meaning::Number,
            "binary" => Meaning::Binary,
            "merge" => Meaning::Merge,
            _ => Meaning::Text,
        },
        None if is_plain => plain(text),
        None => Meaning::Text,
    }
}

fn plain(text: &str) -> Meaning {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Meaning::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Meaning::Boolean
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Meaning::Boolean
        }
        "<<" => Meaning::Merge,
        _ if is_number(text) => Meaning::Number,
        _ => Meaning::Text,
    }
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    // A number that begins with a point cannot have underscores.
    let digits = match text.starts_with('.') {
        true => text.to_owned(),
        false => unsigned.replace('_', ""),
    };
    is_decimal(&digits) || is_in_base(&digits, unsigned.len() < text.len())
}

/// Whether the text is a decimal number without a sign that fits into 64 bits of floating point.
fn is_decimal(text: &str) -> bool {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent)),
        None => (text, None),
    };
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let exponent = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
    is_digits(whole)
        && is_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|digits| !digits.is_empty() && is_digits(digits))
        && text.parse::<f64>().is_ok_and(f64::is_finite)
}

fn is_in_base(text: &str, is_signed: bool) -> bool {
    let Some(digits) = text.strip_prefix('0') else { return false };
    let most = if is_signed { 1 << 63 } else { u64::MAX };
    [(['x', 'X'], 16), (['o', 'O'], 8), (['b', 'B'], 2)].iter().any(|(prefix, base)| {
        let digits = digits.strip_prefix(*prefix).filter(|digits| !digits.starts_with('+'));
        let number = digits.and_then(|digits| u64::from_str_radix(digits, *base).ok());
        number.is_some_and(|number| number <= most)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_mean_what_yaml_1_1_says() {
        for text in ["yes", "No", "on", "y", "TRUE"] {
            assert_eq!(plain(text), Meaning::Boolean, "{text}");
        }
        let numbers = [
            "1",
            "-1",
            "010",
            "08",
            "1_000",
            "0x1F",
            "-0x1f",
            "0o17",
            "0b11",
            "1.",
            "1.5",
            ".5",
            "1e3",
            "+.inf",
            ".nan",
            "18446744073709551616",
            "0_x1",
        ];
        for text in numbers {
            assert_eq!(plain(text), Meaning::Number, "{text}");
        }
        let texts = [
            "secrets",
            "yEs",
            "1e",
            "1.2.3",
            "0x",
            "0xg",
            ".",
            "-",
            "2026-01-02",
            "v1",
            "3s",
            "._5",
            "-.nan",
            "1e999",
            "0x10000000000000000",
            "key1",
        ];
        for text in texts {
            assert_eq!(plain(text), Meaning::Text, "{text}");
        }
    }

    #[test]
    fn quotes_and_tags_decide_before_the_text() {
        let tag = |suffix: &str| Tag { handle: "tag:yaml.org,2002:".into(), suffix: suffix.into() };
        assert_eq!(meaning("1", false, None), Meaning::Text);
        assert_eq!(meaning("1", true, Some(&tag("str"))), Meaning::Text);
        assert_eq!(meaning("1", false, Some(&tag("int"))), Meaning::Number);
        assert_eq!(meaning("YQ==", true, Some(&tag("binary"))), Meaning::Binary);
        let own = Tag { handle: "!".into(), suffix: "x".into() };
        assert_eq!(meaning("1", true, Some(&own)), Meaning::Text);
    }
}
