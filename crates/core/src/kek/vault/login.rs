//! The address of Vault and the login, from settings or from the environment.
//!
//! The CLIs of Vault and OpenBao read the same variables. Nothing comes from a sealed file.

use std::path::PathBuf;
use std::time::Duration;

use vaultrs::auth::{approle, kubernetes};
use vaultrs::client::{Client, VaultClient, VaultClientSettings, VaultClientSettingsBuilder};
use zeroize::Zeroizing;

use super::refusal::{NOT_LOGGED_IN, refusal};
use super::settings::{VaultLogin, VaultSettings};
use crate::kek::error::Request;
use crate::kek::lifetime::Lifetimes;
use crate::kek::{Action, KekError, KekUri, Refusal};

/// The path of the service account's token in a pod.
const SERVICE_ACCOUNT_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// A way to log in.
enum Login {
    Token(Zeroizing<String>),
    AppRole {
        mount: String,
        role_id: String,
        secret_id: Zeroizing<String>,
    },
    /// Of the auth methods `kubernetes` and `jwt`, whose requests look the same.
    Jwt {
        mount: String,
        role: String,
        token: Zeroizing<String>,
    },
}

/// Logs in. Returns the client, and how long the login is valid if it expires.
pub(super) async fn connect(
    kek: &KekUri,
    action: Action,
    lifetimes: Lifetimes,
    given: Option<&VaultSettings>,
) -> Result<(VaultClient, Option<Duration>), KekError> {
    let unusable = |detail: String| KekError::new(kek, action, Refusal::Unusable).detail(detail);
    let mut settings = VaultClientSettingsBuilder::default();
    let address = given.map(|given| given.address.clone()).or_else(|| variable("ADDR"));
    let address = address.unwrap_or_else(|| "https://127.0.0.1:8200".to_owned());
    let name = if given.is_some() { "address" } else { "VAULT_ADDR" };
    let wrong = || unusable(format!("`{name}` is not a valid http or https address: `{address}`"));
    let url = url::Url::parse(&address).map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong());
    }
    settings
        .address(&address)
        .timeout(Some(lifetimes.limits.attempt))
        .verify(given.is_some() || !skips_verify().map_err(&unusable)?);
    let namespace = match given {
        Some(given) => given.namespace.clone(),
        None => variable("NAMESPACE"),
    };
    if namespace.as_ref().is_some_and(|name| !name.bytes().all(|b| b.is_ascii_graphic())) {
        return Err(unusable(
            "the namespace of Vault must contain only printable ASCII characters, without spaces"
                .to_owned(),
        ));
    }
    settings.namespace(namespace);
    settings.ca_certs(authorities(given).map_err(&unusable)?);
    let login = match given {
        Some(given) => Login::of_settings(&given.login).map(Some),
        None => Login::of_environment(),
    };
    let login = login.map_err(&unusable)?;
    let login = login.ok_or_else(|| {
        KekError::new(kek, action, Refusal::NotLoggedIn)
            .detail("no token is set")
            .hint(NOT_LOGGED_IN)
    })?;
    let request = Request { kek, action, permission: "login" };
    settings.token("");
    let settings = settings.build().map_err(|e| unusable(e.to_string()))?;
    let http = http(&settings).map_err(&unusable)?;
    let mut client =
        VaultClient::new(settings).map_err(|e| unusable(crate::kek::error::innermost(&e)))?;
    client.http.http = http;
    login.log_in(client, request, lifetimes.renews).await
}

/// Extends the login of a client. Returns how long it holds from now on: at least half as long as
/// at first. `None` means that a new login is better.
pub(super) async fn extend(client: &VaultClient, held: Option<Duration>) -> Option<Duration> {
    let extended = vaultrs::token::renew_self(client, None).await.ok()?;
    let lease = Duration::from_secs(extended.lease_duration);
    (lease >= held? / 2).then_some(lease)
}

/// Returns how long the token is valid, in seconds. A token that may not look itself up is used
/// until Vault refuses it.
async fn time_left(client: &VaultClient, request: Request<'_>) -> Result<Option<u64>, KekError> {
    match vaultrs::token::lookup_self(client).await {
        Ok(token) => Ok(Some(token.ttl)),
        Err(error) => match refusal(request, &error) {
            error if error.refusal == Refusal::Unreachable => Err(error),
            _ => Ok(None),
        },
    }
}

/// The maximum number of redirects that are followed.
const REDIRECTS: usize = 3;

/// Makes the same HTTP client as the Vault client does, except that it follows no redirect to
/// another server.
///
/// Each request has the token in its header and the data key in its body.
fn http(settings: &VaultClientSettings) -> Result<reqwest::Client, String> {
    let of_same_server = reqwest::redirect::Policy::custom(|attempt| {
        let first = attempt.previous().first().map(url::Url::origin);
        let is_same = first.is_some_and(|first| first == attempt.url().origin());
        match is_same && attempt.previous().len() <= REDIRECTS {
            true => attempt.follow(),
            false => attempt.stop(),
        }
    });
    let mut builder = reqwest::ClientBuilder::new()
        .tls_backend_rustls()
        .redirect(of_same_server)
        .tls_danger_accept_invalid_certs(!settings.verify);
    if let Some(limit) = settings.timeout {
        builder = builder.timeout(limit);
    }
    if settings.address.scheme() == "http" {
        // Without TLS no certificate is checked, so none is loaded.
        builder = builder.tls_certs_only(Vec::new());
    }
    for path in settings.ca_certs.iter().filter(|_| settings.address.scheme() != "http") {
        let pem = std::fs::read(path).map_err(|e| format!("`{path}` cannot be read: {e}"))?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem)
            .map_err(|_| format!("`{path}` does not contain a valid certificate"))?;
        builder = builder.tls_certs_merge(certificates);
    }
    if let Some(identity) = &settings.identity {
        builder = builder.identity(identity.clone());
    }
    if let Some(proxy) = &settings.proxy {
        let proxy = reqwest::Proxy::all(proxy.as_str());
        builder = builder.proxy(proxy.map_err(|e| crate::kek::error::innermost(&e))?);
    }
    builder.build().map_err(|e| crate::kek::error::innermost(&e))
}

impl Login {
    fn of_settings(login: &VaultLogin) -> Result<Self, String> {
        Ok(match login {
            VaultLogin::Token { file } => Self::Token(read(file.clone())?),
            VaultLogin::AppRole { mount, role_id, secret_id } => Self::AppRole {
                mount: mount.clone(),
                role_id: read(role_id.clone())?.to_string(),
                secret_id: read(secret_id.clone())?,
            },
            VaultLogin::Jwt { mount, role, file } => {
                Self::Jwt { mount: mount.clone(), role: role.clone(), token: read(file.clone())? }
            }
        })
    }

    /// Returns the first of these: a token, a login, or the file that `vault login` writes.
    fn of_environment() -> Result<Option<Self>, String> {
        let mount = |default: &str| variable("AUTH_PATH").unwrap_or_else(|| default.to_owned());
        if let Some(token) = variable("TOKEN") {
            return Ok(Some(Self::Token(Zeroizing::new(token))));
        }
        if let Some(role_id) = variable("ROLE_ID") {
            let secret_id = match (variable("SECRET_ID"), variable("SECRET_ID_FILE")) {
                (Some(secret_id), _) => Zeroizing::new(secret_id),
                (None, Some(path)) => read(path.into())?,
                (None, None) => Zeroizing::default(),
            };
            return Ok(Some(Self::AppRole { mount: mount("approle"), role_id, secret_id }));
        }
        if let Some(role) = variable("ROLE") {
            let path = variable("SERVICE_ACCOUNT_TOKEN_FILE");
            let token = read(path.unwrap_or_else(|| SERVICE_ACCOUNT_TOKEN.to_owned()).into())?;
            return Ok(Some(Self::Jwt { mount: mount("kubernetes"), role, token }));
        }
        let file = etcetera::home_dir().map(|home| home.join(".vault-token"));
        let file = file.ok().filter(|file| file.exists());
        Ok(file.map(read).transpose()?.filter(|token| !token.is_empty()).map(Self::Token))
    }

    async fn log_in(
        self,
        mut client: VaultClient,
        request: Request<'_>,
        renews: bool,
    ) -> Result<(VaultClient, Option<Duration>), KekError> {
        let (token, lease) = match self {
            Self::Token(token) => (token, None),
            Self::AppRole { mount, role_id, secret_id } => {
                let login = approle::login(&client, &mount, &role_id, &secret_id).await;
                let login = login.map_err(|e| refusal(request, &e))?;
                (Zeroizing::new(login.client_token), Some(login.lease_duration))
            }
            Self::Jwt { mount, role, token } => {
                let login = kubernetes::login(&client, &mount, &role, &token).await;
                let login = login.map_err(|e| refusal(request, &e))?;
                (Zeroizing::new(login.client_token), Some(login.lease_duration))
            }
        };
        if !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(KekError::new(request.kek, request.action, Refusal::NotLoggedIn)
                .detail("the token must contain only printable ASCII characters, without spaces")
                .hint(NOT_LOGGED_IN));
        }
        client.set_token(&token);
        let lease = match lease {
            None if renews => time_left(&client, request).await?,
            lease => lease,
        };
        // With a lease of zero, the token does not expire.
        let holds = lease.filter(|seconds| *seconds > 0).map(Duration::from_secs);
        Ok((client, holds))
    }
}

/// Returns the variable `BAO_name`, otherwise `VAULT_name`, as the CLI of OpenBao does.
fn variable(name: &str) -> Option<String> {
    let read = |prefix: &str| {
        let value = std::env::var(format!("{prefix}_{name}")).ok()?;
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    read("BAO").or_else(|| read("VAULT"))
}

/// Returns whether to skip the check of the server's certificate. The values are those of Go.
fn skips_verify() -> Result<bool, String> {
    match variable("SKIP_VERIFY").as_deref() {
        None | Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
        Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
        Some(other) => Err(format!("`VAULT_SKIP_VERIFY` must be `true` or `false`, not `{other}`")),
    }
}

/// Returns the files of further certificate authorities, in addition to those of the system.
fn authorities(given: Option<&VaultSettings>) -> Result<Vec<String>, String> {
    if let Some(given) = given {
        return Ok(given.ca.iter().map(|path| path.display().to_string()).collect());
    }
    let mut files: Vec<String> = variable("CACERT").into_iter().collect();
    if let Some(folder) = variable("CAPATH") {
        let entries = std::fs::read_dir(&folder)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|e| format!("`{folder}` cannot be read: {e}"))?;
        files.extend(entries.iter().filter_map(|e| e.path().to_str().map(str::to_owned)));
    }
    Ok(files)
}

fn read(path: PathBuf) -> Result<Zeroizing<String>, String> {
    let text = std::fs::read_to_string(&path).map(Zeroizing::new);
    let text = text.map_err(|e| format!("`{}` cannot be read: {e}", path.display()))?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}
