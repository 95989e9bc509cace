//! Refuses a file that was sealed before what the cluster has.

use jiff::Timestamp;

use crate::failure::{BatchError, Failure};
use crate::terminal;
use envcrypt_core::envelope::{SealCheck, SealedSecret, is_too_late, now};
use envcrypt_core::manifest::{ManifestError, Object, SEALED_AT_ANNOTATION};
use envcrypt_core::secret::Namespace;

/// In seconds. Each new version is sealed later than the one before, so several versions of one
/// moment are a little in the future.
const TICKS: u64 = 60;

/// Notes on a plain Secret when it was sealed, for the next run. Nothing else shows it there.
pub fn with_time(mut plain: Object, secret: &SealedSecret) -> Object {
    if let Some(seal) = &secret.seal {
        let time = terminal::time(seal.sealed_at);
        let annotations = plain.metadata.annotations.get_or_insert_default();
        annotations.insert(SEALED_AT_ANNOTATION.to_owned(), time);
    }
    plain
}

/// Refuses a file that was sealed before the live Secret.
pub fn check_not_older(file: &SealedSecret, live: &Object) -> Result<(), Failure> {
    let place = &file.meta.place;
    // If `--insecure-skip-seal` is given, there is no time, and the person said so.
    let Some(in_file) = time(file) else { return Ok(()) };
    // If it is plain and not made by `--unwrap`, there is no time to compare with.
    let in_cluster = sealed_at(live, &place.namespace).unwrap_or_else(|wrong| {
        let form = form(live);
        let wrong = match wrong {
            Unreadable::Seal(error) => error.to_string(),
            Unreadable::NoSeal => "its seal is missing".to_owned(),
            Unreadable::Note => format!(
                "its annotation `{SEALED_AT_ANNOTATION}` is not a time; `apply --unwrap` writes it again"
            ),
        };
        terminal::warn(&format!(
            "the command cannot compare the file with the live {form} `{place}`: {wrong}"
        ));
        None
    });
    let again = match live.is_sealed() {
        true => "seal it again with `rotate`",
        false => "apply it again with `apply --unwrap`",
    };
    let both = [
        (Some(in_file), "in the file", "seal it again with `rotate`"),
        (in_cluster, "live", again),
    ];
    for (time, of, again) in both {
        if let Some(late) = time.filter(|time| is_too_late(*time, now())) {
            terminal::warn(&format!(
                "the Secret `{place}` that is {of} was sealed at {}, which is in the future: the command cannot check which one is older; {again}",
                terminal::time(late)
            ));
        }
    }
    match in_cluster {
        Some(time) if in_file < time && !is_too_late(time, now()) => Err(older(file, live, time)),
        _ => Ok(()),
    }
}

/// Refuses a file that was not sealed after the live Secret.
pub fn check_newer(file: &SealedSecret, live: &Object) -> Result<(), Failure> {
    let in_cluster = match sealed_at(live, &file.meta.place.namespace) {
        Err(Unreadable::Seal(error)) => return Err(error.into()),
        Err(Unreadable::NoSeal | Unreadable::Note) => None,
        Ok(time) => time,
    };
    match time(file) > in_cluster {
        true => Ok(()),
        false => Err(older(file, live, in_cluster.unwrap_or(0))),
    }
}

/// Why it is not known when a live Secret was sealed.
enum Unreadable {
    Seal(ManifestError),
    NoSeal,
    Note,
}

/// The form of a live Secret, in words.
fn form(live: &Object) -> &'static str {
    match (live.is_resource(), live.is_sealed()) {
        (true, _) => "EnvcryptSecret",
        (false, true) => "sealed Secret",
        (false, false) => "plain Secret",
    }
}

fn time(secret: &SealedSecret) -> Option<u64> {
    secret.seal.as_ref().map(|seal| seal.sealed_at)
}

/// When a live Secret was sealed, in seconds since 1970: by its seal, or by the note of `--unwrap`.
/// Without a note, the time is unknown. A missing seal, and a note or a seal that cannot be read, are
/// errors.
fn sealed_at(live: &Object, namespace: &Namespace) -> Result<Option<u64>, Unreadable> {
    if live.is_sealed() {
        let secret = live.sealed(namespace, SealCheck::Required).map_err(Unreadable::Seal)?;
        return time(&secret).map(Some).ok_or(Unreadable::NoSeal);
    }
    let annotations = live.metadata.annotations.as_ref();
    let Some(note) = annotations.and_then(|all| all.get(SEALED_AT_ANNOTATION)) else {
        return Ok(None);
    };
    let noted = note.parse::<Timestamp>().ok();
    let noted = noted.and_then(|time| u64::try_from(time.as_second()).ok());
    noted.map(Some).ok_or(Unreadable::Note)
}

fn older(file: &SealedSecret, live: &Object, time_live: u64) -> Failure {
    Failure::Batch(BatchError::OlderFile {
        place: file.meta.place.to_string(),
        file: terminal::time(time(file).unwrap_or(0)),
        form: form(live),
        live: terminal::time(time_live),
        is_future: time_live > now() + TICKS,
    })
}
