//! `apply`, `diff`, `get`, `rotate` and `rewrap` of 1,000 Secrets of a cluster, beside a raw client
//! that sends the same requests, and beside kubectl. All in turn, in one run. `make bench`.
//!
//! `ENVCRYPT_LIVE_ROUNDS` sets how often each runs, 5 by default.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "../tests/servers/api_proxy.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod api_proxy;
#[path = "../tests/servers/control_plane.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod control_plane;
#[path = "at_rest/figures.rs"]
#[allow(dead_code, reason = "shared with other benchmarks")]
mod figures;
#[path = "peers/measured.rs"]
#[allow(dead_code, reason = "shared with other benchmarks")]
mod measured;
#[path = "../tests/servers/programs.rs"]
mod programs;
#[path = "figures/record.rs"]
mod record;
#[path = "live/replay.rs"]
mod replay;
#[path = "../tests/cli/sandbox.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod sandbox;
#[path = "live/scene.rs"]
mod scene;
#[path = "../tests/servers/server.rs"]
mod server;

use scene::{Case, Scene, State};

fn main() {
    let scene = Scene::new();
    let apply = |directory| ["apply", "--server-side", "--force-conflicts", "-f", directory];
    let diff = |directory| ["diff", "--server-side", "--force-conflicts", "-f", directory];
    let get = ["get", "secrets", "-n", scene::THEIRS];
    let one = ["get", "secret", "db-0500", "-n", scene::THEIRS, "-o", "yaml"];
    let (old, new) = ("deploy/old", "deploy/new");
    let (their_old, their_new) = ("theirs/old", "theirs/new");
    let all = ["-n", scene::OURS, "-l", "app=live"];
    let case = |what, state, ours: &[&str], theirs: &[&str]| {
        scene.measure(&Case { what, state, ours, theirs: Some(theirs) });
    };
    let unchanged = Case {
        what: "apply, unchanged",
        state: State::Old,
        ours: &["apply", "-f", old],
        theirs: Some(&apply(their_old)),
    };
    scene.measure_widths(&unchanged);
    case("apply, new", State::Empty, &["apply", "-f", old], &apply(their_old));
    scene.measure(&unchanged);
    case("apply, changed", State::Old, &["apply", "-f", new], &apply(their_new));
    case("diff, all the same", State::Old, &["diff", "-f", old], &diff(their_old));
    case("diff, all sealed anew", State::Old, &["diff", "-f", new], &diff(their_new));
    case("get, all", State::Old, &["get", "-n", scene::OURS], &get);
    case("get, one", State::Old, &["get", "db-0500", "-n", scene::OURS, "-o", "yaml"], &one);
    for (what, command) in [("rotate", &["rotate"][..]), ("rewrap", &["rewrap", "--renew"])] {
        let ours = [command, &all].concat();
        scene.measure(&Case { what, state: State::Old, ours: &ours, theirs: None });
    }
}
