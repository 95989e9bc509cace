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
use envcrypt_core::envelope::{
    Holder, Jwe, OpenError, Rewrap, RewrapError, SealCheck, SealedSecret, Sealer,
};
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

    /// The same values, with the seal under another data key than the values.
    async fn of_two_keys(&self, keks: &[KekUri]) -> SealedSecret {
        let key = DataKey::generate();
        let new = Sealer::prepare(&self.ring, keks, key, place(), Default::default()).await;
        let secret = self.sealed(keks).await;
        new.expect("wrapped").change(secret, [].into(), &[], 1_700_000_000).expect("it fits")
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

/// Spoils the wrapped data key that this KEK has in a part.
fn forge(jwe: &mut Jwe, of: &KekUri) {
    for wrapped in jwe.recipients.iter_mut().filter(|wrapped| wrapped.kek == *of) {
        wrapped.bytes = b"age-encryption.org/v1\nnot what it says".to_vec();
    }
}

/// A KEK that no identity of these tests opens.
fn elsewhere() -> KekUri {
    KekUri::age(&new_identity(false).recipient).expect("valid")
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
    let closed = machine.opener(strict(), Nobody);
    assert!(!closed.can_open(&secret, None));
    assert!(!closed.may_open(&machine.keks[0], &place(), None));
    let mut granted = strict();
    granted.allow(Uses::Open, "prod".parse().expect("valid"), &machine.keks[0]);
    let opener = machine.opener(granted, Nobody);
    assert!(opener.can_open(&secret, None));
    assert!(opener.may_open(&machine.keks[0], &place(), None));
    assert!(!opener.may_open(&machine.keks[1], &place(), None));
    let opened = opener.open(&secret, None).await.expect("opened");
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
async fn a_kek_that_may_not_open_is_not_used_even_if_no_other_opens() {
    let machine = Machine::new();
    let [mine, other] = &machine.keks;
    let mut secret = machine.sealed(&machine.keks).await;
    for jwe in secret.values.values_mut().chain(&mut secret.seal) {
        forge(jwe, mine);
    }
    let mut granted = strict();
    granted.allow(Uses::Open, Scope::everywhere(), mine);
    let refused = machine.opener(granted, Nobody).open(&secret, None).await.map(drop);
    let Err(AccessError::Open(OpenError::Kek { refusals, .. })) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    let mut granted = strict();
    granted.allow(Uses::Open, Scope::everywhere(), other);
    assert!(machine.opener(granted, Nobody).open(&secret, None).await.is_ok());
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

/// Someone who agrees to one KEK only, and counts the questions.
#[derive(Clone)]
struct AgreesTo(KekUri, Arc<AtomicUsize>);

impl Consent for AgreesTo {
    fn ask(
        &self,
        question: &Question<'_>,
        _: Option<&KekUri>,
    ) -> Result<Answer, Box<dyn Error + Send + Sync>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Ok(if *question.kek() == self.0 { Answer::Yes } else { Answer::No })
    }
}

#[tokio::test]
async fn a_person_is_asked_for_one_kek_after_the_other_until_one_may_open() {
    let machine = Machine::new();
    let secret = machine.sealed(&machine.keks).await;
    let keks = secret.keks();
    for (agreed, questions) in [(keks[0], 1), (keks[1], 2)] {
        let person = AgreesTo(agreed.clone(), Arc::default());
        let opener = machine.opener(strict(), person.clone());
        assert!(opener.open(&secret, None).await.is_ok());
        assert_eq!(person.1.load(Ordering::Relaxed), questions);
    }
    let nobody = Person(Answer::Nobody, Arc::default());
    assert!(machine.opener(strict(), nobody.clone()).admit(&secret, None).await.is_err());
    assert_eq!(nobody.1.load(Ordering::Relaxed), 1, "nobody is there for the second, either");
}

#[test]
fn what_another_task_was_just_allowed_is_not_asked_again() {
    let machine = Machine::new();
    let person = Person(Answer::Yes, Arc::default());
    let consents = Consents::new(strict(), Box::new(person.clone()));
    let (place, [mine, other]) = (place(), &machine.keks);
    for kek in [mine, mine, other] {
        let question = Question::Open { place: &place, kek };
        assert_eq!(consents.ask(&question).expect("answered"), Answer::Yes);
    }
    assert_eq!(person.1.load(Ordering::Relaxed), 2);
    let question = Question::SealAgain { place: &place, kek: mine };
    assert_eq!(consents.ask(&question).expect("answered"), Answer::Yes);
    assert_eq!(person.1.load(Ordering::Relaxed), 3, "to open is not to seal");
}

/// The names of KEKs are not authenticated. Someone who may use one of them wrote their own seal,
/// under their own data key, and the names of all KEKs at every part.
#[tokio::test]
async fn values_and_seal_that_no_kek_opens_both_are_refused_whatever_names_they_have() {
    let machine = Machine::new();
    let [mine, other] = &machine.keks;
    for more in [vec![], vec![elsewhere()]] {
        let keks = [&machine.keks[..], &more].concat();
        let mut secret = machine.of_two_keys(&keks).await;
        secret.values.values_mut().for_each(|jwe| forge(jwe, other));
        secret.seal.iter_mut().for_each(|jwe| forge(jwe, mine));
        let opener = machine.opener(policy(MayUse::Granted), Nobody);
        opener.admit(&secret, None).await.expect("by their names they are the same");
        let refused = opener.open(&secret, None).await.map(drop);
        assert!(matches!(refused, Err(AccessError::DifferentKeks(_))), "{refused:?}");
        let targets = [Holder { kek: mine.clone(), named: true }];
        let wanted = Rewrap { targets: &targets, renew: false };
        let refused = opener.rewrap(&secret, None, &wanted).await.map(drop);
        assert!(matches!(refused, Err(AccessError::DifferentKeks(_))), "{refused:?}");
        // Unless the person names every one of them.
        let all = MayUse::Only(keks.iter().map(KekUri::id).collect());
        let opener = machine.opener(policy(all), Nobody);
        assert!(opener.open(&secret, None).await.is_ok());
        assert!(opener.rewrap(&secret, None, &wanted).await.is_ok());
    }
}

#[tokio::test]
async fn a_secret_that_no_kek_opens_is_not_said_to_be_put_together() {
    let machine = Machine::new();
    let [mine, other] = &machine.keks;
    let mut secret = machine.sealed(&machine.keks).await;
    for jwe in secret.values.values_mut().chain(&mut secret.seal) {
        forge(jwe, mine);
        forge(jwe, other);
    }
    let opener = machine.opener(policy(MayUse::Granted), Nobody);
    let opened = opener.open(&secret, None).await.map(drop);
    assert!(matches!(opened, Err(AccessError::Open(OpenError::Kek { .. }))), "{opened:?}");
    let targets = [Holder { kek: elsewhere(), named: true }];
    let rewrapped = opener.rewrap(&secret, None, &Rewrap { targets: &targets, renew: false }).await;
    let Err(AccessError::Rewrap(RewrapError::Open(OpenError::Kek { refusals, .. }))) = rewrapped
    else {
        panic!("{:?}", rewrapped.map(drop))
    };
    assert_eq!(refusals.len(), 2);
}

#[tokio::test]
async fn one_kek_that_opens_both_data_keys_is_enough_whoever_else_is_named() {
    let machine = Machine::new();
    let mine = &machine.keks[0];
    let keks = [mine.clone(), elsewhere()];
    let secret = machine.of_two_keys(&keks).await;
    let mut granted = strict();
    granted.allow(Uses::Open, Scope::everywhere(), mine);
    let opener = machine.opener(granted, Nobody);
    let targets = keks.map(|kek| Holder { named: kek == *mine, kek });
    let wanted = Rewrap { targets: &targets, renew: false };
    assert!(opener.rewrap(&secret, None, &wanted).await.is_ok());
    assert!(opener.open(&secret, None).await.is_ok());
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
