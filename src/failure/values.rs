//! Errors of values that are to be sealed, and where they come from.

use std::path::PathBuf;

use thiserror::Error;

use super::Explain;
use envcrypt_core::secret::Key;

/// Why an env file was refused. It tells the line, never what stands there.
#[derive(Debug, Error)]
pub enum EnvFileError {
    /// Not UTF-8.
    #[error("it is not UTF-8 text")]
    NotText,
    /// A line's key is not one of a Secret.
    #[error("line {line}: what stands before `=` cannot be a key")]
    Key {
        /// Counted from 1.
        line: usize,
    },
    /// The same key stands twice.
    #[error("line {line}: the key `{key}` stands twice")]
    Duplicate {
        /// Counted from 1.
        line: usize,
        /// The key.
        key: Key,
    },
}

/// What is wrong with values that are to be sealed, and where they come from.
#[derive(Debug, Error)]
pub enum ValuesError {
    /// The same key from two sources.
    #[error("the key `{0}` is given twice")]
    DuplicateKey(String),
    /// A file with a name that cannot be a key.
    #[error("`{path}` cannot be a key of a Secret by its name")]
    FileName {
        /// The file.
        path: PathBuf,
    },
    /// An env file that is none.
    #[error("the env file `{path}` cannot be used: {source}")]
    EnvFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: EnvFileError,
    },
    /// An env file's line without `=`, and no such variable.
    #[error("the env file `{path}` takes `{key}` from the environment, which does not hold it")]
    NotInEnvironment {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// A value that the output format cannot carry.
    #[error("the value of `{key}` cannot be written {how}")]
    Unprintable {
        /// The key.
        key: String,
        /// Where to.
        how: &'static str,
    },
}

impl Explain for ValuesError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::EnvFile { .. } => "a line reads KEY=VALUE, without quotes",
            Self::FileName { .. } => "name the key: `--from-file=KEY=FILE`",
            Self::Unprintable { how, .. } if how.starts_with("as a line") => {
                "`-o yaml` and `-o json` take any value, and so does one KEY alone"
            }
            Self::Unprintable { .. } => "write it to a file with `-w FILE`, or pipe it",
            _ => return None,
        };
        Some(text.to_owned())
    }
}
