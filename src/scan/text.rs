//! The text of a file, and the Secrets in it.

use std::borrow::Cow;
use std::fs::File;
use std::io::{ErrorKind, Read, Take};
use std::path::Path;

use memchr::memmem;
use zeroize::Zeroizing;

use crate::failure::{Failure, SelectError};
use crate::select::files::read_file;
use crate::session::Session;
use envcrypt_core::envelope::{Jwe, Kind};
use envcrypt_core::manifest::{self, FileKind, Found, Object};
use envcrypt_core::secret::Namespace;

/// The largest file that is searched, in bytes: 64 MiB.
const MAX_SIZE: u64 = 64 << 20;
/// How many bytes to read first, and at least at once.
const FIRST: usize = 64 << 10;

/// Guesses the kind of a file from its name.
pub fn kind(path: &Path) -> FileKind {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    // Templates and editors append to the name: `.yaml.tpl`, `.yml.j2`, `.yaml~`.
    let is_manifest = [".yaml", ".yml", ".json"].iter().any(|end| {
        let rest = name.rfind(end).map(|at| &name[at + end.len()..]);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '~', '#']))
    });
    match name.trim_start_matches('.').split('.').next() {
        Some("kustomization") => FileKind::Kustomization,
        _ if is_manifest || name.ends_with(".tpl") || name.ends_with(".jsonl") => {
            FileKind::Manifest
        }
        _ => FileKind::Other,
    }
}

/// Finds every Secret in a text, also in the here-documents of a script.
pub fn secrets(text: &str, kind: FileKind) -> Vec<Found> {
    let mut found = manifest::scan(text, kind);
    if kind == FileKind::Other && memmem::find(text.as_bytes(), b"<<").is_some() {
        for (before, body) in manifest::heredocs(text) {
            let inner = manifest::scan(&body, FileKind::Manifest);
            found.extend(inner.into_iter().map(|found| found.below(before)));
        }
    }
    found
}

/// The namespace if the object names none: from `-n`, otherwise the one that it was sealed for.
pub fn namespace(object: &Object, session: &Session) -> Namespace {
    let seal = object.seal().and_then(|text| Jwe::parse(Kind::Seal, text.as_bytes()).ok());
    let bound = seal.and_then(|seal| seal.binding.namespace);
    let name = session.named_namespace().or(bound.as_deref()).unwrap_or("default");
    name.parse().unwrap_or_else(|_| "default".parse().expect("a namespace"))
}

/// Whether the object, or `-n`, names a namespace.
pub fn has_namespace(object: &Object, session: &Session) -> bool {
    object.metadata.namespace.is_some() || session.named_namespace().is_some()
}

/// The bytes of one file after another. The memory is used again, and wiped at the end.
#[derive(Default)]
pub struct Buffer(Zeroizing<Vec<u8>>);

impl Buffer {
    /// The bytes of a file, as far as `kubectl` would read it; `None` if it cannot contain a
    /// manifest.
    pub fn read(&mut self, path: &Path, kind: FileKind) -> Result<Option<&[u8]>, Failure> {
        if path == Path::new("-") {
            self.0 = read_file(path)?;
            return Ok(Some(&self.0));
        }
        let Some((mut file, expected)) = open(path, kind)? else { return Ok(None) };
        let mut size = 0;
        loop {
            // One more byte, to see the end of the file.
            if size == self.0.len() || size == 0 {
                let needed = (expected + 1).max(size + FIRST);
                let length = self.0.len().max(needed);
                self.0.resize(length, 0);
            }
            // A picture ends in the first bytes, so do not read all of it.
            let end = if size == 0 { FIRST } else { self.0.len() };
            let read = match file.read(&mut self.0[size..end]) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(source) => return Err(read_error(path, source)),
            };
            let zero = memchr::memchr(0, &self.0[size..size + read]);
            size += read;
            let is_text = kind == FileKind::Other && !manifest::is_wide(&self.0[..size]);
            // kubectl would read the text before the first zero byte, but nothing after it.
            if let Some(zero) = zero.filter(|_| is_text) {
                return Ok(Some(&self.0[..size - read + zero]));
            }
        }
        if size as u64 > MAX_SIZE {
            return Err(too_large(path));
        }
        Ok(Some(&self.0[..size]))
    }
}

/// All bytes of a file; `None` if it cannot contain a manifest.
pub fn read_whole(path: &Path, kind: FileKind) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    if path == Path::new("-") {
        return read_file(path).map(Some);
    }
    let Some((mut file, expected)) = open(path, kind)? else { return Ok(None) };
    let mut bytes = Zeroizing::new(Vec::with_capacity(expected));
    file.read_to_end(&mut bytes).map_err(|source| read_error(path, source))?;
    if bytes.len() as u64 > MAX_SIZE {
        return Err(too_large(path));
    }
    Ok(Some(bytes))
}

/// Opens a file, with the size to expect; `None` if it cannot contain a manifest.
fn open(path: &Path, kind: FileKind) -> Result<Option<(Take<File>, usize)>, Failure> {
    let error = |source| read_error(path, source);
    let found = path.metadata().map_err(error)?;
    // A named pipe is checked too: `check <(helm template web)`.
    if found.is_file() && found.len() > MAX_SIZE {
        return match kind {
            FileKind::Other => Ok(None),
            _ => Err(too_large(path)),
        };
    }
    let file = File::open(path).map_err(error)?;
    Ok(Some((file.take(MAX_SIZE + 1), usize::try_from(found.len()).unwrap_or(0))))
}

fn too_large(path: &Path) -> Failure {
    read_error(path, std::io::Error::other("it is larger than 64 MiB"))
}

fn read_error(path: &Path, source: std::io::Error) -> Failure {
    Failure::Select(SelectError::Read { path: path.to_owned(), source })
}

/// The file as text. A Secret may be next to bytes that are not UTF-8.
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    manifest::text_of_file(bytes).unwrap_or_else(|| String::from_utf8_lossy(bytes))
}
