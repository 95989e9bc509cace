//! Signatures and lists of signers as strangers write them: what is read has one meaning.

#![no_main]

use envcrypt_core::envelope::AuthorSignature;
use envcrypt_core::signature::{SECRET_NAMESPACE, Signers, SshSignature, unarmor};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    signature(input);
    let Ok(text) = std::str::from_utf8(input) else { return };
    unarmor(text).into_iter().flatten().for_each(|blob| signature(&blob));
    signers(text);
    list(text);
});

fn signature(blob: &[u8]) {
    let Ok(signature) = SshSignature::parse(blob) else { return };
    // Whoever signs chooses the key, so a signature of a fuzzer may even be valid.
    let _ = signature.verify(SECRET_NAMESPACE, b"a statement");
    assert!(signature.verify("another purpose", b"a statement").is_err());
    let key = signature.key().to_string();
    assert_eq!(key.parse().as_ref(), Ok(signature.key()));
    assert!(SshSignature::parse(&[blob, b"\0"].concat()).is_err(), "nothing can follow");
}

fn signers(text: &str) {
    let Ok(signers) = Signers::parse(text) else { return };
    for signer in signers.list() {
        // These are shown, and count people.
        assert!(!signer.principal.contains(|c: char| c.is_control() || c.is_whitespace()));
        let found = signers.principal(&signer.key, SECRET_NAMESPACE, 1_800_000_000);
        assert!(found.is_err() || found == Ok(&signer.principal), "one key is one person");
    }
}

fn list(json: &str) {
    let Ok(list) = AuthorSignature::parse_list(json) else { return };
    match AuthorSignature::list_json(&list) {
        Some(json) => assert_eq!(AuthorSignature::parse_list(&json), Ok(list)),
        None => assert!(list.is_empty()),
    }
}
