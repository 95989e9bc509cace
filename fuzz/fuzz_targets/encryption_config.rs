//! An EncryptionConfiguration: what is accepted is written and rotated without an error, and no finding has a key in it.

#![no_main]

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use envcrypt_at_rest::config::rotate::{
    Place, new_key_first, place_of_key, with_new_key_second, without_old_keys,
};
use envcrypt_at_rest::config::{EncryptionConfiguration, Finding, Provider, Severity, check};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let findings = check(text);
    let breaks = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];
    // The readers count one more line at the end of a text.
    let lines = text.matches(breaks).count() + 2;
    assert!(findings.iter().all(|finding| finding.line <= lines), "{findings:?}");
    let is_accepted = findings.iter().all(|finding| finding.severity != Severity::Error);
    match EncryptionConfiguration::parse(text) {
        Ok(config) => {
            assert!(is_accepted, "{findings:?}");
            hides_keys(&config, &findings);
            comes_back(&config);
        }
        Err(finding) => assert!(findings.contains(&finding) && !is_accepted),
    }
    rotates(text);
});

fn hides_keys(config: &EncryptionConfiguration, findings: &[Finding]) {
    for provider in config.blocks.iter().flat_map(|block| &block.providers) {
        let Provider::Local { keys, .. } = &provider.value else { continue };
        for key in keys {
            let secret = BASE64_STANDARD.encode(key.secret());
            assert!(findings.iter().all(|finding| !finding.text.contains(&secret)));
        }
    }
}

fn comes_back(config: &EncryptionConfiguration) {
    let text = config.to_yaml();
    let again = EncryptionConfiguration::parse(&text);
    let again = again.unwrap_or_else(|finding| panic!("{finding:?}: {}", *text));
    assert_eq!(*again.to_yaml(), *text);
}

fn rotates(text: &str) {
    let name = "new";
    let Ok(second) = with_new_key_second(text, name) else { return };
    let first = new_key_first(&second, name).expect("the second key can be the first");
    let only = without_old_keys(&first, name).expect("the old keys can go");
    assert_eq!(place_of_key(&only, name).expect("one place"), Place::Only);
    for step in [with_new_key_second, new_key_first, without_old_keys] {
        assert!(step(&only, name).is_err(), "the rotation is complete");
    }
}
