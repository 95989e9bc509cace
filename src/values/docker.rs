//! `.dockerconfigjson`, as kubectl composes it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use zeroize::Zeroizing;

use envcrypt_core::secret::SecretValue;

/// The registry that `docker login` means when none is named.
pub const DOCKER_DEFAULT_SERVER: &str = "https://index.docker.io/v1/";

#[derive(Serialize)]
struct Config<'a> {
    auths: BTreeMap<&'a str, Login<'a>>,
}

#[derive(Serialize)]
struct Login<'a> {
    username: &'a str,
    password: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    auth: &'a str,
}

/// Composes it. `None` where the password is not UTF-8.
#[must_use]
pub fn docker_config(
    server: &str,
    username: &str,
    password: &SecretValue,
    email: Option<&str>,
) -> Option<SecretValue> {
    let password = std::str::from_utf8(password.expose()).ok()?;
    let pair = Zeroizing::new(format!("{username}:{password}"));
    let auth = Zeroizing::new(BASE64_STANDARD.encode(pair.as_bytes()));
    let login = Login { username, password, email, auth: &auth };
    let config = Config { auths: BTreeMap::from([(server, login)]) };
    // Room for all of it, escaped six-fold at most: no copy is left behind by growing.
    let given = server.len() + email.map_or(0, str::len) + 2 * pair.len() + auth.len();
    let mut json = Zeroizing::new(Vec::with_capacity(128 + 6 * given));
    serde_json::to_writer(&mut *json, &config).ok()?;
    Some(SecretValue::new(json.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_config_is_kubectls() {
        let password = SecretValue::new(b"p\"w".to_vec());
        let json = docker_config("r.example", "u", &password, Some("e@x")).expect("text");
        let expected = r#"{"auths":{"r.example":{"username":"u","password":"p\"w","email":"e@x","auth":"dTpwInc="}}}"#;
        assert!(json.expose() == expected.as_bytes());
    }
}
