//! Every command line of the README and of `docs/` is run here, in its order, as a
//! new user would: in a terminal, through kubectl, against a cluster and a KMS.

use std::path::PathBuf;
use std::process::Command;

use rexpect::session::{PtySession, spawn_command};

use crate::control_plane::control_plane;
use crate::kms::{REGION, kms, with_kms};
use crate::programs::find;
use crate::sandbox::{PROGRAM, Sandbox};

/// What is typed at which prompt.
pub type Answers = &'static [(&'static str, &'static str)];

/// What is typed at the prompts of a command.
const ANSWERS: [(&str, Answers); 5] = [
    (
        "kubectl envcrypt create db username password",
        &[("username: ", "admin"), ("password: ", "hunter2"), ("password (again): ", "hunter2")],
    ),
    (
        "kubectl envcrypt set db password",
        &[("password: ", "hunter3"), ("password (again): ", "hunter3")],
    ),
    (
        "kubectl envcrypt seal old -n prod --kek awskms:///alias/prod --replace",
        &[("go on [y/N]: ", "y")],
    ),
    ("kubectl envcrypt unwrap old -n prod --replace", &[("go on [y/N]: ", "y")]),
    ("kubectl envcrypt edit db", &[("All", ":%s/hunter3/hunter4/"), ("hunter4", ":wq")]),
];

/// Commands that other tests run: this one is part of the first; the archive
/// and its installation are krew.rs; the last would compile everything again.
const ELSEWHERE: [&str; 4] =
    ["make test", "make dist", "kubectl krew install", "cargo install --path ."];

#[test]
fn every_command_line_of_the_readme_works() {
    let sandbox = sandbox("prod");
    let pair = rcgen::generate_simple_self_signed(["web.example".to_owned()]).expect("a pair");
    sandbox.write("tls.crt", pair.cert.pem());
    sandbox.write("tls.key", pair.signing_key.serialize_pem());
    let outputs = run(&sandbox, include_str!("../../README.md"), "prod");
    assert!(outputs.len() >= 15, "{outputs:?}");
    let (_, shown) = outputs
        .iter()
        .find(|(line, _)| line.contains("unwrap -f db.yaml password"))
        .expect("it is there");
    assert!(shown.contains("hunter2"), "{shown}");
}

#[test]
fn every_command_line_of_the_everyday_page_works() {
    let sandbox = sandbox("everyday").env("EDITOR", "vim").env("TERM", "xterm");
    let outputs = run(&sandbox, include_str!("../../docs/everyday.md"), "everyday");
    assert!(outputs.len() >= 15, "{outputs:?}");
    let output = |start: &str| {
        let found = outputs.iter().find(|(line, _)| line.starts_with(start));
        found.map(|(_, output)| output.as_str()).expect(start)
    };
    assert!(output("kubectl envcrypt get -A").contains("awskms:"));
    let diff = output("kubectl envcrypt diff");
    assert!(diff.contains("~ password") && !diff.contains("hunter"), "{diff}");
    let wide = output("kubectl envcrypt get -n everyday -o wide");
    assert!(wide.contains("password,username"), "{wide}");
}

#[test]
fn every_command_line_of_the_page_about_signatures_works() {
    let sandbox = Sandbox::with_local_key();
    install(&sandbox, &[]);
    let outputs = run(&sandbox, include_str!("../../docs/signatures.md"), "prod");
    assert!(outputs.len() >= 10, "{outputs:?}");
    let list = outputs.iter().rfind(|(line, _)| line.ends_with("signers list")).expect("there");
    assert!(list.1.contains("this machine knows the list and the rules"), "{}", list.1);
    let rules = sandbox.read(".envcrypt/allowed_signers");
    assert_eq!(rules.matches("valid-before=").count(), 2, "{rules}");
}

/// A home in which kubectl and the plugin are found, and everything is there.
fn sandbox(namespace: &str) -> Sandbox {
    let plane = control_plane();
    plane.apply(&format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {namespace}}}}}"));
    kms().alias(namespace, &kms().key());
    let sandbox = with_kms(Sandbox::new(), kms().port)
        .env("AWS_REGION", REGION)
        .env("KUBECONFIG", plane.kubeconfig("admin").display().to_string())
        .env("TOKEN", "a token of CI");
    install(&sandbox, &[]);
    sandbox
}

/// Puts kubectl, the plugin and further programs where the lines of a page find them.
pub fn install(sandbox: &Sandbox, more: &[(&str, PathBuf)]) {
    let bin = bin(sandbox);
    std::fs::create_dir_all(&bin).expect("made");
    let always = [("kubectl-envcrypt", PathBuf::from(PROGRAM)), ("kubectl", find("kubectl"))];
    for (name, program) in always.iter().chain(more) {
        std::os::unix::fs::symlink(program, bin.join(name)).expect("linked");
    }
}

fn bin(sandbox: &Sandbox) -> PathBuf {
    sandbox.work().parent().expect("a home").join(".local/bin")
}

/// Runs every line of a page, `prod` being another namespace; what each printed.
fn run(sandbox: &Sandbox, page: &str, namespace: &str) -> Vec<(String, String)> {
    let mut outputs = Vec::new();
    for line in commands(page) {
        if ELSEWHERE.iter().any(|elsewhere| line.starts_with(elsewhere)) {
            continue;
        }
        let answers = ANSWERS.iter().find(|(start, _)| line.starts_with(start));
        let answers = answers.map_or(&[] as Answers, |(_, answers)| *answers);
        let line = line.replace("-n prod", &format!("-n {namespace}"));
        let line = line.replace("alias/prod", &format!("alias/{namespace}"));
        let as_run = line.replace("cargo run --", "kubectl envcrypt");
        let output = run_line(sandbox, &as_run, answers);
        outputs.push((line, output));
    }
    outputs
}

/// Runs one line in a terminal. Returns what it printed.
pub fn run_line(sandbox: &Sandbox, line: &str, answers: Answers) -> String {
    let mut session = terminal(sandbox, line);
    for (question, answer) in answers {
        session.exp_string(question).unwrap_or_else(|e| panic!("{line}: {e}"));
        session.send_line(answer).expect("typed");
    }
    let output = session.exp_eof().expect("it ends");
    let status = session.process().wait().expect("a status");
    assert!(matches!(status, nix::sys::wait::WaitStatus::Exited(_, 0)), "{line}: {output}");
    output
}

/// The lines of the `sh` blocks.
pub fn commands(page: &str) -> Vec<String> {
    let blocks = page.split("```sh\n").skip(1).filter_map(|block| block.split("```").next());
    blocks.flat_map(str::lines).map(str::to_owned).collect()
}

fn terminal(sandbox: &Sandbox, line: &str) -> PtySession {
    let mut command = Command::new("sh");
    command.env_clear().current_dir(sandbox.work()).args(["-c", line]);
    for (name, value) in sandbox.command().get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command.env("PATH", format!("{}:/usr/bin:/bin", bin(sandbox).display()));
    spawn_command(command, Some(60_000)).expect("a terminal")
}
