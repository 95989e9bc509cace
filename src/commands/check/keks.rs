//! Which KEKs a sealed Secret may be under, as far as can be told offline.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use crate::config::KekName;
use crate::failure::{Failure, SelectError};
use crate::session::Environment;
use crate::session::Session;
use crate::session::local::{self, MakeLocal};
use crate::terminal;
use envcrypt_core::access::{Policy, Scope, Uses};
use envcrypt_core::envelope::SealedSecret;
use envcrypt_core::kek::KekUri;

/// What is known of KEKs here.
pub struct Known<'a> {
    session: &'a Session,
    /// By flag, in the environment, in the settings; accepted before; one's own.
    policy: Policy,
    is_empty: bool,
    unchecked: Cell<usize>,
}

/// Whether a name may stand for this KEK, and only the KMS knows.
fn is_bare(name: &KekName, kek: &KekUri) -> bool {
    matches!(name, KekName::Uri(bare) if bare.is_bare() && bare.scheme() == kek.scheme())
}

/// What the rules name for a Secret.
struct Ruled {
    file: PathBuf,
    names: Vec<KekName>,
}

impl<'a> Known<'a> {
    pub fn new(session: &'a Session, flags: &[KekName]) -> Result<Self, Failure> {
        let mut policy = session.policy(&[], Environment::Beside)?;
        for kek in session.keks(flags, MakeLocal::No)? {
            policy.allow(Uses::Both, Scope::everywhere(), &kek);
        }
        // One that is locked or gone is no matter here.
        for (own, _) in local::identities(session).unwrap_or_default() {
            policy.allow(Uses::Both, Scope::everywhere(), &own);
        }
        let is_empty = policy.grants().next().is_none();
        let unchecked = Cell::default();
        Ok(Self { session, policy, is_empty, unchecked })
    }

    /// What is wrong with the KEKs of a Secret in a file.
    pub fn check(
        &self,
        secret: &SealedSecret,
        path: &Path,
    ) -> Result<Vec<(&'static str, String)>, Failure> {
        let place = &secret.meta.place;
        let mut wrong = Vec::new();
        let ruled = self.ruled(secret, path)?;
        if let Some(Ruled { file, names }) = ruled.as_ref().filter(|ruled| !ruled.names.is_empty())
        {
            for kek in secret.keks() {
                if !names.iter().any(|name| self.is_named(name, kek)) {
                    let rules = file.file_name().unwrap_or_default().to_string_lossy();
                    let mut text = format!(
                        "the Secret `{place}` is under `{kek}`, which the rules of `{rules}` do not name for it"
                    );
                    if names.iter().any(|name| is_bare(name, kek)) {
                        text += "; an alias or key id alone could be of any account: write its ARN";
                    }
                    wrong.push(("kek-not-allowed", text));
                }
            }
        } else if self.is_empty && ruled.is_none() {
            self.unchecked.set(self.unchecked.get() + 1);
        } else {
            for kek in secret.keks().into_iter().filter(|kek| !self.knows(kek)) {
                let text =
                    format!("the Secret `{place}` is under `{kek}`, which nothing here names");
                wrong.push(("unknown-kek", text));
            }
        }
        Ok(wrong)
    }

    /// Says what could not be checked.
    pub fn tell(&self) {
        if self.unchecked.get() > 0 {
            terminal::note(&format!(
                "nothing says which KEKs are yours, so those of {} sealed Secrets were not checked: name them in `.envcrypt.yaml`, or with `--kek`",
                self.unchecked.get()
            ));
        }
    }

    /// The names that the rules give for it, where there are rules.
    fn ruled(&self, secret: &SealedSecret, path: &Path) -> Result<Option<Ruled>, Failure> {
        let error = |source| Failure::Select(SelectError::Read { path: path.to_owned(), source });
        // Standard input is nowhere: what holds here holds for it.
        let path = if path == Path::new("-") { Path::new("./-") } else { path };
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        let folder = folder.unwrap_or(Path::new(".")).canonicalize().map_err(error)?;
        let path = folder.join(path.file_name().unwrap_or_default());
        let namespace = secret.meta.place.namespace.as_str();
        let own = &self.session.settings()?.rules;
        let names = own.possible_keks(namespace, &path);
        if !names.is_empty() {
            return Ok(Some(Ruled { file: own.path.clone(), names }));
        }
        let Some(rules) = self.session.rules_of(&folder)? else { return Ok(None) };
        let names = rules.possible_keks(namespace, &path);
        Ok(Some(Ruled { file: rules.path.clone(), names }))
    }

    fn knows(&self, kek: &KekUri) -> bool {
        self.policy.grants().any(|grant| self.may_name(grant.kek.uri(), kek))
    }

    /// Offline, a bare alias stands for the keys that were seen behind it here.
    fn may_name(&self, name: &KekUri, kek: &KekUri) -> bool {
        name.may_name(kek) || self.policy.trust().behind(name).any(|key| *key == kek.id())
    }

    /// Whether a rule's name can be this KEK. What stands behind an alias, and whose
    /// `local` is meant, cannot be told offline.
    fn is_named(&self, name: &KekName, kek: &KekUri) -> bool {
        match name {
            KekName::Local => {
                let own = local::uri(self.session, MakeLocal::No);
                own.map_or(kek.is_age(), |own| own == *kek)
            }
            KekName::Uri(named) => self.may_name(named, kek),
        }
    }
}
