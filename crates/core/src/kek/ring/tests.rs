//! In which order KEKs are asked. Each KEK of these tests says what it costs, and answers as it is
//! told.

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::*;
use crate::kek::{DATA_KEY_SIZE, Keep, Kek, Limits};

const SOCKET: &str = "k8skms:///run/kms.sock";
const NETWORK: &str = "awskms:///arn:aws:kms:eu-west-1:1:key/a";
const OTHER: &str = "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k";

const PATIENCE: Duration = Duration::from_millis(50);

#[derive(Clone, Copy)]
enum Answer {
    Opens,
    OpensAfter(Duration),
    Refuses(Refusal),
    Hangs,
}

struct Fake {
    cost: fn() -> Cost,
    answer: Mutex<Answer>,
    asked: Mutex<usize>,
}

impl Fake {
    fn new(cost: fn() -> Cost, answer: Answer) -> Arc<Self> {
        Arc::new(Self { cost, answer: Mutex::new(answer), asked: Mutex::default() })
    }

    fn answers(&self, answer: Answer) {
        *lock(&self.answer) = answer;
    }

    /// How often it was asked since the last time.
    fn asked(&self) -> usize {
        std::mem::take(&mut *lock(&self.asked))
    }
}

#[async_trait]
impl Kek for Fake {
    async fn wrap(&self, _: &DataKey, _: &Context) -> Result<Wrapped, KekError> {
        unreachable!("these tests only unwrap")
    }

    async fn unwrap(&self, key: &WrappedKey, _: &Context) -> Result<Opened, KekError> {
        *lock(&self.asked) += 1;
        let answer = *lock(&self.answer);
        match answer {
            Answer::Opens => {}
            Answer::OpensAfter(time) => tokio::time::sleep(time).await,
            Answer::Refuses(why) => return Err(KekError::new(&key.kek, Action::Unwrap, why)),
            Answer::Hangs => std::future::pending().await,
        }
        Ok(Zeroizing::new(vec![7; DATA_KEY_SIZE]).into())
    }
}

impl Connector for Fake {
    fn kek(self: Arc<Self>, _: &KekUri) -> Arc<dyn Kek> {
        self
    }

    fn cost(&self, _: &KekUri) -> Cost {
        (self.cost)()
    }
}

fn uri(text: &str) -> KekUri {
    text.parse().expect("a KEK")
}

/// A ring with these KEKs, one of each kind. One that is down can be asked again at once.
fn ring(keks: &[(&str, &Arc<Fake>)]) -> Ring {
    let ring = Ring::new(RingOptions {
        identities: Vec::new(),
        passphrases: Arc::new(|_| Err("nobody is asked".to_owned())),
        plugin_user: None,
        patience: PATIENCE,
        lifetimes: Lifetimes {
            retry: Some(Duration::ZERO),
            ..Lifetimes::server(Keep::Always, Limits::default())
        },
        vaults: Default::default(),
    });
    for (text, fake) in keks {
        let connector: Arc<dyn Connector> = Arc::clone(fake) as _;
        assert!(ring.connectors[uri(text).kind()].set(Some(connector)).is_ok());
    }
    ring
}

/// Unwraps a data key that each of these KEKs has. Returns which KEK opened it.
async fn open(ring: &Ring, keks: &[&str]) -> Result<String, Vec<Refusal>> {
    let wrapped: Vec<_> =
        keks.iter().map(|text| WrappedKey { kek: uri(text), bytes: vec![1] }).collect();
    let candidates: Vec<_> = wrapped.iter().collect();
    ring.forget();
    let opened = ring.unwrap(&candidates, &Context::default(), [0; 32], |_| true).await;
    opened
        .map(|unwrapped| unwrapped.by.to_string())
        .map_err(|refusals| refusals.iter().map(|error| error.refusal).collect())
}

fn socket() -> Cost {
    Cost::Socket
}

fn network() -> Cost {
    Cost::Network
}

fn plugin() -> Cost {
    Cost::Plugin
}

#[tokio::test]
async fn the_cheapest_kek_is_asked_first_and_the_others_are_not() {
    let (near, far) = (Fake::new(socket, Answer::Opens), Fake::new(network, Answer::Opens));
    let ring = ring(&[(SOCKET, &near), (NETWORK, &far)]);
    assert_eq!(open(&ring, &[NETWORK, SOCKET]).await.as_deref(), Ok(SOCKET));
    assert_eq!((near.asked(), far.asked()), (1, 0));
}

#[tokio::test]
async fn one_that_hangs_is_asked_last_until_it_answers_again() {
    let (near, far) = (Fake::new(socket, Answer::Hangs), Fake::new(network, Answer::Opens));
    let ring = ring(&[(SOCKET, &near), (NETWORK, &far)]);
    assert_eq!(open(&ring, &[NETWORK, SOCKET]).await.as_deref(), Ok(NETWORK));
    assert_eq!((near.asked(), far.asked()), (1, 1));
    assert_eq!(open(&ring, &[NETWORK, SOCKET]).await.as_deref(), Ok(NETWORK));
    assert_eq!((near.asked(), far.asked()), (0, 1), "it is known to hang");
    near.answers(Answer::Opens);
    assert_eq!(open(&ring, &[SOCKET]).await.as_deref(), Ok(SOCKET));
    assert_eq!(open(&ring, &[NETWORK, SOCKET]).await.as_deref(), Ok(SOCKET));
    assert_eq!((near.asked(), far.asked()), (2, 0));
}

#[tokio::test]
async fn one_that_cannot_be_reached_is_asked_last_and_one_that_refuses_is_not() {
    for (why, is_last) in [(Refusal::Unreachable, true), (Refusal::Denied, false)] {
        let near = Fake::new(socket, Answer::Refuses(why));
        let far = Fake::new(network, Answer::Opens);
        let ring = ring(&[(SOCKET, &near), (NETWORK, &far)]);
        assert_eq!(open(&ring, &[NETWORK, SOCKET]).await.as_deref(), Ok(NETWORK));
        assert_eq!((near.asked(), far.asked()), (1, 1), "the next one at once");
        near.answers(Answer::Opens);
        let first = if is_last { NETWORK } else { SOCKET };
        assert_eq!(open(&ring, &[NETWORK, SOCKET]).await.as_deref(), Ok(first), "{why:?}");
    }
}

#[tokio::test]
async fn if_all_refuse_each_refusal_is_told() {
    let near = Fake::new(socket, Answer::Refuses(Refusal::Denied));
    let far = Fake::new(network, Answer::Refuses(Refusal::NotFound));
    let ring = ring(&[(SOCKET, &near), (NETWORK, &far)]);
    let refusals = open(&ring, &[NETWORK, SOCKET]).await;
    assert_eq!(refusals, Err(vec![Refusal::Denied, Refusal::NotFound]));
}

#[tokio::test]
async fn a_late_answer_counts_even_if_the_others_refused_meanwhile() {
    let near = Fake::new(socket, Answer::OpensAfter(4 * PATIENCE));
    let far = Fake::new(network, Answer::Refuses(Refusal::Denied));
    let ring = ring(&[(SOCKET, &near), (NETWORK, &far)]);
    assert_eq!(open(&ring, &[NETWORK, SOCKET]).await.as_deref(), Ok(SOCKET));
    assert_eq!((near.asked(), far.asked()), (1, 1));
}

#[tokio::test]
async fn nobody_is_prompted_while_a_kms_may_still_answer() {
    let far = Fake::new(network, Answer::OpensAfter(4 * PATIENCE));
    let prompts = Fake::new(plugin, Answer::Opens);
    let ring = ring(&[(NETWORK, &far), (OTHER, &prompts)]);
    assert_eq!(open(&ring, &[OTHER, NETWORK]).await.as_deref(), Ok(NETWORK));
    assert_eq!((far.asked(), prompts.asked()), (1, 0));
    far.answers(Answer::Refuses(Refusal::Denied));
    assert_eq!(open(&ring, &[OTHER, NETWORK]).await.as_deref(), Ok(OTHER));
    assert_eq!((far.asked(), prompts.asked()), (1, 1));
}
