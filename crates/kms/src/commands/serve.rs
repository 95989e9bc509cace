//! `serve`: the server.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use envcrypt_daemon::process::{LogForm, log, stopped};
use futures::FutureExt;
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

use crate::config::{self, Config};
use crate::engine::Engine;
use crate::failure::Failure;
use crate::metrics::Metrics;
use crate::server::{self, Calls, Serving, Socket};

/// How often the file of the configuration is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Serve kube-apiserver over the socket.
///
/// The server starts without a KMS and waits for it. A changed configuration is used as soon as a
/// KEK answers; one that is not valid is reported, and the old one stays. SIGHUP reads it at once.
#[derive(clap::Args)]
pub struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = config::DEFAULT)]
    config: PathBuf,
    /// The least severe messages to log: error, warn, info or debug.
    #[arg(long, value_name = "LEVEL", default_value = "info", value_parser = ["error", "warn", "info", "debug"])]
    log_level: String,
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// Returns a [`Failure`] if the configuration is not valid or the socket cannot be opened.
pub async fn run(args: Args) -> Result<(), Failure> {
    log(env!("CARGO_CRATE_NAME"), &args.log_level, LogForm::Text);
    let config = Config::read(&args.config)?;
    let metrics = Arc::new(Metrics::new());
    // The socket opens before any KMS is called: kube-apiserver connects early.
    let socket = Socket::open(&config.socket.path, config.socket.mode)?;
    let http = crate::http::open(&config.listen).await?;
    let engine = Arc::new(Engine::new(config.clone(), metrics.clone()));
    let serving = Serving::new(engine.clone());
    let _probes = tokio::spawn(follow(args.config, serving.clone(), engine, metrics.clone()));
    let _http =
        http.map(|http| tokio::spawn(crate::http::serve(http, serving.clone(), metrics.clone())));
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    tracing::info!(socket = %config.socket.path.display(), "serving");
    let calls = Calls::new(serving, metrics.clone());
    let allowed = config.socket.allow_uids.clone();
    let served = server::serve(&socket, calls, allowed, metrics, stopped()).await;
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
    served.map_err(|error| Failure::new("the server failed").cause(error.to_string()))
}

/// Tests the KEKs, and follows the file of the configuration.
async fn follow(path: PathBuf, serving: Serving, engine: Arc<Engine>, metrics: Arc<Metrics>) {
    let mut hangup = signal(SignalKind::hangup()).ok();
    let mut _probes = Probes::start(engine);
    let mut seen = stamp(&path);
    let mut next: Option<Probes> = None;
    loop {
        let asked = tokio::select! {
            () = ready(next.as_ref()) => false,
            () = hung_up(&mut hangup) => true,
            () = tokio::time::sleep(LOOK_EVERY) => false,
        };
        let now = stamp(&path);
        if asked || now != seen {
            seen = now;
            let pending = next.as_ref().map(|next| next.engine.config());
            match read(&path, &serving, pending) {
                Reading::Old => next = None,
                Reading::Pending => {}
                Reading::New(config) => {
                    let engine = Engine::new(*config, metrics.clone());
                    engine.inherit(&serving.engine());
                    next = Some(Probes::start(Arc::new(engine)));
                }
            }
        }
        // The old one serves until the new one can.
        if let Some(ready) = next.take_if(|next| next.engine.key_id().is_ok()) {
            tracing::info!("the new configuration is in use");
            // What was opened since it was read.
            ready.engine.take_over(&serving.engine());
            metrics.forget_keks();
            serving.replace(ready.engine.clone());
            _probes = ready;
        }
    }
}

/// Waits until a new engine can serve.
async fn ready(next: Option<&Probes>) {
    match next {
        Some(next) => next.engine.wait_ready().await,
        None => std::future::pending().await,
    }
}

async fn hung_up(signal: &mut Option<Signal>) {
    let came = match signal {
        Some(signal) => signal.recv().await,
        None => None,
    };
    if came.is_none() {
        std::future::pending::<()>().await;
    }
}

/// When the file changed, and its size. A file that is replaced has another one.
fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// What the file says.
enum Reading {
    /// The configuration in use, or nothing that can be used: nothing else is waited for.
    Old,
    /// The one that waits for a KEK.
    Pending,
    /// Another one.
    New(Box<Config>),
}

fn read(path: &Path, serving: &Serving, pending: Option<&Config>) -> Reading {
    let config = match Config::read(path) {
        Ok(config) => config,
        Err(error) => {
            tracing::error!(%error, "the new configuration is not valid: the old one stays");
            return Reading::Old;
        }
    };
    let engine = serving.engine();
    let old = engine.config();
    if *old == config {
        tracing::info!("the configuration is the one in use");
        return Reading::Old;
    }
    if pending == Some(&config) {
        return Reading::Pending;
    }
    if old.socket != config.socket || old.listen != config.listen {
        tracing::warn!("a new `socket` or `listen` takes effect only after a restart");
    }
    if old.protocol() != config.protocol() {
        tracing::warn!(
            version = config.protocol().name(),
            "Status reports another version of the protocol: restart each kube-apiserver that saw the one before"
        );
    }
    Reading::New(Box::new(config))
}

/// The task that tests the KEKs of one engine. It ends when it is dropped.
struct Probes {
    engine: Arc<Engine>,
    task: JoinHandle<()>,
}

impl Probes {
    fn start(engine: Arc<Engine>) -> Self {
        let task = tokio::spawn(run_for_ever(engine.clone()));
        Self { engine, task }
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A bug in one round must not end all of them.
async fn run_for_ever(engine: Arc<Engine>) {
    loop {
        let rounds = std::panic::AssertUnwindSafe(engine.run()).catch_unwind();
        if rounds.await.is_err() {
            tracing::error!("a bug ended a probe");
            engine.note_panic();
            tokio::time::sleep(engine.config().probe.when_down).await;
        }
    }
}
