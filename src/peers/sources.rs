//! Values from files of SOPS: its dotenv store for `--from-env-file`, its binary store for
//! `--from-file`.

use std::path::Path;

use super::data_key::{Keyring, Places, allow_named};
use crate::access::opener::consents;
use crate::failure::{Failure, PeersError};
use crate::session::Session;
use crate::values::sources::{Opened, SourceArgs, read_value};
use envcrypt_core::access::MayUse;
use envcrypt_core::secret::{Place, SecretValue};
use envcrypt_peers::sops::{Dotenv, File, Metadata, SopsError, is_dotenv};

/// Opens the files of SOPS among the sources, before their values are used. Standard input is
/// refused later, if SOPS encrypted it. Sources without such files need no key and no settings.
pub async fn open(session: &Session, sources: &SourceArgs) -> Result<Opened, Failure> {
    let mut opened = Opened::default();
    for path in sources.from_env_file.iter().filter(|path| path.as_os_str() != "-") {
        let value = read_value(path)?;
        let text = std::str::from_utf8(value.expose()).unwrap_or_default();
        if is_dotenv(text) {
            let file = Dotenv::read(text).map_err(|source| error(path, source))?;
            let key = data_key(session, path, &file.metadata).await?;
            let values = file.open(&key, false).map_err(|source| error(path, source))?;
            let values = values.into_iter().map(|(name, value)| (name, SecretValue::from(value)));
            opened.env_files.insert(path.clone(), values.collect());
        }
    }
    for path in sources.files() {
        if let Some(value) = binary(session, &path).await? {
            opened.files.insert(path, value);
        }
    }
    Ok(opened)
}

/// The value of a file, if it is one of the binary store. Other files of SOPS hold no single value.
async fn binary(session: &Session, path: &Path) -> Result<Option<SecretValue>, Failure> {
    // What cannot be read is an error later, with the flag that names it.
    let Ok(value) = read_value(path) else { return Ok(None) };
    let text = std::str::from_utf8(value.expose()).unwrap_or_default();
    let is_ini = text.contains("[sops]") && text.contains("ENC[AES256_GCM,");
    let other = || Failure::Peers(PeersError::NotBinary(path.to_owned()));
    if is_dotenv(text) || is_ini {
        return Err(other());
    }
    if !envcrypt_peers::may_mention(value.expose()) {
        return Ok(None);
    }
    let file = match File::read(text) {
        Ok(None) | Err(SopsError::Syntax(_)) => return Ok(None),
        Ok(Some(file)) if !file.is_binary() => return Err(other()),
        Ok(Some(file)) => file,
        Err(source) => return Err(error(path, source)),
    };
    let key = data_key(session, path, &file.parts()[0].metadata).await?;
    let value = file.open_binary(&key).map_err(|source| error(path, source))?;
    Ok(Some(value.into()))
}

fn error(path: &Path, source: SopsError) -> Failure {
    Failure::Peers(PeersError::Sops { path: path.to_owned(), source })
}

async fn data_key(
    session: &Session,
    path: &Path,
    metadata: &Metadata,
) -> Result<envcrypt_core::kek::DataKey, Failure> {
    let consents = consents(session, session.policy_to_seal(MayUse::Granted)?);
    allow_named(session, &consents, &[])?;
    let ring = super::ring(session, std::iter::once(metadata)).await?;
    let keyring = Keyring {
        consents: &consents,
        only: Vec::new(),
        ring,
        is_gpg_named: false,
        prompt: &**session.prompt(),
        gpg: std::cell::OnceCell::new(),
    };
    let name = "encrypted-name".parse()?;
    let known = vec![Place { namespace: session.namespace()?, name }];
    let places = Places { known, has_hidden: false };
    keyring.admit(metadata, &places).await?;
    keyring.data_key(path, metadata, &places).await
}
