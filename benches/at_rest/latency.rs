//! How long it takes to create and to get a Secret, by provider. One kube-apiserver for each
//! provider, all on one etcd, take turns.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ObjectMeta, PostParams};
use tokio::runtime::Runtime;

use crate::control_plane::{ControlPlane, Etcd};
use crate::figures::{median, millis, quantile, ratio};
use crate::plane::{Block, Provider, client, configure, runtime};
use crate::plugin::{Kind, Plugin};
use crate::record::Figure;
use crate::{SECTION, Scale};

const CLIENTS: usize = 16;
/// The provider that the others are compared with.
const BASE: &str = "secretbox";
/// The order in which the others stand beside ours.
const OTHERS: [&str; 3] = ["reference plugin", BASE, "identity"];
/// The size of the value of a Secret, in bytes.
const VALUE: usize = 1024;

/// A Secret with one value of 1 KiB.
pub fn secret(name: &str) -> Secret {
    // As random as a key or a certificate.
    let value = (0..VALUE).map(|index| u8::try_from(index * index % 251).expect("a byte"));
    Secret {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
        data: Some([("value".to_owned(), ByteString(value.collect()))].into()),
        ..Secret::default()
    }
}

/// A kube-apiserver with one provider, and what was measured.
struct Contestant {
    name: &'static str,
    secrets: Vec<Api<Secret>>,
    _plane: ControlPlane,
    _plugin: Option<Plugin>,
    /// In milliseconds: the median of each round, and all.
    medians: Vec<f64>,
    all: Vec<f64>,
}

pub fn measure(scale: &Scale) {
    let runtime = runtime();
    let (etcd, directory) = (Arc::new(Etcd::start()), tempfile::tempdir().expect("a directory"));
    let start = |name, provider, plugin| {
        Contestant::start(&etcd, directory.path(), &runtime, name, provider, plugin)
    };
    let mut contestants =
        vec![start("identity", Provider::Identity, None), start(BASE, Provider::Secretbox, None)];
    for (kind, name) in [(Kind::Ours, "envcrypt-kms"), (Kind::Reference, "reference plugin")] {
        let plugin = Plugin::start(kind);
        plugin.kms.delay(Duration::from_millis(20));
        contestants.push(start(name, Provider::Kms("kms", plugin.socket()), Some(plugin)));
    }
    for clients in [1, CLIENTS] {
        for write in [true, false] {
            compare(&mut contestants, &runtime, scale, clients, write);
        }
    }
}

fn compare(all: &mut [Contestant], runtime: &Runtime, scale: &Scale, clients: usize, write: bool) {
    for round in 0..=scale.rounds {
        let first = round % all.len();
        let (late, early) = all.split_at_mut(first);
        for contestant in early.iter_mut().chain(late) {
            contestant.take_turn(runtime, scale.requests, clients, round, write);
        }
        if round == 0 {
            all.iter_mut().for_each(Contestant::forget);
        }
    }
    let verb = if write { "create" } else { "get" };
    println!("{verb} a Secret of 1 KiB, {clients} at once:");
    let mut values: Vec<_> = all.iter().map(|one| (one.name, median(&one.medians))).collect();
    // Ours is first, and then the plugin that it is compared with.
    values.sort_by_key(|(name, _)| OTHERS.iter().position(|other| other == name));
    let what = format!("{verb} of a Secret of 1 KiB, {clients} at once, 20 ms a call");
    Figure { section: SECTION, what: &what, unit: "ms", values: &values, goal: None }.record();
    let base = all.iter().find(|contestant| contestant.name == BASE).expect("there");
    for Contestant { name, medians, all, .. } in all.iter() {
        println!(
            "  {name:<24} p50 {:>6.2} ms, p99 {:>6.2} ms; it / {BASE}: {:.3}",
            median(medians),
            quantile(all, 0.99),
            ratio(medians, &base.medians),
        );
    }
    all.iter_mut().for_each(Contestant::forget);
}

/// Its prefix in etcd.
fn prefix(name: &str) -> String {
    name.replace(' ', "-")
}

impl Contestant {
    fn start(
        etcd: &Arc<Etcd>,
        directory: &Path,
        runtime: &Runtime,
        name: &'static str,
        provider: Provider,
        plugin: Option<Plugin>,
    ) -> Self {
        let block = Block { resource: "secrets", providers: vec![provider, Provider::Identity] };
        let file = directory.join(prefix(name));
        let more = vec![configure(&file, &[block]), format!("--etcd-prefix=/{}", prefix(name))];
        let plane = ControlPlane::with(etcd.clone(), more);
        let secrets = runtime.block_on(async {
            let mut secrets = Vec::new();
            for _ in 0..CLIENTS {
                secrets.push(Api::namespaced(client(&plane).await, "default"));
            }
            secrets
        });
        Self { name, secrets, _plane: plane, _plugin: plugin, medians: Vec::new(), all: Vec::new() }
    }

    /// Creates or gets Secrets, by so many clients at once.
    fn take_turn(
        &mut self,
        runtime: &Runtime,
        requests: usize,
        clients: usize,
        round: usize,
        write: bool,
    ) {
        let work = self.secrets.iter().take(clients).enumerate().map(async |(index, api)| {
            let mut times = Vec::new();
            for number in 0..requests {
                let name = format!("c{clients}-r{round}-{index}-{number}");
                let new = secret(&name);
                let began = Instant::now();
                let answer = match write {
                    true => api.create(&PostParams::default(), &new).await,
                    false => api.get(&name).await,
                };
                times.push(began.elapsed());
                answer.expect("the API server answers");
            }
            times
        });
        let times = runtime.block_on(futures::future::join_all(work)).concat();
        let times = millis(&times);
        self.medians.push(median(&times));
        self.all.extend(times);
    }

    fn forget(&mut self) {
        self.medians.clear();
        self.all.clear();
    }
}
