//! `diff`: compares files with the cluster, key by key. It never shows a value.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use futures::{StreamExt, stream};

use crate::access::opener::{OpenArgs, Opener};
use crate::batch::progress::IN_FLIGHT;
use crate::failure::{Failure, SelectError};
use crate::guard::{AnyClusterArgs, ClusterCheck};
use crate::select::files::{FileArgs, FoundObject, is_no_manifest};
use crate::select::listed::{Known, Listed};
use crate::session::{Session, is_file};
use crate::terminal::{self, OutputError};
use envcrypt_cluster::Cluster;
use envcrypt_core::envelope::SealedSecret;
use envcrypt_core::manifest::{Form, Object};
use envcrypt_core::secret::{Key, Meta, Namespace, Place, PlainSecret, SecretValue};

/// Compare files with the cluster, key by key.
///
/// Either side can be sealed or plain. The command opens values on this machine only if their
/// sealed bytes differ, and never shows them. The exit code is 0 if everything is the same, 1 if
/// something differs, and 2 if the command could not compare everything.
#[derive(Args)]
#[command(after_help = "Examples:
  # Compare all manifests of a directory with the cluster
  kubectl envcrypt diff -R -f deploy/

  # Show the lengths of the values that differ
  kubectl envcrypt diff -f db.yaml --show-lengths

  # Compare only the sealed bytes, without a KMS
  kubectl envcrypt diff -f db.yaml --no-open")]
pub struct DiffArgs {
    #[command(flatten)]
    files: FileArgs,
    /// Show the lengths of values that differ
    #[arg(long)]
    show_lengths: bool,
    /// Open no values, and report different sealed bytes as a difference
    #[arg(long, conflicts_with = "show_lengths")]
    no_open: bool,
    #[command(flatten)]
    any_cluster: AnyClusterArgs,
    #[command(flatten)]
    open: OpenArgs,
}

pub async fn run(args: DiffArgs, session: &Session) -> Result<(), Failure> {
    match compare(args, session).await {
        Ok(false) => Ok(()),
        Ok(true) => Err(Failure::Differs),
        Err(closed @ Failure::Output(OutputError::Closed)) => Err(closed),
        Err(failure) => Err(Failure::NotCompared(Box::new(failure))),
    }
}

/// Whether anything differs.
async fn compare(args: DiffArgs, session: &Session) -> Result<bool, Failure> {
    if args.files.filename.is_empty() {
        return Err(Failure::Usage("name files with `-f`".to_owned()));
    }
    let (clusters, default) = (ClusterCheck::new(session, &args.any_cluster), session.namespace()?);
    let read = |path: &Path| Ok(args.files.read(path)?.0);
    clusters.check_files(&args.files.paths()?, &default, read).await?;
    let mut piped = piped(&args.files, &clusters, &default).await?;
    let paths = args.files.paths()?;
    let work = Comparison {
        listed: Listed::new(paths.len()),
        opener: Opener::new(session, &args.open)?,
        cluster: session.cluster().await?,
        clusters,
        default,
        args: &args,
        session,
    };
    // Each file is read just before it is compared, so that many files need no more memory.
    let files = paths
        .into_iter()
        .flat_map(|path| piped.remove(&path).unwrap_or_else(|| objects(&args.files, &path)));
    let each = stream::iter(files).map(|found| work.one(found));
    let mut each = std::pin::pin!(each.buffered(IN_FLIGHT));
    let (mut all, mut failures, mut differs) = (0, Vec::new(), false);
    while let Some(result) = each.next().await {
        all += 1;
        match result {
            Ok(text) => {
                differs |= !text.is_empty();
                terminal::stdout(text.as_bytes())?;
            }
            Err(failure) => failures.push(failure),
        }
    }
    if all == 1 && failures.len() == 1 {
        return Err(failures.remove(0));
    }
    failures.iter().filter_map(Failure::report).for_each(|report| report.print());
    match failures.len() {
        0 if all == 0 => Err(Failure::Select(SelectError::NothingThere(args.files.describe()))),
        0 => Ok(differs),
        failed => Err(Failure::SomeUnknown { failed, all }),
    }
}

/// The Secrets of one file.
fn objects(files: &FileArgs, path: &Path) -> Vec<Result<FoundObject, Failure>> {
    match files.read(path) {
        Ok((found, _)) => found.into_iter().map(Ok).collect(),
        // A directory may contain files that are not manifests.
        Err(failure) if !files.is_named(path) && is_no_manifest(&failure) => Vec::new(),
        Err(failure) => vec![Err(failure)],
    }
}

/// The Secrets of pipes, each read once and checked before anything connects.
async fn piped(
    files: &FileArgs,
    clusters: &ClusterCheck<'_>,
    default: &Namespace,
) -> Result<BTreeMap<PathBuf, Vec<Result<FoundObject, Failure>>>, Failure> {
    let mut piped = BTreeMap::new();
    for path in files.paths()?.into_iter().filter(|path| !is_file(&path.as_path())) {
        let found = objects(files, &path);
        for FoundObject { path, object } in found.iter().flatten() {
            if let Ok(place) = object.place(default) {
                clusters.check(&place, Some(path)).await?;
            }
        }
        piped.insert(path, found);
    }
    Ok(piped)
}

struct Comparison<'a> {
    args: &'a DiffArgs,
    session: &'a Session,
    opener: Opener<'a>,
    cluster: Cluster,
    listed: Listed,
    clusters: ClusterCheck<'a>,
    default: Namespace,
}

/// One side of a comparison.
enum Side {
    Sealed(Box<SealedSecret>),
    Plain(PlainSecret),
}

impl Side {
    fn meta(&self) -> &Meta {
        match self {
            Self::Sealed(secret) => &secret.meta,
            Self::Plain(secret) => &secret.meta,
        }
    }

    fn keys(&self) -> BTreeSet<&Key> {
        match self {
            Self::Sealed(secret) => secret.values.keys().collect(),
            Self::Plain(secret) => secret.values.keys().collect(),
        }
    }
}

impl Comparison<'_> {
    /// The differences of one Secret; empty if there are none.
    async fn one(&self, found: Result<FoundObject, Failure>) -> Result<String, Failure> {
        let FoundObject { path, object } = found?;
        let in_file = self.side(&object).map_err(|failure| match failure {
            Failure::Live(source) => {
                Failure::Select(SelectError::Manifest { path: path.clone(), source })
            }
            other => other,
        })?;
        let place = in_file.meta().place.clone();
        if let Side::Sealed(secret) = &in_file {
            self.opener.check_signed(secret, Some(&path))?;
        }
        self.session.check_namespace(&place)?;
        self.clusters.check(&place, Some(&*path)).await?;
        let Some(live) = self.live(&place, &object).await? else {
            return Ok(format!("{place}\n  is not in the cluster\n"));
        };
        let live = self.side(&live)?;
        self.sides(&place, &path, in_file, live).await
    }

    /// The live object. A list has only sealed ones.
    async fn live(&self, place: &Place, object: &Object) -> Result<Option<Object>, Failure> {
        let form = object.form();
        if object.is_sealed() {
            match self.listed.find(&self.cluster, place, form).await {
                Known::There(live) => return Ok(Some(*live)),
                Known::Absent if form == Form::Resource => return Ok(None),
                Known::Absent | Known::Unknown => {}
            }
        }
        Ok(self.cluster.find_as(place, form).await?)
    }

    fn side(&self, object: &Object) -> Result<Side, Failure> {
        if !object.is_sealed() {
            return Ok(Side::Plain(object.plain(&self.default)?));
        }
        let secret = object.sealed(&self.default, self.args.open.seal())?;
        secret.check_place(self.args.open.seal())?;
        Ok(Side::Sealed(Box::new(secret)))
    }

    async fn sides(
        &self,
        place: &Place,
        path: &Path,
        file: Side,
        live: Side,
    ) -> Result<String, Failure> {
        let mut lines = Lines::default();
        lines.meta(file.meta(), live.meta());
        let keys: BTreeSet<Key> = file.keys().union(&live.keys()).map(|k| (*k).clone()).collect();
        let same_bytes = |key: &Key| match (&file, &live) {
            (Side::Sealed(file), Side::Sealed(live)) => file.same_sealing(live, key),
            _ => false,
        };
        if let (Side::Sealed(file), Side::Sealed(live)) = (&file, &live)
            && file.keks() != live.keks()
        {
            lines.add('~', "KEKs", "changed");
        }
        if let (Side::Sealed(file), Side::Sealed(live)) = (&file, &live)
            && file.values == live.values
            && file.seal != live.seal
        {
            lines.add('~', "the seal", "changed");
        }
        if let (Side::Sealed(file), Side::Sealed(live)) = (&file, &live)
            && file.signatures != live.signatures
        {
            lines.add('~', "signatures", "changed");
        }
        let differing: Vec<Key> = keys.into_iter().filter(|key| !same_bytes(key)).collect();
        let in_both = |key: &Key| file.keys().contains(key) && live.keys().contains(key);
        if self.args.no_open || !differing.iter().any(in_both) {
            for key in &differing {
                let both = in_both(key).then_some(How::Resealed);
                lines.key(
                    key,
                    both.unwrap_or_else(|| How::missing(file.keys().contains(key))),
                    None,
                );
            }
            return Ok(lines.under(place));
        }
        let is_sealed = matches!((&file, &live), (Side::Sealed(_), Side::Sealed(_)));
        let (file, live) = (self.open(file, Some(path)).await?, self.open_live(live).await?);
        for key in &differing {
            let (here, there) = (file.values.get(key), live.values.get(key));
            let how = match (here, there) {
                (Some(here), Some(there)) if here.same_as(there) && is_sealed => How::SameValue,
                (Some(here), Some(there)) if here.same_as(there) => continue,
                (Some(_), Some(_)) => How::Changed,
                (here, _) => How::missing(here.is_some()),
            };
            let lengths = (here.map(SecretValue::len), there.map(SecretValue::len));
            lines.key(key, how, self.args.show_lengths.then_some(lengths));
        }
        Ok(lines.under(place))
    }

    async fn open(&self, side: Side, path: Option<&Path>) -> Result<PlainSecret, Failure> {
        match side {
            Side::Plain(plain) => Ok(plain),
            Side::Sealed(secret) => self.opener.open(&secret, path).await,
        }
    }

    async fn open_live(&self, side: Side) -> Result<PlainSecret, Failure> {
        match side {
            Side::Plain(plain) => Ok(plain),
            Side::Sealed(secret) => self.opener.open_live(&secret).await,
        }
    }
}

/// How a key differs.
#[derive(Clone, Copy)]
enum How {
    Changed,
    /// The sealed bytes differ, and the value was not opened.
    Resealed,
    /// The sealed bytes differ, but the value is the same.
    SameValue,
    OnlyInFile,
    OnlyLive,
}

impl How {
    fn missing(is_in_file: bool) -> Self {
        if is_in_file { Self::OnlyInFile } else { Self::OnlyLive }
    }
}

/// The differences of one Secret, one per line.
#[derive(Default)]
struct Lines(Vec<(char, String, String)>);

impl Lines {
    fn add(&mut self, sign: char, what: &str, how: &str) {
        self.0.push((sign, what.to_owned(), how.to_owned()));
    }

    /// Compares everything except the values. The cluster may have more labels and annotations.
    fn meta(&mut self, file: &Meta, live: &Meta) {
        if file.kind != live.kind {
            self.add(
                '~',
                "type",
                &format!("{} in the file, {} in the cluster", file.kind, live.kind),
            );
        }
        if file.immutable != live.immutable {
            self.add('~', "immutable", "changed");
        }
        for (what, file, live) in [
            ("label", &file.labels, &live.labels),
            ("annotation", &file.annotations, &live.annotations),
        ] {
            for (name, value) in file {
                match live.get(name) {
                    Some(there) if there == value => {}
                    Some(_) => self.add('~', &format!("{what} {name}"), "changed"),
                    None => self.add('+', &format!("{what} {name}"), "only in the file"),
                }
            }
        }
    }

    fn key(&mut self, key: &Key, how: How, lengths: Option<(Option<usize>, Option<usize>)>) {
        let (sign, text) = match how {
            How::Changed => ('~', "changed"),
            How::Resealed => ('~', "sealed again"),
            How::SameValue => ('~', "sealed again, the same value"),
            How::OnlyInFile => ('+', "only in the file"),
            How::OnlyLive => ('-', "only in the cluster"),
        };
        let mut text = text.to_owned();
        if let Some((file, live)) = lengths {
            let parts = [(file, "in the file"), (live, "in the cluster")];
            for (size, place) in parts.into_iter().filter_map(|(n, place)| Some((n?, place))) {
                write!(text, ", {size} bytes {place}").expect("a String");
            }
        }
        self.add(sign, key.as_str(), &text);
    }

    fn under(self, place: &Place) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let width = self.0.iter().map(|(_, what, _)| what.chars().count()).max().unwrap_or(0);
        let mut text = format!("{place}\n");
        for (sign, what, how) in self.0 {
            let line = format!("  {sign} {what:<width$}  {how}");
            writeln!(text, "{}", terminal::visible(&line)).expect("a String");
        }
        text
    }
}
