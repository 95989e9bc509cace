//! The status of an `EnvcryptSecret`, as kstatus reads it.

use envcrypt_cluster::{Condition, LiveResource, ResourceStatus};
use jiff::Timestamp;

use crate::outcome::{Outcome, Standing};

/// Returns a time in RFC 3339. `seconds` are since 1970.
pub fn time(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(|_| "an unknown time".to_owned(), |t| t.to_string())
}

/// Returns the status with this outcome. All that is not about the outcome stays.
pub fn with(resource: &LiveResource, outcome: &Outcome) -> ResourceStatus {
    let mut status = resource.status.clone();
    status.observed_generation = resource.generation;
    status.last_resync.clone_from(&resource.resync);
    let (ready, other) = match outcome.standing {
        Standing::Ready => ("True", None),
        Standing::Suspended => ("Unknown", None),
        Standing::Waiting => ("False", Some("Reconciling")),
        Standing::Stalled => ("False", Some("Stalled")),
    };
    let condition = |kind: &str, is: &str| {
        let old = resource.status.conditions.iter().find(|old| old.r#type == kind);
        let since = old.filter(|old| old.status == is).map(|old| old.last_transition_time.clone());
        Condition {
            r#type: kind.to_owned(),
            status: is.to_owned(),
            reason: outcome.reason.to_owned(),
            message: outcome.message.clone(),
            last_transition_time: since.unwrap_or_else(|| time(envcrypt_core::envelope::now())),
            observed_generation: resource.generation,
        }
    };
    let other = other.map(|kind| condition(kind, "True"));
    status.conditions = std::iter::once(condition("Ready", ready)).chain(other).collect();
    status
}

/// Returns the reason of the condition `Ready`, and whether it is true.
pub fn ready(status: &ResourceStatus) -> Option<(&str, bool)> {
    let condition = status.conditions.iter().find(|condition| condition.r#type == "Ready")?;
    Some((&condition.reason, condition.status == "True"))
}
