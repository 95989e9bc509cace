//! Values that are older than they may be.

use std::path::Path;

use serde_json::{Value, json};

use crate::ages::{Limit, Notes, Overdue, Reason, limit_of_file, overdue};
use crate::failure::Failure;
use crate::session::Session;
use crate::terminal;
use envcrypt_core::envelope::{SealedSecret, now};
use envcrypt_core::manifest::Object;
use envcrypt_core::secret::{Place, ROTATE_BY_ANNOTATION};

/// The id, the text and the details of a finding.
pub type Found = (&'static str, String, Value);

/// Finds the values of a Secret in a file that must be replaced.
pub fn find(
    session: &Session,
    path: &Path,
    object: &Object,
    secret: &SealedSecret,
) -> Result<Vec<Found>, Failure> {
    let place = &secret.meta.place;
    let notes = Notes::of(object, secret);
    let limit = limit_of_file(session, &place.namespace, path)?;
    let overdue = overdue(secret, &notes, limit.as_ref(), now());
    let mut all = Vec::new();
    for Overdue { reason, keys } in overdue {
        let is_alone = keys.is_empty();
        let (future, old): (Vec<_>, Vec<_>) = keys.into_iter().partition(|(_, age)| *age < 0);
        if is_alone || !old.is_empty() {
            all.push(found(place, &notes, &Overdue { reason: reason.clone(), keys: old }));
        }
        if !future.is_empty() {
            all.push(of_future(place, &notes, &Overdue { reason, keys: future }));
        }
    }
    Ok(all)
}

fn found(place: &Place, notes: &Notes, overdue: &Overdue) -> Found {
    let owner = owner(notes);
    let ages = overdue.keys.iter().map(|(key, age)| format!("`{key}` ({})", terminal::age(*age)));
    let ages = ages.collect::<Vec<_>>().join(", ");
    let text = match &overdue.reason {
        Reason::MaxAge(Limit { max_age, file }) => {
            let rules = file.file_name().unwrap_or_default().to_string_lossy();
            format!(
                "the Secret `{place}` has values that are older than the `maxAge` of `{rules}`, {max_age}: {ages}{owner}; set new values with `kubectl envcrypt set`: `rotate` keeps their age"
            )
        }
        Reason::RotateBy(date) => format!(
            "the Secret `{place}` had to get new values by {date}, and has older ones: {ages}{owner}; set new values with `kubectl envcrypt set`, then change the annotation `{ROTATE_BY_ANNOTATION}`"
        ),
        Reason::NoDate => format!(
            "the Secret `{place}` has an annotation `{ROTATE_BY_ANNOTATION}` that is not a date: write it as 2026-03-01{owner}"
        ),
    };
    (id(&overdue.reason), text, details(notes, overdue))
}

/// Nobody knows the age of these values.
fn of_future(place: &Place, notes: &Notes, overdue: &Overdue) -> Found {
    let keys = overdue.keys.iter().map(|(key, _)| format!("`{key}`")).collect::<Vec<_>>();
    let text = format!(
        "the Secret `{place}` has values that say that they were set in the future, so their age is unknown: {}{}; check the clock of the machine that sealed them, then set the values again with `kubectl envcrypt set`",
        keys.join(", "),
        owner(notes)
    );
    (id(&overdue.reason), text, details(notes, overdue))
}

fn owner(notes: &Notes) -> String {
    notes.owner.as_ref().map_or_else(String::new, |owner| format!("; owner: {owner}"))
}

fn id(reason: &Reason) -> &'static str {
    match reason {
        Reason::MaxAge(_) => "stale",
        Reason::RotateBy(_) | Reason::NoDate => "rotate-by",
    }
}

/// What a program reads: keys with their ages in seconds (`null` if impossible), and the owner.
fn details(notes: &Notes, overdue: &Overdue) -> Value {
    let keys = overdue.keys.iter().map(|(key, age)| {
        let age = (*age >= 0).then_some(age);
        json!({ "key": key.as_str(), "age": age })
    });
    let mut details = json!({ "keys": keys.collect::<Vec<_>>(), "owner": notes.owner });
    match &overdue.reason {
        Reason::MaxAge(limit) => details["maxAge"] = limit.max_age.to_string().into(),
        Reason::RotateBy(date) => details["rotateBy"] = date.to_string().into(),
        Reason::NoDate => {}
    }
    details
}
