//! Names of Secrets, as people type them.

use std::path::Path;

use crate::failure::Failure;
use crate::process::quoted;
use envcrypt_cluster::place_of;
use envcrypt_core::manifest::Form;
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

/// The kinds that a person can write before a name.
const KINDS: [(&str, Form); 6] = [
    ("secret", Form::Secret),
    ("secrets", Form::Secret),
    ("evs", Form::Resource),
    ("envcryptsecret", Form::Resource),
    ("envcryptsecrets", Form::Resource),
    ("envcryptsecret.envcrypt.dev", Form::Resource),
];

/// An object of the cluster that a person named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub form: Form,
    pub place: Place,
}

impl Named {
    /// `secret/NAME` or `envcryptsecret/NAME`.
    pub fn reference(&self) -> String {
        let kind = if self.form == Form::Resource { "envcryptsecret" } else { "secret" };
        format!("{kind}/{}", self.place.name)
    }
}

/// The object that a person named as `NAME`, `secret/NAME` or `envcryptsecret/NAME`. Without a
/// kind, it is a Secret. If a file has that name, the person probably means the file.
pub fn named(namespace: &Namespace, name: &str) -> Result<Named, Failure> {
    let is_kind = |word: &str| KINDS.iter().find(|(kind, _)| *kind == word);
    let known = name.split_once('/').and_then(|(kind, name)| Some((is_kind(kind)?.1, name)));
    if known.is_none() {
        check_not_file(name)?;
    }
    let (form, name) = known.unwrap_or((Form::Secret, name));
    Ok(Named { form, place: place_of(namespace, name)? })
}

/// The place of the Secret that a person named as `NAME` or `secret/NAME`, for a command that does
/// not work on an EnvcryptSecret in the cluster.
pub fn place_named(namespace: &Namespace, name: &str) -> Result<Place, Failure> {
    let named = named(namespace, name)?;
    match named.form {
        Form::Secret => Ok(named.place),
        Form::Resource => {
            Err(Failure::Usage(format!("`{name}` is an EnvcryptSecret: name a Secret here")))
        }
    }
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
