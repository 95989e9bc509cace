//! A proxy in front of the KMS that can be slow, throttle, fail, and hang up;
//! and that counts what was asked.

use std::collections::{HashMap, VecDeque};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What happens to one request.
#[derive(Debug, Clone)]
#[allow(dead_code, reason = "each user needs some of them")]
pub enum Fault {
    /// An answer of this status, with an error of this code.
    Error(u16, &'static str),
    /// The connection is closed without an answer.
    HangUp,
    /// The same, after the KMS did what it was asked.
    HangUpAfter,
    /// As `HangUp`, after this time.
    Stall(Duration),
    /// The answer ends after this many bytes.
    Cut(usize),
    /// These bytes are the answer, whatever they are.
    Say(Vec<u8>),
    /// The answer that another request for the same operation got.
    Swap,
    /// Vault's answers for several data keys, each in the place of another one.
    Shuffle,
}

/// Decides about a request for this operation.
type Decide = Box<dyn FnMut(&str) -> Option<Fault> + Send>;

/// A quota: so many requests a second, and a few at once.
struct Quota {
    a_second: f64,
    burst: f64,
    left: f64,
    since: Instant,
    /// What a request gets that is over it.
    fault: Fault,
    throttled: usize,
}

impl Quota {
    fn take(&mut self) -> Option<Fault> {
        let earned = self.since.elapsed().as_secs_f64() * self.a_second;
        self.since = Instant::now();
        self.left = (self.left + earned).min(self.burst);
        if self.left >= 1.0 {
            self.left -= 1.0;
            return None;
        }
        self.throttled += 1;
        Some(self.fault.clone())
    }
}

#[derive(Default)]
struct State {
    quota: Option<Quota>,
    /// For the next requests, one each.
    next: VecDeque<Fault>,
    /// For every request, once `next` is used up.
    always: Option<Fault>,
    /// For every request that has no other fault.
    decide: Option<Decide>,
    /// The last good answer for each operation, while `decide` is set.
    answers: HashMap<String, Vec<u8>>,
    /// Requests signed for this region get no answer.
    dead_region: Option<String>,
    /// Names outside, and what the emulator knows them by.
    renamed: Vec<(String, String)>,
    delay: Duration,
    operations: Vec<String>,
    under_way: usize,
    most_under_way: usize,
}

pub struct FaultProxy {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

impl FaultProxy {
    /// In front of the server on `upstream`.
    pub fn start(upstream: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = state.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let state = shared.clone();
                std::thread::spawn(move || serve(connection, upstream, &state));
            }
        });
        Self { port, state }
    }

    pub fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.lock().next.extend(faults);
    }

    pub fn always(&self, fault: Fault) {
        self.lock().always = Some(fault);
    }

    /// Decides about each request from now on.
    #[allow(dead_code, reason = "only the torture test does")]
    pub fn decide(&self, decide: impl FnMut(&str) -> Option<Fault> + Send + 'static) {
        self.lock().decide = Some(Box::new(decide));
    }

    /// No fault any more.
    pub fn heal(&self) {
        let mut state = self.lock();
        (state.always, state.decide) = (None, None);
        state.answers.clear();
    }

    pub fn delay(&self, delay: Duration) {
        self.lock().delay = delay;
    }

    /// Allows so many requests a second from now on, and `burst` of them at once. Every other one
    /// gets `fault`, as late as a good answer would come.
    pub fn quota(&self, a_second: u32, burst: u32, fault: Fault) {
        let (a_second, burst) = (a_second.into(), burst.into());
        let since = Instant::now();
        self.lock().quota =
            Some(Quota { a_second, burst, left: burst, since, fault, throttled: 0 });
    }

    /// How many requests were over the quota.
    pub fn throttled(&self) -> usize {
        self.lock().quota.as_ref().map_or(0, |quota| quota.throttled)
    }

    pub fn dead_region(&self, region: &str) {
        self.lock().dead_region = Some(region.to_owned());
    }

    /// Lets what the emulator knows as `inside` have another name, of the same length.
    pub fn rename(&self, outside: &str, inside: &str) {
        assert_eq!(outside.len(), inside.len());
        self.lock().renamed.push((outside.to_owned(), inside.to_owned()));
    }

    /// The operations asked for since the last time, and the most that were under way at once.
    pub fn take(&self) -> (Vec<String>, usize) {
        let mut state = self.lock();
        (std::mem::take(&mut state.operations), std::mem::take(&mut state.most_under_way))
    }

    /// How many requests are under way.
    pub fn under_way(&self) -> usize {
        self.lock().under_way
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no panic in the proxy")
    }
}

/// Answers requests of one connection until it closes.
fn serve(mut client: TcpStream, upstream: u16, state: &Mutex<State>) {
    while let Some(request) = read_message(&mut client) {
        let head = String::from_utf8_lossy(&request).to_lowercase();
        let operation = operation(&head).to_owned();
        let (fault, delay, renamed) = {
            let mut state = state.lock().expect("no panic");
            state.operations.push(operation.clone());
            state.under_way += 1;
            state.most_under_way = state.most_under_way.max(state.under_way);
            let is_dead =
                state.dead_region.as_ref().is_some_and(|r| head.contains(&format!("/{r}/kms/")));
            let fault = if is_dead { Some(Fault::HangUp) } else { state.next.pop_front() };
            let fault = fault.or_else(|| state.quota.as_mut().and_then(Quota::take));
            let fault = fault.or_else(|| state.always.clone());
            let fault = fault.or_else(|| state.decide.as_mut().and_then(|d| d(&operation)));
            (fault, state.delay, state.renamed.clone())
        };
        std::thread::sleep(delay);
        let ask = || {
            forward(&rename(request, &renamed, false), upstream)
                .map(|answer| rename(answer, &renamed, true))
        };
        let (answer, is_last) = match fault {
            Some(Fault::Swap) => (swapped(state, &operation, ask()), false),
            fault => with_fault(fault, ask),
        };
        let mut state = state.lock().expect("no panic");
        state.under_way -= 1;
        if let Some(answer) = answer.as_ref().filter(|_| state.decide.is_some()) {
            state.answers.insert(operation, answer.clone());
        }
        drop(state);
        match answer {
            Some(answer) if client.write_all(&answer).is_ok() && !is_last => {}
            _ => return,
        }
    }
}

/// The answer to a request with this fault, and whether the connection ends with it.
fn with_fault(
    fault: Option<Fault>,
    ask: impl FnOnce() -> Option<Vec<u8>>,
) -> (Option<Vec<u8>>, bool) {
    let answer = match fault {
        None => return (ask(), false),
        Some(Fault::Error(status, code)) => return (Some(error(status, code)), false),
        Some(Fault::Shuffle) => return (ask().map(shuffled), false),
        Some(Fault::HangUp | Fault::Swap) => None,
        Some(Fault::HangUpAfter) => ask().and(None),
        Some(Fault::Stall(time)) => {
            std::thread::sleep(time);
            None
        }
        Some(Fault::Cut(size)) => ask().map(|mut answer| {
            answer.truncate(size);
            answer
        }),
        Some(Fault::Say(bytes)) => Some(bytes),
    };
    (answer, true)
}

/// An error as AWS words it, and as Vault does.
fn error(status: u16, code: &str) -> Vec<u8> {
    let body =
        format!(r#"{{"__type":"{code}","message":"by the fault proxy","errors":["{code}"]}}"#);
    let head = format!(
        "HTTP/1.1 {status} Fault\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

/// The answer that another request got. The first one gets its own.
fn swapped(state: &Mutex<State>, operation: &str, own: Option<Vec<u8>>) -> Option<Vec<u8>> {
    let state = state.lock().expect("no panic");
    state.answers.get(operation).cloned().or(own)
}

/// Gives each data key of an answer to the one before it.
fn shuffled(answer: Vec<u8>) -> Vec<u8> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return answer };
    let parsed = serde_json::from_slice::<serde_json::Value>(&answer[end + 4..]);
    let Ok(mut json) = parsed else { return answer };
    let results = json.pointer_mut("/data/batch_results").and_then(|all| all.as_array_mut());
    if let Some(results) = results {
        results.rotate_left(1);
    }
    let body = json.to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

/// The operation of AWS KMS, or of Vault's transit engine.
fn operation(head: &str) -> &str {
    let line = match head.split_once("x-amz-target: trentservice.") {
        Some((_, operation)) => operation,
        None => head.split(' ').nth(1).and_then(|path| path.split('/').nth(3)).unwrap_or(""),
    };
    line.lines().next().unwrap_or("")
}

fn rename(message: Vec<u8>, names: &[(String, String)], outwards: bool) -> Vec<u8> {
    let mut text = String::from_utf8(message).expect("JSON over HTTP/1.1");
    for (outside, inside) in names {
        let (from, to) = if outwards { (inside, outside) } else { (outside, inside) };
        text = text.replace(from, to);
    }
    text.into_bytes()
}

fn forward(request: &[u8], upstream: u16) -> Option<Vec<u8>> {
    let mut server = TcpStream::connect(("127.0.0.1", upstream)).ok()?;
    server.write_all(request).ok()?;
    read_message(&mut server)
}

/// One HTTP/1.1 message: the head, and as much body as `Content-Length` says, or all chunks.
fn read_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    let mut byte = [0];
    while !message.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        message.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&message).to_lowercase();
    if head.contains("transfer-encoding: chunked") {
        while !message.ends_with(b"\r\n0\r\n\r\n") {
            stream.read_exact(&mut byte).ok()?;
            message.push(byte[0]);
        }
        return Some(message);
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let mut body = vec![0; length.and_then(|text| text.trim().parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    message.extend(body);
    Some(message)
}
