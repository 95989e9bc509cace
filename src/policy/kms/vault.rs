//! A policy of Vault and OpenBao. The context is the parameter `associated_data`, which a policy can
//! compare: it is base64, and its end has the namespace.

use std::fmt::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::{KekUse, KmsRights};
use crate::policy::Subject;
use envcrypt_core::kek::{Context, KekUri};
use envcrypt_core::secret::Namespace;

pub(super) fn text(rights: &KmsRights) -> String {
    let paths = rights.keks.iter().map(|(kek, namespaces)| path(kek, namespaces, rights));
    head(rights) + &paths.map(|path| format!("\n{path}")).collect::<String>()
}

fn head(rights: &KmsRights) -> String {
    let KmsRights { name, uses, .. } = rights;
    let verb = if *uses == KekUse::Seal { "Seals" } else { "Opens" };
    let mut text = format!(
        "# {verb} Secrets of the scopes `strict` and `namespace`. A Secret of the scope `cluster` has\n\
         # no associated data, so this policy refuses it.\n\
         #\n\
         #   bao policy write {name} FILE\n"
    );
    let is_one = rights.subjects.len() == 1;
    for subject in &rights.subjects {
        if let Subject::ServiceAccount { namespace, name: account } = subject {
            // Two lists in one role would allow every pair.
            let role = if is_one { name.clone() } else { format!("{name}-{namespace}-{account}") };
            let _ = write!(
                text,
                "#   bao write auth/kubernetes/role/{role} token_policies={name} \\\n\
                 #     bound_service_account_namespaces={namespace} bound_service_account_names={account}\n"
            );
        }
    }
    text
}

fn path(kek: &KekUri, namespaces: &[Namespace], rights: &KmsRights) -> String {
    // The URI of a KEK has neither `+` nor `*`, which mean any path here.
    let (mount, key) = kek.rest().rsplit_once('/').expect("a parsed URI has a mount");
    let (operation, parameter) = match rights.uses {
        KekUse::Seal => ("encrypt", "plaintext"),
        KekUse::Open => ("decrypt", "ciphertext"),
    };
    let mut data = String::new();
    for namespace in namespaces {
        data += &match &rights.names[..] {
            [] => of_namespace(namespace),
            names => names.iter().map(|name| of_secret(namespace, name)).collect(),
        };
    }
    format!(
        r#"path "{mount}/{operation}/{key}" {{
  # Not `create`: with it, a mistyped name makes a new key.
  capabilities = ["update"]
  required_parameters = ["associated_data"]
  # No other parameter, such as `batch_input`.
  allowed_parameters = {{
    "{parameter}" = []
    "associated_data" = [
{data}    ]
  }}
}}
"#
    )
}

/// Every Secret of a namespace.
fn of_namespace(namespace: &Namespace) -> String {
    let whole = Context::new(Some(namespace.as_str()), None).to_json().expect("it is not empty");
    let tail = tail(namespace);
    let mut text = line(&whole, &BASE64_STANDARD.encode(&whole));
    text += &format!("      # …{tail}, at each of the three places where base64 can cut it\n");
    for end in ends(&tail) {
        text += &format!("      \"*{end}\",\n");
    }
    text
}

/// One Secret, of the scope `strict`.
fn of_secret(namespace: &Namespace, name: &str) -> String {
    let whole = Context::new(Some(namespace.as_str()), Some(name)).to_json();
    let whole = whole.expect("it is not empty");
    line(&whole, &BASE64_STANDARD.encode(&whole))
}

fn line(json: &[u8], base64: &str) -> String {
    format!("      # {}\n      \"{base64}\",\n", String::from_utf8_lossy(json))
}

/// What follows the name of a Secret in the context. No name has a quote, so nothing else ends so.
fn tail(namespace: &Namespace) -> String {
    format!(r#"","envcrypt.dev/namespace":"{namespace}"}}"#)
}

/// The ends of base64 that decode to something and then `tail`. Of the group of four characters in
/// which `tail` begins, those are cut off that depend on what is before it.
fn ends(tail: &str) -> [String; 3] {
    [(0, 0), (1, 2), (2, 3)].map(|(before, cut)| {
        let text = BASE64_STANDARD.encode(" ".repeat(before) + tail);
        text[cut..].to_owned()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(namespace: &str, name: &str) -> String {
        let json = Context::new(Some(namespace), Some(name)).to_json();
        BASE64_STANDARD.encode(json.expect("it is not empty"))
    }

    fn is_allowed(policy: &str, data: &str) -> bool {
        ends(&tail(&policy.parse().expect("a namespace"))).iter().any(|end| data.ends_with(end))
    }

    proptest! {
        /// Whatever the names are, exactly the Secrets of the namespace are allowed.
        #[test]
        fn the_ends_are_those_of_the_namespace_alone(
            namespace in "[a-z]([a-z0-9-]{0,20}[a-z0-9])?",
            other in "[a-z]([a-z0-9-]{0,20}[a-z0-9])?",
            name in "[a-z]([a-z0-9.-]{0,60}[a-z0-9])?",
        ) {
            prop_assert!(is_allowed(&namespace, &encoded(&namespace, &name)));
            prop_assert_eq!(is_allowed(&namespace, &encoded(&other, &name)), namespace == other);
            let longer = format!("pre{namespace}");
            prop_assert!(!is_allowed(&namespace, &encoded(&longer, &name)));
        }
    }

    /// A decoder of base64 that skips line breaks could shift the groups.
    #[test]
    fn an_end_that_is_cut_elsewhere_is_not_json() {
        use base64::alphabet::STANDARD;
        use base64::engine::DecodePaddingMode;
        use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
        let config = GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true);
        let lenient = GeneralPurpose::new(&STANDARD, config);
        for end in ends(&tail(&"prod".parse().expect("a namespace"))) {
            let aligned = (4 - end.len() % 4) % 4;
            let end = end.trim_end_matches('=');
            for shift in (0..4).filter(|shift| *shift != aligned) {
                let decoded = lenient.decode("A".repeat(shift) + end).unwrap_or_default();
                assert!(!decoded.ends_with(b"\"}"), "{shift} {end}");
            }
        }
    }
}
