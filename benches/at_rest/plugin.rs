//! The contestants: KMS v2 plugins, each with a KMS of its own to count the calls at.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use envcrypt_core::kek::k8skms::protocol;

use crate::fault_proxy::FaultProxy;
use crate::process::Process;
use crate::programs::find;
use crate::server::free_port;
use crate::slow_kms::{ARN, REGION, SlowKms};
use crate::vault::{ROOT, vault};

/// The variables that name peers which no registry has.
const AWS_PEER: &str = "PEER_AWS_ENCRYPTION_PROVIDER";
const VAULT_PEER: &str = "PEER_VAULT_KUBERNETES_KMS";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Ours,
    OursOnVault,
    /// On the server library of `k8s.io/kms`. Its key is in its memory: it calls no KMS.
    Reference,
    AwsEncryptionProvider,
    VaultKubernetesKms,
}

impl Kind {
    /// This project's plugin, and the peers that are here.
    pub fn all() -> Vec<Self> {
        let mut kinds = vec![Self::Ours, Self::Reference];
        let peers =
            [(AWS_PEER, Self::AwsEncryptionProvider), (VAULT_PEER, Self::VaultKubernetesKms)];
        kinds.extend(peers.into_iter().filter(|(name, _)| peer(name).is_some()).map(|(_, k)| k));
        kinds
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "envcrypt-kms",
            Self::OursOnVault => "envcrypt-kms, OpenBao",
            Self::Reference => "reference plugin",
            Self::AwsEncryptionProvider => "aws-encryption-provider",
            Self::VaultKubernetesKms => "vault-kubernetes-kms",
        }
    }

    pub fn program(self) -> PathBuf {
        match self {
            Self::Ours | Self::OursOnVault => ours(),
            Self::Reference => find("plugin"),
            Self::AwsEncryptionProvider => peer(AWS_PEER).expect("it is here"),
            Self::VaultKubernetesKms => peer(VAULT_PEER).expect("it is here"),
        }
    }
}

/// Says which peers are skipped.
pub fn tell_missing() {
    for name in [AWS_PEER, VAULT_PEER] {
        if peer(name).is_none() {
            println!("{name} does not name a program: this peer is skipped");
        }
    }
}

fn peer(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_file())
}

fn ours() -> PathBuf {
    let program = Path::new(crate::sandbox::PROGRAM).with_file_name("envcrypt-kms");
    assert!(
        program.is_file(),
        "`cargo build --release -p envcrypt-kms` builds {program:?} for this"
    );
    program
}

/// What a plugin calls.
pub enum Kms {
    Aws(SlowKms),
    Vault(FaultProxy),
    None,
}

impl Kms {
    /// How long it takes to answer.
    pub fn delay(&self, delay: Duration) {
        match self {
            Self::Aws(kms) => kms.delay(delay),
            Self::Vault(proxy) => proxy.delay(delay),
            Self::None => {}
        }
    }

    /// The calls since the last time.
    pub fn calls(&self) -> usize {
        match self {
            Self::Aws(kms) => kms.calls(),
            Self::Vault(proxy) => proxy.take().0.len(),
            Self::None => 0,
        }
    }
}

pub struct Plugin {
    pub kind: Kind,
    pub kms: Kms,
    directory: tempfile::TempDir,
    /// For probes of the kubelet.
    port: u16,
    /// The key of Vault.
    key: String,
    process: Option<Process>,
}

impl Plugin {
    pub fn start(kind: Kind) -> Self {
        Self::start_with(kind, "")
    }

    /// Starts a plugin with more lines in the configuration, if it is this project's own.
    pub fn start_with(kind: Kind, more: &str) -> Self {
        let (kms, key) = match kind {
            Kind::Reference => (Kms::None, String::new()),
            Kind::Ours | Kind::AwsEncryptionProvider => (Kms::Aws(SlowKms::start()), String::new()),
            Kind::OursOnVault | Kind::VaultKubernetesKms => {
                (Kms::Vault(FaultProxy::start(vault().port)), vault().key())
            }
        };
        let directory = tempfile::tempdir().expect("a directory");
        let mut plugin = Self { kind, kms, directory, port: free_port(), key, process: None };
        if matches!(kind, Kind::Ours | Kind::OursOnVault) {
            plugin.configure(more);
        }
        plugin.restart();
        plugin.wait_ready();
        plugin
    }

    /// Starts the program, after it was ended if it ran. Returns how long it took to listen.
    pub fn restart(&mut self) -> Duration {
        self.process = None;
        // Some refuse to start while the file of the socket is there.
        let _ = std::fs::remove_file(self.socket());
        let started = Instant::now();
        self.process = Some(Process::start(self.command(), &self.path("log")));
        self.wait(&started, || UnixStream::connect(self.socket()).is_ok());
        started.elapsed()
    }

    /// Waits until `Status` is good.
    pub fn wait_ready(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let is_good = || {
            runtime.block_on(async {
                self.client().status().await.is_ok_and(|status| status.healthz == "ok")
            })
        };
        self.wait(&Instant::now(), is_good);
    }

    fn wait(&self, started: &Instant, mut ready: impl FnMut() -> bool) {
        while !ready() {
            if started.elapsed() > Duration::from_secs(30) {
                let log = std::fs::read_to_string(self.path("log")).unwrap_or_default();
                panic!("{} does not start:\n{log}", self.kind.name());
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    pub fn process(&self) -> &Process {
        self.process.as_ref().expect("it runs")
    }

    pub fn socket(&self) -> PathBuf {
        self.path("kms.sock")
    }

    /// A client over one connection, as kube-apiserver has. It needs a runtime.
    pub fn client(&self) -> protocol::Plugin {
        protocol::Plugin::at(&self.socket(), Duration::from_secs(10))
    }

    /// What a kubelet probes, as each project's own manifest says: this asks once.
    pub fn probe(&self) {
        let paths: &[&str] = match self.kind {
            Kind::Ours | Kind::OursOnVault => &["/livez"],
            Kind::Reference => &[],
            Kind::AwsEncryptionProvider => &["/healthz"],
            Kind::VaultKubernetesKms => &["/health", "/live"],
        };
        for path in paths {
            let request =
                format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            let answer = match self.kind {
                Kind::Ours | Kind::OursOnVault => {
                    exchange(UnixStream::connect(self.path("http.sock")), &request)
                }
                _ => exchange(std::net::TcpStream::connect(("127.0.0.1", self.port)), &request),
            };
            assert!(answer.starts_with("HTTP/1.1 200"), "{}: {answer}", self.kind.name());
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn kms_address(&self) -> String {
        let port = match &self.kms {
            Kms::Aws(kms) => kms.port,
            Kms::Vault(proxy) => proxy.port,
            Kms::None => 0,
        };
        format!("http://127.0.0.1:{port}")
    }

    fn configure(&self, more: &str) {
        std::fs::write(self.path("token"), ROOT).expect("written");
        let kek = match self.kind {
            Kind::OursOnVault => format!(
                "{{kek: 'hashivault://{}', address: '{}', login: {{token: {{file: {}}}}}}}",
                self.key,
                self.kms_address(),
                self.path("token").display(),
            ),
            _ => format!("awskms:///{ARN}"),
        };
        let text = format!(
            "cluster: bench\nsocket: {{path: {}, allowUids: [{}]}}\nlisten: unix:{}\nkeks:\n- {kek}\n{more}",
            self.socket().display(),
            nix::unistd::getuid(),
            self.path("http.sock").display(),
        );
        std::fs::write(self.path("kms.yaml"), text).expect("written");
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.kind.program());
        command.env_clear().env("HOME", self.directory.path());
        command.env("AWS_ENDPOINT_URL_KMS", self.kms_address());
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        let socket = self.socket().display().to_string();
        let port = self.port;
        let args = match self.kind {
            Kind::Ours | Kind::OursOnVault => {
                let config = self.path("kms.yaml").display().to_string();
                vec!["serve".to_owned(), format!("--config={config}")]
            }
            Kind::Reference => vec![
                format!("-socket={socket}"),
                format!("-orders={}", self.path("orders").display()),
            ],
            Kind::AwsEncryptionProvider => vec![
                format!("--listen={socket}"),
                format!("--key={ARN}"),
                format!("--region={REGION}"),
                format!("--kms-endpoint={}", self.kms_address()),
                format!("--health-port=127.0.0.1:{port}"),
                "--health-kms-version=v2".to_owned(),
            ],
            Kind::VaultKubernetesKms => vec![
                format!("-socket=unix://{socket}"),
                format!("-vault-address={}", self.kms_address()),
                "-auth-method=token".to_owned(),
                format!("-token={ROOT}"),
                format!("-transit-key={}", self.key),
                format!("-health-port={port}"),
            ],
        };
        command.args(args);
        command
    }
}

fn exchange<S: std::io::Read + std::io::Write>(
    stream: std::io::Result<S>,
    request: &str,
) -> String {
    let mut stream = stream.expect("it listens");
    stream.write_all(request.as_bytes()).expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("read");
    answer
}
