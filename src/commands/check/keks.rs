//! Which KEKs a sealed Secret may use, as far as this can be decided offline.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use crate::config::KekName;
use crate::failure::{Failure, SelectError};
use crate::session::local::{self, MakeLocal};
use crate::session::{Environment, Session};
use crate::terminal;
use envcrypt_core::access::{Policy, Scope, Uses};
use envcrypt_core::envelope::SealedSecret;
use envcrypt_core::kek::KekUri;

/// The KEKs that are known on this machine.
pub struct Known<'a> {
    session: &'a Session,
    /// KEKs from flags, environment and settings, trusted KEKs, and the person's own.
    policy: Policy,
    is_empty: bool,
    unchecked: Cell<usize>,
    /// Secrets under a KMS that anyone can make up all the same, and that nobody signed.
    forgeable: Cell<usize>,
}

/// Whether a name may stand for this KEK, and only the KMS knows.
fn is_bare(name: &KekName, kek: &KekUri) -> bool {
    matches!(name, KekName::Uri(bare) if bare.is_bare() && bare.scheme() == kek.scheme())
}

/// The KEKs that the rules name for a Secret.
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
        // An identity that is locked or missing does not matter here.
        for (own, _) in local::identities(session).unwrap_or_default() {
            policy.allow(Uses::Both, Scope::everywhere(), &own);
        }
        let is_empty = policy.grants().next().is_none();
        let (unchecked, forgeable) = (Cell::default(), Cell::default());
        Ok(Self { session, policy, is_empty, unchecked, forgeable })
    }

    /// What is wrong with the KEKs of a Secret in a file.
    pub fn check(
        &self,
        secret: &SealedSecret,
        path: &Path,
    ) -> Result<Vec<(&'static str, String)>, Failure> {
        let place = &secret.meta.place;
        let mut wrong = Vec::new();
        let public = secret.keks().into_iter().filter(|kek| kek.is_public()).count();
        let is_mixed = public > 0 && public < secret.keks().len();
        if is_mixed && secret.signatures.is_empty() {
            self.forgeable.set(self.forgeable.get() + 1);
        }
        let ruled = self.ruled(secret, path)?;
        if let Some(Ruled { file, names }) = ruled.as_ref().filter(|ruled| !ruled.names.is_empty())
        {
            for kek in secret.keks() {
                if !names.iter().any(|name| self.is_named(name, kek)) {
                    let rules = file.file_name().unwrap_or_default().to_string_lossy();
                    let mut text = format!(
                        "the Secret `{place}` is sealed under `{kek}`, which the rules of `{rules}` do not name for it"
                    );
                    if names.iter().any(|name| is_bare(name, kek)) {
                        text += "; a bare alias or key id can be in any account: write the ARN in the rule";
                    }
                    wrong.push(("kek-not-allowed", text));
                }
            }
        } else if self.is_empty && ruled.is_none() {
            self.unchecked.set(self.unchecked.get() + 1);
        } else {
            for kek in secret.keks().into_iter().filter(|kek| !self.knows(kek)) {
                let text = format!(
                    "the Secret `{place}` is sealed under `{kek}`, which no rule, setting or flag names"
                );
                wrong.push(("unknown-kek", text));
            }
        }
        Ok(wrong)
    }

    /// Reports Secrets whose KEKs could not be checked, or let anyone make them up.
    pub fn tell(&self) {
        if self.forgeable.get() > 0 {
            terminal::note(&format!(
                "sealed Secrets under a KMS and also under a public key (`age:` or `azurekms:`): {}; anyone who knows that key can make up such a Secret, unless a rule asks for signatures with `signers`",
                self.forgeable.get()
            ));
        }
        if self.unchecked.get() > 0 {
            terminal::note(&format!(
                "no rule, setting or flag names a KEK, so the KEKs of sealed Secrets were not checked ({} in all): name yours in `.envcrypt.yaml` or with `--kek`",
                self.unchecked.get()
            ));
        }
    }

    /// The names that the rules give for the Secret, if there are rules.
    fn ruled(&self, secret: &SealedSecret, path: &Path) -> Result<Option<Ruled>, Failure> {
        let error = |source| Failure::Select(SelectError::Read { path: path.to_owned(), source });
        // Standard input has no directory, so the rules of the current one apply.
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
        let rules = self.session.rules_of(&folder)?.filter(|rules| !rules.is_empty());
        let Some(rules) = rules else { return Ok(None) };
        let names = rules.possible_keks(namespace, &path);
        Ok(Some(Ruled { file: rules.path.clone(), names }))
    }

    fn knows(&self, kek: &KekUri) -> bool {
        self.policy.grants().any(|grant| self.may_name(grant.kek.uri(), kek))
    }

    fn may_name(&self, name: &KekUri, kek: &KekUri) -> bool {
        self.policy.trust().may_name(name, kek)
    }

    /// Whether the name in a rule can be this KEK. Offline, the key behind an alias is not known,
    /// nor whose `local` key is meant.
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
