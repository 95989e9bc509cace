//! Where metrics and health are served, and what they say.

use std::io;
use std::sync::Arc;

use envcrypt_daemon::health::{self, Accept, Health};
use tokio::net::{TcpListener, UnixStream};

use crate::config::Listen;
use crate::failure::Failure;
use crate::metrics::Metrics;
use crate::server::{Serving, Socket};

/// A listener for metrics and health.
pub enum Listener {
    /// On an address.
    Tcp(TcpListener),
    /// On a socket.
    Unix(Socket),
}

impl Accept for Socket {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<UnixStream> {
        Self::accept(self).await
    }
}

/// What the server says of itself.
struct Said {
    serving: Serving,
    metrics: Arc<Metrics>,
}

impl Health for Said {
    fn metrics(&self) -> String {
        self.metrics.text()
    }

    fn ready(&self) -> Result<(), String> {
        self.serving.engine().key_id().map(drop)
    }

    fn describe(&self) -> String {
        self.serving.engine().describe()
    }
}

/// Opens the listener, or none.
///
/// # Errors
/// Returns a [`Failure`] if the address or the socket cannot be used.
pub async fn open(listen: &Listen) -> Result<Option<Listener>, Failure> {
    let wrong = |error: io::Error| {
        Failure::new("the address of `listen` cannot be used").cause(error.to_string())
    };
    match listen {
        Listen::Tcp(address) => {
            TcpListener::bind(address).await.map(Listener::Tcp).map(Some).map_err(wrong)
        }
        Listen::Unix(path) => Ok(Some(Listener::Unix(Socket::open(path, 0o600)?))),
        Listen::Off => Ok(None),
    }
}

/// Serves for ever.
pub async fn serve(listener: Listener, serving: Serving, metrics: Arc<Metrics>) {
    let said = Arc::new(Said { serving, metrics });
    match listener {
        Listener::Tcp(tcp) => health::serve(tcp, said).await,
        Listener::Unix(unix) => health::serve(unix, said).await,
    }
}
