//! `audit`: finds every value that the holder of a KEK could ever open.

mod compare;
mod keks;
mod ledger;
mod report;
mod sops;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::candidates;
use crate::config::KekName;
use crate::failure::{Failure, HistoryError};
use crate::git::Repository;
use crate::history::{History, Scope, search};
use crate::scan::{self, FileSet, ReportFormat};
use crate::session::Session;
use crate::terminal;
use envcrypt_cluster::{Cluster, ClusterError, Sort};
use envcrypt_core::manifest::Object;
use envcrypt_core::secret::Namespace;
use envcrypt_peers::Encryption;
use ledger::Ledger;

/// Find every value that the holder of a KEK has, or could ever have.
///
/// Use the command after a KEK was lost or leaked, or after someone left. It finds the values that
/// the KEK opens now, and those that it could open before `rewrap` removed it: whoever had the
/// data key then can still open them. It needs no KMS, except with --open, or to find the key
/// behind an alias.
///
/// It also finds values in files that SOPS encrypted. There, values have the same data key if one
/// of them did not change between two versions. They are not opened, not even with --open.
///
/// The command searches the files of PATH, the cluster with -A or -n, and with --history every
/// commit, branch, tag, stash and reflog of the repository. It never fetches anything. The exit
/// code is 1 if a value needs a new value at its source, and 2 if something could not be searched.
#[derive(Args)]
#[command(
    override_usage = "kubectl envcrypt audit --kek KEK… [PATH]… [--history] [-A | -n NAMESPACE] [flags]",
    after_help = "The command reports:
  open        the KEK opens the value
  known       the KEK was removed since, but the data key is the same
  same-value  with --open: sealed again under another data key, but the value is the same
  elsewhere   not in this work tree, but on a branch, in a tag, another work tree or the index
  replaced    sealed again under a data key that the KEK never had
  gone        only in the history

Values that are open, known, same-value or elsewhere need a new value where they come from. To seal the same
value again, with `rotate`, is not enough.

Examples:
  # A laptop with an age identity was stolen
  kubectl envcrypt audit --kek age:age1… --history -A

  # Find out which values were really replaced since
  kubectl envcrypt audit --kek awskms:///alias/old --history --open

  # Write a report for a script
  kubectl envcrypt audit --kek hashivault://dev --history -o json deploy/"
)]
pub struct AuditArgs {
    /// Files and directories; the current directory by default, or with -A or -n only the cluster
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The KEK that was lost or leaked: local, or a URI (can be repeated)
    #[arg(long, value_name = "KEK", required = true, add = candidates::keks())]
    kek: Vec<KekName>,
    /// Search all commits, branches, tags, stashes and reflogs of the repository
    #[arg(long)]
    history: bool,
    /// Search stored files that nothing refers to any more, too
    #[arg(long, requires = "history")]
    unreachable: bool,
    /// Search the sealed Secrets of all namespaces of the cluster
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Open old and new values, to find those that are still the same
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    set: FileSet,
    /// Output format
    #[arg(short, long, value_enum, default_value = "text", help_heading = "Output")]
    output: ReportFormat,
}

/// Runs the command. A failure to search gets another exit code than a finding.
pub async fn run(args: AuditArgs, session: &Session) -> Result<(), Failure> {
    audit(&args, session).await.map_err(|failure| match failure {
        own @ (Failure::History(_) | Failure::Output(_) | Failure::Usage(_)) => own,
        other => Failure::NotCompared(Box::new(other)),
    })
}

async fn audit(args: &AuditArgs, session: &Session) -> Result<(), Failure> {
    let paths = args.paths(session);
    let scopes = match args.history {
        true => Scope::of(&paths, &args.set.excluded())?,
        false => Vec::new(),
    };
    if scopes.len() > 1 {
        return Err(Failure::Usage("name paths of one repository with `--history`".to_owned()));
    }
    let keks = keks::resolved(&args.kek, session).await?;
    let mut ledger = Ledger::new(keks, args.open);
    let mut incomplete = Vec::new();
    let mut history = None;
    if let [scope] = &scopes[..] {
        let mut found = search(scope, args.unreachable, |file, blob| {
            let shown = scope.shown(blob.path);
            let path = shown.as_deref().unwrap_or(Path::new(OsStr::from_bytes(blob.path)));
            let is_any = ledger.take_old(file, &scan::text(blob.bytes), path);
            if shown.is_none() && !blob.path.is_empty() {
                ledger.unreadable.remove(path);
            }
            is_any
        })?;
        incomplete.append(&mut found.incomplete);
        history = Some(found);
    }
    args.work_tree(&paths, &mut ledger, &mut incomplete)?;
    args.cluster(session, &mut ledger, &mut incomplete).await?;
    let repository = scopes.first().map(|scope| &scope.repository);
    args.report(session, &ledger, history.as_ref().zip(repository), incomplete).await
}

impl AuditArgs {
    fn searches_cluster(&self, session: &Session) -> bool {
        self.all_namespaces || session.named_namespace().is_some()
    }

    /// The files to search. The home directory of someone who asks for the cluster is not meant.
    fn paths(&self, session: &Session) -> Vec<PathBuf> {
        let is_cluster_only = self.searches_cluster(session) && !self.history;
        match self.paths.is_empty() && !is_cluster_only {
            true => vec![".".into()],
            false => self.paths.clone(),
        }
    }

    fn work_tree(
        &self,
        paths: &[PathBuf],
        ledger: &mut Ledger,
        incomplete: &mut Vec<String>,
    ) -> Result<(), Failure> {
        let (mut failures, mut foreign) = (Vec::new(), 0);
        for path in self.set.files(paths, &mut failures)? {
            match scan::read_whole(&path, scan::kind(&path)) {
                Ok(Some(bytes)) => {
                    let text = scan::text(&bytes);
                    ledger.take_file(&text, &path);
                    foreign += sealed_secrets(&text);
                }
                Ok(None) => {}
                Err(failure) => failures.push(failure),
            }
        }
        incomplete.extend(failures.iter().map(Failure::to_string));
        incomplete.extend(ledger.unreadable.iter().map(|path| {
            format!("`{}` has values of SOPS in a form that cannot be read", shown(path))
        }));
        incomplete.extend(ledger.aliases.iter().map(|alias| {
            format!(
                "SOPS names `{alias}`, which may be the KEK: if it is, name it with `--kek`, too"
            )
        }));
        if foreign > 0 {
            terminal::note(&format!(
                "SealedSecrets are not searched, because the key of their controller opens them: {foreign}"
            ));
        }
        Ok(())
    }

    /// Searches the cluster, one page at a time.
    async fn cluster(
        &self,
        session: &Session,
        ledger: &mut Ledger,
        incomplete: &mut Vec<String>,
    ) -> Result<(), Failure> {
        if !self.searches_cluster(session) {
            return Ok(());
        }
        let namespace = (!self.all_namespaces).then(|| session.namespace()).transpose()?;
        let cluster: Cluster = session.cluster().await?;
        let namespace: Option<&Namespace> = namespace.as_ref();
        let take = async |objects: Vec<Object>| {
            objects.iter().for_each(|object| ledger.take_object(object));
        };
        cluster.secrets(Sort::Sealed, namespace, None, take).await?;
        let take = async |objects: Vec<Object>| {
            objects.iter().for_each(|object| ledger.take_object(object));
        };
        match cluster.envcrypt_secrets(namespace, None, take).await {
            // Someone may have rights on Secrets alone.
            Err(error @ ClusterError::Forbidden { .. }) => incomplete.push(error.to_string()),
            listed => listed?,
        }
        Ok(())
    }

    async fn report(
        &self,
        session: &Session,
        ledger: &Ledger,
        history: Option<(&History<'_>, &Repository)>,
        mut incomplete: Vec<String>,
    ) -> Result<(), Failure> {
        let same = match self.open {
            true => compare::same_values(ledger, history, session, &mut incomplete).await?,
            false => compare::Same::default(),
        };
        let rows = report::rows(ledger, history.map(|(history, _)| history), &same);
        let text = match self.output {
            ReportFormat::Text => report::text(&rows),
            ReportFormat::Json => report::json(&rows, &incomplete),
            ReportFormat::Sarif => report::sarif(&rows),
        };
        if rows.is_empty() && self.output == ReportFormat::Text {
            terminal::note("no value was found that this KEK could open");
        }
        if !self.history {
            terminal::note(
                "the history was not searched: to find values from which the KEK was removed since, add `--history`",
            );
        }
        terminal::stdout(text.as_bytes())?;
        let values = rows.iter().filter(|row| row.state.needs_a_new_value()).count();
        match (values, incomplete.is_empty()) {
            (0, true) => Ok(()),
            (0, false) => Err(HistoryError::Incomplete(incomplete).into()),
            (values, _) => Err(HistoryError::Exposed { values, incomplete }.into()),
        }
    }
}

/// How many SealedSecrets a text has.
fn sealed_secrets(text: &str) -> usize {
    if !envcrypt_peers::may_mention(text.as_bytes()) {
        return 0;
    }
    let found = envcrypt_peers::survey(text).unwrap_or_default();
    found.iter().filter(|found| matches!(found.by, Encryption::SealedSecret)).count()
}

/// A path without `./`.
fn shown(path: &Path) -> String {
    path.strip_prefix("./").unwrap_or(path).display().to_string()
}
