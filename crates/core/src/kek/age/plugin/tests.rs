//! Plugins, with one of our own: `tests/programs/age-plugin-test.py`.

use std::collections::VecDeque;
use std::os::unix::fs::symlink;

use bech32::{ToBase32, Variant};
use tempfile::TempDir;

use super::*;
use crate::kek::age::identities::Identities;
use crate::kek::provider::Connector;
use crate::kek::{Context, DataKey, Kek, WrappedKey};
use crate::secret::SecretValue;

const PROGRAM: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/programs/age-plugin-test.py");

/// A user who notes everything, and answers from a list. Without more answers, nobody answers.
#[derive(Default)]
struct User {
    seen: Mutex<Vec<String>>,
    answers: Mutex<VecDeque<&'static str>>,
}

impl User {
    fn next(&self, question: String) -> Result<&'static str, String> {
        lock(&self.seen).push(question);
        lock(&self.answers).pop_front().ok_or_else(|| "nobody is here".to_owned())
    }
}

impl PluginUser for User {
    fn tell(&self, message: &str) {
        lock(&self.seen).push(message.to_owned());
    }

    fn ask(&self, question: &str) -> Result<String, String> {
        self.next(question.to_owned()).map(str::to_owned)
    }

    fn ask_secret(&self, question: &str) -> Result<SecretValue, String> {
        self.next(question.to_owned()).map(|pin| SecretValue::new(pin.as_bytes().to_vec()))
    }

    fn choose(&self, question: &str, yes: &str, no: Option<&str>) -> Result<bool, String> {
        self.next(format!("{question} {yes} {no:?}")).map(|answer| answer == yes)
    }
}

/// A plugin on a PATH of its own, and the identities of its user.
struct Setting {
    folder: TempDir,
    user: Arc<User>,
    identities: Arc<Identities>,
}

fn text(start: &str, words: &str) -> String {
    bech32::encode(start, words.as_bytes().to_base32(), Variant::Bech32).expect("encoded")
}

fn recipient(words: &str) -> KekUri {
    KekUri::age(&text("age1test", words)).expect("a recipient")
}

fn identity(words: &str) -> String {
    text("age-plugin-test-", words).to_uppercase()
}

/// A PATH with the plugin and with Python.
fn path_of(folder: &TempDir) -> OsString {
    let parts = [folder.path().as_os_str(), OsStr::new("/usr/local/bin:/usr/bin:/bin")];
    parts.join(OsStr::new(":"))
}

impl Setting {
    /// The identity file has these words, with the recipient in a comment.
    fn new(words: &[&str], answers: &[&'static str]) -> Self {
        let long = Duration::from_secs(60);
        Self::with_patience(words, answers, Patience { notice: long, most: long })
    }

    fn with_patience(words: &[&str], answers: &[&'static str], patience: Patience) -> Self {
        let folder = tempfile::tempdir().expect("a directory");
        symlink(PROGRAM, folder.path().join("age-plugin-test")).expect("linked");
        std::fs::write(folder.path().join("age-plugin-test.log"), "").expect("written");
        let lines = words.iter().map(|words| {
            format!("# Recipient: {}\n{}\n", recipient(words).rest(), identity(words))
        });
        let file = folder.path().join("identity");
        std::fs::write(&file, lines.collect::<String>()).expect("written");
        let user = Arc::new(User::default());
        lock(&user.answers).extend(answers);
        let path = path_of(&folder);
        let passphrases = Arc::new(|_: &str| Err("no passphrase".to_owned()));
        let identities = Identities::new(vec![file], passphrases, Some(user.clone()));
        let identities = Arc::new(identities.with_plugins(|p| p.with(path, patience)));
        Self { folder, user, identities }
    }

    fn kek(&self, words: &str) -> Arc<dyn Kek> {
        self.identities.clone().kek(&recipient(words))
    }

    async fn wrap(&self, words: &str) -> Result<(DataKey, WrappedKey), KekError> {
        let key = DataKey::generate();
        let wrapped = self.kek(words).wrap(&key, &Context::default()).await?;
        Ok((key, wrapped.key))
    }

    async fn unwrap(&self, words: &str, wrapped: &WrappedKey) -> Result<DataKey, KekError> {
        self.kek(words)
            .unwrap(wrapped, &Context::default())
            .await
            .map(|opened| opened.key().expect("32 bytes"))
    }

    /// Wraps and unwraps.
    async fn round_trip(&self, words: &str) -> Result<(), KekError> {
        let (key, wrapped) = self.wrap(words).await?;
        let opened = self.unwrap(words, &wrapped).await?;
        assert!(opened.expose() == key.expose());
        Ok(())
    }

    fn seen(&self) -> Vec<String> {
        lock(&self.user.seen).clone()
    }

    fn starts(&self) -> Vec<String> {
        let log = self.folder.path().join("age-plugin-test.log");
        std::fs::read_to_string(log).expect("a log").lines().map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn a_plugin_wraps_and_unwraps_and_its_user_answers() {
    let words = "alice+seal-touch+pin+public+confirm+unknown";
    let setting = Setting::new(&[words], &["123456", "alice", "Go"]);
    setting.round_trip(words).await.expect("opened");
    let seen = [
        "age-plugin-test: touch the \u{1b}[31mkey",
        "age-plugin-test: now",
        "age-plugin-test: PIN of the key",
        "age-plugin-test: name",
        "age-plugin-test: go on Go Some(\"Leave\")",
    ];
    assert_eq!(setting.seen(), seen);
    let starts = setting.starts();
    assert_eq!(starts.len(), 2, "{starts:?}");
    // Not in the directory of the user, which may belong to a repository.
    assert!(starts.iter().all(|line| line.ends_with(" /")), "{starts:?}");
}

#[tokio::test]
async fn each_failure_of_a_plugin_is_one_error_and_happens_once() {
    for (words, why) in [
        ("a+crash", "`age-plugin-test` ended before it had answered"),
        ("a+garbage", "the answer of `age-plugin-test` is not the protocol of age plugins"),
        ("a+flood", "the answer of `age-plugin-test` is not the protocol of age plugins"),
        ("a+chatter", "the answer of `age-plugin-test` is not the protocol of age plugins"),
        ("a+pin", "`age-plugin-test` asked for something, and nobody is here"),
        ("a+confirm", "`age-plugin-test` asked for something, and nobody is here"),
    ] {
        for part in ["", "seal-"] {
            let words = &words.replace('+', &format!("+{part}"));
            let setting = Setting::new(&[words], &[]);
            for _ in 0..2 {
                let error = setting.round_trip(words).await.expect_err(words);
                assert_eq!(error.refusal, Refusal::Plugin, "{words}");
                assert_eq!(error.detail.as_deref(), Some(why), "{words}");
                let hint = "update `age-plugin-test`, and test it with `age` itself";
                let hint = (!why.contains("asked for")).then_some(hint);
                assert_eq!(error.hint.as_deref(), hint, "{words}");
            }
            let machine = if part.is_empty() { "identity-v1" } else { "recipient-v1" };
            let starts = setting.starts();
            let same = starts.iter().filter(|line| line.contains(machine)).count();
            assert_eq!(same, 1, "{words}: {starts:?}");
        }
    }
}

#[tokio::test]
async fn a_plugin_that_hangs_is_stopped_and_the_user_is_told() {
    let words = "a+hang";
    let (_, wrapped) = Setting::new(&[], &[]).wrap(words).await.expect("wrapped");
    let short = Duration::from_millis(300);
    let patience = Patience { notice: short, most: short * 2 };
    let setting = Setting::with_patience(&[words], &[], patience);
    let error = setting.unwrap(words, &wrapped).await.err().expect("silent");
    assert_eq!(error.detail.as_deref(), Some("`age-plugin-test` was silent for 0 seconds"));
    let notice = "waiting for `age-plugin-test`: touch the key if it blinks";
    assert_eq!(setting.seen(), [notice]);
}

#[tokio::test]
async fn a_call_that_is_dropped_stops_its_plugin() {
    let words = "a+hang";
    let setting = Setting::new(&[words], &[]);
    let (_, wrapped) = setting.wrap(words).await.expect("wrapped");
    let kek = setting.kek(words);
    let context = Context::default();
    let call = kek.unwrap(&wrapped, &context);
    assert!(tokio::time::timeout(Duration::from_millis(100), call).await.is_err());
    // The next one gets its turn, long before the plugin would have been stopped anyway.
    let free = setting.identities.clone();
    tokio::task::spawn_blocking(move || drop(lock(&free.plugins().turn))).await.expect("free");
    assert!(lock(&setting.identities.plugins().failed).is_empty());
}

#[tokio::test]
async fn an_error_of_the_plugin_is_shown_without_the_identity_and_only_for_its_data_key() {
    let (leaks, wrong) = ("a+leak", "b+pin");
    let setting = Setting::new(&[leaks, wrong], &["1", "22", "123456"]);
    let (_, wrapped) = setting.wrap(leaks).await.expect("wrapped");
    let error = setting.unwrap(leaks, &wrapped).await.err().expect("an error");
    let detail = error.detail.expect("a detail");
    assert_eq!(detail, "`age-plugin-test` says: bad AGE-PLUGIN-TEST-1… and age-plugin-test-1…");
    // The same data key again: the user is not asked again. Another one: the user is.
    let (_, first) = setting.wrap(wrong).await.expect("wrapped");
    let (_, second) = setting.wrap(wrong).await.expect("wrapped");
    for (wrapped, why) in [(&first, "PIN 1"), (&first, "PIN 1"), (&second, "PIN 2")] {
        let error = setting.unwrap(wrong, wrapped).await.err().expect("an error");
        assert!(error.detail.expect("a detail").contains(why), "{why}");
    }
    let (_, third) = setting.wrap(wrong).await.expect("wrapped");
    assert!(setting.unwrap(wrong, &third).await.is_ok());
}

#[tokio::test]
async fn an_error_of_the_plugin_that_seals_does_not_keep_it_from_sealing_the_next_time() {
    let words = "a+seal-pin";
    let setting = Setting::new(&[words], &["1", "123456"]);
    let error = setting.wrap(words).await.err().expect("an error");
    assert!(error.detail.expect("a detail").contains("wrong PIN 1"));
    setting.round_trip(words).await.expect("the right PIN");
}

#[tokio::test]
async fn a_plugin_can_label_its_stanzas_and_can_answer_for_no_other_file() {
    let labels = "a+seal-labels";
    Setting::new(&[labels], &[]).round_trip(labels).await.expect("opened");
    let other = "a+seal-other";
    let error = Setting::new(&[other], &[]).wrap(other).await.err().expect("refused");
    let why = "the answer of `age-plugin-test` is not the protocol of age plugins";
    assert_eq!(error.detail.as_deref(), Some(why));
}

#[tokio::test]
async fn only_the_identity_of_the_named_recipient_goes_to_the_plugin() {
    let setting = Setting::new(&["a", "b"], &[]);
    setting.round_trip("a").await.expect("opened");
    assert!(setting.starts()[1].contains("identity-v1 1 "), "{:?}", setting.starts());
    // Nobody has the identity of this one, so no plugin is started to open it.
    let (_, wrapped) = setting.wrap("c").await.expect("wrapped");
    let error = setting.unwrap("c", &wrapped).await.err().expect("refused");
    assert_eq!(error.refusal, Refusal::Denied);
    assert!(error.hint.expect("a hint").contains("AGE-PLUGIN-TEST-1…"));
    assert_eq!(setting.starts().len(), 3);
}

#[tokio::test]
async fn an_identity_of_a_plugin_can_be_in_a_file_with_a_passphrase() {
    let setting = Setting::new(&["a"], &[]);
    let (key, wrapped) = setting.wrap("a").await.expect("wrapped");
    let file = setting.folder.path().join("identity");
    let mut passphrase = age::scrypt::Recipient::new("open sesame".to_owned().into());
    passphrase.set_work_factor(2);
    let text = std::fs::read(&file).expect("there");
    let locked = age::encrypt_and_armor(&passphrase, &text).expect("locked");
    std::fs::write(&file, locked).expect("written");
    let passphrases = Arc::new(|_: &str| Ok(SecretValue::new(b"open sesame".to_vec())));
    let identities = Identities::new(vec![file], passphrases, Some(setting.user.clone()));
    let path = path_of(&setting.folder);
    let change = |plugins: Plugins| plugins.with(path, Patience::default());
    let kek = Arc::new(identities.with_plugins(change)).kek(&recipient("a"));
    let opened = kek.unwrap(&wrapped, &Context::default()).await.expect("opened");
    assert!(opened.key().expect("32 bytes").expose() == key.expose());
}

#[tokio::test]
async fn a_plugin_is_not_started_without_a_user_or_a_program() {
    let setting = Setting::new(&["a"], &[]);
    let (_, wrapped) = setting.wrap("a").await.expect("wrapped");
    for (user, why) in [
        (None, "it needs `age-plugin-test`, and a server starts no plugin"),
        (Some(setting.user.clone() as Arc<dyn PluginUser>), "`age-plugin-test` is not on the PATH"),
    ] {
        let path = if user.is_some() { OsString::new() } else { setting.folder.path().into() };
        let passphrases = Arc::new(|_: &str| Err("no passphrase".to_owned()));
        let identities =
            Identities::new(vec![setting.folder.path().join("identity")], passphrases, user);
        let change = |plugins: Plugins| plugins.with(path, Patience::default());
        let kek = Arc::new(identities.with_plugins(change)).kek(&recipient("a"));
        let context = Context::default();
        for error in [
            kek.unwrap(&wrapped, &context).await.err(),
            kek.wrap(&DataKey::generate(), &context).await.err(),
        ] {
            let error = error.expect("refused");
            assert_eq!(error.refusal, Refusal::Unusable);
            assert_eq!(error.detail.as_deref(), Some(why));
        }
    }
    assert_eq!(setting.starts().len(), 1);
}

#[test]
fn only_absolute_entries_of_the_path_count() {
    let folder = tempfile::tempdir().expect("a directory");
    let write = |name: &str, mode: u32| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        std::fs::write(&path, "#!/bin/sh\n").expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
    };
    write("a/age-plugin-x", 0o644);
    write("b/age-plugin-x", 0o755);
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    let here = std::env::current_dir().expect("a directory");
    // As many `..` as it takes, and then the absolute path: a relative name of the same place.
    let up: PathBuf = here.components().skip(1).map(|_| "..").collect();
    let relative = up.join(b.strip_prefix("/").expect("absolute"));
    assert!(relative.join("age-plugin-x").is_file());
    let path = |parts: &[&Path]| std::env::join_paths(parts).expect("a PATH");
    let found = |parts: &[&Path]| find_in(&path(parts), "x");
    assert_eq!(found(&[&a, &b]), Some(b.join("age-plugin-x")));
    assert_eq!(found(&[&relative, Path::new(""), Path::new("."), &a]), None);
    assert_eq!(found(&[&relative, &b]), Some(b.join("age-plugin-x")));
    assert_eq!(find_in(&path(&[&b]), "y"), None);
}
