//! One KEK of the configuration: a URI, or a URI with its settings.

use std::fmt;
use std::path::{Path, PathBuf};

use envcrypt_core::kek::{KekUri, VaultLogin, VaultSettings};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// One KEK, and how to use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KekConfig {
    /// The KEK.
    pub uri: KekUri,
    /// Whether it only wraps, for the day on which all others are lost.
    pub escrow: bool,
    /// The identity file of an age KEK.
    pub identity: Option<PathBuf>,
    /// The settings of a key of Vault. Without them, the environment has them.
    pub vault: Option<VaultSettings>,
}

impl KekConfig {
    /// The files of its identity and its login.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let login = self.vault.as_ref().map(|vault| match &vault.login {
            VaultLogin::Token { file } | VaultLogin::Jwt { file, .. } => [Some(file), None],
            VaultLogin::AppRole { role_id, secret_id, .. } => [Some(role_id), Some(secret_id)],
        });
        let login = login.into_iter().flatten().flatten();
        login.chain(&self.identity).map(PathBuf::as_path)
    }

    /// Checks what can be checked offline. `socket` is the socket of this server.
    pub(super) fn check(&self, socket: &Path) -> Result<(), String> {
        let uri = &self.uri;
        if !uri.is_built_in() {
            return Err(format!("this build does not support `{uri}`"));
        }
        if uri.is_alias() || uri.is_bare() {
            return Err(format!(
                "an alias can point to another key tomorrow: name `{uri}` by the ARN of its key"
            ));
        }
        if uri.is_age() && !self.escrow && self.identity.is_none() {
            return Err(format!(
                "`{uri}` cannot open anything here: give its `identity` file, or set `escrow: true`"
            ));
        }
        // A plugin is for a person who can touch a key. A node starts without one.
        if uri.plugin().is_some() || uri.opens_with_plugin() && !self.escrow {
            return Err(format!("`{uri}` needs an age plugin, and this server starts none"));
        }
        // The time of an RSA decryption can tell something about the key, and a server answers often.
        if uri.is_age() && !self.escrow && uri.rest().starts_with("ssh-rsa") {
            return Err(format!(
                "`{uri}` can be used only with `escrow: true`: use an `age1…` key"
            ));
        }
        if self.files().any(|file| !file.is_absolute()) {
            return Err(format!("each file of `{uri}` must have an absolute path"));
        }
        let address = self.vault.as_ref().map(|vault| vault.address.as_str()).unwrap_or_default();
        if address.contains('@') {
            return Err(format!("the address of `{uri}` must not contain credentials"));
        }
        if uri.scheme() == "k8skms" && is_same(&Path::new("/").join(uri.rest()), socket) {
            return Err(format!("`{uri}` is the server's own socket"));
        }
        Ok(())
    }
}

/// Whether both paths lead to the same socket, also through a link such as `/var/run`.
fn is_same(one: &Path, two: &Path) -> bool {
    let real = |path: &Path| {
        let directory = path.parent().and_then(|parent| parent.canonicalize().ok());
        directory.zip(path.file_name()).map(|(directory, name)| directory.join(name))
    };
    one == two || real(one).is_some_and(|one| Some(one) == real(two))
}

/// A KEK with settings.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Full {
    kek: String,
    #[serde(default)]
    escrow: bool,
    identity: Option<PathBuf>,
    address: Option<String>,
    namespace: Option<String>,
    ca: Option<PathBuf>,
    login: Option<Login>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Login {
    approle: Option<AppRole>,
    jwt: Option<Jwt>,
    token: Option<Token>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AppRole {
    #[serde(default = "approle")]
    mount: String,
    role_id_file: PathBuf,
    secret_id_file: PathBuf,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Jwt {
    #[serde(default = "jwt")]
    mount: String,
    role: String,
    file: PathBuf,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Token {
    file: PathBuf,
}

fn approle() -> String {
    "approle".to_owned()
}

fn jwt() -> String {
    "jwt".to_owned()
}

impl TryFrom<Full> for KekConfig {
    type Error = String;

    fn try_from(full: Full) -> Result<Self, String> {
        let uri = parse(&full.kek)?;
        let is_vault = uri.scheme() == "hashivault";
        let of_vault = [full.address.is_some(), full.namespace.is_some(), full.ca.is_some()];
        if !is_vault && (of_vault.contains(&true) || full.login.is_some()) {
            return Err(format!("`{uri}` takes no `address`, `namespace`, `ca` and `login`"));
        }
        if full.identity.is_some() && !uri.is_age() {
            return Err(format!("`{uri}` takes no `identity`"));
        }
        let vault = match (full.address, full.login) {
            (Some(address), Some(login)) => {
                let (namespace, ca, login) = (full.namespace, full.ca, login.read(&uri)?);
                Some(VaultSettings { address, namespace, ca, login })
            }
            (None, None) if of_vault == [false; 3] => None,
            _ => return Err(format!("`{uri}` needs both `address` and `login`, or neither")),
        };
        Ok(Self { uri, escrow: full.escrow, identity: full.identity, vault })
    }
}

impl Login {
    fn read(self, uri: &KekUri) -> Result<VaultLogin, String> {
        match (self.approle, self.jwt, self.token) {
            (Some(approle), None, None) => Ok(VaultLogin::AppRole {
                mount: approle.mount,
                role_id: approle.role_id_file,
                secret_id: approle.secret_id_file,
            }),
            (None, Some(jwt), None) => {
                Ok(VaultLogin::Jwt { mount: jwt.mount, role: jwt.role, file: jwt.file })
            }
            (None, None, Some(token)) => Ok(VaultLogin::Token { file: token.file }),
            _ => Err(format!("the `login` of `{uri}` must have one of `approle`, `jwt`, `token`")),
        }
    }
}

/// An age identity in the place of a recipient must not reach a log.
fn parse(text: &str) -> Result<KekUri, String> {
    if text.to_ascii_uppercase().contains("AGE-SECRET-KEY") {
        return Err("an age identity is a secret key: give its file as `identity`".to_owned());
    }
    text.parse::<KekUri>().map_err(|error| error.to_string())
}

impl<'de> Deserialize<'de> for KekConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = KekConfig;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the URI of a KEK, or a mapping with `kek`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<KekConfig, E> {
                let uri = parse(text).map_err(E::custom)?;
                Ok(KekConfig { uri, escrow: false, identity: None, vault: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<KekConfig, A::Error> {
                let full = Full::deserialize(MapAccessDeserializer::new(map))?;
                full.try_into().map_err(A::Error::custom)
            }
        }

        deserializer.deserialize_any(Either)
    }
}
