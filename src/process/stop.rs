//! Signals that stop this process, from the person, the system or a closed terminal.

#![expect(unsafe_code, reason = "a signal handler notes the signal")]

use nix::libc;
use tokio::signal::unix::{SignalKind, signal};

/// Whether a signal is ignored, as with `nohup` and background jobs of a script. Then it stays
/// ignored.
#[must_use]
pub fn is_ignored(signal: libc::c_int) -> bool {
    // SAFETY: a sigaction of zeros is valid, and is only written to.
    unsafe {
        let mut action = std::mem::zeroed::<libc::sigaction>();
        libc::sigaction(signal, std::ptr::null(), &raw mut action) == 0
            && action.sa_sigaction == libc::SIG_IGN
    }
}

/// Waits for one of these signals, and returns its number.
pub async fn stopped() -> u8 {
    let kinds = [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::terminate()];
    let heeded = kinds.into_iter().filter(|kind| !is_ignored(kind.as_raw_value()));
    let mut each: Vec<_> = heeded
        .map(|kind| {
            Box::pin(async move {
                match signal(kind) {
                    Ok(mut signal) => drop(signal.recv().await),
                    Err(_) => std::future::pending().await,
                }
                u8::try_from(kind.as_raw_value()).unwrap_or(0)
            })
        })
        .collect();
    if each.is_empty() {
        return std::future::pending().await;
    }
    futures::future::select_all(each.drain(..)).await.0
}
