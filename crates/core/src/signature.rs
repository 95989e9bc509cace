//! Who wrote a sealed Secret: SSH signatures, and the list of those who may sign.
//!
//! The formats are those of OpenSSH: `SSHSIG` (PROTOCOL.sshsig) and `allowed_signers`
//! (ssh-keygen(1)). Everything here is offline.

mod armor;
mod edit;
mod key;
mod list;
mod signers;
mod sshsig;
mod update;
mod verify;

pub use armor::{armor, unarmor};
pub use edit::{Edited, Revocation, add, can_be_principal, revoke};
pub use key::PublicKey;
pub use list::{ListError, Problem, time, time_text};
pub use signers::{Signer, SignerError, Signers};
pub use sshsig::SshSignature;
pub use update::{Update, verify_list};

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use thiserror::Error;

/// The namespace of a signature over a sealed Secret. A signature for another purpose, such as a
/// commit or a login, has another one.
pub const SECRET_NAMESPACE: &str = "secret@envcrypt.dev";
/// The namespace of a signature over the list of signers.
pub const SIGNERS_NAMESPACE: &str = "signers@envcrypt.dev";

/// Why a signature does not count.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum SignatureError {
    /// The text is not a public key of a known kind.
    #[error("it is not an SSH public key")]
    Key,
    /// The bytes are not an SSH signature of version 1.
    #[error("it is not an SSH signature")]
    Form,
    /// There are more than 16 signatures.
    #[error("there are more than 16")]
    Many,
    /// The kind of key cannot be verified, or is too weak: RSA below 2048 bits, DSA, SHA-1.
    #[error("its kind of key is unknown or too weak")]
    Algorithm,
    /// It was made for another purpose.
    #[error("it was made for another purpose")]
    Namespace,
    /// It is not over this message, or not by this key.
    #[error("it does not match what it signs")]
    Mismatch,
    /// A security key signed without a touch.
    #[error("the security key was not touched")]
    Touch,
}

/// What a rule asks of the signatures of a Secret.
#[derive(Debug, Clone)]
pub struct Demand {
    /// Those who may sign.
    pub signers: Arc<Signers>,
    /// How many different principals must have signed.
    pub needed: NonZeroUsize,
    /// The file of the list, for messages.
    pub file: Arc<Path>,
}
