//! `/metrics`, `/livez`, `/readyz` and `/healthz`, from memory: scraping them costs no call.

use std::convert::Infallible;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;

use crate::config::Listen;
use crate::metrics::Metrics;
use crate::server::Serving;

/// The maximum number of connections.
const CONNECTIONS: usize = 16;
/// How long a client may take to send its request, and how long a connection may stay open.
const PATIENCE: Duration = Duration::from_secs(10);

/// A listener for metrics and health.
pub enum Listener {
    /// On an address.
    Tcp(TcpListener),
    /// On a socket.
    Unix(UnixListener),
}

/// Opens the listener, or none.
///
/// # Errors
/// Returns the error of the system.
pub async fn open(listen: &Listen) -> io::Result<Option<Listener>> {
    match listen {
        Listen::Tcp(address) => TcpListener::bind(address).await.map(Listener::Tcp).map(Some),
        Listen::Unix(path) => {
            remove_old(path);
            UnixListener::bind(path).map(Listener::Unix).map(Some)
        }
        Listen::Off => Ok(None),
    }
}

fn remove_old(path: &Path) {
    if std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket()) {
        let _ = std::fs::remove_file(path);
    }
}

/// Serves for ever.
pub async fn serve(listener: Listener, serving: Serving, metrics: Arc<Metrics>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let permit = permits.clone().acquire_owned().await.expect("it is never closed");
        let (serving, metrics) = (serving.clone(), metrics.clone());
        let accepted = match &listener {
            Listener::Tcp(tcp) => tcp.accept().await.map(|(stream, _)| {
                tokio::spawn(async move {
                    connection(stream, serving, metrics).await;
                    drop(permit);
                })
            }),
            Listener::Unix(unix) => unix.accept().await.map(|(stream, _)| {
                tokio::spawn(async move {
                    connection(stream, serving, metrics).await;
                    drop(permit);
                })
            }),
        };
        if let Err(error) = accepted {
            tracing::warn!(%error, "a connection for metrics cannot be accepted");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

async fn connection<S>(stream: S, serving: Serving, metrics: Arc<Metrics>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let answer = service_fn(|request: Request<Incoming>| {
        let answer = answer(&request, &serving, &metrics);
        async { Ok::<_, Infallible>(answer) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE).keep_alive(false);
    let served = http.serve_connection(TokioIo::new(stream), answer);
    let _ = tokio::time::timeout(PATIENCE, served).await;
}

fn answer(
    request: &Request<Incoming>,
    serving: &Serving,
    metrics: &Metrics,
) -> Response<Full<Bytes>> {
    let ready = || serving.engine().key_id();
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => (StatusCode::OK, metrics.text()),
        (&Method::GET | &Method::HEAD, "/livez") => (StatusCode::OK, "ok\n".to_owned()),
        (&Method::GET | &Method::HEAD, "/readyz") => match ready() {
            Ok(_) => (StatusCode::OK, "ok\n".to_owned()),
            Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
        },
        (&Method::GET | &Method::HEAD, "/healthz") => {
            let status =
                if ready().is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            (status, serving.engine().describe())
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
