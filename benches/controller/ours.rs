//! This project's controller.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use age::secrecy::ExposeSecret;
use age::x25519::{Identity, Recipient};
use envcrypt_core::envelope::{Scope, Sealer, now};
use envcrypt_core::kek::{DataKey, WrappedKey};
use envcrypt_core::manifest::Spec;
use envcrypt_core::secret::{Meta, Place, PlainSecret, SecretType, SecretValue};

use crate::cluster::{NAMESPACE, Object};
use crate::contestant::{Account, KEY};
use crate::control_plane::ControlPlane;
use crate::slow_kms::{self, ARN, REGION, SlowKms};

pub const ACCOUNT: Account = Account { namespace: "envcrypt-system", name: "envcrypt-controller" };

/// How long the KMS takes for a call.
const CALL: std::time::Duration = std::time::Duration::from_millis(20);

enum Kek {
    Age(Recipient),
    Kms(SlowKms),
}

pub struct Ours {
    directory: PathBuf,
    kek: Kek,
    flags: &'static [&'static str],
}

fn program() -> PathBuf {
    Path::new(crate::sandbox::PROGRAM).with_file_name("envcrypt-controller")
}

pub fn missing() -> Option<String> {
    let hint = "`cargo build --release -p envcrypt-controller` builds it";
    (!program().is_file()).then(|| hint.to_owned())
}

impl Ours {
    /// Its KEK is an age key.
    pub fn with_age(plane: &ControlPlane, directory: PathBuf) -> Self {
        let identity = Identity::generate();
        let text = identity.to_string();
        std::fs::write(directory.join("identity"), text.expose_secret()).expect("written");
        Self::new(plane, directory, Kek::Age(identity.to_public()))
    }

    /// Its KEK is in a KMS that takes its time.
    pub fn with_kms(
        plane: &ControlPlane,
        directory: PathBuf,
        flags: &'static [&'static str],
    ) -> Self {
        let kms = SlowKms::start();
        kms.delay(CALL);
        Self { flags, ..Self::new(plane, directory, Kek::Kms(kms)) }
    }

    fn new(plane: &ControlPlane, directory: PathBuf, kek: Kek) -> Self {
        let token = ACCOUNT.token(plane);
        let kubeconfig = plane.kubeconfig_text("admin").replace("admin-token", &token);
        std::fs::write(directory.join("kubeconfig"), kubeconfig).expect("written");
        Self { directory, kek, flags: &[] }
    }

    pub fn command(&self, port: u16) -> Command {
        let mut command = Command::new(program());
        command.env_clear().env("HOME", &self.directory);
        command.env("KUBECONFIG", self.directory.join("kubeconfig"));
        command.env("ENVCRYPT_KEKS", self.uri());
        match &self.kek {
            Kek::Age(_) => {
                command.arg("--identity").arg(self.directory.join("identity"));
            }
            Kek::Kms(kms) => {
                let address = format!("http://127.0.0.1:{}", kms.port);
                command.env("AWS_ENDPOINT_URL_KMS", address).env("AWS_REGION", REGION);
                command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
                command.env("AWS_EC2_METADATA_DISABLED", "true");
            }
        }
        let Account { namespace, name } = ACCOUNT;
        command.arg(format!("--lease={namespace}/{name}"));
        command.arg(format!("--listen=127.0.0.1:{port}")).args(self.flags);
        command
    }

    pub fn kms_calls(&self) -> usize {
        match &self.kek {
            Kek::Age(_) => 0,
            Kek::Kms(kms) => kms.calls(),
        }
    }

    /// Seals each value under a DEK of its own. No KMS is called.
    pub fn seal(&self, values: Vec<(String, String)>) -> Vec<Object> {
        let seal = |(name, value): (String, String)| {
            let place = Place {
                namespace: NAMESPACE.parse().expect("valid"),
                name: name.parse().expect("valid"),
            };
            let key = DataKey::generate();
            let recipients = vec![self.wrapped(&key)];
            let sealer = Sealer::from_parts(place.clone(), Scope::Strict, key, recipients);
            let plain_value = SecretValue::new(value.clone().into_bytes());
            let plain = PlainSecret {
                meta: Meta {
                    place,
                    kind: SecretType::Opaque,
                    immutable: false,
                    labels: BTreeMap::new(),
                    annotations: BTreeMap::new(),
                },
                values: BTreeMap::from([(KEY.parse().expect("valid"), plain_value)]),
            };
            let sealed = sealer.seal(plain, now()).expect("it fits");
            let spec = serde_json::to_value(Spec::of(&sealed)).expect("JSON");
            Object { name, spec, value }
        };
        values.into_iter().map(seal).collect()
    }

    fn uri(&self) -> String {
        match &self.kek {
            Kek::Age(recipient) => format!("age:{recipient}"),
            Kek::Kms(_) => format!("awskms:///{ARN}"),
        }
    }

    fn wrapped(&self, key: &DataKey) -> WrappedKey {
        let bytes = match &self.kek {
            Kek::Age(recipient) => age::encrypt(recipient, key.expose()).expect("encrypted"),
            Kek::Kms(_) => slow_kms::encrypt(key.expose()),
        };
        WrappedKey { kek: self.uri().parse().expect("a KEK"), bytes }
    }
}
