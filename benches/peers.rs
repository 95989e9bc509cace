//! Whole processes, beside sops and kubectl in the same run, in turn: A B A B.
//! Machines are noisy, so the ratio of each pair is what counts.
//! `cargo bench --bench peers`; needs Go for sops, and kubectl on PATH.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "peers/built.rs"]
mod built;
#[path = "figures/record.rs"]
mod record;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use built::{SOPS, built};
use record::Figure;

const PROGRAM: &str = env!("CARGO_BIN_EXE_kubectl-envcrypt");
const ROUNDS: usize = 21;
const SECTION: &str = "One Secret";
/// Seals two values of files.
const CREATE: [&str; 8] = [
    "create",
    "db",
    "-nprod",
    "--kek=local",
    "--from-file=username",
    "--from-file=password",
    "--dry-run=client",
    "-oyaml",
];

fn main() {
    let home = tempfile::tempdir().expect("a folder");
    let bench = Bench { home: home.path() };
    let recipient = bench.set_up();
    let sops = built("sops", SOPS);
    let ours = |args: &[&str]| bench.command(Path::new(PROGRAM), args);
    let theirs = |args: &[&str]| bench.command(&sops, args);

    compare(
        "seal one Secret, age",
        ("sops", Some(0.1)),
        || ours(&CREATE),
        || theirs(&["encrypt", "--age", &recipient, "plain.yaml"]),
    );
    compare(
        "unwrap one Secret, age",
        ("sops", Some(0.1)),
        || ours(&["unwrap", "-f", "sealed.yaml"]),
        || theirs(&["decrypt", "sops.yaml"]),
    );
    let kubectl = [
        "create",
        "secret",
        "generic",
        "db",
        "-nprod",
        "--from-file=username",
        "--from-file=password",
        "--dry-run=client",
        "-oyaml",
    ];
    compare(
        "make one Secret and seal it",
        ("kubectl create secret", None),
        || ours(&CREATE),
        || bench.command(Path::new("kubectl"), &kubectl),
    );
    bench.start_to_prompt();
}

struct Bench<'a> {
    home: &'a Path,
}

impl Bench<'_> {
    /// The same two values for everyone; returns the recipient of the local key.
    fn set_up(&self) -> String {
        let write =
            |name: &str, text: &str| std::fs::write(self.home.join(name), text).expect("written");
        write("username", "admin");
        write("password", "correct horse battery staple");
        write(
            "plain.yaml",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: prod}\nstringData:\n  username: admin\n  password: correct horse battery staple\n",
        );
        let output = |program: &Path, args: &[&str]| {
            let output =
                self.command(program, args).stdout(Stdio::piped()).output().expect("it starts");
            assert!(
                output.status.success(),
                "{args:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            String::from_utf8(output.stdout).expect("UTF-8")
        };
        let recipient = output(Path::new(PROGRAM), &["kek", "new"]);
        let recipient = recipient.trim().trim_start_matches("age:").to_owned();
        let sealed = output(Path::new(PROGRAM), &CREATE);
        write("sealed.yaml", &sealed);
        let sops = built("sops", SOPS);
        write("sops.yaml", &output(&sops, &["encrypt", "--age", &recipient, "plain.yaml"]));
        recipient
    }

    fn command(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.home).env("HOME", self.home);
        command.env("XDG_CONFIG_HOME", self.home.join("config"));
        command.env("SOPS_AGE_KEY_FILE", self.home.join("config/envcrypt/identities/local.txt"));
        command.env("SOPS_DISABLE_VERSION_CHECK", "1");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// From the start of the process to its first question, on a terminal: how
    /// long the process was on a processor. (The wall clock would measure how
    /// often the terminal is looked at.)
    fn start_to_prompt(&self) {
        let args = ["create", "db", "password", "-nprod", "--kek=local", "--dry-run=client"];
        let run = |_| {
            let mut command = Command::new(PROGRAM);
            command.args(args).current_dir(self.home).env("HOME", self.home);
            command.env("XDG_CONFIG_HOME", self.home.join("config"));
            let mut session = rexpect::session::spawn_command(command, Some(5000)).expect("a pty");
            session.exp_string("password: ").expect("it asks");
            let time = on_processor(session.process().get_file_handle().expect("a terminal"));
            session.send_control('c').expect("typed");
            session.exp_eof().expect("it ends");
            time
        };
        let mut times: Vec<_> = (0..ROUNDS).filter_map(run).collect();
        if !times.is_empty() {
            let ours = millis(median(&mut times));
            let values = [("kubectl-envcrypt", ours)];
            let what = "start to the first prompt, local KEK, on a processor";
            Figure { section: SECTION, what, unit: "ms", values: &values, goal: None }.record();
        }
    }
}

/// Linux tells how long the process in the foreground of a terminal has run.
fn on_processor(terminal: std::fs::File) -> Option<Duration> {
    let pid = nix::unistd::tcgetpgrp(&terminal).ok()?;
    let text = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).ok()?;
    Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
}

/// Both in turn. Of the peer, its name and the promised ratio are given.
fn compare(
    what: &str,
    (peer, goal): (&str, Option<f64>),
    ours: impl Fn() -> Command,
    theirs: impl Fn() -> Command,
) {
    time(&mut ours());
    time(&mut theirs());
    let pairs: Vec<_> = (0..ROUNDS).map(|_| (time(&mut ours()), time(&mut theirs()))).collect();
    let (mut a, mut b): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
    let values = [("kubectl-envcrypt", millis(median(&mut a))), (peer, millis(median(&mut b)))];
    Figure { section: SECTION, what, unit: "ms", values: &values, goal }.record();
}

fn time(command: &mut Command) -> Duration {
    let started = Instant::now();
    let output = command.output().expect("it starts");
    let elapsed = started.elapsed();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    elapsed
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
