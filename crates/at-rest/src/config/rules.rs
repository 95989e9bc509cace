//! The rules about providers and keys of a whole configuration.

use std::collections::HashMap;

use super::finding::{Finding, Findings, shown};
use super::{Block, Cipher, EncryptionConfiguration, Key, Lined, Provider};

pub(super) fn check(config: &EncryptionConfiguration, findings: &mut Findings) {
    names_are_unique(config, findings);
    // With an error, a provider can be missing here, so that warnings would mislead.
    if findings.has_errors() {
        return;
    }
    for block in &config.blocks {
        identity(block, findings);
        for (at, provider) in block.providers.iter().enumerate() {
            if let Provider::Local { cipher, keys } = &provider.value {
                weakness(*cipher, at == 0, provider.line, findings);
                names_differ(keys, findings);
            }
        }
    }
    keys_differ(config, findings);
}

fn names_are_unique(config: &EncryptionConfiguration, findings: &mut Findings) {
    let mut names: HashMap<&str, usize> = HashMap::new();
    for provider in config.blocks.iter().flat_map(|block| &block.providers) {
        let Provider::Kms(kms) = &provider.value else { continue };
        if let Some(line) = names.insert(&kms.name, provider.line) {
            let name = shown(&kms.name);
            let text =
                format!("the KMS plugin {name} is in line {line} too, but names must be unique");
            let hint = "give each entry its own name, even for the same socket";
            findings.push(Finding::error(provider.line, "kms-name", text).with_hint(hint));
        }
    }
}

fn identity(block: &Lined<Block>, findings: &mut Findings) {
    let is_identity = |provider: &&Lined<Provider>| matches!(provider.value, Provider::Identity);
    let Some(first) = block.providers.first() else { return };
    if is_identity(&first) {
        let text = "kube-apiserver writes these resources as plaintext, because `identity` is the \
                    first provider";
        let hint = "put `identity` last, unless these resources must not be encrypted";
        findings.push(Finding::warning(first.line, "identity-first", text).with_hint(hint));
    } else if !block.providers.iter().any(|provider| is_identity(&provider)) {
        let text = "kube-apiserver cannot read objects that are plaintext in etcd, because the \
                    entry has no `identity`";
        let hint = "until all objects are encrypted, keep `identity: {}` as the last provider";
        findings.push(Finding::warning(block.line, "no-identity", text).with_hint(hint));
    }
}

/// Warns of what a cipher does not protect from.
fn weakness(cipher: Cipher, is_writer: bool, line: usize, findings: &mut Findings) {
    let hint = "use a KMS plugin";
    match cipher {
        Cipher::AesGcm if is_writer => {
            let text = "`aesgcm` uses random nonces, so one key is safe for 200,000 writes only";
            let hint = "rotate the key before that, or use a KMS plugin";
            findings.push(Finding::warning(line, "aesgcm-nonces", text).with_hint(hint));
        }
        Cipher::AesGcm => {}
        Cipher::AesCbc => {
            let text = "`aescbc` has no authentication: an attacker who can write to etcd may learn \
                        plaintext (padding oracle)";
            findings.push(Finding::warning(line, "aescbc-padding", text).with_hint(hint));
        }
        Cipher::Secretbox => {}
    }
    if cipher != Cipher::AesGcm {
        let name = cipher.as_str();
        let text = format!(
            "`{name}` does not bind a value to its object: an attacker who can write to etcd can \
             exchange values"
        );
        findings.push(Finding::warning(line, "not-bound", text).with_hint(hint));
    }
}

fn names_differ(keys: &[Lined<Key>], findings: &mut Findings) {
    for (at, key) in keys.iter().enumerate() {
        if keys[..at].iter().any(|other| other.name == key.name) {
            let text = format!("the provider has two keys {}", shown(&key.name));
            findings.push(Finding::warning(key.line, "key-name-twice", text));
        }
    }
}

fn keys_differ(config: &EncryptionConfiguration, findings: &mut Findings) {
    let mut lines: HashMap<&[u8], usize> = HashMap::new();
    let providers = config.blocks.iter().flat_map(|block| &block.providers);
    for key in providers.flat_map(|provider| provider.keys()) {
        let name = shown(&key.name);
        if key.is_weak() {
            let text = format!("the key {name} is not random");
            let hint = "make one with `head -c 32 /dev/urandom | base64`";
            findings.push(Finding::warning(key.line, "key-weak", text).with_hint(hint));
        }
        if let Some(line) = lines.insert(key.secret(), key.line) {
            let text = match line == key.line {
                true => format!("an alias uses the key {name} in more than one place"),
                false => format!("the key {name} has the same secret as the key in line {line}"),
            };
            let hint = "give each provider of each entry its own key";
            findings.push(Finding::warning(key.line, "key-reused", text).with_hint(hint));
        }
    }
}
