//! AWS KMS: an emulator over a real connection.

use std::sync::OnceLock;

use aws_sdk_kms::Client;
use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};

use crate::programs::find;
use crate::sandbox::Sandbox;
use crate::server::{Server, free_port, listens, wait_until};

pub const REGION: &str = "eu-west-1";

pub struct Kms {
    pub port: u16,
    _folder: tempfile::TempDir,
    _server: Server,
}

/// The one of all tests, started by the first.
pub fn kms() -> &'static Kms {
    static ONE: OnceLock<Kms> = OnceLock::new();
    ONE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let port = free_port();
        let log = folder.path().join("kms.log");
        let args = ["-H".to_owned(), "127.0.0.1".to_owned(), "-p".to_owned(), port.to_string()];
        let server = Server::start(&find("moto_server"), args, &log);
        wait_until("the AWS KMS emulator", &log, || listens(port));
        Kms { port, _folder: folder, _server: server }
    })
}

impl Kms {
    /// The emulator's own client.
    pub fn client(&self, region: &str) -> Client {
        let config = aws_sdk_kms::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .endpoint_url(format!("http://127.0.0.1:{}", self.port))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"));
        Client::from_conf(config.build())
    }

    /// Makes a key; returns its ARN.
    pub fn key(&self) -> String {
        let client = self.client(REGION);
        let output = block_on(client.create_key().send()).expect("a key");
        output.key_metadata.and_then(|metadata| metadata.arn).expect("an ARN")
    }

    /// Makes an alias.
    pub fn alias(&self, name: &str, arn: &str) {
        let alias = format!("alias/{name}");
        let request =
            self.client(REGION).create_alias().alias_name(alias).target_key_id(arn).send();
        block_on(request).expect("an alias");
    }
}

/// Sets a sandbox up for the KMS that answers on `port`.
pub fn with_kms(sandbox: Sandbox, port: u16) -> Sandbox {
    sandbox
        .env("AWS_ENDPOINT_URL_KMS", format!("http://127.0.0.1:{port}"))
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_EC2_METADATA_DISABLED", "true")
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}
