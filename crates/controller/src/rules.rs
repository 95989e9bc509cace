//! What may be delivered, as far as it can be decided without any KMS.
//!
//! Whoever may write an `EnvcryptSecret` need not be trusted with the controller's rights. So the
//! controller refuses what would use them for something else.

use std::collections::BTreeSet;

use envcrypt_cluster::LiveResource;
use envcrypt_core::access::{AccessError, Consents, MayUse, Nobody, Policy, Trust, TrustError};
use envcrypt_core::envelope::{Scope, SealCheck, SealedSecret};
use envcrypt_core::kek::KekUri;
use envcrypt_core::secret::SecretType;

use crate::outcome::Outcome;

/// The prefix of what the controller itself writes.
const OURS: &str = "envcrypt.dev/";
/// Label prefixes that no program takes for an order.
const HARMLESS: [&str; 1] = ["app.kubernetes.io/"];

/// What the command line allows.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// The KEKs that may open.
    pub keks: Vec<KekUri>,
    /// Whether a value may be sealed for every namespace.
    pub allow_cluster_scope: bool,
    /// Prefixes of annotations that a template may have.
    pub annotations: Vec<String>,
    /// Prefixes of labels that a template may have, beside labels without a prefix.
    pub labels: Vec<String>,
    /// Whether an older sealing than the delivered one is refused.
    pub refuse_older: bool,
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
        self.check_scope(&sealed)?;
        check_type(&sealed.meta.kind)?;
        self.check_template(&sealed)?;
        self.check_keks(&sealed)?;
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
            let message = format!("the template has the {what} `{name}`; `{flag}` allows a prefix");
            Outcome::stalled("MetadataDenied", message)
        };
        let begins = |name: &str, prefixes: &[String]| {
            prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
        };
        for name in sealed.meta.annotations.keys() {
            if name.starts_with(OURS) || !begins(name, &self.annotations) {
                return Err(denied("annotation", "--allow-annotation", name));
            }
        }
        for name in sealed.meta.labels.keys() {
            let is_harmless =
                !name.contains('/') || HARMLESS.iter().any(|prefix| name.starts_with(prefix));
            if name.starts_with(OURS) || !(is_harmless || begins(name, &self.labels)) {
                return Err(denied("label", "--allow-label", name));
            }
        }
        Ok(())
    }

    /// Each part needs a KEK that may open. Otherwise no KMS is asked.
    fn check_keks(&self, sealed: &SealedSecret) -> Result<(), Outcome> {
        let may = |kek: &KekUri| self.keks.iter().any(|allowed| allowed.id() == kek.id());
        let is_open = |recipients: &[envcrypt_core::kek::WrappedKey]| {
            recipients.iter().any(|wrapped| wrapped.kek.is_built_in() && may(&wrapped.kek))
        };
        match sealed.parts().all(|(_, jwe)| is_open(&jwe.recipients)) {
            true => Ok(()),
            false => Err(AccessError::NotNamed {
                place: sealed.meta.place.clone(),
                keks: sealed.keks().into_iter().cloned().collect(),
            }
            .into()),
        }
    }
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
