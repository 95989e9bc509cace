//! Keys of AWS KMS as KEKs: `Encrypt` and `Decrypt` of the DEK with an encryption context.
//!
//! The SDK finds the credentials. To seal, the caller needs `kms:Encrypt`; to open, `kms:Decrypt`.
//! With `kms:ReEncryptFrom` and `kms:ReEncryptTo`, the KMS itself can move a DEK to another key.

#[cfg(feature = "aws")]
mod kek;
#[cfg(feature = "aws")]
mod refusal;
#[cfg(feature = "aws")]
mod retries;

use std::sync::Arc;

use super::provider::{Connector, Provider, Surroundings};

/// The AWS KMS kind of KEK.
pub(super) struct Aws;

impl Provider for Aws {
    fn prefix(&self) -> &'static str {
        "awskms:///"
    }

    fn parse(&self, name: &str) -> Result<String, &'static str> {
        let wrong = "the ARN of a key or alias, `alias/NAME` or a key id must follow `awskms:///`";
        is_key(name).then(|| name.to_owned()).ok_or(wrong)
    }

    fn is_alias(&self, name: &str) -> bool {
        self.is_bare(name) || !name.contains(":key/")
    }

    /// This applies to an alias, and to a key id without account and region.
    fn is_bare(&self, name: &str) -> bool {
        !name.starts_with("arn:")
    }

    /// The ARN of an alias may name every key of its account and region. A bare alias
    /// never matches.
    fn may_name(&self, alias: &str, key: &str) -> bool {
        let (Some((place, name)), Some((key_place, key_name))) =
            (alias.rsplit_once(':'), key.rsplit_once(':'))
        else {
            return false;
        };
        place == key_place && name.starts_with("alias/") && key_name.starts_with("key/")
    }

    fn is_built_in(&self) -> bool {
        cfg!(feature = "aws")
    }

    fn connector(&self, surroundings: &Surroundings) -> Option<Arc<dyn Connector>> {
        #[cfg(feature = "aws")]
        return Some(Arc::new(kek::Clients::new(surroundings.lifetimes.limits)));
        #[cfg(not(feature = "aws"))]
        {
            let _ = surroundings;
            None
        }
    }
}

/// Returns whether the text names a key of AWS KMS.
///
/// This can be `arn:PARTITION:kms:REGION:ACCOUNT:key/ID`, or the same with `alias/NAME`. It can
/// also be `alias/NAME` or an id alone.
fn is_key(text: &str) -> bool {
    let key = match text.split(':').collect::<Vec<_>>()[..] {
        ["arn", partition, "kms", region, account, key] => {
            let is_lower = |text: &str| {
                !text.is_empty()
                    && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            };
            let is_account = !account.is_empty() && account.bytes().all(|b| b.is_ascii_digit());
            let is_known = key.starts_with("key/") || key.starts_with("alias/");
            let is_partition =
                partition == "aws" || partition.strip_prefix("aws-").is_some_and(is_lower);
            if !is_partition || !is_lower(region) || !is_account || !is_known {
                return false;
            }
            key
        }
        [key] => key,
        _ => return false,
    };
    let name = key.strip_prefix("key/").or_else(|| key.strip_prefix("alias/")).unwrap_or(key);
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/');
    // AWS allows 256 characters for a name and 2,048 for an ARN.
    text.len() <= 2048
        && !name.is_empty()
        && name.bytes().all(plain)
        && (key != name || !key.contains('/'))
}
