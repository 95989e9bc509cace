//! Secrets from files and from the cluster: the flags that select them, and reading them.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use zeroize::Zeroizing;

use crate::candidates;
use crate::config::RULES_FILE;
use crate::failure::{Failure, SelectError};
use crate::select::live::list_sealed;
use crate::select::names::{Named, named};
use crate::select::selector::Selector;
use crate::session::Session;
use crate::terminal;
use envcrypt_core::envelope::{SealCheck, SealedSecret};
use envcrypt_core::manifest::{self, Document, ManifestError, Object};
use envcrypt_core::secret::Namespace;

/// kubectl's flags for manifests.
#[derive(Args, Default)]
pub struct FileArgs {
    /// File, directory, or - for standard input; only its Secrets are used (can be repeated, or
    /// comma-separated)
    #[arg(short, long = "filename", value_name = "FILE", value_delimiter = ',')]
    pub filename: Vec<PathBuf>,
    /// Process directories recursively
    #[arg(short = 'R', long, requires = "filename")]
    pub recursive: bool,
    /// Select Secrets by their labels, for example app=web
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<Selector>,
    /// Only the Secret with this name
    #[arg(skip)]
    pub only: Option<String>,
}

/// Which Secrets of the cluster, if no file is named.
#[derive(Args, Default)]
pub struct LiveArgs {
    /// Select the Secrets of all namespaces
    #[arg(short = 'A', long, conflicts_with = "filename")]
    pub all_namespaces: bool,
    /// Name of the Secret in the cluster, or evs/NAME for an EnvcryptSecret; for `unwrap`, then a
    /// key
    #[arg(value_name = "NAME", add = candidates::secrets_and_keys())]
    pub words: Vec<String>,
}

/// A Secret object, and the file that it comes from.
pub struct FoundObject {
    pub path: PathBuf,
    pub object: Object,
}

/// The contents of a file.
#[derive(Default)]
pub struct Sources {
    pub found: Vec<FoundObject>,
    /// The number of objects of other kinds.
    pub others: usize,
    /// The number of plain Secrets and other files that were skipped.
    pub passed_over: usize,
}

/// Prints how many plain Secrets and other files of a directory were skipped.
pub fn tell_passed_over(count: usize) {
    if count > 0 {
        terminal::note(&format!("skipped plain Secrets and files that are not manifests: {count}"));
    }
}

/// A sealed Secret, and the file that it comes from, if any.
pub struct Sealed {
    pub secret: SealedSecret,
    path: Option<PathBuf>,
}

impl Sealed {
    /// The file that it comes from.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}

impl FoundObject {
    /// Reads it as a sealed Secret and compares its namespace with `-n`.
    pub fn sealed(
        &self,
        session: &Session,
        default: &Namespace,
        seal: SealCheck,
    ) -> Result<SealedSecret, Failure> {
        let secret = self.object.sealed(default, seal).map_err(|source| {
            Failure::Select(SelectError::Manifest { path: self.path.clone(), source })
        })?;
        session.check_namespace(&secret.meta.place)?;
        Ok(secret)
    }
}

impl FileArgs {
    /// Every file that the flags name, including the files of directories.
    pub fn paths(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut paths = Vec::new();
        let mut seen_stdin = false;
        for path in &self.filename {
            let text = path.to_string_lossy();
            if text.starts_with("https://") || text.starts_with("http://") {
                return Err(Failure::Usage(format!(
                    "`-f` does not accept a URL: run `curl -L {text}` and pipe the output to `-f -`"
                )));
            }
            if text == "-" && std::mem::replace(&mut seen_stdin, true) {
                return Err(Failure::Usage("standard input can be read only once".to_owned()));
            }
            match path.is_dir() {
                true => walk(path, self.recursive, &mut paths)?,
                false => paths.push(path.clone()),
            }
        }
        Ok(paths)
    }

    /// The Secrets of one file that match the selector, and the number of objects of other kinds.
    pub fn read(&self, path: &Path) -> Result<(Vec<FoundObject>, usize), Failure> {
        let (mut secrets, mut others) = (Vec::new(), 0);
        for document in parse(path, &read_file(path)?)? {
            match document {
                Document::Secret(object) if self.selects(&object) => {
                    secrets.push(FoundObject { path: path.to_owned(), object: *object });
                }
                Document::Secret(_) => {}
                Document::Other(_) => others += 1,
            }
        }
        Ok((secrets, others))
    }

    /// The same, for sealed Secrets. In a directory, plain Secrets and files that are not
    /// manifests are skipped and counted. In a file that is named itself, they are errors.
    pub fn read_sealed(&self, path: &Path) -> Result<Sources, Failure> {
        let is_meant = self.is_named(path);
        let (mut found, others) = match self.read(path) {
            Err(failure) if !is_meant && is_no_manifest(&failure) => {
                return Ok(Sources { passed_over: 1, ..Sources::default() });
            }
            read => read?,
        };
        let all = found.len();
        found.retain(|found| is_meant || found.object.is_sealed());
        let passed_over = all - found.len();
        Ok(Sources { found, others, passed_over })
    }

    /// Whether the flags name this file itself, not a directory that contains it.
    pub fn is_named(&self, path: &Path) -> bool {
        self.filename.iter().any(|named| named == path)
    }

    /// Whether the flags select this object.
    pub fn selects(&self, object: &Object) -> bool {
        let labels = object.metadata.labels.as_ref();
        self.selector.as_ref().is_none_or(|selector| selector.matches(labels))
            && self.only.as_ref().is_none_or(|only| object.metadata.name.as_ref() == Some(only))
    }

    fn described(&self, path: &Path) -> String {
        match path.is_dir() && !self.recursive {
            true => format!("`{}` (use `-R` to read its subdirectories too)", path.display()),
            false => format!("`{}`", path.display()),
        }
    }

    /// The names of the files, for a message.
    pub fn describe(&self) -> String {
        let names: Vec<_> = self.filename.iter().map(|path| self.described(path)).collect();
        let files = names.join(", ");
        self.only.as_ref().map_or(files.clone(), |name| format!("{files} with the name `{name}`"))
    }
}

/// All sealed Secrets that the flags and words name, from files or the cluster. The remaining
/// words (a key) come back too.
pub async fn sealed_secrets(
    session: &Session,
    files: &FileArgs,
    live: &LiveArgs,
    seal: SealCheck,
) -> Result<(Vec<Sealed>, Vec<String>), Failure> {
    if !files.filename.is_empty() {
        let secrets = from_files(session, files, seal)?;
        return Ok((secrets, live.words.clone()));
    }
    let by_list = live.all_namespaces || files.selector.is_some();
    if by_list {
        let secrets = from_list(session, files, live, seal).await?;
        return Ok((secrets, live.words.clone()));
    }
    let Some((name, rest)) = live.words.split_first() else {
        return Err(Failure::Usage("name a Secret, or files with `-f`".to_owned()));
    };
    let Named { form, place } = named(&session.namespace()?, name)?;
    let object = session.cluster().await?.get_as(&place, form).await?;
    let secret = object.sealed(&place.namespace, seal)?;
    Ok((vec![Sealed { secret, path: None }], rest.to_vec()))
}

fn from_files(
    session: &Session,
    files: &FileArgs,
    seal: SealCheck,
) -> Result<Vec<Sealed>, Failure> {
    let default = session.namespace()?;
    let (mut secrets, mut passed_over) = (Vec::new(), 0);
    for path in files.paths()? {
        let sources = files.read_sealed(&path)?;
        passed_over += sources.passed_over;
        for found in sources.found {
            let secret = found.sealed(session, &default, seal)?;
            secrets.push(Sealed { secret, path: Some(found.path) });
        }
    }
    tell_passed_over(passed_over);
    if secrets.is_empty() {
        return Err(Failure::Select(SelectError::NothingSealed(files.describe())));
    }
    Ok(secrets)
}

async fn from_list(
    session: &Session,
    files: &FileArgs,
    live: &LiveArgs,
    seal: SealCheck,
) -> Result<Vec<Sealed>, Failure> {
    let default = session.namespace()?;
    let namespace = (!live.all_namespaces).then_some(&default);
    let selector = files.selector.as_ref().map(Selector::as_str);
    let mut secrets = Vec::new();
    let take = async |objects: Vec<Object>| {
        let sealed =
            |object: &Object| Ok(Sealed { secret: object.sealed(&default, seal)?, path: None });
        secrets.extend(objects.iter().map(sealed));
    };
    list_sealed(&session.cluster().await?, namespace, selector, take).await?;
    let secrets = secrets.into_iter().collect::<Result<Vec<_>, ManifestError>>()?;
    if secrets.is_empty() {
        let scope = namespace.map_or("the cluster".to_owned(), |n| format!("the namespace `{n}`"));
        return Err(Failure::Select(SelectError::NothingSealed(scope)));
    }
    Ok(secrets)
}

/// Whether a file is not a manifest at all, and not a damaged sealed Secret either.
pub fn is_no_manifest(failure: &Failure) -> bool {
    let Failure::Select(SelectError::Manifest { path, source }) = failure else { return false };
    matches!(source, ManifestError::NotObject { .. } | ManifestError::Syntax { .. })
        && read_file(path).is_ok_and(|bytes| !mentions_sealing(&bytes))
}

/// Whether these bytes may be a sealed Secret, even a damaged one.
pub fn mentions_sealing(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, b"envcrypt.dev/").is_some()
}

/// Reads a file, or standard input for `-`. The bytes may contain plaintext values.
pub fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let error = |source| Failure::Select(SelectError::Read { path: path.to_owned(), source });
    if path == Path::new("-") {
        let mut bytes = Zeroizing::new(Vec::with_capacity(1 << 20));
        std::io::stdin().read_to_end(&mut bytes).map_err(error)?;
        return Ok(bytes);
    }
    std::fs::read(path).map(Zeroizing::new).map_err(error)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<Document>, Failure> {
    let error = |source: ManifestError| {
        Failure::Select(SelectError::Manifest { path: path.to_owned(), source })
    };
    manifest::parse(bytes).map_err(error)
}

/// The manifests of a directory, in the order of their names, chosen as kubectl chooses them.
fn walk(folder: &Path, recursive: bool, into: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let error = |source| Failure::Select(SelectError::Read { path: folder.to_owned(), source });
    let entries = std::fs::read_dir(folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(error)?;
    let mut paths: Vec<_> = entries.iter().map(std::fs::DirEntry::path).collect();
    paths.sort();
    for path in paths {
        // The rules of a repository are YAML, but not a manifest.
        let is_rules = path.file_name().is_some_and(|name| name == RULES_FILE);
        let is_manifest =
            !is_rules && path.extension().is_some_and(|e| e == "yaml" || e == "yml" || e == "json");
        if path.is_dir() && !path.is_symlink() {
            if recursive {
                walk(&path, recursive, into)?;
            }
        } else if is_manifest {
            into.push(path);
        }
    }
    Ok(())
}
