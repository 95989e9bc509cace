//! The controller beside sealed-secrets, in one run: on one etcd and one kube-apiserver, one after
//! the other. Each starts with an empty cluster, and leaves an empty cluster behind.
//!
//! `make bench` runs it with everything else. To run only it, or only some of the contestants:
//!
//! ```text
//! cargo build --release -p envcrypt-controller
//! ENVCRYPT_TEST_SERVERS=$(tests/servers/build.sh) cargo bench --bench controller -- ours unlimited
//! ```
//!
//! The contestants are `ours` (age, so no KMS), `kms` (ours, with a KMS that takes 20 ms for a
//! call), `kms-unlimited` (the same without a limit of its calls a second), `default`
//! (sealed-secrets) and `unlimited` (the same without a limit of its requests). These variables set how much is measured:
//!
//! - `CONTROLLER_N`: how many objects there are, 1000 if not set;
//! - `CONTROLLER_FOREIGN`: how many other Secrets of 100 kB there are at the end, 1000 if not set;
//! - `CONTROLLER_SMALL=1`: each measure takes seconds. It shows that the benchmark works.
//!
//! The Secrets have one value, which suits sealed-secrets: it decrypts each value with RSA. The
//! KMS is a stand-in for AWS KMS: see `at_rest/slow_kms.rs`. kube-apiserver writes an audit log of
//! the contestant's own requests, from which they are counted.
//!
//! No registry has sealed-secrets as a program. In a copy of the Go module
//! `github.com/bitnami-labs/sealed-secrets`, run `go build ./cmd/controller ./cmd/kubeseal`. Name
//! the two programs with `PEER_SEALED_SECRETS_CONTROLLER` and `PEER_KUBESEAL`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "../tests/servers/control_plane.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod control_plane;
#[path = "at_rest/figures.rs"]
#[allow(dead_code, reason = "shared with another benchmark")]
mod figures;
#[path = "at_rest/plane.rs"]
#[allow(dead_code, reason = "shared with another benchmark")]
mod plane;
#[path = "at_rest/process.rs"]
#[allow(dead_code, reason = "shared with another benchmark")]
mod process;
#[path = "../tests/servers/programs.rs"]
mod programs;
#[path = "../tests/cli/sandbox.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod sandbox;
#[path = "../tests/servers/server.rs"]
mod server;
#[path = "at_rest/slow_kms.rs"]
mod slow_kms;

#[path = "controller/audit.rs"]
mod audit;
#[path = "controller/cluster.rs"]
mod cluster;
#[path = "controller/contestant.rs"]
mod contestant;
#[path = "controller/measure.rs"]
mod measure;
#[path = "controller/ours.rs"]
mod ours;
#[path = "controller/peer.rs"]
mod peer;
#[path = "figures/record.rs"]
mod record;

use std::time::Duration;

use cluster::Cluster;
use contestant::Kind;

/// How much is measured.
pub struct Scale {
    /// How many objects there are.
    pub objects: usize,
    /// How many objects change, one after the other.
    pub changes: usize,
    /// How long an idle contestant is watched.
    pub idle: Duration,
    /// How many Secrets there are that do not concern the contestant.
    pub foreign: usize,
}

impl Scale {
    fn of_environment() -> Self {
        let number = |name: &str, default| {
            let text = std::env::var(name).ok();
            text.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}: {text}")))
        };
        let is_small = std::env::var_os("CONTROLLER_SMALL").is_some();
        let (objects, foreign) = if is_small { (30, 30) } else { (1000, 1000) };
        let (changes, idle) = if is_small { (5, 5) } else { (50, 60) };
        Self {
            objects: number("CONTROLLER_N", objects),
            changes,
            idle: Duration::from_secs(idle),
            foreign: number("CONTROLLER_FOREIGN", foreign),
        }
    }
}

fn main() {
    // Cargo adds flags.
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let names = Kind::ALL.map(Kind::argument);
    for name in &wanted {
        assert!(names.contains(&name.as_str()), "`{name}` is not one of {names:?}");
    }
    let is_wanted =
        |kind: &Kind| wanted.is_empty() || wanted.iter().any(|name| name == kind.argument());
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(is_wanted).collect();
    let scale = Scale::of_environment();
    let cluster = Cluster::start();
    println!("{} objects of one value:", scale.objects);
    let mut all = Vec::new();
    for kind in kinds {
        match kind.missing() {
            Some(missing) => println!("{}: skipped, {missing}", kind.name()),
            None => all.push((kind, measure::measure(&cluster, kind, &scale))),
        }
    }
    measure::compare(&all, &scale);
}
