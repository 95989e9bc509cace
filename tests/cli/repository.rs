//! A Git repository in a sandbox, with the real Git.

use std::path::Path;
use std::process::Command;

use crate::sandbox::{Sandbox, own};

/// A sandbox with a key, and a repository in its work folder.
pub fn repository() -> Sandbox {
    let sandbox = Sandbox::with_local_key();
    git(&sandbox, &["init", "-q", "-b", "main"]);
    sandbox
}

/// Runs Git in the work folder, and returns what it prints.
#[track_caller]
pub fn git(sandbox: &Sandbox, args: &[&str]) -> String {
    git_in(&sandbox.work(), args)
}

/// Runs Git in a folder.
#[track_caller]
pub fn git_in(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=Alice", "-c", "user.email=alice@example.com"])
        .args(["-c", "protocol.file.allow=always"])
        .args(args)
        .env("HOME", folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("git starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Commits everything, on this day. Returns the short id.
#[track_caller]
pub fn commit(sandbox: &Sandbox, day: &str) -> String {
    let folder = sandbox.work();
    git_in(&folder, &["add", "-A"]);
    let date = format!("{day}T12:00:00Z");
    let output = Command::new("git")
        .current_dir(&folder)
        .args(["-c", "user.name=Alice", "-c", "user.email=alice@example.com"])
        .args(["commit", "-q", "--allow-empty", "-m", day])
        .env("HOME", &folder)
        .env("GIT_AUTHOR_DATE", &date)
        .env("GIT_COMMITTER_DATE", &date)
        .output()
        .expect("git starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    git_in(&folder, &["rev-parse", "HEAD"])[..7].to_owned()
}

/// A second identity, which is not in the sandbox any more: the KEK that leaked.
pub fn leaked() -> String {
    own(&Sandbox::with_local_key())
}

/// Seals `key=value` pairs as the Secret `prod/NAME` under these KEKs, into `PATH`.
pub fn seal(sandbox: &Sandbox, path: &str, name: &str, keks: &[&str], pairs: &[&str]) {
    let keks = keks.iter().map(|kek| format!("--kek={kek}"));
    let pairs = pairs.iter().map(|pair| format!("--from-literal={pair}"));
    let fixed = ["create", name, "-n", "prod", "--dry-run=client", "-oyaml"].map(str::to_owned);
    let text = sandbox.run(fixed.into_iter().chain(keks).chain(pairs)).succeeds().stdout;
    sandbox.write(path, text);
}

/// A plain Secret `prod/NAME` with one value.
pub fn plain(name: &str, value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: prod}}\nstringData:\n  password: {value}\n"
    )
}

/// The lines of standard output, with one space between columns.
pub fn lines(stdout: &str) -> Vec<String> {
    stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}
