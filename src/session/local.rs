//! The key behind `local`: an age identity in the user's configuration directory.

use super::Session;
use crate::failure::{AccessError, Failure};
use envcrypt_core::kek::KekUri;

/// Whether `local` may create the key if there is none: only if the person named it for this
/// command.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum MakeLocal {
    Yes,
    No,
}

#[cfg(feature = "age")]
pub use with_age::{Plugin, identities, make, plugins, uri};

#[cfg(feature = "age")]
mod with_age {
    use std::collections::BTreeMap;
    use std::fs::DirBuilder;
    use std::os::unix::fs::DirBuilderExt;
    use std::path::{Path, PathBuf};

    use super::{AccessError, Failure, KekUri, MakeLocal, Session};
    use crate::files::{self, FileError};
    use crate::terminal;
    use envcrypt_core::kek::age::{IdentityError, find_plugin, install_hint, new_identity};

    /// The recipient of the local key.
    pub fn uri(session: &Session, make_it: MakeLocal) -> Result<KekUri, Failure> {
        let path = session.folder.local_identity()?;
        if path.exists() {
            let identities = session.ring()?.identities();
            let found = identities.recipients().into_iter().find(|(file, _)| *file == path);
            let Some((_, recipient)) = found else {
                let of_it = |error: &&IdentityError| error.path() == path;
                return Err(match identities.broken().find(of_it) {
                    Some(error) => error.clone().into(),
                    None => Failure::Access(AccessError::LockedLocalKey(path)),
                });
            };
            return Ok(KekUri::age(&recipient)?);
        }
        if make_it == MakeLocal::No {
            return Err(Failure::Access(AccessError::NoLocalKey));
        }
        let uri = match make(&path, false) {
            // Another process was faster.
            Err(Failure::Access(AccessError::LocalKeyExists(_))) => {
                return uri(session, MakeLocal::No);
            }
            made => made?,
        };
        terminal::note(&format!("created your local key `{}`", path.display()));
        terminal::note("keep it safe: without it, you cannot open what is sealed with it");
        Ok(uri)
    }

    /// Creates the local key. Never replaces another one.
    pub fn make(path: &Path, post_quantum: bool) -> Result<KekUri, Failure> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|source| FileError::Io { path: folder.to_owned(), source })?;
        let identity = new_identity(post_quantum);
        match files::new_file(path, identity.file.as_bytes()) {
            Ok(()) => Ok(KekUri::age(&identity.recipient)?),
            Err(FileError::Exists(path)) => Err(Failure::Access(AccessError::LocalKeyExists(path))),
            Err(error) => Err(error.into()),
        }
    }

    /// The recipients of the person's identities, each with its file.
    pub fn identities(session: &Session) -> Result<Vec<(KekUri, String)>, Failure> {
        let recipients = session.ring()?.identities().recipients();
        let line = |(path, recipient): (PathBuf, String)| {
            Ok((KekUri::age(&recipient)?, format!("your identity `{}`", path.display())))
        };
        recipients.into_iter().map(line).collect()
    }

    /// A program that an identity or a KEK needs.
    pub struct Plugin {
        /// For example `age-plugin-yubikey`.
        pub program: String,
        /// What needs it, for a message.
        pub needed_by: String,
        /// Where it is, or how to get it.
        pub found: Result<PathBuf, String>,
    }

    /// The plugins that the person's identities and these KEKs need, each once.
    pub fn plugins<'k>(
        session: &Session,
        keks: impl IntoIterator<Item = &'k KekUri>,
    ) -> Result<Vec<Plugin>, Failure> {
        let mut needed = BTreeMap::new();
        for (path, name) in session.ring()?.identities().plugin_names() {
            needed.entry(name).or_insert_with(|| format!("your identity `{}`", path.display()));
        }
        for kek in keks {
            if let Some(name) = kek.plugin() {
                needed.entry(name.to_owned()).or_insert_with(|| format!("`{kek}`"));
            }
        }
        let plugin = |(name, needed_by): (String, String)| Plugin {
            found: find_plugin(&name).ok_or_else(|| install_hint(&name)),
            program: format!("age-plugin-{name}"),
            needed_by,
        };
        Ok(needed.into_iter().map(plugin).collect())
    }
}

/// A build without age has no local key.
#[cfg(not(feature = "age"))]
pub fn uri(_: &Session, _: MakeLocal) -> Result<KekUri, Failure> {
    Err(Failure::Access(AccessError::NoLocalKey))
}

/// A build without age has no identities.
#[cfg(not(feature = "age"))]
pub fn identities(_: &Session) -> Result<Vec<(KekUri, String)>, Failure> {
    Ok(Vec::new())
}
