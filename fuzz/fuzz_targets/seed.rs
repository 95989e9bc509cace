//! A ciphertext that the reader accepts is written again as one that means the same, and a key that
//! nobody sealed it with does not open it.

#![no_main]

use envcrypt_core::kek::{DataKey, KekUri};
use envcrypt_core::seed::{Ciphertext, FORMAT};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let bytes = [&[FORMAT], input].concat();
    let Ok(sealed) = Ciphertext::read(&bytes) else { return };
    let again = Ciphertext::read(&sealed.write()).expect("what is written is readable");
    assert!(again == sealed);
    assert_eq!(again.local_key_name(), sealed.local_key_name());
    assert!(sealed.write().len() <= bytes.len(), "the writer knows no longer form");
    let key = DataKey::from_slice(&[7; 32]).expect("32 bytes");
    assert!(sealed.open(&key, "id").is_err());
    let keks: Vec<KekUri> = ["azurekms://v.vault.azure.net/k", "hashivault://transit/k8s"]
        .map(|uri| uri.parse().expect("a KEK"))
        .into();
    assert!(sealed.candidates(&keks).len() <= sealed.copies().len());
});
