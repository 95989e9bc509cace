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
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::config::Listen;
use crate::failure::Failure;
use crate::metrics::Metrics;
use crate::server::{Serving, Socket};

/// The maximum number of connections.
const CONNECTIONS: usize = 16;
/// How long a client may take to send its request.
const PATIENCE: Duration = Duration::from_secs(1);

/// A listener for metrics and health.
pub enum Listener {
    /// On an address.
    Tcp(TcpListener),
    /// On a socket.
    Unix(Socket),
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
    let mut connections: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let (serving, metrics) = (serving.clone(), metrics.clone());
        let accepted = match &listener {
            Listener::Tcp(tcp) => tcp.accept().await.map(|(stream, _)| {
                tokio::spawn(connection(stream, serving, metrics)).abort_handle()
            }),
            Listener::Unix(unix) => unix
                .accept()
                .await
                .map(|stream| tokio::spawn(connection(stream, serving, metrics)).abort_handle()),
        };
        match accepted {
            Ok(handle) => connections.push_back(handle),
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
    let _ = tokio::time::timeout(2 * PATIENCE, served).await;
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
