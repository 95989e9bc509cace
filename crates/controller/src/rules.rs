//! What may be delivered, as far as it can be decided without any KMS.
//!
//! Whoever may write an `EnvcryptSecret` need not be trusted with the controller's rights. So the
//! controller refuses what would use them for something else.

use std::collections::{BTreeSet, HashSet};

use envcrypt_cluster::LiveResource;
use envcrypt_core::access::{AccessError, Consents, MayUse, Nobody, Policy, Trust, TrustError};
use envcrypt_core::envelope::{Scope, SealCheck, SealedSecret, is_too_late, now};
use envcrypt_core::kek::KekUri;
use envcrypt_core::secret::{SecretType, is_note};

use crate::outcome::Outcome;
use crate::signers::SignersFile;

/// The prefix of what the controller itself writes.
const OURS: &str = "envcrypt.dev/";
/// Labels, or prefixes of labels, that no program takes for an order.
const HARMLESS: [&str; 2] = ["app.kubernetes.io/", "app"];
/// The maximum number of data keys of one object. Each costs a call, and a value that was set later
/// has its own.
const MAX_DEKS: usize = 64;
/// The maximum number of KEKs of one part.
const MAX_RECIPIENTS: usize = 16;
/// The maximum number of wrapped keys that a KMS may be asked for, for one object.
const MAX_CALLS: usize = 128;
/// The maximum size of a wrapped key, in bytes.
const MAX_WRAPPED: usize = 8 << 10;

/// What the command line allows.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// The KEKs that may open.
    pub keks: Vec<KekUri>,
    /// Whether a value may be sealed for every namespace.
    pub allow_cluster_scope: bool,
    /// Prefixes of annotations that a template may have.
    pub annotations: Vec<String>,
    /// Prefixes of labels that a template may have, beside those that are harmless.
    pub labels: Vec<String>,
    /// Whether an older sealing than the delivered one is refused.
    pub refuse_older: bool,
    /// Those who may have written what is delivered.
    pub signers: Option<SignersFile>,
}

/// What is to be done with an object.
pub enum Plan {
    /// Nothing: it is being deleted.
    Nothing,
    /// Only say so.
    Report(Outcome),
    /// Deliver it.
    Deliver(Box<SealedSecret>),
}

impl Rules {
    /// Returns the policy of the KEKs: only these, and nobody can consent to another.
    ///
    /// # Errors
    /// Returns no error: no file is read.
    pub fn consents(&self) -> Result<Consents, TrustError> {
        let keks: BTreeSet<_> = self.keks.iter().map(KekUri::id).collect();
        let policy = Policy::new(MayUse::Only(keks), Trust::load(None)?);
        Ok(Consents::new(policy, Box::new(Nobody)))
    }

    /// Returns whether this KEK may open, in any version.
    pub fn may_use(&self, kek: &KekUri) -> bool {
        self.keks.iter().any(|allowed| allowed.id() == kek.id())
    }

    /// Decides what is to be done, without any request.
    pub fn plan(&self, resource: &LiveResource) -> Plan {
        if resource.is_going {
            return Plan::Nothing;
        }
        if resource.spec.as_ref().is_some_and(|spec| spec.suspend) {
            return Plan::Report(Outcome::suspended());
        }
        match self.admit(resource) {
            Ok(sealed) => Plan::Deliver(Box::new(sealed)),
            Err(outcome) => Plan::Report(outcome.meanwhile(resource.status.sealed_at.as_deref())),
        }
    }

    fn admit(&self, resource: &LiveResource) -> Result<SealedSecret, Outcome> {
        let Some(spec) = &resource.spec else {
            return Err(Outcome::stalled(
                "Invalid",
                "`spec` has not the form of an EnvcryptSecret",
            ));
        };
        let sealed = spec.sealed(resource.place.clone())?;
        sealed
            .check_place(SealCheck::Required)
            .map_err(|error| Outcome::from(AccessError::from(error)))?;
        check_limits(&sealed)?;
        if sealed.seal.as_ref().is_some_and(|seal| is_too_late(seal.sealed_at, now())) {
            let message = "its seal says that it was sealed more than a day in the future";
            return Err(Outcome::stalled("Refused", message));
        }
        self.check_scope(&sealed)?;
        check_type(&sealed.meta.kind)?;
        self.check_template(&sealed)?;
        self.check_keks(&sealed)?;
        if let Some(signers) = &self.signers {
            signers.check(&sealed)?;
        }
        Ok(sealed)
    }

    fn check_scope(&self, sealed: &SealedSecret) -> Result<(), Outcome> {
        let is_wide =
            |scope: Option<Scope>| !matches!(scope, Some(Scope::Strict | Scope::Namespace));
        let is_cluster = sealed.parts().any(|(_, jwe)| is_wide(jwe.binding.scope()));
        if is_cluster && !self.allow_cluster_scope {
            let message =
                "it has a value that opens in every namespace; `--allow-scope cluster` allows that";
            return Err(Outcome::stalled("ScopeDenied", message));
        }
        Ok(())
    }

    /// A template is not sealed. Some programs take labels and annotations for orders.
    fn check_template(&self, sealed: &SealedSecret) -> Result<(), Outcome> {
        let denied = |what: &str, flag: &str, name: &str| {
            let hint = match name.starts_with(OURS) {
                true => "the controller writes those itself".to_owned(),
                false => format!("`{flag}` allows a prefix"),
            };
            let message = format!("the template has the {what} `{name}`; {hint}");
            Outcome::stalled("MetadataDenied", message)
        };
        let begins = |name: &str, prefixes: &[String]| {
            prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
        };
        for name in sealed.meta.annotations.keys() {
            let is_allowed = !name.starts_with(OURS) && begins(name, &self.annotations);
            if !is_allowed && !is_note(name) {
                return Err(denied("annotation", "--allow-annotation", name));
            }
        }
        for name in sealed.meta.labels.keys() {
            let is_harmless = HARMLESS.iter().any(|allowed| {
                name == allowed || (allowed.ends_with('/') && name.starts_with(allowed))
            });
            if name.starts_with(OURS) || !(is_harmless || begins(name, &self.labels)) {
                return Err(denied("label", "--allow-label", name));
            }
        }
        Ok(())
    }

    /// Each part needs a KEK that may open. Otherwise no KMS is asked.
    fn check_keks(&self, sealed: &SealedSecret) -> Result<(), Outcome> {
        let is_open = |recipients: &[envcrypt_core::kek::WrappedKey]| {
            recipients.iter().any(|wrapped| wrapped.kek.is_built_in() && self.may_use(&wrapped.kek))
        };
        match sealed.parts().all(|(_, jwe)| is_open(&jwe.recipients)) {
            true if sealed.is_under_the_same_keks() => Ok(()),
            true => Err(AccessError::DifferentKeks(sealed.meta.place.clone()).into()),
            false => Err(AccessError::NotNamed {
                place: sealed.meta.place.clone(),
                keks: sealed.keks().into_iter().cloned().collect(),
            }
            .into()),
        }
    }
}

/// Whoever writes an object must not be able to make the KMS, or this process, work for long.
fn check_limits(sealed: &SealedSecret) -> Result<(), Outcome> {
    let too_many = |what: &str, most: usize| {
        Outcome::stalled("TooLarge", format!("it has more than {most} {what}"))
    };
    if deks(sealed) > MAX_DEKS {
        return Err(too_many("data keys; `kubectl envcrypt rotate` gives it one", MAX_DEKS));
    }
    if sealed.parts().any(|(_, jwe)| jwe.recipients.len() > MAX_RECIPIENTS) {
        return Err(too_many("KEKs", MAX_RECIPIENTS));
    }
    let wrapped = sealed.wrapped_keys();
    if wrapped.len() > MAX_CALLS {
        return Err(too_many("wrapped data keys", MAX_CALLS));
    }
    match wrapped.iter().all(|wrapped| (1..=MAX_WRAPPED).contains(&wrapped.bytes.len())) {
        true => Ok(()),
        false => Err(Outcome::stalled("Refused", "a wrapped data key is empty or too large")),
    }
}

/// Returns the number of data keys of a Secret.
fn deks(sealed: &SealedSecret) -> usize {
    sealed.parts().map(|(_, jwe)| jwe.commitment).collect::<HashSet<_>>().len()
}

/// Types with which the API server or Helm would do something of its own.
fn check_type(kind: &SecretType) -> Result<(), Outcome> {
    let is_denied = match kind {
        SecretType::ServiceAccountToken | SecretType::BootstrapToken => true,
        SecretType::Other(name) => name.starts_with("helm.sh/"),
        _ => false,
    };
    match is_denied {
        true => {
            Err(Outcome::stalled("TypeDenied", format!("no Secret of type `{kind}` is delivered")))
        }
        false => Ok(()),
    }
}
