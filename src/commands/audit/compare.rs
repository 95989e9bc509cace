//! Opens old and new values, to find those that are still the same.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use futures::{StreamExt, stream};

use super::ledger::{Digest, Item, Ledger, Spot, digest};
use crate::access::opener::Opener;
use crate::batch::progress::AT_ONCE;
use crate::failure::Failure;
use crate::git::Repository;
use crate::history::{Fingerprint, Fingerprints, History};
use crate::scan;
use crate::session::Session;
use envcrypt_core::envelope::{Jwe, SealedSecret};
use envcrypt_core::manifest::sealings;
use envcrypt_core::secret::{Meta, NameError, Place, SecretType};

/// The values of now that equal one which the KEK could open.
#[derive(Default)]
pub struct Same {
    /// By the index of the value, with the item that it was found under.
    pub items: HashMap<usize, Item>,
}

/// Opens what the KEK could open, and every other value of now.
pub async fn same_values(
    ledger: &Ledger,
    history: Option<(&History<'_>, &Repository)>,
    session: &Session,
    incomplete: &mut Vec<String>,
) -> Result<Same, Failure> {
    let comparison =
        Comparison { session, opener: Opener::to_compare(session)?, prints: Fingerprints::new() };
    let (exposed, others): (Vec<_>, Vec<_>) =
        (0..ledger.current.len()).partition(|index| ledger.is_exposed(&ledger.current[*index]));
    let mut old: HashMap<Fingerprint, Item> = HashMap::new();
    let mut closed = Closed::default();
    let now = |index: &usize| {
        let current = &ledger.current[*index];
        Some((*index, current.item.clone(), &**current.jwe.as_ref()?))
    };
    let opened = comparison.open(exposed.iter().filter_map(now).collect(), &mut closed).await;
    old.extend(
        opened.into_iter().map(|(index, print)| (print, ledger.current[index].item.clone())),
    );
    if let Some((history, repository)) = history {
        let (all, mut read) = (wanted(ledger), HashSet::new());
        for round in 0.. {
            let files = files(&all, round, &read);
            if files.is_empty() {
                break;
            }
            for (file, mut wanted) in files {
                let bytes = repository.blob(history.file(file).0)?;
                let mut found = Vec::new();
                sealings(scan::text(&bytes).as_bytes(), |sealing| {
                    let digest = digest(&sealing.jwe);
                    if let Some(item) = wanted.remove(&digest) {
                        read.insert(digest);
                        found.push((item.clone(), sealing.jwe));
                    }
                });
                let values =
                    found.iter().enumerate().map(|(at, (item, jwe))| (at, item.clone(), jwe));
                let opened = comparison.open(values.collect(), &mut closed).await;
                old.extend(opened.into_iter().map(|(at, print)| (print, found[at].0.clone())));
            }
        }
        let missed = all.iter().filter(|(_, digest, _)| !read.contains(digest)).count();
        if missed > 0 {
            incomplete
                .push(format!("old values could not be read again to compare them: {missed}"));
        }
    }
    let mut same = Same::default();
    if !old.is_empty() {
        let opened = comparison.open(others.iter().filter_map(now).collect(), &mut closed).await;
        let equal =
            opened.into_iter().filter_map(|(at, print)| Some((at, old.get(&print)?.clone())));
        same.items.extend(equal);
    }
    incomplete.extend(closed.reason());
    Ok(same)
}

/// A value of the history to read again, with its places.
type Wanted<'l> = (&'l Item, Digest, &'l [Spot]);

/// The values of the history to read again.
fn wanted(ledger: &Ledger) -> Vec<Wanted<'_>> {
    let now: BTreeSet<Digest> = ledger.current.iter().map(|current| current.digest).collect();
    let exposed = ledger.exposed().into_iter().flat_map(|(item, values)| {
        values.into_iter().map(move |(digest, spots)| (item, digest, spots))
    });
    // Values of SOPS are never opened.
    exposed.filter(|(_, digest, _)| !now.contains(digest) && !ledger.is_of_sops(digest)).collect()
}

/// The files to read in this round: in the first one, those of the first place of each value. In
/// the next one, the second places of the values that were not found there.
fn files<'l>(
    wanted: &[Wanted<'l>],
    round: usize,
    read: &HashSet<Digest>,
) -> BTreeMap<u32, HashMap<Digest, &'l Item>> {
    let mut files: BTreeMap<u32, HashMap<Digest, &Item>> = BTreeMap::new();
    for (item, digest, spots) in wanted {
        if let Some(spot) = spots.get(round).filter(|_| !read.contains(digest)) {
            files.entry(spot.file).or_default().insert(*digest, *item);
        }
    }
    files
}

/// The values that could not be opened.
#[derive(Default)]
struct Closed {
    count: usize,
    first: Option<String>,
}

impl Closed {
    fn reason(self) -> Option<String> {
        let first = self.first?;
        let count = self.count;
        Some(format!("{count} values could not be opened to compare them, for example: {first}"))
    }
}

struct Comparison<'a> {
    session: &'a Session,
    opener: Opener<'a>,
    prints: Fingerprints,
}

impl Comparison<'_> {
    /// Opens values, and returns the fingerprint of each by its index. An empty value is no secret.
    async fn open(
        &self,
        values: Vec<(usize, Item, &Jwe)>,
        closed: &mut Closed,
    ) -> Vec<(usize, Fingerprint)> {
        let mut admitted = Vec::new();
        for (index, _, jwe) in values {
            let secret = match self.secret(jwe) {
                Ok(secret) => self.opener.admit(&secret, None).await.map(|()| secret),
                Err(error) => Err(error.into()),
            };
            admitted.push((index, secret));
        }
        let opened = stream::iter(admitted).map(async |(index, secret)| {
            let plain = self.opener.open(&secret?, None).await?;
            let value = plain.values.values().next();
            let value = value.filter(|value| !value.expose().is_empty());
            Ok::<_, Failure>(value.map(|value| (index, self.prints.of(value.expose()))))
        });
        let mut prints = Vec::new();
        let mut opened = std::pin::pin!(opened.buffered(AT_ONCE));
        while let Some(opened) = opened.next().await {
            match opened {
                Ok(print) => prints.extend(print),
                Err(failure) => {
                    closed.count += 1;
                    closed.first.get_or_insert_with(|| failure.to_string());
                }
            }
        }
        prints
    }

    /// A Secret with this one value.
    fn secret(&self, jwe: &Jwe) -> Result<SealedSecret, NameError> {
        let binding = &jwe.binding;
        let namespace = binding.namespace.as_deref().or(self.session.named_namespace());
        let place = Place {
            namespace: namespace.unwrap_or("default").parse()?,
            name: binding.name.as_deref().unwrap_or("any").parse()?,
        };
        let key = binding.key.as_deref().unwrap_or("").parse()?;
        let meta = Meta {
            place,
            kind: SecretType::Opaque,
            immutable: false,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
        };
        Ok(SealedSecret {
            meta,
            values: [(key, jwe.clone())].into(),
            seal: None,
            signatures: Vec::new(),
        })
    }
}
