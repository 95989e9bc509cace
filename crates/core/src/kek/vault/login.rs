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
        let certificates = reqwest::Certificate::from_pem_bundle(&pem).ok();
        // A file with another text has none, which is no error of its reader.
        let certificates = certificates
            .filter(|found| !found.is_empty())
            .ok_or_else(|| format!("`{path}` does not contain a valid certificate"))?;
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

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::Path;
    use std::process::Command;

    use super::super::served::{Answer, Served, vault};
    use super::*;
    use crate::kek::{Keep, Limits};

    type Connected = Result<(VaultClient, Option<Duration>), KekError>;

    async fn connect_for(lifetimes: Lifetimes, settings: &VaultSettings) -> Connected {
        let kek = "hashivault://key".parse().expect("a KEK");
        connect(&kek, Action::Unwrap, lifetimes, Some(settings)).await
    }

    fn of_server() -> Lifetimes {
        Lifetimes::server(Keep::Always, Limits::default())
    }

    /// Logs in as a server does. Returns how long the login holds.
    async fn held(settings: &VaultSettings) -> Result<Option<u64>, KekError> {
        let connected = connect_for(of_server(), settings).await;
        connected.map(|(_, holds)| holds.map(|holds| holds.as_secs()))
    }

    fn refused(connected: Connected) -> (Refusal, String) {
        let error = connected.err().expect("refused");
        (error.refusal, error.detail.unwrap_or_default())
    }

    const LOGGED_IN: &str = r#"{"auth":{"client_token":"new-token","accessor":"","policies":[],
        "token_policies":[],"metadata":null,"lease_duration":30,"renewable":true,"entity_id":"",
        "token_type":"service","orphan":true},"data":null,"lease_id":"","lease_duration":0,
        "renewable":false,"request_id":"","warnings":null,"wrap_info":null}"#;

    macro_rules! looked_up {
        ($ttl:literal) => {
            concat!(
                r#"{"data":{"accessor":"","creation_time":0,"creation_ttl":0,"display_name":"",
                    "entity_id":"","expire_time":null,"explicit_max_ttl":0,"id":"","num_uses":0,
                    "orphan":true,"path":"","policies":[],"ttl":"#,
                $ttl,
                r#"},"auth":null,"lease_id":"","lease_duration":0,"renewable":false,
                    "request_id":"","warnings":null,"wrap_info":null}"#
            )
        };
    }

    #[tokio::test]
    async fn a_run_uses_a_token_as_it_is_and_a_server_asks_how_long_it_holds() {
        let (_folder, settings, served) = vault(&[]);
        let (client, holds) = connect_for(Lifetimes::run(), &settings).await.expect("no call");
        assert_eq!((client.settings.token.as_str(), holds), ("my-token", None));
        assert_eq!(client.settings.timeout, Some(Limits::default().attempt));
        assert!(served.requests().is_empty());
        for (answer, expected) in [
            (&[(200, "", looked_up!(60))], Some(60)),
            // A token without an end, and one that may not look itself up.
            (&[(200, "", looked_up!(0))], None),
            (&[(403, "", r#"{"errors":["permission denied"]}"#)], None),
        ] {
            let (_folder, settings, served) = vault(answer);
            assert_eq!(held(&settings).await.expect("a login"), expected);
            let request = served.requests().remove(0);
            assert!(request.starts_with("GET /v1/auth/token/lookup-self "), "{request}");
            assert!(request.contains("\r\nx-vault-token: my-token\r\n"), "{request}");
            assert!(request.contains("\r\nx-vault-namespace: team\r\n"), "{request}");
        }
        let (_folder, settings, _served) = vault(&[(503, "", r#"{"errors":["sealed"]}"#)]);
        assert_eq!(held(&settings).await.expect_err("refused").refusal, Refusal::Unreachable);
    }

    #[tokio::test]
    async fn a_role_logs_in_at_its_mount_and_the_lease_is_how_long_it_holds() {
        let (folder, settings, served) = vault(&[(200, "", LOGGED_IN)]);
        let file = folder.path().join("token");
        let (mount, role_id, secret_id) = ("team/approle".to_owned(), file.clone(), file.clone());
        let login = VaultLogin::AppRole { mount, role_id, secret_id };
        let settings = VaultSettings { login, ..settings };
        let connected = connect_for(Lifetimes::run(), &settings).await;
        let (client, holds) = connected.expect("a login");
        assert_eq!(client.settings.token, "new-token");
        assert_eq!(holds, Some(Duration::from_secs(30)));
        let request = served.requests().remove(0);
        assert!(request.starts_with("POST /v1/auth/team/approle/login "), "{request}");
        assert!(!request.contains("x-vault-token: m"), "{request}");
        let body = r#"{"role_id":"my-token","secret_id":"my-token"}"#;
        assert!(request.ends_with(body), "{request}");

        let (_folder, settings, served) = vault(&[(200, "", LOGGED_IN)]);
        let login = VaultLogin::Jwt { mount: "cluster".to_owned(), role: "app".to_owned(), file };
        assert_eq!(held(&VaultSettings { login, ..settings }).await.expect("a login"), Some(30));
        let request = served.requests().remove(0);
        assert!(request.starts_with("POST /v1/auth/cluster/login "), "{request}");
        assert!(request.contains("\"jwt\":\"my-token\""), "{request}");
        assert!(request.contains("\"role\":\"app\""), "{request}");
    }

    #[tokio::test]
    async fn a_login_is_extended_if_it_then_holds_at_least_half_as_long() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        const ANSWERS: &[Answer] = &[(200, "", LOGGED_IN)];
        for (held, expected) in [(30, seconds(30)), (60, seconds(30)), (61, None)] {
            let (_folder, settings, served) = vault(ANSWERS);
            let connected = connect_for(Lifetimes::run(), &settings).await;
            let (client, _) = connected.expect("a login");
            assert_eq!(extend(&client, seconds(held)).await, expected, "{held}");
            let request = served.requests().remove(0);
            assert!(request.starts_with("POST /v1/auth/token/renew-self "), "{request}");
        }
        let (_folder, settings, _served) = vault(ANSWERS);
        let (client, _) = connect_for(Lifetimes::run(), &settings).await.expect("a login");
        assert_eq!(extend(&client, None).await, None);
    }

    #[tokio::test]
    async fn a_redirect_is_followed_three_times_and_never_to_another_server() {
        const AGAIN: Answer = (307, "location: /v1/again", "");
        let (_folder, settings, served) = vault(&[AGAIN, AGAIN, AGAIN, (200, "", looked_up!(60))]);
        assert_eq!(held(&settings).await.expect("a login"), Some(60));
        assert!(served.requests()[3].starts_with("GET /v1/again "));
        let (_folder, settings, served) = vault(&[AGAIN; 4]);
        // Its token is used until Vault refuses it.
        assert_eq!(held(&settings).await.expect("a login"), None);
        assert_eq!(served.requests().len(), 4);
        // There, nobody listens. So an error would say that it was tried.
        let (_folder, settings, served) =
            vault(&[(307, "location: http://127.0.0.1:1/v1/again", "")]);
        assert_eq!(held(&settings).await.expect("a login"), None);
        assert_eq!(served.requests().len(), 1);
    }

    #[tokio::test]
    async fn what_cannot_be_used_is_refused_without_a_call() {
        let (folder, settings, served) = vault(&[]);
        let broken = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
        std::fs::write(folder.path().join("broken"), broken).expect("written");
        std::fs::write(folder.path().join("other"), "no certificate").expect("written");
        let bad = |namespace: &str| VaultSettings {
            namespace: Some(namespace.to_owned()),
            ..settings.clone()
        };
        for (settings, why) in [
            (bad("a b"), "the namespace of Vault must contain only"),
            (bad("a\n"), "the namespace of Vault must contain only"),
            (
                VaultSettings { address: "ftp://x".to_owned(), ..settings.clone() },
                "`address` is not a valid",
            ),
            (
                VaultSettings { address: "x".to_owned(), ..settings.clone() },
                "`address` is not a valid",
            ),
            (
                VaultSettings {
                    address: "https://127.0.0.1:1".to_owned(),
                    ca: Some(folder.path().join("none")),
                    ..settings.clone()
                },
                "cannot be read",
            ),
            (
                VaultSettings {
                    address: "https://127.0.0.1:1".to_owned(),
                    ca: Some(folder.path().join("broken")),
                    ..settings.clone()
                },
                "does not contain a valid certificate",
            ),
            (
                VaultSettings {
                    address: "https://127.0.0.1:1".to_owned(),
                    ca: Some(folder.path().join("other")),
                    ..settings.clone()
                },
                "does not contain a valid certificate",
            ),
            (
                VaultSettings {
                    login: VaultLogin::Token { file: folder.path().join("none") },
                    ..settings.clone()
                },
                "cannot be read",
            ),
        ] {
            let (refusal, detail) = refused(connect_for(Lifetimes::run(), &settings).await);
            assert_eq!(refusal, Refusal::Unusable, "{detail}");
            assert!(detail.contains(why), "{detail}");
        }
        std::fs::write(folder.path().join("token"), "my token").expect("written");
        let (refusal, detail) = refused(connect_for(Lifetimes::run(), &settings).await);
        assert_eq!(refusal, Refusal::NotLoggedIn);
        assert!(detail.contains("the token must contain only"), "{detail}");
        assert!(served.requests().is_empty());
    }

    /// Logs in with TLS. Returns what is refused without the certificate of the server, and with it.
    async fn with_tls() -> [Option<Refusal>; 2] {
        let mut refusals = [None; 2];
        for (has_ca, refused) in [false, true].into_iter().zip(&mut refusals) {
            let (folder, settings, _) = vault(&[]);
            let (served, certificate) = Served::start_tls(&[(200, "", looked_up!(60))]);
            let file = folder.path().join("ca.pem");
            std::fs::write(&file, certificate).expect("written");
            let (address, ca) = (served.address.clone(), has_ca.then_some(file));
            let held = held(&VaultSettings { address, ca, ..settings }).await;
            assert_eq!(served.requests().len(), usize::from(has_ca), "{held:?}");
            *refused = held.err().map(|error| error.refusal);
        }
        refusals
    }

    #[tokio::test]
    async fn a_server_must_have_a_certificate_of_the_system_or_of_the_given_file() {
        assert_eq!(with_tls().await, [Some(Refusal::Unreachable), None]);
    }

    /// Logs in as the environment says, and tells how long the login holds.
    #[tokio::test]
    #[ignore = "the next tests run it in a process of its own"]
    async fn child() {
        let kek = "hashivault://key".parse().expect("a KEK");
        let connected = connect(&kek, Action::Unwrap, of_server(), None).await;
        let held = connected.map(|(_, holds)| holds.map(|holds| holds.as_secs()));
        let held = held.map_err(|error| error.refusal);
        writeln!(std::io::stdout(), "\nlogin: {held:?}").expect("written");
    }

    /// Runs [`child`] with these variables and no other ones, in this folder, which is its home too.
    fn login_with(folder: &Path, variables: &[(&str, &str)]) -> String {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "kek::vault::login::tests::child", "--ignored", "--nocapture"]);
        command.env_clear().current_dir(folder).env("HOME", folder);
        let output = command.envs(variables.iter().copied()).output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let login = text.lines().find_map(|line| line.strip_prefix("login: "));
        login.unwrap_or_else(|| panic!("{text}")).to_owned()
    }

    #[test]
    fn the_environment_says_which_certificate_a_server_must_have() {
        let (refused, good) = ("Err(Unreachable)", "Ok(Some(60))");
        for (name, value, expected) in [
            ("VAULT_SKIP_VERIFY", "", refused),
            ("VAULT_SKIP_VERIFY", "false", refused),
            ("VAULT_SKIP_VERIFY", "true", good),
            ("BAO_SKIP_VERIFY", "1", good),
            ("VAULT_CACERT", "ca/ca.pem", good),
            ("VAULT_CAPATH", "ca", good),
            ("VAULT_CAPATH", "none", "Err(Unusable)"),
            // The authorities of the system.
            ("SSL_CERT_FILE", "ca/ca.pem", good),
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            let (served, certificate) = Served::start_tls(&[(200, "", looked_up!(60))]);
            std::fs::create_dir(folder.path().join("ca")).expect("made");
            std::fs::write(folder.path().join("ca/ca.pem"), certificate).expect("written");
            std::fs::write(folder.path().join(".vault-token"), "my-token\n").expect("written");
            let variables = [("VAULT_ADDR", served.address.as_str()), (name, value)];
            assert_eq!(login_with(folder.path(), &variables), expected, "{name}={value}");
        }
    }

    #[test]
    fn the_environment_says_how_to_log_in() {
        for (variables, expected, request) in [
            (&[("VAULT_TOKEN", "my-token")][..], "Ok(Some(60))", "GET /v1/auth/token/lookup-self "),
            (
                &[("VAULT_ROLE_ID", "a"), ("VAULT_SECRET_ID", "b")],
                "Ok(Some(30))",
                "POST /v1/auth/approle/login ",
            ),
            (
                &[
                    ("VAULT_ROLE", "a"),
                    ("VAULT_SERVICE_ACCOUNT_TOKEN_FILE", "token"),
                    ("VAULT_AUTH_PATH", "team"),
                ],
                "Ok(Some(30))",
                "POST /v1/auth/team/login ",
            ),
            (&[], "Err(NotLoggedIn)", ""),
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            std::fs::write(folder.path().join("token"), "my-token").expect("written");
            // An empty file is no token.
            std::fs::write(folder.path().join(".vault-token"), "\n").expect("written");
            let served = match expected {
                "Ok(Some(30))" => Served::start(&[(200, "", LOGGED_IN)]),
                _ => Served::start(&[(200, "", looked_up!(60))]),
            };
            let address = [("VAULT_ADDR", served.address.as_str())];
            let variables = [&address, variables].concat();
            assert_eq!(login_with(folder.path(), &variables), expected, "{variables:?}");
            let asked = served.requests().first().cloned().unwrap_or_default();
            assert!(
                asked.starts_with(request) && asked.is_empty() == request.is_empty(),
                "{asked}"
            );
        }
    }
}
