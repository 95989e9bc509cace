//! The server: the socket, who may connect, and the three calls of KMS v2.

mod service;
mod socket;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use nix::unistd::geteuid;
use tokio::net::UnixStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::transport::server::Connected;

pub use service::{Calls, Serving};
pub use socket::{Socket, SocketError};

use crate::metrics::Metrics;

/// The maximum number of connections. kube-apiserver needs one for each use of the provider.
const CONNECTIONS: usize = 16;
/// How often a silent connection is tested.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// How long calls that are under way may take at the end.
const GRACE: Duration = Duration::from_secs(3);
/// The maximum number of calls of one connection at the same time.
const CALLS: u32 = 64;

/// Serves until `ended`, then finishes the calls that are under way.
///
/// # Errors
/// Returns the error of the listener.
pub async fn serve(
    socket: &Socket,
    calls: Calls,
    allowed: Vec<u32>,
    metrics: Arc<Metrics>,
    ended: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    let (sender, connections) = mpsc::channel(1);
    let (stop, stopped) = oneshot::channel::<()>();
    let mut serve = std::pin::pin!(
        Server::builder()
            .max_concurrent_streams(CALLS)
            .http2_keepalive_interval(Some(KEEPALIVE))
            .add_service(calls.service())
            .serve_with_incoming_shutdown(ReceiverStream::new(connections), async {
                let _ = stopped.await;
            })
    );
    tokio::select! {
        served = &mut serve => return served,
        never = accept(socket, allowed, metrics, sender) => match never {},
        () = ended => {}
    }
    // From now on, another server can take the place of this one.
    socket.remove();
    drop(stop);
    // A connection that nobody closes must not keep it from ending.
    timeout(GRACE, serve).await.unwrap_or(Ok(()))
}

/// Accepts connections of the allowed users, for ever.
async fn accept(
    socket: &Socket,
    allowed: Vec<u32>,
    metrics: Arc<Metrics>,
    sender: mpsc::Sender<io::Result<Connection>>,
) -> std::convert::Infallible {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let permit = permits.clone().acquire_owned().await.expect("it is never closed");
        let stream = match socket.accept().await {
            Ok(stream) => stream,
            Err(error) => {
                // No file descriptor is left, for example.
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        match stream.peer_cred() {
            // The server's own user tests it with `probe`.
            Ok(peer) if allowed.contains(&peer.uid()) || peer.uid() == geteuid().as_raw() => {
                let _ = sender.send(Ok(Connection { stream, _permit: permit })).await;
            }
            peer => {
                metrics.refused_peers.inc();
                let uid = peer.ok().map(|peer| peer.uid());
                tracing::warn!(
                    uid,
                    "a connection was refused: `socket.allowUids` does not allow this user"
                );
            }
        }
    }
}

/// A connection of an allowed user.
struct Connection {
    stream: UnixStream,
    _permit: OwnedSemaphorePermit,
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl tokio::io::AsyncRead for Connection {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl tokio::io::AsyncWrite for Connection {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<io::Result<usize>> {
        std::pin::Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
