//! Sealed values are found apart from each other, and each one is what is written there.

#![no_main]

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use envcrypt_core::manifest::sealed_tokens;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut end = 0;
    for token in sealed_tokens(input) {
        assert!(token.range.start >= end && token.range.end <= input.len());
        assert!(!token.range.is_empty());
        end = token.range.end;
        let Some((_, jwe)) = token.jwe else { continue };
        // Written by itself, it is found again as a whole.
        for text in [jwe.to_json(), BASE64_STANDARD.encode(jwe.to_json()).into_bytes()] {
            let again = sealed_tokens(&text);
            assert!(matches!(&again[..], [one] if one.range == (0..text.len())));
            assert!(again[0].jwe.as_ref().is_some_and(|(_, found)| *found == jwe));
        }
    }
});
