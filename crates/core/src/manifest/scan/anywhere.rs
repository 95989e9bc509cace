//! Finds sealed values and seals in any text: in a manifest, a template, a script, or JSON inside
//! of JSON. A text that cannot be read as a manifest hides none of them.

use std::collections::HashSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use memchr::memmem::{self, Finder};

use super::{BINARY, FileKind, Found, PROTECTED, SEALED_MARK, is_wide, scan};
use crate::envelope::{Jwe, Kind, MAX_SEALED_SIZE};
use crate::manifest::tokens::base64_token;

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

/// Returns whether a text may have a sealed Secret, however it is written.
#[must_use]
pub fn may_have_sealed(bytes: &[u8]) -> bool {
    let words = ["nvcrypt", SEALED_MARK, PROTECTED, "\\x", "\\u", "\\U", "\\\n", "\\\r"];
    let has = |word: &str| memmem::find(bytes, word.as_bytes()).is_some();
    is_wide(bytes) || words.into_iter().chain(BINARY).any(has)
}

/// Calls `each` with every sealed value and every seal in a text.
///
/// A sealed value is found as base64, as JSON, and as JSON in a JSON string, in order. Those of
/// Secrets that can be read are found in any other form, too, and come last. Damaged ones are
/// skipped. The time is proportional to the size of the text, whatever it contains.
pub fn sealings(bytes: &[u8], mut each: impl FnMut(Sealing)) {
    let mut known = HashSet::new();
    in_bytes(bytes, |found| {
        known.insert(found.jwe.digest());
        each(found);
    });
    if !may_have_sealed(bytes) {
        return;
    }
    for found in scan(&String::from_utf8_lossy(bytes), FileKind::Other) {
        let Found::Secret(secret) = found else { continue };
        let line = secret.at.line;
        for (kind, jwe) in in_secret(*secret) {
            if known.insert(jwe.digest()) {
                each(Sealing { kind, jwe, line });
            }
        }
    }
}

/// The sealed values and the seal of a Secret that can be read.
fn in_secret(secret: super::FoundSecret) -> Vec<(Kind, Jwe)> {
    let Some(object) = secret.into_object() else { return Vec::new() };
    let json = |text: &String| {
        // Go's reader of base64 ignores line breaks.
        let text = text.replace(['\n', '\r'], "");
        BASE64_STANDARD.decode(text).ok()
    };
    let data = object.data.iter().flatten().filter_map(|(_, text)| json(text.as_ref()?));
    let plain = object.string_data.iter().flatten();
    let plain = plain.filter_map(|(_, text)| Some(text.as_ref()?.clone().into_bytes()));
    let spec = object.spec.iter().flat_map(|spec| spec.sealed.values.values());
    let spec = spec.map(|text| text.clone().into_bytes());
    let seal = object.seal().map(|text| text.as_bytes().to_vec());
    data.chain(plain).chain(spec).chain(seal).filter_map(|json| parse(&json)).collect()
}

fn in_bytes(bytes: &[u8], mut each: impl FnMut(Sealing)) {
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
            true => {
                let next = finders[0].find(&bytes[at + 1..]).map(|found| at + 1 + found);
                let token = base64_token(bytes, at, next.unwrap_or(bytes.len()).min(plain));
                (token.jwe, token.range.end)
            }
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
    fn what_the_reader_of_manifests_opens_is_found_however_it_is_written() {
        let secret = sealed("db");
        let all = secret.values.len() + 1;
        let yaml = write(&[sealed_object(&secret)], Format::Yaml).to_string();
        let value = secret.values.values().next().expect("a value");
        let json = String::from_utf8(value.to_json()).expect("JSON");
        let base64 = BASE64_STANDARD.encode(&json);
        assert!(yaml.contains(&base64), "{yaml}");
        let (head, tail) = base64.split_at(10);
        let (first, second) = base64.split_at(99);
        let members: std::collections::BTreeMap<String, serde_json::Value> =
            serde_json::from_str(&json).expect("JSON");
        let members = members.iter().map(|(name, value)| format!("{name:?}:{value}"));
        let other =
            BASE64_STANDARD.encode(format!("{{{}}}", members.collect::<Vec<_>>().join(",")));
        assert!(!other.starts_with(SEALED_MARK));
        for written in [
            format!("\"{first}\\\n    {second}\""),
            format!("\"{head}\\\n    {tail}\""),
            format!("\"\\x65{}\"", &base64[1..]),
            format!("\"\\u0065{}\"", &base64[1..]),
            format!("|\n    {first}\n    {second}"),
            format!("|\n    {head}\n    {tail}"),
            other,
        ] {
            let text = yaml.replace(&base64, &written);
            assert_eq!(found(&text).len(), all, "{text}");
        }
        // In a template, where nothing can be parsed.
        let text = format!("{{{{ if }}}}\na: |\n  {first}\n  {second}\nb: [\n");
        assert_eq!(found(&text), [(Kind::Value, 3)]);
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
