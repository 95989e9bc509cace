//! As a plugin: packed, checked and installed by krew, run by kubectl.

use std::path::Path;
use std::process::Command;

use crate::programs::find;
use crate::sandbox::{PROGRAM, Run};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn validate(manifest: &Path) {
    let mut command = Command::new(find("validate-krew-manifest"));
    command.arg("-manifest").arg(manifest).arg("-skip-install");
    Run::from(command.output().expect("the validator starts")).succeeds();
}

#[test]
fn the_committed_manifest_is_valid() {
    // The validator wants the file under the plugin's name.
    let folder = tempfile::tempdir().expect("a folder");
    let manifest = folder.path().join("envcrypt.yaml");
    std::fs::copy(format!("{ROOT}/krew-manifest.yaml"), &manifest).expect("copied");
    validate(&manifest);
}

#[test]
fn krew_installs_the_archive_and_kubectl_runs_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let mut dist = Command::new(format!("{ROOT}/release/dist.sh"));
    Run::from(dist.args([PROGRAM, &path("dist")]).output().expect("it starts")).succeeds();
    std::fs::copy(path("dist/krew-manifest.yaml"), path("envcrypt.yaml")).expect("copied");
    validate(Path::new(&path("envcrypt.yaml")));

    let tools = find("kubectl");
    let tools = tools.parent().expect("a folder").display();
    let krew_root = path("krew");
    let environment = |command: &mut Command| {
        command
            .env("KREW_ROOT", &krew_root)
            .env("HOME", folder.path())
            .env("KREW_NO_UPGRADE_CHECK", "1");
        command.env("PATH", format!("{krew_root}/bin:{tools}:/usr/bin:/bin"));
    };
    let mut krew = Command::new(find("krew"));
    krew.arg("install").args(["--manifest", &path("dist/krew-manifest.yaml")]);
    krew.args(["--archive", &path("dist/kubectl-envcrypt.tar.gz")]);
    environment(&mut krew);
    Run::from(krew.output().expect("krew starts")).succeeds();

    let kubectl = |args: &[&str]| {
        let mut command = Command::new(find("kubectl"));
        environment(&mut command);
        Run::from(command.args(args).output().expect("kubectl starts"))
    };
    let list = kubectl(&["plugin", "list"]).succeeds();
    assert!(list.stdout.contains("/kubectl-envcrypt\n"), "{}", list.stdout);
    assert!(!list.stderr.contains("warning"), "{}", list.stderr);
    let version = kubectl(&["envcrypt", "--version"]).succeeds().stdout;
    assert_eq!(version, format!("kubectl-envcrypt {}\n", env!("CARGO_PKG_VERSION")));
    let args =
        ["envcrypt", "create", "db", "--generate=a", "-nprod", "--kek=local", "--dry-run=client"];
    assert_eq!(kubectl(&args).succeeds().stdout, "secret/db created (dry run)\n");
    // The archive holds its licence, and man pages.
    for file in ["LICENSE", "man/kubectl-envcrypt.1", "completions/kubectl_complete-envcrypt"] {
        let installed = format!("{krew_root}/store/envcrypt/v{}/{file}", env!("CARGO_PKG_VERSION"));
        assert!(Path::new(&installed).exists(), "{installed}");
    }
}
