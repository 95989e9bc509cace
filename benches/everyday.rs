//! What is done to a whole repository: `check` of 10,000 files, and `diff` and `apply`
//! of 1,000 Secrets beside `kubectl diff` and `kubectl apply --server-side` on the same
//! files and the same API server, in one run. `make bench`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "../tests/servers/control_plane.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod control_plane;
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

use control_plane::{ControlPlane, control_plane};
use measured::run;
use sandbox::Sandbox;

const FILES: usize = 10_000;
const SECRETS: usize = 1000;

fn main() {
    check();
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    let args = ["create", "db", "-n", &namespace, "--kek=local", "--dry-run=client", "-oyaml"];
    let values = ["--from-literal=username=admin", "--generate=password"];
    // Not bound to its name, so that one sealing serves for all.
    let scope = ["--scope=namespace"];
    let sealed = sandbox.run(args.iter().chain(&values).chain(&scope)).succeeds().stdout;
    for index in 0..SECRETS {
        let text = sealed.replace("name: db", &format!("name: db-{index:04}"));
        sandbox.write(&format!("deploy/{index:04}.yaml"), text);
    }
    // The first of each makes the Secrets, the others find them there.
    compare(
        plane,
        &sandbox,
        "apply, new",
        &["apply", "-f", "deploy"],
        &["apply", "--server-side", "--force-conflicts", "-f", "deploy"],
    );
    plane.kubectl(["delete", "secrets", "--all", "-n", &namespace, "--wait=false"]).succeeds();
    compare(
        plane,
        &sandbox,
        "apply, again",
        &["apply", "-f", "deploy", "--force-conflicts"],
        &["apply", "--server-side", "--force-conflicts", "-f", "deploy"],
    );
    compare(
        plane,
        &sandbox,
        "diff, all the same",
        &["diff", "-f", "deploy"],
        &["diff", "--server-side", "--force-conflicts", "-f", "deploy"],
    );
    sandbox.run(["rotate", "-f", "deploy"]).succeeds();
    compare(
        plane,
        &sandbox,
        "diff, all sealed anew",
        &["diff", "-f", "deploy"],
        &["diff", "--server-side", "--force-conflicts", "-f", "deploy"],
    );
}

/// A repository: mostly other manifests, a tenth of them sealed Secrets.
fn check() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["username=admin", "password=correct horse battery staple"]);
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        env:\n        - name: A\n          valueFrom: {secretKeyRef: {name: db, key: a}}\n";
    let deployments = format!("{deployment}---\n{deployment}");
    for index in 0..FILES {
        let text = if index % 10 == 0 { &sealed } else { &deployments };
        sandbox.write(&format!("repository/{}/{index}.yaml", index / 100), text);
    }
    let checked = run(&sandbox, &["check", "repository"], &[0]);
    println!(
        "check {FILES} files, {} of them sealed Secrets: {:.3} s, peak {:.1} MB",
        FILES / 10,
        checked.time.as_secs_f64(),
        checked.megabytes,
    );
}

fn compare(plane: &ControlPlane, sandbox: &Sandbox, what: &str, ours: &[&str], theirs: &[&str]) {
    let ours = run(sandbox, ours, &[0, 1]);
    let theirs = kubectl(plane, sandbox, theirs);
    println!(
        "{what}, {SECRETS} Secrets: {:.2} s, peak {:.1} MB; kubectl {:.2} s; ratio {:.3}",
        ours.time.as_secs_f64(),
        ours.megabytes,
        theirs.as_secs_f64(),
        ours.time.as_secs_f64() / theirs.as_secs_f64(),
    );
}

fn kubectl(plane: &ControlPlane, sandbox: &Sandbox, args: &[&str]) -> Duration {
    let mut command = Command::new(programs::find("kubectl"));
    command.arg("--kubeconfig").arg(plane.kubeconfig("admin")).args(args);
    command.current_dir(sandbox.work()).stdout(Stdio::null()).stderr(Stdio::null());
    let started = Instant::now();
    let status = command.status().expect("kubectl starts");
    assert!(matches!(status.code(), Some(0 | 1)), "{args:?} ended with {status}");
    started.elapsed()
}
