//! A role of Azure, with its assignments. Key Vault takes no context for RSA keys.

use std::collections::BTreeSet;

use super::{KekUse, KmsRights, is_shared};
use crate::policy::{PolicyError, Subject};
use crate::process::quoted;
use envcrypt_core::kek::KekUri;
use envcrypt_core::secret::Namespace;

pub(super) fn text(rights: &KmsRights) -> Result<String, PolicyError> {
    let mut text =
        "# Azure cannot see the namespace of a Secret. Use a key for each namespace.\n".to_owned();
    if is_shared(rights) {
        text += "# Here, several namespaces have the same key: each of them can open the Secrets of the others.\n";
    }
    let keys = keys(rights, |_| true);
    text += &role(rights.uses);
    if rights.subjects.is_empty() {
        text += "\n# The object id of who gets the role.\nPRINCIPAL=${PRINCIPAL:?}\n";
        for key in &keys {
            text += &assignment(key, rights.uses, "--assignee-object-id \"$PRINCIPAL\"")?;
        }
    }
    for subject in &rights.subjects {
        let assignee = match subject {
            Subject::User(name) | Subject::Group(name) => format!("--assignee {}", quoted(name)),
            Subject::ServiceAccount { namespace, name } => {
                text += &federation(namespace.as_str(), name);
                "--assignee-object-id \"$PRINCIPAL\" --assignee-principal-type ServicePrincipal"
                    .to_owned()
            }
        };
        let its = |namespaces: &[Namespace]| rights.subjects_of(namespaces).any(|s| s == subject);
        for key in &self::keys(rights, its) {
            text += &assignment(key, rights.uses, &assignee)?;
        }
    }
    Ok(text)
}

/// The keys of some namespaces. Each version has the rights of its key.
fn keys(rights: &KmsRights, is_wanted: impl Fn(&[Namespace]) -> bool) -> BTreeSet<KekUri> {
    let wanted = rights.keks.iter().filter(|(_, namespaces)| is_wanted(namespaces));
    wanted.map(|(kek, _)| KekUri::from(kek.id())).collect()
}

fn name(uses: KekUse) -> &'static str {
    match uses {
        KekUse::Seal => "envcrypt wrap",
        KekUse::Open => "envcrypt unwrap",
    }
}

/// The plugin reads no key, so the role has no `keys/read`.
fn role(uses: KekUse) -> String {
    let (action, description) = match uses {
        KekUse::Seal => ("wrap", "Wrap data keys of sealed Secrets"),
        KekUse::Open => ("unwrap", "Unwrap data keys of sealed Secrets"),
    };
    format!(
        r#"
SUBSCRIPTION=${{SUBSCRIPTION:-$(az account show --query id -o tsv)}}
az role definition create --role-definition @- <<JSON
{{
  "Name": "{}",
  "IsCustom": true,
  "Description": "{description}",
  "Actions": [],
  "NotActions": [],
  "DataActions": ["Microsoft.KeyVault/vaults/keys/{action}/action"],
  "NotDataActions": [],
  "AssignableScopes": ["/subscriptions/$SUBSCRIPTION"]
}}
JSON
"#,
        name(uses)
    )
}

/// Lets a service account log in as a managed identity.
fn federation(namespace: &str, name: &str) -> String {
    format!(
        r#"
# A managed identity for the service account {namespace}/{name}, and the issuer of the cluster:
# az aks show … --query oidcIssuerProfile.issuerUrl
RESOURCE_GROUP=${{RESOURCE_GROUP:?}} IDENTITY=${{IDENTITY:?}} ISSUER=${{ISSUER:?}}
az identity federated-credential create --name envcrypt-{namespace}-{name} \
  --resource-group "$RESOURCE_GROUP" --identity-name "$IDENTITY" --issuer "$ISSUER" \
  --subject system:serviceaccount:{namespace}:{name} --audiences api://AzureADTokenExchange
PRINCIPAL=$(az identity show --resource-group "$RESOURCE_GROUP" --name "$IDENTITY" --query principalId -o tsv)
"#
    )
}

/// On the key alone, not on its vault.
fn assignment(key: &KekUri, uses: KekUse, assignee: &str) -> Result<String, PolicyError> {
    let (host, key_name) = key.rest().split_once('/').unwrap_or((key.rest(), ""));
    let (vault, domain) = host.split_once('.').unwrap_or((host, ""));
    if domain.starts_with("managedhsm.") {
        return Err(PolicyError::ManagedHsm(key.clone()));
    }
    Ok(format!(
        "\naz role assignment create --role '{}' \\\n  {assignee} \\\n  \
         --scope \"$(az keyvault show --name {vault} --query id -o tsv)/keys/{key_name}\"\n",
        name(uses)
    ))
}
