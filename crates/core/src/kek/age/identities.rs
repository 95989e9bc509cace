//! The person's age identities: from the configuration folder and from
//! `ENVCRYPT_AGE_IDENTITIES`, read when first needed, unlocked when nothing else fits.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use age::armor::ArmoredReader;
use age::secrecy::{ExposeSecret, SecretString};
use age::{Decryptor, ssh, x25519};
use thiserror::Error;
use zeroize::Zeroizing;

use super::post_quantum;
use crate::kek::Passphrases;

/// The largest identity file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;
/// The work that a passphrase may cost: 2^22, some seconds. More would let a
/// crafted file hang the program.
const MAX_WORK_FACTOR: u8 = 22;

/// Why an identity file cannot be used. Never quotes the file.
#[derive(Debug, Clone, Error)]
pub enum IdentityError {
    /// It cannot be read.
    #[error("the age identity file `{path}` cannot be read: {why}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// It holds something else.
    #[error("`{path}` holds no age identity and no SSH private key")]
    Content {
        /// The file.
        path: PathBuf,
    },
    /// It is locked, and no passphrase was given.
    #[error("`{path}` is protected by a passphrase, and {why}")]
    NoPassphrase {
        /// The file.
        path: PathBuf,
        /// Why there is none.
        why: String,
    },
    /// The passphrase is wrong.
    #[error("the passphrase does not open `{path}`")]
    Passphrase {
        /// The file.
        path: PathBuf,
    },
}

impl IdentityError {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Read { path, .. }
            | Self::Content { path }
            | Self::NoPassphrase { path, .. }
            | Self::Passphrase { path } => path,
        }
    }
}

/// One identity that is ready to use, and whom to seal to for it: derived once,
/// since it is compared with every file that is opened.
pub struct Identity {
    secret: Secret,
    recipient: Option<String>,
}

enum Secret {
    /// `AGE-SECRET-KEY-1…`
    X25519(x25519::Identity),
    /// `AGE-SECRET-KEY-PQ-1…`
    PostQuantum(Box<post_quantum::Identity>),
    /// An SSH private key.
    Ssh(Box<ssh::Identity>),
}

impl Identity {
    /// Its recipient, as it stands behind `age:`.
    #[must_use]
    pub fn recipient(&self) -> Option<&str> {
        self.recipient.as_deref()
    }

    fn x25519(identity: x25519::Identity) -> Self {
        let recipient = Some(identity.to_public().to_string());
        Self { secret: Secret::X25519(identity), recipient }
    }

    fn post_quantum(identity: post_quantum::Identity) -> Self {
        let recipient = Some(identity.recipient().to_string());
        Self { secret: Secret::PostQuantum(Box::new(identity)), recipient }
    }

    fn ssh(identity: ssh::Identity, recipient: Option<String>) -> Self {
        Self { secret: Secret::Ssh(Box::new(identity)), recipient }
    }
}

impl age::Identity for Identity {
    fn unwrap_stanza(
        &self,
        stanza: &age_core::format::Stanza,
    ) -> Option<Result<age_core::format::FileKey, age::DecryptError>> {
        match &self.secret {
            Secret::X25519(identity) => identity.unwrap_stanza(stanza),
            Secret::PostQuantum(identity) => identity.unwrap_stanza(stanza),
            Secret::Ssh(identity) => identity.unwrap_stanza(stanza),
        }
    }
}

/// What one file held.
enum Content {
    Open(Vec<Arc<Identity>>),
    LockedAge(Vec<u8>),
    LockedSsh(Box<ssh::EncryptedKey>, Option<String>),
    Broken(IdentityError),
}

struct File {
    path: PathBuf,
    content: Content,
}

/// What became of locked files.
type Unlocked = BTreeMap<PathBuf, Result<Vec<Arc<Identity>>, IdentityError>>;

/// All identities of the person, none of them read before the first use.
pub struct Identities {
    paths: Vec<PathBuf>,
    passphrases: Passphrases,
    files: OnceLock<Vec<File>>,
    /// What became of each locked file whose passphrase was asked for: once a run.
    unlocked: Mutex<Unlocked>,
}

impl Identities {
    /// From these files; `passphrases` is asked only for those that are locked.
    #[must_use]
    pub fn new(paths: Vec<PathBuf>, passphrases: Passphrases) -> Self {
        Self { paths, passphrases, files: OnceLock::new(), unlocked: Mutex::default() }
    }

    /// Whether the identity of this recipient is at hand without a passphrase.
    #[must_use]
    pub fn has_unlocked(&self, recipient: &str) -> bool {
        let is_it = |identity: &Arc<Identity>| identity.recipient() == Some(recipient);
        self.unlocked().iter().any(is_it)
            // Busy while the person is asked: then it is not at hand.
            || self
                .unlocked
                .try_lock()
                .is_ok_and(|request| request.values().flatten().flatten().any(is_it))
    }

    /// The identities that need no passphrase.
    #[must_use]
    pub fn unlocked(&self) -> Vec<Arc<Identity>> {
        let open = |file: &File| match &file.content {
            Content::Open(identities) => identities.clone(),
            _ => Vec::new(),
        };
        self.files().iter().flat_map(open).collect()
    }

    /// The identity of a recipient out of the locked files, each of which is asked for
    /// once: first the one that is known to hold it, then those that may.
    ///
    /// # Errors
    /// [`IdentityError`] of the first that could not be opened, where none held it.
    pub fn unlock(&self, recipient: &str) -> Result<Vec<Arc<Identity>>, IdentityError> {
        let is_it = |identity: &Arc<Identity>| identity.recipient() == Some(recipient);
        let is_known = |file: &&File| match &file.content {
            Content::LockedSsh(_, known) => known.as_deref() == Some(recipient),
            _ => false,
        };
        let may_be = |file: &&File| {
            matches!(&file.content, Content::LockedAge(_) | Content::LockedSsh(_, None))
        };
        let files = self.files().iter();
        let mut failed = None;
        for file in files.clone().filter(is_known).chain(files.filter(may_be)) {
            match self.open(file) {
                Ok(identities) if identities.iter().any(is_it) => return Ok(identities),
                Ok(_) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(Vec::new()), Err)
    }

    fn open(&self, file: &File) -> Result<Vec<Arc<Identity>>, IdentityError> {
        // Held while the person is asked: nobody asks for the same file beside.
        let mut request = self.request();
        if let Some(known) = request.get(&file.path) {
            return known.clone();
        }
        let opened = match &file.content {
            Content::LockedAge(bytes) => self
                .ask(&file.path)
                .and_then(|passphrase| unlock_age(&file.path, bytes, passphrase)),
            Content::LockedSsh(key, recipient) => self.ask(&file.path).and_then(|passphrase| {
                let wrong = |_| IdentityError::Passphrase { path: file.path.clone() };
                let key = key.decrypt(passphrase).map_err(wrong)?;
                Ok(vec![Arc::new(Identity::ssh(key.into(), recipient.clone()))])
            }),
            Content::Open(identities) => Ok(identities.clone()),
            Content::Broken(error) => Err(error.clone()),
        };
        request.insert(file.path.clone(), opened.clone());
        opened
    }

    fn request(&self) -> MutexGuard<'_, Unlocked> {
        self.unlocked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The recipients of the identities that need no passphrase, with their files.
    #[must_use]
    pub fn recipients(&self) -> Vec<(PathBuf, String)> {
        let mut recipients = Vec::new();
        for file in self.files() {
            if let Content::Open(identities) = &file.content {
                let texts = identities.iter().filter_map(|identity| identity.recipient());
                recipients.extend(texts.map(|text| (file.path.clone(), text.to_owned())));
            }
        }
        recipients
    }

    /// Why files cannot be used at all.
    pub fn broken(&self) -> impl Iterator<Item = &IdentityError> {
        self.files().iter().filter_map(|file| match &file.content {
            Content::Broken(error) => Some(error),
            _ => None,
        })
    }

    /// What to do when none of them fits.
    pub(super) fn hint(&self) -> String {
        if self.paths.is_empty() {
            return "you have no age identity here: put it into the `identities` folder of the configuration, or name its file in `ENVCRYPT_AGE_IDENTITIES`".to_owned();
        }
        let count = match self.paths.len() {
            1 => "one identity file was".to_owned(),
            n => format!("{n} identity files were"),
        };
        let mut hint =
            format!("{count} looked at; name further files in `ENVCRYPT_AGE_IDENTITIES`");
        for error in self.broken() {
            hint += &format!("; {error}");
        }
        hint
    }

    /// One that cannot be used does not keep the others from being so.
    fn files(&self) -> &[File] {
        self.files.get_or_init(|| self.paths.iter().map(|path| read(path)).collect())
    }

    fn ask(&self, path: &Path) -> Result<SecretString, IdentityError> {
        let question = format!("passphrase for {}", path.display());
        let passphrase = (self.passphrases)(&question)
            .map_err(|why| IdentityError::NoPassphrase { path: path.to_owned(), why })?;
        let text = std::str::from_utf8(passphrase.expose())
            .map_err(|_| IdentityError::Passphrase { path: path.to_owned() })?;
        Ok(SecretString::from(text))
    }
}

fn read(path: &Path) -> File {
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes))
        .map_err(|error| IdentityError::Read { path: path.to_owned(), why: error.to_string() });
    let content = || {
        parse(&bytes)
            .unwrap_or_else(|| Content::Broken(IdentityError::Content { path: path.to_owned() }))
    };
    let content = read.map_or_else(Content::Broken, |_| content());
    File { path: path.to_owned(), content }
}

fn parse(bytes: &[u8]) -> Option<Content> {
    let text = std::str::from_utf8(bytes).ok();
    let is_age = bytes.starts_with(b"age-encryption.org/v1")
        || text.is_some_and(|t| t.trim_start().starts_with("-----BEGIN AGE ENCRYPTED FILE"));
    if is_age {
        return Some(Content::LockedAge(bytes.to_vec()));
    }
    if text?.trim_start().starts_with("-----BEGIN") {
        return parse_ssh(text?.trim_start());
    }
    parse_lines(text?).map(Content::Open)
}

fn parse_ssh(text: &str) -> Option<Content> {
    let recipient = |identity: &ssh::Identity| {
        ssh::Recipient::try_from(identity.clone()).ok().map(|recipient| {
            let text = recipient.to_string();
            text.split(' ').take(2).collect::<Vec<_>>().join(" ")
        })
    };
    let identity = ssh::Identity::from_buffer(text.as_bytes(), None).ok()?;
    let recipient = recipient(&identity);
    match identity {
        ssh::Identity::Encrypted(key) => Some(Content::LockedSsh(Box::new(key), recipient)),
        ssh::Identity::Unsupported(_) => None,
        open => Some(Content::Open(vec![Arc::new(Identity::ssh(open, recipient))])),
    }
}

fn parse_lines(text: &str) -> Option<Vec<Arc<Identity>>> {
    let lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let identity = |line: &str| {
        if let Some(identity) = post_quantum::Identity::parse(line) {
            return Some(Arc::new(Identity::post_quantum(identity)));
        }
        line.parse().ok().map(|identity| Arc::new(Identity::x25519(identity)))
    };
    let identities: Vec<_> = lines.map(identity).collect::<Option<_>>()?;
    (!identities.is_empty()).then_some(identities)
}

fn unlock_age(
    path: &Path,
    bytes: &[u8],
    passphrase: SecretString,
) -> Result<Vec<Arc<Identity>>, IdentityError> {
    let wrong = || IdentityError::Passphrase { path: path.to_owned() };
    let mut identity = age::scrypt::Identity::new(passphrase);
    identity.set_max_work_factor(MAX_WORK_FACTOR);
    let decryptor = Decryptor::new(ArmoredReader::new(bytes)).map_err(|_| wrong())?;
    let mut reader = decryptor.decrypt(std::iter::once(&identity as _)).map_err(|_| wrong())?;
    let mut text = Zeroizing::new(String::with_capacity(4096));
    reader.by_ref().take(MAX_FILE).read_to_string(&mut text).map_err(|_| wrong())?;
    parse_lines(&text).ok_or_else(|| IdentityError::Content { path: path.to_owned() })
}

/// A fresh identity, as text for its file, and whom to seal to.
pub struct NewIdentity {
    /// The lines of the identity file.
    pub file: Zeroizing<String>,
    /// Its recipient.
    pub recipient: String,
}

/// Makes an identity: X25519, or the post-quantum hybrid.
#[must_use]
pub fn new_identity(post_quantum: bool) -> NewIdentity {
    let (recipient, secret) = if post_quantum {
        let identity = post_quantum::Identity::generate();
        (identity.recipient().to_string(), identity.to_text())
    } else {
        let identity = x25519::Identity::generate();
        let secret = Zeroizing::new(identity.to_string().expose_secret().to_owned());
        (identity.to_public().to_string(), secret)
    };
    let file = Zeroizing::new(format!("# public key: {recipient}\n{}\n", secret.as_str()));
    NewIdentity { file, recipient }
}
