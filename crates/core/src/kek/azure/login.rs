//! The login to Azure.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions};
use azure_core::error::{Error, ErrorKind};
use azure_core::time::OffsetDateTime;
use azure_identity::{
    ClientSecretCredential, DeveloperToolsCredential, ManagedIdentityCredential,
    ManagedIdentityCredentialOptions, UserAssignedId, WorkloadIdentityCredential,
};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::kek::error::innermost;

/// The time limit for the managed identity of a machine, because the machine may have none.
const PATIENCE: Duration = Duration::from_secs(3);
/// A token that expires within this time is not used.
const MARGIN: Duration = Duration::from_secs(120);

/// One login for all vaults.
///
/// Parallel calls share one request for a token, because each request starts `az` again.
#[derive(Default)]
pub(super) struct Login(Mutex<HashMap<String, AccessToken>>);

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login")
    }
}

#[async_trait]
impl TokenCredential for Login {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let mut tokens = self.0.lock().await;
        let now = OffsetDateTime::now_utc();
        if let Some(token) = tokens.get(&scopes.join(" ")).filter(|token| is_fresh(token, now)) {
            return Ok(token.clone());
        }
        let token = ask(scopes, options).await?;
        tokens.insert(scopes.join(" "), token.clone());
        Ok(token)
    }
}

/// Returns whether a token holds for a call, and some time longer.
fn is_fresh(token: &AccessToken, now: OffsetDateTime) -> bool {
    token.expires_on > now + MARGIN
}

/// Requests a token with the first login that the machine has.
///
/// The environment comes first, as the tools of Azure read it: a client secret, the workload
/// identity of a pod, the managed identity of an app. Then come `az login` and `azd auth login`,
/// and last the managed identity of a machine.
async fn ask(
    scopes: &[&str],
    options: Option<TokenRequestOptions<'_>>,
) -> azure_core::Result<AccessToken> {
    let variable = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
    let client = variable("AZURE_CLIENT_ID");
    if let (Some(tenant), Some(client), Some(secret)) =
        (variable("AZURE_TENANT_ID"), client.clone(), variable("AZURE_CLIENT_SECRET"))
    {
        let credential = ClientSecretCredential::new(&tenant, client, Secret::new(secret), None)?;
        return credential.get_token(scopes, options).await;
    }
    if variable("AZURE_FEDERATED_TOKEN_FILE").is_some() {
        return WorkloadIdentityCredential::new(None)?.get_token(scopes, options).await;
    }
    let managed = ManagedIdentityCredentialOptions {
        user_assigned_id: client.map(UserAssignedId::ClientId),
        ..Default::default()
    };
    let managed: Arc<dyn TokenCredential> = ManagedIdentityCredential::new(Some(managed))?;
    if variable("IDENTITY_ENDPOINT").is_some() {
        return managed.get_token(scopes, options).await;
    }
    let person = DeveloperToolsCredential::new(None)?.get_token(scopes, options.clone()).await;
    let Err(refused) = person else { return person };
    match timeout(PATIENCE, managed.get_token(scopes, options)).await {
        Ok(Ok(token)) => Ok(token),
        _ => Err(Error::with_message(ErrorKind::Credential, innermost(&refused))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_token_is_used_again_while_it_holds_for_two_minutes_more() {
        let now = OffsetDateTime::now_utc();
        let token = |holds: u64| AccessToken::new("token", now + Duration::from_secs(holds));
        for (holds, expected) in [(0, false), (119, false), (120, false), (121, true), (3600, true)]
        {
            assert_eq!(is_fresh(&token(holds), now), expected, "{holds}");
        }
        let login = Login::default();
        login.0.lock().await.insert("scope".to_owned(), token(3600));
        let again = login.get_token(&["scope"], None).await.expect("it is there");
        assert_eq!(again.expires_on, token(3600).expires_on);
    }
}
