//! The sealed Secrets of one version of a text.

use std::collections::{BTreeMap, BTreeSet};

use envcrypt_core::envelope::{Jwe, Kind, SealCheck, SealedSecret, is_of_a_tool};
use envcrypt_core::manifest::{self, Document, ManifestError, Object};
use envcrypt_core::secret::{Namespace, Place};

/// A text that could be read, with its sealed Secrets.
pub struct Version {
    pub text: String,
    secrets: BTreeMap<Place, Found>,
    /// Places with a plain Secret, or with two Secrets.
    unclear: BTreeSet<Place>,
}

/// A sealed Secret in a text.
pub struct Found {
    /// Its number among all Secrets of the text.
    pub index: usize,
    pub object: Object,
    /// The Secret, or why it cannot be read.
    pub secret: Result<SealedSecret, ManifestError>,
}

impl Version {
    /// Reads a text. A place that has two Secrets has none here: it is not clear which is meant.
    ///
    /// # Errors
    /// Returns a [`ManifestError`] if the text is not a manifest.
    pub fn read(text: &str) -> Result<Self, ManifestError> {
        let documents = manifest::parse(text.as_bytes())?.into_iter();
        let objects = documents.filter_map(|document| match document {
            Document::Secret(object) => Some(*object),
            Document::Other(_) => None,
        });
        let mut secrets = BTreeMap::new();
        let mut unclear = BTreeSet::new();
        for (index, object) in objects.enumerate() {
            let namespace = namespace(&object);
            let Ok(place) = object.place(&namespace) else { continue };
            let secret = object.sealed(&namespace, SealCheck::Required);
            let is_sealed = object.is_sealed();
            let found = Found { index, object, secret };
            // A plain Secret is text.
            if secrets.insert(place.clone(), found).is_some() || !is_sealed {
                unclear.insert(place);
            }
        }
        secrets.retain(|place, _| !unclear.contains(place));
        Ok(Self { text: text.to_owned(), secrets, unclear })
    }

    pub fn get(&self, place: &Place) -> Option<&Found> {
        self.secrets.get(place)
    }

    /// Whether it is known what this place has: a sealed Secret, or nothing.
    pub fn is_clear(&self, place: &Place) -> bool {
        !self.unclear.contains(place) && self.get(place).is_none_or(|found| found.secret.is_ok())
    }

    /// Whether this place has a plain Secret, or two Secrets.
    pub fn is_unclear(&self, place: &Place) -> bool {
        self.unclear.contains(place)
    }

    /// The Secret in this place, if it can be read.
    pub fn secret(&self, place: &Place) -> Option<&SealedSecret> {
        self.get(place)?.secret.as_ref().ok()
    }

    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.secrets.keys()
    }

    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// The text with other Secrets in the places of its own. A Secret that is the same already
    /// keeps its text, however it is written.
    ///
    /// # Errors
    /// Returns [`ManifestError::InPlace`] if a Secret is written in a way that cannot be changed.
    pub fn with<'s>(
        &self,
        secrets: impl IntoIterator<Item = (&'s Place, &'s SealedSecret)>,
    ) -> Result<String, ManifestError> {
        let mut changes = BTreeMap::new();
        for (place, wanted) in secrets {
            let Some(found) = self.get(place) else { continue };
            let is_same = found.secret.as_ref().is_ok_and(|there| same(there, wanted));
            if !is_same {
                changes.insert(found.index, wanted.clone());
            }
        }
        match changes.is_empty() {
            true => Ok(self.text.clone()),
            false => manifest::replace(&self.text, &changes),
        }
    }
}

/// Whether all that is sealed, and the signatures are the same. Labels and annotations are text.
pub fn same(one: &SealedSecret, other: &SealedSecret) -> bool {
    one.signatures == other.signatures && same_sealed(one, other)
}

/// Whether the labels and annotations are the same, except those of tools.
pub fn same_names(one: &SealedSecret, other: &SealedSecret) -> bool {
    type Names = BTreeMap<String, String>;
    let of_people = |names: &Names| -> Names {
        let mut names = names.clone();
        names.retain(|name, _| !is_of_a_tool(name));
        names
    };
    of_people(&one.meta.labels) == of_people(&other.meta.labels)
        && of_people(&one.meta.annotations) == of_people(&other.meta.annotations)
}

/// Whether all that is sealed is the same.
pub fn same_sealed(one: &SealedSecret, other: &SealedSecret) -> bool {
    one.values == other.values
        && one.seal == other.seal
        && one.meta.kind == other.meta.kind
        && one.meta.immutable == other.meta.immutable
}

/// The namespace if the object names none: the one that it was sealed for.
fn namespace(object: &Object) -> Namespace {
    let seal = object.seal().and_then(|text| Jwe::parse(Kind::Seal, text.as_bytes()).ok());
    let bound = seal.and_then(|seal| seal.binding.namespace);
    let name = bound.as_deref().unwrap_or("default");
    name.parse().unwrap_or_else(|_| "default".parse().expect("a namespace"))
}
