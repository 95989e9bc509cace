//! Scalars as Go's reader of YAML (go.yaml.in/yaml/v3) resolves them, in the text form that SOPS
//! encrypts and authenticates.

use std::borrow::Cow;

use envcrypt_core::manifest::tree::{Data, Node, Style};

const CORE: &str = "tag:yaml.org,2002:";

/// How a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    Yaml,
    Json,
}

/// A scalar that is not encrypted.
#[derive(Debug, PartialEq)]
pub(super) enum Scalar<'n> {
    /// A null is neither encrypted nor authenticated.
    Null,
    /// A text.
    Text(&'n str),
    /// The text form of a number, a boolean or a time.
    Other(Cow<'n, str>),
    /// An integer that does not fit into 64 bits. SOPS refuses it.
    TooLarge,
}

impl Scalar<'_> {
    /// The text form. A null has none.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Other(text) => text,
            Self::Null | Self::TooLarge => "",
        }
    }
}

/// Reads a scalar. Other nodes are read as a null.
pub(super) fn resolve(node: &Node, syntax: Syntax) -> Scalar<'_> {
    let Data::Scalar { text, style } = &node.data else { return Scalar::Null };
    let tag = node.tag.as_deref().map(|tag| tag.strip_prefix(CORE).unwrap_or(tag));
    match tag {
        None if *style == Style::Plain && syntax == Syntax::Json => json(text),
        None if *style == Style::Plain => yaml(text),
        Some("null") => Scalar::Null,
        Some("int" | "float" | "bool" | "timestamp") => yaml(text),
        _ => Scalar::Text(text),
    }
}

fn json(text: &str) -> Scalar<'_> {
    match (text, text.parse::<f64>()) {
        ("null", _) => Scalar::Null,
        ("true", _) => Scalar::Other("True".into()),
        ("false", _) => Scalar::Other("False".into()),
        // The JSON reader of SOPS reads every number as a float.
        (_, Ok(number)) => Scalar::Other(float(number).into()),
        _ => Scalar::Text(text),
    }
}

fn yaml(text: &str) -> Scalar<'_> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "true" | "True" | "TRUE" => return Scalar::Other("True".into()),
        "false" | "False" | "FALSE" => return Scalar::Other("False".into()),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Scalar::Other("+Inf".into());
        }
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Other("-Inf".into()),
        ".nan" | ".NaN" | ".NAN" => return Scalar::Other("NaN".into()),
        _ => {}
    }
    let may_be_number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    if !may_be_number {
        return Scalar::Text(text);
    }
    if let Some(time) = time(text) {
        return Scalar::Other(time.into());
    }
    let digits = text.replace('_', "");
    match integer(&digits) {
        Some(Integer::Fits(number)) => return Scalar::Other(number.to_string().into()),
        Some(Integer::TooLarge) => return Scalar::TooLarge,
        None => {}
    }
    match is_float(&digits).then(|| digits.parse::<f64>()) {
        Some(Ok(number)) if number.is_finite() => Scalar::Other(float(number).into()),
        _ => Scalar::Text(text),
    }
}

enum Integer {
    Fits(i64),
    TooLarge,
}

/// An integer of Go's `ParseInt` with base 0, and the older forms of octal and binary.
fn integer(text: &str) -> Option<Integer> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let prefixed = |names: [&str; 2]| rest.strip_prefix(names[0]).or(rest.strip_prefix(names[1]));
    let (digits, radix) = if let Some(digits) = prefixed(["0x", "0X"]) {
        (digits, 16)
    } else if let Some(digits) = prefixed(["0o", "0O"]) {
        (digits, 8)
    } else if let Some(digits) = prefixed(["0b", "0B"]) {
        (digits, 2)
    } else if rest.len() > 1 && rest.starts_with('0') {
        (&rest[1..], 8)
    } else {
        (rest, 10)
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let number = i128::from_str_radix(digits, radix).ok().map(|number| sign * number);
    Some(match number.and_then(|number| i64::try_from(number).ok()) {
        Some(number) => Integer::Fits(number),
        None => Integer::TooLarge,
    })
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (number, exponent) = match unsigned.split_once(['e', 'E']) {
        None => (unsigned, None),
        Some((number, exponent)) => (number, Some(exponent)),
    };
    let are_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let is_number = match number.split_once('.') {
        None => !number.is_empty() && are_digits(number),
        Some(("", fraction)) => !fraction.is_empty() && are_digits(fraction),
        Some((whole, fraction)) => are_digits(whole) && are_digits(fraction),
    };
    let is_exponent = |text: &str| {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        !digits.is_empty() && are_digits(digits)
    };
    is_number && exponent.is_none_or(is_exponent)
}

/// As Go's `FormatFloat(number, 'f', -1, 64)`: the shortest digits, without an exponent.
fn float(number: f64) -> String {
    number.to_string()
}

/// A time in one of the forms that Go's reader knows, as RFC 3339 with the fractions that it has.
pub(super) fn time(text: &str) -> Option<String> {
    let is_year = text.len() > 4 && text.as_bytes()[4] == b'-';
    if !is_year || !text.bytes().take(4).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (date, clock) = match text.find(['T', 't', ' ']) {
        None => (text, None),
        Some(at) => (&text[..at], Some((&text[at..=at], &text[at + 1..]))),
    };
    let numbers = |text: &str, mark: char, most: &[u32]| -> Option<Vec<u32>> {
        let parts: Vec<&str> = text.split(mark).collect();
        let is_number =
            |part: &&str| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        if parts.len() != most.len() || !parts.iter().all(is_number) {
            return None;
        }
        let numbers: Vec<u32> = parts.iter().map_while(|part| part.parse().ok()).collect();
        numbers.iter().zip(most).all(|(number, most)| number <= most).then_some(numbers)
    };
    let day = numbers(date.get(5..)?, '-', &[12, 31])?;
    let year: u32 = date[..4].parse().ok()?;
    if day[0] == 0 || day[1] == 0 || day[1] > days(year, day[0]) {
        return None;
    }
    let date = format!("{}-{:02}-{:02}", &date[..4], day[0], day[1]);
    let Some((mark, clock)) = clock else { return Some(format!("{date}T00:00:00Z")) };
    let (clock, zone) = match clock.find(['Z', '+', '-']) {
        None => (clock, ""),
        Some(at) => clock.split_at(at),
    };
    // Only the form with a blank has no zone.
    let zone = match (mark, zone) {
        (" ", "") => "Z",
        (" ", _) | (_, "") => return None,
        (_, "Z" | "+00:00" | "-00:00") => "Z",
        (_, zone) => zone,
    };
    let is_zone = zone == "Z" || (zone.len() == 6 && numbers(&zone[1..], ':', &[24, 60]).is_some());
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let of_day = numbers(clock, ':', &[23, 59, 59])?;
    if !is_zone || !fraction.bytes().all(|b| b.is_ascii_digit()) || fraction.len() > 9 {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    let [hours, minutes, seconds] = of_day[..] else { return None };
    Some(format!("{date}T{hours:02}:{minutes:02}:{seconds:02}{point}{fraction}{zone}"))
}

fn days(year: u32, month: u32) -> u32 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use envcrypt_core::manifest::tree;

    fn shown(text: &str, syntax: Syntax) -> String {
        let nodes = tree::read(text).expect(text);
        match resolve(&nodes[0], syntax) {
            Scalar::Null => "null".to_owned(),
            Scalar::Text(text) => format!("text {text}"),
            Scalar::Other(text) => text.into_owned(),
            Scalar::TooLarge => "too large".to_owned(),
        }
    }

    #[test]
    fn scalars_of_yaml_have_the_form_that_go_gives_them() {
        for (text, expected) in [
            ("true", "True"),
            ("FALSE", "False"),
            ("yes", "text yes"),
            ("on", "text on"),
            ("tRue", "text tRue"),
            ("'true'", "text true"),
            ("!!str true", "text true"),
            ("~", "null"),
            ("Null", "null"),
            ("5", "5"),
            ("+5", "5"),
            ("-5", "-5"),
            ("0x1F", "31"),
            ("0o17", "15"),
            ("0b101", "5"),
            ("-0b101", "-5"),
            ("0777", "511"),
            ("08", "8"),
            ("1_000", "1000"),
            ("1.50", "1.5"),
            ("1e3", "1000"),
            ("1e21", "1000000000000000000000"),
            (".5", "0.5"),
            ("5.", "5"),
            ("-0.0", "-0"),
            ("1.2.3", "text 1.2.3"),
            ("+", "text +"),
            ("1e", "text 1e"),
            (".inf", "+Inf"),
            (".NaN", "NaN"),
            ("9223372036854775807", "9223372036854775807"),
            ("9223372036854775808", "too large"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("2026-11-27", "2026-11-27T00:00:00Z"),
            ("2026-1-2", "2026-01-02T00:00:00Z"),
            ("2026-13-01", "text 2026-13-01"),
            ("2026-02-29", "text 2026-02-29"),
            ("2026-11-27T20:53:12.500Z", "2026-11-27T20:53:12.5Z"),
            ("2026-11-27t20:53:12+01:00", "2026-11-27T20:53:12+01:00"),
            ("2026-11-27 20:53:12", "2026-11-27T20:53:12Z"),
            ("2026-11-27T20:53:12", "text 2026-11-27T20:53:12"),
            ("10.0.0.1", "text 10.0.0.1"),
        ] {
            assert_eq!(shown(text, Syntax::Yaml), expected, "{text}");
        }
    }

    #[test]
    fn numbers_of_json_are_floats() {
        for (text, expected) in [
            ("5", "5"),
            ("1.50", "1.5"),
            ("9223372036854775808", "9223372036854776000"),
            ("true", "True"),
            ("null", "null"),
            ("\"5\"", "text 5"),
        ] {
            assert_eq!(shown(text, Syntax::Json), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = yaml(&text);
        }

        #[test]
        fn integers_and_floats_come_back(int in proptest::num::i64::ANY, float in proptest::num::f64::NORMAL) {
            assert_eq!(yaml(&int.to_string()), Scalar::Other(int.to_string().into()));
            let written = format!("{float:e}");
            let Scalar::Other(text) = yaml(&written) else { panic!("a number") };
            assert_eq!(text.parse::<f64>(), Ok(float));
        }
    }
}
