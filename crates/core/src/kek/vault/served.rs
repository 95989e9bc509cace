//! A server for the tests: it answers one request after the other, as it was told.

use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rustls_pki_types::PrivatePkcs8KeyDer;

use super::settings::{VaultLogin, VaultSettings};
use crate::kek::lock;

/// An answer: the status, a header line or nothing, and the body.
pub(super) type Answer = (u16, &'static str, &'static str);

pub(super) struct Served {
    pub(super) address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Served {
    /// Starts a server that gives these answers, each on a connection of its own.
    pub(super) fn start(answers: &'static [Answer]) -> Self {
        Self::start_on("http", answers, |connection| connection)
    }

    /// The same with TLS. Returns its certificate too, which nobody knows.
    pub(super) fn start_tls(answers: &'static [Answer]) -> (Self, String) {
        let pair = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a pair");
        let key = PrivatePkcs8KeyDer::from(pair.signing_key.serialize_der()).into();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![pair.cert.der().clone()], key)
            .expect("a certificate");
        let config = Arc::new(config);
        let tls = move |connection| {
            let server = rustls::ServerConnection::new(config.clone()).expect("a server");
            rustls::StreamOwned::new(server, connection)
        };
        (Self::start_on("https", answers, tls), pair.cert.pem())
    }

    fn start_on<S: Read + Write>(
        scheme: &str,
        answers: &'static [Answer],
        connect: impl Fn(TcpStream) -> S + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = format!("{scheme}://{}", listener.local_addr().expect("an address"));
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let asked = requests.clone();
        std::thread::spawn(move || {
            for answer in answers {
                let connection = listener.accept().expect("a connection").0;
                // A client that does not trust the certificate hangs up.
                let _ = serve(connect(connection), answer, &asked);
            }
        });
        Self { address, requests }
    }

    /// Returns the requests: each with its first line, its headers in lower case, and its body.
    pub(super) fn requests(&self) -> Vec<String> {
        lock(&self.requests).clone()
    }
}

/// The folder of the files, the settings of a server that gives these answers, and the server.
pub(super) fn vault(answers: &'static [Answer]) -> (tempfile::TempDir, VaultSettings, Served) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, "my-token\n").expect("written");
    let served = Served::start(answers);
    let settings = VaultSettings {
        address: served.address.clone(),
        namespace: Some("team".to_owned()),
        ca: None,
        login: VaultLogin::Token { file },
    };
    (folder, settings, served)
}

fn serve(
    mut connection: impl Read + Write,
    (status, header, body): &Answer,
    asked: &Mutex<Vec<String>>,
) -> Result<()> {
    let request = read(&mut connection)?;
    lock(asked).push(request);
    let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\n{header}connection: close\r\n");
    write!(connection, "{head}content-length: {length}\r\n\r\n{body}")?;
    connection.flush()
}

fn read(connection: &mut impl Read) -> Result<String> {
    let mut reader = BufReader::new(connection);
    let (mut text, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = if text.is_empty() { line } else { line.to_lowercase() };
        text.push_str(&line);
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().expect("a number");
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(text + std::str::from_utf8(&body).expect("UTF-8"))
}
