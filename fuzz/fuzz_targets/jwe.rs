//! A JWE that the reader accepts is written again as the same JWE, and has only one kind.
//!
//! The input is JSON. If a line precedes the JSON, that line is the protected header without its
//! base64, and it replaces each `@` in the JSON. Almost no change to the base64 itself would be
//! read.

#![no_main]

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use envcrypt_core::envelope::{Jwe, Kind};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let json = match input.iter().position(|byte| *byte == b'\n') {
        None => input.to_vec(),
        Some(at) => {
            let header = BASE64.encode(&input[..at]);
            let bytes = |byte: &u8| match byte {
                b'@' => header.as_bytes().to_vec(),
                byte => vec![*byte],
            };
            input[at + 1..].iter().flat_map(bytes).collect()
        }
    };
    let [value, seal] = [Kind::Value, Kind::Seal].map(|kind| (kind, Jwe::parse(kind, &json)));
    assert!(value.1.is_err() || seal.1.is_err(), "a value is no seal");
    for (kind, jwe) in [value, seal] {
        let Ok(jwe) = jwe else { continue };
        let written = jwe.to_json();
        assert_eq!(Jwe::parse(kind, &written).as_ref(), Ok(&jwe));
        assert_eq!(jwe.json_size(), written.len());
        assert!(written.len() <= json.len(), "the reader knows no shorter form");
        assert!(jwe.binding.scope().is_some());
        assert_eq!(jwe.binding.key.is_some(), kind == Kind::Value);
        assert!(!jwe.recipients.is_empty() && jwe.padded_size() > 0);
        // This text is shown.
        assert!(!jwe.binding.to_string().contains(char::is_control));
    }
});
