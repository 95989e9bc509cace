//! Importing 1,000 files of sops, beside a loop over `sops decrypt` in the same run.
//! `cargo bench --bench import`; needs Go for sops.

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
#[path = "figures/record.rs"]
mod record;
#[path = "../tests/cli/sandbox.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod sandbox;
#[path = "../tests/servers/server.rs"]
mod server;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clouds::{Clouds, GOOGLE_KEK, GOOGLE_KEY};
use measured::run;
use sandbox::{PROGRAM, Sandbox};
use serde_json::json;

/// What a call to the KMS takes.
const CALL: Duration = Duration::from_millis(20);
const FILES: usize = 1000;

fn main() {
    let clouds = Clouds::start();
    import(&clouds, false);
    import(&clouds, true);
}

/// `seal -i` of many files, beside one process of sops for each of them.
fn import(clouds: &Clouds, is_kms: bool) {
    let sandbox = clouds.sandbox(Sandbox::new());
    let recipient = sandbox.run(["kek", "new"]).succeeds().stdout;
    let recipient = recipient.trim().trim_start_matches("age:");
    let (what, keys, kek) = match is_kms {
        true => ("a KMS at 20 ms a call", ["--gcp-kms", GOOGLE_KEY], GOOGLE_KEK),
        false => ("age", ["--age", recipient], "local"),
    };
    let sops = built::built("sops", built::SOPS);
    clouds.order(json!({ "delay": 0 }));
    for index in 0..FILES {
        let name = format!("deploy/{index:04}.yaml");
        let plain = format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s{index}\n  namespace: prod\nstringData:\n  username: admin\n  password: correct horse battery staple\n"
        );
        let path = sandbox.write(&name, plain);
        let mut command = as_in(&sandbox, &sops);
        command.args(["encrypt", "-i", "--encrypted-regex", "^(data|stringData)$"]);
        succeeds(command.args(keys).arg(path));
    }
    clouds.order(json!({ "delay": CALL.as_millis() }));
    let started = Instant::now();
    for index in 0..FILES {
        let path = format!("deploy/{index:04}.yaml");
        succeeds(as_in(&sandbox, &sops).args(["decrypt", &path]));
    }
    let theirs = started.elapsed();
    let ours = run(&sandbox, &["seal", "-f", "deploy", "-i", "--kek", kek], &[0]);
    let what = format!("import of {FILES} files of sops, {what}");
    ours.record("KMS", &what, Some(("a loop over sops decrypt", theirs)));
}

/// A program with the environment of the sandbox, and with ours on PATH.
fn as_in(sandbox: &Sandbox, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(sandbox.work()).env_clear();
    for (name, value) in sandbox.command().get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let bin = Path::new(PROGRAM).parent().expect("a directory").display();
    command.env("PATH", format!("{bin}:/usr/local/bin:/usr/bin:/bin"));
    command.env("SOPS_AGE_KEY_FILE", sandbox.config().join("identities/local.txt"));
    command.env("SOPS_GCP_KMS_CLIENT_TYPE", "rest").env("SOPS_DISABLE_VERSION_CHECK", "1");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn succeeds(command: &mut Command) {
    let status = command.status().expect("it starts");
    assert!(status.success(), "{command:?}");
}
