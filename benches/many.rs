//! Many Secrets under a KMS that takes 20 ms a call: time and peak memory, beside a loop over sops
//! on the same number of files in the same run. And Vault, with data keys together and one by one,
//! and with a quota of 200 calls a second. `make bench`; needs Go for sops.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "peers/built.rs"]
mod built;
#[path = "../tests/servers/clouds.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod clouds;
#[path = "../tests/servers/fault_proxy.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod fault_proxy;
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
#[path = "../tests/cli/sandbox.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod sandbox;
#[path = "../tests/servers/server.rs"]
mod server;
#[path = "../tests/servers/vault.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod vault;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clouds::{Clouds, GOOGLE_KEK, GOOGLE_KEY};
use fault_proxy::{Fault, FaultProxy};
use figures::{float, median};
use measured::{Finished, run};
use record::Figure;
use sandbox::Sandbox;
use serde_json::json;

const CALL: Duration = Duration::from_millis(20);
/// The most memory that 10,000 Secrets may need, in MB.
const BUDGET: f64 = 64.0;
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
        for (what, run) in [("rotate", rotate), ("rewrap", rewrap)] {
            Figure {
                section: "KMS",
                what: &format!("{what} of {count} Secrets, peak memory"),
                unit: "MB",
                values: &[("kubectl-envcrypt", run.megabytes), ("the budget", BUDGET)],
                goal: Some(1.0),
            }
            .record();
        }
    }
    clouds.take();
    clouds.order(json!({ "delay": CALL.as_millis() }));
    let folder = format!("deploy-{MANY}");
    let unwrap = run(&sandbox, &["unwrap", "-f", &folder], &[0]);
    took("unwrap", &unwrap, clouds.take().len());
    let rewrap = run(&sandbox, &["rewrap", "-f", &folder, "--kek", OTHER_KEK], &[0]);
    took("rewrap", &rewrap, clouds.take().len());
    sops(&clouds, &sandbox, unwrap.time);
    vault_keys();
}

fn took(what: &str, run: &Finished, calls: usize) {
    println!(
        "{what} of {MANY} Secrets, 20 ms a call: {:.2} s, {calls} calls, peak {:.1} MB",
        run.time.as_secs_f64(),
        run.megabytes,
    );
}

/// Vault, as OpenBao plays it, behind a proxy that makes each call take 20 ms.
fn vault_keys() {
    let key = vault::vault().key();
    let kek = format!("hashivault://{key}");
    let proxy = FaultProxy::start(vault::vault().port);
    let sandbox = vault::with_vault(Sandbox::new(), proxy.port).env("ENVCRYPT_KEK", &kek);
    let plain = ["create", "db", "-nprod", "--from-literal=a=b", "--dry-run=client", "-oyaml"];
    let sealed = sandbox.run(plain).succeeds().stdout;
    for index in 0..MANY {
        sandbox.write(&format!("deploy/{index:05}.yaml"), &sealed);
    }
    run(&sandbox, &["rotate", "-f", "deploy"], &[0]);
    let reader = vault::reader(&kek, "reader", proxy.port);
    let deploy = sandbox.work().join("deploy").display().to_string();
    let unwrap = ["unwrap", "-f", &deploy];
    proxy.delay(CALL);
    proxy.take();
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..3 {
        for (times, sandbox) in times.iter_mut().zip([&sandbox, &reader]) {
            times.push(run(sandbox, &unwrap, &[0]).time.as_secs_f64());
            println!("{} calls", proxy.take().0.len());
        }
    }
    let [together, one_by_one] = times.map(|times| median(&times));
    Figure {
        section: "KMS",
        what: "unwrap of 1,000 Secrets under Vault, 20 ms a call",
        unit: "s",
        values: &[("with batch_input", together), ("one data key a call", one_by_one)],
        goal: None,
    }
    .record();
    quota(&proxy, &reader, &unwrap);
}

/// A KMS that allows 200 calls a second, and 20 at once.
fn quota(proxy: &FaultProxy, sandbox: &Sandbox, unwrap: &[&str]) {
    proxy.quota(200, 20, Fault::Error(429, "too many requests"));
    let time = run(sandbox, unwrap, &[0]).time.as_secs_f64();
    let (calls, throttled) = (float(proxy.take().0.len()), float(proxy.throttled()));
    Figure {
        section: "KMS",
        what: "throttled calls of 1,000 Secrets, 200 a second allowed",
        unit: "calls",
        values: &[("kubectl-envcrypt", throttled), ("1 in 100", calls / 100.0)],
        goal: Some(1.0),
    }
    .record();
    Figure {
        section: "KMS",
        what: "unwrap of 1,000 Secrets, 200 a second allowed",
        unit: "s",
        values: &[("kubectl-envcrypt", time), ("calls ÷ 200", calls / 200.0)],
        goal: None,
    }
    .record();
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
    Figure {
        section: "KMS",
        what: "unwrap of 1,000 Secrets, 20 ms a call",
        unit: "s",
        values: &[
            ("kubectl-envcrypt", ours.as_secs_f64()),
            ("a loop over sops", theirs.as_secs_f64()),
        ],
        goal: Some(0.01),
    }
    .record();
}
