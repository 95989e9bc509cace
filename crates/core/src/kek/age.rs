//! age recipients as KEKs (<https://age-encryption.org/v1>): X25519, the post-quantum hybrid, and
//! SSH keys.
//!
//! The wrapped DEK is a complete age file, so `age -d` opens it too. age works offline and has no
//! context.

#[cfg(feature = "age")]
mod identities;
#[cfg(feature = "age")]
mod kek;
#[cfg(feature = "age")]
mod post_quantum;

use std::sync::Arc;

use super::provider::{Connector, Provider, Surroundings};
use super::uri::is_plain;

#[cfg(feature = "age")]
pub use identities::{Identities, Identity, IdentityError, NewIdentity, new_identity};
#[cfg(feature = "age")]
pub use kek::is_recipient;

/// The scheme of age recipients.
pub(super) const SCHEME: &str = "age";

/// The age kind of KEK.
pub(super) struct Age;

impl Provider for Age {
    fn prefix(&self) -> &'static str {
        "age:"
    }

    /// A native recipient is one word. An SSH recipient is two words, and a comment may follow.
    fn parse(&self, name: &str) -> Result<String, &'static str> {
        recipient(name).ok_or("an age recipient (`age1…`) or an SSH public key must follow `age:`")
    }

    fn is_classical_public_key(&self, name: &str) -> bool {
        !name.starts_with("age1pq1")
    }

    fn is_built_in(&self) -> bool {
        cfg!(feature = "age")
    }

    fn connector(&self, surroundings: &Surroundings) -> Option<Arc<dyn Connector>> {
        #[cfg(feature = "age")]
        return Some(surroundings.identities.clone());
        #[cfg(not(feature = "age"))]
        {
            let _ = surroundings;
            None
        }
    }
}

fn recipient(text: &str) -> Option<String> {
    let mut words = text.split(' ').filter(|word| !word.is_empty());
    let first = words.next().filter(|word| is_plain(word))?;
    if first.starts_with("ssh-") {
        let is_base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
        let key = words.next().filter(|word| word.bytes().all(is_base64))?;
        return Some(format!("{first} {key}"));
    }
    (first.starts_with("age1") && words.next().is_none()).then(|| first.to_owned())
}
