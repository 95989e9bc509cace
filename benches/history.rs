//! A repository of 20,000 commits: `audit --history` and `check --history` beside `git log -p | grep`,
//! in one run. `make bench`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "peers/measured.rs"]
mod measured;
#[path = "figures/record.rs"]
mod record;
#[path = "../tests/cli/sandbox.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod sandbox;

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use measured::run;
use sandbox::{Sandbox, own};

const COMMITS: usize = 20_000;
/// Every so many commits, a sealed Secret changes.
const SEALED: usize = 10;
/// The sealed Secrets, and how many versions of each there are.
const SECRETS: usize = 100;
const VERSIONS: usize = COMMITS / SEALED / SECRETS;

fn main() {
    let sandbox = Sandbox::with_local_key();
    let leaked = own(&Sandbox::with_local_key());
    make(&sandbox, &leaked);
    let size = git(&sandbox, &["count-objects", "-vH"]);
    println!(
        "{COMMITS} commits; {}",
        size.lines().find(|l| l.starts_with("size-pack")).unwrap_or("")
    );
    // Everything is in the cache of the system then.
    let grep = || shell(&sandbox, "git log --all -p | grep -c eyJwcm90ZWN0ZWQiOi");
    grep();
    let theirs = grep();
    let args = ["audit", "--kek", &leaked, "--history"];
    let audit = run(&sandbox, &args, &[1]);
    let check = run(&sandbox, &["check", "--history"], &[0]);
    for (what, ours) in [("audit --history", audit), ("check --history", check)] {
        let what = format!("{what}, {COMMITS} commits");
        ours.record("Git", &what, Some(("git log -p | grep", theirs)));
    }
}

/// A repository with manifests, sources and sealed Secrets, as `git fast-import` reads it.
fn make(sandbox: &Sandbox, leaked: &str) {
    git(sandbox, &["init", "-q", "-b", "main"]);
    let keks = ["--kek=local", &format!("--kek={leaked}")];
    let fixed = ["create", "db", "-n", "prod", "--scope=namespace", "--dry-run=client", "-oyaml"];
    let values = ["--from-literal=username=admin", "--generate=password"];
    let args: Vec<&str> = fixed.into_iter().chain(keks).chain(values).collect();
    let versions: Vec<String> =
        (0..VERSIONS).map(|_| sandbox.run(&args).succeeds().stdout).collect();
    let mut import = Command::new("git")
        .args(["fast-import", "--quiet"])
        .current_dir(sandbox.work())
        .stdin(Stdio::piped())
        .spawn()
        .expect("git starts");
    let mut input = std::io::BufWriter::new(import.stdin.take().expect("a pipe"));
    for commit in 0..COMMITS {
        let (path, text) = match commit % SEALED {
            0 => {
                let secret = commit / SEALED % SECRETS;
                let version = &versions[commit / SEALED / SECRETS];
                let text = version.replace("name: db", &format!("name: db-{secret}"));
                (format!("deploy/{secret}.yaml"), text)
            }
            1..4 => (format!("web/{}.yaml", commit % 200), deployment(commit)),
            _ => (format!("src/{}.go", commit % 300), source(commit)),
        };
        let time = 1_700_000_000 + commit * 600;
        write!(
            input,
            "commit refs/heads/main\ncommitter Alice <alice@example.com> {time} +0000\ndata 1\nx\nM 644 inline {path}\ndata {}\n{text}\n",
            text.len()
        )
        .expect("written");
    }
    drop(input);
    assert!(import.wait().expect("it ends").success());
    git(sandbox, &["checkout", "-q", "main"]);
}

fn deployment(commit: usize) -> String {
    let mut text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n".to_owned();
    for container in 0..20 {
        write!(text, "      - name: c{container}\n        image: registry.example/web:{commit}\n        env:\n        - name: A\n          valueFrom: {{secretKeyRef: {{name: db, key: a}}}}\n").expect("text");
    }
    text
}

fn source(commit: usize) -> String {
    let mut text = "package main\n\n".to_owned();
    for line in 0..200 {
        writeln!(text, "func f{line}() string {{ return \"secret {}\\n\" }}", commit * 31 + line)
            .expect("text");
    }
    text
}

fn git(sandbox: &Sandbox, args: &[&str]) -> String {
    let output = Command::new("git").args(args).current_dir(sandbox.work()).output().expect("ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn shell(sandbox: &Sandbox, line: &str) -> Duration {
    let started = Instant::now();
    let mut sh = Command::new("sh");
    let status = sh.args(["-c", line]).current_dir(sandbox.work()).stdout(Stdio::null()).status();
    assert!(status.expect("it ends").success());
    started.elapsed()
}
