//! The plugins of age: programs that open for a hardware key, or combine other recipients.
//!
//! The protocol is <https://c2sp.org/age-plugin>. The age crate speaks it too. But it also starts
//! programs from relative entries of the PATH, waits for a plugin forever, and can be told to print
//! every identity.

mod client;
mod process;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use age_core::format::{FileKey, Stanza};

use super::identity::PluginIdentity;
use crate::kek::{Action, KekError, KekUri, PluginUser, Refusal};
use client::Client;

/// How long a plugin may be silent before the user is told, and before it is stopped. It may wait
/// for a touch. The time at a prompt does not count.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    pub notice: Duration,
    pub most: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { notice: Duration::from_secs(10), most: Duration::from_secs(120) }
    }
}

/// Why a plugin did not help. It never contains an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PluginError {
    /// The program is not on the PATH.
    Missing,
    /// This process starts no plugins.
    NotStarted,
    /// The operating system does not start the program.
    Start(String),
    /// The plugin was silent for too long.
    Silent(Duration),
    /// The plugin ended too early.
    Ended,
    /// The answer is not the protocol.
    Garbage,
    /// The plugin asked for something, and there was no answer, for this reason.
    Unanswered(String),
    /// The plugin reported an error, in its own words.
    Reported(String),
    /// The caller does not need the answer any more.
    Stopped,
}

impl PluginError {
    /// Returns the error of the KEK. `name` is the name of the plugin.
    pub(super) fn of(self, kek: &KekUri, action: Action, name: &str) -> KekError {
        let program = program(name);
        let refusal = match self {
            Self::Missing | Self::NotStarted => Refusal::Unusable,
            _ => Refusal::Plugin,
        };
        let (what, hint) = match self {
            Self::Missing => (format!("`{program}` is not on the PATH"), Some(install_hint(name))),
            Self::NotStarted => {
                (format!("it needs `{program}`, and a server starts no plugin"), None)
            }
            Self::Start(why) => (format!("`{program}` does not start: {why}"), None),
            Self::Silent(time) => (
                format!("`{program}` was silent for {} seconds", time.as_secs()),
                Some("check that the key is plugged in, and touch it when it blinks".to_owned()),
            ),
            Self::Ended => {
                (format!("`{program}` ended before it had answered"), Some(test_it(name)))
            }
            Self::Garbage => (
                format!("the answer of `{program}` is not the protocol of age plugins"),
                Some(test_it(name)),
            ),
            Self::Unanswered(why) => (format!("`{program}` asked for something, and {why}"), None),
            Self::Reported(text) => (format!("`{program}` says: {text}"), None),
            Self::Stopped => (format!("`{program}` was stopped"), None),
        };
        let error = KekError::new(kek, action, refusal).detail(what);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

fn test_it(name: &str) -> String {
    format!("update `{}`, and test it with `age` itself", program(name))
}

fn program(name: &str) -> String {
    format!("age-plugin-{name}")
}

/// Returns the hint for a plugin that is not on the PATH.
#[must_use]
pub fn install_hint(name: &str) -> String {
    format!(
        "install `{}` (https://github.com/FiloSottile/awesome-age#plugins) into a directory of the PATH; relative entries of the PATH are not used",
        program(name)
    )
}

/// Finds the program of a plugin in the PATH.
///
/// It uses only absolute entries. An empty or relative entry could name a directory of a
/// repository.
#[must_use]
pub fn find_plugin(name: &str) -> Option<PathBuf> {
    find_in(&std::env::var_os("PATH")?, name)
}

fn find_in(path: &OsStr, name: &str) -> Option<PathBuf> {
    let is_program = |path: &PathBuf| {
        let found = path.metadata();
        found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join(program(name))).find(is_program)
}

/// What must not happen twice: the recipient, and the wrapped DEK if the failure is only about it.
type Failed = HashMap<(KekUri, String, Vec<u8>), PluginError>;

/// Runs plugins, one at a time, because there is only one user.
pub(super) struct Plugins {
    /// `None`: no plugin is started.
    user: Option<Arc<dyn PluginUser>>,
    /// The PATH.
    path: OsString,
    patience: Patience,
    turn: Mutex<()>,
    failed: Mutex<Failed>,
}

/// One call of a plugin.
pub(super) struct Call<'a> {
    pub kek: &'a KekUri,
    /// The name of the plugin.
    pub name: &'a str,
    /// The wrapped DEK, or nothing to wrap one.
    pub wrapped: &'a [u8],
    /// Set when nobody needs the answer any more.
    pub stopped: &'a AtomicBool,
}

impl Plugins {
    pub(super) fn new(user: Option<Arc<dyn PluginUser>>) -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let patience = Patience::default();
        Self { user, path, patience, turn: Mutex::default(), failed: Mutex::default() }
    }

    #[cfg(test)]
    pub(super) fn with(self, path: OsString, patience: Patience) -> Self {
        Self { path, patience, ..self }
    }

    /// Lets the plugin of `call.kek` wrap a file key.
    pub(super) fn wrap(
        &self,
        call: &Call<'_>,
        file_key: &FileKey,
    ) -> Result<Vec<Stanza>, PluginError> {
        let recipient = call.kek.rest();
        self.run(call, "recipient-v1", &[], |client| client.wrap(recipient, file_key))
    }

    /// Lets a plugin unwrap the file key of one of `stanzas` with any of `identities`. Returns
    /// `None` if no identity fits.
    pub(super) fn unwrap(
        &self,
        call: &Call<'_>,
        identities: &[Arc<PluginIdentity>],
        stanzas: &[Stanza],
    ) -> Result<Option<FileKey>, PluginError> {
        self.run(call, "identity-v1", identities, |client| client.unwrap(identities, stanzas))
    }

    fn run<T>(
        &self,
        call: &Call<'_>,
        machine: &str,
        identities: &[Arc<PluginIdentity>],
        talk: impl FnOnce(&mut Client<'_>) -> Result<T, PluginError>,
    ) -> Result<T, PluginError> {
        let user = self.user.as_deref().ok_or(PluginError::NotStarted)?;
        let _turn = lock(&self.turn);
        if let Some(error) = self.known(call) {
            return Err(error);
        }
        if call.stopped.load(Ordering::Relaxed) {
            return Err(PluginError::Stopped);
        }
        let found = find_in(&self.path, call.name).ok_or(PluginError::Missing);
        let done = found.and_then(|path| {
            let mut client = Client::start(&path, machine, call, user, self.patience, identities)?;
            talk(&mut client)
        });
        if let Err(error) = &done {
            self.note(call, error);
        }
        done
    }

    /// Returns the earlier failure of this call: the user must not wait or cancel again for each
    /// of many Secrets.
    fn known(&self, call: &Call<'_>) -> Option<PluginError> {
        let failed = lock(&self.failed);
        let of = |wrapped: &[u8]| failed.get(&key_of(call, wrapped)).cloned();
        of(b"").or_else(|| of(call.wrapped))
    }

    fn note(&self, call: &Call<'_>, error: &PluginError) {
        // An error that the plugin reports can be about this DEK only.
        let of = match error {
            PluginError::Stopped => return,
            PluginError::Reported(_) if call.wrapped.is_empty() => return,
            PluginError::Reported(_) => call.wrapped,
            _ => b"",
        };
        lock(&self.failed).insert(key_of(call, of), error.clone());
    }
}

/// What failed: a KEK, with one of its plugins, for one wrapped DEK or for all.
fn key_of(call: &Call<'_>, wrapped: &[u8]) -> (KekUri, String, Vec<u8>) {
    (call.kek.clone(), call.name.to_owned(), wrapped.to_vec())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the name of the program at `path`.
fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
