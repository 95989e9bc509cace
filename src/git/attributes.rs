//! The file `.gitattributes`: adds and removes lines, and leaves all others as they are.

use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::settings::DRIVER;
use super::{GitError, Repository};
use crate::files;

const FILE: &str = ".gitattributes";
/// What follows a pattern in the lines of this plugin.
const ATTRIBUTES: &str = " diff=envcrypt merge=envcrypt";

/// The `.gitattributes` at the top of a work tree.
pub struct Attributes {
    path: PathBuf,
    /// The content. `None` if there is no file.
    old: Option<Vec<u8>>,
}

impl Attributes {
    /// Reads the file.
    ///
    /// # Errors
    /// Returns [`GitError::Attributes`] if it cannot be read, or is a link: Git does not follow
    /// it, and it could lead to any file of the person.
    pub fn read(repository: &Repository) -> Result<Self, GitError> {
        let path = repository.top().join(FILE);
        let error = |why: String| GitError::Attributes { path: path.clone(), why };
        if path.is_symlink() {
            return Err(error("it is a link, which Git does not follow".to_owned()));
        }
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Self { old: Some(bytes), path }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Self { path, old: None }),
            Err(e) => Err(error(e.to_string())),
        }
    }

    /// Adds a line for each pattern that has none yet. Returns the patterns that were added.
    ///
    /// # Errors
    /// Returns [`GitError::Attributes`] if the file cannot be written.
    pub fn add(&self, patterns: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, GitError> {
        let mut new = self.old.clone().unwrap_or_default();
        let line_break: &[u8] =
            if memchr::memmem::find(&new, b"\r\n").is_some() { b"\r\n" } else { b"\n" };
        let mut added = Vec::new();
        for pattern in patterns {
            let line = [pattern, ATTRIBUTES.as_bytes()].concat();
            if lines(&new).any(|there| trimmed(there) == line) {
                continue;
            }
            if !new.is_empty() && !new.ends_with(b"\n") {
                new.extend_from_slice(line_break);
            }
            new.extend_from_slice(&line);
            new.extend_from_slice(line_break);
            added.push(pattern.clone());
        }
        self.write(&new)?;
        Ok(added)
    }

    /// Removes the lines that [`Attributes::add`] adds, and the file if nothing else is in it.
    /// Returns their patterns.
    ///
    /// # Errors
    /// Returns [`GitError::Attributes`] if the file cannot be written.
    pub fn remove(&self) -> Result<Vec<Vec<u8>>, GitError> {
        let Some(old) = &self.old else { return Ok(Vec::new()) };
        let (mut new, mut removed) = (Vec::with_capacity(old.len()), Vec::new());
        for line in lines(old) {
            match own_pattern(trimmed(line)) {
                Some(pattern) => removed.push(pattern.to_owned()),
                None => new.extend_from_slice(line),
            }
        }
        if new.is_empty() && !removed.is_empty() {
            std::fs::remove_file(&self.path).map_err(|e| self.error(&e))?;
            return Ok(removed);
        }
        self.write(&new)?;
        Ok(removed)
    }

    fn write(&self, new: &[u8]) -> Result<(), GitError> {
        let written = match &self.old {
            Some(old) if old == new => return Ok(()),
            None if new.is_empty() => return Ok(()),
            Some(old) => files::replace_file(&self.path, old, new),
            None => files::new_file(&self.path, new).and_then(|()| readable(&self.path)),
        };
        written.map_err(|error| self.error(&error))
    }

    fn error(&self, error: &dyn std::fmt::Display) -> GitError {
        GitError::Attributes { path: self.path.clone(), why: error.to_string() }
    }
}

/// Other people read it, too: it has no secret.
fn readable(path: &Path) -> Result<(), files::FileError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(path, mode)
        .map_err(|source| files::FileError::Io { path: path.to_owned(), source })
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n')
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.trim_ascii_end()
}

/// The pattern of a line of this plugin. A person's own line can have the same attributes among
/// others.
fn own_pattern(line: &[u8]) -> Option<&[u8]> {
    let pattern = line.strip_suffix(ATTRIBUTES.as_bytes())?;
    let is_quoted = pattern.len() > 1 && pattern.starts_with(b"\"") && pattern.ends_with(b"\"");
    let is_comment = pattern.starts_with(b"#");
    (!pattern.is_empty() && !is_comment && (is_quoted || !pattern.contains(&b' ')))
        .then_some(pattern)
}

/// The pattern that matches exactly this file, or that a person gave, as a line has it.
#[must_use]
pub fn pattern_of(text: &[u8], is_path: bool) -> Vec<u8> {
    let mut pattern = Vec::with_capacity(text.len() + 1);
    if is_path {
        pattern.push(b'/');
    }
    for byte in text {
        if is_path && matches!(byte, b'*' | b'?' | b'[' | b'\\') {
            pattern.push(b'\\');
        }
        pattern.push(*byte);
    }
    let is_plain = |byte: &u8| !matches!(byte, b' ' | b'"' | 0..=31 | 127);
    if pattern.iter().all(is_plain) {
        return pattern;
    }
    let mut quoted = vec![b'"'];
    for byte in pattern {
        match byte {
            b'"' | b'\\' => quoted.extend([b'\\', byte]),
            0..=31 | 127 => quoted.extend(format!("\\{byte:03o}").bytes()),
            byte => quoted.push(byte),
        }
    }
    quoted.push(b'"');
    quoted
}

impl Repository {
    /// The files among `paths` whose attributes do not name the merge driver. Each path is
    /// relative to the top of the work tree.
    ///
    /// # Errors
    /// Returns a [`GitError`] if Git cannot be run or fails.
    pub fn without_driver<'p>(&self, paths: &[&'p Path]) -> Result<Vec<&'p Path>, GitError> {
        let mut command = self.command();
        command.args(["check-attr", "--stdin", "-z", "merge"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(GitError::Start)?;
        let mut input = Vec::new();
        for path in paths {
            input.extend_from_slice(path.as_os_str().as_bytes());
            input.push(0);
        }
        let mut stdin = child.stdin.take().expect("a pipe");
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let answer = child.wait_with_output().map_err(GitError::Start)?;
        let _ = writer.join();
        if !answer.status.success() {
            let said = answer.status.to_string();
            return Err(GitError::Failed { command: "check-attr".to_owned(), said });
        }
        // For each path: the path, the attribute, its value.
        let fields: Vec<&[u8]> = answer.stdout.split(|byte| *byte == 0).collect();
        let answers = fields.chunks_exact(3).zip(paths);
        let lacks = answers.filter(|(fields, _)| fields[2] != DRIVER.as_bytes());
        Ok(lacks.map(|(_, path)| *path).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_exactly_its_file() {
        for (path, expected) in [
            ("db.yaml", "/db.yaml"),
            ("a/b.yaml", "/a/b.yaml"),
            ("a b.yaml", "\"/a b.yaml\""),
            ("a*[x].yaml", "/a\\*\\[x].yaml"),
            ("say \"hi\".yaml", "\"/say \\\"hi\\\".yaml\""),
            ("a\\ b", "\"/a\\\\\\\\ b\""),
            ("tab\t", "\"/tab\\011\""),
            ("é.yaml", "/é.yaml"),
        ] {
            assert_eq!(pattern_of(path.as_bytes(), true), expected.as_bytes(), "{path}");
        }
        assert_eq!(pattern_of(b"secrets/*.yaml", false), b"secrets/*.yaml");
        assert_eq!(pattern_of(b"my secrets/*", false), b"\"my secrets/*\"");
    }

    #[test]
    fn only_own_lines_are_recognised() {
        for (line, pattern) in [
            ("/db.yaml diff=envcrypt merge=envcrypt", Some("/db.yaml")),
            ("\"/a b\" diff=envcrypt merge=envcrypt", Some("\"/a b\"")),
            ("*.yaml text diff=envcrypt merge=envcrypt", None),
            ("*.yaml diff=envcrypt merge=envcrypt eol=lf", None),
            ("# diff=envcrypt merge=envcrypt", None),
            (" diff=envcrypt merge=envcrypt", None),
            ("", None),
        ] {
            assert_eq!(own_pattern(line.as_bytes()), pattern.map(str::as_bytes), "{line}");
        }
    }
}
