use super::super::identity::new_identity;
use super::*;
use crate::secret::SecretValue;

fn kek(recipient: &str, files: &[(&str, &str)]) -> (tempfile::TempDir, AgeKek) {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |(name, text): &(&str, &str)| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let paths = files.iter().map(write).collect();
    let identities =
        Identities::new(paths, Arc::new(|_| Ok(SecretValue::new(b"open sesame".to_vec()))), None);
    (folder, AgeKek::new(KekUri::age(recipient).expect("a recipient"), Arc::new(identities)))
}

impl AgeKek {
    fn decrypt(&self, wrapped: &[u8]) -> Result<DataKey, KekError> {
        let asking = || self.decrypt_asking(wrapped, &AtomicBool::new(false));
        let bytes = self.decrypt_unlocked(wrapped)?.map_or_else(asking, Ok)?;
        let rejected = || KekError::new(&self.uri, Action::Unwrap, Refusal::Rejected);
        DataKey::from_slice(&bytes).ok_or_else(rejected)
    }
}

/// Returns an identity file that is protected by a passphrase.
fn locked(file: &str, passphrase: &str) -> String {
    let mut recipient = ::age::scrypt::Recipient::new(passphrase.to_owned().into());
    recipient.set_work_factor(2);
    ::age::encrypt_and_armor(&recipient, file.as_bytes()).expect("locked")
}

#[test]
fn a_file_that_is_no_good_does_not_keep_the_others_from_opening() {
    let (mine, other) = (new_identity(false), new_identity(false));
    let (theirs, open) =
        (locked(&other.file, "another passphrase"), locked(&mine.file, "open sesame"));
    let files = [("README.md", "# Keys\n"), ("a.age", &*theirs), ("b.age", &*open)];
    let (_folder, kek) = kek(&mine.recipient, &files);
    let wrapped = kek.encrypt(&DataKey::generate()).expect("wrapped");
    assert!(kek.decrypt(&wrapped).is_ok());
    // If no identity fits, the error names the file that could not be unlocked.
    let foreign =
        AgeKek::new(KekUri::age(&other.recipient).expect("valid"), kek.identities.clone());
    let wrapped = foreign.encrypt(&DataKey::generate()).expect("wrapped");
    let error = foreign.decrypt(&wrapped).err().expect("refused");
    assert!(error.detail.expect("a detail").contains("the passphrase does not open"));
}

#[test]
fn both_native_kinds_round_trip() {
    for post_quantum in [false, true] {
        let (mine, other) = (new_identity(post_quantum), new_identity(post_quantum));
        let (_folder, kek) = kek(&mine.recipient, &[("a", &other.file), ("b", &mine.file)]);
        let key = DataKey::generate();
        let wrapped = kek.encrypt(&key).expect("wrapped");
        let opened = kek.decrypt(&wrapped).unwrap_or_else(|e| panic!("{e} {:?}", e.detail));
        assert!(opened.expose() == key.expose());
    }
}

#[test]
fn a_tampered_file_is_rejected_and_a_foreign_one_denied() {
    let (mine, other) = (new_identity(false), new_identity(false));
    let (_folder, kek) = kek(&mine.recipient, &[("a", &mine.file)]);
    let mut wrapped = kek.encrypt(&DataKey::generate()).expect("wrapped");
    *wrapped.last_mut().expect("bytes") ^= 1;
    assert_eq!(kek.decrypt(&wrapped).err().map(|e| e.refusal), Some(Refusal::Rejected));
    assert_eq!(kek.decrypt(b"").err().map(|e| e.refusal), Some(Refusal::Rejected));
    let foreign =
        AgeKek::new(KekUri::age(&other.recipient).expect("valid"), kek.identities.clone());
    let wrapped = foreign.encrypt(&DataKey::generate()).expect("wrapped");
    assert_eq!(kek.decrypt(&wrapped).err().map(|e| e.refusal), Some(Refusal::Denied));
}

#[test]
fn only_32_bytes_are_a_key() {
    let mine = new_identity(false);
    let (_folder, kek) = kek(&mine.recipient, &[("a", &mine.file)]);
    let recipient: ::age::x25519::Recipient = mine.recipient.parse().expect("valid");
    for length in [0, 31, 33, 1000] {
        let wrapped = ::age::encrypt(&recipient, &vec![7; length]).expect("wrapped");
        assert_eq!(kek.decrypt(&wrapped).err().map(|e| e.refusal), Some(Refusal::Rejected));
    }
}

fn bech32_of(start: &str, bytes: &[u8]) -> String {
    use bech32::ToBase32;
    bech32::encode(start, bytes.to_base32(), bech32::Variant::Bech32).expect("encoded")
}

#[test]
fn an_open_identity_costs_least_and_a_passphrase_most() {
    let (open, closed) = (new_identity(false), new_identity(false));
    let of_plugin = bech32_of("age-plugin-yubikey-", &[1; 20]).to_uppercase();
    let locked = locked(&closed.file, "open sesame");
    let files = [("a", &**open.file), ("b", &of_plugin), ("c.age", &locked)];
    let (folder, kek) = kek(&open.recipient, &files);
    let cost = |recipient: &str| kek.identities.cost(&KekUri::age(recipient).expect("a recipient"));
    assert!(cost(&open.recipient) == Cost::Nothing);
    assert!(cost(&bech32_of("age1yubikey", &[2; 33])) == Cost::Plugin);
    assert!(cost(&closed.recipient) == Cost::Passphrase);
    assert!(cost(&bech32_of("age1tpm", &[2; 33])) == Cost::Passphrase);
    let names = [(folder.path().join("b"), "yubikey".to_owned())];
    assert_eq!(kek.identities.plugin_names(), names);
}

#[test]
fn a_recipient_is_a_key_or_the_name_of_a_plugin_without_a_typing_error() {
    let of_plugin = bech32_of("age1yubikey", &[2; 33]);
    let wrong = of_plugin.replace("yubikey1", "yubikey1q");
    for (recipient, is_one) in [
        (&new_identity(false).recipient, true),
        (&new_identity(true).recipient, true),
        (&of_plugin, true),
        (&wrong, false),
        (&bech32_of("age", &[1; 5]), false),
    ] {
        let uri = KekUri::age(recipient).expect("it has the form");
        assert_eq!(is_recipient(&uri), is_one, "{recipient}");
    }
}

/// Seals to a recipient, with more stanzas that nobody opens.
struct Stuffed(::age::x25519::Recipient, usize);

impl Recipient for Stuffed {
    fn wrap_file_key(
        &self,
        file_key: &FileKey,
    ) -> Result<(Vec<Stanza>, HashSet<String>), ::age::EncryptError> {
        let (mut stanzas, labels) = self.0.wrap_file_key(file_key)?;
        stanzas.push(Stanza { tag: "stuffing".into(), args: vec![], body: vec![0; self.1] });
        Ok((stanzas, labels))
    }
}

#[test]
fn a_wrapped_key_that_is_larger_than_any_real_one_is_not_opened() {
    let mine = new_identity(false);
    let (_folder, kek) = kek(&mine.recipient, &[("a", &mine.file)]);
    let wrap = |stuffing: usize| {
        let recipient = Stuffed(mine.recipient.parse().expect("valid"), stuffing);
        kek.encrypt_to(&recipient, &DataKey::generate()).expect("wrapped")
    };
    let (small, large) = (wrap(MAX_WRAPPED / 2), wrap(MAX_WRAPPED));
    assert!(small.len() < MAX_WRAPPED && large.len() > MAX_WRAPPED);
    assert!(kek.decrypt(&small).is_ok());
    assert_eq!(kek.decrypt(&large).err().map(|e| e.refusal), Some(Refusal::Rejected));
}

#[test]
fn what_another_program_wrapped_can_have_64_bytes_and_is_never_cut_off() {
    let mine = new_identity(false);
    let (_folder, kek) = kek(&mine.recipient, &[("a", &mine.file)]);
    let recipient: ::age::x25519::Recipient = mine.recipient.parse().expect("valid");
    for (size, opens) in [(33, true), (63, true), (64, true), (65, false), (66, false)] {
        let wrapped = ::age::encrypt(&recipient, &vec![7; size]).expect("wrapped");
        let opened = kek.decrypt_unlocked(&wrapped).ok().flatten();
        assert_eq!(opened.map(|bytes| bytes.len()), opens.then_some(size));
    }
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_told_to_stop() {
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    let (started, has_started) = mpsc::channel();
    let (done, is_done) = mpsc::channel();
    let waits = aside(move |stopped| {
        started.send(()).expect("the test waits");
        let until = Instant::now() + Duration::from_secs(5);
        while !stopped.load(Ordering::Relaxed) && Instant::now() < until {
            std::thread::yield_now();
        }
        done.send(stopped.load(Ordering::Relaxed)).expect("the test waits");
    });
    let mut waits = Box::pin(waits);
    assert!(futures::poll!(&mut waits).is_pending());
    has_started.recv().expect("it runs");
    drop(waits);
    assert!(is_done.recv().expect("it ends"));
}

/// A locked SSH key tells its recipient.
#[test]
fn only_the_passphrase_of_the_ssh_key_that_opens_is_asked_for() {
    let ssh = include_str!("../../../../tests/age/locked_ed25519");
    let recipient = include_str!("../../../../tests/age/locked_ed25519.pub");
    let other = new_identity(false);
    let folder = tempfile::tempdir().expect("a folder");
    let files = [("a.age", locked(&other.file, "open sesame")), ("ssh", ssh.to_owned())];
    let paths = files.map(|(name, text)| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    });
    let (asked, questions) = std::sync::mpsc::channel();
    let asked = std::sync::Mutex::new(asked);
    let passphrases = move |question: &str| {
        asked.lock().expect("whole").send(question.to_owned()).expect("the test listens");
        Ok(SecretValue::new(b"open sesame".to_vec()))
    };
    let identities = Arc::new(Identities::new(paths.into(), Arc::new(passphrases), None));
    let kek = AgeKek::new(KekUri::age(recipient.trim()).expect("a recipient"), identities.clone());
    let wrapped = kek.encrypt(&DataKey::generate()).expect("wrapped");
    assert!(kek.decrypt(&wrapped).is_ok());
    let asked: Vec<String> = questions.try_iter().collect();
    assert!(asked.len() == 1 && asked[0].ends_with("/ssh"), "{asked:?}");
    // Nobody needs it for another recipient.
    let kek = AgeKek::new(KekUri::age(&other.recipient).expect("a recipient"), identities);
    let wrapped = kek.encrypt(&DataKey::generate()).expect("wrapped");
    assert!(kek.decrypt(&wrapped).is_ok());
    let asked: Vec<String> = questions.try_iter().collect();
    assert!(asked.len() == 1 && asked[0].ends_with("/a.age"), "{asked:?}");
}

#[test]
fn a_locked_identity_asks_for_its_passphrase() {
    let mine = new_identity(true);
    let locked = locked(&mine.file, "open sesame");
    let (_folder, kek) = kek(&mine.recipient, &[("a.age", &locked)]);
    let wrapped = kek.encrypt(&DataKey::generate()).expect("wrapped");
    assert!(kek.decrypt(&wrapped).is_ok());
}
