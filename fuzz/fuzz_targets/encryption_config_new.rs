//! A new EncryptionConfiguration has no errors and exactly the resources that were named, or it is
//! refused.

#![no_main]

use envcrypt_at_rest::config::{Cipher, EncryptionConfiguration, Kms, NewError, NewProvider, new};
use libfuzzer_sys::fuzz_target;

// The first line is a name, and the others are resources.
fuzz_target!(|text: &str| {
    let mut lines = text.lines().map(str::to_owned);
    let name = lines.next().unwrap_or_default();
    let resources: Vec<_> = lines.take(8).collect();
    let endpoint = format!("unix:///{name}");
    let kms = Kms { name: name.clone(), endpoint, timeout: resources.last().cloned() };
    let local = |cipher| NewProvider::Local { cipher, key: name.clone() };
    for provider in [NewProvider::Kms(kms), local(Cipher::Secretbox), local(Cipher::AesGcm)] {
        match new(&provider, &resources) {
            Ok(text) => {
                let config = EncryptionConfiguration::parse(&text).expect("it has no errors");
                let made: Vec<_> = config.blocks[0].resources.iter().map(|r| r.as_str()).collect();
                assert!(resources.is_empty() && made == ["secrets"] || made == resources);
            }
            Err(NewError::Refused(finding)) => assert!(finding.rule != "syntax", "{finding:?}"),
            Err(error) => panic!("{error}"),
        }
    }
});
