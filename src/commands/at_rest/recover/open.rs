//! Opens a value of etcd with whatever encrypted it.

use std::path::Path;

use envcrypt_at_rest::config::EncryptionConfiguration;
use envcrypt_at_rest::stored::open::LocalKey;
use envcrypt_at_rest::stored::{EncryptedObject, Local, Stored};
use envcrypt_core::kek::{Context, KekUri};
use envcrypt_core::secret::Place;
use envcrypt_core::seed::{Ciphertext, MORE_ANNOTATION, WrappedCopy};
use zeroize::Zeroizing;

use crate::failure::{AtRestError, Failure};
use crate::session::Session;

/// What the person named to open with.
pub struct Openers<'a> {
    pub keks: Vec<KekUri>,
    #[cfg(feature = "k8skms")]
    pub socket: Option<&'a Path>,
    pub configuration: Option<&'a Path>,
    pub session: &'a Session,
}

impl Openers<'_> {
    /// Returns the object as kube-apiserver had it in memory.
    pub async fn open(
        &self,
        place: &Place,
        key: &[u8],
        value: Zeroizing<Vec<u8>>,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let refused = |why: String| AtRestError::NotOpened { place: place.to_string(), why };
        match Stored::classify(&value) {
            Stored::Plain { .. } => {}
            Stored::Local(local) => return Ok(self.local(&local, key).map_err(refused)?),
            Stored::KmsV2 { object, .. } => {
                let seed = self.seed(place, &object).await?;
                let opened = object.open(&seed, key);
                return Ok(opened.map_err(|error| refused(error.to_string()))?);
            }
            Stored::KmsV1 { name, .. } => {
                let name = name.escape_debug();
                let why = format!("the KMS v1 plugin `{name}` encrypted it, and KMS v1 is gone");
                return Err(refused(why).into());
            }
            Stored::UnknownProvider { .. } | Stored::Damaged { .. } | Stored::Other => {
                return Err(refused("it is stored in an unknown way".to_owned()).into());
            }
        }
        Ok(value)
    }

    /// With a key of the EncryptionConfiguration.
    fn local(&self, local: &Local<'_>, key: &[u8]) -> Result<Zeroizing<Vec<u8>>, String> {
        let provider = local.provider.as_str();
        let name = local.key_name().escape_debug();
        let path = self.configuration.ok_or_else(|| {
            format!("{provider} encrypted it with the key `{name}`: name the EncryptionConfiguration with `--encryption-config`")
        })?;
        let text = std::fs::read_to_string(path).map(Zeroizing::new);
        let text = text.map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
        let config = EncryptionConfiguration::parse(&text).map_err(|finding| {
            format!("`{}`, line {}: {}", path.display(), finding.line, finding.text)
        })?;
        let keys = config.blocks.iter().flat_map(|block| &block.providers);
        let keys = keys.flat_map(|provider| provider.keys());
        let mut failed = None;
        for found in keys.filter(|found| local.payload(&found.name).is_some()) {
            let bytes = Zeroizing::new(found.secret().to_vec());
            match local.open(&LocalKey::new(found.name.clone(), bytes), key) {
                Ok(opened) => return Ok(opened),
                Err(error) => failed = Some(error.to_string()),
            }
        }
        Err(failed.unwrap_or_else(|| format!("`{}` has no key `{name}`", path.display())))
    }

    /// The seed of a KMS plugin's object.
    async fn seed(
        &self,
        place: &Place,
        object: &EncryptedObject<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        #[cfg(feature = "k8skms")]
        if let Some(socket) = self.socket {
            return plugin::seed(place, object, socket).await;
        }
        let more = object.annotations.get(MORE_ANNOTATION).copied();
        match Ciphertext::read_parts(object.encrypted_dek_source, more) {
            Ok(ours) => self.with_kek(place, &ours, object.key_id).await,
            Err(_) => Err(AtRestError::NotOpened {
                place: place.to_string(),
                why: "another KMS plugin encrypted it: name its socket with `--socket`".to_owned(),
            }
            .into()),
        }
    }

    async fn with_kek(
        &self,
        place: &Place,
        sealed: &Ciphertext,
        key_id: &str,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let refused = |why: String| AtRestError::NotOpened { place: place.to_string(), why };
        let candidates = sealed.candidates(&self.keks);
        if candidates.is_empty() {
            let keks: Vec<_> = sealed.copies().iter().map(WrappedCopy::fingerprint).collect();
            return Err(refused(format!(
                "envcrypt-kms of the cluster `{}` encrypted it: name one of its KEKs with `--open-with` (their fingerprints: {})",
                sealed.cluster().escape_debug(),
                keks.join(", ")
            ))
            .into());
        }
        let candidates: Vec<_> = candidates.iter().collect();
        let (ring, context) = (self.session.ring()?, Context::cluster(sealed.cluster()));
        let name = sealed.local_key_name();
        let key = ring.unwrap(&candidates, &context, name, |key| sealed.fits(key)).await;
        let key = key.map_err(|mut errors| Failure::Kek(errors.remove(0)))?;
        let seed = sealed.open(&key.key, key_id).map_err(|error| refused(error.to_string()))?;
        Ok(Zeroizing::new(seed.expose().to_vec()))
    }
}

#[cfg(feature = "k8skms")]
mod plugin {
    //! The KMS plugin that encrypted a value.

    use std::path::Path;
    use std::time::Duration;

    use envcrypt_at_rest::stored::EncryptedObject;
    use envcrypt_core::kek::k8skms::protocol::{DecryptRequest, Plugin};
    use envcrypt_core::secret::Place;
    use zeroize::Zeroizing;

    use crate::failure::{AtRestError, Failure};

    /// How long a KMS plugin may take.
    const LIMIT: Duration = Duration::from_secs(10);

    /// Lets the plugin at a socket decrypt the seed.
    pub(super) async fn seed(
        place: &Place,
        object: &EncryptedObject<'_>,
        socket: &Path,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let annotations = object.annotations.iter();
        let request = DecryptRequest {
            ciphertext: object.encrypted_dek_source.to_vec(),
            uid: "kubectl-envcrypt-recover".to_owned(),
            key_id: object.key_id.to_owned(),
            annotations: annotations.map(|(k, v)| ((*k).to_owned(), v.to_vec())).collect(),
        };
        let answer = Plugin::at(socket, LIMIT).decrypt(request).await;
        let answer = answer.map_err(|status| AtRestError::NotOpened {
            place: place.to_string(),
            why: format!("the KMS plugin at `{}` refuses: {}", socket.display(), status.message()),
        });
        Ok(Zeroizing::new(answer?.plaintext))
    }
}
