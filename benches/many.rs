//! Many Secrets under a KMS that takes 20 ms a call: time against calls × 20 ms ÷
//! requests in flight, peak memory, and a loop over sops on the same number of
//! files in the same run. `make bench`; needs Go for sops.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "peers/built.rs"]
mod built;
#[path = "../tests/servers/clouds.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod clouds;
#[path = "peers/measured.rs"]
mod measured;
#[path = "../tests/servers/programs.rs"]
mod programs;
#[path = "../tests/cli/sandbox.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod sandbox;
#[path = "../tests/servers/server.rs"]
mod server;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clouds::{Clouds, GOOGLE_KEK, GOOGLE_KEY};
use measured::{Finished, run};
use sandbox::Sandbox;
use serde_json::json;

const CALL: Duration = Duration::from_millis(20);
const IN_FLIGHT: u32 = 16;
const MANY: usize = 1000;
/// A second key, to rewrap to.
const OTHER_KEK: &str = "gcpkms://projects/p/locations/europe-west1/keyRings/r/cryptoKeys/other";
const OTHER_KEY: &str = "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/other";

fn main() {
    let clouds = Clouds::start();
    clouds.order(json!({ "google": { OTHER_KEY: "create" } }));
    let sandbox = clouds.sandbox(Sandbox::with_local_key());
    let sealed = sandbox.sealed(&["username=admin", "password=correct horse battery staple"]);

    for count in [100, 1000, 10_000] {
        let folder = format!("deploy-{count}");
        for index in 0..count {
            sandbox.write(&format!("{folder}/{index:05}.yaml"), &sealed);
        }
        // Every copy gets a data key of its own, then the KMS as its KEK.
        let rotate = run(&sandbox, &["rotate", "-f", &folder], &[0]);
        let rewrap = run(&sandbox, &["rewrap", "-f", &folder, "--kek", GOOGLE_KEK], &[0]);
        println!(
            "peak memory, {count} Secrets: rotate {:.1} MB, rewrap {:.1} MB",
            rotate.megabytes, rewrap.megabytes,
        );
    }
    clouds.take();
    clouds.order(json!({ "delay": CALL.as_millis() }));
    let folder = format!("deploy-{MANY}");
    let unwrap = run(&sandbox, &["unwrap", "-f", &folder], &[0]);
    against("unwrap", &unwrap, clouds.take().len());
    let rewrap = run(&sandbox, &["rewrap", "-f", &folder, "--kek", OTHER_KEK], &[0]);
    against("rewrap", &rewrap, clouds.take().len());
    sops(&clouds, &sandbox, unwrap.time);
}

fn against(what: &str, run: &Finished, calls: usize) {
    let calls = u32::try_from(calls).expect("thousands");
    let ideal = CALL * calls / IN_FLIGHT;
    println!(
        "{what} {MANY} Secrets: {:.2} s; {calls} calls × 20 ms ÷ {IN_FLIGHT} = {:.2} s; ratio {:.2}; peak {:.1} MB",
        run.time.as_secs_f64(),
        ideal.as_secs_f64(),
        run.time.as_secs_f64() / ideal.as_secs_f64(),
        run.megabytes,
    );
}

/// One process a file, as everyone runs it.
fn sops(clouds: &Clouds, sandbox: &Sandbox, ours: Duration) {
    let sops = built::built("sops", built::SOPS);
    let command = |args: &[&str]| {
        let mut command = Command::new(&sops);
        let environment: Vec<_> = sandbox
            .command()
            .get_envs()
            .map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned)))
            .collect();
        command.args(args).current_dir(sandbox.work()).env_clear();
        command.envs(environment.into_iter().filter_map(|(name, value)| Some((name, value?))));
        command.env("SOPS_GCP_KMS_CLIENT_TYPE", "rest").env("SOPS_DISABLE_VERSION_CHECK", "1");
        command
    };
    sandbox.write(
        "plain.yaml",
        "stringData:\n  username: admin\n  password: correct horse battery staple\n",
    );
    clouds.order(json!({ "delay": 0 }));
    let output = command(&["encrypt", "--gcp-kms", GOOGLE_KEY, "plain.yaml"]).output();
    let output = output.expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    sandbox.write("sops.yaml", &output.stdout);
    clouds.order(json!({ "delay": CALL.as_millis() }));
    let started = Instant::now();
    for _ in 0..MANY {
        let status = command(&["decrypt", "sops.yaml"]).stdout(Stdio::null()).status();
        assert!(status.expect("it starts").success());
    }
    let theirs = started.elapsed();
    println!(
        "unwrap {MANY} Secrets: ours {:.2} s, a loop over sops {:.1} s, ratio {:.3}",
        ours.as_secs_f64(),
        theirs.as_secs_f64(),
        ours.as_secs_f64() / theirs.as_secs_f64(),
    );
}
