//! Finds sealed values and seals in any text: in a manifest, a template, a script, or JSON inside
//! of JSON. A text that cannot be read as a manifest hides none of them.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use memchr::memmem::Finder;

use super::{PROTECTED, SEALED_MARK};
use crate::envelope::{Jwe, Kind, MAX_SEALED_SIZE};

/// The maximum number of bytes between the start of the JSON and the base64 of its header, with the
/// backslashes of JSON inside of JSON.
const MAX_HEAD: usize = 64;
/// How deep the braces of a sealed value are nested.
const MAX_DEPTH: usize = 3;

/// A sealed value or a seal in a text.
pub struct Sealing {
    /// What it is.
    pub kind: Kind,
    /// The JWE.
    pub jwe: Jwe,
    /// Its line, counted from 1.
    pub line: usize,
}

/// Calls `each` with every sealed value and every seal in a text, in order.
///
/// A sealed value is found as base64, as JSON, and as JSON in a JSON string. Damaged ones are
/// skipped. The time is proportional to the size of the text, whatever it contains.
pub fn sealings(bytes: &[u8], mut each: impl FnMut(Sealing)) {
    let finders = [Finder::new(SEALED_MARK), Finder::new(PROTECTED)];
    let mut next = finders.each_ref().map(|finder| finder.find(bytes));
    let (mut counted, mut line) = (0, 1);
    loop {
        let [encoded, plain] = next.map(|at| at.unwrap_or(usize::MAX));
        let at = encoded.min(plain);
        if at == usize::MAX {
            return;
        }
        let (found, end) = match encoded < plain {
            true => in_base64(bytes, at),
            false => in_json(bytes, at),
        };
        if let Some((kind, jwe)) = found {
            line += memchr::memchr_iter(b'\n', &bytes[counted..at]).count();
            counted = at;
            each(Sealing { kind, jwe, line });
        }
        for (finder, next) in finders.iter().zip(&mut next) {
            if next.is_some_and(|next| next < end) {
                *next = finder.find(&bytes[end..]).map(|found| end + found);
            }
        }
    }
}

/// The sealed value whose base64 begins at `start`, and the end of the base64.
fn in_base64(bytes: &[u8], start: usize) -> (Option<(Kind, Jwe)>, usize) {
    let is_base64 = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    let size = bytes[start..].iter().take_while(|b| is_base64(b)).count();
    let text = &bytes[start..start + size];
    let json = (size <= MAX_SEALED_SIZE * 2).then(|| BASE64_STANDARD.decode(text).ok()).flatten();
    (json.and_then(|json| parse(&json)), start + size)
}

/// The sealed value with the base64 of its header at `header`, and where to go on.
fn in_json(bytes: &[u8], header: usize) -> (Option<(Kind, Jwe)>, usize) {
    let after = header + PROTECTED.len();
    let head = &bytes[header.saturating_sub(MAX_HEAD)..header];
    let is_head = |b: &u8| b.is_ascii_alphabetic() || b" \t\r\n:\"\\{".contains(b);
    let before = head.iter().rev().take_while(|b| is_head(b)).position(|b| *b == b'{');
    let Some(start) = before.map(|before| header - 1 - before) else { return (None, after) };
    let mut depth = 0;
    let mut size = None;
    for (at, byte) in bytes[start..].iter().enumerate().take(MAX_SEALED_SIZE * 2) {
        match byte {
            b'{' if depth == MAX_DEPTH => break,
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            size = Some(at + 1);
            break;
        }
    }
    let Some(size) = size else { return (None, after) };
    // Nothing in a sealed value needs a backslash, so each one is of a string around it.
    let json: Vec<u8> =
        bytes[start..start + size].iter().copied().filter(|b| *b != b'\\').collect();
    match parse(&json) {
        Some(found) => (Some(found), start + size),
        None => (None, after),
    }
}

fn parse(json: &[u8]) -> Option<(Kind, Jwe)> {
    let of = |kind| Jwe::parse(kind, json).ok().map(|jwe| (kind, jwe));
    of(Kind::Value).or_else(|| of(Kind::Seal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::replace::tests::sealed;
    use crate::manifest::{Format, resource_object, sealed_object, write};

    fn found(text: &str) -> Vec<(Kind, usize)> {
        let mut found = Vec::new();
        sealings(text.as_bytes(), |sealing| found.push((sealing.kind, sealing.line)));
        found
    }

    #[test]
    fn both_forms_are_found_in_yaml_in_json_and_in_json_inside_of_json() {
        let secret = sealed("db");
        let all = secret.values.len() + 1;
        for object in [sealed_object(&secret), resource_object(&secret)] {
            let objects = [object];
            let json = write(&objects, Format::Json);
            let twice = serde_json::to_string(&*json).expect("text");
            for text in [&write(&objects, Format::Yaml), &json, &twice] {
                let found = found(text);
                assert_eq!(found.len(), all, "{text}");
                assert_eq!(found.iter().filter(|(kind, _)| *kind == Kind::Seal).count(), 1);
            }
        }
    }

    #[test]
    fn a_value_is_found_in_any_text_with_its_line() {
        let secret = sealed("db");
        let jwe = secret.values.values().next().expect("a value").to_json();
        let json = String::from_utf8(jwe).expect("JSON");
        let base64 = BASE64_STANDARD.encode(&json);
        let text = format!("{{{{ if }}}}\r\n\tx={base64};\n# {json}\n'{json}' {base64}");
        let lines: Vec<_> = found(&text).into_iter().map(|(_, line)| line).collect();
        assert_eq!(lines, [2, 3, 4, 4]);
        // A damaged one hides none that follows it.
        let cut = &json[..json.len() - 9];
        assert_eq!(found(&format!("{cut}\n{json}")), [(Kind::Value, 2)]);
        assert_eq!(found(&format!("{}\n{base64}", &base64[..99])), [(Kind::Value, 2)]);
    }

    #[test]
    fn a_hostile_text_takes_no_longer_than_its_size() {
        let started = std::time::Instant::now();
        for part in ["{\"protected\":\"eyJ0eXAiOiJlbnZjcnlwdC12", "eyJwcm90ZWN0ZWQiOi", "{{{{"] {
            let text = part.repeat((4 << 20) / part.len());
            assert_eq!(found(&text), []);
            assert_eq!(found(&format!("{{\"protected\":\"eyJ0eXAiOiJlbnZjcnlwdC12{text}")), []);
        }
        assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    }
}
