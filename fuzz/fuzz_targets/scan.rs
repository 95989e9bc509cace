//! A plain Secret that `kubectl` would apply is found, whatever the name of its file.

#![no_main]

use std::collections::BTreeMap;

use envcrypt_core::manifest::{self, Document, FileKind, Found, Position};
use libfuzzer_sys::fuzz_target;

/// How often each key has a plaintext value. A key that is not known is empty.
type Literals = BTreeMap<String, usize>;

fuzz_target!(|input: &[u8]| {
    let Some(text) = manifest::text_of_file(input) else { return };
    let (secrets, literals) = applied(&text);
    assert!(secrets == 0 || manifest::may_mention(input), "passed over before it is scanned");
    let breaks = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];
    // libyaml counts one more line at the end of a text.
    let lines = text.matches(breaks).count() + 2;
    let check = |at: Position| assert!(at.column > 0 && (1..=lines).contains(&at.line), "{at:?}");
    for kind in [FileKind::Manifest, FileKind::Kustomization, FileKind::Other] {
        let (mut found_secrets, mut found) = (0, Literals::new());
        for one in manifest::scan(&text, kind) {
            match one {
                Found::Sealed(at) | Found::Unreadable(at) => check(at),
                Found::Secret(secret) => {
                    check(secret.at);
                    found_secrets += 1;
                    for (key, at) in secret.literals {
                        check(at);
                        *found.entry(key.unwrap_or_default()).or_default() += 1;
                    }
                }
            }
        }
        assert!(found_secrets >= secrets, "{found_secrets} of {secrets} Secrets in {kind:?}");
        let mut unknown = found.get("").copied().unwrap_or_default();
        for (key, count) in &literals {
            let missing = count.saturating_sub(found.get(key).copied().unwrap_or_default());
            assert!(missing <= unknown, "a value of {key:?} is missed in {kind:?}");
            unknown -= missing;
        }
    }
    for (before, body) in manifest::heredocs(&text) {
        assert!(before < lines);
        let _ = manifest::scan(&body, FileKind::Manifest);
    }
});

/// The Secrets of a file, and their values that cannot be gaps of a template.
fn applied(text: &str) -> (usize, Literals) {
    let (mut secrets, mut literals) = (0, Literals::new());
    for document in manifest::parse(text.as_bytes()).unwrap_or_default() {
        let Document::Secret(object) = document else { continue };
        secrets += 1;
        let values = [&object.data, &object.string_data].into_iter().flatten().flatten();
        let values = values.map(|(key, value)| (key, value.as_deref().unwrap_or_default()));
        let sealed = object.spec.iter().flat_map(|spec| &spec.sealed.values);
        for (key, value) in values.chain(sealed.map(|(key, value)| (key, value.as_str()))) {
            let is_literal = !value.is_empty()
                && value.bytes().all(|b| b.is_ascii_alphanumeric())
                && !value.starts_with("eyJ");
            if is_literal && !key.is_empty() {
                *literals.entry(key.clone()).or_default() += 1;
            }
        }
    }
    (secrets, literals)
}
