//! The age identities of the user.
//!
//! They are in the configuration directory and in the files of `ENVCRYPT_AGE_IDENTITIES`. A file is
//! read when an identity is first needed. A passphrase is used only if nothing else opens.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use age::armor::ArmoredReader;
use age::secrecy::SecretString;
use age::{Decryptor, ssh};
use thiserror::Error;
use zeroize::Zeroizing;

use super::identity::{Identity, Lines};
use super::plugin::Plugins;
use super::plugin_of;
use crate::kek::{Passphrases, PluginUser};

/// The maximum size of an identity file, in bytes.
const MAX_FILE: u64 = 1 << 20;
/// The maximum work factor of scrypt: 2^22, some seconds. With more, a crafted file could make
/// the program hang.
const MAX_WORK_FACTOR: u8 = 22;

/// Why an identity file cannot be used. An error never contains text of the file.
#[derive(Debug, Clone, Error)]
pub enum IdentityError {
    /// The file cannot be read.
    #[error("the age identity file `{path}` cannot be read: {why}")]
    Read {
        /// The path of the file.
        path: PathBuf,
        /// The error of the operating system.
        why: String,
    },
    /// The file is not an identity file that is supported.
    #[error("`{path}` is not an age identity file or an SSH private key")]
    Content {
        /// The path of the file.
        path: PathBuf,
    },
    /// The file is protected by a passphrase, and there is no passphrase.
    #[error("`{path}` is protected by a passphrase, and {why}")]
    NoPassphrase {
        /// The path of the file.
        path: PathBuf,
        /// Why there is no passphrase.
        why: String,
    },
    /// The passphrase is wrong, or the file is damaged.
    #[error("the passphrase does not open `{path}`")]
    Passphrase {
        /// The path of the file.
        path: PathBuf,
    },
}

impl IdentityError {
    /// Returns the path of the file.
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

/// The content of one file.
enum Content {
    Open(Lines),
    LockedAge(Vec<u8>),
    LockedSsh(Box<ssh::EncryptedKey>, Option<String>),
    Broken(IdentityError),
}

struct File {
    path: PathBuf,
    content: Content,
}

/// The results of unlocking files, by path.
type Unlocked = BTreeMap<PathBuf, Result<Lines, IdentityError>>;

/// All identities of the user. No file is read before the first use.
pub struct Identities {
    paths: Vec<PathBuf>,
    /// Identities that are not in a file, each under a name for messages.
    texts: Vec<(PathBuf, Zeroizing<String>)>,
    passphrases: Passphrases,
    plugins: Plugins,
    files: OnceLock<Vec<File>>,
    /// The result for each file that was unlocked. The user is prompted once per file and run.
    unlocked: Mutex<Unlocked>,
}

impl Identities {
    /// Uses the identities in these files. `passphrases` is called only for files that are
    /// protected by a passphrase. `user` answers the questions of plugins; without one, no plugin
    /// is started.
    #[must_use]
    pub fn new(
        paths: Vec<PathBuf>,
        passphrases: Passphrases,
        user: Option<Arc<dyn PluginUser>>,
    ) -> Self {
        let (files, unlocked, plugins) = (OnceLock::new(), Mutex::default(), Plugins::new(user));
        Self { paths, texts: Vec::new(), passphrases, plugins, files, unlocked }
    }

    /// Uses the identities in this text too. `name` says in messages where it comes from.
    #[must_use]
    pub fn with_text(mut self, name: &str, text: Zeroizing<String>) -> Self {
        self.texts.push((PathBuf::from(name), text));
        self
    }

    #[cfg(test)]
    pub(super) fn with_plugins(self, change: impl FnOnce(Plugins) -> Plugins) -> Self {
        Self { plugins: change(self.plugins), ..self }
    }

    /// Returns what runs the plugins.
    pub(super) fn plugins(&self) -> &Plugins {
        &self.plugins
    }

    /// Returns whether a plugin has the identity of this recipient. No passphrase is needed.
    pub(super) fn has_plugin(&self, recipient: &str) -> bool {
        self.open_files().any(|(_, lines)| !lines.plugins_for(recipient).is_empty())
    }

    /// Returns whether the identity of this recipient can be used without a prompt.
    #[must_use]
    pub fn has_unlocked(&self, recipient: &str) -> bool {
        let is_it = |identity: &Arc<Identity>| identity.recipient() == Some(recipient);
        self.unlocked().iter().any(is_it)
            // The lock is held during a prompt. Then the identity cannot be used yet.
            || self
                .unlocked
                .try_lock()
                .is_ok_and(|known| known.values().flatten().any(|l| l.identities.iter().any(is_it)))
    }

    /// Returns the identities that need no passphrase and no plugin.
    #[must_use]
    pub fn unlocked(&self) -> Vec<Arc<Identity>> {
        self.open_files().flat_map(|(_, lines)| lines.identities.clone()).collect()
    }

    /// Returns the identities that need no passphrase, those of plugins too.
    pub(super) fn open(&self) -> Lines {
        self.open_files().fold(Lines::default(), |all, (_, lines)| all.and(lines))
    }

    fn open_files(&self) -> impl Iterator<Item = (&Path, &Lines)> {
        self.files().iter().filter_map(|file| match &file.content {
            Content::Open(lines) => Some((file.path.as_path(), lines)),
            _ => None,
        })
    }

    /// Unlocks files until one contains the identity of this recipient, and returns the identities
    /// of that file.
    ///
    /// A file that is known to contain it comes first, then all files that may contain it. The
    /// passphrase of each file is requested once. The list is empty if no file contains it.
    ///
    /// # Errors
    /// Returns the first [`IdentityError`] if a file could not be unlocked and no other file
    /// contains the identity.
    pub(super) fn unlock(&self, recipient: &str) -> Result<Lines, IdentityError> {
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
            match self.unlock_file(file) {
                Ok(lines) if lines.may_open(recipient) => return Ok(lines),
                Ok(_) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(Lines::default()), Err)
    }

    fn unlock_file(&self, file: &File) -> Result<Lines, IdentityError> {
        // Hold the lock during the prompt, so that no other task prompts for the same file.
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
                Ok(Lines::of(Identity::ssh(key.into(), recipient.clone())))
            }),
            Content::Open(lines) => Ok(lines.clone()),
            Content::Broken(error) => Err(error.clone()),
        };
        request.insert(file.path.clone(), opened.clone());
        opened
    }

    fn request(&self) -> MutexGuard<'_, Unlocked> {
        self.unlocked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the recipients of the identities that need no passphrase, with their files.
    ///
    /// For a plugin, these are the recipients that the comment of its identity names.
    #[must_use]
    pub fn recipients(&self) -> Vec<(PathBuf, String)> {
        let of = |(path, lines): (&Path, &Lines)| {
            let path = path.to_owned();
            lines.recipients().map(|text| (path.clone(), text.to_owned())).collect::<Vec<_>>()
        };
        self.open_files().flat_map(of).collect()
    }

    /// Returns the names of the plugins whose identities need no passphrase, with their files.
    #[must_use]
    pub fn plugin_names(&self) -> Vec<(PathBuf, String)> {
        let of = |(path, lines): (&Path, &Lines)| {
            let path = path.to_owned();
            lines.plugin_names().into_iter().map(|name| (path.clone(), name)).collect::<Vec<_>>()
        };
        self.open_files().flat_map(of).collect()
    }

    /// Returns the errors of all files that cannot be used.
    pub fn broken(&self) -> impl Iterator<Item = &IdentityError> {
        self.files().iter().filter_map(|file| match &file.content {
            Content::Broken(error) => Some(error),
            _ => None,
        })
    }

    /// Returns the hint for the case that no identity opens.
    pub(super) fn hint(&self, recipient: &str) -> String {
        if let Some(name) = plugin_of(recipient) {
            let upper = name.to_ascii_uppercase();
            return format!(
                "put the identity that `age-plugin-{name}` prints (`AGE-PLUGIN-{upper}-1…`) into a file in the `identities` directory of the configuration, or list its file in `ENVCRYPT_AGE_IDENTITIES`"
            );
        }
        if self.paths.is_empty() {
            return "you have no age identity here: put one into the `identities` directory of the configuration, or list its file in `ENVCRYPT_AGE_IDENTITIES`".to_owned();
        }
        let count = match self.paths.len() {
            1 => "one identity file".to_owned(),
            n => format!("{n} identity files"),
        };
        let mut hint = format!("tried {count}; list more files in `ENVCRYPT_AGE_IDENTITIES`");
        for error in self.broken() {
            hint += &format!("; {error}");
        }
        hint
    }

    /// All files. A file that cannot be used does not affect the others.
    fn files(&self) -> &[File] {
        let files = || {
            let texts = self.texts.iter().map(|(name, text)| content(name, text.as_bytes()));
            self.paths.iter().map(|path| read(path)).chain(texts).collect()
        };
        self.files.get_or_init(files)
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
    match read {
        Ok(_) => content(path, &bytes),
        Err(error) => File { path: path.to_owned(), content: Content::Broken(error) },
    }
}

fn content(path: &Path, bytes: &[u8]) -> File {
    let broken = || Content::Broken(IdentityError::Content { path: path.to_owned() });
    File { path: path.to_owned(), content: parse(bytes).unwrap_or_else(broken) }
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
    Lines::parse(text?).map(Content::Open)
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
        open => Some(Content::Open(Lines::of(Identity::ssh(open, recipient)))),
    }
}

fn unlock_age(path: &Path, bytes: &[u8], passphrase: SecretString) -> Result<Lines, IdentityError> {
    let wrong = || IdentityError::Passphrase { path: path.to_owned() };
    let mut identity = age::scrypt::Identity::new(passphrase);
    identity.set_max_work_factor(MAX_WORK_FACTOR);
    let decryptor = Decryptor::new(ArmoredReader::new(bytes)).map_err(|_| wrong())?;
    let mut reader = decryptor.decrypt(std::iter::once(&identity as _)).map_err(|_| wrong())?;
    let mut text = Zeroizing::new(String::with_capacity(4096));
    reader.by_ref().take(MAX_FILE).read_to_string(&mut text).map_err(|_| wrong())?;
    Lines::parse(&text).ok_or_else(|| IdentityError::Content { path: path.to_owned() })
}
