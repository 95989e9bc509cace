//! Sealed values that stand alone: in the environment, or in the files of a mounted
//! Secret. Where they belong is known only from themselves; what is checked is that
//! they were sealed for this namespace, and that `ENVCRYPT_KEKS` names a KEK of theirs.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use futures::future::try_join_all;

use crate::commands::{Failure, Session, local, sealing};
use crate::config::EXEC_KEKS_VARIABLE;
use crate::envelope::{Jwe, Kind, OpenError, SealCheck, SealedSecret};
use crate::kek::{KekUri, Scheme, Trust, Trusted};
use crate::secret::{Meta, Namespace, Place, SecretType, SecretValue};

/// How every sealed value begins.
const MARK: &[u8] = b"{\"protected\":\"";
/// Where a pod learns its namespace.
const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Opens them.
pub struct Loose<'a> {
    session: &'a Session,
    trust: Trust,
    namespace: Option<Namespace>,
}

/// A file of a mounted Secret, opened.
pub struct Mounted {
    /// Within the folder that was mounted.
    pub path: PathBuf,
    pub value: SecretValue,
}

impl<'a> Loose<'a> {
    pub fn new(session: &'a Session) -> Result<Self, Failure> {
        let mut trust = Trust::load(None)?;
        let named = std::env::var(EXEC_KEKS_VARIABLE).unwrap_or_default();
        for name in named.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            trust.add(sealing::uri(session, name, local::MakeLocal::No)?, Trusted::Named);
        }
        let namespace = match session.named_namespace() {
            Some(name) => Some(name.parse()?),
            None => std::fs::read_to_string(NAMESPACE_FILE)
                .ok()
                .and_then(|text| text.trim().parse().ok()),
        };
        Ok(Self { session, trust, namespace })
    }

    /// The environment variables that hold a sealed value, opened.
    pub async fn environment(&self) -> Result<Vec<(OsString, SecretValue)>, Failure> {
        let sealed = std::env::vars_os().filter_map(|(name, value)| {
            let value = value.into_vec();
            value.starts_with(MARK).then_some((name, value))
        });
        let open = async |(name, json): (OsString, Vec<u8>)| {
            let what = format!("the environment variable `{}`", name.to_string_lossy());
            Ok::<_, Failure>((name, self.open(&what, &json).await?))
        };
        try_join_all(sealed.map(open)).await
    }

    /// The files of mounted folders: sealed ones opened, others as they are.
    pub async fn mounted(&self, folders: &[PathBuf]) -> Result<Vec<Mounted>, Failure> {
        let mut found = Vec::new();
        for folder in folders {
            walk(folder, Path::new(""), &mut found)?;
        }
        let open = async |(path, bytes): (PathBuf, SecretValue)| {
            if !bytes.expose().starts_with(MARK) {
                return Ok(Mounted { path, value: bytes });
            }
            let what = format!("the file `{}`", path.display());
            let value = self.open(&what, bytes.expose()).await?;
            Ok::<_, Failure>(Mounted { path, value })
        };
        try_join_all(found.into_iter().map(open)).await
    }

    /// Opens one value, as a Secret of its own.
    async fn open(&self, what: &str, json: &[u8]) -> Result<SecretValue, Failure> {
        let refused = |why: String| Failure::Loose { what: what.to_owned(), why };
        let jwe = Jwe::parse(Kind::Value, json).map_err(|e| refused(e.to_string()))?;
        let secret = self.secret(jwe).ok_or_else(|| refused("its `binding` is none".to_owned()))?;
        if let Err(OpenError::Refused { refused: why, .. }) = secret.check_place(SealCheck::Skipped)
        {
            let here = self.namespace.as_ref().map_or("", Namespace::as_str);
            return Err(refused(format!("{why}, and this is the namespace `{here}`")));
        }
        let keks = self.allowed(&secret).await;
        if keks.is_empty() {
            let names = secret.keks().into_iter().map(|kek| format!("`{kek}`"));
            return Err(Failure::LooseKeks {
                what: what.to_owned(),
                keks: names.collect::<Vec<_>>().join(", "),
            });
        }
        let ring = self.session.ring()?;
        let deks = secret.deks(ring, |kek| keks.contains(kek), SealCheck::Skipped).await?;
        let opened = secret.open(&deks, SealCheck::Skipped)?;
        Ok(opened.values.into_values().next().expect("it holds one"))
    }

    /// A Secret that holds nothing else, where the value says that it belongs; in
    /// this namespace, where that is known.
    fn secret(&self, jwe: Jwe) -> Option<SealedSecret> {
        let binding = &jwe.binding;
        let key = binding.key.as_deref()?.parse().ok()?;
        let name = binding.name.as_deref().unwrap_or("any").parse().ok()?;
        let bound = binding.namespace.as_deref().unwrap_or("default").parse().ok()?;
        let namespace = self.namespace.clone().unwrap_or(bound);
        let meta = Meta {
            place: Place { namespace, name },
            kind: SecretType::Opaque,
            immutable: false,
            labels: Default::default(),
            annotations: Default::default(),
        };
        Some(SealedSecret { meta, values: [(key, jwe)].into(), seal: None })
    }

    /// Those of its KEKs that may be asked: an alias stands for the key behind it.
    async fn allowed(&self, secret: &SealedSecret) -> Vec<KekUri> {
        let keks = || secret.keks().into_iter().filter(|kek| kek.scheme().is_built_in());
        let named: Vec<_> = keks().filter(|kek| self.trust.knows(kek)).cloned().collect();
        if !named.is_empty() {
            return named;
        }
        let mut keys = Vec::new();
        for (alias, _) in self.trust.iter().filter(|(kek, _)| kek.scheme() == Scheme::Aws) {
            if let Ok(ring) = self.session.ring()
                && let Ok(key) = ring.resolve(alias).await
            {
                keys.push(key.key());
            }
        }
        keks().filter(|kek| keys.contains(&kek.key())).cloned().collect()
    }
}

/// The files below `folder`, links followed as a kubelet makes them, without its
/// own `..data` and its kin.
fn walk(
    folder: &Path,
    within: &Path,
    into: &mut Vec<(PathBuf, SecretValue)>,
) -> Result<(), Failure> {
    let path = folder.join(within);
    let error = |source| Failure::Read { path: path.clone(), source };
    for entry in std::fs::read_dir(&path).map_err(error)? {
        let entry = entry.map_err(error)?;
        let name = within.join(entry.file_name());
        if entry.file_name().as_encoded_bytes().starts_with(b"..") {
            continue;
        }
        match entry.path().is_dir() {
            true => walk(folder, &name, into)?,
            false => into.push((name, crate::commands::sources::read_value(&entry.path())?)),
        }
    }
    Ok(())
}
