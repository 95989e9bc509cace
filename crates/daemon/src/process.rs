//! The process of a server.

use std::time::Duration;

use nix::sys::resource::{Resource, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// How a log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogForm {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Turns core dumps off, also for a debugger of the same user. Ignores errors: a container may not
/// allow it.
pub fn harden() {
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_dumpable(false);
}

/// Runs a server to its end, on this thread.
///
/// # Panics
/// Panics if the operating system gives no event queue.
pub fn block_on<T>(server: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("the operating system gives an event queue");
    let result = runtime.block_on(server);
    // Not long for a call that hangs, such as a DNS lookup.
    runtime.shutdown_timeout(Duration::from_millis(500));
    result
}

/// Writes the messages of one program to standard error, and of no library: libraries would log
/// what they send. `program` is the name of its crate, as in `env!("CARGO_CRATE_NAME")`.
pub fn log(program: &str, level: &str, form: LogForm) {
    let level = level.parse::<LevelFilter>().unwrap_or(LevelFilter::INFO);
    let targets =
        Targets::new().with_target(program, level).with_target(env!("CARGO_CRATE_NAME"), level);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false);
    let lines = match form {
        LogForm::Text => lines.boxed(),
        LogForm::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(targets).with(lines).init();
}

/// Waits for SIGTERM or SIGINT.
pub async fn stopped() {
    let (terminate, interrupt) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    let (Ok(mut terminate), Ok(mut interrupt)) = (terminate, interrupt) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
}
