//! Completion candidates: names from the cluster, the kubeconfig and the configuration.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::session::{Environment, Session};
use envcrypt_cluster::{Cluster, ConnectOptions, Connection, Sort, context_names};
use envcrypt_core::manifest::{Document, Object, parse};

/// The time limit for the cluster: completion must not hang if the cluster does.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// The command line so far: clap's engine passes only the partial word to the candidates.
#[derive(Default)]
pub struct Line {
    /// The cluster that the words name.
    pub options: ConnectOptions,
    /// The files that `-f` names.
    pub files: Vec<PathBuf>,
    /// The words before the partial one, without commands and flags.
    pub words: Vec<String>,
}

static LINE: OnceLock<Line> = OnceLock::new();

/// Sets the command line, once.
pub fn set_line(line: Line) {
    let _ = LINE.set(line);
}

/// The namespaces of the cluster.
pub fn namespaces() -> ArgValueCandidates {
    ArgValueCandidates::new(|| ask(async |cluster| cluster.namespaces().await.unwrap_or_default()))
}

/// The contexts of the kubeconfig.
pub fn contexts() -> ArgValueCandidates {
    ArgValueCandidates::new(|| candidates(context_names(&line().options)))
}

/// `local`, and the KEKs that this machine trusts.
pub fn keks() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let session = Session::new(ConnectOptions::default());
        let granted = session.policy(&[], Environment::Beside).map(|policy| {
            policy.grants().map(|grant| grant.kek.to_string()).collect::<BTreeSet<_>>()
        });
        candidates(["local".to_owned()].into_iter().chain(granted.unwrap_or_default()))
    })
}

/// The types for which `create` has a short name.
pub fn types() -> ArgValueCandidates {
    let names = ["generic", "basic-auth", "ssh-auth", "tls", "docker-registry", "bootstrap-token"];
    ArgValueCandidates::new(move || candidates(names.map(str::to_owned)))
}

pub fn scopes() -> ArgValueCandidates {
    ArgValueCandidates::new(|| candidates(["strict", "namespace", "cluster"].map(str::to_owned)))
}

/// The names of the sealed Secrets.
pub fn secrets() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        ask(async |cluster| {
            let found = sealed_secrets(cluster).await.into_iter();
            found.filter_map(name).collect()
        })
    })
}

/// The name of an object, with its kind if it is not a Secret.
fn name(object: Object) -> Option<String> {
    match object.is_resource() {
        true => object.metadata.name.map(|name| format!("evs/{name}")),
        false => object.metadata.name,
    }
}

fn is_named(object: &Object, word: &str) -> bool {
    let (kind, name) = word.rsplit_once('/').unwrap_or(("secret", word));
    object.metadata.name.as_deref() == Some(name)
        && object.is_resource() != kind.starts_with("secret")
}

async fn sealed_secrets(cluster: &Cluster) -> Vec<Object> {
    let target = Connection::load(line().options.clone()).ok();
    let Some(namespace) = target.and_then(|target| target.namespace().ok()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let take = async |objects: Vec<Object>| found.extend(objects);
    let _ = cluster.secrets(Sort::Sealed, Some(&namespace), None, take).await;
    let take = async |objects: Vec<Object>| found.extend(objects);
    let _ = cluster.envcrypt_secrets(Some(&namespace), None, take).await;
    found
}

/// The names of the sealed Secrets; after a name, or with `-f`, the keys.
pub fn secrets_and_keys() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let Line { files, words, .. } = line();
        if !files.is_empty() {
            return candidates(files.iter().flat_map(|file| keys_of_file(file)));
        }
        ask(async |cluster| {
            let found = sealed_secrets(cluster).await;
            match words.first() {
                None => found.into_iter().filter_map(name).collect(),
                Some(word) => {
                    let object = found.into_iter().find(|object| is_named(object, word));
                    object.iter().flat_map(Object::keys).map(str::to_owned).collect()
                }
            }
        })
    })
}

fn line() -> &'static Line {
    LINE.get_or_init(Line::default)
}

fn candidates(names: impl IntoIterator<Item = String>) -> Vec<CompletionCandidate> {
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// Queries the cluster with a time limit. If the cluster does not answer, there are no
/// candidates.
fn ask(question: impl AsyncFnOnce(&Cluster) -> Vec<String>) -> Vec<CompletionCandidate> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return Vec::new() };
    let answer = runtime.block_on(async {
        let target = Connection::load(line().options.clone()).ok()?;
        let answer = async { Some(question(&target.connect().await.ok()?).await) };
        tokio::time::timeout(PATIENCE, answer).await.ok().flatten()
    });
    candidates(answer.unwrap_or_default())
}

fn keys_of_file(path: &Path) -> Vec<String> {
    let documents = std::fs::read(path).ok().and_then(|bytes| parse(&bytes).ok());
    let keys = |document| match document {
        Document::Secret(object) => Some(object.keys().map(str::to_owned).collect::<Vec<_>>()),
        Document::Other(_) => None,
    };
    documents.into_iter().flatten().filter_map(keys).flatten().collect()
}
