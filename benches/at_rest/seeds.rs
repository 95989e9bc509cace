//! The start of an API server whose Secrets have a thousand seeds of one process of a plugin, as
//! after a thousand starts without a migration. The KMS takes 20 ms a call. The plugin starts anew
//! as well, so it knows nothing, except the reference plugin, which would lose its key. Also the
//! size of such a Secret in etcd.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, ListParams, PostParams};
use tokio::runtime::Runtime;

use envcrypt_core::kek::k8skms::protocol::EncryptRequest;

use crate::Scale;
use crate::control_plane::{ControlPlane, Etcd};
use crate::etcd_puts::{Puts, stored};
use crate::figures::median;
use crate::latency::secret;
use crate::plane::{Block, Provider, client, configure, runtime};
use crate::plugin::{Kind, Plugin};

const CALL: Duration = Duration::from_millis(20);
const PROVIDER: &str = "kms";
/// The name of the first Secret. The others have other digits.
const FIRST: &str = "seed-00000";

/// A control plane whose etcd has the Secrets.
struct Contestant {
    name: &'static str,
    plane: ControlPlane,
    plugin: Option<Plugin>,
    /// The size of a Secret in etcd, in bytes.
    size: usize,
    /// Seconds until it is ready, until all Secrets are listed, and calls to the KMS.
    ready: Vec<f64>,
    listed: Vec<f64>,
    calls: Vec<f64>,
}

pub fn measure(scale: &Scale) {
    let runtime = runtime();
    let directory = tempfile::tempdir().expect("a directory");
    let object = template(&runtime);
    let mut contestants = vec![Contestant::prepare(None, directory.path())];
    contestants.extend(
        Kind::all().into_iter().map(|kind| Contestant::prepare(Some(kind), directory.path())),
    );
    for contestant in &mut contestants {
        runtime.block_on(contestant.fill(&object, scale.seeds));
    }
    // The first start writes what every cluster has.
    for round in 0..=scale.repeats {
        for contestant in &mut contestants {
            contestant.take_turn(&runtime, scale.seeds);
            if round == 0 {
                contestant.forget();
            }
        }
    }
    println!("start of an API server with {} seeds, KMS at {CALL:?}:", scale.seeds);
    let base = median(&contestants[0].listed);
    let plain = contestants[0].size;
    for Contestant { name, size, ready, listed, calls, .. } in &contestants {
        println!(
            "  {name:<24} ready after {:>5.2} s, all Secrets listed after {:>6.2} s (+{:.2} s), {} calls; {size} bytes in etcd (+{})",
            median(ready),
            median(listed),
            median(listed) - base,
            median(calls),
            size - plain,
        );
    }
}

/// What kube-apiserver stores for the first Secret without encryption.
fn template(runtime: &Runtime) -> Vec<u8> {
    let plane = ControlPlane::with(Arc::new(Etcd::start()), Vec::new());
    runtime.block_on(async {
        let api = Api::<Secret>::namespaced(client(&plane).await, "default");
        api.create(&PostParams::default(), &secret(FIRST)).await.expect("created");
    });
    let mut object = plane.in_etcd("default", FIRST);
    assert_eq!(object.pop(), Some(b'\n'), "etcdctl adds the end of a line");
    object
}

/// The same with another name of the same length.
fn renamed(object: &[u8], name: &str) -> Vec<u8> {
    let mut object = object.to_vec();
    let found = object.windows(FIRST.len()).position(|window| window == FIRST.as_bytes());
    let at = found.expect("its name");
    object[at..at + FIRST.len()].copy_from_slice(name.as_bytes());
    object
}

impl Contestant {
    fn prepare(kind: Option<Kind>, directory: &Path) -> Self {
        let plugin = kind.map(Plugin::start);
        let provider = match &plugin {
            Some(plugin) => Provider::Kms(PROVIDER, plugin.socket()),
            None => Provider::Identity,
        };
        let name = kind.map_or("identity", Kind::name);
        let block = Block { resource: "secrets", providers: vec![provider] };
        let argument = configure(&directory.join(name), &[block]);
        let plane = ControlPlane::prepare(Arc::new(Etcd::start()), vec![argument]);
        let (ready, listed, calls) = (Vec::new(), Vec::new(), Vec::new());
        Self { name, plane, plugin, size: 0, ready, listed, calls }
    }

    /// Writes the Secrets, each under a seed of its own.
    async fn fill(&mut self, object: &[u8], count: usize) {
        let etcd = Puts::to(self.plane.etcd.port);
        let plugin = self.plugin.as_ref().map(Plugin::client);
        for number in 0..count {
            let name = format!("seed-{number:05}");
            let key = format!("/registry/secrets/default/{name}");
            let object = renamed(object, &name);
            let number = u64::try_from(number).expect("a number");
            let value = match &plugin {
                None => object,
                Some(plugin) => {
                    let mut seed = vec![7; 32];
                    seed[..8].copy_from_slice(&number.to_be_bytes());
                    let uid = format!("seed-{number}");
                    let sealed = plugin.encrypt(EncryptRequest { plaintext: seed.clone(), uid });
                    let sealed = sealed.await.expect("sealed");
                    stored(PROVIDER, &seed, sealed, number, &key, &object)
                }
            };
            self.size = value.len();
            etcd.put(&key, value).await;
        }
    }

    fn take_turn(&mut self, runtime: &Runtime, count: usize) {
        if let Some(plugin) = &mut self.plugin {
            plugin.kms.delay(CALL);
            if plugin.kind != Kind::Reference {
                plugin.restart();
                plugin.wait_ready();
            }
            plugin.kms.calls();
        }
        let started = Instant::now();
        self.plane.start_apiserver();
        runtime.block_on(async {
            let client = client(&self.plane).await;
            until_ready(&client, started).await;
            self.ready.push(started.elapsed().as_secs_f64());
            let secrets = Api::<Secret>::all(client).list(&ListParams::default()).await;
            assert_eq!(secrets.expect("a list").items.len(), count, "{}", self.name);
            self.listed.push(started.elapsed().as_secs_f64());
        });
        let calls = self.plugin.as_ref().map_or(0, |plugin| plugin.kms.calls());
        self.calls.push(crate::figures::float(calls));
        self.plane.stop_apiserver();
    }

    fn forget(&mut self) {
        self.ready.clear();
        self.listed.clear();
        self.calls.clear();
    }
}

/// Asks as often as every 10 ms.
async fn until_ready(client: &Client, started: Instant) {
    loop {
        let request = http::Request::get("/readyz").body(Vec::new()).expect("a request");
        match client.request_text(request).await {
            Ok(_) => return,
            Err(error) => {
                let waited = started.elapsed();
                assert!(waited < Duration::from_secs(300), "kube-apiserver is not ready: {error}");
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
