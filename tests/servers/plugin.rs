//! KMS v2 plugins over their unix sockets: the reference server in `kms/plugin`.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::programs::find;
use crate::server::{Server, wait_until};

pub struct Plugin {
    folder: tempfile::TempDir,
    _server: Server,
}

impl Plugin {
    /// One of its own for every test.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (socket, orders) = (folder.path().join("plugin.sock"), folder.path().join("orders"));
        let log = folder.path().join("plugin.log");
        let args = [Path::new("-socket"), &socket, Path::new("-orders"), &orders];
        let server = Server::start(&find("plugin"), args, &log);
        wait_until("the plugin", &log, || UnixStream::connect(&socket).is_ok());
        Self { folder, _server: server }
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("plugin.sock")
    }

    pub fn kek(&self) -> String {
        format!("k8skms://{}", self.socket().display())
    }

    /// Steers it: kms/plugin/main.go.
    pub fn order(&self, order: &Value) {
        let path = self.folder.path().join("orders");
        let new = path.with_extension("new");
        std::fs::write(&new, order.to_string()).expect("written");
        std::fs::rename(new, path).expect("renamed");
    }
}
