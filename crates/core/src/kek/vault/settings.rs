//! Where Vault is and how to log in, if the environment does not say so.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::kek::KekId;

/// The settings of each key of Vault that does not use the environment.
pub type Vaults = HashMap<KekId, VaultSettings>;

/// Where Vault is, and how to log in. It contains paths, never a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultSettings {
    /// The address, for example `https://vault.example.com:8200`.
    pub address: String,
    /// The namespace of Vault Enterprise or OpenBao.
    pub namespace: Option<String>,
    /// A PEM file of further certificate authorities, in addition to those of the system.
    pub ca: Option<PathBuf>,
    /// The way to log in.
    pub login: VaultLogin,
}

/// A way to log in. Each file is read again at each login, so it can be replaced at any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultLogin {
    /// A token. It is renewed if Vault allows it.
    Token {
        /// The file of the token.
        file: PathBuf,
    },
    /// An AppRole.
    AppRole {
        /// The mount of the auth method.
        mount: String,
        /// The file of the role id.
        role_id: PathBuf,
        /// The file of the secret id.
        secret_id: PathBuf,
    },
    /// A JWT, for example of SPIFFE.
    Jwt {
        /// The mount of the auth method.
        mount: String,
        /// The role.
        role: String,
        /// The file of the JWT.
        file: PathBuf,
    },
}
