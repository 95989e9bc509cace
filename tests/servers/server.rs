//! A server that ends with the tests, however they end.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server. A shell watches a pipe that closes when this process ends, and then ends the
/// server by its process id. If this process ended first, it also removes the directory of the
/// server: a server that all tests share is never dropped, and nor is its directory.
pub struct Server {
    watch: Child,
}

impl Server {
    /// Starts `program`; what it prints goes to `log`, in a temporary directory.
    pub fn start<A: AsRef<OsStr>>(
        program: &Path,
        args: impl IntoIterator<Item = A>,
        log: &Path,
    ) -> Self {
        let directory = log.parent().expect("a directory");
        let all = std::env::temp_dir();
        assert!(directory.starts_with(&all) && directory != all, "{}", directory.display());
        let output = File::create(log).expect("a log");
        let mut command = Command::new("sh");
        command.args([
            "-c",
            r#""$@" </dev/null & server=$!; word=$(cat); kill -9 $server; wait $server 2>/dev/null
            [ "$word" = keep ] || rm -rf "$0""#,
        ]);
        command.arg(directory).arg(program).args(args);
        command.stdin(Stdio::piped()).stdout(output.try_clone().expect("a log")).stderr(output);
        Self { watch: command.spawn().expect("a shell") }
    }

    /// Ends the server now, and waits until it is gone.
    #[allow(dead_code, reason = "the benchmarks do not use it")]
    pub fn stop(mut self) {
        self.end();
        self.watch.wait().expect("the shell ends");
    }

    /// Lets the shell end the server, and keep its directory: the next one may need it.
    fn end(&mut self) {
        if let Some(mut pipe) = self.watch.stdin.take() {
            let _ = pipe.write_all(b"keep");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// A port of the loopback address that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|l| l.local_addr())
        .map(|a| a.port())
        .expect("a port")
}

/// Waits until `ready`, or fails with the end of the log.
pub fn wait_until(what: &str, log: &Path, mut ready: impl FnMut() -> bool) {
    let started = Instant::now();
    while !ready() {
        if started.elapsed() > Duration::from_secs(60) {
            let log = std::fs::read_to_string(log).unwrap_or_default();
            let tail: Vec<_> = log.lines().rev().take(20).collect();
            panic!(
                "{what} did not start:\n{}",
                tail.into_iter().rev().collect::<Vec<_>>().join("\n")
            );
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether somebody listens there.
pub fn listens(port: u16) -> bool {
    TcpStream::connect_timeout(
        &SocketAddr::from(([127, 0, 0, 1], port)),
        Duration::from_millis(200),
    )
    .is_ok()
}

/// The whole answer to a GET, with its head.
#[allow(dead_code, reason = "the benchmarks do not use it")]
pub fn http_get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    answer
}
