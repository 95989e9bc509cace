//! The contestants: controllers that make Secrets from objects of their own kind.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use kube::core::{ApiResource, GroupVersionKind};

use crate::cluster::{Cluster, Object};
use crate::control_plane::ControlPlane;
use crate::ours::{self, Ours};
use crate::peer::{self, Peer};
use crate::process::Process;
use crate::server::free_port;

/// The only key of each Secret.
pub const KEY: &str = "password";

/// A service account with all rights.
pub struct Account {
    pub namespace: &'static str,
    pub name: &'static str,
}

impl Account {
    pub const ALL: [Self; 2] = [ours::ACCOUNT, peer::ACCOUNT];

    /// The name by which the API server knows it.
    pub fn user(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }

    pub fn create(&self, plane: &ControlPlane) {
        let Self { namespace, name } = self;
        plane.kubectl(["create", "namespace", namespace]).succeeds();
        plane.kubectl(["create", "serviceaccount", name, "-n", namespace]).succeeds();
        let account = format!("--serviceaccount={namespace}:{name}");
        let role = "--clusterrole=cluster-admin";
        plane.kubectl(["create", "clusterrolebinding", name, role, &account]).succeeds();
    }

    pub fn token(&self, plane: &ControlPlane) -> String {
        let args = ["create", "token", self.name, "-n", self.namespace, "--duration=24h"];
        plane.kubectl(args).succeeds().stdout.trim().to_owned()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Ours,
    OursOnKms,
    OursUnlimited,
    SealedSecrets,
    Unlimited,
}

impl Kind {
    pub const ALL: [Self; 5] =
        [Self::Ours, Self::OursOnKms, Self::OursUnlimited, Self::SealedSecrets, Self::Unlimited];

    /// The argument that asks for it.
    pub fn argument(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::OursOnKms => "kms",
            Self::OursUnlimited => "kms-unlimited",
            Self::SealedSecrets => "default",
            Self::Unlimited => "unlimited",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "envcrypt-controller, age",
            Self::OursOnKms => "envcrypt-controller, KMS at 20 ms",
            Self::OursUnlimited => "envcrypt-controller --kms-rate=10000, KMS at 20 ms",
            Self::SealedSecrets => "sealed-secrets",
            Self::Unlimited => "sealed-secrets --kubeclient-qps=-1",
        }
    }

    pub fn is_ours(self) -> bool {
        matches!(self, Self::Ours | Self::OursOnKms | Self::OursUnlimited)
    }

    pub fn account(self) -> Account {
        if self.is_ours() { ours::ACCOUNT } else { peer::ACCOUNT }
    }

    /// The kind of its objects.
    pub fn resource(self) -> ApiResource {
        let (group, kind, plural) = if self.is_ours() {
            ("envcrypt.dev", "EnvcryptSecret", "envcryptsecrets")
        } else {
            ("bitnami.com", "SealedSecret", "sealedsecrets")
        };
        let kind = GroupVersionKind::gvk(group, "v1alpha1", kind);
        ApiResource::from_gvk_with_plural(&kind, plural)
    }

    /// What has to be done before it can take part.
    pub fn missing(self) -> Option<String> {
        if self.is_ours() { ours::missing() } else { peer::missing() }
    }
}

enum Program {
    Ours(Ours),
    Peer(Peer),
}

pub struct Contestant {
    pub kind: Kind,
    program: Program,
    directory: tempfile::TempDir,
    process: Option<Process>,
}

impl Contestant {
    /// Ready to start, with its keys.
    pub fn prepare(cluster: &Cluster, kind: Kind) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().to_owned();
        let program = match kind {
            Kind::Ours => Program::Ours(Ours::with_age(&cluster.plane, path)),
            Kind::OursOnKms => Program::Ours(Ours::with_kms(&cluster.plane, path, &[])),
            Kind::OursUnlimited => {
                Program::Ours(Ours::with_kms(&cluster.plane, path, &["--kms-rate=10000"]))
            }
            Kind::SealedSecrets => Program::Peer(Peer::new(&cluster.plane, path, &[])),
            Kind::Unlimited => {
                Program::Peer(Peer::new(&cluster.plane, path, &["--kubeclient-qps=-1"]))
            }
        };
        let mut contestant = Self { kind, program, directory, process: None };
        if matches!(contestant.program, Program::Peer(_)) {
            // It makes its key when it starts for the first time.
            let port = contestant.launch();
            contestant.wait_for(port, "/v1/cert.pem");
            if let Program::Peer(peer) = &contestant.program {
                peer.save_certificate(&get(port, "/v1/cert.pem").expect("a certificate"));
            }
            contestant.stop();
        }
        contestant
    }

    /// Starts it, and waits until it says that it is alive. Returns when it was started.
    pub fn start(&mut self) -> Instant {
        let started = Instant::now();
        let port = self.launch();
        let path = if self.kind.is_ours() { "/readyz" } else { "/healthz" };
        self.wait_for(port, path);
        started
    }

    /// Starts it and does not wait. Returns the port of its health.
    pub fn launch(&mut self) -> u16 {
        let port = free_port();
        let command = match &self.program {
            Program::Ours(ours) => ours.command(port),
            Program::Peer(peer) => peer.command(port),
        };
        self.process = Some(Process::start(command, &self.log()));
        port
    }

    /// Ends it as the kubelet does.
    pub fn stop(&mut self) {
        self.process.take().expect("it runs").stop();
    }

    /// The memory in use and the most that was in use, in MB.
    pub fn memory(&self) -> [f64; 2] {
        self.process.as_ref().expect("it runs").memory()
    }

    /// The calls to its KMS since the last time.
    pub fn kms_calls(&self) -> usize {
        match &self.program {
            Program::Ours(ours) => ours.kms_calls(),
            Program::Peer(_) => 0,
        }
    }

    /// Seals a value for each name.
    pub fn seal(&self, names: &[String], value: impl Fn(&str) -> String) -> Vec<Object> {
        let values: Vec<_> = names.iter().map(|name| (name.clone(), value(name))).collect();
        match &self.program {
            Program::Ours(ours) => ours.seal(values),
            Program::Peer(peer) => peer.seal(&values),
        }
    }

    /// Waits until this holds, or fails with the end of its log.
    pub fn wait(&self, what: &str, limit: Duration, mut holds: impl FnMut() -> bool) {
        let started = Instant::now();
        while !holds() {
            if started.elapsed() > limit {
                let log = std::fs::read_to_string(self.log()).unwrap_or_default();
                let tail: Vec<&str> = log.lines().rev().take(20).collect();
                let tail: Vec<&str> = tail.into_iter().rev().collect();
                panic!("{}: {what}: not after {limit:?}:\n{}", self.kind.name(), tail.join("\n"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn wait_for(&self, port: u16, path: &str) {
        self.wait(path, Duration::from_secs(60), || get(port, path).is_some());
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }
}

/// The body of a good answer.
fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.split(' ').nth(1).filter(|status| *status == "200").map(|_| body.to_owned())
}
