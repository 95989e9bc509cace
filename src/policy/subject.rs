//! Who gets the rights.

use std::fmt;
use std::str::FromStr;

use envcrypt_core::secret::Namespace;

const FORM: &str = "write user:NAME, group:NAME or serviceaccount:NAMESPACE:NAME";

/// A user, a group or a service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    User(String),
    Group(String),
    ServiceAccount { namespace: Namespace, name: String },
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name) = text.split_once(':').ok_or(FORM)?;
        if name.is_empty() || name.chars().any(is_odd) {
            return Err(FORM.to_owned());
        }
        match kind {
            "user" => Ok(Self::User(name.to_owned())),
            "group" => Ok(Self::Group(name.to_owned())),
            "serviceaccount" => {
                let (namespace, name) = name.split_once(':').ok_or(FORM)?;
                let namespace = namespace.parse::<Namespace>().map_err(|e| e.to_string())?;
                // The same form as that of a Secret's name.
                let name = name.parse::<envcrypt_core::secret::SecretName>();
                let name = name.map_err(|_| FORM)?.to_string();
                Ok(Self::ServiceAccount { namespace, name })
            }
            _ => Err(FORM.to_owned()),
        }
    }
}

/// A character that could end a line, also in the eyes of an old reader of YAML.
pub fn is_odd(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

impl fmt::Display for Subject {
    /// The name that the API server authorizes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) | Self::Group(name) => f.write_str(name),
            Self::ServiceAccount { namespace, name } => {
                write!(f, "system:serviceaccount:{namespace}:{name}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_read_and_has_the_name_that_the_api_server_authorizes() {
        for (text, name) in [
            ("user:jane@example.com", "jane@example.com"),
            ("user:oidc:jane", "oidc:jane"),
            ("group:system:masters", "system:masters"),
            ("serviceaccount:prod:web", "system:serviceaccount:prod:web"),
        ] {
            assert_eq!(text.parse::<Subject>().expect(text).to_string(), name);
        }
        for bad in [
            "jane",
            "user:",
            "robot:jane",
            "serviceaccount:web",
            "serviceaccount:prod:",
            "serviceaccount:Prod:web",
            "serviceaccount:prod:we b",
            "user:a\nb",
            "user:a\u{2028}b",
        ] {
            assert!(bad.parse::<Subject>().is_err(), "{bad}");
        }
    }
}
