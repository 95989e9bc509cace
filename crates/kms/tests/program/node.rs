//! A server of this program, with a directory of its own.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use age::secrecy::ExposeSecret;
use envcrypt_core::kek::k8skms::protocol::{
    DecryptRequest, EncryptRequest, EncryptResponse, Plugin,
};
use tonic::Status;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_envcrypt-kms");

/// An age key, with its identity file.
pub struct AgeKey {
    folder: tempfile::TempDir,
    pub recipient: String,
}

impl AgeKey {
    pub fn new() -> Self {
        let identity = age::x25519::Identity::generate();
        let folder = tempfile::tempdir().expect("a directory");
        let text = identity.to_string().expose_secret().to_owned();
        write_private(&folder.path().join("identity"), &text);
        Self { folder, recipient: identity.to_public().to_string() }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("identity")
    }

    /// The entry of a configuration.
    pub fn entry(&self) -> String {
        format!("{{kek: 'age:{}', identity: {}}}", self.recipient, self.path().display())
    }

    pub fn escrow(&self) -> String {
        format!("{{kek: 'age:{}', escrow: true}}", self.recipient)
    }
}

/// A server, or the place of one that does not run.
pub struct Node {
    pub folder: tempfile::TempDir,
    child: Option<Child>,
}

impl Node {
    /// Starts a server with these KEKs and further lines of configuration.
    pub fn start(keks: &[&str], more: &str) -> Self {
        let mut node = Self::prepare(keks, more);
        node.run();
        node
    }

    /// The configuration of a server that is not started.
    pub fn prepare(keks: &[&str], more: &str) -> Self {
        let node = Self { folder: tempfile::tempdir().expect("a directory"), child: None };
        node.configure(keks, more);
        node
    }

    pub fn configure(&self, keks: &[&str], more: &str) {
        let mut text = String::new();
        if !more.contains("cluster:") {
            text.push_str("cluster: test\n");
        }
        if !more.contains("socket:") {
            let _ = writeln!(
                text,
                "socket: {{path: {}, allowUids: [{}]}}",
                self.socket().display(),
                nix::unistd::getuid()
            );
        }
        if !more.contains("listen:") {
            let _ = writeln!(text, "listen: unix:{}", self.path("http.sock").display());
        }
        if !more.contains("probe:") {
            text.push_str("probe: {every: 100ms, whenDown: 50ms}\n");
        }
        text.push_str("keks:\n");
        for kek in keks {
            let _ = writeln!(text, "- {kek}");
        }
        text.push_str(more);
        write_private(&self.config(), &text);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn socket(&self) -> PathBuf {
        self.path("kms.sock")
    }

    pub fn config(&self) -> PathBuf {
        self.path("kms.yaml")
    }

    /// This server as a KEK of another.
    pub fn kek(&self) -> String {
        format!("k8skms://{}", self.socket().display())
    }

    /// Starts the server, and waits until it listens.
    pub fn run(&mut self) {
        let log = fs::File::options().create(true).append(true).open(self.path("log"));
        let mut command = Command::new(PROGRAM);
        command.arg("serve").arg("--config").arg(self.config()).args(["--log-level", "debug"]);
        command.stderr(log.expect("a log"));
        self.child = Some(command.spawn().expect("it starts"));
        self.wait("listening", |node| {
            std::os::unix::net::UnixStream::connect(node.socket()).is_ok()
        });
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let child = self.child.as_ref().expect("it runs");
        let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
        nix::sys::signal::kill(pid, signal).expect("a signal");
    }

    /// Ends the server without a chance to clean up.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("killed");
        child.wait().expect("gone");
    }

    /// Ends the server as the system does.
    pub fn terminate(&mut self) -> i32 {
        self.signal(nix::sys::signal::Signal::SIGTERM);
        let status = self.child.take().expect("it runs").wait().expect("gone");
        status.code().unwrap_or(-1)
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Waits until this holds.
    #[track_caller]
    pub fn wait(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let began = Instant::now();
        while !holds(self) {
            assert!(began.elapsed() < Duration::from_secs(20), "not {what}:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    pub fn wait_ready(&self) -> String {
        self.wait("ready", |node| node.status().is_ok());
        self.status().expect("ready")
    }

    /// Reads another configuration, and waits until it is in use.
    #[track_caller]
    pub fn reconfigure(&self, keks: &[&str], more: &str) {
        let count = |node: &Self| node.log().matches("the new configuration is in use").count();
        let before = count(self);
        self.configure(keks, more);
        self.signal(nix::sys::signal::Signal::SIGHUP);
        self.wait("reconfigured", |node| count(node) > before);
    }

    /// The key id, or the error.
    pub fn status(&self) -> Result<String, Status> {
        call(self.socket(), async |plugin| {
            let status = plugin.status().await?;
            assert_eq!((status.version.as_str(), status.healthz.as_str()), ("v2", "ok"));
            Ok(status.key_id)
        })
    }

    /// The version of the protocol, or the error.
    pub fn version(&self) -> Result<String, Status> {
        call(self.socket(), async |plugin| Ok(plugin.status().await?.version))
    }

    pub fn encrypt(&self, seed: &[u8]) -> Result<EncryptResponse, Status> {
        let request = EncryptRequest { plaintext: seed.to_vec(), uid: "the-uid".to_owned() };
        call(self.socket(), async |plugin| plugin.encrypt(request).await)
    }

    pub fn decrypt(&self, sealed: &EncryptResponse) -> Result<Vec<u8>, Status> {
        let sealed = sealed.clone();
        let request = DecryptRequest {
            ciphertext: sealed.ciphertext,
            uid: "the-uid".to_owned(),
            key_id: sealed.key_id,
            annotations: sealed.annotations,
        };
        call(self.socket(), async |plugin| Ok(plugin.decrypt(request).await?.plaintext))
    }

    /// A page of the listener for metrics and health: the status and the text.
    pub fn page(&self, path: &str) -> (u16, String) {
        use std::io::{Read, Write};
        let socket = self.path("http.sock");
        let mut stream = std::os::unix::net::UnixStream::connect(socket).expect("connected");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("read");
        let status = text.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        (status, text.split_once("\r\n\r\n").expect("a body").1.to_owned())
    }

    /// The value of a metric.
    pub fn metric(&self, name: &str) -> u64 {
        let (_, text) = self.page("/metrics");
        let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        found.unwrap_or_else(|| panic!("no {name}:\n{text}")).parse().expect("a number")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn call<T>(
    socket: PathBuf,
    call: impl AsyncFnOnce(Plugin) -> Result<T, Status>,
) -> Result<T, Status> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async { call(Plugin::at(&socket, Duration::from_secs(3))).await })
}

pub fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    let new = path.with_extension("new");
    fs::write(&new, text).expect("written");
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).expect("closed");
    fs::rename(new, path).expect("renamed");
}

/// Runs a command of the program.
pub fn command<'a>(args: impl IntoIterator<Item = &'a str>, input: &[u8]) -> Output {
    use std::io::Write;
    let mut child = Command::new(PROGRAM)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    child.wait_with_output().expect("it ends")
}

pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}
