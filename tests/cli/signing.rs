//! Signatures by the person's own key, with the real ssh-keygen and ssh-agent.

mod agent;
mod enforced;
mod keys;
mod programs;
mod quorum;
mod rules;
mod terminals;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::sandbox::Sandbox;

pub const FILE: &str = "db.yaml";
const SIGNER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programs/signer.sh");

/// A person with a sealed Secret in `db.yaml`, and a home for keys.
pub struct Person {
    pub sandbox: Sandbox,
}

impl Person {
    /// Without a key.
    pub fn new() -> Self {
        let sandbox = Sandbox::with_local_key().env("GIT_CONFIG_NOSYSTEM", "1");
        let yaml = sandbox.sealed(&["password=hunter2"]);
        sandbox.write(FILE, yaml);
        std::fs::create_dir(sandbox.work().join("../tmp")).expect("made");
        let temporary = sandbox.work().join("../tmp");
        let temporary = temporary.to_str().expect("UTF-8").to_owned();
        Self { sandbox: sandbox.env("TMPDIR", temporary) }
    }

    /// With a key that Git signs with.
    pub fn with_key() -> Self {
        let person = Self::new();
        person.key("id", &["-t", "ed25519"], "");
        person.uses("~/id.pub");
        person
    }

    /// With a key, and a program that plays `SIGNER`.
    pub fn with_program(plays: &str) -> Self {
        let mut person = Self::with_key();
        person.config("gpg.ssh.program", SIGNER);
        person.sandbox = person.sandbox.env("SIGNER", plays);
        person
    }

    pub fn home(&self) -> PathBuf {
        self.sandbox.work().parent().expect("a home").to_owned()
    }

    /// Makes a key pair in the home directory.
    pub fn key(&self, name: &str, kind: &[&str], passphrase: &str) {
        let path = self.home().join(name);
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-C", "me", "-N", passphrase, "-f"]).arg(path).args(kind);
        assert!(command.status().expect("ssh-keygen runs").success());
    }

    pub fn public_key(&self, name: &str) -> String {
        let path = self.home().join(format!("{name}.pub"));
        std::fs::read_to_string(path).expect("a key").trim().to_owned()
    }

    /// A setting of Git, of the person.
    pub fn config(&self, name: &str, value: &str) {
        let mut git = Command::new("git");
        git.args(["config", "--global", name, value]).env("HOME", self.home());
        assert!(git.env_remove("GIT_CONFIG_GLOBAL").status().expect("git runs").success());
    }

    /// Lets Git sign with this key.
    pub fn uses(&self, key: &str) {
        self.config("gpg.format", "ssh");
        self.config("user.signingKey", key);
    }

    /// Signs the file; nothing is left behind.
    #[track_caller]
    pub fn signs(&self) {
        let run = self.sandbox.run(["sign", "-f", FILE]).succeeds();
        assert_eq!(run.stdout, "secret/db signed\n", "{}", run.stderr);
        assert_eq!(run.stderr, "");
        self.left_nothing();
    }

    /// Does not sign: one error, the file as it was, and nothing left behind.
    #[track_caller]
    pub fn does_not_sign(&self) -> String {
        let before = self.sandbox.read(FILE);
        let error = self.sandbox.run(["sign", "-f", FILE]).fails(1);
        assert_eq!(self.sandbox.read(FILE), before);
        self.left_nothing();
        error
    }

    #[track_caller]
    pub fn left_nothing(&self) {
        let left: Vec<_> = std::fs::read_dir(self.home().join("tmp")).expect("there").collect();
        assert!(left.is_empty(), "{left:?}");
    }

    /// Whether `ssh-keygen` alone verifies the first signature as one of this key.
    pub fn is_signed_by(&self, key: &str) -> bool {
        let print = |output| self.sandbox.run(["inspect", "-f", FILE, "-o", output]);
        let statement = print("statement").succeeds().stdout;
        let signature = self.sandbox.write("statement.sig", print("signature").succeeds().stdout);
        let list = format!("me namespaces=\"secret@envcrypt.dev\" {}\n", self.public_key(key));
        let list = self.sandbox.write("signers", list);
        let statement = self.sandbox.write("statement", statement);
        let mut verify = Command::new("ssh-keygen");
        verify.args(["-Y", "verify", "-I", "me", "-n", "secret@envcrypt.dev", "-f"]);
        verify.arg(list).arg("-s").arg(signature);
        verify.stdin(std::fs::File::open(statement).expect("there"));
        verify.stdout(Stdio::null()).stderr(Stdio::null());
        verify.status().expect("ssh-keygen runs").success()
    }
}
