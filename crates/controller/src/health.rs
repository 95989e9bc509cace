//! What the controller says of itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use envcrypt_daemon::health::Health;

use crate::metrics::Metrics;

/// What the controller says of itself.
pub struct Said {
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// Whether every object was seen once.
    pub is_synced: AtomicBool,
}

impl Health for Said {
    fn metrics(&self) -> String {
        self.metrics.text()
    }

    fn ready(&self) -> Result<(), String> {
        match self.is_synced.load(Ordering::Relaxed) {
            true => Ok(()),
            false => Err("the EnvcryptSecrets of the cluster are not known yet".to_owned()),
        }
    }

    fn describe(&self) -> String {
        let leads = if self.metrics.leader.get() == 1 { "delivers" } else { "stands by" };
        format!("{leads}\nwaiting: {}\n", self.metrics.queue.get())
    }
}
