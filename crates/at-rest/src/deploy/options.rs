//! What the person chooses.

/// The options of [`files`](super::files) and [`steps`](super::steps).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The name of the cluster, 1 to 63 letters, digits, `.`, `_` and `-`. Each KMS is told this
    /// name, and it must be the same on each node.
    pub cluster: String,
    /// The URIs of the KEKs. Each of them can open a key.
    pub keks: Vec<String>,
    /// The URIs of the escrow KEKs. The plugin only wraps with them.
    pub escrow: Vec<String>,
    /// The name of the provider in the EncryptionConfiguration. It is stored with every object, so
    /// it never changes. To take the place of another plugin, use the name of that plugin.
    pub provider: String,
    /// The resources to encrypt, for example `secrets` or `*.example.com`.
    pub resources: Vec<String>,
    /// The image, by its digest: `NAME@sha256:DIGEST`. Only for targets that run a pod.
    pub image: Option<String>,
    /// The path of the socket. By default, the target decides.
    pub socket: Option<String>,
    /// How to reach Vault or OpenBao. Required for a KEK `hashivault://KEY`.
    pub vault: Option<Vault>,
    /// The user ID of kube-apiserver. By default, the target decides: mostly 0.
    pub apiserver_uid: Option<u32>,
    /// Confirms that the plugin starts after the API server, for [`Target::Daemonset`].
    ///
    /// [`Target::Daemonset`]: super::Target::Daemonset
    pub starts_after_apiserver: bool,
}

impl Options {
    /// Returns the options with the default for everything else.
    #[must_use]
    pub fn new(cluster: impl Into<String>, keks: Vec<String>) -> Self {
        Self {
            cluster: cluster.into(),
            keks,
            escrow: Vec::new(),
            provider: "envcrypt".to_owned(),
            resources: vec!["secrets".to_owned()],
            image: None,
            socket: None,
            vault: None,
            apiserver_uid: None,
            starts_after_apiserver: false,
        }
    }
}

/// How the plugin reaches Vault or OpenBao.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vault {
    /// The address, for example `https://vault.example.com:8200`.
    pub address: String,
    /// The path of the CA certificates on the node. By default, the roots of the system.
    pub ca: Option<String>,
    /// The files of the login.
    pub login: Option<AppRole>,
}

/// The paths of the files with an AppRole, on the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppRole {
    /// The file with the role ID.
    pub role_id_file: String,
    /// The file with the secret ID.
    pub secret_id_file: String,
}
