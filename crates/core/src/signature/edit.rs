//! Changes a list of signers, and keeps every line that is not concerned.

use super::list::{ID, SERIAL, is_key, is_principal, time_text};
use super::{ListError, PublicKey, SECRET_NAMESPACE, SIGNERS_NAMESPACE, Signer, Signers};

/// What becomes of a key that may not sign any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// What it signed until this second, since 1970, still counts.
    At(u64),
    /// Nothing that it signed counts, because somebody else could have signed it.
    Stolen,
}

/// A changed list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The new text.
    pub text: String,
    /// How many lines changed. With 0, the text is the old one.
    pub lines: usize,
}

/// Whether the text can be a principal: one name of ASCII characters, no pattern.
#[must_use]
pub fn can_be_principal(text: &str) -> bool {
    is_principal(text)
}

/// Adds keys of a person. A key that the person has already is left as it is. `now` is in seconds
/// since 1970.
///
/// # Errors
/// Returns a [`ListError`] if the list cannot be read, or would not be valid any more: for example,
/// somebody else has the key, or it was stolen.
pub fn add(text: &str, principal: &str, keys: &[PublicKey], now: u64) -> Result<Edited, ListError> {
    let known = Signers::parse(text)?;
    let has = |key: &PublicKey| {
        known.list().iter().any(|signer| signer.principal == principal && signer.key == *key)
    };
    let mut new: Vec<&PublicKey> = Vec::new();
    for key in keys {
        if !has(key) && !new.contains(&key) {
            new.push(key);
        }
    }
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.extend(new.iter().map(|key| {
        format!("{principal} namespaces=\"{SECRET_NAMESPACE},{SIGNERS_NAMESPACE}\" {key}")
    }));
    finish(text, &known, lines, new.len(), now)
}

/// Revokes all keys of a person, or the one with this fingerprint. A key that was revoked earlier
/// is left as it is. `now` is in seconds since 1970.
///
/// # Errors
/// As for [`add`].
pub fn revoke(
    text: &str,
    principal: &str,
    fingerprint: Option<&str>,
    revocation: Revocation,
    now: u64,
) -> Result<Edited, ListError> {
    let known = Signers::parse(text)?;
    let is_meant = |signer: &Signer| {
        signer.principal == principal
            && fingerprint.is_none_or(|print| signer.key.fingerprint() == print)
    };
    let mut changed = 0;
    let mut lines = Vec::new();
    for line in text.lines() {
        // Every line was read just now.
        let signer = Signer::parse(line).ok().flatten().filter(is_meant);
        let Some(signer) = signer else {
            lines.push(line.to_owned());
            continue;
        };
        match revocation {
            Revocation::Stolen => {
                changed += 1;
                let stolen = format!("# stolen {}", signer.key.fingerprint());
                if !lines.contains(&stolen) {
                    lines.push(stolen);
                }
            }
            Revocation::At(end) if signer.valid_before.is_some_and(|known| known <= end) => {
                lines.push(line.to_owned());
            }
            Revocation::At(end) => {
                changed += 1;
                lines.push(ending(line, &time_text(end).unwrap_or_default()));
            }
        }
    }
    finish(text, &known, lines, changed, now)
}

/// The line with another `valid-before`.
fn ending(line: &str, end: &str) -> String {
    const NAME: &str = "valid-before=\"";
    let option = format!("{NAME}{end}\"");
    let start = line.len() - line.trim_start().len();
    let principal = line[start..].find([' ', '\t']).unwrap_or(line.len() - start);
    let (head, rest) = line.split_at(start + principal);
    let rest = rest.trim_start();
    if is_key(rest) {
        return format!("{head} {option} {rest}");
    }
    // No value has a space. What follows the key is a comment, and can be anything.
    let (options, rest) = rest.split_at(rest.find([' ', '\t']).unwrap_or(rest.len()));
    let options = options.split("\",").filter(|option| {
        !option.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME))
    });
    let others: String =
        options.map(|option| format!(",{}\"", option.trim_end_matches('"'))).collect();
    format!("{head} {option}{others}{rest}")
}

/// Raises the serial, gives the list an ID if it has none, and joins the lines as they were joined before.
fn finish(
    text: &str,
    known: &Signers,
    mut lines: Vec<String>,
    changed: usize,
    now: u64,
) -> Result<Edited, ListError> {
    if changed == 0 {
        return Ok(Edited { text: text.to_owned(), lines: 0 });
    }
    known.check_serial(now)?;
    let serial = known.serial().map_or(now, |old| now.max(old + 1));
    let serial = format!("{SERIAL} {serial}");
    match lines.iter_mut().find(|line| line.trim().starts_with(SERIAL)) {
        Some(line) => *line = serial,
        None => lines.insert(0, serial),
    }
    if known.id().is_none() {
        lines.insert(0, format!("{ID} {}", new_id()));
    }
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let text = lines.join(end) + end;
    Signers::parse(&text)?;
    Ok(Edited { text, lines: changed })
}

/// 16 random bytes, in hexadecimal digits.
fn new_id() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::{Problem, SignerError};

    const NOW: u64 = 1_795_493_204;
    const ALICE: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC9o3rGXf8/0+6VOwd6WyC2kjqIYQvk6hg8hJXHhaSNv";
    const BOB: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUJHcE0aMzfZzhrmvhLAGGIV2xzYHHyzjZZfyrI9yk3";

    fn key(text: &str) -> PublicKey {
        text.parse().expect("a key")
    }

    /// The text with the ID `0123…`.
    fn known_id(text: &str) -> String {
        let id = Signers::parse(text).expect("a list").id().expect("an ID").to_owned();
        text.replace(&id, &"0123456789abcdef".repeat(2))
    }

    const LIST_ID: &str = "# envcrypt-list: 0123456789abcdef0123456789abcdef\n";

    #[test]
    fn a_key_is_added_once_and_all_other_bytes_stay() {
        let first = add("", "alice", &[key(ALICE), key(ALICE)], NOW).expect("added");
        let line = format!("alice namespaces=\"secret@envcrypt.dev,signers@envcrypt.dev\" {ALICE}");
        assert_eq!(known_id(&first.text), format!("{LIST_ID}# envcrypt-serial: {NOW}\n{line}\n"));
        assert_eq!(first.lines, 1);
        let again = add(&first.text, "alice", &[key(ALICE)], NOW + 9).expect("known");
        assert_eq!(again, Edited { text: first.text.clone(), lines: 0 });
        let odd = format!(
            "#  hello\r\n# envcrypt-list: 00000000000000000000000000000000\r\n  alice\t{ALICE}  at work\r\n\r\n# envcrypt-serial: {NOW}\r\n# end"
        );
        let more = add(&odd, "bob", &[key(BOB)], NOW - 9).expect("added").text;
        let head = odd.replace(&NOW.to_string(), &(NOW + 1).to_string());
        assert_eq!(
            more,
            format!("{head}\r\n{}\r\n", line.replace("alice", "bob").replace(ALICE, BOB))
        );
        let shared = add(&first.text, "mallory", &[key(ALICE)], NOW).expect_err("shared");
        assert_eq!(shared.problem, Problem::Shared("mallory".into(), "alice".into()));
    }

    #[test]
    fn a_revoked_key_keeps_its_past_and_a_stolen_one_does_not() {
        let at = Revocation::At(NOW);
        for (line, wanted) in [
            (format!("alice {ALICE}"), format!("alice valid-before=\"20261124040644Z\" {ALICE}")),
            (
                format!(" alice\tnamespaces=\"secret@envcrypt.dev\" {ALICE} c"),
                format!(
                    " alice valid-before=\"20261124040644Z\",namespaces=\"secret@envcrypt.dev\" {ALICE} c"
                ),
            ),
            (
                format!(
                    "alice namespaces=\"secret@envcrypt.dev,valid-before=\" {ALICE} valid-before=\"\""
                ),
                format!(
                    "alice valid-before=\"20261124040644Z\",namespaces=\"secret@envcrypt.dev,valid-before=\" {ALICE} valid-before=\"\""
                ),
            ),
            (
                format!("alice Valid-Before=\"20300101Z\",valid-after=\"20200101Z\" {ALICE}"),
                format!("alice valid-before=\"20261124040644Z\",valid-after=\"20200101Z\" {ALICE}"),
            ),
        ] {
            let text = format!("bob {BOB}\n{line}\n");
            let edited = revoke(&text, "alice", None, at, NOW).expect("revoked");
            let expected = format!("{LIST_ID}# envcrypt-serial: {NOW}\nbob {BOB}\n{wanted}\n");
            assert_eq!((known_id(&edited.text), edited.lines), (expected, 1));
            let signers = Signers::parse(&edited.text).expect("a list");
            let who = |time| signers.principal(&key(ALICE), SECRET_NAMESPACE, time);
            assert_eq!((who(NOW), who(NOW + 1)), (Ok("alice"), Err(SignerError::Late)));
            // Never later than before.
            let later = revoke(&edited.text, "alice", None, Revocation::At(NOW + 9), NOW);
            assert_eq!(later.expect("known").lines, 0);
            let stolen = revoke(&text, "alice", None, Revocation::Stolen, NOW).expect("removed");
            let print = key(ALICE).fingerprint();
            let expected =
                format!("{LIST_ID}# envcrypt-serial: {NOW}\nbob {BOB}\n# stolen {print}\n");
            assert_eq!(known_id(&stolen.text), expected);
            let again = add(&stolen.text, "alice", &[key(ALICE)], NOW).expect_err("stolen");
            assert_eq!(again.problem, Problem::Returned("alice".into(), print));
        }
    }

    #[test]
    fn one_key_of_several_is_named_by_its_fingerprint() {
        let text = format!("alice {ALICE}\nalice {BOB}\n");
        let print = key(BOB).fingerprint();
        let edited =
            revoke(&text, "alice", Some(&print), Revocation::Stolen, NOW).expect("removed");
        let expected =
            format!("{LIST_ID}# envcrypt-serial: {NOW}\nalice {ALICE}\n# stolen {print}\n");
        assert_eq!(known_id(&edited.text), expected);
        assert_eq!(revoke(&text, "bob", None, Revocation::Stolen, NOW).expect("none").lines, 0);
    }

    #[test]
    fn each_list_has_an_id_of_its_own_and_keeps_it() {
        let new = || add("", "alice", &[key(ALICE)], NOW).expect("added").text;
        let id = |text: &str| Signers::parse(text).expect("a list").id().map(str::to_owned);
        let first = new();
        assert_ne!(id(&first), id(&new()));
        let more = add(&first, "bob", &[key(BOB)], NOW).expect("added").text;
        assert_eq!(id(&first), id(&more));
    }

    #[test]
    fn a_serial_from_the_future_is_not_continued() {
        for serial in [u64::MAX, NOW + 86_401] {
            let text = format!("# envcrypt-serial: {serial}\nalice {ALICE}\n");
            let error = add(&text, "bob", &[key(BOB)], NOW).expect_err("refused");
            assert_eq!(error, ListError { line: 1, problem: Problem::Ahead });
        }
    }
}
