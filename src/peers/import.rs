//! Opens the files of SOPS and Sealed Secrets among those that are sealed. First each file is noted,
//! then all data keys are unwrapped at once, then each file is opened when its turn comes.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use clap::Args;
use futures::future::join_all;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::data_key::{Keyring, allow_named};
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

/// A file, by the hash of its content.
type Name = [u8; 32];

/// A SealedSecret: its file, its namespace, if the file names one, and its name.
type ScopeOf = (PathBuf, Option<String>, String);

/// A noted file of SOPS.
struct Noted {
    path: PathBuf,
    /// The metadata of each part, and the Secrets in it.
    parts: Vec<(Metadata, Vec<Place>)>,
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
    /// The scopes of SealedSecrets, by file, namespace and name.
    scopes: RefCell<BTreeMap<ScopeOf, Scope>>,
    /// The KEKs of each SOPS file that has one group of keys.
    keks: RefCell<BTreeMap<PathBuf, Vec<KekUri>>>,
    dropped_comments: Cell<usize>,
    revealed: RefCell<BTreeSet<String>>,
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
            keks: RefCell::default(),
            dropped_comments: Cell::new(0),
            revealed: RefCell::default(),
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
            let noted = self.noted_of(path, &file);
            self.noted.borrow_mut().push((Sha256::digest(bytes).into(), noted));
        }
        true
    }

    fn noted_of(&self, path: &Path, file: &sops::File<'_>) -> Noted {
        let default = self.session.namespace().ok();
        let mut parts = Vec::new();
        let mut keks = Vec::new();
        for part in file.parts() {
            let names = file.names(part);
            let places = names.iter().filter_map(|named| place(named, default.as_ref()));
            let places: Vec<Place> = places.collect();
            if !part.metadata.is_shared() {
                keks.extend(part.metadata.keks());
            }
            parts.push((part.metadata.clone(), places));
        }
        keks.sort();
        keks.dedup();
        self.keks.borrow_mut().insert(path.to_owned(), keks);
        Noted { path: path.to_owned(), parts }
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
                    Err(failure) => return (*name, Err(failure)),
                }
            }
            (*name, Ok(keys))
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
        let name: Name = Sha256::digest(bytes).into();
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
        let options =
            Options { ignore_mac: self.args.ignore_mac, keep_comments: self.args.keep_comments };
        let opened = file.open(keys, options);
        let opened = opened
            .map_err(|source| Failure::Peers(PeersError::Sops { path: path.to_owned(), source }))?;
        // Each file is opened twice: once to check it, and once to seal it.
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
        let mut scopes = self.scopes.borrow_mut();
        for (namespace, name, scope) in opened.scopes {
            scopes.insert((path.to_owned(), namespace, name), scope);
        }
        Ok(Some(opened.text))
    }

    /// The scope that a SealedSecret had.
    pub fn scope(&self, path: Option<&Path>, place: &Place) -> Option<Scope> {
        let scopes = self.scopes.borrow();
        let name = place.name.to_string();
        let of = |namespace| scopes.get(&(path?.to_owned(), namespace, name.clone()));
        of(Some(place.namespace.to_string())).or_else(|| of(None)).copied()
    }

    /// The KEKs that a SOPS file names, if any one of them opens it.
    pub fn keks(&self, path: Option<&Path>) -> Vec<KekUri> {
        path.and_then(|path| self.keks.borrow().get(path).cloned()).unwrap_or_default()
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

/// The place of a Secret. An encrypted name is not known yet, and no grant is for it.
fn place(named: &sops::Named, default: Option<&Namespace>) -> Option<Place> {
    let namespace = match &named.namespace {
        Some(text) => text.parse().ok()?,
        None => default?.clone(),
    };
    let name = named.name.as_deref().unwrap_or("encrypted-name").parse().ok()?;
    Some(Place { namespace, name })
}
