//! `.dockerconfigjson`, in the form that kubectl writes.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use zeroize::Zeroizing;

use envcrypt_core::secret::SecretValue;

/// The registry that `docker login` uses by default.
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

/// Creates the JSON. `None` if the password is not UTF-8.
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
    // JSON escapes a byte to six at most. With this capacity the buffer never grows, and growing
    // would leave copies in memory.
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
