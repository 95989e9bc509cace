//! Single sealed values: in the environment, or in the files of a mounted Secret. The binding of a
//! value is checked as far as its place is known: the namespace, the name of the Secret if
//! `--secret` gives it, and the key of a file. There is no seal over several values.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use futures::future::try_join_all;
use tokio::sync::OnceCell;

use super::names::steers_kms;
use crate::access::opener::OpenArgs;
use crate::config::{EXEC_KEKS_VARIABLE, keks_in};
use crate::failure::{ExecError, Failure, SelectError};
use crate::session::{Session, local};
use crate::signers;
use envcrypt_core::envelope::{Jwe, Kind, OpenError, SealCheck, SealedSecret};
use envcrypt_core::kek::{KekId, KekUri};
use envcrypt_core::secret::{Meta, Namespace, Place, SecretType, SecretValue};

/// The first bytes of every sealed value, up to its `typ`.
const MARK: &[u8] = b"{\"protected\":\"eyJ0eXAiOiJlbnZjcnlwdC12";
/// The variable with the namespace of the pod, if the pod sets it.
const NAMESPACE_VARIABLE: &str = "POD_NAMESPACE";
/// The file with the namespace of the pod, which the kubelet writes.
const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Opens single sealed values.
pub struct Standalone<'a> {
    session: &'a Session,
    /// The only KEKs that open.
    keks: Vec<KekUri>,
    namespace: Option<Namespace>,
    /// The name of the Secret that all values must belong to.
    name: Option<&'a str>,
    /// The variables of `--spec-env`.
    spec_env: &'a [String],
    /// Whether each value needs a signature, which a single value cannot have.
    asks_signatures: bool,
    behind_aliases: OnceCell<Vec<KekId>>,
}

impl<'a> Standalone<'a> {
    pub fn new(
        session: &'a Session,
        open: &OpenArgs,
        name: Option<&'a str>,
        spec_env: &'a [String],
    ) -> Result<Self, Failure> {
        let keks = &open.kek;
        let asks_signatures = open.asks_signatures() && signers::is_named();
        let named = if keks.is_empty() { keks_in(EXEC_KEKS_VARIABLE)? } else { keks.clone() };
        let keks = session.keks(&named, local::MakeLocal::No)?;
        let namespace = namespace(session)?;
        let behind_aliases = OnceCell::new();
        Ok(Self { session, keks, namespace, name, spec_env, asks_signatures, behind_aliases })
    }

    /// The environment variables that have a sealed value.
    pub fn found(&self) -> Vec<(OsString, Vec<u8>)> {
        let sealed = std::env::vars_os().filter_map(|(name, value)| {
            let value = value.into_vec();
            value.trim_ascii().starts_with(MARK).then_some((name, value))
        });
        sealed.collect()
    }

    /// Refuses variables that control the login to a KMS and are not in `--spec-env`. Someone with
    /// write access to a Secret of the pod could have added them.
    fn check_surroundings(&self) -> Result<(), Failure> {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        let is_foreign =
            |name: &String| steers_kms(name) && !self.spec_env.iter().any(|known| known == name);
        let mut foreign: Vec<String> = names.filter(is_foreign).collect();
        foreign.sort();
        match foreign.is_empty() {
            true => Ok(()),
            false => Err(Failure::Exec(ExecError::NotOfSpec(foreign.join(",")))),
        }
    }

    /// Opens these variables.
    pub async fn environment(
        &self,
        sealed: Vec<(OsString, Vec<u8>)>,
    ) -> Result<Vec<(OsString, SecretValue)>, Failure> {
        let open = async |(name, json): (OsString, Vec<u8>)| {
            let what = format!("the environment variable `{}`", name.to_string_lossy());
            Ok::<_, Failure>((name, self.open(&what, &json, None).await?))
        };
        try_join_all(sealed.into_iter().map(open)).await
    }

    /// Opens the sealed files of mounted directories. Other files are returned unchanged.
    pub async fn mounted(
        &self,
        folders: &[PathBuf],
    ) -> Result<Vec<(PathBuf, SecretValue)>, Failure> {
        let mut found = Vec::new();
        for folder in folders {
            walk(folder, Path::new(""), &mut found)?;
        }
        let open = async |(path, bytes): (PathBuf, SecretValue)| {
            if !bytes.expose().trim_ascii().starts_with(MARK) {
                return Ok((path, bytes));
            }
            let what = format!("the file `{}`", path.display());
            let key = path.file_name().unwrap_or_default().to_string_lossy();
            let value = self.open(&what, bytes.expose(), Some(&key)).await?;
            Ok::<_, Failure>((path, value))
        };
        try_join_all(found.into_iter().map(open)).await
    }

    /// Opens one value as if it were a Secret of its own. `key` is its key, if known.
    async fn open(
        &self,
        what: &str,
        json: &[u8],
        key: Option<&str>,
    ) -> Result<SecretValue, Failure> {
        self.check_surroundings()?;
        if self.asks_signatures {
            return Err(Failure::Exec(ExecError::StandaloneUnsigned(what.to_owned())));
        }
        let refused =
            |why: String| Failure::Exec(ExecError::Standalone { what: what.to_owned(), why });
        let jwe = Jwe::parse(Kind::Value, json.trim_ascii()).map_err(|e| refused(e.to_string()))?;
        if key.is_some_and(|key| jwe.binding.key.as_deref() != Some(key)) {
            return Err(refused(format!("it was sealed for another key: `{}`", jwe.binding)));
        }
        if self.name.is_some() && jwe.binding.name.is_none() {
            return Err(refused(
                "its scope does not bind it to one Secret, but `--secret` requires that".to_owned(),
            ));
        }
        if jwe.binding.namespace.is_some() && self.namespace.is_none() {
            return Err(Failure::Exec(ExecError::StandaloneNamespace(what.to_owned())));
        }
        let secret =
            self.secret(jwe).ok_or_else(|| refused("its `binding` is not valid".to_owned()))?;
        if let Err(OpenError::Refused { refused: why, .. }) = secret.check_place(SealCheck::Skipped)
        {
            return Err(refused(format!("{why}, but this is `{}`", secret.meta.place)));
        }
        let keks = self.allowed(&secret).await?;
        if keks.is_empty() {
            let names = secret.keks().into_iter().map(|kek| format!("`{kek}`"));
            return Err(Failure::Exec(ExecError::StandaloneKeks {
                what: what.to_owned(),
                keks: names.collect::<Vec<_>>().join(", "),
            }));
        }
        let ring = self.session.ring()?;
        let deks = secret.deks(ring, |kek| keks.contains(kek), SealCheck::Skipped).await?;
        let opened = secret.open(&deks, SealCheck::Skipped)?;
        Ok(opened.values.into_values().next().expect("it holds one"))
    }

    /// A Secret with only this value, at the place that its binding names. If the namespace of the
    /// pod is known, it is used instead.
    fn secret(&self, jwe: Jwe) -> Option<SealedSecret> {
        let binding = &jwe.binding;
        let key = binding.key.as_deref()?.parse().ok()?;
        let name = self.name.or(binding.name.as_deref()).unwrap_or("any").parse().ok()?;
        let anywhere = || "default".parse().expect("a namespace");
        let namespace = self.namespace.clone().unwrap_or_else(anywhere);
        let meta = Meta {
            place: Place { namespace, name },
            kind: SecretType::Opaque,
            immutable: false,
            labels: Default::default(),
            annotations: Default::default(),
        };
        Some(SealedSecret { meta, values: [(key, jwe)].into(), seal: None, signatures: Vec::new() })
    }

    /// Those of its KEKs that may be used. An alias also allows the key behind it.
    async fn allowed(&self, secret: &SealedSecret) -> Result<Vec<KekUri>, Failure> {
        let keks = || secret.keks().into_iter().filter(|kek| kek.is_built_in());
        let named: Vec<_> = keks()
            .filter(|kek| self.keks.iter().any(|named| named.id() == kek.id()))
            .cloned()
            .collect();
        if !named.is_empty() || !keks().any(|kek| self.has_alias_for(kek)) {
            return Ok(named);
        }
        let keys = self.behind_aliases.get_or_try_init(|| self.resolve()).await?;
        Ok(keks().filter(|kek| keys.contains(&kek.id())).cloned().collect())
    }

    /// Whether an alias that is named may stand for it.
    fn has_alias_for(&self, kek: &KekUri) -> bool {
        self.keks.iter().any(|named| named.is_alias() && named.scheme() == kek.scheme())
    }

    /// The keys behind the aliases. The caller queries the KMS only once.
    async fn resolve(&self) -> Result<Vec<KekId>, Failure> {
        let mut keys = Vec::new();
        for alias in self.keks.iter().filter(|kek| kek.is_alias()) {
            keys.push(self.session.ring()?.resolve(alias).await?.id());
        }
        Ok(keys)
    }
}

/// The namespace of the pod: from `-n`, otherwise from the file of the kubelet, otherwise from the
/// variable. File and variable must agree.
fn namespace(session: &Session) -> Result<Option<Namespace>, Failure> {
    if let Some(named) = session.named_namespace() {
        return Ok(Some(named.parse()?));
    }
    let parse = |text: String| text.trim().parse::<Namespace>();
    let told = std::env::var(NAMESPACE_VARIABLE).ok().filter(|name| !name.is_empty());
    let told = told.map(parse).transpose()?;
    let written = std::fs::read_to_string(NAMESPACE_FILE).ok().map(parse).transpose()?;
    match (written, told) {
        (Some(written), Some(told)) if written != told => {
            Err(Failure::Exec(ExecError::OtherPodNamespace {
                told: told.to_string(),
                written: written.to_string(),
            }))
        }
        (written, told) => Ok(written.or(told)),
    }
}

/// The files below `folder`. It follows links, because the kubelet mounts files as links, and
/// skips the kubelet's own entries, such as `..data`.
fn walk(
    folder: &Path,
    within: &Path,
    into: &mut Vec<(PathBuf, SecretValue)>,
) -> Result<(), Failure> {
    let path = folder.join(within);
    let error = |source| Failure::Select(SelectError::Read { path: path.clone(), source });
    for entry in std::fs::read_dir(&path).map_err(error)? {
        let entry = entry.map_err(error)?;
        let name = within.join(entry.file_name());
        if entry.file_name().as_encoded_bytes().starts_with(b"..") {
            continue;
        }
        let found = entry.path();
        let kind = found.metadata().map_err(error)?;
        if kind.is_dir() {
            walk(folder, &name, into)?;
        } else if kind.is_file() {
            into.push((name, crate::values::sources::read_value(&found)?));
        } else {
            // Reading a pipe could block.
            let source = std::io::Error::other("it is not a regular file");
            return Err(Failure::Select(SelectError::Read { path: found, source }));
        }
    }
    Ok(())
}
