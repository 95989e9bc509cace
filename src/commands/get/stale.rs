//! `get --stale`: the Secrets with values that must be replaced.

use crate::ages::{Notes, Overdue, Reason, limit_of_live, overdue};
use crate::failure::Failure;
use crate::session::Session;
use crate::terminal;
use envcrypt_core::envelope::{SealCheck, now};
use envcrypt_core::manifest::Object;
use envcrypt_core::secret::Namespace;

pub const HEADER: [&str; 6] = ["NAMESPACE", "NAME", "KEYS", "OLDEST", "LIMIT", "OWNER"];

/// What was found in a list of Secrets.
#[derive(Default)]
pub struct Stale {
    /// The Secrets with values that must be replaced.
    pub objects: Vec<Object>,
    /// A row for each reason of each Secret.
    pub rows: Vec<Vec<String>>,
    /// The number of Secrets that nothing limits.
    unlimited: usize,
}

impl Stale {
    /// Finds them. A Secret that cannot be read gets a warning: its ages are not known.
    pub fn find(
        session: &Session,
        objects: Vec<Object>,
        default: &Namespace,
    ) -> Result<Self, Failure> {
        let mut stale = Self::default();
        for object in objects {
            let secret = match object.sealed(default, SealCheck::Required) {
                Ok(secret) => secret,
                Err(error) => {
                    terminal::warn(&error.to_string());
                    continue;
                }
            };
            let notes = Notes::of(&object, &secret);
            let limit = limit_of_live(session, &secret.meta.place.namespace)?;
            stale.unlimited += usize::from(limit.is_none() && notes.rotate_by.is_none());
            let overdue = overdue(&secret, &notes, limit.as_ref(), now());
            stale.rows.extend(overdue.iter().map(|overdue| row(&object, &notes, overdue)));
            if !overdue.is_empty() {
                stale.objects.push(object);
            }
        }
        Ok(stale)
    }

    /// Prints what the list does not show.
    pub fn tell(&self, place: &str) {
        if self.objects.is_empty() {
            terminal::note(&format!("no value is older than its limit in {place}"));
        }
        if self.unlimited > 0 {
            terminal::note(&format!(
                "sealed Secrets without a limit: {}; set `maxAge` in a rule, or the annotation `envcrypt.dev/rotate-by`",
                self.unlimited
            ));
        }
    }
}

fn row(object: &Object, notes: &Notes, overdue: &Overdue) -> Vec<String> {
    let keys = overdue.keys.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>().join(",");
    // An age that cannot be is negative, and comes first.
    let ages = overdue.keys.iter().map(|(_, age)| *age);
    let oldest = ages.max_by_key(|age| (*age < 0, *age));
    let limit = match &overdue.reason {
        Reason::MaxAge(limit) => limit.max_age.to_string(),
        Reason::RotateBy(date) => date.to_string(),
        Reason::NoDate => terminal::INVALID.to_owned(),
    };
    let or_none = |text: Option<String>| text.unwrap_or_else(|| super::NONE.to_owned());
    vec![
        object.metadata.namespace.clone().unwrap_or_default(),
        super::shown_name(object),
        or_none(Some(keys).filter(|keys| !keys.is_empty())),
        or_none(oldest.map(terminal::age)),
        limit,
        or_none(notes.owner.clone()),
    ]
}
