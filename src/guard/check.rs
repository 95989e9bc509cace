//! Compares the cluster in use with what the rules and the list `clusters` name, before anything is
//! sent.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use clap::Args;

use super::nearest::{other_places, with_guards};
use crate::config::{Guard, RuleInput, Rules, is_server};
use crate::failure::{AccessError, Failure, GuardError, OtherCluster};
use crate::process::quoted;
use crate::select::files::FoundObject;
use crate::session::{Session, is_file};
use envcrypt_cluster::ClusterIdentity;
use envcrypt_core::access::Pattern;
use envcrypt_core::secret::{Namespace, Place};

/// A file as the patterns of the rules know it, if it is one.
type PathAndRules = (Option<PathBuf>, Rc<Rules>);

/// The flag of each command that sends a Secret of a file, or a new Secret.
#[derive(Args, Default)]
pub struct AnyClusterArgs {
    /// Ignore which cluster the rules and `clusters` of .envcrypt.yaml name
    #[arg(long)]
    any_cluster: bool,
}

/// Compares clusters. The one in use is looked up when a rule needs it.
pub struct ClusterCheck<'a> {
    session: &'a Session,
    any_cluster: bool,
    in_use: OnceCell<ClusterIdentity>,
}

impl<'a> ClusterCheck<'a> {
    pub fn new(session: &'a Session, args: &AnyClusterArgs) -> Self {
        Self { session, any_cluster: args.any_cluster, in_use: OnceCell::new() }
    }

    /// Refuses to send a Secret to another cluster than its rule and its entry of `clusters` name.
    /// `path` is the file that it comes from, if any.
    pub async fn check(&self, place: &Place, path: Option<&Path>) -> Result<(), Failure> {
        let path = path.filter(is_file);
        if self.any_cluster {
            return Ok(());
        }
        self.check_rule(place, path).await?;
        for (path_in_rules, rules) in self.guards(path)? {
            let (namespace, path_in_rules) = (place.namespace.as_str(), path_in_rules.as_deref());
            let input = RuleInput { namespace, context: None, path: path_in_rules };
            if let Some(guard) = rules.guard(input)
                && !guard.allows(self.in_use().await?)
            {
                return Err(self.refused(place, path, &rules, guard).await?);
            }
        }
        Ok(())
    }

    /// The lists `clusters` for a file, each with a path of the file. Every list must allow it.
    fn guards(&self, path: Option<&Path>) -> Result<Vec<PathAndRules>, Failure> {
        let (real, nearest) = self.session.nearest_rules(path)?;
        let mut all = vec![(real, nearest)];
        for other in path.map(other_places).unwrap_or_default() {
            if !all.iter().any(|(known, _)| known.as_ref() == Some(&other)) {
                let folder = other.parent().unwrap_or(Path::new("/"));
                let nearest = self.session.rules_of(folder)?;
                all.push((Some(other), nearest));
            }
        }
        let mut found = Vec::new();
        for (path, nearest) in all {
            found.extend(with_guards(self.session, nearest)?.map(|rules| (path, rules)));
        }
        Ok(found)
    }

    /// Checks files before the first request and the first prompt. Files that nothing binds to a
    /// cluster are not read, and what cannot be read is reported later. A pipe can be read only once,
    /// so its Secrets are checked when it is read.
    pub async fn check_files(
        &self,
        paths: &[PathBuf],
        default: &Namespace,
        read: impl Fn(&Path) -> Result<Vec<FoundObject>, Failure>,
    ) -> Result<(), Failure> {
        for path in paths.iter().filter(|path| is_file(&path.as_path())) {
            if !self.concerns(path)? {
                continue;
            }
            for found in read(path).unwrap_or_default() {
                if let Ok(place) = found.object.place(default) {
                    self.check(&place, Some(path)).await?;
                }
            }
        }
        Ok(())
    }

    /// Whether anything says to which cluster a file may go, so that a check needs its Secrets.
    fn concerns(&self, path: &Path) -> Result<bool, Failure> {
        if self.any_cluster {
            return Ok(false);
        }
        let (_, nearest) = self.session.nearest_rules(Some(path))?;
        let own = &self.session.settings()?.rules;
        Ok(own.name_cluster()
            || nearest.is_some_and(|rules| rules.name_cluster())
            || !self.guards(Some(path))?.is_empty())
    }

    async fn check_rule(&self, place: &Place, path: Option<&Path>) -> Result<(), Failure> {
        let Some(rule) = self.session.rule(&place.namespace, path)? else { return Ok(()) };
        let Some(wanted) = &rule.cluster else { return Ok(()) };
        let in_use = self.in_use().await?;
        match is_server(wanted, in_use) {
            true => Ok(()),
            false => Err(Failure::Access(AccessError::OtherCluster {
                place: place.to_string(),
                rules: rule.file.clone(),
                wanted: wanted.to_string(),
                server: in_use.written.clone(),
            })),
        }
    }

    async fn in_use(&self) -> Result<&ClusterIdentity, Failure> {
        if let Some(known) = self.in_use.get() {
            return Ok(known);
        }
        let found = self.session.target()?.identity().await?;
        Ok(self.in_use.get_or_init(|| found))
    }

    async fn refused(
        &self,
        place: &Place,
        path: Option<&Path>,
        rules: &Rules,
        guard: &Guard,
    ) -> Result<Failure, Failure> {
        let target = self.session.target()?;
        let mut allowed = target.contexts().await;
        allowed.retain(|(_, other)| guard.allows(other));
        // The context in use is right, so a flag makes another cluster of it.
        let is_in_use = |name: &str| target.context() == Some(name);
        let flags = match allowed.iter().any(|(name, _)| is_in_use(name)) {
            true => target.cluster_flags(),
            false => Vec::new(),
        };
        let others = allowed.iter().map(|(name, _)| name).filter(|name| !is_in_use(name));
        let secret = format!("the Secret `{place}`");
        let other = OtherCluster {
            what: path.map_or(secret, |path| format!("`{}`", path.display())),
            rules: rules.path.clone(),
            number: guard.number,
            wanted: guard.wanted(),
            in_use: described(self.in_use().await?),
            contexts: others.take(3).map(|name| quoted(name)).collect(),
            flags,
            path: path.map(|path| to_add(path, rules, guard)),
        };
        Ok(GuardError::OtherCluster(Box::new(other)).into())
    }
}

/// The directory of the entry, if its pattern names one, so that `guard add` finds the entry again.
/// Otherwise the file.
fn to_add(path: &Path, rules: &Rules, guard: &Guard) -> String {
    let pattern = guard.path.as_ref().map(Pattern::as_str);
    let folder = pattern.and_then(|pattern| pattern.strip_suffix("/**"));
    let folder = folder.map(|folder| rules.root().join(folder)).filter(|folder| folder.is_dir());
    let here = std::env::current_dir().and_then(|here| here.canonicalize()).unwrap_or_default();
    let folder = folder.map(|folder| match folder.strip_prefix(&here) {
        Ok(rest) if rest == Path::new("") => ".".into(),
        Ok(rest) => rest.to_owned(),
        Err(_) => folder,
    });
    quoted(&folder.unwrap_or_else(|| path.to_owned()).to_string_lossy())
}

/// The cluster in words: `the server … and the CA …`.
pub fn described(cluster: &ClusterIdentity) -> String {
    let mut parts = vec![match cluster.server.as_str() {
        "" => "no server".to_owned(),
        server => format!("the server `{server}`"),
    }];
    parts.extend(cluster.authorities.iter().take(3).map(|ca| format!("the CA `{ca}`")));
    if cluster.authorities.is_empty() {
        parts.push("no CA of its own".to_owned());
    }
    parts.extend(cluster.context.iter().map(|name| format!("the context `{name}`")));
    let last = parts.pop().unwrap_or_default();
    format!("{} and {last}", parts.join(", "))
}
