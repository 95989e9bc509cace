//! Every command line of the README is run here, in its order, as a new user
//! would: in a terminal, through kubectl, against a cluster and a KMS.

use std::process::Command;

use rexpect::session::{PtySession, spawn_command};

use crate::control_plane::control_plane;
use crate::kms::{REGION, kms, with_kms};
use crate::programs::find;
use crate::sandbox::{PROGRAM, Sandbox};

/// What is typed at the prompts of a command.
const ANSWERS: [(&str, &[(&str, &str)]); 1] = [(
    "kubectl envcrypt create db username password",
    &[("username: ", "admin"), ("password: ", "hunter2"), ("password (again): ", "hunter2")],
)];

/// Commands that other tests run: this one is part of the first; the archive
/// and its installation are krew.rs; the last would compile everything again.
const ELSEWHERE: [&str; 4] =
    ["make test", "make dist", "kubectl krew install", "cargo install --path ."];

#[test]
fn every_command_line_of_the_readme_works() {
    let plane = control_plane();
    plane.apply("{apiVersion: v1, kind: Namespace, metadata: {name: prod}}");
    kms().alias("prod", &kms().key());
    let sandbox = with_kms(Sandbox::new(), kms().port)
        .env("AWS_REGION", REGION)
        .env("KUBECONFIG", plane.kubeconfig("admin").display().to_string())
        .env("TOKEN", "a token of CI");
    let bin = sandbox.work().parent().expect("a home").join(".local/bin");
    std::fs::create_dir_all(&bin).expect("made");
    std::os::unix::fs::symlink(PROGRAM, bin.join("kubectl-envcrypt")).expect("linked");
    std::os::unix::fs::symlink(find("kubectl"), bin.join("kubectl")).expect("linked");
    let pair = rcgen::generate_simple_self_signed(["web.example".to_owned()]).expect("a pair");
    sandbox.write("tls.crt", pair.cert.pem());
    sandbox.write("tls.key", pair.signing_key.serialize_pem());

    let commands = commands();
    assert!(commands.len() >= 15, "{commands:?}");
    for line in commands {
        if ELSEWHERE.iter().any(|elsewhere| line.starts_with(elsewhere)) {
            continue;
        }
        let as_run = line.replace("cargo run --", "kubectl envcrypt");
        let mut session = terminal(&sandbox, &as_run, &bin.display().to_string());
        let answers = ANSWERS.iter().find(|(start, _)| line.starts_with(start));
        for (question, answer) in answers.map_or(&[][..], |(_, answers)| answers) {
            session.exp_string(question).unwrap_or_else(|e| panic!("{line}: {e}"));
            session.send_line(answer).expect("typed");
        }
        let output = session.exp_eof().expect("it ends");
        let status = session.process().wait().expect("a status");
        assert!(matches!(status, nix::sys::wait::WaitStatus::Exited(_, 0)), "{line}: {output}");
        if line.contains("unwrap -f db.yaml password") {
            assert!(output.contains("hunter2"), "{output}");
        }
    }
}

/// The lines of the `sh` blocks.
fn commands() -> Vec<String> {
    let text = include_str!("../../README.md");
    let blocks = text.split("```sh\n").skip(1).filter_map(|block| block.split("```").next());
    blocks.flat_map(str::lines).map(str::to_owned).collect()
}

fn terminal(sandbox: &Sandbox, line: &str, bin: &str) -> PtySession {
    let mut command = Command::new("sh");
    command.env_clear().current_dir(sandbox.work()).args(["-c", line]);
    for (name, value) in sandbox.command().get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command.env("PATH", format!("{bin}:/usr/bin:/bin"));
    spawn_command(command, Some(60_000)).expect("a terminal")
}
