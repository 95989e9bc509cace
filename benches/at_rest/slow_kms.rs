//! A stand-in for AWS KMS that answers after the time it is told, and counts the calls.
//!
//! The emulator of the tests needs 2 ms for a call and serves one at a time. The figures would be
//! its own, not those of the plugins in front of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

pub const REGION: &str = "eu-west-1";
/// Its only key.
pub const ARN: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
/// How much longer than its plaintext a ciphertext of AWS KMS is, in bytes.
const OVERHEAD: usize = 152;

#[derive(Default)]
struct State {
    delay_micros: AtomicU64,
    calls: AtomicUsize,
}

pub struct SlowKms {
    pub port: u16,
    state: Arc<State>,
}

impl SlowKms {
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state: Arc<State> = Arc::default();
        let shared = state.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let state = shared.clone();
                std::thread::spawn(move || serve(connection, &state));
            }
        });
        Self { port, state }
    }

    pub fn delay(&self, delay: Duration) {
        let micros = u64::try_from(delay.as_micros()).expect("short");
        self.state.delay_micros.store(micros, Ordering::Relaxed);
    }

    /// The calls since the last time.
    pub fn calls(&self) -> usize {
        self.state.calls.swap(0, Ordering::Relaxed)
    }
}

/// Answers the requests of one connection until it closes.
fn serve(stream: TcpStream, state: &State) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    loop {
        let (operation, body) = read_request(&mut reader)?;
        state.calls.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_micros(state.delay_micros.load(Ordering::Relaxed)));
        let body = answer(&operation, &body).to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        writer.write_all(&[head, body].concat().into_bytes()).ok()?;
    }
}

/// The operation and the body of a request.
fn read_request(reader: &mut BufReader<TcpStream>) -> Option<(String, Value)> {
    let (mut operation, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        let Some((name, value)) = line.split_once(": ") else {
            match line {
                "" => break,
                _ => continue,
            }
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "x-amz-target" => value.rsplit('.').next()?.clone_into(&mut operation),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((operation, serde_json::from_slice(&body).ok()?))
}

/// What its key makes of a plaintext.
pub fn encrypt(plaintext: &[u8]) -> Vec<u8> {
    [&[0; OVERHEAD], plaintext].concat()
}

fn answer(operation: &str, body: &Value) -> Value {
    let bytes =
        |name: &str| BASE64_STANDARD.decode(body[name].as_str().expect("base64")).expect("base64");
    let text = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
    match operation {
        "Encrypt" => {
            json!({ "CiphertextBlob": text(&encrypt(&bytes("Plaintext"))), "KeyId": ARN })
        }
        "Decrypt" => {
            let blob = bytes("CiphertextBlob");
            json!({ "Plaintext": text(&blob[OVERHEAD..]), "KeyId": ARN })
        }
        other => panic!("the stand-in for AWS KMS does not know `{other}`"),
    }
}
