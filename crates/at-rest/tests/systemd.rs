//! The units of `deploy`, as systemd reads them. The tests need `systemd-analyze`.

use std::path::Path;
use std::process::{Command, Output};

const UNIT: &str = "node/etc/systemd/system/envcrypt-kms.service";

/// Runs `systemd-analyze`. `None` on a machine without it.
fn analyze(args: &[&str]) -> Option<Output> {
    let output = Command::new("systemd-analyze").args(args).output();
    output.ok().filter(|_| version() >= Some(250))
}

fn version() -> Option<u32> {
    let output = Command::new("systemd-analyze").arg("--version").output().ok()?;
    String::from_utf8_lossy(&output.stdout).split_whitespace().nth(1)?.parse().ok()
}

/// Copies the unit of a target. Its program is one that each machine has.
fn unit(target: &str, directory: &Path) -> String {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/deploy").join(target).join(UNIT);
    let text = std::fs::read_to_string(&made).expect("the unit");
    let text = text.replace("/usr/local/bin/envcrypt-kms", "/bin/true");
    let path = directory.join("envcrypt-kms.service");
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

#[test]
fn systemd_knows_every_line_of_the_units() {
    for target in ["systemd", "k3s", "rke2", "microk8s", "minikube", "kind"] {
        let directory = tempfile::tempdir().expect("a directory");
        let unit = unit(target, directory.path());
        let Some(output) = analyze(&["verify", &unit]) else { return };
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains("envcrypt-kms"), "{target}: {said}");
    }
}

#[test]
fn the_unit_exposes_nearly_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let unit = unit("systemd", directory.path());
    // The threshold is ten times the exposure. The network of the host accounts for most of it.
    let args = ["security", "--offline=true", "--threshold=15", "--no-pager", &unit];
    let Some(output) = analyze(&args) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
