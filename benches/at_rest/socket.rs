//! Requests a second and the 99th percentile over the socket, and the memory that is used then.

use std::time::{Duration, Instant};

use envcrypt_core::kek::k8skms::protocol::{self, DecryptRequest, EncryptRequest};
use tokio::runtime::Runtime;

use crate::figures::{float, median, millis, quantile, ratio};
use crate::plane::runtime;
use crate::plugin::{Kind, Plugin};
use crate::record::Figure;
use crate::{SECTION, Scale};

const DELAYS: [Duration; 3] =
    [Duration::from_millis(1), Duration::from_millis(20), Duration::from_millis(200)];
const UID: &str = "6b0ff9f7-5a7e-4c4e-9d0e-0d8d1d3c8a9b";

#[derive(Debug, Clone, Copy)]
enum Call {
    Status,
    Encrypt,
    Decrypt,
}

/// One plugin, and what was measured.
struct Contestant {
    plugin: Plugin,
    client: protocol::Plugin,
    /// A seed that this plugin sealed.
    sealed: DecryptRequest,
    /// Calls a second in each round.
    rates: Vec<f64>,
    latencies: Vec<Duration>,
    on_processor: Duration,
}

impl Contestant {
    fn start(kind: Kind, runtime: &Runtime) -> Self {
        let plugin = Plugin::start(kind);
        let (client, sealed) = runtime.block_on(async {
            let client = plugin.client();
            let sealed = client.encrypt(seed()).await.expect("sealed");
            let sealed = DecryptRequest {
                ciphertext: sealed.ciphertext,
                uid: UID.to_owned(),
                key_id: sealed.key_id,
                annotations: sealed.annotations,
            };
            (client, sealed)
        });
        let (rates, latencies, on_processor) = (Vec::new(), Vec::new(), Duration::ZERO);
        Self { plugin, client, sealed, rates, latencies, on_processor }
    }

    async fn call(&self, call: Call) {
        let good = match call {
            Call::Status => self.client.status().await.map(drop),
            Call::Encrypt => self.client.encrypt(seed()).await.map(drop),
            Call::Decrypt => self.client.decrypt(self.sealed.clone()).await.map(drop),
        };
        good.unwrap_or_else(|status| panic!("{}, {call:?}: {status}", self.plugin.kind.name()));
    }

    /// Calls it for this time, by so many callers at once over one connection.
    fn take_turn(&mut self, runtime: &Runtime, call: Call, callers: usize, slice: Duration) {
        let before = self.plugin.process().on_processor();
        let started = Instant::now();
        let caller = async || {
            let mut latencies = Vec::new();
            while started.elapsed() < slice {
                let began = Instant::now();
                self.call(call).await;
                latencies.push(began.elapsed());
            }
            latencies
        };
        let callers = (0..callers).map(|_| caller());
        let latencies = runtime.block_on(futures::future::join_all(callers)).concat();
        self.rates.push(float(latencies.len()) / started.elapsed().as_secs_f64());
        self.latencies.extend(latencies);
        self.on_processor += self.plugin.process().on_processor().saturating_sub(before);
    }

    fn forget(&mut self) {
        self.rates.clear();
        self.latencies.clear();
        self.on_processor = Duration::ZERO;
    }

    fn line(&self, ours: &[f64]) -> String {
        let latencies = millis(&self.latencies);
        let each = self.on_processor.as_secs_f64() * 1e6 / float(latencies.len());
        format!(
            "  {:<24} {:>8.0} requests/s, p50 {:>7.2} ms, p99 {:>7.2} ms, {each:>5.0} µs on a processor; envcrypt-kms / it: {:.2}",
            self.plugin.kind.name(),
            median(&self.rates),
            quantile(&latencies, 0.5),
            quantile(&latencies, 0.99),
            ratio(ours, &self.rates),
        )
    }
}

fn seed() -> EncryptRequest {
    EncryptRequest { plaintext: vec![7; 32], uid: UID.to_owned() }
}

pub fn measure(scale: &Scale) {
    let runtime = runtime();
    let mut contestants: Vec<_> =
        Kind::all().into_iter().map(|kind| Contestant::start(kind, &runtime)).collect();
    for delay in DELAYS {
        for contestant in &contestants {
            contestant.plugin.kms.delay(delay);
        }
        for call in [Call::Status, Call::Encrypt, Call::Decrypt] {
            for callers in [1, 16] {
                compare(&mut contestants, &runtime, scale, (call, callers, delay));
            }
        }
    }
    println!("memory after that:");
    for Contestant { plugin, .. } in &contestants {
        let [now, most] = plugin.process().memory();
        println!("  {:<24} {now:.1} MB, at most {most:.1} MB", plugin.kind.name());
    }
}

fn compare(
    all: &mut [Contestant],
    runtime: &Runtime,
    scale: &Scale,
    (call, callers, delay): (Call, usize, Duration),
) {
    for contestant in all.iter_mut() {
        // Connected and warm.
        contestant.take_turn(runtime, call, callers, scale.slice / 5);
        contestant.forget();
    }
    for round in 0..scale.rounds {
        let first = round % all.len();
        let (late, early) = all.split_at_mut(first);
        for contestant in early.iter_mut().chain(late) {
            contestant.take_turn(runtime, call, callers, scale.slice);
        }
    }
    let per_call = |one: &Contestant| (one.plugin.kind.name(), 1e3 / median(&one.rates));
    let values: Vec<_> = all.iter().map(per_call).collect();
    let what = format!("{call:?} over the socket, {callers} at once, KMS at {delay:?}");
    Figure { section: SECTION, what: &what, unit: "ms", values: &values, goal: None }.record();
    let ours = all[0].rates.clone();
    for contestant in all {
        println!("{}", contestant.line(&ours));
    }
}
