//! What the URIs and the contexts of all kinds of KEK say, and what a ring keeps.

use std::sync::Arc;
use std::time::Duration;

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

#[cfg(feature = "age")]
fn ring(keep: Keep) -> Ring {
    Ring::new(RingOptions {
        identities: Vec::new(),
        passphrases: Arc::new(|_| Err("nobody is asked".to_owned())),
        plugin_user: None,
        patience: Duration::from_secs(2),
        lifetimes: Lifetimes { keep, ..Lifetimes::run() },
        vaults: Default::default(),
    })
}

/// What a ring keeps, it unwraps without any KEK.
#[cfg(feature = "age")]
#[tokio::test]
async fn a_ring_keeps_data_keys_until_it_forgets_them_and_another_can_take_them_over() {
    let context = Context::new(Some("prod"), Some("db"));
    let unwrapped = |kek: &str| {
        let key = Arc::new(DataKey::generate());
        Unwrapped { key, by: uri(kek).id(), version: None }
    };
    let old = ring(Keep::Always);
    old.remember([1; 32], &context, unwrapped(AWS));
    old.remember([2; 32], &context, unwrapped(GCP));
    assert_eq!(old.kept(), 2);
    let new = ring(Keep::Always);
    new.take_over(&old, |kek| *kek == uri(AWS).id());
    assert_eq!(new.kept(), 1, "only what its settings allow");
    let kept = async |ring: &Ring, commitment| {
        ring.unwrap(&[], &context, commitment, |_| true).await.map(|kept| kept.by)
    };
    assert_eq!(kept(&new, [1; 32]).await.expect("kept"), uri(AWS).id());
    assert!(kept(&new, [2; 32]).await.is_err());
    let elsewhere = Context::new(Some("dev"), Some("db"));
    assert!(new.unwrap(&[], &elsewhere, [1; 32], |_| true).await.is_err());
    new.sweep();
    assert_eq!(new.kept(), 1, "it is not too old");
    new.forget();
    assert_eq!(new.kept(), 0);
    assert!(kept(&new, [1; 32]).await.is_err());
    let short = ring(Keep::For { age: Duration::from_millis(1), most: 10 });
    short.remember([1; 32], &context, unwrapped(AWS));
    tokio::time::sleep(Duration::from_millis(2)).await;
    short.sweep();
    assert_eq!(short.kept(), 0, "a server does not wait for the next call");
}
