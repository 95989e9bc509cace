//! Edits a configuration to replace its keys or its providers, in three steps.
//!
//! 1. [`with_new_key_second`]: each kube-apiserver can read what the new key encrypts.
//! 2. [`new_key_first`]: they write with the new key.
//! 3. [`without_old_keys`], after all objects are encrypted again.
//!
//! [`with_provider_second`], [`provider_first`] and [`without_old_providers`] do the same with a
//! whole provider. Each edit needs the result of the edit before it. The edits keep everything else,
//! but not the comments.

mod error;
mod place;

use zeroize::Zeroizing;

use super::{Key, Lined, NewProvider, Provider};

pub use error::{EditError, Place};
use place::{edit_keys, edit_providers, encrypting, is, key_place, parse, provider_place, writers};

/// Adds a fresh key as the second key of each provider that writes with a local key.
///
/// # Errors
/// Returns an [`EditError`] if the configuration is invalid or has a key with this name.
pub fn with_new_key_second(text: &str, name: &str) -> Result<Zeroizing<String>, EditError> {
    edit_keys(text, name, Place::Absent, |keys| {
        keys.insert(1, Lined::fresh(Key::random(name).map_err(EditError::Random)?));
        Ok(())
    })
}

/// Makes the second key the first.
///
/// # Errors
/// Returns an [`EditError`] if the key is not the second key.
pub fn new_key_first(text: &str, name: &str) -> Result<Zeroizing<String>, EditError> {
    edit_keys(text, name, Place::Second, |keys| {
        keys.swap(0, 1);
        Ok(())
    })
}

/// Removes all other keys of the providers that write with the key.
///
/// # Errors
/// Returns an [`EditError`] if the key is not the first key, or the only one.
pub fn without_old_keys(text: &str, name: &str) -> Result<Zeroizing<String>, EditError> {
    edit_keys(text, name, Place::First, |keys| {
        keys.truncate(1);
        Ok(())
    })
}

/// Returns the place of a key in the providers that write with a local key.
///
/// # Errors
/// Returns an [`EditError`] if it has not the same place in each.
pub fn place_of_key(text: &str, name: &str) -> Result<Place, EditError> {
    let mut config = parse(text)?;
    key_place(&writers(&mut config), name)
}

/// Returns the names of the keys that write, without duplicates.
///
/// # Errors
/// Returns an [`EditError`] if the configuration is invalid or no local key writes.
pub fn writing_keys(text: &str) -> Result<Vec<String>, EditError> {
    let mut config = parse(text)?;
    let mut names = Vec::new();
    for (_, keys) in writers(&mut config) {
        names.extend(keys.first().map(|key| key.name.clone()));
    }
    names.sort_unstable();
    names.dedup();
    if names.is_empty() { Err(EditError::NoLocalKey) } else { Ok(names) }
}

/// Adds a provider as the second provider of each block that encrypts.
///
/// The name of a KMS plugin must be unique. In the second block, `-2` follows the name, and so on.
///
/// # Errors
/// Returns an [`EditError`] if the configuration is invalid or has the provider.
pub fn with_provider_second(
    text: &str,
    provider: &NewProvider,
) -> Result<Zeroizing<String>, EditError> {
    edit_providers(text, provider, Place::Absent, |providers, new| {
        let made = new.make().map_err(EditError::Random)?;
        providers.insert(1, Lined::fresh(made));
        Ok(())
    })
}

/// Makes the second provider the first.
///
/// # Errors
/// Returns an [`EditError`] if the provider is not the second.
pub fn provider_first(text: &str, provider: &NewProvider) -> Result<Zeroizing<String>, EditError> {
    edit_providers(text, provider, Place::Second, |providers, _| {
        providers.swap(0, 1);
        Ok(())
    })
}

/// Removes all other providers of the blocks that write with the provider, except `identity`.
///
/// # Errors
/// Returns an [`EditError`] if the provider is not the first.
pub fn without_old_providers(
    text: &str,
    provider: &NewProvider,
) -> Result<Zeroizing<String>, EditError> {
    edit_providers(text, provider, Place::First, |providers, new| {
        providers.retain(|one| is(one, new) || matches!(one.value, Provider::Identity));
        Ok(())
    })
}

/// Returns the place of a provider in the blocks that encrypt.
///
/// # Errors
/// Returns an [`EditError`] if it has not the same place in each.
pub fn place_of_provider(text: &str, provider: &NewProvider) -> Result<Place, EditError> {
    let mut config = parse(text)?;
    provider_place(&encrypting(&mut config), provider)
}

#[cfg(test)]
mod tests;
