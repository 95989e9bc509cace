//! Finds sealed values and seals in any bytes, wherever they stand: in YAML, in JSON, in templates,
//! in text with conflict markers, and in text that is not UTF-8.

use std::ops::Range;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use memchr::memmem;

use super::scan::SEALED_MARK;
use crate::envelope::{Jwe, Kind, MAX_SEALED_SIZE};

/// The first member of a sealed value, after its quote.
const MEMBER: &[u8] = b"protected";
/// The maximum number of times that JSON is quoted in JSON.
const MAX_QUOTED: usize = 3;

/// A sealed value or a seal in a text.
pub struct SealedToken {
    /// Its bytes in the text, without quotes.
    pub range: Range<usize>,
    /// What it is, or `None` if it cannot be read.
    pub jwe: Option<(Kind, Jwe)>,
}

/// Where a sealed value can begin.
enum Start {
    /// Its first base64 character.
    Base64(usize),
    /// Its opening brace, and the number of backslashes before each of its quotes.
    Json(usize, usize),
}

impl Start {
    fn at(&self) -> usize {
        match self {
            Self::Base64(at) | Self::Json(at, _) => *at,
        }
    }
}

/// Finds all sealed values and seals, in their order.
#[must_use]
pub fn sealed_tokens(bytes: &[u8]) -> Vec<SealedToken> {
    let base64 = memmem::find_iter(bytes, SEALED_MARK.as_bytes()).map(Start::Base64);
    let json = memmem::find_iter(bytes, MEMBER).filter_map(|at| json_start(bytes, at));
    let mut starts: Vec<Start> = base64.chain(json).collect();
    starts.sort_by_key(Start::at);
    let (mut tokens, mut end) = (Vec::new(), 0);
    for (index, start) in starts.iter().enumerate() {
        // A start inside another token is a part of it.
        if start.at() < end {
            continue;
        }
        // No sealed value contains another one. So each byte is read once.
        let limit = starts.get(index + 1).map_or(bytes.len(), Start::at);
        let token = match start {
            Start::Base64(at) => Some(base64_token(bytes, *at, limit)),
            Start::Json(at, slashes) => json_token(&bytes[..limit], *at, *slashes),
        };
        end = token.as_ref().map_or(end, |token| token.range.end);
        tokens.extend(token);
    }
    tokens
}

/// A value in base64 that begins at `start`, and ends before `limit`. Its lines may be folded.
pub(super) fn base64_token(bytes: &[u8], start: usize, limit: usize) -> SealedToken {
    let first = run(bytes, start);
    let value = |text: &[u8]| BASE64_STANDARD.decode(text).ok().and_then(|json| read(&json));
    if let Some(jwe) = value(&bytes[start..first]) {
        return SealedToken { range: start..first, jwe: Some(jwe) };
    }
    let (mut text, mut end) = (bytes[start..first].to_vec(), first);
    loop {
        let next = next_line(bytes, end);
        let after = run(bytes, next);
        let is_line = next > end && after > next && after <= limit;
        if !is_line || !ends_line(bytes, after) || text.len() > 2 * MAX_SEALED_SIZE {
            break;
        }
        text.extend_from_slice(&bytes[next..after]);
        end = after;
    }
    match value(&text) {
        Some(jwe) => SealedToken { range: start..end, jwe: Some(jwe) },
        None => SealedToken { range: start..first, jwe: None },
    }
}

fn ends_line(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_none_or(|byte| matches!(byte, b'\r' | b'\n' | b'\\' | b'"' | b'\''))
}

/// The end of a run of base64 characters.
fn run(bytes: &[u8], start: usize) -> usize {
    let is_base64 = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    start + bytes[start..].iter().take_while(|b| is_base64(b)).count()
}

/// The first character of the next line, if nothing else follows on this one.
fn next_line(bytes: &[u8], end: usize) -> usize {
    let rest = &bytes[end..];
    let skip = [&b"\n"[..], b"\r\n", b"\\\n", b"\\\r\n"].into_iter().find(|s| rest.starts_with(s));
    let Some(skip) = skip else { return end };
    let next = end + skip.len();
    next + bytes[next..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count()
}

/// The start of a value or a seal in JSON. `member` is where its first member begins.
fn json_start(bytes: &[u8], member: usize) -> Option<Start> {
    let before = bytes[..member].strip_suffix(b"\"")?;
    let slashes = before.iter().rev().take(8).take_while(|b| **b == b'\\').count();
    let start = before.len().checked_sub(slashes + 1)?;
    (bytes[start] == b'{').then_some(Start::Json(start, slashes))
}

/// A value or a seal in JSON, possibly quoted in other JSON.
fn json_token(bytes: &[u8], start: usize, slashes: usize) -> Option<SealedToken> {
    // Each quoting doubles the backslashes, and adds one.
    let quoted = (0..=MAX_QUOTED).find(|quoted| slashes == (1 << quoted) - 1)?;
    let end = end_of_object(bytes, start, slashes)?;
    let mut json = String::from_utf8(bytes[start..end].to_vec()).ok()?;
    for _ in 0..quoted {
        json = serde_json::from_str(&format!("\"{json}\"")).ok()?;
    }
    Some(SealedToken { range: start..end, jwe: read(json.as_bytes()) })
}

/// Where an object ends whose quotes have this many backslashes.
fn end_of_object(bytes: &[u8], start: usize, slashes: usize) -> Option<usize> {
    let (mut depth, mut in_text, mut seen) = (0_usize, false, 0);
    for (offset, byte) in bytes[start..].iter().take(2 * MAX_SEALED_SIZE).enumerate() {
        match byte {
            b'\\' => {
                seen += 1;
                continue;
            }
            b'"' if seen == slashes => in_text = !in_text,
            // The text that the object is quoted in ends here.
            b'"' if seen < slashes => return None,
            b'{' if !in_text => depth += 1,
            b'}' if !in_text => depth -= 1,
            _ => {}
        }
        seen = 0;
        if depth == 0 {
            return Some(start + offset + 1);
        }
    }
    None
}

fn read(json: &[u8]) -> Option<(Kind, Jwe)> {
    let parse = |kind| Jwe::parse(kind, json).ok().map(|jwe| (kind, jwe));
    parse(Kind::Value).or_else(|| parse(Kind::Seal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::replace::tests::sealed;

    fn tokens(text: &str) -> Vec<(String, Option<Kind>)> {
        let tokens = sealed_tokens(text.as_bytes()).into_iter();
        tokens.map(|t| (text[t.range].to_owned(), t.jwe.map(|(kind, _)| kind))).collect()
    }

    #[test]
    fn values_and_seals_are_found_in_every_form() {
        let secret = sealed("one");
        let value = &secret.values[&"a".parse().expect("a key")];
        let json = String::from_utf8(value.to_json()).expect("text");
        let seal =
            String::from_utf8(secret.seal.as_ref().expect("sealed").to_json()).expect("text");
        let base64 = BASE64_STANDARD.encode(&json);
        let quoted = |text: &str| {
            let quoted = serde_json::to_string(text).expect("text");
            quoted[1..quoted.len() - 1].to_owned()
        };
        let (once, twice) = (quoted(&json), quoted(&quoted(&json)));
        for (token, kind) in [
            (&base64, Kind::Value),
            (&json, Kind::Value),
            (&seal, Kind::Seal),
            (&once, Kind::Value),
            (&twice, Kind::Value),
        ] {
            for around in ["a: X\n", "'X'", "\"X\"", "<<<<<<< ours\nX\n=======\n", "{{ X }} \\ X"] {
                let found = tokens(&around.replace('X', token));
                let count = around.matches('X').count();
                assert_eq!(found, vec![(token.clone(), Some(kind)); count], "{around}");
            }
        }
        let (head, tail) = base64.split_at(100);
        let folded = format!("{head}\r\n  {tail}");
        assert_eq!(tokens(&format!("a: >-\n  {folded}\nb: x")), [(folded, Some(Kind::Value))]);
        let damaged = base64.replacen("eyJ0", "eyK0", 1);
        let damaged = &damaged[..damaged.len() - 4];
        assert_eq!(tokens(damaged), [(damaged.to_owned(), None)]);
        assert_eq!(tokens("the \"protected\" branch: {\"protected\": true"), []);
        assert_eq!(tokens("{\"protected\":1}"), [("{\"protected\":1}".to_owned(), None)]);
    }

    #[test]
    fn many_beginnings_cost_no_more_than_their_bytes() {
        for mark in [SEALED_MARK, "{\"protected\":\"", "eyJwcm90ZWN0ZWQiOi\n", "{\\\"protected"] {
            let text = mark.repeat((4 << 20) / mark.len());
            assert!(sealed_tokens(text.as_bytes()).iter().all(|token| token.jwe.is_none()));
        }
    }

    proptest::proptest! {
        #[test]
        fn tokens_are_apart_and_in_order(parts in proptest::collection::vec(0..9_usize, 0..20)) {
            let parts = parts.iter().map(|part| {
                ["{\"protected", "\":\"", "\"}", "}", "{", "\\", SEALED_MARK, "\n  ", "Zm9v"][*part]
            });
            let text: String = parts.collect();
            let mut end = 0;
            for token in sealed_tokens(text.as_bytes()) {
                proptest::prop_assert!(token.range.start >= end && token.range.end <= text.len());
                end = token.range.end;
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        for text in ["\"protected", "{\"protected", "{\\\"protected\\\":\"}", "{\"protected\":\"}}"]
        {
            assert!(tokens(text).iter().all(|(_, kind)| kind.is_none()), "{text}");
        }
        let mut bytes = b"\xff{\"protected\":\"\xff\"}".to_vec();
        assert_eq!(sealed_tokens(&bytes).len(), 0);
        bytes.truncate(8);
        assert_eq!(sealed_tokens(&bytes).len(), 0);
    }
}
