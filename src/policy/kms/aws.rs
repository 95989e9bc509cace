//! A policy of IAM. AWS KMS authenticates the encryption context, and IAM can compare it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::{KekUse, KmsRights};
use crate::policy::PolicyError;
use envcrypt_core::kek::KekUri;
use envcrypt_core::secret::Namespace;

const NAMESPACE: &str = "envcrypt.dev/namespace";
const NAME: &str = "envcrypt.dev/name";
/// EKS Pod Identity tags each session with the namespace of the pod.
const OF_POD: &str = "${aws:PrincipalTag/kubernetes-namespace}";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    version: &'static str,
    statement: Vec<Statement>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    sid: String,
    effect: &'static str,
    action: &'static str,
    resource: String,
    condition: Condition,
}

type Condition = BTreeMap<&'static str, BTreeMap<String, Value>>;

pub(super) fn text(rights: &KmsRights) -> Result<String, PolicyError> {
    let mut statement = Vec::new();
    for (number, (kek, namespaces)) in (1..).zip(&rights.keks) {
        let (resource, alias) = resource(kek, rights.uses)?;
        let mut condition = fence(namespaces, &rights.names);
        let (sid, action) = match rights.uses {
            KekUse::Seal => ("Seal", "kms:Encrypt"),
            KekUse::Open => ("Open", "kms:Decrypt"),
        };
        condition.extend(alias.clone());
        let sid = format!("Envcrypt{sid}{number}");
        let effect = "Allow";
        statement.push(Statement { sid, effect, action, resource: resource.clone(), condition });
        // A Secret names the key behind an alias. This request has no context.
        if let Some(alias) = alias.filter(|_| rights.uses == KekUse::Open) {
            let (sid, action) = (format!("EnvcryptResolve{number}"), "kms:DescribeKey");
            let condition = [alias].into();
            statement.push(Statement { sid, effect, action, resource, condition });
        }
    }
    let policy = Policy { version: "2012-10-17", statement };
    let text = serde_json::to_string_pretty(&policy).expect("it is plain text");
    Ok(text + "\n")
}

/// Only the Secrets of these namespaces and names, and no other context.
fn fence(namespaces: &[Namespace], names: &[String]) -> Condition {
    let one_of = |texts: Vec<&str>| match texts[..] {
        [one] => json!(one),
        _ => json!(texts),
    };
    let namespaces = match namespaces {
        [] => vec![OF_POD],
        namespaces => namespaces.iter().map(Namespace::as_str).collect(),
    };
    let key = |name: &str| format!("kms:EncryptionContext:{name}");
    let mut equal: BTreeMap<_, _> = [(key(NAMESPACE), one_of(namespaces))].into();
    if !names.is_empty() {
        let names = names.iter().map(String::as_str).collect();
        equal.insert(key(NAME), one_of(names));
    }
    let keys = [("kms:EncryptionContextKeys".to_owned(), json!([NAME, NAMESPACE]))];
    [("StringEquals", equal), ("ForAllValues:StringEquals", keys.into())].into()
}

type AliasCondition = (&'static str, BTreeMap<String, Value>);

/// The ARN of the key. A policy cannot name a key by its alias: there, the ARN is that of any key,
/// and a condition has the alias.
fn resource(kek: &KekUri, uses: KekUse) -> Result<(String, Option<AliasCondition>), PolicyError> {
    let arn = kek.rest();
    if kek.is_bare() {
        return Err(PolicyError::Bare(kek.clone()));
    }
    if let Some((account, alias)) = arn.split_once(":alias/") {
        let aliases = [("kms:ResourceAliases".to_owned(), json!(format!("alias/{alias}")))];
        let condition = ("ForAnyValue:StringEquals", aliases.into());
        return Ok((format!("{account}:key/*"), Some(condition)));
    }
    // If its region does not answer, the replica in another one opens.
    let is_replicated = arn.contains(":key/mrk-") && uses == KekUse::Open;
    let mut parts: Vec<&str> = arn.split(':').collect();
    if is_replicated {
        parts[3] = "*";
    }
    Ok((parts.join(":"), None))
}
