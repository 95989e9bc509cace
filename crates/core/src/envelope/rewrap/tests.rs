use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::envelope::{Scope, Sealer};
use crate::kek::age::{NewIdentity, new_identity};
use crate::kek::{Lifetimes, RingOptions};
use crate::secret::{Meta, Place, PlainSecret, SecretType, SecretValue};

const NOW: u64 = 1_700_000_000;

/// An age identity with its KEK.
struct Identity(NewIdentity);

impl Identity {
    fn new() -> Self {
        Self(new_identity(false))
    }

    fn kek(&self) -> KekUri {
        KekUri::age(&self.0.recipient).expect("a recipient")
    }

    /// The user named the KEK.
    fn named(&self) -> Holder {
        Holder { kek: self.kek(), named: true }
    }

    /// Only the Secret names the KEK.
    fn kept(&self) -> Holder {
        Holder { kek: self.kek(), named: false }
    }
}

/// A machine with these identities, and no others.
fn machine(identities: &[&Identity]) -> (tempfile::TempDir, Ring) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |index: usize| directory.path().join(format!("{index}.txt"));
    for (index, identity) in identities.iter().enumerate() {
        std::fs::write(path(index), identity.0.file.as_bytes()).expect("written");
    }
    let ring = Ring::new(RingOptions {
        identities: (0..identities.len()).map(path).collect(),
        passphrases: Arc::new(|_| Err("nobody is asked".to_owned())),
        plugin_user: None,
        patience: Duration::from_secs(2),
        lifetimes: Lifetimes::run(),
        vaults: Default::default(),
    });
    (directory, ring)
}

fn place() -> Place {
    Place { namespace: "prod".parse().expect("ok"), name: "db".parse().expect("ok") }
}

async fn sealer(ring: &Ring, keks: &[&Identity]) -> Sealer {
    let keks: Vec<KekUri> = keks.iter().map(|identity| identity.kek()).collect();
    let key = DataKey::generate();
    Sealer::prepare(ring, &keks, key, place(), Scope::Strict).await.expect("wrapped")
}

/// Two values and the seal, all under one data key.
async fn sealed(ring: &Ring, keks: &[&Identity]) -> SealedSecret {
    let meta = Meta {
        place: place(),
        kind: SecretType::Opaque,
        immutable: false,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
    };
    let value = |name: &str| (name.parse().expect("a key"), SecretValue::new(b"hunter2".to_vec()));
    let plain = PlainSecret { meta, values: ["a", "b"].map(value).into() };
    sealer(ring, keks).await.seal(plain, NOW).expect("it fits")
}

/// The same, with `b` and the seal under another data key.
async fn of_two_keys(ring: &Ring, keks: &[&Identity]) -> SealedSecret {
    let new = sealer(ring, keks).await;
    let value = ("b".parse().expect("a key"), SecretValue::new(b"new".to_vec()));
    let values = new.seal_values(&[value].into(), NOW);
    new.change(sealed(ring, keks).await, values, &[], NOW).expect("it fits")
}

/// Spoils the wrapped data key of `a` that this KEK has.
fn forge(secret: &mut SealedSecret, of: &Identity) {
    let jwe = secret.values.values_mut().next().expect("a value");
    for wrapped in jwe.recipients.iter_mut().filter(|wrapped| wrapped.kek == of.kek()) {
        wrapped.bytes = b"age-encryption.org/v1\nnot what it says".to_vec();
    }
}

async fn rewrap(
    secret: &SealedSecret,
    ring: &Ring,
    targets: &[Holder],
    renew: bool,
) -> Result<(SealedSecret, RewrapMethod), RewrapError> {
    secret.rewrap(ring, |_| true, &Rewrap { targets, renew }).await
}

async fn opens(secret: &SealedSecret, with: &Identity) -> bool {
    let (_directory, ring) = machine(&[with]);
    match secret.deks(&ring, |_| true, SealCheck::Required).await {
        Ok(deks) => secret.open(&deks, SealCheck::Required).is_ok(),
        Err(_) => false,
    }
}

#[tokio::test]
async fn a_rewrap_to_the_same_keks_changes_nothing_and_opens_nothing() {
    let (mine, theirs) = (Identity::new(), Identity::new());
    let (_directory, ring) = machine(&[&mine]);
    let (_nothing, closed) = machine(&[]);
    for keks in [&[&mine][..], &[&mine, &theirs]] {
        for secret in [sealed(&ring, keks).await, of_two_keys(&ring, keks).await] {
            let targets: Vec<Holder> = keks.iter().map(|identity| identity.named()).collect();
            let same = rewrap(&secret, &closed, &targets, false).await.expect("nothing to do");
            assert_eq!(same, (secret, RewrapMethod::LeftOut));
        }
    }
}

#[tokio::test]
async fn every_data_key_comes_under_the_new_keks_and_all_opens_there() {
    let (old, new) = (Identity::new(), Identity::new());
    let (_directory, ring) = machine(&[&old]);
    for secret in [sealed(&ring, &[&old]).await, of_two_keys(&ring, &[&old]).await] {
        let (moved, method) = rewrap(&secret, &ring, &[new.named()], false).await.expect("moved");
        assert_eq!(method, RewrapMethod::Here);
        assert_eq!(moved.keys(), [new.kek().id()]);
        assert_eq!(moved.fingerprint(), secret.fingerprint());
        assert!(opens(&moved, &new).await && !opens(&moved, &old).await);
        let both = [old.named(), new.named()];
        let (added, _) = rewrap(&secret, &ring, &both, false).await.expect("added");
        assert!(opens(&added, &new).await && opens(&added, &old).await);
    }
}

#[tokio::test]
async fn a_secret_has_as_many_data_keys_as_it_was_sealed_with() {
    let mine = Identity::new();
    let (_directory, ring) = machine(&[&mine]);
    assert!(!sealed(&ring, &[&mine]).await.has_several_deks());
    assert!(of_two_keys(&ring, &[&mine]).await.has_several_deks());
}

/// Anyone can write the name of a KEK into a Secret.
#[tokio::test]
async fn a_kek_that_only_the_secret_names_gets_no_data_key_before_it_proves_that_it_has_it() {
    let (mine, mallory) = (Identity::new(), Identity::new());
    let (_directory, ring) = machine(&[&mine, &mallory]);
    let targets = [mine.named(), mallory.kept()];
    let not_held = |result: Result<(SealedSecret, RewrapMethod), RewrapError>| matches!(result, Err(RewrapError::Open(OpenError::NotHeld { kek, .. })) if kek == mallory.kek());
    let good = of_two_keys(&ring, &[&mine, &mallory]).await;
    for renew in [false, true] {
        assert!(rewrap(&good, &ring, &targets, renew).await.is_ok());
        // Its name is nowhere.
        let without = of_two_keys(&ring, &[&mine]).await;
        assert!(not_held(rewrap(&without, &ring, &targets, renew).await));
        // Its name is at one data key, and not at the other.
        let mut at_one = good.clone();
        at_one.values.values_mut().next().expect("a value").recipients.pop();
        assert!(not_held(rewrap(&at_one, &ring, &targets, renew).await));
        // Its name is there, but no data key that it can unwrap. And if the others are taken off,
        // nobody could open the Secret any more.
        let mut forged = good.clone();
        forge(&mut forged, &mallory);
        let alone = [mallory.kept()];
        assert!(not_held(rewrap(&forged, &ring, &alone, renew).await));
        assert_eq!(not_held(rewrap(&forged, &ring, &targets, renew).await), renew);
    }
}

#[tokio::test]
async fn a_kek_holds_the_data_keys_if_it_unwraps_each_of_them_and_the_only_one_needs_no_call() {
    let (mine, theirs) = (Identity::new(), Identity::new());
    let (_directory, ring) = machine(&[&mine, &theirs]);
    let (_nothing, closed) = machine(&[]);
    let alone = of_two_keys(&ring, &[&mine]).await;
    alone.check_held(&closed, &mine.kek()).await.expect("nobody else can have it");
    let refused = alone.check_held(&ring, &theirs.kek()).await;
    assert!(matches!(refused, Err(OpenError::NotHeld { refusals, .. }) if refusals.is_empty()));
    let mut both = of_two_keys(&ring, &[&mine, &theirs]).await;
    both.check_held(&ring, &theirs.kek()).await.expect("it unwraps both");
    both.check_held(&closed, &theirs.kek()).await.expect_err("nothing unwraps here");
    forge(&mut both, &theirs);
    let refused = both.check_held(&ring, &theirs.kek()).await;
    assert!(matches!(refused, Err(OpenError::NotHeld { refusals, .. }) if refusals.len() == 1));
    both.check_held(&ring, &mine.kek()).await.expect("its own are good");
}

#[tokio::test]
async fn what_was_put_together_is_not_wrapped_again() {
    let (mine, mallory) = (Identity::new(), Identity::new());
    let (_directory, ring) = machine(&[&mine]);
    let mut secret = sealed(&ring, &[&mine]).await;
    // The seal is over other values, under the same data key.
    let first = secret.values.keys().next().expect("a key").clone();
    secret.values.remove(&first);
    let refused = rewrap(&secret, &ring, &[mallory.named()], false).await;
    let Err(RewrapError::Open(OpenError::Refused { refused, .. })) = refused else {
        panic!("it was wrapped")
    };
    assert_eq!(refused, Refused::SealMismatch);
    // The header of a value of another Secret would give away its data key.
    let mut stolen = sealed(&ring, &[&mine]).await;
    let other = sealed(&ring, &[&mine]).await;
    let value = other.values[&first].clone();
    let own = stolen.values.get_mut(&first).expect("there");
    (own.commitment, own.recipients) = (value.commitment, value.recipients);
    assert!(rewrap(&stolen, &ring, &[mallory.named()], false).await.is_err());
}
