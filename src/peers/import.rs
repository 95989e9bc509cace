//! Opens the files of SOPS and Sealed Secrets among those that are sealed. First each file is noted,
//! then all data keys are unwrapped at once, then each file is opened when its turn comes.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use clap::Args;
use futures::future::join_all;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::data_key::{Keyring, Places, allow_named};
use super::private_keys::{self, KeySource};
use crate::candidates;
use crate::config::KekName;
use crate::failure::{Failure, PeersError};
use crate::session::Session;
use crate::session::local::MakeLocal;
use crate::terminal;
use envcrypt_core::access::Consents;
use envcrypt_core::envelope::Scope;
use envcrypt_core::kek::{DataKey, KekUri};
use envcrypt_core::secret::{Namespace, Place};
use envcrypt_peers::sealed_secrets::{self, PrivateKey, SealedSecretError};
use envcrypt_peers::sops::{self, Metadata, Options, SopsError};

/// The flags for files of SOPS and of Sealed Secrets.
#[derive(Args, Default)]
#[command(next_help_heading = "Files of SOPS and Sealed Secrets")]
pub struct ImportArgs {
    /// Use only this KEK to open SOPS files, for this run (can be repeated)
    #[arg(long, value_name = "KEK", add = candidates::keks())]
    pub open_with: Vec<KekName>,
    /// Let gpg run with your keys for SOPS files that name a PGP key
    #[arg(long)]
    pub open_with_gpg: bool,
    /// Accept values of a SOPS file that are in plaintext; SOPS does not say who wrote them
    #[arg(long)]
    pub accept_plain: bool,
    /// Open a SOPS file even if its MAC does not match
    #[arg(long)]
    pub ignore_mac: bool,
    /// Write encrypted comments of a SOPS file in plaintext; they are dropped otherwise
    #[arg(long)]
    pub keep_comments: bool,
    /// Open SealedSecrets with the private keys in this file (PEM, Secret or List), or in the
    /// cluster: cluster, or cluster:NAMESPACE (can be repeated)
    #[arg(long, value_name = "FILE")]
    pub sealed_secrets_key: Vec<KeySource>,
}

/// A file, with the hash of its content.
type Name = (PathBuf, [u8; 32]);

/// A Secret of a file.
type Of = (PathBuf, Place);

/// A noted file of SOPS.
struct Noted {
    path: PathBuf,
    /// The metadata of each part, and the Secrets in it.
    parts: Vec<(Metadata, Places)>,
}

/// The files of one run.
pub struct Import<'a> {
    session: &'a Session,
    args: &'a ImportArgs,
    consents: &'a Consents,
    /// The KEKs of `--kek`, which may open, too.
    named: &'a [KekUri],
    noted: RefCell<Vec<(Name, Noted)>>,
    keys: RefCell<HashMap<Name, Result<Vec<DataKey>, Failure>>>,
    needs_private_keys: Cell<bool>,
    private_keys: RefCell<Vec<PrivateKey>>,
    /// The scopes of SealedSecrets.
    scopes: RefCell<BTreeMap<Of, Scope>>,
    /// When the file of each Secret that SOPS encrypted was last changed, in seconds since 1970.
    born: RefCell<BTreeMap<Of, u64>>,
    /// The KEKs of each Secret that SOPS encrypted, if any one of them opens it.
    keks: RefCell<BTreeMap<Of, Vec<KekUri>>>,
    dropped_comments: Cell<usize>,
    revealed: RefCell<BTreeSet<String>>,
    /// The files with a plaintext copy of client-side apply.
    plain_copies: RefCell<BTreeSet<PathBuf>>,
}

impl<'a> Import<'a> {
    pub fn new(
        session: &'a Session,
        args: &'a ImportArgs,
        consents: &'a Consents,
        named: &'a [KekUri],
    ) -> Self {
        Self {
            session,
            args,
            consents,
            named,
            noted: RefCell::default(),
            keys: RefCell::default(),
            needs_private_keys: Cell::new(false),
            private_keys: RefCell::default(),
            scopes: RefCell::default(),
            born: RefCell::default(),
            keks: RefCell::default(),
            dropped_comments: Cell::new(0),
            revealed: RefCell::default(),
            plain_copies: RefCell::default(),
        }
    }

    /// Notes a file, if another program encrypted it. What cannot be read is an error later.
    pub fn note(&self, path: &Path, bytes: &[u8]) -> bool {
        let Some(text) = text_of(bytes) else { return false };
        let Ok(found) = envcrypt_peers::survey(text) else { return false };
        if found.is_empty() {
            return false;
        }
        let is_sealed_secret = |by: &envcrypt_peers::Encryption| {
            matches!(by, envcrypt_peers::Encryption::SealedSecret)
        };
        if found.iter().any(|found| is_sealed_secret(&found.by)) {
            self.needs_private_keys.set(true);
        }
        if let Ok(Some(file)) = sops::File::read(text)
            && file.may_hold_secret()
        {
            let name = name_of(path, bytes);
            match self.noted_of(path, &file) {
                Ok(noted) => self.noted.borrow_mut().push((name, noted)),
                // Without every place, nothing says which KEK may open it.
                Err(failure) => drop(self.keys.borrow_mut().insert(name, Err(failure))),
            }
        }
        true
    }

    fn noted_of(&self, path: &Path, file: &sops::File<'_>) -> Result<Noted, Failure> {
        let default = self.session.namespace()?;
        let mut parts = Vec::new();
        for part in file.parts() {
            let mut places = Places::default();
            for named in file.names(part) {
                places.has_hidden |= named.has_hidden_namespace;
                match place(&named, &default) {
                    Ok(place) => places.known.extend(place),
                    Err(_) if !named.may_be_secret => {}
                    Err(why) => {
                        let path = path.to_owned();
                        return Err(Failure::Peers(PeersError::Place { path, why }));
                    }
                }
            }
            if places.known.is_empty() && !places.has_hidden {
                return Err(Failure::Peers(PeersError::NoSecret(path.to_owned())));
            }
            parts.push((part.metadata.clone(), places));
        }
        Ok(Noted { path: path.to_owned(), parts })
    }

    /// Unwraps the data keys of all noted files, at once. A file that cannot be opened does not
    /// affect the others.
    pub async fn unlock(&self) -> Result<(), Failure> {
        // Without keys, each file with SealedSecrets is an error of its own.
        if self.needs_private_keys.get() && !self.args.sealed_secrets_key.is_empty() {
            let keys = private_keys::read(self.session, &self.args.sealed_secrets_key).await?;
            self.private_keys.replace(keys);
        }
        let noted = self.noted.take();
        if noted.is_empty() {
            return Ok(());
        }
        if self.args.ignore_mac {
            terminal::warn(
                "the MACs of SOPS files are not checked: each value is authentic for its key, but the plugin cannot detect a value that someone added, removed or restored",
            );
        }
        allow_named(self.session, self.consents, self.named)?;
        let metadata =
            || noted.iter().flat_map(|(_, noted)| noted.parts.iter().map(|part| &part.0));
        let keyring = Keyring {
            consents: self.consents,
            only: self.session.keks(&self.args.open_with, MakeLocal::No)?,
            ring: super::ring(self.session, metadata()).await?,
            is_gpg_named: self.args.open_with_gpg,
            prompt: &**self.session.prompt(),
            gpg: OnceCell::new(),
        };
        for (_, file) in &noted {
            for (metadata, places) in &file.parts {
                keyring.admit(metadata, places).await?;
            }
        }
        let keys = noted.iter().map(async |(name, file)| {
            let mut keys = Vec::with_capacity(file.parts.len());
            for (metadata, places) in &file.parts {
                match keyring.data_key(&file.path, metadata, places).await {
                    Ok(key) => keys.push(key),
                    Err(failure) => return (name.clone(), Err(failure)),
                }
            }
            (name.clone(), Ok(keys))
        });
        let keys = join_all(keys).await;
        self.keys.borrow_mut().extend(keys);
        Ok(())
    }

    /// The plain manifests of a noted file. `None` if the file is a manifest of ours.
    pub fn open(&self, path: &Path, bytes: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        let Some(text) = text_of(bytes) else { return Ok(None) };
        let sops_error =
            |source| Failure::Peers(PeersError::Sops { path: path.to_owned(), source });
        let file = match sops::File::read(text) {
            // A text that is not YAML has a better error elsewhere.
            Err(SopsError::Syntax(_)) => None,
            file => file.map_err(sops_error)?,
        };
        let plain = match &file {
            None => None,
            Some(file) if !file.may_hold_secret() => {
                return Err(Failure::Peers(PeersError::NoSecret(path.to_owned())));
            }
            Some(file) => Some(self.open_sops(path, file, bytes)?),
        };
        let of_sops = plain.as_deref().map_or(text, |plain| plain.as_str());
        let plain = match self.open_sealed_secrets(path, of_sops)? {
            None => plain,
            opened => opened,
        };
        let left = sops::leftover(plain.as_deref().map_or(text, |plain| plain.as_str()));
        if let Some(line) = left {
            return Err(Failure::Peers(PeersError::Leftover { path: path.to_owned(), line }));
        }
        Ok(plain.map(|text| Zeroizing::new(text.as_bytes().to_vec())))
    }

    fn open_sops(
        &self,
        path: &Path,
        file: &sops::File<'_>,
        bytes: &[u8],
    ) -> Result<Zeroizing<String>, Failure> {
        let name = name_of(path, bytes);
        let mut keys = self.keys.borrow_mut();
        let changed = || Failure::File(crate::files::FileError::Changed(path.to_owned()));
        let keys = match keys.get(&name) {
            None => return Err(changed()),
            Some(Ok(keys)) => keys,
            // An error is reported once, so it is taken out.
            Some(Err(_)) => {
                return Err(keys.remove(&name).and_then(Result::err).unwrap_or_else(changed));
            }
        };
        let options = Options {
            ignore_mac: self.args.ignore_mac,
            keep_comments: self.args.keep_comments,
            accept_plain: self.args.accept_plain,
        };
        let opened = file.open(keys, options);
        let opened = opened
            .map_err(|source| Failure::Peers(PeersError::Sops { path: path.to_owned(), source }))?;
        // Each file is opened twice: once to check it, and once to seal it.
        self.note_secrets(path, file, &opened.text)?;
        if opened.has_plain_copy {
            self.plain_copies.borrow_mut().insert(path.to_owned());
        }
        if self.revealed.borrow_mut().insert(format!("\0{}", path.display())) {
            self.dropped_comments.set(self.dropped_comments.get() + opened.dropped_comments);
            self.revealed.borrow_mut().extend(opened.revealed);
        }
        Ok(opened.text)
    }

    fn open_sealed_secrets(
        &self,
        path: &Path,
        text: &str,
    ) -> Result<Option<Zeroizing<String>>, Failure> {
        if memchr::memmem::find(text.as_bytes(), b"SealedSecret").is_none() {
            return Ok(None);
        }
        let default = self.session.namespace()?;
        let keys = self.private_keys.borrow();
        let opened = sealed_secrets::open(text, &keys, default.as_str());
        let Some(opened) = (match opened {
            Err(SealedSecretError::Syntax(_)) => return Ok(None),
            Err(SealedSecretError::Closed { .. }) if keys.is_empty() => {
                return Err(Failure::Peers(PeersError::NoPrivateKeys(path.to_owned())));
            }
            opened => opened.map_err(|source| {
                Failure::Peers(PeersError::SealedSecret { path: path.to_owned(), source })
            })?,
        }) else {
            return Ok(None);
        };
        let counts = self.documents_by_place(&opened.text)?;
        let mut scopes = self.scopes.borrow_mut();
        for (namespace, name, scope) in opened.scopes {
            let namespace = namespace.map_or(Ok(default.clone()), |text| text.parse());
            // What is no name is an error of the manifest, later.
            let (Ok(namespace), Ok(name)) = (namespace, name.parse()) else { continue };
            let place = Place { namespace, name };
            // Another Secret of this name must not get the scope.
            if counts.get(&place).is_some_and(|documents| documents.len() == 1) {
                scopes.insert((path.to_owned(), place), scope);
            }
        }
        Ok(Some(opened.text))
    }

    /// Notes which KEKs each Secret of a file had, and how old it is. A Secret that SOPS did not
    /// encrypt has neither.
    fn note_secrets(&self, path: &Path, file: &sops::File<'_>, text: &str) -> Result<(), Failure> {
        for (place, documents) in self.documents_by_place(text)? {
            let [document] = documents[..] else { continue };
            let metadata = file.part_of(document).map(|part| &part.metadata);
            // Without the MAC, nothing protects the time.
            let time = metadata.filter(|_| !self.args.ignore_mac).map(Metadata::last_modified);
            let time = time.and_then(|time| time.parse::<Timestamp>().ok());
            if let Some(time) = time.and_then(|time| u64::try_from(time.as_second()).ok()) {
                self.born.borrow_mut().insert((path.to_owned(), place.clone()), time);
            }
            // One share of a data key must not become a key of its own.
            let Some(metadata) = metadata.filter(|metadata| !metadata.is_shared()) else {
                continue;
            };
            let mut keks: Vec<_> = metadata.keks().collect();
            keks.sort();
            keks.dedup();
            self.keks.borrow_mut().insert((path.to_owned(), place), keks);
        }
        Ok(())
    }

    /// The documents with a Secret, or a SealedSecret, of each place.
    fn documents_by_place(&self, text: &str) -> Result<BTreeMap<Place, Vec<usize>>, Failure> {
        let default = self.session.namespace()?;
        let mut found: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
        for (document, named) in sops::named(text) {
            // What is no name is an error of the manifest, later.
            if let Some(place) = place(&named, &default).ok().flatten() {
                found.entry(place).or_default().push(document);
            }
        }
        Ok(found)
    }

    /// The scope that a SealedSecret had.
    pub fn scope(&self, path: Option<&Path>, place: &Place) -> Option<Scope> {
        self.scopes.borrow().get(&(path?.to_owned(), place.clone())).copied()
    }

    /// When a SOPS file was last changed, in seconds since 1970: no value of the Secret is younger.
    pub fn born(&self, path: Option<&Path>, place: &Place) -> Option<u64> {
        self.born.borrow().get(&(path?.to_owned(), place.clone())).copied()
    }

    /// The KEKs that a SOPS file names for a Secret, if any one of them opens it.
    pub fn keks(&self, path: Option<&Path>, place: &Place) -> Vec<KekUri> {
        let of = path.map(|path| (path.to_owned(), place.clone()));
        of.and_then(|of| self.keks.borrow().get(&of).cloned()).unwrap_or_default()
    }

    /// Prints what was lost and what is not encrypted any more.
    pub fn tell(&self) {
        if self.dropped_comments.get() > 0 {
            terminal::note(&format!(
                "dropped encrypted comments: {}; to write them in plaintext, add `--keep-comments`",
                self.dropped_comments.get()
            ));
        }
        let revealed = self.revealed.borrow();
        let revealed: Vec<_> =
            revealed.iter().filter(|field| !field.starts_with('\0')).map(String::as_str).collect();
        if !revealed.is_empty() {
            terminal::warn(&format!(
                "SOPS had encrypted these fields, and a sealed Secret has them in plaintext: {}",
                revealed.join(", ")
            ));
        }
        for path in self.plain_copies.borrow().iter() {
            terminal::warn(&format!(
                "`{}` had a copy of the Secret in plaintext, from `kubectl apply`: treat its values as compromised",
                path.display()
            ));
        }
    }
}

/// The text of a file that another program may have encrypted.
fn text_of(bytes: &[u8]) -> Option<&str> {
    match envcrypt_peers::may_mention(bytes)
        || memchr::memmem::find(bytes, b"ENC[AES256_GCM,").is_some()
    {
        true => std::str::from_utf8(bytes).ok(),
        false => None,
    }
}

/// A file and its content.
fn name_of(path: &Path, bytes: &[u8]) -> Name {
    (path.to_owned(), Sha256::digest(bytes).into())
}

/// The place of a Secret. An encrypted name is not known yet, and no grant is for it. `None`: its
/// namespace is encrypted.
fn place(named: &sops::Named, default: &Namespace) -> Result<Option<Place>, String> {
    if named.has_hidden_namespace {
        return Ok(None);
    }
    let wrong = |error: envcrypt_core::secret::NameError| error.to_string();
    let namespace = match &named.namespace {
        Some(text) => text.parse().map_err(wrong)?,
        None => default.clone(),
    };
    let name = named.name.as_deref().unwrap_or("encrypted-name").parse().map_err(wrong)?;
    Ok(Some(Place { namespace, name }))
}
