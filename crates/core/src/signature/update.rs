//! A new list that those of the old one signed.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use super::{SIGNERS_NAMESPACE, SignatureError, Signers, SshSignature, unarmor};

/// The most signatures that are read.
const MAX_BLOCKS: usize = 16;

/// A list that is to take the place of a known one.
#[derive(Debug, Clone, Copy)]
pub struct Update<'t> {
    /// The new text. The kind of its line ends does not matter.
    pub text: &'t str,
    /// The text of the file `*.sig`, with a block for each person.
    pub signatures: &'t str,
    /// How many people of the known list must have signed.
    pub needed: NonZeroUsize,
    /// The greatest serial that any version of the known list had.
    pub seen: Option<u64>,
    /// The present time, in seconds since 1970.
    pub now: u64,
}

impl Signers {
    /// Checks that a new list may take the place of this one: it is a version of the same list,
    /// enough people of this one signed it with keys that are valid now, and its serial is greater
    /// than all that were seen.
    ///
    /// # Errors
    /// Returns the reason, in words.
    pub fn check_update(&self, update: Update<'_>) -> Result<(), String> {
        let Update { text, signatures, needed, now, .. } = update;
        self.check_version(update)?;
        let mut principals = BTreeSet::new();
        let mut reason = None;
        for blob in unarmor(signatures).into_iter().take(MAX_BLOCKS) {
            let verdict = || -> Result<&str, String> {
                let signature = SshSignature::parse(&blob.ok_or("it is not armored")?)
                    .map_err(|error| error.to_string())?;
                verify_list(&signature, text).map_err(|error| error.to_string())?;
                self.principal(signature.key(), SIGNERS_NAMESPACE, now)
                    .map_err(|error| error.to_string())
            };
            match verdict() {
                Ok(principal) => {
                    principals.insert(principal);
                }
                Err(why) => reason = Some(why),
            }
        }
        match principals.len() >= needed.get() {
            true => Ok(()),
            false => {
                let why = reason.map(|why| format!(": a signature does not count: {why}"));
                Err(format!(
                    "{} of {needed} people of the known list signed it{}",
                    principals.len(),
                    why.unwrap_or_default()
                ))
            }
        }
    }

    /// Checks that the text is a later version of this list.
    fn check_version(&self, update: Update<'_>) -> Result<(), String> {
        let new = Self::parse(update.text).map_err(|error| error.to_string())?;
        new.check_serial(update.now).map_err(|error| error.to_string())?;
        // Whoever signed another list did not sign who may sign here.
        let id = self.id().ok_or("the known list has no line `# envcrypt-list: ID`")?;
        if new.id() != Some(id) {
            return Err("its line `# envcrypt-list: ID` is not that of the known list".to_owned());
        }
        // An older list, which was signed too, may still have a key that was stolen.
        let known =
            self.serial().ok_or("the known list has no line `# envcrypt-serial: NUMBER`")?;
        let serial = new.serial().ok_or("it has no line `# envcrypt-serial: NUMBER`")?;
        if serial <= update.seen.map_or(known, |seen| known.max(seen)) {
            return Err("its serial is not greater than that of the known list".to_owned());
        }
        Ok(())
    }
}

/// Verifies a signature over a list. A checkout may have another kind of line end than the one in
/// which somebody signed, so both kinds count.
///
/// # Errors
/// Returns a [`SignatureError`] if the signature is over neither kind, or for another purpose.
pub fn verify_list(signature: &SshSignature, text: &str) -> Result<(), SignatureError> {
    let unix = text.replace("\r\n", "\n");
    let Err(error) = signature.verify(SIGNERS_NAMESPACE, unix.as_bytes()) else { return Ok(()) };
    let windows = unix.replace('\n', "\r\n");
    signature.verify(SIGNERS_NAMESPACE, windows.as_bytes()).map_err(|_| error)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use sha2::{Digest, Sha512};

    use super::*;

    const NOW: u64 = 1_795_493_204;

    fn string(text: &[u8]) -> Vec<u8> {
        [&u32::try_from(text.len()).expect("short").to_be_bytes(), text].concat()
    }

    struct Person(&'static str, Ed25519KeyPair);

    impl Person {
        fn new(name: &'static str, seed: u8) -> Self {
            Self(name, Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a seed"))
        }

        fn key(&self) -> Vec<u8> {
            [string(b"ssh-ed25519"), string(self.1.public_key().as_ref())].concat()
        }

        fn line(&self, options: &str) -> String {
            format!("{} {options}ssh-ed25519 {}\n", self.0, BASE64_STANDARD.encode(self.key()))
        }

        fn sign(&self, namespace: &str, text: &str) -> String {
            let part = |last: Vec<u8>| {
                [string(namespace.as_bytes()), string(b""), string(b"sha512"), last].concat()
            };
            let hash = string(&Sha512::digest(text));
            let message = [b"SSHSIG".to_vec(), part(hash)].concat();
            let signature = [string(b"ssh-ed25519"), string(self.1.sign(&message).as_ref())];
            let version = 1_u32.to_be_bytes().to_vec();
            let parts = [
                b"SSHSIG".to_vec(),
                version,
                string(&self.key()),
                part(string(&signature.concat())),
            ];
            format!(
                "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n",
                BASE64_STANDARD.encode(parts.concat())
            )
        }
    }

    const LIST: &str = "# envcrypt-list: 0123456789abcdef0123456789abcdef\n";

    fn serial(number: u64) -> String {
        format!("{LIST}# envcrypt-serial: {number}\n")
    }

    fn update<'t>(text: &'t str, signatures: &'t str) -> Update<'t> {
        Update { text, signatures, needed: NonZeroUsize::MIN, seen: None, now: NOW }
    }

    #[test]
    fn as_many_different_people_of_the_old_list_as_are_needed_must_sign_the_new_one() {
        let [alice, bob, mallory] =
            [Person::new("alice", 1), Person::new("bob", 2), Person::new("mallory", 3)];
        let old = serial(5) + &alice.line("") + &bob.line("valid-before=\"20260101Z\" ");
        let old = Signers::parse(&old).expect("a list");
        let new = serial(6) + &mallory.line("");
        let check = |signatures: &str, needed: usize| {
            let needed = NonZeroUsize::new(needed).expect("a number");
            old.check_update(Update { needed, ..update(&new, signatures) })
        };
        let of_alice = alice.sign(SIGNERS_NAMESPACE, &new);
        assert_eq!(check(&of_alice, 1), Ok(()));
        assert!(check("", 1).is_err());
        // The new list does not admit its own author.
        assert!(check(&mallory.sign(SIGNERS_NAMESPACE, &new), 1).is_err());
        // One person signs once.
        assert!(check(&of_alice.repeat(2), 2).is_err());
        // A key that is not valid any more does not count.
        assert!(check(&(of_alice + &bob.sign(SIGNERS_NAMESPACE, &new)), 2).is_err());
        assert!(check(&alice.sign("secret@envcrypt.dev", &new), 1).is_err());
        assert!(check(&alice.sign(SIGNERS_NAMESPACE, "another text"), 1).is_err());
    }

    #[test]
    fn an_older_list_that_was_signed_once_does_not_come_back() {
        let alice = Person::new("alice", 1);
        let old = Signers::parse(&(serial(5) + &alice.line(""))).expect("a list");
        for (head, is_newer) in [
            (serial(6), true),
            (serial(5), false),
            (serial(4), false),
            (LIST.to_owned(), false),
            (serial(NOW + 86_400), true),
            (serial(NOW + 86_401), false),
            (serial(u64::MAX), false),
        ] {
            let new = head + &alice.line("namespaces=\"git\" ");
            let signature = alice.sign(SIGNERS_NAMESPACE, &new);
            let result = old.check_update(update(&new, &signature));
            assert_eq!(result.is_ok(), is_newer, "{new}");
        }
    }

    #[test]
    fn a_serial_counts_after_the_list_that_had_it_is_gone() {
        let alice = Person::new("alice", 1);
        let new = serial(6) + &alice.line("");
        let signature = alice.sign(SIGNERS_NAMESPACE, &new);
        let check = |old: String, seen| {
            let old = Signers::parse(&(old + &alice.line("namespaces=\"signers@envcrypt.dev\" ")));
            old.expect("a list").check_update(Update { seen, ..update(&new, &signature) })
        };
        assert_eq!(check(serial(5), Some(5)), Ok(()));
        assert!(check(serial(5), Some(6)).expect_err("older").contains("not greater"));
        let without = check(LIST.to_owned(), None);
        assert!(without.expect_err("unknown").contains("no line `# envcrypt-serial"));
    }

    #[test]
    fn the_signed_text_of_another_list_does_not_count() {
        let alice = Person::new("alice", 1);
        let other = LIST.replace("0123", "9999");
        let number = "# envcrypt-serial: 6\n";
        for (old, new, is_good) in [
            (LIST, LIST, true),
            (LIST, &other, false),
            (LIST, "", false),
            ("", LIST, false),
            ("", "", false),
        ] {
            let old = format!("{old}# envcrypt-serial: 5\n{}", alice.line(""));
            let new = format!("{new}{number}{}", alice.line(""));
            let signature = alice.sign(SIGNERS_NAMESPACE, &new);
            let result =
                Signers::parse(&old).expect("a list").check_update(update(&new, &signature));
            assert_eq!(result.is_ok(), is_good, "{old}{new}");
        }
    }

    #[test]
    fn a_signature_counts_whatever_line_ends_its_checkout_had() {
        let alice = Person::new("alice", 1);
        let old = Signers::parse(&(serial(5) + &alice.line(""))).expect("a list");
        let unix = serial(6) + &alice.line("");
        let windows = unix.replace('\n', "\r\n");
        for signed in [&unix, &windows] {
            for read in [&unix, &windows] {
                let signature = alice.sign(SIGNERS_NAMESPACE, signed);
                assert_eq!(old.check_update(update(read, &signature)), Ok(()));
            }
        }
    }
}
