//! A repository, the people who work in it, and their keys.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{KeyPair, PKCS_ED25519, SigningKey};
use sha2::{Digest, Sha512};

use crate::failure::{Failure, SignersError};
use crate::session::Session;
use crate::signers::demand;
use crate::terminal::{Prompt, PromptError, Times};
use envcrypt_core::secret::{Place, SecretValue};
use envcrypt_core::signature::SIGNERS_NAMESPACE;

pub const RULES: &str = "
rules:
- {namespace: dev, keks: [local]}
- {namespace: prod, keks: [local], signers: .envcrypt/allowed_signers, signatures: 2}
";
pub const LIST: &str = ".envcrypt/allowed_signers";

/// Answers every question with the same word, and remembers what it was shown.
pub struct Person {
    pub is_there: bool,
    pub says_yes: bool,
    pub seen: Mutex<Vec<String>>,
}

impl Prompt for Person {
    fn is_available(&self) -> bool {
        self.is_there
    }

    fn hidden(&self, what: &str, _: Times) -> Result<SecretValue, PromptError> {
        Err(PromptError::NoTerminal(what.to_owned()))
    }

    fn visible(&self, what: &str) -> Result<String, PromptError> {
        Err(PromptError::NoTerminal(what.to_owned()))
    }

    fn confirm(&self, question: &str) -> Result<bool, PromptError> {
        self.seen.lock().expect("whole").push(format!("{question}?"));
        Ok(self.says_yes)
    }

    fn confirm_with(&self, _: &str, question: &str) -> Result<bool, PromptError> {
        Err(PromptError::NoTerminal(question.to_owned()))
    }

    fn tell(&self, text: &str) {
        self.seen.lock().expect("whole").push(text.to_owned());
    }
}

/// A repository, and the machine of someone who works in it.
pub struct World {
    pub folder: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().expect("a directory") };
        world.git(&world.repository("a"), &["init", "-q"]);
        world
    }

    /// With a rule and a list that this machine has seen.
    pub fn pinned(key: &Key) -> Self {
        let world = Self::new();
        world.write("a/.envcrypt.yaml", RULES);
        world.write(
            &format!("a/{LIST}"),
            &(serial(5) + &key.line("alice") + &Key::new().line("bob")),
        );
        world.commit("a");
        world.demand("a").expect("it is the first use").expect("a demand");
        world
    }

    pub fn repository(&self, name: &str) -> PathBuf {
        let path = self.folder.path().canonicalize().expect("there").join(name);
        std::fs::create_dir_all(&path).expect("made");
        path
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        std::fs::write(path, text).expect("written");
    }

    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.folder.path().join(name)).expect("removed");
    }

    pub fn git(&self, folder: &Path, args: &[&str]) {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgSign=false"]);
        let done =
            git.args(args).current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").output();
        let done = done.expect("git runs");
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    pub fn commit(&self, name: &str) {
        self.git(&self.repository(name), &["add", "-A"]);
        self.git(&self.repository(name), &["commit", "-qm", "a change"]);
    }

    pub fn session(&self, person: Arc<Person>) -> Session {
        Session::for_test(&self.folder.path().join("config"), person)
    }

    /// What a Secret in a directory needs, for a run without a terminal.
    pub fn demand(&self, folder: &str) -> Result<Option<usize>, Failure> {
        let nobody = Person { is_there: false, says_yes: true, seen: Mutex::default() };
        self.demand_of(&self.session(Arc::new(nobody)), folder)
    }

    pub fn demand_of(&self, session: &Session, folder: &str) -> Result<Option<usize>, Failure> {
        let path = self.repository(folder).join("db.yaml");
        let place = Place {
            namespace: "prod".parse().expect("a name"),
            name: "db".parse().expect("a name"),
        };
        Ok(demand(session, &place, Some(&path))?.map(|demand| demand.needed.get()))
    }

    /// The changes for which a run without a terminal is refused.
    pub fn refused(&self, folder: &str) -> String {
        match self.demand(folder) {
            Err(Failure::Signers(SignersError::Changed { changes, .. })) => changes.join("\n"),
            other => panic!("{:?}", other.map_err(|failure| failure.to_string())),
        }
    }
}

pub struct Key(KeyPair);

impl Key {
    pub fn new() -> Self {
        Self(KeyPair::generate_for(&PKCS_ED25519).expect("a key"))
    }

    pub fn blob(&self) -> Vec<u8> {
        [string(b"ssh-ed25519"), string(self.0.public_key_raw())].concat()
    }

    pub fn line(&self, principal: &str) -> String {
        format!("{principal} ssh-ed25519 {}\n", BASE64_STANDARD.encode(self.blob()))
    }

    pub fn sign(&self, text: &str) -> String {
        let part = |last: Vec<u8>| {
            [string(SIGNERS_NAMESPACE.as_bytes()), string(b""), string(b"sha512"), last].concat()
        };
        let message = [b"SSHSIG".to_vec(), part(string(&Sha512::digest(text)))].concat();
        let signature = self.0.sign(&message).expect("signed");
        let signature = [string(b"ssh-ed25519"), string(&signature)].concat();
        let head = [b"SSHSIG\0\0\0\x01".to_vec(), string(&self.blob())].concat();
        let blob = [head, part(string(&signature))].concat();
        format!(
            "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n",
            BASE64_STANDARD.encode(blob)
        )
    }
}

pub fn string(text: &[u8]) -> Vec<u8> {
    [&u32::try_from(text.len()).expect("short").to_be_bytes(), text].concat()
}

pub fn serial(number: u64) -> String {
    format!("# envcrypt-list: 0123456789abcdef0123456789abcdef\n# envcrypt-serial: {number}\n")
}
