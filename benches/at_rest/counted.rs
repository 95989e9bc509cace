//! A proxy that counts what a client receives, TLS and compression included.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::control_plane::ControlPlane;

pub struct Counted {
    directory: tempfile::TempDir,
    received: Arc<AtomicUsize>,
}

impl Counted {
    /// In front of this kube-apiserver, for its administrator.
    pub fn start(plane: &ControlPlane) -> Self {
        let upstream = plane.server.trim_start_matches("https://").to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let received: Arc<AtomicUsize> = Arc::default();
        let shared = received.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&upstream) else { continue };
                let [one, other] = [&client, &server].map(|stream| {
                    stream.set_nodelay(true).expect("set");
                    stream.try_clone().expect("a stream")
                });
                let shared = shared.clone();
                std::thread::spawn(move || copy(one, server, &AtomicUsize::new(0)));
                std::thread::spawn(move || copy(other, client, &shared));
            }
        });
        let directory = tempfile::tempdir().expect("a directory");
        let kubeconfig =
            plane.kubeconfig_text("admin").replace(&plane.server, &format!("https://{address}"));
        std::fs::write(directory.path().join("kubeconfig"), kubeconfig).expect("written");
        Self { directory, received }
    }

    /// The kubeconfig file of a client that is counted.
    pub fn kubeconfig(&self) -> String {
        self.directory.path().join("kubeconfig").display().to_string()
    }

    /// How many bytes clients have received since the last time.
    pub fn received(&self) -> usize {
        self.received.swap(0, Ordering::Relaxed)
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, count: &AtomicUsize) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(size @ 1..) = from.read(&mut buffer) {
        count.fetch_add(size, Ordering::Relaxed);
        if to.write_all(&buffer[..size]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}
