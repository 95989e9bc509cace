//! The calls to AWS KMS.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_kms::Client;
use aws_sdk_kms::config::Region;
use aws_sdk_kms::primitives::Blob;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use super::refusal::refusal;
use super::retries::NotThrottled;
use crate::kek::error::Request;
use crate::kek::lifetime::Limits;
use crate::kek::limit::Quota;
use crate::kek::provider::Connector;
use crate::kek::retry::CONNECT;
use crate::kek::{
    Action, Context, DataKey, Kek, KekError, KekUri, Opened, Refusal, Wrapped, WrappedKey, lock,
};

/// One key of AWS KMS.
pub(super) struct AwsKek {
    uri: KekUri,
    clients: Arc<Clients>,
}

/// The configuration of the SDK, which is loaded once, and one client for each region.
pub(super) struct Clients {
    limits: Limits,
    config: OnceCell<SdkConfig>,
    /// The region of keys whose name does not include one.
    region: OnceCell<Option<Region>>,
    regions: Mutex<HashMap<String, Client>>,
}

impl Clients {
    /// Loads nothing yet.
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, config: OnceCell::new(), region: OnceCell::new(), regions: Mutex::default() }
    }

    /// Returns the credentials and settings, found as by every AWS tool.
    ///
    /// `fallback` is the region of the key, which its ARN names. With it, the SDK does not call the
    /// metadata service of an instance to find a region.
    async fn config(&self, fallback: Option<&str>) -> &SdkConfig {
        self.config
            .get_or_init(|| async {
                let region =
                    RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
                        .or_else(ProfileFileRegionProvider::new());
                let region = match fallback {
                    Some(fallback) => region.or_else(Region::new(fallback.to_owned())),
                    None => region.or_default_provider(),
                };
                let timeouts = TimeoutConfig::builder()
                    .connect_timeout(CONNECT.min(self.limits.attempt))
                    .operation_attempt_timeout(self.limits.attempt)
                    .operation_timeout(self.limits.operation)
                    .build();
                let defaults = aws_config::defaults(BehaviorVersion::latest());
                defaults.region(region).timeout_config(timeouts).load().await
            })
            .await
    }

    /// Returns the region of keys whose name does not include one.
    ///
    /// It is never the region of another key. Otherwise the key behind an alias would depend on the
    /// key that was used first.
    async fn own_region(&self) -> Option<&Region> {
        let find = || async {
            let first = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new());
            first.or_else(ProfileFileRegionProvider::new()).or_default_provider().region().await
        };
        self.region.get_or_init(find).await.as_ref()
    }

    async fn client(&self, region: Option<&str>) -> Option<Client> {
        let config = self.config(region).await;
        let region = match region {
            Some(region) => region.to_owned(),
            None => self.own_region().await?.to_string(),
        };
        let mut regions = lock(&self.regions);
        let connect = || {
            let builder = aws_sdk_kms::config::Builder::from(config);
            let builder = builder.region(Region::new(region.clone()));
            Client::from_conf(builder.retry_classifier(NotThrottled).build())
        };
        Some(regions.entry(region.clone()).or_insert_with(connect).clone())
    }
}

#[async_trait]
impl Connector for Clients {
    fn kek(self: Arc<Self>, uri: &KekUri) -> Arc<dyn Kek> {
        Arc::new(AwsKek { uri: uri.clone(), clients: self })
    }

    /// Returns the account and the region, such as `arn:aws:kms:eu-west-1:111122223333`. All keys
    /// there share a quota. The name of a key without them belongs to the login.
    fn service(&self, uri: &KekUri) -> String {
        uri.rest().rsplit_once(':').map(|(place, _)| place.to_owned()).unwrap_or_default()
    }

    /// Returns the quota of symmetric operations in the regions that have the smallest one.
    ///
    /// <https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html>
    fn quota(&self) -> Option<Quota> {
        Some(Quota { calls: 5500, per: Duration::from_secs(1) })
    }

    async fn resolve(&self, uri: &KekUri) -> Result<KekUri, KekError> {
        resolve(uri, self).await
    }
}

impl AwsKek {
    async fn decrypt(
        &self,
        arn: &str,
        wrapped: &WrappedKey,
        context: &Context,
    ) -> Result<Opened, KekError> {
        let client = client(&self.clients, &self.uri, arn, Action::Unwrap).await?;
        let output = client
            .decrypt()
            .key_id(arn)
            .ciphertext_blob(Blob::new(wrapped.bytes.clone()))
            .set_encryption_context(encryption_context(context))
            .send()
            .await
            .map_err(|e| {
                let request =
                    Request { kek: &self.uri, action: Action::Unwrap, permission: "kms:Decrypt" };
                refusal(request, region_of(arn), &e)
            })?;
        let version = output.key_material_id;
        let bytes = Zeroizing::new(output.plaintext.map(Blob::into_inner).unwrap_or_default());
        Ok(Opened { bytes, version })
    }
}

#[async_trait]
impl Kek for AwsKek {
    async fn wrap(&self, key: &DataKey, context: &Context) -> Result<Wrapped, KekError> {
        let name = self.uri.rest();
        let client = client(&self.clients, &self.uri, name, Action::Wrap).await?;
        let output = client
            .encrypt()
            .key_id(name)
            .plaintext(Blob::new(key.expose().to_vec()))
            .set_encryption_context(encryption_context(context))
            .send()
            .await
            .map_err(|e| {
                let request =
                    Request { kek: &self.uri, action: Action::Wrap, permission: "kms:Encrypt" };
                refusal(request, region_of(name), &e)
            })?;
        let key = wrapped(&self.uri, Action::Wrap, output.key_id, output.ciphertext_blob)?;
        // Only the answer of `Decrypt` tells the key material.
        let version = Some(key.kek.rest().to_owned());
        Ok(Wrapped { key, version })
    }

    /// If the region of a multi-region key (`mrk-`) does not answer, this calls the configured
    /// region. The replica there has the same key material.
    async fn unwrap(&self, key: &WrappedKey, context: &Context) -> Result<Opened, KekError> {
        let arn = key.kek.rest();
        let refused = match self.decrypt(arn, key, context).await {
            Err(error) if error.refusal == Refusal::Unreachable => error,
            answer => return answer,
        };
        let here = self.clients.config(region_of(arn)).await.region().map(ToString::to_string);
        match here.and_then(|here| replica(arn, &here)) {
            Some(replica) => self.decrypt(&replica, key, context).await,
            None => Err(refused),
        }
    }

    /// Moves a DEK to another key of the same region, or to the newest material of the same key.
    async fn rewrap(
        &self,
        key: &WrappedKey,
        context: &Context,
    ) -> Result<Option<WrappedKey>, KekError> {
        if key.kek.kind() != self.uri.kind() {
            return Ok(None);
        }
        let (from, to) = (key.kek.rest(), self.uri.rest());
        let configured = self.clients.config(region_of(from)).await.region();
        let region = region_of(to).or(configured.map(AsRef::as_ref));
        if region.is_none() || region != region_of(from) {
            return Ok(None);
        }
        let client = client(&self.clients, &self.uri, from, Action::Rewrap).await?;
        let context = encryption_context(context);
        let answer = client
            .re_encrypt()
            .ciphertext_blob(Blob::new(key.bytes.clone()))
            .source_key_id(from)
            .set_source_encryption_context(context.clone())
            .destination_key_id(to)
            .set_destination_encryption_context(context)
            .send()
            .await;
        let output = answer.map_err(|e| {
            let permission = "kms:ReEncryptFrom` and `kms:ReEncryptTo";
            refusal(Request { kek: &self.uri, action: Action::Rewrap, permission }, region, &e)
        })?;
        wrapped(&self.uri, Action::Rewrap, output.key_id, output.ciphertext_blob).map(Some)
    }
}

/// Makes the wrapped key from an answer, with the ARN in that answer.
fn wrapped(
    uri: &KekUri,
    action: Action,
    arn: Option<String>,
    bytes: Option<Blob>,
) -> Result<WrappedKey, KekError> {
    let failed = |detail: &str| KekError::new(uri, action, Refusal::Failed).detail(detail);
    let arn = arn.ok_or_else(|| failed("AWS KMS did not report which key it used"))?;
    let bytes = bytes.ok_or_else(|| failed("AWS KMS returned no ciphertext"))?;
    let kek = KekUri::aws(&arn).map_err(|e| failed(&e.to_string()))?;
    Ok(WrappedKey { kek, bytes: bytes.into_inner() })
}

/// Returns the ARN of the key that an alias, an id or an ARN names.
///
/// If the name is not the ARN of a key, this calls `DescribeKey`, which needs `kms:DescribeKey`.
///
/// # Errors
/// Returns a [`KekError`] if the call fails.
async fn resolve(uri: &KekUri, clients: &Clients) -> Result<KekUri, KekError> {
    let name = uri.rest();
    if name.starts_with("arn:") && name.contains(":key/") {
        return Ok(uri.clone());
    }
    let client = client(clients, uri, name, Action::Unwrap).await?;
    let output = client.describe_key().key_id(name).send().await.map_err(|e| {
        let request = Request { kek: uri, action: Action::Unwrap, permission: "kms:DescribeKey" };
        refusal(request, region_of(name), &e)
    })?;
    let arn = output.key_metadata.and_then(|metadata| metadata.arn).unwrap_or_default();
    KekUri::aws(&arn)
        .map_err(|e| KekError::new(uri, Action::Unwrap, Refusal::Failed).detail(e.to_string()))
}

async fn client(
    clients: &Clients,
    uri: &KekUri,
    name: &str,
    action: Action,
) -> Result<Client, KekError> {
    clients.client(region_of(name)).await.ok_or_else(|| {
        KekError::new(uri, action, Refusal::Unusable)
            .detail("no AWS region is set, and the name of the key does not include one")
            .hint("set `AWS_REGION`, or name the key by its ARN")
    })
}

fn encryption_context(context: &Context) -> Option<HashMap<String, String>> {
    let pairs: HashMap<_, _> =
        context.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    (!pairs.is_empty()).then_some(pairs)
}

/// Returns the region of an ARN.
fn region_of(name: &str) -> Option<&str> {
    name.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(2))
}

/// Returns the ARN of the replica of a multi-region key in `region`, if that is another region.
fn replica(arn: &str, region: &str) -> Option<String> {
    let mut parts: Vec<&str> = arn.split(':').collect();
    let is_multi_region = parts.get(5).is_some_and(|key| key.starts_with("key/mrk-"));
    if !is_multi_region || parts[3] == region {
        return None;
    }
    parts[3] = region;
    Some(parts.join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234";

    #[test]
    fn the_region_is_the_arns() {
        assert_eq!(region_of(KEY), Some("eu-west-1"));
        assert_eq!(region_of("alias/prod"), None);
    }

    #[test]
    fn all_keys_of_an_account_in_a_region_share_the_published_quota() {
        let clients = Clients::new(Limits::default());
        let uri = KekUri::aws(KEY).expect("an ARN");
        assert_eq!(clients.service(&uri), "arn:aws:kms:eu-west-1:111122223333");
        assert_eq!(clients.service(&KekUri::aws("alias/prod").expect("an alias")), "");
        let quota = clients.quota().expect("it is published");
        assert_eq!((quota.calls, quota.per), (5500, Duration::from_secs(1)));
    }

    #[test]
    fn only_a_multi_region_key_has_a_replica_and_only_elsewhere() {
        let there = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234";
        assert_eq!(replica(KEY, "us-east-1").as_deref(), Some(there));
        assert_eq!(replica(KEY, "eu-west-1"), None);
        assert_eq!(replica("arn:aws:kms:eu-west-1:1:key/1234", "us-east-1"), None);
    }

    #[test]
    fn no_context_is_no_encryption_context() {
        assert_eq!(encryption_context(&Context::default()), None);
        let context = encryption_context(&Context::new(Some("prod"), Some("db"))).expect("two");
        assert_eq!(context["envcrypt.dev/namespace"], "prod");
        assert_eq!(context["envcrypt.dev/name"], "db");
        let of_other = Context::of_other([("team".to_owned(), "a".to_owned())]);
        let context = encryption_context(&of_other).expect("one");
        assert_eq!(context, HashMap::from([("team".to_owned(), "a".to_owned())]));
    }
}
