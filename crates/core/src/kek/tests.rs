//! What the URIs and the contexts of all kinds of KEK say.

use super::*;

fn uri(text: &str) -> KekUri {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

const AGE: &str = "age:age1qqqqqq";
const PLUGIN: &str = "age:age1yubikey1qqqqqq";
const POST_QUANTUM: &str = "age:age1pq1qqqqqq";
const AWS: &str = "awskms:///arn:aws:kms:eu-west-1:111122223333:key/a";
const GCP: &str = "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k";
const AZURE: &str = "azurekms://team.vault.azure.net/key";
const VAULT: &str = "hashivault://transit/key";
const PLUGIN_KMS: &str = "k8skms:///run/kms/plugin.sock";

#[test]
fn whoever_knows_a_public_key_can_seal_to_it_and_a_quantum_computer_opens_a_classical_one() {
    for (text, is_public, is_classical, is_post_quantum) in [
        (AGE, true, true, false),
        (PLUGIN, true, true, false),
        (POST_QUANTUM, true, false, true),
        (AZURE, true, true, false),
        (AWS, false, false, false),
        (GCP, false, false, false),
        (VAULT, false, false, false),
        (PLUGIN_KMS, false, false, false),
    ] {
        let uri = uri(text);
        assert_eq!(uri.is_public(), is_public, "{text}");
        assert_eq!(uri.is_classical_public_key(), is_classical, "{text}");
        assert_eq!(uri.is_post_quantum(), is_post_quantum, "{text}");
    }
}

#[test]
fn only_names_of_aws_can_be_aliases_or_depend_on_the_login() {
    for (text, is_alias, is_bare) in [
        ("awskms:///alias/prod", true, true),
        ("awskms:///1234abcd-12ab-34cd-56ef-1234567890ab", true, true),
        ("awskms:///arn:aws:kms:eu-west-1:111122223333:alias/prod", true, false),
        (AWS, false, false),
        (AGE, false, false),
        (GCP, false, false),
        (AZURE, false, false),
        (VAULT, false, false),
        (PLUGIN_KMS, false, false),
    ] {
        let uri = uri(text);
        assert_eq!((uri.is_alias(), uri.is_bare()), (is_alias, is_bare), "{text}");
    }
}

#[test]
fn the_name_of_a_kek_has_at_most_4096_bytes() {
    let of_size = |size: usize| format!("age:age1{}", "q".repeat(size - "age:age1".len()));
    assert!(of_size(4096).parse::<KekUri>().is_ok());
    assert_eq!(of_size(4097).parse::<KekUri>(), Err(UriError::TooLong));
}

#[test]
fn a_context_names_a_secret_a_namespace_or_a_cluster() {
    let pairs = |context: &Context| {
        context.pairs().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    let secret = Context::new(Some("prod"), Some("db"));
    assert_eq!(pairs(&secret), ["envcrypt.dev/name=db", "envcrypt.dev/namespace=prod"]);
    let namespace = Context::new(Some("prod"), None);
    assert_eq!(pairs(&namespace), ["envcrypt.dev/namespace=prod"]);
    let cluster = Context::cluster("eu-1");
    assert_eq!(pairs(&cluster), ["envcrypt.dev/cluster=eu-1"]);
    assert!(secret.names_secret());
    for other in [namespace, cluster, Context::default()] {
        assert!(!other.names_secret(), "{other:?}");
    }
}
