//! The data keys of SOPS. A SOPS file names its KEKs, and whoever can write to the repository can
//! write it. So a KEK is used only if this machine trusts it, as for our own Secrets. The address
//! of a server, a role and a profile are never taken from the file.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::gpg;
use crate::failure::{Failure, PeersError};
use crate::process;
use crate::session::Session;
use crate::terminal::Prompt;
use envcrypt_core::access::{Answer, Consents, Question, Scope, Uses, Verdict};
use envcrypt_core::kek::{Context, DataKey, KekUri, Opened, Ring, WrappedKey};
use envcrypt_core::secret::{Namespace, Place, random_bytes};
use envcrypt_peers::sops::{Group, KeyKind, MasterKey, Metadata, NoKek, Share, combine};

/// Who may be asked for data keys, in one run.
pub struct Keyring<'a> {
    pub consents: &'a Consents,
    /// The KEKs of `--open-with`. If there are any, no other KEK is used.
    pub only: Vec<KekUri>,
    pub ring: Ring,
    /// Whether the person named gpg for this run.
    pub is_gpg_named: bool,
    pub prompt: &'a dyn Prompt,
    /// What the person said about gpg.
    pub gpg: OnceCell<bool>,
}

/// Where the Secrets of a file are.
#[derive(Default)]
pub struct Places {
    pub known: Vec<Place>,
    /// Whether there are Secrets whose namespace is encrypted. Only a grant for all namespaces
    /// covers them.
    pub has_hidden: bool,
}

impl Places {
    /// The places that must be granted: one for each namespace and name.
    fn all(&self) -> impl Iterator<Item = Place> {
        self.known.iter().cloned().chain(self.has_hidden.then(nowhere))
    }

    fn is_empty(&self) -> bool {
        self.known.is_empty() && !self.has_hidden
    }

    /// One place of each namespace.
    fn by_namespace(&self) -> BTreeMap<&Namespace, &Place> {
        self.known.iter().rev().map(|place| (&place.namespace, place)).collect()
    }
}

/// A place in a namespace that nobody has, so no grant for some namespaces covers it.
fn nowhere() -> Place {
    let mut bytes = [0; 28];
    random_bytes(&mut bytes);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let namespace = hex.parse().expect("hexadecimal digits are a DNS label");
    Place { namespace, name: "encrypted-name".parse().expect("it is a name") }
}

/// Why the data key of a file cannot be unwrapped, collected over its master keys.
#[derive(Default)]
struct Reasons {
    causes: Vec<String>,
    hints: Vec<String>,
    untrusted: Vec<KekUri>,
}

/// What can be tried for one group.
struct Candidates {
    wrapped: Vec<(WrappedKey, Context)>,
    /// The messages for gpg, each with the fingerprint of its key.
    pgp: Vec<(String, Vec<u8>)>,
}

impl Keyring<'_> {
    /// Prompts for each KEK that is needed and not trusted yet. Lets no KMS open anything.
    pub async fn admit(&self, metadata: &Metadata, places: &Places) -> Result<(), Failure> {
        for group in &metadata.groups {
            let has_pgp = group.keys.iter().any(|key| key.kind == KeyKind::Pgp);
            let is_answered = (has_pgp && self.may_ask_gpg()) || !self.only.is_empty();
            // Nothing that is granted for a namespace opens a Secret of an encrypted one.
            if is_answered || places.has_hidden || self.covers(group, places).await {
                continue;
            }
            self.ask(group, places).await?;
        }
        Ok(())
    }

    /// Prompts for the KEKs of a group, for each namespace, until one of them may open all of them.
    /// After one No, it stops.
    async fn ask(&self, group: &Group, places: &Places) -> Result<(), Failure> {
        for kek in group.keys.iter().filter_map(|key| key.kek().ok()) {
            if !kek.is_built_in() {
                continue;
            }
            for place in places.by_namespace().into_values() {
                if self.is_granted(&kek, place).await {
                    continue;
                }
                match self.consents.ask(&Question::Open { place, kek: &kek })? {
                    Answer::Yes => {}
                    Answer::No | Answer::Nobody => return Ok(()),
                }
            }
            if self.covers(group, places).await {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether gpg may run, or the person can be asked.
    fn may_ask_gpg(&self) -> bool {
        self.is_gpg_named || (self.only.is_empty() && self.prompt.is_available())
    }

    /// Whether gpg may run. Prompts once in a run.
    fn may_run_gpg(&self) -> bool {
        let ask = || {
            let question = "run `gpg` with your keys for SOPS files that name a PGP key";
            self.may_ask_gpg() && self.prompt.confirm(question).unwrap_or(false)
        };
        self.is_gpg_named || *self.gpg.get_or_init(ask)
    }

    async fn covers(&self, group: &Group, places: &Places) -> bool {
        for kek in group.keys.iter().filter_map(|key| key.kek().ok()) {
            if self.may_open(&kek, places).await {
                return true;
            }
        }
        false
    }

    /// Whether a KEK may be used for all of these places.
    async fn may_open(&self, kek: &KekUri, places: &Places) -> bool {
        // Without a place, nothing says what is granted.
        if !kek.is_built_in() || places.is_empty() {
            return false;
        }
        if !self.only.is_empty() {
            return self.is_named(kek).await;
        }
        // An identity of the person opens offline, and tells nobody. A plugin may ask the person.
        if kek.is_age() && !kek.opens_with_plugin() {
            return true;
        }
        for place in places.all() {
            if !self.is_granted(kek, &place).await {
                return false;
            }
        }
        true
    }

    async fn is_named(&self, kek: &KekUri) -> bool {
        for name in &self.only {
            if name.id() == kek.id() || self.stands_for(name, kek).await {
                return true;
            }
        }
        false
    }

    async fn is_granted(&self, kek: &KekUri, place: &Place) -> bool {
        let aliases: Vec<KekUri> = {
            let policy = self.consents.policy();
            if policy.may_open(kek, place, None) == Verdict::Yes {
                return true;
            }
            let mut known = policy.trust().behind(kek).map(envcrypt_core::kek::KekId::uri);
            if known.any(|key| policy.may_open(key, place, None) == Verdict::Yes) {
                return true;
            }
            let names = policy.grants().map(|grant| grant.kek.uri()).filter(|kek| kek.is_alias());
            let granted = names.filter(|name| policy.may_open(name, place, None) == Verdict::Yes);
            granted.cloned().collect()
        };
        for alias in aliases {
            if self.stands_for(&alias, kek).await {
                return true;
            }
        }
        false
    }

    /// Whether a name of the person's own is an alias of this key.
    async fn stands_for(&self, name: &KekUri, kek: &KekUri) -> bool {
        if !name.is_alias() || name.scheme() != kek.scheme() {
            return false;
        }
        if self.consents.policy().trust().behind(name).any(|key| *key == kek.id()) {
            return true;
        }
        let Ok(key) = self.ring.resolve(name).await else { return false };
        self.consents.policy_mut().trust_mut().note_alias(name, &key);
        key.id() == kek.id()
    }

    /// Unwraps the data key of a file, or enough shares of it.
    pub async fn data_key(
        &self,
        path: &std::path::Path,
        metadata: &Metadata,
        places: &Places,
    ) -> Result<DataKey, Failure> {
        let mut reasons = Reasons::default();
        let key = match &metadata.groups[..] {
            [group] => {
                let candidates = self.candidates(group, places, &mut reasons).await;
                self.unwrap(&candidates, &mut reasons, |opened| opened.key()).await
            }
            _ => self.shared(metadata, places, &mut reasons).await,
        };
        if let Some(key) = key {
            return Ok(key);
        }
        let Reasons { causes, mut hints, untrusted } = reasons;
        if let Some(kek) = untrusted.first() {
            hints.push(self.hint(kek, places).await);
        }
        Err(Failure::Peers(PeersError::Closed { path: path.to_owned(), causes, hints }))
    }

    /// What to do about a KEK that is not trusted, for every namespace that needs it.
    async fn hint(&self, kek: &KekUri, places: &Places) -> String {
        if places.has_hidden {
            return format!(
                "the file encrypts its namespace: if you know this KEK, name it with `--open-with '{kek}'`, or allow it in all namespaces with `kubectl envcrypt kek trust -A '{kek}'`"
            );
        }
        let mut commands = Vec::new();
        for (namespace, place) in places.by_namespace() {
            if !self.is_granted(kek, place).await {
                commands.push(format!("`kubectl envcrypt kek trust -n {namespace} '{kek}'`"));
            }
        }
        format!(
            "if you know this KEK, run {}; to use it only once, name it with `--open-with`",
            commands.join(" and ")
        )
    }

    /// Collects shares, group by group, until there are enough.
    async fn shared(
        &self,
        metadata: &Metadata,
        places: &Places,
        reasons: &mut Reasons,
    ) -> Option<DataKey> {
        let mut groups: Vec<&Group> = metadata.groups.iter().collect();
        // Groups that open offline come first.
        groups.sort_by_key(|group| !group.keys.iter().any(|key| key.kind == KeyKind::Age));
        // One share alone is never the data key.
        let needed = metadata.threshold.max(2);
        let mut shares = Vec::new();
        for group in groups {
            let candidates = self.candidates(group, places, reasons).await;
            let share = self.unwrap(&candidates, reasons, |opened| Share::new(opened.bytes)).await;
            shares.extend(share);
            if shares.len() == needed {
                break;
            }
        }
        match shares.len() {
            opened if opened < needed => {
                reasons.causes.push(format!(
                    "{opened} of its {} key groups could be opened, and {needed} are needed",
                    metadata.groups.len(),
                ));
                None
            }
            _ => combine(&shares).map_err(|error| reasons.causes.push(error.to_string())).ok(),
        }
    }

    /// What may be tried for a group.
    async fn candidates(
        &self,
        group: &Group,
        places: &Places,
        reasons: &mut Reasons,
    ) -> Candidates {
        let mut candidates = Candidates { wrapped: Vec::new(), pgp: Vec::new() };
        for key in &group.keys {
            let kek = match key.kek() {
                Ok(kek) => kek,
                Err(NoKek::Pgp) => {
                    candidates.pgp.extend(key.wrapped().map(|message| (key.name.clone(), message)));
                    continue;
                }
                Err(NoKek::Unsupported) => {
                    reasons.causes.push("there is no KEK for keys of Huawei Cloud KMS".to_owned());
                    continue;
                }
                Err(NoKek::Name) => {
                    reasons.causes.push("the name of one of its keys is not valid".to_owned());
                    continue;
                }
            };
            if let Some(wrong) = wrong_server(key) {
                reasons.causes.push(wrong.0);
                reasons.hints.push(wrong.1);
            } else if !self.may_open(&kek, places).await {
                reasons.causes.push(format!("this machine does not trust `{kek}`"));
                reasons.untrusted.push(kek);
            } else if let Some(bytes) = key.wrapped() {
                let context = Context::of_other(key.context.clone());
                if key.names_login {
                    reasons.hints.push(format!(
                        "the file names a role or a profile for `{kek}`, which is not used: log in with it yourself, for example with `AWS_PROFILE`"
                    ));
                }
                candidates.wrapped.push((WrappedKey { kek, bytes }, context));
            } else {
                reasons.causes.push(format!("the data key under `{kek}` is not valid"));
            }
        }
        candidates
    }

    async fn unwrap<T>(
        &self,
        candidates: &Candidates,
        reasons: &mut Reasons,
        accept: impl Fn(Opened) -> Option<T>,
    ) -> Option<T> {
        let of_ring: Vec<_> =
            candidates.wrapped.iter().map(|(key, context)| (key, context)).collect();
        if !of_ring.is_empty() {
            match self.ring.unwrap_other(&of_ring, &accept).await {
                Ok(opened) => return Some(opened),
                Err(refusals) => {
                    for refusal in refusals {
                        reasons.causes.push(refusal.to_string());
                        reasons.causes.extend(refusal.detail.clone());
                        reasons.hints.extend(refusal.hint.clone());
                    }
                }
            }
        }
        if !candidates.pgp.is_empty() && !self.may_run_gpg() {
            reasons.causes.push("`gpg` may not run for its PGP key".to_owned());
            reasons.hints.push(
                "if you trust this file, let `gpg` run with `seal --open-with-gpg`; or decrypt it with SOPS itself".to_owned(),
            );
            return None;
        }
        for (fingerprint, message) in &candidates.pgp {
            match gpg::decrypt(message, fingerprint).await {
                Ok(bytes) => match accept(bytes.into()) {
                    Some(opened) => return Some(opened),
                    None => reasons.causes.push("`gpg` returned another data key".to_owned()),
                },
                Err(why) => reasons.causes.push(why),
            }
        }
        None
    }
}

/// The server of Vault comes from the environment alone. If the file names another one, a token
/// would be sent to whoever wrote the file. Returns a cause and a hint.
fn wrong_server(key: &MasterKey) -> Option<(String, String)> {
    let named = key.address.as_deref()?;
    let ours = std::env::var("VAULT_ADDR").unwrap_or_default();
    if ours.trim_end_matches('/') == named {
        return None;
    }
    let named = named.escape_default().to_string();
    Some((
        format!("the file names the Vault server `{named}`, and `VAULT_ADDR` another one"),
        format!("if this is your server, set `VAULT_ADDR={}`", process::quoted(&named)),
    ))
}

/// Lets the KEKs that the person named for this run open, too.
pub fn allow_named(
    session: &Session,
    consents: &Consents,
    named: &[KekUri],
) -> Result<(), Failure> {
    let environment =
        session.keks(&crate::session::kek_variable()?, crate::session::local::MakeLocal::No)?;
    let mut policy = consents.policy_mut();
    for kek in named.iter().chain(&environment) {
        policy.allow(Uses::Open, Scope::everywhere(), kek);
    }
    Ok(())
}
