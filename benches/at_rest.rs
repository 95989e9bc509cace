//! Encryption at rest: envcrypt-kms and `at-rest reencrypt` beside their peers, in one run. Real
//! programs run as processes: etcd, kube-apiserver, kubectl, OpenBao and the plugins. The
//! contestants take turns in short rounds, so that noise of the machine hits all of them.
//!
//! `make bench` runs it with everything else. To run only it, or only some of its measures:
//!
//! ```text
//! cargo build --release -p envcrypt-kms
//! ENVCRYPT_TEST_SERVERS=$(tests/servers/build.sh) cargo bench --bench at_rest -- socket start
//! ```
//!
//! The measures are `socket`, `start`, `idle`, `latency`, `seeds` and `reencrypt`. With
//! `AT_REST_SMALL=1`, each takes seconds: it shows that the benchmark works, not figures.
//!
//! The peers are the reference plugin, on the server library of `k8s.io/kms`, with its key in
//! memory; and plugins that no registry has. Build them, and name their programs:
//!
//! - `PEER_AWS_ENCRYPTION_PROVIDER`: kubernetes-sigs/aws-encryption-provider, `./cmd/server`
//! - `PEER_VAULT_KUBERNETES_KMS`: FalcoSuessgott/vault-kubernetes-kms
//!
//! AWS KMS is a stand-in that waits as long as it is told: see `at_rest/slow_kms.rs`. Vault is
//! OpenBao behind the fault proxy of the tests.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "../tests/servers/control_plane.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod control_plane;
#[path = "../tests/servers/fault_proxy.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod fault_proxy;
#[path = "../tests/servers/programs.rs"]
mod programs;
#[path = "../tests/cli/sandbox.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod sandbox;
#[path = "../tests/servers/server.rs"]
mod server;
#[path = "../tests/servers/vault.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod vault;

#[path = "at_rest/counted.rs"]
mod counted;
#[path = "at_rest/etcd_puts.rs"]
mod etcd_puts;
#[path = "at_rest/figures.rs"]
mod figures;
#[path = "at_rest/idle.rs"]
mod idle;
#[path = "at_rest/latency.rs"]
mod latency;
#[path = "at_rest/plane.rs"]
mod plane;
#[path = "at_rest/plugin.rs"]
mod plugin;
#[path = "at_rest/process.rs"]
mod process;
#[path = "figures/record.rs"]
mod record;
#[path = "at_rest/reencrypt.rs"]
mod reencrypt;
#[path = "at_rest/seeds.rs"]
mod seeds;
#[path = "at_rest/slow_kms.rs"]
mod slow_kms;
#[path = "at_rest/socket.rs"]
mod socket;
#[path = "at_rest/start.rs"]
mod start;

use std::time::Duration;

/// The section of the figures.
pub const SECTION: &str = "Encryption at rest";

/// How much is measured.
pub struct Scale {
    /// How long one contestant is called before the next one takes its turn.
    pub slice: Duration,
    /// How often each contestant takes its turn.
    pub rounds: usize,
    /// How often each program starts.
    pub starts: usize,
    /// How long an API server is idle.
    pub idle: Duration,
    /// How many requests one client sends in a round.
    pub requests: usize,
    /// How many seeds etcd has.
    pub seeds: usize,
    /// How often an API server starts, or all Secrets are stored again.
    pub repeats: usize,
    /// How many Secrets are stored again.
    pub secrets: usize,
}

const FULL: Scale = Scale {
    slice: Duration::from_millis(300),
    rounds: 15,
    starts: 21,
    idle: Duration::from_secs(300),
    requests: 32,
    seeds: 1000,
    repeats: 3,
    secrets: 10_000,
};
const SMALL: Scale = Scale {
    slice: Duration::from_millis(150),
    rounds: 3,
    starts: 5,
    idle: Duration::from_secs(60),
    requests: 16,
    seeds: 50,
    repeats: 1,
    secrets: 300,
};

/// The name of a measure, and how it is taken.
type Measure = (&'static str, fn(&Scale));

const MEASURES: [Measure; 6] = [
    ("socket", socket::measure),
    ("start", start::measure),
    ("idle", idle::measure),
    ("latency", latency::measure),
    ("seeds", seeds::measure),
    ("reencrypt", reencrypt::measure),
];

fn main() {
    // Cargo adds flags.
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let names = MEASURES.map(|(name, _)| name);
    for name in &wanted {
        assert!(names.contains(&name.as_str()), "`{name}` is not one of {names:?}");
    }
    let scale = if std::env::var_os("AT_REST_SMALL").is_some() { SMALL } else { FULL };
    plugin::tell_missing();
    for (name, measure) in MEASURES {
        if wanted.is_empty() || wanted.iter().any(|w| w == name) {
            measure(&scale);
        }
    }
}
