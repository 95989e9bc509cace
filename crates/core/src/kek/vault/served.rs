//! A server for the tests: it answers one request after the other, as it was told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::kek::lock;

/// An answer: the status, a header line or nothing, and the body.
pub(super) type Answer = (u16, &'static str, &'static str);

pub(super) struct Served {
    pub(super) address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Served {
    /// Starts a server that gives these answers.
    pub(super) fn start(answers: &'static [Answer]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let asked = requests.clone();
        std::thread::spawn(move || {
            answers.iter().for_each(|answer| serve(&listener, answer, &asked))
        });
        Self { address, requests }
    }

    /// Returns the requests: each with its first line, its headers in lower case, and its body.
    pub(super) fn requests(&self) -> Vec<String> {
        lock(&self.requests).clone()
    }
}

fn serve(listener: &TcpListener, (status, header, body): &Answer, asked: &Mutex<Vec<String>>) {
    let mut connection = listener.accept().expect("a request").0;
    let request = read(&connection);
    lock(asked).push(request);
    let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\n{header}connection: close\r\n");
    write!(connection, "{head}content-length: {length}\r\n\r\n{body}").expect("written");
}

fn read(connection: &TcpStream) -> String {
    let mut reader = BufReader::new(connection);
    let (mut text, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        let is_first = text.is_empty();
        let line = if is_first { line } else { line.to_lowercase() };
        text.push_str(&line);
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().expect("a number");
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    text + std::str::from_utf8(&body).expect("UTF-8")
}
