//! Errors of values to seal, and of their sources.

use std::path::PathBuf;

use thiserror::Error;

use super::Explain;
use envcrypt_core::secret::EnvFileError;

#[derive(Debug, Error)]
pub enum ValuesError {
    #[error("the key `{0}` is given twice")]
    DuplicateKey(String),
    #[error("the name of the file `{path}` is not a valid key of a Secret")]
    FileName { path: PathBuf },
    #[error("the env file `{path}` cannot be used: {source}")]
    EnvFile { path: PathBuf, source: EnvFileError },
    /// A line of an env file without `=`, and no such variable.
    #[error("the env file `{path}` takes `{key}` from the environment, where it is not set")]
    NotInEnvironment { path: PathBuf, key: String },
    /// A value that the output format cannot hold.
    #[error("the value of `{key}` cannot be written {how}")]
    Unprintable {
        key: String,
        /// The kind of output.
        how: &'static str,
    },
}

impl Explain for ValuesError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::EnvFile { .. } => "write each line as KEY=VALUE, without quotes",
            Self::FileName { .. } => "name the key: `--from-file=KEY=FILE`",
            Self::Unprintable { how, .. } if how.starts_with("as a line") => {
                "use `-o yaml` or `-o json`, or name one KEY: they take any value"
            }
            Self::Unprintable { .. } => "write it to a file with `-w FILE`, or pipe it",
            _ => return None,
        };
        Some(text.to_owned())
    }
}
