//! Signs what a command writes, where a rule asks for it.

use std::cell::{Cell, OnceCell, RefCell};
use std::path::Path;

use clap::Args;

use super::{Author, AuthorError};
use crate::failure::Failure;
use crate::process;
use crate::session::Session;
use crate::signers;
use crate::terminal;
use envcrypt_core::envelope::{OpenError, Quorum, Refused, SealedSecret, now};
use envcrypt_core::secret::Place;
use envcrypt_core::signature::{Demand, PublicKey, SECRET_NAMESPACE};

#[derive(Args, Default)]
#[command(next_help_heading = "Signing")]
pub struct SigningArgs {
    /// Do not sign, although the rule for the Secret asks for it; a signer must then run `sign`
    #[arg(long)]
    no_sign: bool,
}

impl SigningArgs {
    pub fn signs(&self) -> Signs {
        if self.no_sign { Signs::Later } else { Signs::ByRule }
    }
}

/// Of a command that changes sealed Secrets.
#[derive(Args, Default)]
#[command(next_help_heading = "Signing")]
pub struct ChangeSigningArgs {
    #[command(flatten)]
    signing: SigningArgs,
    /// Change the Secret even if Git has a newer one, where a rule asks for signatures
    #[arg(long)]
    pub allow_older: bool,
}

impl ChangeSigningArgs {
    pub fn signs(&self) -> Signs {
        self.signing.signs()
    }
}

/// Which Secrets get a signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Signs {
    /// All of them.
    Always,
    /// Those whose rule asks for one.
    ByRule,
    /// None now: someone else signs them.
    Later,
    /// None: the change keeps the signatures.
    Never,
}

/// The signatures of one run. The key is found when the first Secret needs it.
pub struct Signing<'a> {
    session: &'a Session,
    signs: Signs,
    /// Whether the command has the flag `--no-sign`.
    has_flag: bool,
    author: OnceCell<Author>,
    /// How many Secrets will be signed.
    planned: Cell<usize>,
    /// The signed Secrets that need more signatures, by how many they have and how many they need.
    open: RefCell<Vec<(usize, usize)>>,
}

impl<'a> Signing<'a> {
    pub fn new(session: &'a Session, signs: Signs) -> Self {
        Self {
            session,
            signs,
            has_flag: signs == Signs::ByRule,
            author: OnceCell::new(),
            planned: Cell::new(0),
            open: RefCell::default(),
        }
    }

    /// For a command without the flag `--no-sign`.
    pub fn without_flag(self) -> Self {
        Self { has_flag: false, ..self }
    }

    /// Finds the key if this Secret will be signed, and checks it, before the person does any
    /// work. Returns whether it will be signed.
    ///
    /// `old` is the sealed Secret before the change. What others did to it must not get the
    /// signature of the person who makes the change.
    ///
    /// # Errors
    /// Returns an [`AuthorError`] if the key may not sign this Secret, or if someone changed the
    /// Secret since it was signed.
    pub fn admit(
        &self,
        place: &Place,
        old: Option<&SealedSecret>,
        path: Option<&Path>,
    ) -> Result<bool, Failure> {
        let demand = self.demand(place, path)?;
        match (self.signs, &demand) {
            (Signs::Never | Signs::Later, _) | (Signs::ByRule, None) => return Ok(false),
            _ => {}
        }
        let author = self.author()?;
        if let Some(demand) = &demand {
            if let Some(key) = author.public_key() {
                self.check_listed(key, demand, place, now())?;
            }
            if let Some(old) = old.filter(|_| self.signs == Signs::ByRule)
                && !is_known(author, old, demand)
            {
                check_covered(old, demand)?;
            }
        }
        Ok(true)
    }

    /// Whether the Secret has the signatures that its rule asks for, over all that it has.
    pub fn is_signed(&self, secret: &SealedSecret, path: Option<&Path>) -> Result<bool, Failure> {
        let Some(demand) = self.demand(&secret.meta.place, path)? else { return Ok(true) };
        Ok(secret.check_signatures(&demand).is_ok_and(|signed| signed.uncovered.is_empty()))
    }

    /// Whether the person signed all of this state of the Secret. They may change what they vouch
    /// for already, although others must still sign it.
    #[must_use]
    pub fn knows(&self, secret: &SealedSecret, demand: &Demand) -> bool {
        self.author().is_ok_and(|author| is_known(author, secret, demand))
    }

    /// Counts a Secret that will be signed.
    pub fn plan(&self) {
        self.planned.set(self.planned.get() + 1);
    }

    /// Says how many Secrets will be signed, if it is more than one.
    pub fn announce(&self) {
        if let (count @ 2.., Some(author)) = (self.planned.get(), self.author.get()) {
            terminal::note(&format!(
                "signing {count} Secrets with the key `{}`: a security key asks for a touch for each, and `ssh-keygen` for a passphrase unless your agent has the key",
                author.key
            ));
        }
    }

    /// Signs the Secret, if it must be signed.
    ///
    /// # Errors
    /// Returns an [`AuthorError`] if the key may not sign it, or does not.
    pub async fn sign(
        &self,
        mut secret: SealedSecret,
        path: Option<&Path>,
    ) -> Result<SealedSecret, Failure> {
        let place = secret.meta.place.clone();
        let demand = match self.signs {
            Signs::Never => return Ok(secret),
            _ => self.demand(&place, path)?,
        };
        match (self.signs, &demand) {
            (Signs::ByRule | Signs::Later, None) => return Ok(secret),
            (Signs::Later, Some(_)) => {
                terminal::warn(&format!(
                    "`{place}` does not have your signature: `check` refuses it until enough signers run `kubectl envcrypt sign`"
                ));
                return Ok(secret);
            }
            _ => {}
        }
        let Some(statement) = secret.statement() else {
            return Err(AuthorError::NoSeal(place.to_string()).into());
        };
        let author = self.author()?;
        let blob = author.sign(SECRET_NAMESPACE, statement.bytes()).await?;
        let signature = statement.signed(blob);
        if let (Some(demand), Some(key), Some(seal)) = (&demand, signature.key(), &secret.seal) {
            self.check_listed(&key, demand, &place, seal.sealed_at)?;
        }
        if let Some(demand) = &demand {
            secret.keep_signatures(Some(demand));
        }
        secret.add_signature(signature)?;
        self.note_open(&secret, demand.as_ref());
        Ok(secret)
    }

    fn note_open(&self, secret: &SealedSecret, demand: Option<&Demand>) {
        if let Some(Err(OpenError::Unsigned { refused: Refused::SignatureQuorum(few), .. })) =
            demand.map(|demand| secret.check_signatures(demand))
        {
            let Quorum { by, needed } = *few;
            self.open.borrow_mut().push((by.len(), needed));
        }
    }

    /// Says once that other people must sign, too. The path is that of the only file.
    pub fn tell_open(&self, path: Option<&Path>) {
        match path.filter(|path| *path != Path::new("-")) {
            Some(path) => {
                self.tell_open_of(&format!("-f {}", process::quoted(&path.to_string_lossy())));
            }
            None => self.tell_open_of("-f FILE"),
        }
    }

    /// As [`tell_open`](Self::tell_open). `target` names the Secrets in a command.
    pub fn tell_open_of(&self, target: &str) {
        let open = self.open.take();
        let text = match open[..] {
            [] => return,
            [(by, needed)] => format!(
                "{by} of {needed} signatures: another signer must run `kubectl envcrypt sign {target}`"
            ),
            _ => format!(
                "{} Secrets do not have all of their signatures yet: another signer must run `kubectl envcrypt sign {target}`",
                open.len()
            ),
        };
        terminal::note(&text);
    }

    /// The public key that signs, if it is known already.
    pub fn public_key(&self) -> Result<Option<&PublicKey>, Failure> {
        Ok(self.author()?.public_key())
    }

    /// Whether a rule asks for signatures of a Secret that a command changes, now or later.
    pub fn is_asked(&self, place: &Place, path: &Path) -> Result<bool, Failure> {
        let makes_new = matches!(self.signs, Signs::ByRule | Signs::Later);
        Ok(makes_new && self.demand(place, Some(path))?.is_some())
    }

    /// What the rule for a Secret asks for.
    pub fn demand(&self, place: &Place, path: Option<&Path>) -> Result<Option<Demand>, Failure> {
        signers::demand(self.session, place, path)
    }

    /// Refuses a key that the list does not have. `time` is that of the seal, in seconds since 1970.
    fn check_listed(
        &self,
        key: &PublicKey,
        demand: &Demand,
        place: &Place,
        time: u64,
    ) -> Result<(), AuthorError> {
        let found = demand.signers.principal(key, SECRET_NAMESPACE, time);
        found.map(drop).map_err(|why| AuthorError::NotSigner {
            place: place.to_string(),
            fingerprint: key.fingerprint(),
            file: demand.file.to_path_buf(),
            why,
            has_flag: self.has_flag,
        })
    }

    fn author(&self) -> Result<&Author, Failure> {
        if let Some(author) = self.author.get() {
            return Ok(author);
        }
        let author = Author::find(self.session)?;
        Ok(self.author.get_or_init(|| author))
    }
}

/// Whether the key of the person may sign the Secret, and signed all of its present state.
fn is_known(author: &Author, secret: &SealedSecret, demand: &Demand) -> bool {
    let time = secret.seal.as_ref().map_or(0, |seal| seal.sealed_at);
    author.public_key().is_some_and(|key| {
        demand.signers.principal(key, SECRET_NAMESPACE, time).is_ok() && secret.is_signed_by(key)
    })
}

/// Refuses a Secret that its signers did not sign in this state.
fn check_covered(old: &SealedSecret, demand: &Demand) -> Result<(), Failure> {
    let signed = old.check_signatures(demand)?;
    match signed.uncovered.is_empty() {
        true => Ok(()),
        false => Err(AuthorError::Uncovered {
            place: old.meta.place.to_string(),
            names: signed.uncovered,
        }
        .into()),
    }
}
