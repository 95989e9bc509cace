//! age recipients as KEKs (<https://age-encryption.org/v1>): X25519, the post-quantum hybrid, SSH
//! keys, tagged recipients, and the recipients of plugins.
//!
//! The wrapped DEK is a complete age file, so `age -d` opens it too. age works offline and has no
//! context.
//!
//! A plugin is a program, `age-plugin-NAME`, that speaks to a hardware key or to other recipients.
//! Only a plugin can open for a tagged recipient, but no plugin is needed to seal to it.

#[cfg(feature = "age")]
mod identities;
#[cfg(feature = "age")]
mod identity;
#[cfg(feature = "age")]
mod kek;
#[cfg(feature = "age")]
mod plugin;
#[cfg(feature = "age")]
mod post_quantum;
#[cfg(feature = "age")]
mod tagged;

use std::sync::Arc;

use super::provider::{Connector, Provider, Surroundings};
use super::uri::is_plain;

#[cfg(feature = "age")]
pub use identities::{Identities, IdentityError};
#[cfg(feature = "age")]
pub use identity::{Identity, NewIdentity, new_identity};
#[cfg(feature = "age")]
pub use kek::is_recipient;
#[cfg(feature = "age")]
pub use plugin::{find_plugin, install_hint};

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

    /// A recipient of a plugin counts as one, because nobody knows before the plugin runs. All
    /// hardware keys of today have P-256 or RSA keys. age has the same rule: it does not mix a
    /// post-quantum recipient with one whose plugin does not say that it is post-quantum too.
    fn is_classical_public_key(&self, name: &str) -> bool {
        !self.is_post_quantum(name)
    }

    fn is_post_quantum(&self, name: &str) -> bool {
        name.starts_with("age1pq1") || name.starts_with("age1tagpq1")
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

/// Returns the name of the plugin of a recipient, for example `yubikey` for `age1yubikey1…`. It is
/// `None` for a recipient that needs no plugin to seal.
///
/// The last `1` ends the name, since the rest of a Bech32 text has none.
pub(super) fn plugin_of(recipient: &str) -> Option<&str> {
    name_of(recipient).filter(|name| !["pq", "tag", "tagpq"].contains(name))
}

/// Returns the name in `age1NAME1…`.
pub(super) fn name_of(recipient: &str) -> Option<&str> {
    let (start, _) = recipient.rsplit_once('1')?;
    start.strip_prefix("age1").filter(|name| is_plugin_name(name))
}

/// Returns whether a plugin can have this name. It has no character that can leave a directory.
fn is_plugin_name(name: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-._".contains(&b);
    !name.is_empty() && name.bytes().all(is_allowed)
}

fn recipient(text: &str) -> Option<String> {
    let mut words = text.split(' ').filter(|word| !word.is_empty());
    // The name of a plugin can have `+` and `.`.
    let first = words.next().filter(|word| is_plain(&word.replace(['+', '.'], "-")))?;
    if first.starts_with("ssh-") {
        let is_base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
        let key = words.next().filter(|word| word.bytes().all(is_base64))?;
        return Some(format!("{first} {key}"));
    }
    (first.starts_with("age1") && words.next().is_none()).then(|| first.to_owned())
}
