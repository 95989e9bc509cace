//! `/metrics`, `/livez`, `/readyz` and `/healthz`, from memory: scraping them costs no call.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// The maximum number of connections.
const CONNECTIONS: usize = 16;
/// How long a client may take to send its request.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a server says of itself. All of it comes from memory.
pub trait Health: Send + Sync + 'static {
    /// Returns the metrics, in the text format of OpenMetrics.
    fn metrics(&self) -> String;

    /// Returns whether the server can do its work.
    ///
    /// # Errors
    /// Returns why it cannot.
    fn ready(&self) -> Result<(), String>;

    /// Returns one or more lines about its state.
    fn describe(&self) -> String;
}

/// Something to connect to.
pub trait Accept {
    /// One connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for a connection.
    fn accept(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<TcpStream> {
        Self::accept(self).await.map(|(stream, _)| stream)
    }
}

/// Serves for ever.
pub async fn serve(listener: impl Accept, health: Arc<impl Health>) {
    let mut connections: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        match listener.accept().await {
            Ok(stream) => {
                let served = tokio::spawn(connection(stream, health.clone()));
                connections.push_back(served.abort_handle());
            }
            Err(error) => {
                tracing::warn!(%error, "a connection for metrics cannot be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        connections.retain(|connection| !connection.is_finished());
        // An answer takes no time, so the oldest one is the one that only waits.
        if connections.len() > CONNECTIONS
            && let Some(oldest) = connections.pop_front()
        {
            oldest.abort();
        }
    }
}

async fn connection<S>(stream: S, health: Arc<impl Health>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let answer = service_fn(|request: Request<Incoming>| {
        let answer = answer(&request, &*health);
        async { Ok::<_, Infallible>(answer) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE).keep_alive(false);
    let served = http.serve_connection(TokioIo::new(stream), answer);
    let _ = tokio::time::timeout(2 * PATIENCE, served).await;
}

fn answer(request: &Request<Incoming>, health: &impl Health) -> Response<Full<Bytes>> {
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => (StatusCode::OK, health.metrics()),
        (&Method::GET | &Method::HEAD, "/livez") => (StatusCode::OK, "ok\n".to_owned()),
        (&Method::GET | &Method::HEAD, "/readyz") => match health.ready() {
            Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
            Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
        },
        (&Method::GET | &Method::HEAD, "/healthz") => {
            let status = if health.ready().is_ok() {
                StatusCode::OK
            } else {
                StatusCode::SERVICE_UNAVAILABLE
            };
            (status, health.describe())
        }
        (&Method::GET | &Method::HEAD, _) => {
            let paths = "try /metrics, /livez, /readyz or /healthz\n";
            (StatusCode::NOT_FOUND, paths.to_owned())
        }
        _ => (StatusCode::METHOD_NOT_ALLOWED, "use GET\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let content = match request.uri().path() {
        "/metrics" => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    };
    let content = http::HeaderValue::from_static(content);
    response.headers_mut().insert(http::header::CONTENT_TYPE, content);
    response
}
