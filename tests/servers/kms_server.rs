//! `envcrypt-kms` as a process.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use envcrypt_core::kek::k8skms::protocol::{
    DecryptRequest, EncryptRequest, EncryptResponse, Plugin,
};

use crate::server::wait_until;

/// The program, which `cargo test --workspace` builds beside the plugin.
pub fn program() -> PathBuf {
    let program = Path::new(crate::sandbox::PROGRAM).with_file_name("envcrypt-kms");
    assert!(program.is_file(), "`cargo build --workspace` builds envcrypt-kms for this test");
    program
}

/// As long as kube-apiserver waits.
const LIMIT: Duration = Duration::from_secs(3);

/// A server, with a directory of its own.
pub struct KmsServer {
    folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
    child: Option<Child>,
}

impl KmsServer {
    /// Starts a server with these lines under `keks` and further lines.
    pub fn start(keks: &[String], more: &str, environment: &[(&str, String)]) -> Self {
        let mut server = Self::prepare(keks, more, environment);
        server.run();
        server
    }

    /// A server that does not run yet.
    pub fn prepare(keks: &[String], more: &str, environment: &[(&str, String)]) -> Self {
        let owned = |(name, value): &(&str, String)| ((*name).to_owned(), value.clone());
        let environment = environment.iter().map(owned).collect();
        let folder = tempfile::tempdir().expect("a folder");
        let server = Self { folder, environment, child: None };
        server.configure(keks, more);
        server
    }

    pub fn configure(&self, keks: &[String], more: &str) {
        let keks: String = keks.iter().map(|kek| format!("- {kek}\n")).collect();
        let text = format!(
            "cluster: test\nsocket: {{path: {}, allowUids: [{}]}}\nlisten: unix:{}\n\
             probe: {{every: 1s, whenDown: 200ms}}\nkeks:\n{keks}{more}",
            self.socket().display(),
            nix::unistd::getuid(),
            self.path("http.sock").display(),
        );
        let new = self.path("kms.yaml.new");
        std::fs::write(&new, text).expect("written");
        std::fs::rename(new, self.path("kms.yaml")).expect("renamed");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn socket(&self) -> PathBuf {
        self.path("kms.sock")
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Starts the server, and waits until it listens.
    pub fn run(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(self.path("log"));
        let mut command = Command::new(program());
        command.args(["serve", "--log-level", "debug", "--config"]).arg(self.path("kms.yaml"));
        command.env_clear().env("HOME", self.folder.path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        self.child = Some(command.stderr(log.expect("a log")).spawn().expect("it starts"));
        let socket = self.socket();
        wait_until("envcrypt-kms", &self.path("log"), || {
            std::os::unix::net::UnixStream::connect(&socket).is_ok()
        });
    }

    /// Ends the server as `kill -9` does.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("killed");
        child.wait().expect("gone");
    }

    /// The key id, or the error.
    pub fn status(&self) -> Result<String, String> {
        let socket = self.socket();
        let status = crate::kms::block_on(async move {
            Plugin::at(&socket, Duration::from_secs(3)).status().await
        });
        status.map(|status| status.key_id).map_err(|status| status.message().to_owned())
    }

    pub fn encrypt(&self, seed: &[u8]) -> Result<EncryptResponse, String> {
        let request = EncryptRequest { plaintext: seed.to_vec(), uid: "test".to_owned() };
        let plugin = async { Plugin::at(&self.socket(), LIMIT).encrypt(request).await };
        crate::kms::block_on(plugin).map_err(|status| status.message().to_owned())
    }

    pub fn decrypt(&self, sealed: &EncryptResponse) -> Result<Vec<u8>, String> {
        let sealed = sealed.clone();
        let request = DecryptRequest {
            ciphertext: sealed.ciphertext,
            uid: "test".to_owned(),
            key_id: sealed.key_id,
            annotations: sealed.annotations,
        };
        let plugin = async { Plugin::at(&self.socket(), LIMIT).decrypt(request).await };
        let opened = crate::kms::block_on(plugin).map_err(|status| status.message().to_owned());
        Ok(opened?.plaintext)
    }

    #[track_caller]
    pub fn wait_ready(&self) -> String {
        wait_until("envcrypt-kms", &self.path("log"), || self.status().is_ok());
        self.status().expect("ready")
    }

    /// Waits until the key id, or the error, is such.
    #[track_caller]
    pub fn wait_status(&self, holds: impl Fn(&Result<String, String>) -> bool) {
        wait_until("the status of envcrypt-kms", &self.path("log"), || holds(&self.status()));
    }
}

impl Drop for KmsServer {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
