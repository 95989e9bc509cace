//! Finds the lists that an edit is about, and the place of the new item in them.

use zeroize::Zeroizing;

use super::error::{EditError, Place};
use crate::config::finding::shown;
use crate::config::{EncryptionConfiguration, Key, Kms, Lined, NewProvider, Provider};

pub(super) fn parse(text: &str) -> Result<EncryptionConfiguration, EditError> {
    EncryptionConfiguration::parse(text).map_err(EditError::Invalid)
}

/// The lists of an edit. Each has the line of its provider or block.
type Items<'c, T> = Vec<(usize, &'c mut Vec<Lined<T>>)>;

/// The keys of each provider that writes with a local key, and its line.
pub(super) fn writers(config: &mut EncryptionConfiguration) -> Items<'_, Key> {
    let firsts = config.blocks.iter_mut().filter_map(|block| block.value.providers.first_mut());
    let keys = firsts.filter_map(|provider| match &mut provider.value {
        Provider::Local { keys, .. } => Some((provider.line, keys)),
        Provider::Identity | Provider::Kms(_) => None,
    });
    keys.collect()
}

/// The providers of each block that encrypts, and its line.
pub(super) fn encrypting(config: &mut EncryptionConfiguration) -> Items<'_, Provider> {
    let blocks = config.blocks.iter_mut().map(|block| (block.line, &mut block.value.providers));
    let encrypts = |providers: &[Lined<Provider>]| {
        providers.first().is_some_and(|first| !matches!(first.value, Provider::Identity))
    };
    blocks.filter(|(_, providers)| encrypts(providers)).collect()
}

/// Returns the place of a key in the lists.
pub(super) fn key_place(lists: &Items<'_, Key>, name: &str) -> Result<Place, EditError> {
    if lists.is_empty() {
        return Err(EditError::NoLocalKey);
    }
    let places = lists.iter().map(|(line, keys)| {
        let positions = positions(keys, |key| key.name == name);
        (*line, place(&positions, keys.len()))
    });
    same(places, key_name(name))
}

/// Returns the place of a provider in the lists. `identity` does not count as another provider.
pub(super) fn provider_place(
    lists: &Items<'_, Provider>,
    new: &NewProvider,
) -> Result<Place, EditError> {
    if lists.is_empty() {
        return Err(EditError::NothingEncrypts);
    }
    let places = lists.iter().enumerate().map(|(at, (line, providers))| {
        let new = numbered(new, at);
        let positions = positions(providers, |provider| is(provider, &new));
        let encrypts = |one: &&Lined<Provider>| !matches!(one.value, Provider::Identity);
        (*line, place(&positions, providers.iter().filter(encrypts).count()))
    });
    same(places, provider_name(new))
}

fn key_name(name: &str) -> String {
    format!("the key {}", shown(name))
}

fn provider_name(new: &NewProvider) -> String {
    match new {
        NewProvider::Kms(kms) => format!("the KMS plugin {}", shown(&kms.name)),
        NewProvider::Local { cipher, key } => {
            format!("the provider `{}` with the key {}", cipher.as_str(), shown(key))
        }
    }
}

/// Whether the provider is the new one.
pub(super) fn is(provider: &Provider, new: &NewProvider) -> bool {
    match (provider, new) {
        (Provider::Kms(kms), NewProvider::Kms(new)) => kms.name == new.name,
        (Provider::Local { cipher, keys }, NewProvider::Local { cipher: new, key }) => {
            cipher == new && keys.first().is_some_and(|first| first.name == *key)
        }
        _ => false,
    }
}

/// The new provider in the block at this place. The name of a KMS plugin must be unique.
fn numbered(new: &NewProvider, at: usize) -> NewProvider {
    match new {
        NewProvider::Kms(kms) if at > 0 => {
            NewProvider::Kms(Kms { name: format!("{}-{}", kms.name, at + 1), ..kms.clone() })
        }
        new => new.clone(),
    }
}

/// Edits the keys of each provider that writes, if the key `name` has the place `must`.
pub(super) fn edit_keys(
    text: &str,
    name: &str,
    must: Place,
    edit: impl Fn(&mut Vec<Lined<Key>>) -> Result<(), EditError>,
) -> Result<Zeroizing<String>, EditError> {
    let mut config = parse(text)?;
    let taken = name_taken(&config, name);
    let mut lists = writers(&mut config);
    let is = key_place(&lists, name)?;
    if is != must {
        return Err(EditError::Place { what: key_name(name), must, is });
    }
    if must == Place::Absent {
        taken?;
    }
    for (_, keys) in &mut lists {
        edit(keys)?;
    }
    write(&config)
}

/// Edits the providers of each block that encrypts, if the new provider has the place `must`.
pub(super) fn edit_providers(
    text: &str,
    new: &NewProvider,
    must: Place,
    edit: impl Fn(&mut Vec<Lined<Provider>>, &NewProvider) -> Result<(), EditError>,
) -> Result<Zeroizing<String>, EditError> {
    let mut config = parse(text)?;
    let taken = match new {
        NewProvider::Kms(_) => Ok(()),
        NewProvider::Local { key, .. } => name_taken(&config, key),
    };
    let mut lists = encrypting(&mut config);
    let is = provider_place(&lists, new)?;
    if is != must {
        return Err(EditError::Place { what: provider_name(new), must, is });
    }
    if must == Place::Absent {
        taken?;
    }
    for (at, (_, providers)) in lists.iter_mut().enumerate() {
        edit(providers, &numbered(new, at))?;
    }
    write(&config)
}

/// Refuses a name that a key of any provider has.
fn name_taken(config: &EncryptionConfiguration, name: &str) -> Result<(), EditError> {
    let providers = config.blocks.iter().flat_map(|block| &block.providers);
    let mut keys = providers.flat_map(|provider| provider.keys());
    match keys.find(|key| key.name == name) {
        Some(key) => Err(EditError::NameTaken { line: key.line }),
        None => Ok(()),
    }
}

/// Writes the result, if kube-apiserver accepts it.
fn write(config: &EncryptionConfiguration) -> Result<Zeroizing<String>, EditError> {
    let text = config.to_yaml();
    match EncryptionConfiguration::parse(&text) {
        Ok(_) => Ok(text),
        Err(finding) => Err(EditError::Refused(finding)),
    }
}

fn positions<T>(items: &[Lined<T>], is_it: impl Fn(&T) -> bool) -> Vec<usize> {
    (0..items.len()).filter(|at| is_it(&items[*at].value)).collect()
}

/// Returns the place of the item at these positions, among so many.
fn place(positions: &[usize], count: usize) -> Option<Place> {
    match positions {
        [] => Some(Place::Absent),
        [0] if count == 1 => Some(Place::Only),
        [0] => Some(Place::First),
        [1] => Some(Place::Second),
        _ => None,
    }
}

/// Returns the place that all lists have.
fn same(
    places: impl Iterator<Item = (usize, Option<Place>)>,
    what: String,
) -> Result<Place, EditError> {
    let mut all = None;
    for (line, place) in places {
        if place.is_none() || all.is_some_and(|all| Some(all) != place) {
            return Err(EditError::Uneven { line, what });
        }
        all = place;
    }
    Ok(all.unwrap_or(Place::Absent))
}
