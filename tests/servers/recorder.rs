//! A proxy that keeps what a client receives. `kubectl proxy` takes TLS and the login away first.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::api_proxy::{kubectl_proxy, plain_kubeconfig};
use crate::control_plane::ControlPlane;
use crate::server::Server;

pub struct Recorder {
    folder: tempfile::TempDir,
    received: Arc<Mutex<Vec<u8>>>,
    _proxy: Server,
}

impl Recorder {
    /// In front of this kube-apiserver, as its administrator.
    pub fn start(plane: &ControlPlane) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (proxy, upstream) = kubectl_proxy(plane, "admin", folder.path());
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let received: Arc<Mutex<Vec<u8>>> = Arc::default();
        let shared = received.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(("127.0.0.1", upstream)).expect("it listens");
                let (from, to) = (client.try_clone(), server.try_clone());
                let (mut from, mut to) = (from.expect("a stream"), to.expect("a stream"));
                std::thread::spawn(move || std::io::copy(&mut from, &mut to));
                let shared = shared.clone();
                std::thread::spawn(move || record(server, client, &shared));
            }
        });
        std::fs::write(folder.path().join("kubeconfig"), plain_kubeconfig(port)).expect("written");
        Self { folder, received, _proxy: proxy }
    }

    /// The kubeconfig file of a client that is recorded.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// Everything that clients have received.
    pub fn received(&self) -> Vec<u8> {
        self.received.lock().expect("no panic").clone()
    }
}

fn record(mut server: TcpStream, mut client: TcpStream, received: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 8192];
    while let Ok(size @ 1..) = server.read(&mut buffer) {
        received.lock().expect("no panic").extend_from_slice(&buffer[..size]);
        if client.write_all(&buffer[..size]).is_err() {
            return;
        }
    }
}
