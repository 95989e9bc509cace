//! Files of SOPS and Sealed Secrets are refused or opened, and what is opened has
//! no metadata of SOPS any more.

#![no_main]

use envcrypt_core::kek::DataKey;
use envcrypt_peers::sops::{Dotenv, File, Options};
use envcrypt_peers::{may_mention, sealed_secrets, survey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let key = || DataKey::from_slice(&[7; 32]).expect("32 bytes");
    if let Ok(found) = survey(text) {
        assert!(found.is_empty() || may_mention(input), "it was not mentioned");
    }
    if let Ok(file) = Dotenv::read(text) {
        let _ = file.open(&key(), true);
    }
    let _ = sealed_secrets::open(text, &[], "default");
    let Ok(Some(file)) = File::read(text) else { return };
    let keys: Vec<_> = file.parts().iter().map(|_| key()).collect();
    let options = Options { ignore_mac: true, keep_comments: true, accept_plain: true };
    if let Ok(opened) = file.open(&keys, options) {
        assert!(!matches!(File::read(&opened.text), Ok(Some(_))), "the metadata is still there");
    }
});
