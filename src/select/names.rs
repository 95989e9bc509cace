//! Names of Secrets, as people type them.

use std::path::Path;

use crate::failure::Failure;
use crate::process::quoted;
use envcrypt_cluster::place_of;
use envcrypt_core::secret::{Namespace, Place};

/// Refuses kubectl's own form, `create secret generic db`, and says what to run instead.
pub fn check_not_kubectls(name: &str, keys: &[String]) -> Result<(), Failure> {
    let is_kind = |word: &String| ["generic", "tls", "docker-registry"].contains(&word.as_str());
    let (kind, words, secret) = match (name, keys) {
        ("secret" | "secrets", [kind, rest @ ..]) if is_kind(kind) => {
            (kind.as_str(), format!("secret {kind}"), rest.first())
        }
        // `create generic db`: nobody means a Secret of that name.
        ("generic" | "docker-registry", [secret, ..]) => (name, name.to_owned(), Some(secret)),
        _ => return Ok(()),
    };
    let flag = if kind == "generic" { String::new() } else { format!(" --type {kind}") };
    let secret = secret.map_or("NAME", String::as_str);
    Err(Failure::Usage(format!(
        "leave out `{words}`: run `kubectl envcrypt create {}{flag}` with the same other flags",
        quoted(secret)
    )))
}

/// The place of the Secret that a person named as `NAME` or `secret/NAME`. If a file has that
/// name, the person probably means the file.
pub fn place_named(namespace: &Namespace, name: &str) -> Result<Place, Failure> {
    let bare = ["secret/", "secrets/"].iter().find_map(|kind| name.strip_prefix(kind));
    if bare.is_none() {
        check_not_file(name)?;
    }
    Ok(place_of(namespace, bare.unwrap_or(name))?)
}

/// Refuses a file where a Secret's name is expected.
pub fn check_not_file(name: &str) -> Result<(), Failure> {
    match Path::new(name).is_file() {
        true => {
            Err(Failure::Usage(format!("`{name}` is a file: name it with `-f {}`", quoted(name))))
        }
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubectls_form_is_told_ours() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let error = check_not_kubectls("secret", &words("tls web")).expect_err("refused");
        assert!(error.to_string().contains("create web --type tls`"), "{error}");
        assert!(check_not_kubectls("secret", &words("password")).is_ok());
        assert!(check_not_kubectls("db", &words("generic")).is_ok());
        let error = check_not_kubectls("generic", &words("db")).expect_err("refused");
        assert!(error.to_string().contains("create db`"), "{error}");
        assert!(check_not_kubectls("generic", &[]).is_ok());
    }
}
