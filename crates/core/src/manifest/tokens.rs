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

/// Finds all sealed values and seals, in their order.
#[must_use]
pub fn sealed_tokens(bytes: &[u8]) -> Vec<SealedToken> {
    let mut tokens: Vec<SealedToken> = memmem::find_iter(bytes, SEALED_MARK.as_bytes())
        .map(|at| base64_token(bytes, at))
        .collect();
    tokens.extend(memmem::find_iter(bytes, MEMBER).filter_map(|at| json_token(bytes, at)));
    tokens.sort_by_key(|token| token.range.start);
    // A token inside another one is a part of it.
    let mut end = 0;
    tokens.retain(|token| {
        let is_outside = token.range.start >= end;
        end = end.max(token.range.end);
        is_outside
    });
    tokens
}

/// A value in base64. Its lines may be folded.
fn base64_token(bytes: &[u8], start: usize) -> SealedToken {
    let mut end = run(bytes, start);
    let mut text = bytes[start..end].to_vec();
    let first = end;
    while text.len() <= 2 * MAX_SEALED_SIZE {
        if let Some(jwe) = BASE64_STANDARD.decode(&text).ok().and_then(|json| read(&json)) {
            return SealedToken { range: start..end, jwe: Some(jwe) };
        }
        let next = next_line(bytes, end);
        let after = run(bytes, next);
        if next == end || after == next {
            break;
        }
        text.extend_from_slice(&bytes[next..after]);
        end = after;
    }
    SealedToken { range: start..first, jwe: None }
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

/// A value or a seal in JSON, possibly quoted in other JSON. `member` is where its first member
/// begins.
fn json_token(bytes: &[u8], member: usize) -> Option<SealedToken> {
    let before = bytes[..member].strip_suffix(b"\"")?;
    let slashes = before.iter().rev().take_while(|b| **b == b'\\').count();
    // Each quoting doubles the backslashes, and adds one.
    let quoted = (0..=MAX_QUOTED).find(|quoted| slashes == (1 << quoted) - 1)?;
    let start = before.len().checked_sub(slashes + 1)?;
    if bytes[start] != b'{' {
        return None;
    }
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
