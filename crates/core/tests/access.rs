//! Which KEKs open a Secret, without a terminal and without a cluster: as a server does it.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use envcrypt_core::access::{
    AccessError, Answer, Consent, Consents, MayUse, Nobody, Opener, Policy, Question, Rule, Scope,
    Trust, Uses,
};
use envcrypt_core::envelope::{SealCheck, SealedSecret, Sealer};
use envcrypt_core::kek::age::new_identity;
use envcrypt_core::kek::{DataKey, KekUri, Lifetimes, Ring, RingOptions};
use envcrypt_core::secret::{Meta, Place, PlainSecret, SecretType, SecretValue};

/// A machine with two age identities.
struct Machine {
    _directory: tempfile::TempDir,
    ring: Arc<Ring>,
    keks: [KekUri; 2],
}

impl Machine {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let identities = [new_identity(false), new_identity(false)];
        let path = |index: usize| directory.path().join(format!("{index}.txt"));
        let files: Vec<PathBuf> = (0..2).map(path).collect();
        for (file, identity) in files.iter().zip(&identities) {
            std::fs::write(file, identity.file.as_bytes()).expect("written");
        }
        let ring = Ring::new(RingOptions {
            identities: files,
            passphrases: Arc::new(|_| Err("nobody is asked".to_owned())),
            plugin_user: None,
            patience: Duration::from_secs(2),
            lifetimes: Lifetimes::run(),
            vaults: Default::default(),
        });
        let keks = identities.map(|identity| KekUri::age(&identity.recipient).expect("valid"));
        Self { _directory: directory, ring: Arc::new(ring), keks }
    }

    async fn sealed(&self, keks: &[KekUri]) -> SealedSecret {
        let meta = Meta {
            place: place(),
            kind: SecretType::Opaque,
            immutable: false,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
        };
        let value = ("password".parse().expect("a key"), SecretValue::new(b"hunter2".to_vec()));
        let plain = PlainSecret { meta, values: [value].into() };
        let key = DataKey::generate();
        let sealer = Sealer::prepare(&self.ring, keks, key, place(), Default::default()).await;
        sealer.expect("wrapped").seal(plain, 1_700_000_000).expect("it fits")
    }

    fn opener(&self, policy: Policy, consent: impl Consent + 'static) -> Opener {
        let consents = Consents::new(policy, Box::new(consent));
        Opener::new(self.ring.clone(), consents, SealCheck::Required)
    }
}

fn place() -> Place {
    Place { namespace: "prod".parse().expect("valid"), name: "db".parse().expect("valid") }
}

fn policy(may: MayUse) -> Policy {
    Policy::new(may, Trust::load(None).expect("empty"))
}

/// A policy in which a KEK of another kind is in use: an age recipient needs a consent then.
fn strict() -> Policy {
    let mut policy = policy(MayUse::Granted);
    let aws = KekUri::aws("arn:aws:kms:eu-west-1:111122223333:key/a").expect("valid");
    policy.allow(Uses::Open, Scope::everywhere(), &aws);
    policy
}

fn rule(kek: &KekUri, is_own: bool) -> Rule {
    Rule { keks: vec![kek.clone()], is_own, file: Path::new(".envcrypt.yaml").into() }
}

/// Someone who always gives the same answer, and counts the questions.
#[derive(Clone)]
struct Person(Answer, Arc<AtomicUsize>);

impl Consent for Person {
    fn ask(
        &self,
        _: &Question<'_>,
        _: Option<&KekUri>,
    ) -> Result<Answer, Box<dyn Error + Send + Sync>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Ok(self.0)
    }
}

#[tokio::test]
async fn a_server_opens_what_it_was_granted_and_nothing_else() {
    let machine = Machine::new();
    let secret = machine.sealed(&machine.keks[..1]).await;
    let refused = machine.opener(strict(), Nobody).open(&secret, None).await;
    assert!(matches!(refused, Err(AccessError::Open(_))));
    let mut granted = strict();
    granted.allow(Uses::Open, "prod".parse().expect("valid"), &machine.keks[0]);
    let opened = machine.opener(granted, Nobody).open(&secret, None).await.expect("opened");
    let password = "password".parse().expect("a key");
    assert!(opened.holds(&password, &SecretValue::new(b"hunter2".to_vec())));
    let mut elsewhere = strict();
    elsewhere.allow(Uses::Open, "dev".parse().expect("valid"), &machine.keks[0]);
    assert!(machine.opener(elsewhere, Nobody).open(&secret, None).await.is_err());
}

#[tokio::test]
async fn a_rule_of_a_repository_forbids_and_one_of_your_own_allows() {
    let machine = Machine::new();
    let [mine, other] = &machine.keks;
    let secret = machine.sealed(std::slice::from_ref(mine)).await;
    let open = async |rule: Rule| {
        machine.opener(strict(), Nobody).open(&secret, Some(&rule)).await.map(drop)
    };
    assert!(matches!(open(rule(mine, false)).await, Err(AccessError::Open(_))));
    assert!(open(rule(mine, true)).await.is_ok());
    for is_own in [false, true] {
        let refused = open(rule(other, is_own)).await;
        assert!(matches!(refused, Err(AccessError::NotInRule { .. })));
    }
}

#[tokio::test]
async fn what_is_named_is_all_that_opens() {
    let machine = Machine::new();
    let [mine, other] = &machine.keks;
    let secret = machine.sealed(std::slice::from_ref(mine)).await;
    let only = |kek: &KekUri| policy(MayUse::Only([kek.id()].into()));
    assert!(machine.opener(only(mine), Nobody).open(&secret, None).await.is_ok());
    let refused = machine.opener(only(other), Nobody).open(&secret, None).await.map(drop);
    assert!(matches!(refused, Err(AccessError::NotNamed { .. })));
}

#[tokio::test]
async fn a_person_is_asked_once_for_each_namespace() {
    let machine = Machine::new();
    let secret = machine.sealed(&machine.keks[..1]).await;
    for (answer, opens) in [(Answer::Yes, true), (Answer::No, false)] {
        let person = Person(answer, Arc::default());
        let opener = machine.opener(strict(), person.clone());
        for _ in 0..3 {
            assert_eq!(opener.admit(&secret, None).await.is_ok(), opens);
        }
        assert_eq!(person.1.load(Ordering::Relaxed), 1, "{answer:?}");
    }
}

#[tokio::test]
async fn values_and_seal_under_different_keks_are_refused() {
    let machine = Machine::new();
    let [mine, other] = &machine.keks;
    let mut secret = machine.sealed(std::slice::from_ref(mine)).await;
    secret.seal = machine.sealed(std::slice::from_ref(other)).await.seal;
    let refused = machine.opener(policy(MayUse::Granted), Nobody).admit(&secret, None).await;
    assert!(matches!(refused, Err(AccessError::DifferentKeks(_))));
    // Unless the person names every one of them.
    let all = MayUse::Only([mine.id(), other.id()].into());
    assert!(machine.opener(policy(all), Nobody).admit(&secret, None).await.is_ok());
}

/// A server handles many Secrets at once, in threads.
#[test]
fn an_opener_can_be_shared_by_threads() {
    fn shared<T: Send + Sync>() {}
    fn sendable<T: Send>(_: &T) {}
    shared::<Opener>();
    shared::<Mutex<Consents>>();
    let machine = Machine::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let secret = runtime.block_on(machine.sealed(&machine.keks[..1]));
    let opener = machine.opener(strict(), Nobody);
    sendable(&opener.open(&secret, None));
}
