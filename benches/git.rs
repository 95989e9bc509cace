//! What Git runs for a file with 100 Secrets: the merge driver beside `git merge-file` on the same
//! files, and the text for `git diff`. Then 100 files through Git itself, with the drivers and
//! without them. `cargo bench --bench git`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "peers/measured.rs"]
mod measured;
#[path = "figures/record.rs"]
mod record;
#[path = "../tests/cli/sandbox.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod sandbox;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use measured::{Finished, run};
use record::Figure;
use sandbox::{PROGRAM, Sandbox};

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
    record("textconv", &textconv, None);
    merge(&sandbox, "one side changed all", "rotated.yaml", "base.yaml");
    sandbox.run(["rotate", "-f", "changed.yaml"]).succeeds();
    merge(&sandbox, "both sides changed all", "rotated.yaml", "changed.yaml");
    diff_and_merge();
}

/// A diff and a merge in which every file of a repository changed on both sides, with the drivers
/// and with Git's own.
fn diff_and_merge() {
    let mut times = Vec::new();
    for has_drivers in [true, false] {
        let sandbox = Sandbox::with_local_key();
        let git = |args: &[&str]| {
            let mut command = git_in(&sandbox);
            command.args(["-c", "user.name=x", "-c", "user.email=x@example.com"]).args(args);
            let started = Instant::now();
            // Git's own merge ends in conflicts.
            let status = command.status().expect("it starts");
            assert!(status.success() || !has_drivers, "{args:?}");
            started.elapsed()
        };
        git(&["init", "-qb", "main"]);
        for index in 0..SECRETS {
            let name = format!("s{index}");
            let file = format!("{name}.yaml");
            let fixed = ["create", &name, "-nprod", "--kek=local", "-w", &file];
            let values = ["--from-literal=first=one", "--from-literal=second=two"];
            sandbox.run(fixed.iter().chain(&values)).succeeds();
        }
        if has_drivers {
            sandbox.run(["git", "install"]).succeeds();
        }
        git(&["add", "."]);
        git(&["commit", "-qm", "base"]);
        for (branch, key) in [("theirs", "second"), ("ours", "first")] {
            git(&["checkout", "-qb", branch, "main"]);
            for index in 0..SECRETS {
                let (file, value) = (format!("s{index}.yaml"), format!("{key}=other"));
                sandbox.run(["set", "-f", &file, "--from-literal", &value]).succeeds();
            }
            git(&["commit", "-qam", branch]);
        }
        let diff = git(&["diff", "main", "theirs"]);
        times.push((diff, git(&["merge", "-qm", "merge", "theirs"])));
    }
    for (what, ours, theirs) in
        [("diff", times[0].0, times[1].0), ("merge", times[0].1, times[1].1)]
    {
        let values = [("our driver", ours.as_secs_f64()), ("as text", theirs.as_secs_f64())];
        let what = format!("git {what} of {SECRETS} files with a Secret");
        Figure { section: "Git", what: &what, unit: "s", values: &values, goal: None }.record();
    }
}

/// Git with the environment of the sandbox, and with ours on PATH.
fn git_in(sandbox: &Sandbox) -> Command {
    let mut command = Command::new("git");
    command.current_dir(sandbox.work()).env_clear();
    for (name, value) in sandbox.command().get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let bin = Path::new(PROGRAM).parent().expect("a directory").display();
    command.env("PATH", format!("{bin}:/usr/local/bin:/usr/bin:/bin"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn merge(sandbox: &Sandbox, what: &str, ours: &str, theirs: &str) {
    std::fs::copy(sandbox.work().join(ours), sandbox.work().join("ours.yaml")).expect("copied");
    let lines = merge_file(sandbox, theirs);
    let ours = run(sandbox, &["git", "merge", "base.yaml", "ours.yaml", theirs], &[0]);
    record(what, &ours, Some(lines));
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

fn record(what: &str, ours: &Finished, git: Option<Duration>) {
    let what = format!("{what}, one file with {SECRETS} Secrets");
    ours.record("Git", &what, git.map(|git| ("git merge-file", git)));
}
