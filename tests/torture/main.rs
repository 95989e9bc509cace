//! Tries to break every command that writes, and counts what was lost. `make torture` runs it.
//!
//! `TORTURE_RUNS` is the number of kills, `TORTURE_SECONDS` the most time for each part, and
//! `TORTURE_SEED` repeats a run. `TORTURE_PARTS` selects parts by their names.

#![expect(clippy::print_stdout, reason = "it prints its counts")]

#[path = "../servers/api_proxy.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod api_proxy;
mod cases;
mod clock;
mod cluster;
#[path = "../servers/control_plane.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod control_plane;
mod disk;
#[path = "../servers/fault_proxy.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod fault_proxy;
mod faults;
mod home;
mod kills;
mod live;
mod live_cases;
mod marker;
mod memory;
mod process;
#[path = "../servers/programs.rs"]
mod programs;
mod random;
#[path = "../cli/sandbox.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod sandbox;
#[path = "../servers/server.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod server;
mod servers;
mod services;
mod tally;
mod tree;
mod trial;
#[path = "../servers/vault.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod vault;

use std::cell::OnceCell;
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use random::Random;
use servers::Cluster;
use tally::Tally;

/// How much is tried.
pub struct Settings {
    /// The number of kills.
    pub runs: usize,
    /// The most time for each part.
    pub limit: Duration,
    /// The first random number.
    pub seed: u64,
    /// The control plane, once a part needs it.
    cluster: OnceCell<Rc<Cluster>>,
}

impl Settings {
    /// The control plane of all parts, or `None` where its programs are not built.
    pub fn cluster(&self) -> Option<Rc<Cluster>> {
        programs::built()?;
        Some(self.cluster.get_or_init(Cluster::start).clone())
    }

    /// Whether the time of a part is over, which it notes.
    pub fn is_over(&self, started: Instant, tally: &mut Tally) -> bool {
        let is_over = started.elapsed() > self.limit;
        if is_over {
            tally.note(format!("stopped after {} runs by TORTURE_SECONDS", tally.runs));
        }
        is_over
    }
}

type Part = fn(&Settings, &mut Random) -> Tally;

const PARTS: &[(&str, Part)] = &[
    ("kills", kills::run),
    ("disk", disk::run),
    ("clocks", clock::run),
    ("memory", memory::run),
    ("cluster", cluster::run),
    ("services", services::run),
];

fn main() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    let Some(runs) = number("TORTURE_RUNS") else {
        println!("torture: skipped; `make torture` runs it");
        return;
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let settings = Settings {
        runs: runs as usize,
        limit: Duration::from_secs(number("TORTURE_SECONDS").unwrap_or(1200)),
        seed: number("TORTURE_SEED").unwrap_or(now),
        cluster: OnceCell::new(),
    };
    in_own_namespace();
    println!("torture: TORTURE_SEED={} repeats this run", settings.seed);
    let wanted = std::env::var("TORTURE_PARTS").unwrap_or_default();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.split(',').any(|part| part == name);
    let mut tallies = Vec::new();
    for (name, part) in PARTS.iter().filter(|(name, _)| is_wanted(name)) {
        println!("torture: {name}");
        tallies.push(part(&settings, &mut Random::new(settings.seed)));
    }
    // Its directories are removed.
    drop(settings);
    tally::print(&tallies);
    if !tallies.iter().all(Tally::is_clean) {
        println!("torture: something broke; see above");
        std::process::exit(1);
    }
}

/// Starts again as root of a namespace for mounts, if that is possible: a full disk needs it, and
/// what is mounted there disappears with it.
fn in_own_namespace() {
    const INSIDE: &str = "TORTURE_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        return;
    }
    let flag = if nix::unistd::geteuid().is_root() { "-m" } else { "-rm" };
    let can = Command::new("unshare").args([flag, "true"]).output();
    let program = std::env::current_exe().expect("this program");
    if can.is_ok_and(|output| output.status.success()) {
        let status = Command::new("unshare").arg(flag).arg(program).env(INSIDE, "1").status();
        std::process::exit(status.expect("it ends").code().unwrap_or(1));
    }
}
