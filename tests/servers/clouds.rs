//! Google Cloud KMS and Azure Key Vault, played by the reference server in
//! `kms/clouds`, behind a proxy: the program asks the clouds' own host names.

use std::io::{Read, Write};
use std::net::TcpStream;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use crate::programs::find;
use crate::sandbox::Sandbox;
use crate::server::{Server, free_port, listens, wait_until};

pub const GOOGLE_KEY: &str = "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k";
pub const GOOGLE_KEK: &str = "gcpkms://projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k";
pub const AZURE_KEY: &str = "team/k";
pub const AZURE_KEK: &str = "azurekms://team.vault.azure.net/k";

/// One of its own for every test: its faults are nobody else's.
pub struct Clouds {
    port: u16,
    folder: tempfile::TempDir,
    _server: Server,
}

impl Clouds {
    /// With one key at each.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        write_certificates(folder.path());
        let path = |name: &str| folder.path().join(name).display().to_string();
        let port = free_port();
        let listen = format!("127.0.0.1:{port}");
        let (cert, key) = (path("server.pem"), path("server-key.pem"));
        let args = ["-listen", &listen, "-cert", &cert, "-key", &key];
        let log = folder.path().join("clouds.log");
        let server = Server::start(&find("clouds"), args, &log);
        wait_until("the clouds", &log, || listens(port));
        let clouds = Self { port, folder, _server: server };
        clouds
            .order(json!({ "google": { GOOGLE_KEY: "create" }, "azure": { AZURE_KEY: "create" } }));
        clouds
    }

    /// Steers it: kms/clouds/control.go.
    pub fn order(&self, order: Value) -> Value {
        let body = order.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        let head = format!(
            "POST /control HTTP/1.1\r\nHost: control\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let body = answer.split("\r\n\r\n").nth(1).expect("a body");
        serde_json::from_str(body).expect("JSON")
    }

    /// Every request from now on ends like this.
    pub fn always(&self, fault: Value) {
        self.order(json!({ "always": fault }));
    }

    /// The operations asked for since the last time.
    pub fn take(&self) -> Vec<String> {
        let answer = self.order(json!({ "calls": true }));
        serde_json::from_value(answer["operations"].clone()).expect("a list")
    }

    /// For a program that reaches the clouds through the proxy, and is logged in.
    pub fn sandbox(&self, sandbox: Sandbox) -> Sandbox {
        let sandbox = self.stranger(sandbox);
        let credentials = json!({
            "type": "authorized_user",
            "client_id": "a-client-id",
            "client_secret": "a-client-secret",
            "refresh_token": "a-refresh-token",
        });
        let file = sandbox.write("adc.json", credentials.to_string());
        sandbox
            .env("GOOGLE_APPLICATION_CREDENTIALS", file.display().to_string())
            .env("AZURE_TENANT_ID", "00000000-0000-0000-0000-000000000001")
            .env("AZURE_CLIENT_ID", "00000000-0000-0000-0000-000000000002")
            .env("AZURE_CLIENT_SECRET", "a-client-secret")
    }

    /// For one that is not logged in.
    pub fn stranger(&self, sandbox: Sandbox) -> Sandbox {
        sandbox
            .env("HTTPS_PROXY", format!("http://127.0.0.1:{}", self.port))
            .env("SSL_CERT_FILE", self.folder.path().join("ca.pem").display().to_string())
    }
}

/// A certificate authority, and a certificate for the clouds' host names.
fn write_certificates(folder: &std::path::Path) {
    let write =
        |name: &str, text: String| std::fs::write(folder.join(name), text).expect("written");
    let ca_key = KeyPair::generate().expect("a key");
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = ca.self_signed(&ca_key).expect("a certificate");
    let issuer = Issuer::new(ca, ca_key);
    let names = [
        "cloudkms.googleapis.com",
        "oauth2.googleapis.com",
        "login.microsoftonline.com",
        "*.vault.azure.net",
    ];
    let key = KeyPair::generate().expect("a key");
    let server = CertificateParams::new(names.map(str::to_owned)).expect("names");
    let server = server.signed_by(&key, &issuer).expect("a certificate");
    write("ca.pem", certificate.pem());
    write("server.pem", server.pem());
    write("server-key.pem", key.serialize_pem());
}
