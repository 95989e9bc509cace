//! Completion as kubectl asks for it, with names from the cluster.

use std::process::Command;

use crate::control_plane::control_plane;
use crate::programs::find;
use crate::sandbox::{PROGRAM, Run};

#[test]
fn kubectl_completes_names_keys_and_namespaces_of_the_cluster() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    let args =
        ["create", "db", "-n", &namespace, "--kek=local", "--generate=password", "--generate=user"];
    sandbox.run(args).succeeds();
    let bin = sandbox.work().join("bin");
    std::fs::create_dir(&bin).expect("made");
    std::os::unix::fs::symlink(PROGRAM, bin.join("kubectl-envcrypt")).expect("linked");
    let script = sandbox.run(["completion", "kubectl"]).succeeds().stdout;
    std::fs::write(bin.join("kubectl_complete-envcrypt"), script).expect("written");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(bin.join("kubectl_complete-envcrypt"), executable).expect("set");
    let complete = |words: &[&str]| {
        let mut command = Command::new(find("kubectl"));
        for (name, value) in sandbox.command().get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
        command.args(["__complete", "envcrypt"]).args(words);
        Run::from(command.output().expect("kubectl starts")).succeeds().stdout
    };
    assert!(complete(&["unwrap", "-n", &namespace, ""]).starts_with("db\n"));
    assert!(complete(&["unwrap", "-n", &namespace, "db", ""]).starts_with("password\nuser\n"));
    assert!(complete(&["inspect", "-n", ""]).contains(&format!("{namespace}\n")));
    assert!(complete(&["insp"]).contains("inspect\t"));
    assert!(complete(&["create", "--ke"]).contains("--kek\t"));
}
