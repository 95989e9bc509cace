//! The calls to the transit engine.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use vaultrs::api::transit::requests::{DecryptDataRequest, EncryptDataRequest};
use vaultrs::client::VaultClient;
use vaultrs::error::ClientError;
use vaultrs::transit::data;
use zeroize::Zeroizing;

use super::refusal::{late, refusal};
use super::settings::{VaultSettings, Vaults};
use crate::kek::error::Request;
use crate::kek::lifetime::{Lifetimes, Old, Renewal, Renewed};
use crate::kek::provider::Connector;
use crate::kek::retry::{passes, retry, retry_login};
use crate::kek::{
    Action, Context, DataKey, Kek, KekError, KekId, KekUri, Opened, Refusal, Wrapped, WrappedKey,
    lock,
};

/// The maximum number of DEKs in one call.
const BATCH: usize = 128;

/// A key of the transit engine.
pub(super) struct VaultKek {
    uri: KekUri,
    server: Arc<Server>,
}

/// The servers of all keys.
pub(super) struct Servers {
    /// The server that the environment names.
    of_environment: Arc<Server>,
    /// The servers of keys with settings of their own.
    of_keys: HashMap<KekId, Arc<Server>>,
}

impl Servers {
    /// Does not log in yet. Keys with the same settings share one login.
    pub(super) fn new(lifetimes: Lifetimes, vaults: Vaults) -> Self {
        let mut servers: Vec<Arc<Server>> = Vec::new();
        let mut of_keys = HashMap::new();
        for (kek, settings) in vaults {
            let settings = Some(settings);
            let shared = servers.iter().find(|server| server.settings == settings).cloned();
            let server = shared.unwrap_or_else(|| Arc::new(Server::new(lifetimes, settings)));
            servers.push(server.clone());
            of_keys.insert(kek, server);
        }
        Self { of_environment: Arc::new(Server::new(lifetimes, None)), of_keys }
    }
}

impl Connector for Servers {
    fn kek(self: Arc<Self>, uri: &KekUri) -> Arc<dyn Kek> {
        let server = self.of_keys.get(&uri.id()).unwrap_or(&self.of_environment);
        Arc::new(VaultKek { uri: uri.clone(), server: server.clone() })
    }

    /// All keys of a server share its quotas. It publishes none.
    fn service(&self, uri: &KekUri) -> String {
        let settings = self.of_keys.get(&uri.id()).and_then(|server| server.settings.as_ref());
        settings.map(|settings| settings.address.clone()).unwrap_or_default()
    }
}

/// One server. All its keys share one login.
struct Server {
    lifetimes: Lifetimes,
    /// `None` means the environment.
    settings: Option<VaultSettings>,
    login: Renewed<VaultClient>,
    /// The keys that take only one DEK in a call.
    one_by_one: Mutex<HashSet<KekUri>>,
}

impl Server {
    fn new(lifetimes: Lifetimes, settings: Option<VaultSettings>) -> Self {
        let login = Renewed::new(lifetimes);
        Self { lifetimes, settings, login, one_by_one: Mutex::default() }
    }

    fn takes_one(&self, kek: &KekUri) -> bool {
        lock(&self.one_by_one).contains(kek)
    }

    fn take_one(&self, kek: &KekUri) {
        lock(&self.one_by_one).insert(kek.clone());
    }

    /// Returns the client after the login.
    ///
    /// A login that was refused is not repeated immediately, because Vault locks it after a few
    /// failures.
    async fn client(&self, request: Request<'_>) -> Result<Arc<VaultClient>, KekError> {
        let Self { lifetimes, settings, login, .. } = self;
        let renew = async |old: Option<Old<VaultClient>>| {
            if let Some((old, holds)) = old
                && let Some(lease) = super::login::extend(&old, holds).await
            {
                return Ok(Renewal::Extended(lease));
            }
            let connect = || {
                super::login::connect(request.kek, request.action, *lifetimes, settings.as_ref())
            };
            let (client, lease) = retry_login(lifetimes.limits, || late(request), connect).await?;
            Ok(Renewal::New(client, lease))
        };
        login.get(renew).await
    }

    /// Calls Vault. If the login may have been revoked, logs in and calls once more.
    async fn call<T, F>(
        &self,
        request: Request<'_>,
        call: impl Fn(Arc<VaultClient>) -> F,
    ) -> Result<T, KekError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let attempt = |client: Arc<VaultClient>| {
            let call = &call;
            let once = move || {
                let answer = call(client.clone());
                async move { answer.await.map_err(|e| refusal(request, &e)) }
            };
            retry(self.lifetimes.limits, move || late(request), once)
        };
        let client = self.client(request).await?;
        let answer = attempt(client.clone()).await;
        let Err(error) = &answer else { return answer };
        let is_gone = error.refusal == Refusal::NotLoggedIn;
        let Some(age) =
            self.lifetimes.retry.filter(|_| is_gone || error.refusal == Refusal::Denied)
        else {
            return answer;
        };
        if !self.login.doubt(&client, age, is_gone) {
            return answer;
        }
        let new = self.client(request).await?;
        if Arc::ptr_eq(&new, &client) { answer } else { attempt(new).await }
    }
}

impl VaultKek {
    fn wrapped(&self, ciphertext: String) -> WrappedKey {
        WrappedKey { kek: self.uri.clone(), bytes: ciphertext.into_bytes() }
    }

    fn request(&self, action: Action, permission: &'static str) -> Request<'_> {
        Request { kek: &self.uri, action, permission }
    }
}

#[async_trait]
impl Kek for VaultKek {
    async fn wrap(&self, key: &DataKey, context: &Context) -> Result<Wrapped, KekError> {
        let (mount, name) = mount_and_key(&self.uri);
        let plaintext = &Zeroizing::new(BASE64_STANDARD.encode(key.expose()));
        let encrypt = |client: Arc<VaultClient>| async move {
            let mut options = EncryptDataRequest::builder();
            associated_data(context).map(|data| options.associated_data(data));
            data::encrypt(&*client, mount, name, plaintext, Some(&mut options)).await
        };
        let answer = self.server.call(self.request(Action::Wrap, "encrypt"), encrypt).await?;
        // The ciphertext is `vault:v3:…`, where `v3` is the version.
        let version = answer.ciphertext.split(':').nth(1).map(str::to_owned);
        Ok(Wrapped { key: self.wrapped(answer.ciphertext), version })
    }

    async fn unwrap(&self, key: &WrappedKey, context: &Context) -> Result<Opened, KekError> {
        let rejected = || KekError::new(&self.uri, Action::Unwrap, Refusal::Rejected);
        let ciphertext = std::str::from_utf8(&key.bytes).map_err(|_| rejected())?;
        let (mount, name) = mount_and_key(&self.uri);
        let decrypt = |client: Arc<VaultClient>| async move {
            let mut options = DecryptDataRequest::builder();
            associated_data(context).map(|data| options.associated_data(data));
            data::decrypt(&*client, mount, name, ciphertext, Some(&mut options)).await
        };
        let answer = self.server.call(self.request(Action::Unwrap, "decrypt"), decrypt).await?;
        let plaintext = Zeroizing::new(answer.plaintext);
        let bytes = Zeroizing::new(BASE64_STANDARD.decode(&*plaintext).map_err(|_| rejected())?);
        Ok(bytes.into())
    }

    fn most_at_once(&self) -> usize {
        match self.server.takes_one(&self.uri) {
            true => 1,
            false => BATCH,
        }
    }

    /// A policy can forbid `batch_input`, and something in front of Vault can refuse it. From then
    /// on, the DEKs of this key are unwrapped one by one.
    async fn unwrap_many(
        &self,
        keys: &[(&WrappedKey, &Context)],
    ) -> Result<Vec<Option<Opened>>, KekError> {
        let body = &super::batch::request(keys);
        let (mount, name) = mount_and_key(&self.uri);
        let decrypt = |client: Arc<VaultClient>| async move {
            super::batch::decrypt(&client, mount, name, body.clone(), keys.len()).await
        };
        match self.server.call(self.request(Action::Unwrap, "decrypt"), decrypt).await {
            Ok(Some(opened)) => Ok(opened),
            Err(error) if passes(error.refusal) || error.refusal == Refusal::NotLoggedIn => {
                Err(error)
            }
            Ok(None) | Err(_) => {
                self.server.take_one(&self.uri);
                Ok(keys.iter().map(|_| None).collect())
            }
        }
    }

    /// Moves a DEK to the newest version of the same key, if there is no context.
    ///
    /// The `rewrap` of Vault takes no associated data.
    async fn rewrap(
        &self,
        key: &WrappedKey,
        context: &Context,
    ) -> Result<Option<WrappedKey>, KekError> {
        if key.kek != self.uri || associated_data(context).is_some() {
            return Ok(None);
        }
        let Ok(ciphertext) = std::str::from_utf8(&key.bytes) else { return Ok(None) };
        let (mount, name) = mount_and_key(&self.uri);
        let rewrap = |client: Arc<VaultClient>| async move {
            data::rewrap(&*client, mount, name, ciphertext, None).await
        };
        let answer = self.server.call(self.request(Action::Rewrap, "rewrap"), rewrap).await?;
        Ok(Some(self.wrapped(answer.ciphertext)))
    }
}

/// Returns the mount, which can have several segments, and the name of the key.
pub(super) fn mount_and_key(uri: &KekUri) -> (&str, &str) {
    uri.rest().rsplit_once('/').expect("a parsed URI has a mount")
}

/// Returns the context as compact JSON with sorted names, in base64.
pub(super) fn associated_data(context: &Context) -> Option<String> {
    context.to_json().map(|json| BASE64_STANDARD.encode(json))
}

#[cfg(test)]
mod tests {
    use super::super::served::{Answer, Served, vault};
    use super::*;
    use crate::kek::VaultLogin;

    fn uri(text: &str) -> KekUri {
        text.parse().expect("a KEK")
    }

    #[test]
    fn keys_of_one_server_share_its_login_and_its_quota() {
        let settings = |address: &str| VaultSettings {
            address: address.to_owned(),
            namespace: None,
            ca: None,
            login: VaultLogin::Token { file: "token".into() },
        };
        let (one, two, other) =
            (uri("hashivault://a"), uri("hashivault://b"), uri("hashivault://c"));
        let vaults = [
            (one.id(), settings("https://one")),
            (two.id(), settings("https://one")),
            (other.id(), settings("https://other")),
        ];
        let servers = Servers::new(Lifetimes::run(), vaults.into());
        assert_eq!([&one, &two].map(|kek| servers.service(kek)), ["https://one"; 2]);
        assert_eq!(servers.service(&other), "https://other");
        assert_eq!(servers.service(&uri("hashivault://d")), "", "that of the environment");
        let server = |kek: &KekUri| servers.of_keys[&kek.id()].clone();
        assert!(Arc::ptr_eq(&server(&one), &server(&two)));
        assert!(!Arc::ptr_eq(&server(&one), &server(&other)));
    }

    #[test]
    fn the_last_part_of_a_name_is_the_key_and_the_context_is_sent_as_json() {
        let kek = uri("hashivault://team/transit/key");
        assert_eq!(mount_and_key(&kek), ("team/transit", "key"));
        let context = associated_data(&Context::new(Some("prod"), None)).expect("a context");
        let json = BASE64_STANDARD.decode(context).expect("base64");
        assert_eq!(json, br#"{"envcrypt.dev/namespace":"prod"}"#);
        assert_eq!(associated_data(&Context::default()), None);
    }

    /// A KEK of a server that gives these answers. The folder has its token.
    fn served(
        lifetimes: Lifetimes,
        answers: &'static [Answer],
    ) -> (tempfile::TempDir, Arc<dyn Kek>, Served) {
        let (folder, settings, served) = vault(answers);
        let kek = uri("hashivault://key");
        let servers = Servers::new(lifetimes, [(kek.id(), settings)].into());
        let kek = Arc::new(servers).kek(&kek);
        (folder, kek, served)
    }

    fn wrapped(kek: &str) -> WrappedKey {
        WrappedKey { kek: uri(kek), bytes: b"vault:v1:a".to_vec() }
    }

    const DENIED: Answer = (403, "", r#"{"errors":["permission denied"]}"#);
    const NO_LOGIN: Answer = (403, "", r#"{"errors":["invalid token"]}"#);
    const THROTTLED: Answer = (429, "", r#"{"errors":["too many requests"]}"#);

    #[tokio::test]
    async fn a_key_that_refuses_several_deks_takes_one_from_then_on() {
        const TWO: Answer =
            (200, "", r#"{"data":{"batch_results":[{"plaintext":"AQI="},{"error":"no"}]}}"#);
        let (one, context) = (wrapped("hashivault://key"), Context::default());
        for (answers, expected, most) in [
            (&[TWO], Ok(vec![true, false]), BATCH),
            (&[DENIED], Ok(vec![false, false]), 1),
            (&[(200, "", "{}")], Ok(vec![false, false]), 1),
            // These say nothing about calls with several.
            (&[THROTTLED], Err(Refusal::Throttled), BATCH),
            (&[NO_LOGIN], Err(Refusal::NotLoggedIn), BATCH),
        ] {
            let (_folder, kek, served) = served(Lifetimes::run(), answers);
            assert_eq!(kek.most_at_once(), BATCH);
            let opened = kek.unwrap_many(&[(&one, &context), (&one, &context)]).await;
            let opened = opened.map(|all| all.iter().map(Option::is_some).collect());
            assert_eq!(opened.map_err(|error| error.refusal), expected);
            assert_eq!((kek.most_at_once(), served.requests().len()), (most, 1));
        }
    }

    #[tokio::test]
    async fn vault_moves_a_dek_of_the_same_key_without_a_context() {
        const MOVED: Answer = (
            200,
            "",
            r#"{"data":{"ciphertext":"vault:v2:b"},"auth":null,"lease_id":"","lease_duration":0,
                "renewable":false,"request_id":"","warnings":null,"wrap_info":null}"#,
        );
        let (same, none) = (wrapped("hashivault://key"), Context::default());
        let (_folder, kek, served) = served(Lifetimes::run(), &[MOVED]);
        let context = Context::new(Some("prod"), None);
        assert!(kek.rewrap(&same, &context).await.expect("no call").is_none());
        let other = wrapped("hashivault://other");
        assert!(kek.rewrap(&other, &none).await.expect("no call").is_none());
        assert!(served.requests().is_empty());
        let moved = kek.rewrap(&same, &none).await.expect("answered").expect("the same key");
        assert_eq!((moved.kek, moved.bytes), (same.kek, b"vault:v2:b".to_vec()));
        assert!(served.requests()[0].starts_with("POST /v1/transit/rewrap/key "));
    }
}
