//! The keys that the person means.

use crate::config::KekName;
use crate::failure::{Failure, HistoryError};
use crate::session::Session;
use crate::session::local::MakeLocal;
use crate::terminal;
use envcrypt_core::access::{MayUse, Policy, Trust};
use envcrypt_core::kek::{KekId, KekUri};

/// The KEKs without versions. An alias stands for the keys that this machine saw behind it. If it
/// saw none, the KMS is asked.
pub async fn resolved(names: &[KekName], session: &Session) -> Result<Keks, Failure> {
    // Only aliases are read from it, so errors in the configuration do not matter here.
    let policy = session.policy_to_seal(MayUse::Granted);
    let policy =
        policy.or_else(|_| Ok::<_, Failure>(Policy::new(MayUse::Granted, Trust::load(None)?)))?;
    let mut keys = Vec::new();
    for name in session.keks(names, MakeLocal::No)? {
        if !name.is_alias() {
            keys.push(name.id());
            continue;
        }
        let mut behind: Vec<KekId> = policy.trust().behind(&name).cloned().collect();
        if behind.is_empty() {
            let key = session.ring()?.resolve(&name).await.ok().filter(|key| !key.is_alias());
            let key = key.ok_or_else(|| HistoryError::Alias(name.to_string()))?;
            behind.push(key.id());
        }
        for key in &behind {
            terminal::note(&format!(
                "`{name}` is `{key}`; if it named another key before, name that one too"
            ));
        }
        keys.append(&mut behind);
        // SOPS can name a key by its alias.
        keys.push(name.id());
    }
    Ok(Keks(keys))
}

/// The KEKs in question.
pub struct Keks(Vec<KekId>);

impl Keks {
    /// Whether this is one of them, in any version.
    pub fn include(&self, kek: &KekUri) -> bool {
        let id = kek.id();
        self.0.iter().any(|key| *key == id || is_replica(key.uri(), &id))
    }

    /// Whether this is an alias that may stand for one of them.
    pub fn may_be_behind(&self, alias: &KekUri) -> bool {
        let is_same = |key: &KekId| key.uri().scheme() == alias.scheme();
        alias.is_alias() && !self.include(alias) && self.0.iter().any(is_same)
    }
}

/// Whether both are the same multi-Region key of AWS. Its replicas share their key material.
fn is_replica(a: &KekUri, b: &KekId) -> bool {
    let parts = |uri: &KekUri| -> Option<(String, String)> {
        let mut parts = uri.rest().split(':');
        let account = parts.nth(4)?.to_owned();
        let key = parts.next()?.to_owned();
        (uri.scheme() == "awskms" && key.starts_with("key/mrk-")).then_some((account, key))
    };
    parts(a).is_some_and(|a| parts(b.uri()) == Some(a))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_replicas_are_one_key() {
        let arn = |region: &str, key: &str| {
            KekUri::aws(&format!("arn:aws:kms:{region}:111122223333:key/{key}")).expect("an ARN")
        };
        let uri = |text: &str| text.parse::<KekUri>().expect("a KEK");
        let keks = Keks(vec![
            arn("eu-west-1", "mrk-12").id(),
            arn("eu-west-1", "34").id(),
            uri("azurekms://v.vault.azure.net/k").id(),
        ]);
        let old = uri("azurekms://v.vault.azure.net/k/0123456789abcdef0123456789abcdef");
        for is in [arn("us-east-1", "mrk-12"), arn("eu-west-1", "34"), old] {
            assert!(keks.include(&is), "{is}");
        }
        let alias = |region: &str| {
            KekUri::aws(&format!("arn:aws:kms:{region}:111122223333:alias/prod")).expect("an ARN")
        };
        assert!(keks.may_be_behind(&alias("eu-west-1")));
        assert!(!keks.may_be_behind(&arn("us-east-1", "34")));
        assert!(!Keks(vec![uri("hashivault://k").id()]).may_be_behind(&alias("eu-west-1")));
        for other in [arn("us-east-1", "34"), arn("us-east-1", "mrk-13"), uri("hashivault://k")] {
            assert!(!keks.include(&other), "{other}");
        }
    }
}
