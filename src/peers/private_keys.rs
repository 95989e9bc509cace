//! The private keys of Sealed Secrets: from files, or from the cluster. They stay in memory.

use std::path::PathBuf;
use std::str::FromStr;

use crate::failure::{Failure, PeersError};
use crate::select::files::read_file;
use crate::session::Session;
use envcrypt_cluster::Sort;
use envcrypt_core::manifest::Object;
use envcrypt_peers::sealed_secrets::{KEY_LABEL, KEY_NAMESPACE, KeyError, PrivateKey};

/// Where private keys are.
#[derive(Clone)]
pub enum KeySource {
    File(PathBuf),
    /// A namespace of the cluster.
    Cluster(String),
}

impl FromStr for KeySource {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.split_once(':') {
            _ if text == "cluster" => Self::Cluster(KEY_NAMESPACE.to_owned()),
            Some(("cluster", namespace)) => Self::Cluster(namespace.to_owned()),
            _ => Self::File(PathBuf::from(text)),
        })
    }
}

/// Reads the keys of all sources.
pub async fn read(session: &Session, sources: &[KeySource]) -> Result<Vec<PrivateKey>, Failure> {
    let mut keys = Vec::new();
    for source in sources {
        let (found, of) = match source {
            KeySource::File(path) => {
                (PrivateKey::read(&read_file(path)?), path.display().to_string())
            }
            KeySource::Cluster(namespace) => {
                (of_cluster(session, namespace).await?, format!("the namespace `{namespace}`"))
            }
        };
        let error = |source| Failure::Peers(PeersError::PrivateKeys { of, source });
        keys.extend(found.map_err(error)?);
    }
    Ok(keys)
}

async fn of_cluster(
    session: &Session,
    namespace: &str,
) -> Result<Result<Vec<PrivateKey>, KeyError>, Failure> {
    let namespace = namespace.parse()?;
    let mut found = Ok(Vec::new());
    let take = async |objects: Vec<Object>| {
        for object in &objects {
            match (&mut found, PrivateKey::of_object(object)) {
                (Ok(keys), Ok(more)) => keys.extend(more),
                (Ok(_), Err(error)) => found = Err(error),
                (Err(_), _) => {}
            }
        }
    };
    let cluster = session.cluster().await?;
    cluster.secrets(Sort::Plain, Some(&namespace), Some(KEY_LABEL), take).await?;
    Ok(match found {
        Ok(keys) if keys.is_empty() => Err(KeyError::None),
        found => found,
    })
}
