//! A server of OpenBao, which speaks Vault's API. One for all tests.

use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::programs::find;
use crate::sandbox::{Run, Sandbox};
use crate::server::{Server, free_port, listens, wait_until};

/// The token that may do everything.
pub const ROOT: &str = "root-token";

pub struct Vault {
    pub port: u16,
    folder: tempfile::TempDir,
    _server: Server,
}

/// The one of all tests, started by the first.
pub fn vault() -> &'static Vault {
    static ONE: OnceLock<Option<Vault>> = OnceLock::new();
    let one = ONE.get_or_init(|| std::panic::catch_unwind(Vault::start).ok());
    one.as_ref().expect("OpenBao did not start: see the first failure")
}

impl Vault {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = free_port();
        let log = folder.path().join("vault.log");
        let args = [
            "server".to_owned(),
            "-dev".to_owned(),
            "-dev-no-store-token".to_owned(),
            format!("-dev-root-token-id={ROOT}"),
            format!("-dev-listen-address=127.0.0.1:{port}"),
        ];
        let server = Server::start(&find("bao"), args, &log);
        wait_until("OpenBao", &log, || listens(port));
        let vault = Self { port, folder, _server: server };
        let log = vault.folder.path().join("vault.log");
        wait_until("OpenBao", &log, || vault.bao(["status"]).code == Some(0));
        vault.bao(["secrets", "enable", "transit"]).succeeds();
        vault.bao(["auth", "enable", "approle"]).succeeds();
        vault
    }

    /// Runs OpenBao's own CLI as root.
    pub fn bao<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Run {
        let mut command = Command::new(find("bao"));
        command.env("BAO_ADDR", self.address()).env("BAO_TOKEN", ROOT);
        command.env("HOME", self.folder.path()).args(args);
        Run::from(command.output().expect("bao starts"))
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Makes a key; returns its name.
    pub fn key(&self) -> String {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("key-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.bao(["write", "-f", &format!("transit/keys/{name}")]).succeeds();
        name
    }

    /// A token that may update these paths, and nothing else.
    pub fn token(&self, paths: &[String]) -> String {
        let policy = self.policy(paths);
        self.token_with(&policy)
    }

    /// A token with this policy, and no other one.
    pub fn token_with(&self, policy: &str) -> String {
        let args = ["token", "create", "-field=token", "-no-default-policy", "-policy", policy];
        self.bao(args).succeeds().stdout.trim().to_owned()
    }

    /// A policy that lets update these paths; returns its name.
    pub fn policy(&self, paths: &[String]) -> String {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("policy-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.set_policy(&name, paths);
        name
    }

    /// Replaces a policy by one that lets update these paths.
    pub fn set_policy(&self, name: &str, paths: &[String]) {
        let rule = |path: &String| format!("path \"{path}\" {{ capabilities = [\"update\"] }}\n");
        let text: String = paths.iter().map(rule).collect();
        self.write_policy(name, &(text + "# nothing else\n"));
    }

    /// Writes a policy as it is.
    pub fn write_policy(&self, name: &str, text: &str) {
        let file = self.folder.path().join(name);
        std::fs::write(&file, text).expect("written");
        self.bao(["policy", "write", name, file.to_str().expect("UTF-8")]).succeeds();
    }
}

/// Sets a sandbox up for the server that answers on `port`, as root.
pub fn with_vault(sandbox: Sandbox, port: u16) -> Sandbox {
    sandbox.env("VAULT_ADDR", format!("http://127.0.0.1:{port}")).env("VAULT_TOKEN", ROOT)
}

/// A sandbox that may only open Secrets of the namespace `prod`. Its policy, which gets this name,
/// names the parameters that it allows. So each call has one data key.
pub fn reader(kek: &str, policy: &str, port: u16) -> Sandbox {
    let reader = with_vault(Sandbox::new(), port);
    let text = reader.run(["policy", "reader", "-nprod", "--kek", kek, "-o", "vault"]);
    vault().write_policy(policy, &text.succeeds().stdout);
    reader.env("VAULT_TOKEN", vault().token_with(policy)).env("ENVCRYPT_KEK", kek)
}
