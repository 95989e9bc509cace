//! What was found: the sealed values of now, those of the history, and which data keys the KEK had.
//!
//! A value of the history takes about a hundred bytes, and four more words for each file that has
//! it. A value is not kept itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::keks::Keks;
use super::sops::{self, Encrypted};
use envcrypt_core::envelope::{Binding, Jwe, Kind};
use envcrypt_core::manifest::{Object, sealings};

/// What stands for the bytes of a sealed value.
pub type Digest = [u8; 16];

/// The namespace, name and key that a value is bound to. `*` stands for what it is not bound to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item {
    pub place: String,
    pub key: String,
}

impl Item {
    fn of(binding: &Binding) -> Self {
        let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "*".to_owned());
        let place = format!("{}/{}", part(&binding.namespace), part(&binding.name));
        Self { place, key: part(&binding.key) }
    }
}

/// Where a value is now.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    File(PathBuf),
    /// An object of the cluster: its namespace, and its kind and name.
    Cluster(String, String),
}

/// A sealed value of now.
pub struct Current {
    pub item: Item,
    pub digest: Digest,
    /// The number of its data key.
    pub dek: u32,
    /// Whether the KEK opens it.
    pub is_open: bool,
    pub source: Source,
    pub line: usize,
    /// The value, if it is compared later.
    pub jwe: Option<Box<Jwe>>,
}

/// A place of a value or a seal in the history.
#[derive(Clone, Copy)]
pub struct Spot {
    /// The number of the file.
    pub file: u32,
    pub line: u32,
    /// Whether the KEK was on it there.
    has_kek: bool,
}

/// A sealed value or a seal of the history.
struct Old {
    /// `None` for a seal.
    item: Option<Item>,
    dek: u32,
    spots: Vec<Spot>,
}

/// All values.
pub struct Ledger {
    keks: Keks,
    keeps_values: bool,
    /// The number of each data key, by its commitment.
    deks: HashMap<[u8; 32], u32>,
    /// The data key that a number stands for: two numbers can turn out to be the same data key.
    same_as: Vec<u32>,
    /// Whether the KEK ever had the data key with this number.
    is_exposed: Vec<bool>,
    /// The data key of each value that SOPS encrypted.
    of_sops: HashMap<Digest, u32>,
    /// Files with values of SOPS that could not be read.
    pub unreadable: BTreeSet<PathBuf>,
    /// Aliases in files of SOPS that may stand for the KEK.
    pub aliases: BTreeSet<String>,
    old: Vec<Old>,
    known: HashMap<Digest, usize>,
    pub current: Vec<Current>,
}

impl Ledger {
    pub fn new(keks: Keks, keeps_values: bool) -> Self {
        Self {
            keks,
            keeps_values,
            deks: HashMap::new(),
            same_as: Vec::new(),
            is_exposed: Vec::new(),
            of_sops: HashMap::new(),
            unreadable: BTreeSet::new(),
            aliases: BTreeSet::new(),
            old: Vec::new(),
            known: HashMap::new(),
            current: Vec::new(),
        }
    }

    /// Takes a file of the history. Returns whether it has a sealed value.
    pub fn take_old(&mut self, file: u32, text: &str, path: &Path) -> bool {
        let mut is_any = false;
        sealings(text.as_bytes(), |found| {
            is_any = true;
            let (dek, has_kek) = self.dek(&found.jwe);
            let item = (found.kind == Kind::Value).then(|| Item::of(&found.jwe.binding));
            let spot = Spot { file, line: number(found.line), has_kek };
            self.add_old(digest(&found.jwe), item, dek, spot);
        });
        if let Some((encrypted, dek, has_kek)) = self.sops(text, path) {
            is_any = true;
            for leaf in encrypted.leaves {
                let spot = Spot { file, line: number(leaf.line), has_kek };
                self.add_old(leaf.digest, Some(leaf.item), dek, spot);
            }
        }
        is_any
    }

    fn add_old(&mut self, digest: Digest, item: Option<Item>, dek: u32, spot: Spot) {
        let index = *self.known.entry(digest).or_insert(self.old.len());
        if index == self.old.len() {
            self.old.push(Old { item, dek, spots: Vec::new() });
        }
        self.old[index].spots.push(spot);
    }

    /// Takes a file of now.
    pub fn take_file(&mut self, text: &str, path: &Path) {
        let source = Source::File(path.to_owned());
        self.take(text, &source);
        if let Some((encrypted, dek, is_open)) = self.sops(text, path) {
            self.current.extend(encrypted.leaves.into_iter().map(|leaf| Current {
                item: leaf.item,
                digest: leaf.digest,
                dek,
                is_open,
                source: source.clone(),
                line: leaf.line,
                jwe: None,
            }));
        }
    }

    /// Takes a text of now.
    fn take(&mut self, text: &str, source: &Source) {
        sealings(text.as_bytes(), |found| {
            let (dek, is_open) = self.dek(&found.jwe);
            if found.kind == Kind::Value {
                self.current.push(Current {
                    item: Item::of(&found.jwe.binding),
                    digest: digest(&found.jwe),
                    dek,
                    is_open,
                    source: source.clone(),
                    line: found.line,
                    jwe: self.keeps_values.then(|| Box::new(found.jwe)),
                });
            }
        });
    }

    /// A file under SOPS, the number of its data key, and whether the KEK has it there. All values
    /// of a file count as one part: of several parts, the KEK may open only some.
    fn sops(&mut self, text: &str, path: &Path) -> Option<(Encrypted, u32, bool)> {
        let encrypted = sops::read(text, path).unwrap_or_else(|_| {
            self.unreadable.insert(path.to_owned());
            None
        })?;
        let known = encrypted.leaves.iter().find_map(|leaf| self.of_sops.get(&leaf.digest));
        let dek = known.copied().unwrap_or_else(|| self.new_dek());
        for leaf in &encrypted.leaves {
            let other = *self.of_sops.entry(leaf.digest).or_insert(dek);
            let (one, two) = (self.root(dek), self.root(other));
            self.same_as[one as usize] = two;
            self.is_exposed[two as usize] |= self.is_exposed[one as usize];
        }
        let has_kek = encrypted.keks.iter().any(|kek| self.keks.include(kek));
        let aliases = encrypted.keks.iter().filter(|kek| self.keks.may_be_behind(kek));
        self.aliases.extend(aliases.map(ToString::to_string));
        let root = self.root(dek);
        self.is_exposed[root as usize] |= has_kek;
        Some((encrypted, dek, has_kek))
    }

    /// Takes an object of the cluster, with its annotations.
    pub fn take_object(&mut self, object: &Object) {
        let namespace = object.metadata.namespace.clone().unwrap_or_default();
        let source = Source::Cluster(namespace, object.reference());
        let annotations = object.metadata.annotations.iter().flatten().map(|(_, text)| text);
        let data = object.data.iter().flatten().filter_map(|(_, text)| text.as_ref());
        let sealed = object.spec.iter().map(|spec| &spec.sealed);
        let sealed = sealed.flat_map(|sealed| sealed.values.values().chain(&sealed.seal));
        for text in data.chain(sealed).chain(annotations) {
            self.take(text, &source);
        }
    }

    /// The number of the data key, and whether the KEK has it here.
    fn dek(&mut self, jwe: &Jwe) -> (u32, bool) {
        let known = self.deks.get(&jwe.commitment).copied();
        let dek = known.unwrap_or_else(|| self.new_dek());
        self.deks.insert(jwe.commitment, dek);
        let has_kek = jwe.recipients.iter().any(|wrapped| self.keks.include(&wrapped.kek));
        self.is_exposed[dek as usize] |= has_kek;
        (dek, has_kek)
    }

    fn new_dek(&mut self) -> u32 {
        let dek = number(self.same_as.len());
        self.same_as.push(dek);
        self.is_exposed.push(false);
        dek
    }

    /// Whether SOPS encrypted this value.
    pub fn is_of_sops(&self, digest: &Digest) -> bool {
        self.of_sops.contains_key(digest)
    }

    /// The number that stands for this data key.
    pub fn root(&self, mut dek: u32) -> u32 {
        while self.same_as[dek as usize] != dek {
            dek = self.same_as[dek as usize];
        }
        dek
    }

    /// Whether the holder of the KEK has the data key of this value, or can have it.
    pub fn is_exposed(&self, current: &Current) -> bool {
        self.is_exposed[self.root(current.dek) as usize]
    }

    /// The places in the history where the KEK was on a data key, by the number of the data key.
    pub fn exposures(&self) -> HashMap<u32, Vec<Spot>> {
        let mut all: HashMap<u32, Vec<Spot>> = HashMap::new();
        for old in &self.old {
            for spot in old.spots.iter().filter(|spot| spot.has_kek) {
                all.entry(self.root(old.dek)).or_default().push(*spot);
            }
        }
        all
    }

    /// The values of the history that the holder of the KEK can have, by their items. Each is with
    /// its digest and its places.
    pub fn exposed(&self) -> BTreeMap<&Item, Vec<(Digest, &[Spot])>> {
        let mut all: BTreeMap<&Item, Vec<_>> = BTreeMap::new();
        for (digest, index) in &self.known {
            let Old { item, dek, spots } = &self.old[*index];
            if let Some(item) = item.as_ref().filter(|_| self.is_exposed[self.root(*dek) as usize])
            {
                all.entry(item).or_default().push((*digest, &spots[..]));
            }
        }
        all
    }
}

fn number(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

pub fn digest(jwe: &Jwe) -> Digest {
    let digest = jwe.digest();
    std::array::from_fn(|at| digest[at])
}
