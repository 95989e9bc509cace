//! Secrets from files and from the cluster: the flags, and the reading.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use zeroize::Zeroizing;

use crate::candidates;
use crate::cluster::Sort;
use crate::config::RULES_FILE;
use crate::failure::{Failure, SelectError};
use crate::select::names::place_named;
use crate::select::selector::Selector;
use crate::session::Session;
use crate::terminal;
use envcrypt_core::envelope::{SealCheck, SealedSecret};
use envcrypt_core::manifest::{self, Document, ManifestError, Object};
use envcrypt_core::secret::Namespace;

/// kubectl's flags that name manifests.
#[derive(Args, Default)]
pub struct FileArgs {
    /// A file, a folder, or - for standard input; repeatable. Other kinds than Secret are passed over
    #[arg(short, long = "filename", value_name = "FILE", value_delimiter = ',')]
    pub filename: Vec<PathBuf>,
    /// Take the folders in a folder too
    #[arg(short = 'R', long, requires = "filename")]
    pub recursive: bool,
    /// Only Secrets with these labels
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<Selector>,
    /// Only the Secret of this name
    #[arg(skip)]
    pub only: Option<String>,
}

/// Which Secrets of the cluster, where no file is named.
#[derive(Args, Default)]
pub struct LiveArgs {
    /// Those of all namespaces
    #[arg(short = 'A', long, conflicts_with = "filename")]
    pub all_namespaces: bool,
    /// The Secret's name, and a key
    #[arg(value_name = "NAME", add = candidates::secrets_and_keys())]
    pub words: Vec<String>,
}

/// A Secret object and the file that it stood in.
pub struct FoundObject {
    pub path: PathBuf,
    pub object: Object,
}

/// What a file holds.
#[derive(Default)]
pub struct Sources {
    pub found: Vec<FoundObject>,
    /// How many objects of other kinds.
    pub others: usize,
    /// How much that was not meant.
    pub passed_over: usize,
}

/// Says how much a folder holds that was not meant.
pub fn tell_passed_over(count: usize) {
    if count > 0 {
        terminal::note(&format!(
            "plain Secrets, and files that are no manifests, {count} in all, are passed over"
        ));
    }
}

/// A sealed Secret, and the file that it stood in, where it was one.
pub struct Sealed {
    pub secret: SealedSecret,
    path: Option<PathBuf>,
}

impl Sealed {
    /// The file that it stood in.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}

impl FoundObject {
    /// As a sealed Secret, its place compared with `-n`.
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
    /// Every file that the flags name, folders taken apart.
    pub fn paths(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut paths = Vec::new();
        let mut seen_stdin = false;
        for path in &self.filename {
            let text = path.to_string_lossy();
            if text.starts_with("https://") || text.starts_with("http://") {
                return Err(Failure::Usage(format!(
                    "`-f` takes no URL: fetch it with `curl -L {text}` and pipe it to `-f -`"
                )));
            }
            if text == "-" && std::mem::replace(&mut seen_stdin, true) {
                return Err(Failure::Usage("standard input can be read once".to_owned()));
            }
            match path.is_dir() {
                true => walk(path, self.recursive, &mut paths)?,
                false => paths.push(path.clone()),
            }
        }
        Ok(paths)
    }

    /// The Secrets of one file that have the labels asked for, and how many
    /// objects of other kinds stand beside them.
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

    /// The same, of sealed Secrets: what a folder holds besides is counted and passed
    /// over, files that are no manifests and plain Secrets; what is named is meant.
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

    /// Whether the flags name this very file, and not a folder that holds it.
    pub fn is_named(&self, path: &Path) -> bool {
        self.filename.iter().any(|named| named == path)
    }

    /// Whether it has the labels asked for.
    pub fn selects(&self, object: &Object) -> bool {
        let labels = object.metadata.labels.as_ref();
        self.selector.as_ref().is_none_or(|selector| selector.matches(labels))
            && self.only.as_ref().is_none_or(|only| object.metadata.name.as_ref() == Some(only))
    }

    fn described(&self, path: &Path) -> String {
        match path.is_dir() && !self.recursive {
            true => format!("`{}` (`-R` looks into the directories below it)", path.display()),
            false => format!("`{}`", path.display()),
        }
    }

    /// The files by name, for a message.
    pub fn describe(&self) -> String {
        let names: Vec<_> = self.filename.iter().map(|path| self.described(path)).collect();
        let files = names.join(", ");
        self.only.as_ref().map_or(files.clone(), |name| format!("{files} by the name of `{name}`"))
    }
}

/// All sealed Secrets that the flags and words name, from files or the cluster.
/// The words that are left over (a key) come back too.
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
    let place = place_named(&session.namespace()?, name)?;
    let object = session.cluster().await?.secret(&place).await?;
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
    let selector = files.selector.as_ref().map(|selector| selector.as_str());
    let mut secrets = Vec::new();
    let take = async |objects: Vec<Object>| {
        let sealed =
            |object: &Object| Ok(Sealed { secret: object.sealed(&default, seal)?, path: None });
        secrets.extend(objects.iter().map(sealed));
    };
    session.cluster().await?.secrets(Sort::Sealed, namespace, selector, take).await?;
    let secrets = secrets.into_iter().collect::<Result<Vec<_>, ManifestError>>()?;
    if secrets.is_empty() {
        let scope = namespace.map_or("the cluster".to_owned(), |n| format!("the namespace `{n}`"));
        return Err(Failure::Select(SelectError::NothingSealed(scope)));
    }
    Ok(secrets)
}

/// Whether a file is no manifest at all, and none of a sealed Secret that was damaged.
pub fn is_no_manifest(failure: &Failure) -> bool {
    let Failure::Select(SelectError::Manifest { path, source }) = failure else { return false };
    matches!(source, ManifestError::NotObject { .. } | ManifestError::Syntax { .. })
        && read_file(path).is_ok_and(|bytes| !mentions_sealing(&bytes))
}

/// Whether it may be a sealed Secret, whatever became of it.
pub fn mentions_sealing(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, b"envcrypt.dev/").is_some()
}

/// Reads a file, or standard input for `-`. It may turn out to hold plaintext.
pub fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let error = |source| Failure::Select(SelectError::Read { path: path.to_owned(), source });
    if path == Path::new("-") {
        let mut bytes = Zeroizing::new(Vec::with_capacity(1 << 20));
        std::io::stdin().read_to_end(&mut bytes).map_err(error)?;
        return Ok(bytes);
    }
    std::fs::read(path).map(Zeroizing::new).map_err(error)
}

/// The documents of a file.
fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<Document>, Failure> {
    let error = |source: ManifestError| {
        Failure::Select(SelectError::Manifest { path: path.to_owned(), source })
    };
    manifest::parse(bytes).map_err(error)
}

/// The manifests of a folder, by name, as kubectl picks them.
fn walk(folder: &Path, recursive: bool, into: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let error = |source| Failure::Select(SelectError::Read { path: folder.to_owned(), source });
    let entries = std::fs::read_dir(folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(error)?;
    let mut paths: Vec<_> = entries.iter().map(std::fs::DirEntry::path).collect();
    paths.sort();
    for path in paths {
        // A repository's rules are none.
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
