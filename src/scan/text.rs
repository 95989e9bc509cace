//! The text of a file, and the Secrets in it.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
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

/// The bytes of a file, as far as `kubectl` would read it; `None` if it cannot contain a manifest.
pub fn read(path: &Path, kind: FileKind) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    let mut read = read_whole(path, kind)?;
    if let Some(bytes) = read.as_mut().filter(|_| kind == FileKind::Other && path != Path::new("-"))
    {
        let is_wide = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
        // kubectl would read the text before the first zero byte, but nothing after it.
        let end = memchr::memchr(0, bytes).filter(|_| !is_wide).unwrap_or(bytes.len());
        bytes.truncate(end);
    }
    Ok(read)
}

/// All bytes of a file; `None` if it cannot contain a manifest.
pub fn read_whole(path: &Path, kind: FileKind) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    if path == Path::new("-") {
        return read_file(path).map(Some);
    }
    let error = |source| Failure::Select(SelectError::Read { path: path.to_owned(), source });
    let found = path.metadata().map_err(error)?;
    let too_large = || error(std::io::Error::other("it is larger than 64 MiB"));
    // A named pipe is checked too: `check <(helm template web)`.
    if found.is_file() && found.len() > MAX_SIZE {
        return match kind {
            FileKind::Other => Ok(None),
            _ => Err(too_large()),
        };
    }
    let file = File::open(path).map_err(error)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0)));
    file.take(MAX_SIZE + 1).read_to_end(&mut bytes).map_err(error)?;
    if bytes.len() as u64 > MAX_SIZE {
        return Err(too_large());
    }
    Ok(Some(bytes))
}

/// The file as text. A Secret may be next to bytes that are not UTF-8.
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    manifest::text_of_file(bytes).unwrap_or_else(|| String::from_utf8_lossy(bytes))
}
