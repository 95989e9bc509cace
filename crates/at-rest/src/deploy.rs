//! The files that run `envcrypt-kms` on a control plane.
//!
//! [`files`] makes them and [`steps`] says what a person does with them. Both are pure functions:
//! they read nothing and change nothing.
//!
//! A file below `node/` belongs at the same path on each control-plane node. The other files are
//! fragments that a person merges, and the EncryptionConfiguration of the first round.
//!
//! Three rules decide most of what is here:
//!
//! - The API server reaches the plugin through a directory, never through the socket itself. A new
//!   socket has a new inode, and a mount of the old one would lead nowhere.
//! - An API server that cannot open what another one writes refuses all reads of that resource. So
//!   each server first learns to read with the KMS, and only then one of them writes with it.
//! - The plugin starts before the API server and without it: no service account, no cluster DNS,
//!   no object of the cluster.

mod aws;
mod config;
mod error;
mod options;
mod plan;
mod pod;
mod step;
mod target;
mod text;
mod unit;

pub use error::DeployError;
pub use options::{AppRole, Options, Vault};
pub use target::{Target, UnknownTarget};

use plan::Plan;

/// One file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The path below the output directory, with `/` between its parts.
    pub path: String,
    /// The permission bits, for example `0o600`.
    pub mode: u32,
    /// The text. It contains no secret.
    pub content: String,
}

impl File {
    /// A file that anyone may read.
    fn public(path: impl Into<String>, content: impl Into<String>) -> Self {
        Self { path: path.into(), mode: 0o644, content: content.into() }
    }

    /// A file that only its owner may read, such as an EncryptionConfiguration: someone may add a
    /// key to it later.
    fn private(path: impl Into<String>, content: impl Into<String>) -> Self {
        Self { path: path.into(), mode: 0o600, content: content.into() }
    }
}

/// Makes the files for one kind of control plane, in the order in which they are put in place.
///
/// # Errors
/// Returns [`DeployError`] if an option is missing, has a value that is not valid, or does not fit
/// the target.
pub fn files(target: Target, options: &Options) -> Result<Vec<File>, DeployError> {
    let plan = Plan::new(target, options)?;
    let mut files = target.files(&plan);
    // The cluster spec of kOps has the policy.
    if let Some(policy) = aws::document(&plan).filter(|_| target != Target::Kops) {
        files.push(File::public(aws::FILE, policy));
    }
    Ok(files)
}

/// Says what a person does with the files, step by step. A step can have several lines: a
/// sentence, then commands that are indented by two spaces.
///
/// # Errors
/// Returns the same errors as [`files`].
pub fn steps(target: Target, options: &Options) -> Result<Vec<String>, DeployError> {
    let plan = Plan::new(target, options)?;
    Ok(target.steps(&plan))
}
