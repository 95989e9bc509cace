//! Who asks Azure: the first of the ways to log in that gives a token.

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions};
use azure_core::error::{Error, ErrorKind};
use azure_identity::{
    ClientSecretCredential, DeveloperToolsCredential, ManagedIdentityCredential,
    ManagedIdentityCredentialOptions, UserAssignedId, WorkloadIdentityCredential,
};

use crate::kek::error::innermost;

/// What the environment names, as Azure's own tools read it: a client secret, a
/// pod's workload identity, an app's managed identity. Else what a person has:
/// `az login`, `azd auth login`; at last the managed identity of a machine,
/// which takes a while to say that there is none.
pub fn credential() -> azure_core::Result<Arc<dyn TokenCredential>> {
    let variable = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
    let client = variable("AZURE_CLIENT_ID");
    if let (Some(tenant), Some(client), Some(secret)) =
        (variable("AZURE_TENANT_ID"), client.clone(), variable("AZURE_CLIENT_SECRET"))
    {
        return Ok(ClientSecretCredential::new(&tenant, client, Secret::new(secret), None)?);
    }
    if variable("AZURE_FEDERATED_TOKEN_FILE").is_some() {
        return Ok(WorkloadIdentityCredential::new(None)?);
    }
    let options = ManagedIdentityCredentialOptions {
        user_assigned_id: client.map(UserAssignedId::ClientId),
        ..Default::default()
    };
    let managed = ManagedIdentityCredential::new(Some(options))?;
    if variable("IDENTITY_ENDPOINT").is_some() {
        return Ok(managed);
    }
    Ok(Arc::new(Chain(vec![DeveloperToolsCredential::new(None)?, managed])))
}

/// One after another, until one gives a token.
#[derive(Debug)]
struct Chain(Vec<Arc<dyn TokenCredential>>);

#[async_trait]
impl TokenCredential for Chain {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let mut refusals = Vec::new();
        for credential in &self.0 {
            match credential.get_token(scopes, options.clone()).await {
                Ok(token) => return Ok(token),
                Err(error) => refusals.push(innermost(&error)),
            }
        }
        Err(Error::with_message(ErrorKind::Credential, refusals.join("; ")))
    }
}
