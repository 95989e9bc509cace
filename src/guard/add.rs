//! Writes the cluster in use into the nearest `.envcrypt.yaml`.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use http::Uri;

use super::edit::{self, Where};
use super::nearest::with_guards;
use crate::config::{ClusterText, Guard, RULES_FILE, RuleInput, Rules, is_top, searched};
use crate::failure::{Failure, GuardError, SelectError};
use crate::files;
use crate::session::{Session, real_place};
use envcrypt_cluster::ClusterIdentity;
use envcrypt_core::access::Pattern;

/// A larger bundle of certificates is not that of one cluster.
const MAX_AUTHORITIES: usize = 4;

/// What was written.
pub struct Added {
    /// The file with the entry.
    pub file: PathBuf,
    /// The pattern of the entry.
    pub pattern: String,
    /// Whether the file changed.
    pub is_new: bool,
    /// The other contexts of this machine that the entry allows.
    pub others: Vec<String>,
}

/// Allows the Secrets of a file or directory to go to the cluster in use.
pub async fn add(session: &Session, path: &Path) -> Result<Added, Failure> {
    let is_folder = path
        .metadata()
        .map_err(|source| Failure::Select(SelectError::Read { path: path.to_owned(), source }))?
        .is_dir();
    let target = session.target()?;
    let (in_use, contexts) = (target.identity().await?, target.contexts().await);
    let clusters = clusters(&in_use, &contexts)?;
    let real = real_place(path)?;
    let folder = if is_folder { &*real } else { real.parent().unwrap_or(Path::new("/")) };
    let rules = rules_to_change(session, folder)?;
    let file = match &rules {
        Some(rules) => rules.path.clone(),
        None => new_place(folder)?.join(RULES_FILE),
    };
    let root = file.parent().unwrap_or(Path::new("/"));
    let pattern = pattern(&real, root, is_folder)?;
    // Any file of the directory will do to see which entry is the first one for it.
    let example = if is_folder { real.join("secret.yaml") } else { real.clone() };
    let is_new = match &rules {
        Some(rules) => change(rules, &pattern, &example, clusters)?,
        None => {
            let text = edit::add("", &pattern, &clusters, Where::End);
            files::new_shared_file(&file, text.ok_or(GuardError::NoCluster)?.as_bytes())?;
            true
        }
    };
    // As the next command reads it.
    let written = Rules::nearest(root)?;
    let input = RuleInput { namespace: "", context: None, path: Some(&example) };
    let entry = written.as_ref().and_then(|rules| rules.guard(input));
    let is_other = |(name, other): &(String, ClusterIdentity)| {
        in_use.context.as_ref() != Some(name) && entry.is_some_and(|entry| entry.allows(other))
    };
    let others = contexts.into_iter().filter(is_other).map(|(name, _)| name).collect();
    Ok(Added { file, pattern, is_new, others })
}

/// The nearest file with a list `clusters`, which decides for this directory. Otherwise the nearest
/// file with rules.
fn rules_to_change(session: &Session, folder: &Path) -> Result<Option<Rc<Rules>>, Failure> {
    let nearest = session.rules_of(folder)?;
    Ok(with_guards(session, nearest.clone())?.or(nearest))
}

/// Changes the file. Returns whether there was anything to change.
fn change(
    rules: &Rules,
    pattern: &str,
    example: &Path,
    mut clusters: Vec<ClusterText>,
) -> Result<bool, Failure> {
    let is_own = |guard: &&Guard| {
        guard.namespace.is_none() && guard.path.as_ref().is_some_and(|p| p.as_str() == pattern)
    };
    let own = rules.guards.iter().find(is_own);
    // An entry with a namespace is for some Secrets of the path only, and may come first.
    let input = RuleInput { namespace: "", context: None, path: Some(example) };
    let first = rules.guard(input);
    let to = match (own, first) {
        (Some(own), Some(first)) if first.number < own.number => {
            let rules = rules.path.clone();
            return Err(GuardError::Shadowed { rules, first: first.number, own: own.number }.into());
        }
        (Some(own), _) => {
            clusters.retain(|cluster| !own.has(cluster));
            Where::Entry(own.number - 1)
        }
        (None, Some(first)) => Where::Before(first.number - 1),
        (None, None) => Where::End,
    };
    if clusters.is_empty() {
        return Ok(false);
    }
    let read = |source| Failure::Select(SelectError::Read { path: rules.path.clone(), source });
    let old = std::fs::read_to_string(&rules.path).map_err(read)?;
    let not_edited = || GuardError::NotEdited {
        rules: rules.path.clone(),
        text: edit::by_hand(pattern, &clusters),
    };
    let new = edit::add(&old, pattern, &clusters, to).ok_or_else(not_edited)?;
    files::replace_file(&rules.path, old.as_bytes(), new.as_bytes())?;
    Ok(true)
}

/// The directory for a new file with rules: the top of the repository, otherwise the working
/// directory, if the rules are looked for there.
fn new_place(folder: &Path) -> Result<PathBuf, Failure> {
    let here = real_place(Path::new("."))?;
    let searched = searched(folder);
    let top = searched.iter().find(|folder| is_top(folder));
    let found = top.or_else(|| searched.iter().find(|folder| **folder == here));
    Ok(found.map_or_else(|| folder.to_owned(), |found| (*found).to_owned()))
}

/// A pattern for exactly this file, or for everything in this directory.
fn pattern(path: &Path, root: &Path, is_folder: bool) -> Result<String, GuardError> {
    let wrong = |why| GuardError::Path(path.to_owned(), why);
    let text = path.strip_prefix(root).unwrap_or(path);
    let text = text.to_str().ok_or_else(|| wrong("it is not UTF-8 text"))?;
    if text.chars().any(char::is_control) {
        return Err(wrong("it has control characters"));
    }
    let text = match (globset::escape(text), is_folder) {
        (text, false) => text,
        (text, true) if text.is_empty() => "**".to_owned(),
        (text, true) => format!("{text}/**"),
    };
    match text.parse::<Pattern>() {
        Ok(_) => Ok(text),
        Err(_) => Err(wrong("it is too long")),
    }
}

/// What tells the cluster from others, on every machine.
fn clusters(
    cluster: &ClusterIdentity,
    contexts: &[(String, ClusterIdentity)],
) -> Result<Vec<ClusterText>, GuardError> {
    let url: Uri = cluster.server.parse().map_err(|_| GuardError::NoCluster)?;
    let server = globset::escape(&cluster.server);
    let of_server = ClusterText { server: Some(server), ..ClusterText::default() };
    let context = cluster.context.as_ref().map(|name| globset::escape(name));
    let of_ca = |ca: &String| ClusterText { ca: Some(ca.clone()), ..ClusterText::default() };
    let authorities: Vec<_> = match cluster.authorities.len() {
        0..=MAX_AUTHORITIES => cluster.authorities.iter().map(of_ca).collect(),
        _ => Vec::new(),
    };
    let is_shared = contexts.iter().any(|(_, other)| has_same_authority(cluster, other));
    // Behind a gateway with a path for each cluster, all of them have the CA of the gateway.
    let is_gateway = !matches!(url.path(), "" | "/");
    Ok(match (is_local(&url), authorities.is_empty()) {
        _ if is_gateway => vec![of_server],
        // This address means another cluster on another machine, or tomorrow.
        (true, true) => vec![ClusterText { context, ..of_server }],
        (true, false) if is_shared => {
            let with_context = |ca| ClusterText { context: context.clone(), ..ca };
            authorities.into_iter().map(with_context).collect()
        }
        (true, false) => authorities,
        // A company may have one CA for all of its clusters.
        (false, _) if is_shared => vec![of_server],
        (false, _) => [vec![of_server], authorities].concat(),
    })
}

/// Whether another server has a CA of this cluster, so that the CA does not tell them apart.
fn has_same_authority(cluster: &ClusterIdentity, other: &ClusterIdentity) -> bool {
    // All addresses of this machine with one port are one server.
    let place = |cluster: &ClusterIdentity| match cluster.server.parse::<Uri>() {
        Ok(url) if is_local(&url) => format!("localhost:{:?}{}", url.port_u16(), url.path()),
        _ => cluster.server.clone(),
    };
    place(cluster) != place(other)
        && cluster.authorities.iter().any(|ca| other.authorities.contains(ca))
}

fn is_local(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let address = host.parse::<std::net::IpAddr>();
    address.map_or(host == "localhost" || host.ends_with(".localhost"), |a| {
        a.is_loopback() || a.is_unspecified()
    })
}
