//! What Git runs for a file with 100 Secrets: the merge driver beside `git merge-file` on the same
//! files, and the text for `git diff`. `cargo bench --bench git`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "peers/measured.rs"]
mod measured;
#[path = "../tests/cli/sandbox.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod sandbox;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use measured::{Finished, run};
use sandbox::Sandbox;

const SECRETS: usize = 100;

fn main() {
    let sandbox = Sandbox::with_local_key();
    let one = sandbox.sealed(&["username=admin", "password=correct horse battery staple"]);
    // Each one is sealed for its own name.
    let plain = sandbox.pipe(&one, ["unwrap", "-f", "-"]).succeeds().stdout;
    let plain: Vec<String> =
        (0..SECRETS).map(|i| plain.replace("name: db", &format!("name: db-{i}"))).collect();
    let seal = ["seal", "-f", "-", "-n", "prod", "--kek=local"];
    let base = sandbox.pipe(plain.join("---\n"), seal).succeeds().stdout;
    for name in ["base", "rotated", "changed"] {
        sandbox.write(&format!("{name}.yaml"), &base);
    }
    sandbox.run(["rotate", "-f", "rotated.yaml"]).succeeds();
    let textconv = run(&sandbox, &["git", "textconv", "base.yaml"], &[0]);
    print("textconv", &textconv, None);
    merge(&sandbox, "one side changed all", "rotated.yaml", "base.yaml");
    sandbox.run(["rotate", "-f", "changed.yaml"]).succeeds();
    merge(&sandbox, "both sides changed all", "rotated.yaml", "changed.yaml");
}

fn merge(sandbox: &Sandbox, what: &str, ours: &str, theirs: &str) {
    std::fs::copy(sandbox.work().join(ours), sandbox.work().join("ours.yaml")).expect("copied");
    let lines = merge_file(sandbox, theirs);
    let ours = run(sandbox, &["git", "merge", "base.yaml", "ours.yaml", theirs], &[0]);
    print(what, &ours, Some(lines));
}

/// Git's own merge of the same files, which leaves conflicts.
fn merge_file(sandbox: &Sandbox, theirs: &str) -> Duration {
    let mut command = Command::new("git");
    command.args(["merge-file", "-p", "ours.yaml", "base.yaml", theirs]);
    command.current_dir(sandbox.work()).stdout(Stdio::null()).stderr(Stdio::null());
    let started = Instant::now();
    command.status().expect("git starts");
    started.elapsed()
}

fn print(what: &str, ours: &Finished, git: Option<Duration>) {
    let git = git.map(|git| format!("; git merge-file {:.3} s", git.as_secs_f64()));
    println!(
        "{what}, {SECRETS} Secrets: {:.3} s, peak {:.1} MB{}",
        ours.time.as_secs_f64(),
        ours.megabytes,
        git.unwrap_or_default(),
    );
}
