//! Secrets in files, changed in place.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use futures::future::join_all;
use futures::{StreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use super::{Change, Failure, Many, Outcome, Subject};
use crate::batch::progress::Done;
use crate::failure::{PeersError, SelectError};
use crate::files::{self, FileError};
use crate::select::files::{mentions_sealing, read_file};
use crate::terminal;
use envcrypt_cluster::Sort;
use envcrypt_core::envelope::SealedSecret;
use envcrypt_core::manifest::{self, Document, FileKind, Form, Found, ManifestError};

/// A file, and the Secrets in it to change, by their numbers.
struct Source {
    path: PathBuf,
    /// The content of standard input, which can be read only once.
    piped: Option<Zeroizing<Vec<u8>>>,
    /// The hash of the content that was checked. If it differs later, nothing is changed.
    digest: [u8; 32],
    plan: BTreeMap<usize, bool>,
    /// Whether all of its Secrets can be changed so far.
    is_whole: bool,
    /// Whether its results name the file, because there are several.
    shows_path: bool,
}

impl<C: Change> Many<'_, C> {
    pub(super) async fn files(&self) -> Result<(), Failure> {
        let mut found = Findings::default();
        let paths = self.paths(&mut found)?;
        let mut held = self.noted(&paths, &mut found).await?;
        for path in paths {
            let (bytes, is_noted) = match held
                .remove(&path)
                .map_or_else(|| read_file(&path).map(|bytes| (bytes, false)), Ok)
            {
                Ok(read) => read,
                Err(failure) => {
                    found.failures.push(failure);
                    continue;
                }
            };
            if is_noted && self.args.is_dry_run() {
                found.unopened += 1;
                continue;
            }
            let secrets = match self.secrets(&path, &bytes, &mut found) {
                Err(Failure::Peers(PeersError::NoSecret(_)))
                    if !self.args.files.is_named(&path) =>
                {
                    found.no_manifests += 1;
                    continue;
                }
                // A directory holds more than manifests, for example Helm values and CI settings.
                Err(Failure::Select(SelectError::Manifest {
                    source: ManifestError::NotObject { .. } | ManifestError::Syntax { .. },
                    ..
                })) if !self.args.files.is_named(&path) && !is_meant::<C::Secret>(&bytes) => {
                    found.no_manifests += 1;
                    continue;
                }
                Err(failure) => {
                    found.failures.push(failure);
                    continue;
                }
                Ok(secrets) => secrets,
            };
            if self.args.single && secrets.len() > 1 {
                let place = self.args.files.describe();
                return Err(Failure::Select(SelectError::NotOne { place, count: secrets.len() }));
            }
            let (mut plan, failed_before) = (BTreeMap::new(), found.failures.len());
            for (index, (_, secret)) in secrets {
                match self.admit(&secret, Some(&path)).await {
                    Ok(is_wanted) => drop(plan.insert(index, is_wanted)),
                    Err(failure) => found.failures.push(failure),
                }
            }
            let digest = Sha256::digest(&*bytes).into();
            let is_filter = path == Path::new("-") || self.args.to_stdout;
            let piped = is_filter.then_some(bytes);
            if piped.is_some() || !plan.is_empty() {
                let is_whole = found.failures.len() == failed_before;
                found.sources.push(Source {
                    path,
                    piped,
                    digest,
                    plan,
                    is_whole,
                    shows_path: false,
                });
            } else if !self.args.is_dry_run() {
                // A run that was killed may have changed the file, and left its old content.
                files::sweep_beside(&path);
            }
        }
        found.tell(C::Secret::SORT);
        let count = found.sources.iter().map(|source| source.plan.len()).sum();
        // Secrets that are sealed already need nothing.
        let is_done = C::Secret::SORT == Sort::Plain && found.others + found.unopened > 0;
        if count == 0 && found.failures.is_empty() && !self.args.to_stdout && !is_done {
            return Err(self.nothing(self.args.files.describe()));
        }
        let shows_path = found.sources.len() > 1;
        found.sources.iter_mut().for_each(|source| source.shows_path = shows_path);
        let work = stream::iter(found.sources).map(|source| self.file(source));
        self.until_interrupted(count, found.failures, work).await
    }

    /// Notes the files that another program encrypted, and gets their keys. Returns their content,
    /// and that of standard input, which can be read only once.
    async fn noted(
        &self,
        paths: &[PathBuf],
        found: &mut Findings,
    ) -> Result<HashMap<PathBuf, (Zeroizing<Vec<u8>>, bool)>, Failure> {
        let mut held = HashMap::new();
        for path in paths.iter().filter(|_| C::Secret::SORT == Sort::Plain) {
            // What cannot be read is an error later.
            let bytes = match read_file(path) {
                Ok(bytes) => bytes,
                Err(failure) if path == Path::new("-") => {
                    found.failures.push(failure);
                    continue;
                }
                Err(_) => continue,
            };
            let is_noted = self.change.note(path, &bytes);
            if is_noted || path == Path::new("-") {
                held.insert(path.clone(), (bytes, is_noted));
            }
        }
        if !self.args.is_dry_run() {
            self.change.unlock().await?;
        }
        Ok(held)
    }

    /// The selected Secrets of a file, which another program may have encrypted.
    fn secrets(
        &self,
        path: &Path,
        bytes: &[u8],
        found: &mut Findings,
    ) -> Result<BTreeMap<usize, (String, C::Secret)>, Failure> {
        let Some(opened) = self.change.open_noted(path, bytes)? else {
            return self.parse(path, bytes, found);
        };
        let secrets = self.parse(path, &opened, found)?;
        // Every other Secret would be plaintext afterwards.
        match secrets.len() == plain_secrets(path, &opened)? {
            true => Ok(secrets),
            false => Err(Failure::Peers(PeersError::Selected(path.to_owned()))),
        }
    }

    /// The files, each once. Anything in a directory that is not a file is skipped.
    fn paths(&self, found: &mut Findings) -> Result<Vec<PathBuf>, Failure> {
        let (mut paths, mut seen) = (Vec::new(), HashSet::new());
        for path in self.args.files.paths()? {
            if path != Path::new("-") {
                // A link in a directory is not followed: it may lead anywhere.
                if path.is_symlink() && !self.args.files.is_named(&path) {
                    found.no_manifests += 1;
                    continue;
                }
                let error =
                    |source| Failure::Select(SelectError::Read { path: path.clone(), source });
                let real = path.canonicalize().map_err(error)?;
                if !real.is_file() && self.args.files.is_named(&path) {
                    return Err(Failure::Usage(format!(
                        "`{}` is not a regular file, so it cannot be changed in place: pipe it to `-f -`",
                        path.display()
                    )));
                }
                if !real.is_file() {
                    found.no_manifests += 1;
                    continue;
                }
                if !seen.insert(real) {
                    continue;
                }
            }
            paths.push(path);
        }
        Ok(paths)
    }

    /// The selected Secrets of a file, by their number among all Secrets in it, each with its kind
    /// and name.
    fn parse(
        &self,
        path: &Path,
        bytes: &[u8],
        found: &mut Findings,
    ) -> Result<BTreeMap<usize, (String, C::Secret)>, Failure> {
        let error =
            |source| Failure::Select(SelectError::Manifest { path: path.to_owned(), source });
        let documents = manifest::parse(bytes).map_err(error)?;
        let objects = documents.iter().filter_map(|document| match document {
            Document::Secret(object) => Some(object),
            Document::Other(_) => None,
        });
        let mut secrets = BTreeMap::new();
        for (index, object) in objects.enumerate() {
            if !self.args.files.selects(object) {
                continue;
            }
            let Some(secret) = C::Secret::read(object, &self.default).map_err(error)? else {
                found.others += 1;
                continue;
            };
            self.session.check_namespace(secret.place())?;
            secret.check()?;
            secrets.insert(index, (object.reference(), secret));
        }
        Ok(secrets)
    }

    /// Changes the Secrets of one file, and writes the file once.
    async fn file(&self, source: Source) -> Outcome {
        let Source { path, piped, digest, plan, is_whole, shows_path } = source;
        let is_piped = piped.is_some();
        let read = || -> Result<_, Failure> {
            let bytes = piped.map_or_else(|| read_file(&path), Ok)?;
            if digest != <[u8; 32]>::from(Sha256::digest(&*bytes)) {
                return Err(FileError::Changed(path.clone()).into());
            }
            let opened = self.change.open_noted(&path, &bytes)?;
            let text = opened.as_deref().unwrap_or(&bytes);
            let secrets = self.parse(&path, text, &mut Findings::default())?;
            Ok((bytes, opened, secrets))
        };
        let (bytes, opened, secrets) = match read() {
            Ok(read) => read,
            Err(failure) => return Outcome::all_failed(plan.len(), failure),
        };
        let planned = secrets.into_iter().filter_map(|(index, (name, secret))| {
            plan.get(&index).map(|is_wanted| (index, name, secret, *is_wanted))
        });
        let each = planned.map(async |(index, name, secret, is_wanted)| {
            (index, name, self.one(secret, Some(&path), is_wanted).await)
        });
        let (mut changed, mut results) = (BTreeMap::new(), Vec::new());
        for (index, name, result) in join_all(each).await {
            results.push(result.map(|(new, how)| {
                changed.extend(new.map(|secret| (index, secret)));
                let of = shows_path.then(|| path.display().to_string());
                Done { name, how, of }
            }));
        }
        if let Some(opened) = opened.as_deref().filter(|_| is_whole && !self.args.is_dry_run())
            && results.iter().all(Result::is_ok)
            && plain_secrets(&path, opened).ok() != Some(changed.len())
        {
            // What was opened must not be written in plaintext.
            let lost = results.len().saturating_sub(1);
            return Outcome { results: vec![Err(PeersError::NotWhole(path).into())], lost };
        }
        // A filter prints everything or nothing, and what was opened is sealed as a whole.
        let is_whole_or_nothing = is_piped || opened.is_some();
        if is_whole_or_nothing && (!is_whole || results.iter().any(Result::is_err)) {
            let lost = results.iter().filter(|result| result.is_ok()).count();
            return Outcome { results: only_failed(results), lost };
        }
        // A dry run prints nothing: the Secrets may still be in plaintext.
        if is_piped && self.args.to_stdout && self.args.is_dry_run() {
            return Outcome { results, lost: 0 };
        }
        if changed.is_empty() && !is_piped && !self.args.is_dry_run() {
            files::sweep_beside(&path);
        }
        let form = self.change.form();
        match write(path, bytes, opened, &changed, form, is_piped).await {
            Ok(()) => Outcome { results, lost: 0 },
            Err(failure) => {
                let lost = results.iter().filter(|result| result.is_ok()).count().saturating_sub(1);
                let results = only_failed(results).into_iter().chain([Err(failure)]).collect();
                Outcome { results, lost }
            }
        }
    }
}

/// Writes the changed Secrets to a file, in a thread of its own, because a disk may be slow.
async fn write(
    path: PathBuf,
    old: Zeroizing<Vec<u8>>,
    opened: Option<Zeroizing<Vec<u8>>>,
    changed: &BTreeMap<usize, SealedSecret>,
    form: Form,
    is_piped: bool,
) -> Result<(), Failure> {
    let new = match changed.is_empty() {
        true if is_piped => return Ok(terminal::stdout(&old)?),
        true => return Ok(()),
        false => {
            let error =
                |source| Failure::Select(SelectError::Manifest { path: path.clone(), source });
            let base = opened.as_deref().unwrap_or(&old);
            let text = std::str::from_utf8(base).map_err(|_| error(ManifestError::NotText))?;
            let new = Zeroizing::new(manifest::replace(text, changed).map_err(error)?);
            match form {
                Form::Secret => new,
                Form::Resource => as_resources(new, changed).map_err(error)?,
            }
        }
    };
    drop(opened);
    if is_piped {
        // The reader may be slow, so the plaintext is dropped first.
        drop(old);
        return Ok(terminal::stdout(new.as_bytes())?);
    }
    let replace = move || files::replace_file(&path, &old, new.as_bytes());
    Ok(spawn_blocking(replace).await.expect("replacing a file does not panic")?)
}

/// The number of plain Secrets in a file.
fn plain_secrets(path: &Path, bytes: &[u8]) -> Result<usize, Failure> {
    let error = |source| Failure::Select(SelectError::Manifest { path: path.to_owned(), source });
    let documents = manifest::parse(bytes).map_err(error)?;
    let is_plain =
        |document: &&Document| matches!(document, Document::Secret(object) if !object.is_sealed());
    Ok(documents.iter().filter(is_plain).count())
}

/// The text with the sealed Secrets as EnvcryptSecrets.
fn as_resources(
    text: Zeroizing<String>,
    sealed: &BTreeMap<usize, SealedSecret>,
) -> Result<Zeroizing<String>, ManifestError> {
    let documents = manifest::parse(text.as_bytes())?.into_iter();
    let secrets = documents.filter_map(|document| match document {
        Document::Secret(object) => Some(object),
        Document::Other(_) => None,
    });
    let mut new = BTreeMap::new();
    for (index, object) in secrets.enumerate() {
        if let Some(secret) = sealed.get(&index) {
            new.insert(index, object.converted(&secret.meta.place.namespace, false)?);
        }
    }
    Ok(Zeroizing::new(manifest::convert(&text, &new)?.text))
}

/// Whether content that cannot be parsed may still be a Secret, so that it must not be skipped. A
/// sealed Secret names its type. A plain one has a value that is not a template's expression.
fn is_meant<S: Subject>(bytes: &[u8]) -> bool {
    let is_plain = |found: Found| match found {
        Found::Secret(secret) => !secret.literals.is_empty(),
        Found::Unreadable(_) => true,
        Found::Sealed(_) => false,
    };
    mentions_sealing(bytes)
        || (S::SORT == Sort::Plain
            && manifest::may_mention(bytes)
            && manifest::scan(&String::from_utf8_lossy(bytes), FileKind::Manifest)
                .into_iter()
                .any(is_plain))
}

fn only_failed(results: Vec<Result<Done, Failure>>) -> Vec<Result<Done, Failure>> {
    results.into_iter().filter(Result::is_err).collect()
}

/// What the files contain.
#[derive(Default)]
struct Findings {
    sources: Vec<Source>,
    failures: Vec<Failure>,
    /// Secrets of the other sort.
    others: usize,
    no_manifests: usize,
    /// Files of other programs that a dry run does not open.
    unopened: usize,
}

impl Findings {
    fn tell(&self, sort: Sort) {
        if self.others > 0 {
            let others = if sort == Sort::Sealed { "plain" } else { "sealed" };
            terminal::note(&format!("skipped {others} Secrets: {}", self.others));
        }
        if self.unopened > 0 {
            terminal::note(&format!(
                "files of SOPS and Sealed Secrets, which a dry run does not open: {}",
                self.unopened
            ));
        }
        if self.no_manifests > 0 {
            terminal::note(&format!(
                "skipped files that are not manifests, and links: {}",
                self.no_manifests
            ));
        }
    }
}
