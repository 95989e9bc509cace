//! Files with age identities: no message has a part of them, and other blanks and line ends mean
//! the same.

#![no_main]

use std::path::Path;
use std::sync::Arc;

use envcrypt_core::kek::KekUri;
use envcrypt_core::kek::age::Identities;
use libfuzzer_sys::fuzz_target;

const NAME: &str = "a";

fuzz_target!(|text: &str| {
    let identities = read(text);
    for error in identities.broken() {
        let expected = format!("`{NAME}` is not an age identity file or an SSH private key");
        let is_known = error.to_string() == expected
            || error
                .to_string()
                .starts_with(&format!("`{NAME}` is protected by a passphrase, and "));
        assert!(is_known && error.path() == Path::new(NAME), "{error}");
    }
    let recipients = identities.recipients();
    for (_, recipient) in &recipients {
        let kek = KekUri::age(recipient);
        assert!(kek.is_ok_and(|kek| kek.rest() == recipient), "{recipient}");
        assert!(!recipient.to_ascii_uppercase().starts_with("AGE-"), "an identity is shown");
    }
    for (_, name) in identities.plugin_names() {
        // It becomes the name of a program: `age-plugin-NAME`.
        assert!(!name.is_empty() && !name.contains(['/', '\\', '\0']) && !name.starts_with('.'));
    }
    for identity in identities.unlocked() {
        let is_listed = |own: &str| recipients.iter().any(|(_, listed)| listed == own);
        assert!(identity.recipient().is_none_or(is_listed));
        assert!(identity.recipient().is_none_or(|own| identities.has_unlocked(own)));
    }
    let is_lines = !text.contains("-----BEGIN") && !text.contains('\r');
    if is_lines && !text.starts_with("age-encryption.org/") {
        let other = read(&text.replace('\n', "\r\n\r\n"));
        assert_eq!(other.recipients(), recipients);
        assert_eq!(other.broken().count(), identities.broken().count());
    }
});

fn read(text: &str) -> Identities {
    let passphrases = Arc::new(|_: &str| Err("nobody types it".to_owned()));
    Identities::new(Vec::new(), passphrases, None).with_text(NAME, text.to_owned().into())
}
