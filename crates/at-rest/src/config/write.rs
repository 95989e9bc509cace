//! Writes a configuration as YAML.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use super::scalar::{Meaning, meaning};
use super::{Block, EncryptionConfiguration, Key, Kms, Provider};

/// Writes comments, then the configuration.
pub(super) fn yaml(comments: &str, config: &EncryptionConfiguration) -> Zeroizing<String> {
    let blocks: usize = config.blocks.iter().map(|block| block_size(block)).sum();
    let mut text = Zeroizing::new(String::with_capacity(comments.len() + 200 + blocks));
    let capacity = text.capacity();
    text.push_str(comments);
    text.push_str("apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n");
    text.push_str(if config.blocks.is_empty() { "resources: []\n" } else { "resources:\n" });
    for block in &config.blocks {
        text.push_str("- resources:\n");
        for resource in &block.resources {
            item(&mut text, "  - ", resource);
        }
        text.push_str("  providers:\n");
        for provider in &block.providers {
            write_provider(&mut text, provider);
        }
    }
    debug_assert_eq!(text.capacity(), capacity, "a copy of a key is left in memory");
    text
}

fn write_provider(text: &mut String, provider: &Provider) {
    match provider {
        Provider::Identity => text.push_str("  - identity: {}\n"),
        Provider::Kms(Kms { name, endpoint, timeout }) => {
            text.push_str("  - kms:\n      apiVersion: v2\n");
            item(text, "      name: ", name);
            item(text, "      endpoint: ", endpoint);
            if let Some(timeout) = timeout {
                item(text, "      timeout: ", timeout);
            }
        }
        Provider::Local { cipher, keys } => {
            item(text, "  - ", cipher.as_str());
            text.pop();
            text.push_str(":\n      keys:\n");
            for key in keys {
                item(text, "      - name: ", &key.name);
                text.push_str("        secret: ");
                BASE64_STANDARD.encode_string(key.secret(), text);
                text.push('\n');
            }
        }
    }
}

/// Writes a line with a scalar, in quotes if it needs them.
fn item(text: &mut String, before: &str, value: &str) {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
    text.push_str(before);
    match value.starts_with(|c: char| c.is_ascii_alphanumeric())
        && value.chars().all(is_plain)
        && !value.ends_with(':')
        && meaning(value, true, None) == Meaning::Text
    {
        true => text.push_str(value),
        false => quoted(text, value),
    }
    text.push('\n');
}

fn quoted(text: &mut String, value: &str) {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            ' '..='~' => text.push(c),
            _ => text.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    text.push('"');
}

/// The size of a block as YAML is at most this, in bytes. A buffer of keys must not grow.
fn block_size(block: &Block) -> usize {
    let scalar = |value: &str| 32 + 10 * value.len();
    let key = |key: &Key| 64 + scalar(&key.name) + 2 * key.secret().len();
    let providers = block.providers.iter().map(|provider| match &provider.value {
        Provider::Identity => 32,
        Provider::Kms(kms) => {
            let timeout = kms.timeout.as_deref().unwrap_or_default();
            64 + scalar(&kms.name) + scalar(&kms.endpoint) + scalar(timeout)
        }
        Provider::Local { keys, .. } => 64 + keys.iter().map(|one| key(one)).sum::<usize>(),
    });
    let resources: usize = block.resources.iter().map(|resource| scalar(resource)).sum();
    64 + resources + providers.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scalar_is_quoted_if_it_needs_quotes() {
        for (value, expected) in [
            ("secrets", "secrets"),
            ("unix:///run/kms.sock", "unix:///run/kms.sock"),
            ("3s", "3s"),
            ("*.*", "\"*.*\""),
            ("yes", "\"yes\""),
            ("10", "\"10\""),
            ("", "\"\""),
            ("a:", "\"a:\""),
            ("-a", "\"-a\""),
            ("a \"b\\", "\"a \\\"b\\\\\""),
            ("é\n", "\"\\U000000e9\\U0000000a\""),
        ] {
            let mut text = String::new();
            item(&mut text, "", value);
            assert_eq!(text, format!("{expected}\n"));
        }
    }
}
