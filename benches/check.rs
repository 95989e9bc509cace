//! `check` on the sources of five projects with many CRDs, beside `grep -rE` and gitleaks, in one
//! run. `cargo bench --bench check` needs Go, which fetches the sources and builds gitleaks.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "peers/built.rs"]
#[allow(dead_code, reason = "shared with other benchmarks")]
mod built;
#[path = "at_rest/figures.rs"]
#[allow(dead_code, reason = "shared with other benchmarks")]
mod figures;
#[path = "figures/record.rs"]
mod record;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use figures::median;
use record::Figure;

/// The sources: about 5,000 files and 83 MB, of which most are CRDs.
const MODULES: [&str; 5] = [
    "github.com/cert-manager/cert-manager@v1.15.3",
    "github.com/crossplane/crossplane@v1.17.1",
    "github.com/prometheus-operator/prometheus-operator@v0.76.0",
    "sigs.k8s.io/cluster-api@v1.8.3",
    "sigs.k8s.io/gateway-api@v1.2.0",
];
const GITLEAKS: &str = "github.com/zricethezav/gitleaks/v8@v8.30.1";
/// What grep searches for.
const PATTERN: &str = "kind:.*Secret|EnvcryptSecret";
const ROUNDS: usize = 7;
/// The promise: at most this many times as long as grep.
const GOAL: f64 = 3.0;

fn main() {
    let corpus = tempfile::tempdir().expect("a directory");
    let (mut files, mut size) = (0, 0);
    for module in MODULES {
        let into = corpus.path().join(module.replace('/', "-"));
        copy(&source(module), &into, &mut files, &mut size);
    }
    let gitleaks = built::built("gitleaks", GITLEAKS);
    let home = tempfile::tempdir().expect("a directory");
    let run = |program: &Path, args: &[&str]| {
        let mut command = Command::new(program);
        command.args(args).current_dir(corpus.path()).env("HOME", home.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let started = Instant::now();
        let code = command.status().expect("it starts").code();
        // 0 and 1: whether something was found.
        assert!(matches!(code, Some(0 | 1)), "{program:?} ended with {code:?}");
        started.elapsed().as_secs_f64()
    };
    let ours = || run(Path::new(env!("CARGO_BIN_EXE_kubectl-envcrypt")), &["check", "."]);
    let grep = || run(Path::new("grep"), &["-rE", PATTERN, "."]);
    let gitleaks = || run(&gitleaks, &["dir", "--no-banner", "."]);
    // After the first round, everything is in the cache of the system.
    ours();
    grep();
    let mut times = [(); 3].map(|()| Vec::new());
    for _ in 0..ROUNDS {
        times[0].push(ours());
        times[1].push(grep());
        times[2].push(gitleaks());
    }
    let [ours, grep, gitleaks] = times.map(|times| median(&times));
    Figure {
        section: "check",
        what: &format!("check of {files} real files, {} MB, many of them CRDs", size / 1_000_000),
        unit: "s",
        values: &[("kubectl-envcrypt", ours), ("grep -rE", grep), ("gitleaks", gitleaks)],
        goal: Some(GOAL),
    }
    .record();
}

/// The directory of a module, which Go fetches once.
fn source(module: &str) -> PathBuf {
    let output = Command::new("go").args(["mod", "download", "-json", module]).output();
    let output = output.expect("go starts");
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    PathBuf::from(found["Dir"].as_str().unwrap_or_else(|| panic!("{module}: {found}")))
}

/// Copies a directory, and counts its files and bytes.
fn copy(from: &Path, to: &Path, files: &mut usize, size: &mut u64) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let (kind, to) = (entry.file_type().expect("a type"), to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &to, files, size);
        } else if kind.is_file() {
            std::fs::write(&to, std::fs::read(entry.path()).expect("read")).expect("written");
            *files += 1;
            *size += to.metadata().expect("it is there").len();
        }
    }
}
