//! A proxy in front of kube-apiserver that sees each request, and can drop, delay or answer it.
//! `kubectl proxy` takes TLS and the login away first.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::control_plane::ControlPlane;
use crate::programs::find;
use crate::server::{Server, free_port, listens, wait_until};

/// A request as the proxy sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// The path with the query.
    pub path: String,
    /// `accept` and `content-type`.
    #[allow(dead_code, reason = "only a benchmark sends them again")]
    pub headers: Vec<(&'static str, String)>,
    #[allow(dead_code, reason = "only a benchmark sends it again")]
    pub body: Vec<u8>,
}

impl Request {
    /// Whether it changes something.
    pub fn is_write(&self) -> bool {
        self.method != "GET"
    }

    pub fn is_watch(&self) -> bool {
        self.path.contains("watch=true") || self.path.contains("watch=1")
    }
}

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(dead_code, reason = "each test needs some of them")]
pub enum Action {
    Pass,
    /// The connection is closed, and the server never sees the request.
    Drop,
    /// The server answers, and the client never sees the answer.
    DropAnswer,
    /// An answer with this status.
    Answer(u16),
    /// The answer ends after this many bytes.
    Cut(usize),
    /// As `Drop`, after this time.
    Stall(Duration),
    /// These bytes are the answer, whatever they are.
    Say {
        bytes: Vec<u8>,
        is_seen: bool,
    },
    /// The server sees the request. The client gets what this path has instead.
    AnswerOf(String),
}

type Decide = Box<dyn FnMut(&Request) -> Action + Send>;

#[derive(Default)]
struct State {
    decide: Option<Decide>,
    seen: Vec<Request>,
    /// The connections of watches.
    watches: Vec<TcpStream>,
    /// How many connections are open.
    connections: usize,
}

pub struct ApiProxy {
    folder: tempfile::TempDir,
    state: Arc<Mutex<State>>,
    port: u16,
    /// The same API server without this proxy: it needs no TLS and no login.
    #[allow(dead_code, reason = "only the torture test asks there")]
    pub upstream: u16,
    _proxy: Server,
}

impl ApiProxy {
    /// In front of this kube-apiserver, as this user of its kubeconfigs.
    pub fn start(plane: &ControlPlane, user: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (proxy, upstream) = kubectl_proxy(plane, user, folder.path());
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = state.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = shared.clone();
                shared.lock().expect("no panic").connections += 1;
                std::thread::spawn(move || {
                    serve(client, upstream, &shared);
                    shared.lock().expect("no panic").connections -= 1;
                });
            }
        });
        std::fs::write(folder.path().join("kubeconfig"), plain_kubeconfig(port)).expect("written");
        Self { folder, state, port, upstream, _proxy: proxy }
    }

    /// The kubeconfig file of a client that goes through the proxy.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// Decides about each request from now on.
    pub fn decide(&self, decide: impl FnMut(&Request) -> Action + Send + 'static) {
        self.state.lock().expect("no panic").decide = Some(Box::new(decide));
    }

    /// Lets every request pass.
    pub fn heal(&self) {
        self.state.lock().expect("no panic").decide = None;
    }

    /// Waits until the server has seen all that clients sent which do not run any more.
    #[allow(dead_code, reason = "only the torture test kills clients")]
    pub fn settle(&self) {
        // It comes after the connections that are not accepted yet.
        let mut last = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        let _ = last.shutdown(Shutdown::Write);
        let _ = last.read(&mut [0]);
        while self.state.lock().expect("no panic").connections > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends every watch that is under way.
    pub fn cut_watches(&self) {
        for watch in self.state.lock().expect("no panic").watches.drain(..) {
            let _ = watch.shutdown(Shutdown::Both);
        }
    }

    /// The requests since the last time.
    pub fn take(&self) -> Vec<Request> {
        std::mem::take(&mut self.state.lock().expect("no panic").seen)
    }
}

/// Starts `kubectl proxy` as this user of the kubeconfigs. Returns its port, which needs no TLS and no
/// login.
pub fn kubectl_proxy(plane: &ControlPlane, user: &str, folder: &Path) -> (Server, u16) {
    let (port, log) = (free_port(), folder.join("log"));
    let args = [
        "proxy".to_owned(),
        format!("--kubeconfig={}", plane.kubeconfig(user).display()),
        format!("--port={port}"),
        "--reject-paths=^$".to_owned(),
    ];
    let proxy = Server::start(&find("kubectl"), args, &log);
    wait_until("kubectl proxy", &log, || listens(port));
    (proxy, port)
}

/// A kubeconfig for a port that needs no TLS and no login.
pub fn plain_kubeconfig(port: u16) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
         clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:{port}'}}}}]\n\
         users: [{{name: c, user: {{}}}}]\ncontexts: [{{name: c, context: {{cluster: c, user: c}}}}]\n"
    )
}

/// Answers the one request of a connection.
fn serve(mut client: TcpStream, upstream: u16, state: &Mutex<State>) -> Option<()> {
    let (request, head) = read_request(&mut client)?;
    let action = {
        let mut state = state.lock().expect("no panic");
        state.seen.push(request.clone());
        let action = state.decide.as_mut().map_or(Action::Pass, |decide| decide(&request));
        if request.is_watch() && action == Action::Pass {
            state.watches.extend(client.try_clone());
        }
        action
    };
    let ask = || ask(upstream, &head, &request.body);
    match action {
        Action::Drop => return None,
        Action::Stall(time) => {
            std::thread::sleep(time);
            return None;
        }
        Action::DropAnswer => return swallow(ask()?),
        Action::Answer(status) => {
            let text =
                format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            return client.write_all(text.as_bytes()).ok();
        }
        Action::Say { bytes, is_seen } => {
            if is_seen {
                swallow(ask()?);
            }
            client.write_all(&bytes).ok()?;
        }
        Action::AnswerOf(path) => {
            swallow(ask()?);
            let head =
                format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: application/json");
            relay(self::ask(upstream, &head, b"")?, &mut client, usize::MAX)?;
        }
        Action::Cut(size) => relay(ask()?, &mut client, size)?,
        Action::Pass => relay(ask()?, &mut client, usize::MAX)?,
    }
    client.shutdown(Shutdown::Both).ok()
}

/// Sends a request on a connection of its own: then an answer ends with its connection.
fn ask(upstream: u16, head: &str, body: &[u8]) -> Option<TcpStream> {
    let mut server = TcpStream::connect(("127.0.0.1", upstream)).ok()?;
    let lines = head.split("\r\n").filter(|line| !line.to_lowercase().starts_with("connection:"));
    let head = lines.collect::<Vec<_>>().join("\r\n");
    server.write_all(format!("{head}\r\nconnection: close\r\n\r\n").as_bytes()).ok()?;
    server.write_all(body).ok()?;
    Some(server)
}

/// Waits for an answer that nobody gets.
fn swallow(mut server: TcpStream) -> Option<()> {
    server.read_to_end(&mut Vec::new()).ok().map(drop)
}

/// Passes an answer on, at most this many bytes of it.
fn relay(mut server: TcpStream, client: &mut TcpStream, mut left: usize) -> Option<()> {
    let mut buffer = [0; 16384];
    while left > 0 {
        let size = server.read(&mut buffer).ok()?;
        if size == 0 {
            break;
        }
        client.write_all(&buffer[..size.min(left)]).ok()?;
        left = left.saturating_sub(size);
    }
    Some(())
}

fn read_request(client: &mut TcpStream) -> Option<(Request, String)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16384];
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        let size = client.read(&mut buffer).ok().filter(|size| *size > 0)?;
        bytes.extend_from_slice(&buffer[..size]);
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let header = |name: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, text)| text.trim())
    };
    let length: usize = header("content-length").map_or(Some(0), |text| text.parse().ok())?;
    let mut body = bytes[end + 4..].to_vec();
    while body.len() < length {
        let size = client.read(&mut buffer).ok().filter(|size| *size > 0)?;
        body.extend_from_slice(&buffer[..size]);
    }
    let mut words = head.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let kept = ["accept", "content-type"].into_iter();
    let headers = kept.filter_map(|name| Some((name, header(name)?.to_owned()))).collect();
    Some((Request { method, path, headers, body }, head))
}
