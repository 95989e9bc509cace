//! Who wrote a sealed Secret: the statement that an author signs, and the check of signatures
//! (`docs/format.md`, section 2).

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};

use super::jwe::Map;
use super::{OpenError, Quorum, Refused, SealedSecret};
use crate::secret::is_note;
use crate::signature::{Demand, PublicKey, SECRET_NAMESPACE, SignatureError, SshSignature, armor};

/// The maximum number of signatures of a Secret.
const MAX_SIGNATURES: usize = 16;
/// The maximum size of all signatures of a Secret together, in bytes.
const MAX_SIZE: usize = 64 << 10;
const TYP: &str = "envcrypt-v1-signature";

/// Labels and annotations that tools write into any object. A signature does not cover them, because
/// they change without an author. A name that ends with `/` stands for all names that begin with it.
const OF_TOOLS: [&str; 14] = [
    "app.kubernetes.io/managed-by",
    "argocd.argoproj.io/installation-id",
    "argocd.argoproj.io/instance",
    "argocd.argoproj.io/tracking-id",
    "config.kubernetes.io/",
    "envcrypt.dev/",
    "helm.toolkit.fluxcd.io/name",
    "helm.toolkit.fluxcd.io/namespace",
    "internal.config.kubernetes.io/",
    "kubectl.kubernetes.io/last-applied-configuration",
    "kustomize.toolkit.fluxcd.io/name",
    "kustomize.toolkit.fluxcd.io/namespace",
    "meta.helm.sh/release-name",
    "meta.helm.sh/release-namespace",
];

/// Returns whether a label or an annotation is one that tools write into any object.
#[must_use]
pub fn is_of_a_tool(name: &str) -> bool {
    let is_it = |tool: &&str| match tool.ends_with('/') {
        true => name.starts_with(*tool),
        false => name == *tool,
    };
    !is_note(name) && OF_TOOLS.iter().any(is_it)
}

/// A signature of an author, with the names of the labels and annotations that it covers. It is
/// not verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorSignature {
    annotations: BTreeSet<String>,
    labels: BTreeSet<String>,
    /// The bytes of an [`SshSignature`].
    bytes: Vec<u8>,
}

/// The message that an author signs. It has no secret.
pub struct Statement {
    annotations: BTreeSet<String>,
    labels: BTreeSet<String>,
    bytes: Vec<u8>,
}

/// A Secret whose signatures are those that a rule asks for.
#[derive(Debug)]
pub struct Signed {
    /// The principals who signed, at least as many as the rule asks for.
    pub by: BTreeSet<String>,
    /// The labels and annotations that are not signed by as many. Someone else may have added
    /// them.
    pub uncovered: Vec<String>,
    /// The labels and annotations of tools, which nobody signs. They are for the sealed object, so
    /// a plain Secret must not get them.
    pub of_tools: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    annotations: Vec<String>,
    labels: Vec<String>,
    signature: String,
}

/// The JSON of a statement, compact, with sorted members.
#[derive(Serialize)]
struct Wording<'a> {
    annotations: BTreeMap<&'a str, &'a str>,
    binding: BTreeMap<&'static str, &'a str>,
    iat: u64,
    labels: BTreeMap<&'a str, &'a str>,
    seal: String,
    set: String,
    typ: &'static str,
}

impl AuthorSignature {
    /// Reads the JSON of the annotation `envcrypt.dev/signatures`.
    ///
    /// # Errors
    /// Returns [`Refused::SignatureForm`] if it is not a list of at most 16 signatures, each with
    /// sorted names.
    pub fn parse_list(json: &str) -> Result<Vec<Self>, Refused> {
        let wrong = Refused::SignatureForm(SignatureError::Form);
        if json.len() > MAX_SIZE {
            return Err(wrong);
        }
        let list: Vec<Map<Wire>> = serde_json::from_str(json).map_err(|_| wrong.clone())?;
        if list.len() > MAX_SIGNATURES {
            return Err(Refused::SignatureForm(SignatureError::Many));
        }
        list.into_iter().map(|Map(wire)| Self::read(wire).ok_or_else(|| wrong.clone())).collect()
    }

    fn read(wire: Wire) -> Option<Self> {
        let set = |names: Vec<String>| {
            names.is_sorted_by(|a, b| a < b).then(|| names.into_iter().collect::<BTreeSet<_>>())
        };
        Some(Self {
            annotations: set(wire.annotations)?,
            labels: set(wire.labels)?,
            bytes: BASE64.decode(&wire.signature).ok()?,
        })
    }

    /// Returns the JSON of the annotation `envcrypt.dev/signatures`. `None` without signatures.
    #[must_use]
    pub fn list_json(list: &[Self]) -> Option<String> {
        let wire = |signature: &Self| {
            Map(Wire {
                annotations: signature.annotations.iter().cloned().collect(),
                labels: signature.labels.iter().cloned().collect(),
                signature: BASE64.encode(&signature.bytes),
            })
        };
        let list: Vec<_> = list.iter().map(wire).collect();
        (!list.is_empty()).then(|| serde_json::to_string(&list).expect("it is plain text"))
    }

    /// Returns the signature in the armor of ssh-keygen: lines of 70 characters of base64.
    #[must_use]
    pub fn armored(&self) -> String {
        armor(&self.bytes)
    }

    /// Returns the key that the signature names. Nothing is known of it yet.
    #[must_use]
    pub fn key(&self) -> Option<PublicKey> {
        SshSignature::parse(&self.bytes).ok().map(|signature| signature.key().clone())
    }

    /// How many labels and annotations it covers.
    fn covered(&self) -> usize {
        self.labels.len() + self.annotations.len()
    }

    /// Whether it covers this label (`true`) or annotation (`false`).
    fn covers(&self, is_label: bool, name: &str) -> bool {
        if is_label { self.labels.contains(name) } else { self.annotations.contains(name) }
    }
}

impl Statement {
    /// Returns the bytes to sign, in the namespace
    /// [`SECRET_NAMESPACE`](crate::signature::SECRET_NAMESPACE).
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Adds the signature over the statement: the bytes of an [`SshSignature`].
    #[must_use]
    pub fn signed(self, signature: Vec<u8>) -> AuthorSignature {
        let Self { annotations, labels, .. } = self;
        AuthorSignature { annotations, labels, bytes: signature }
    }
}

impl SealedSecret {
    /// Returns the statement for a new signature. It covers all labels and annotations but those
    /// of tools. `None` if the Secret has no seal.
    #[must_use]
    pub fn statement(&self) -> Option<Statement> {
        let names = |map: &BTreeMap<String, String>| {
            map.keys().filter(|name| !is_of_a_tool(name)).cloned().collect::<BTreeSet<_>>()
        };
        let (annotations, labels) = (names(&self.meta.annotations), names(&self.meta.labels));
        let bytes = self.wording(&annotations, &labels)?;
        Some(Statement { annotations, labels, bytes })
    }

    /// Adds a signature. It takes the place of an earlier one of the same key, and of those that
    /// are over another state of the Secret.
    ///
    /// # Errors
    /// Returns [`OpenError::Unsigned`] if the signature is not valid, or if there are more than 16.
    pub fn add_signature(&mut self, new: AuthorSignature) -> Result<(), OpenError> {
        let key = self.signer(&new).map_err(|refused| self.unsigned(refused))?;
        let stays = |old: &&AuthorSignature| self.signer(old).is_ok_and(|signer| signer != key);
        let mut signatures: Vec<_> = self.signatures.iter().filter(stays).cloned().collect();
        if signatures.len() >= MAX_SIGNATURES {
            return Err(self.unsigned(Refused::SignatureForm(SignatureError::Many)));
        }
        signatures.push(new);
        self.signatures = signatures;
        Ok(())
    }

    /// Drops the signatures that are not over the present state of the Secret and, with a `demand`,
    /// those that do not count for it. Of each key, the one that covers most stays, and at most 16
    /// in all.
    pub fn keep_signatures(&mut self, demand: Option<&Demand>) {
        let time = self.seal.as_ref().map_or(0, |seal| seal.sealed_at);
        let counts = |key: &PublicKey| {
            demand.is_none_or(|d| d.signers.principal(key, SECRET_NAMESPACE, time).is_ok())
        };
        let mut kept: Vec<(PublicKey, &AuthorSignature)> = Vec::new();
        for new in &self.signatures {
            let Ok(key) = self.signer(new) else { continue };
            match kept.iter_mut().find(|(of, _)| *of == key) {
                Some((_, old)) if old.covered() < new.covered() => *old = new,
                None if counts(&key) => kept.push((key, new)),
                _ => {}
            }
        }
        let kept = kept.into_iter().take(MAX_SIGNATURES);
        self.signatures = kept.map(|(_, signature)| signature.clone()).collect();
    }

    /// Returns whether this key signed the present state of the Secret, with everything that
    /// [`statement`](Self::statement) covers.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let Some(new) = self.statement() else { return false };
        self.signatures.iter().any(|old| {
            old.annotations == new.annotations
                && old.labels == new.labels
                && self.signer(old).is_ok_and(|signer| signer == *key)
        })
    }

    /// Checks offline that as many different principals signed this state of the Secret as
    /// `demand` asks for.
    ///
    /// A signature covers the seal, but does not show that the seal is over these values: whoever
    /// opens the Secret checks this.
    ///
    /// # Errors
    /// Returns [`OpenError::Unsigned`] with the reason.
    pub fn check_signatures(&self, demand: &Demand) -> Result<Signed, OpenError> {
        let time = self.seal.as_ref().map_or(0, |seal| seal.sealed_at);
        let (mut counted, mut refusals) = (Vec::new(), Vec::new());
        for signature in &self.signatures {
            let principal = self.signer(signature).and_then(|key| {
                let found = demand.signers.principal(&key, SECRET_NAMESPACE, time);
                let fingerprint = key.fingerprint().into();
                found.map_err(|why| Refused::SignatureSigner { fingerprint, why })
            });
            match principal {
                Ok(principal) => counted.push((principal.to_owned(), signature)),
                Err(refused) => refusals.push(refused),
            }
        }
        let by: BTreeSet<String> = counted.iter().map(|(name, _)| name.clone()).collect();
        let needed = demand.needed.get();
        if by.len() >= needed {
            let uncovered = self.uncovered(&counted, needed);
            let (of_tools, uncovered) = uncovered.into_iter().partition(|name| is_of_a_tool(name));
            return Ok(Signed { by, uncovered, of_tools });
        }
        Err(self.unsigned(match refusals.into_iter().next() {
            _ if !by.is_empty() => {
                Refused::SignatureQuorum(Box::new(Quorum { by: by.into_iter().collect(), needed }))
            }
            Some(refused) => refused,
            None => Refused::SignatureMissing,
        }))
    }

    /// Returns the statement with the present state of what a signature covers. `None` if a label,
    /// an annotation or the seal is missing.
    #[must_use]
    pub fn statement_of(&self, signature: &AuthorSignature) -> Option<Vec<u8>> {
        self.wording(&signature.annotations, &signature.labels)
    }

    /// Returns the key that made the signature over the present state of the Secret.
    ///
    /// # Errors
    /// Returns [`Refused`] if the signature does not match that state.
    pub fn signer(&self, signature: &AuthorSignature) -> Result<PublicKey, Refused> {
        let read = SshSignature::parse(&signature.bytes).map_err(Refused::SignatureForm)?;
        let mismatch = || Refused::SignatureMismatch(read.key().fingerprint().into());
        let wording = self.statement_of(signature).ok_or_else(mismatch)?;
        match read.verify(SECRET_NAMESPACE, &wording) {
            Ok(()) => Ok(read.key().clone()),
            Err(SignatureError::Mismatch) => Err(mismatch()),
            Err(other) => Err(Refused::SignatureForm(other)),
        }
    }

    /// The labels and annotations that fewer than `needed` principals signed.
    fn uncovered(&self, counted: &[(String, &AuthorSignature)], needed: usize) -> Vec<String> {
        let labels = self.meta.labels.keys().map(|name| (true, name));
        let all = labels.chain(self.meta.annotations.keys().map(|name| (false, name)));
        let is_covered = |is_label: bool, name: &str| {
            let by = counted.iter().filter(|(_, signature)| signature.covers(is_label, name));
            by.map(|(principal, _)| principal).collect::<BTreeSet<_>>().len() >= needed
        };
        all.filter(|(is_label, name)| !is_covered(*is_label, name))
            .map(|(_, name)| name.clone())
            .collect()
    }

    /// The statement over these labels and annotations. `None` if one of them, or the seal, is not
    /// there.
    fn wording(
        &self,
        annotations: &BTreeSet<String>,
        labels: &BTreeSet<String>,
    ) -> Option<Vec<u8>> {
        fn pick<'a>(
            names: &'a BTreeSet<String>,
            from: &'a BTreeMap<String, String>,
        ) -> Option<BTreeMap<&'a str, &'a str>> {
            names.iter().map(|name| Some((name.as_str(), from.get(name)?.as_str()))).collect()
        }
        let seal = self.seal.as_ref()?;
        let namespace = seal.binding.namespace.as_deref().map(|text| ("namespace", text));
        let name = seal.binding.name.as_deref().map(|text| ("name", text));
        let wording = Wording {
            annotations: pick(annotations, &self.meta.annotations)?,
            binding: namespace.into_iter().chain(name).collect(),
            iat: seal.sealed_at,
            labels: pick(labels, &self.meta.labels)?,
            seal: BASE64.encode(seal.digest()),
            set: BASE64.encode(self.digest()),
            typ: TYP,
        };
        Some(serde_json::to_vec(&wording).expect("it is plain text"))
    }

    fn unsigned(&self, refused: Refused) -> OpenError {
        OpenError::Unsigned { place: self.meta.place.clone(), refused }
    }
}

#[cfg(test)]
mod tests;
