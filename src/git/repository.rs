//! One repository, and the questions to it.

use std::ffi::OsStr;
use std::io::{self, BufRead, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread::JoinHandle;

use super::{GitError, ObjectId};
use crate::process;
use crate::terminal;
use zeroize::Zeroizing;

/// Settings that could make Git run a program while it only reads, or lead it to other files.
const SAFE: [&str; 12] = [
    "--no-pager",
    "--no-replace-objects",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "log.showSignature=false",
    "-c",
    "core.quotePath=false",
    // A bare repository among the files of another one could name any work tree.
    "-c",
    "safe.bareRepository=explicit",
];

/// A Git repository with a work tree.
pub struct Repository {
    git: PathBuf,
    top: PathBuf,
}

impl Repository {
    /// The repository that a directory is in.
    ///
    /// # Errors
    /// Returns [`GitError::NoRepository`] if there is none, [`GitError::Elsewhere`] if its work tree
    /// does not contain the directory, and [`GitError::NoGit`] if Git is not installed.
    pub fn of(folder: &Path) -> Result<Self, GitError> {
        let git = process::find(Path::new("git")).ok_or(GitError::NoGit)?;
        let here = Self { git, top: folder.to_owned() };
        let answer = here.run(&["rev-parse", "--show-toplevel"])?;
        if !answer.status.success() {
            let said = said(&answer);
            return Err(match said.contains("not a git repository") {
                true => GitError::NoRepository(folder.to_owned()),
                // For example, the directory belongs to someone else.
                false => GitError::Failed { command: "rev-parse".to_owned(), said },
            });
        }
        let top = path_of(answer.stdout);
        let real = |path: &Path| path.canonicalize().map_err(GitError::Start);
        // The setting `core.worktree` can name any directory.
        if !real(folder)?.starts_with(real(&top)?) {
            return Err(GitError::Elsewhere { directory: folder.to_owned(), top });
        }
        Ok(Self { top, git: here.git })
    }

    /// The top of its work tree.
    #[must_use]
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// A command in the work tree, that cannot run other programs and cannot fetch anything.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.git);
        command.args(SAFE).current_dir(&self.top).stdin(Stdio::null());
        // No protocol: a partial clone would fetch what is missing.
        command.env("GIT_ALLOW_PROTOCOL", "none").env("GIT_NO_LAZY_FETCH", "1");
        command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0");
        command.env("LC_ALL", "C").env_remove("GIT_EXTERNAL_DIFF");
        command
    }

    /// What a command prints.
    ///
    /// # Errors
    /// Returns [`GitError::Failed`] if the command fails.
    pub fn output<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Zeroizing<Vec<u8>>, GitError> {
        let answer = self.run(arguments)?;
        match answer.status.success() {
            true => Ok(Zeroizing::new(answer.stdout)),
            false => {
                let command = arguments.first().map(|first| first.as_ref().to_string_lossy());
                let command = command.unwrap_or_default().into_owned();
                Err(GitError::Failed { command, said: said(&answer) })
            }
        }
    }

    /// The commit that a name means.
    ///
    /// # Errors
    /// Returns [`GitError::NoCommit`] if it means none.
    pub fn commit(&self, name: &str) -> Result<ObjectId, GitError> {
        let wanted = format!("{name}^{{commit}}");
        let answer =
            self.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted])?;
        let id = ObjectId::parse(answer.stdout.trim_ascii_end());
        id.filter(|_| answer.status.success())
            .ok_or_else(|| GitError::NoCommit(terminal::visible(name).into_owned()))
    }

    /// Whether this copy has only the newest commits.
    ///
    /// # Errors
    /// Returns [`GitError::Failed`] if Git cannot tell.
    pub fn is_shallow(&self) -> Result<bool, GitError> {
        Ok(self.output(&["rev-parse", "--is-shallow-repository"])?.trim_ascii_end() == b"true")
    }

    /// Whether this copy may leave objects on a server until they are needed.
    pub(super) fn is_partial(&self) -> Result<bool, GitError> {
        let names = r"^(extensions\.partialclone|remote\..*\.(promisor|partialclonefilter))$";
        Ok(self.run(&["config", "--get-regexp", names])?.status.success())
    }

    fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Output, GitError> {
        self.command().args(arguments).output().map_err(GitError::Start)
    }
}

/// A command that runs, and whose output is read while it does. It ends when this is dropped.
pub(super) struct Running {
    name: &'static str,
    child: Child,
    /// Reads its messages, so that they cannot block it.
    said: Option<JoinHandle<Vec<u8>>>,
}

/// How much of the messages of a command is kept, in bytes.
const MAX_SAID: u64 = 4096;

impl Running {
    pub(super) fn start(name: &'static str, mut command: Command) -> Result<Self, GitError> {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(GitError::Start)?;
        let said = child.stderr.take().map(|mut stderr| {
            std::thread::spawn(move || {
                let mut said = Vec::new();
                let _ = stderr.by_ref().take(MAX_SAID).read_to_end(&mut said);
                let _ = io::copy(&mut stderr, &mut io::sink());
                said
            })
        });
        Ok(Self { name, child, said })
    }

    /// Its output, once.
    pub(super) fn stdout(&mut self) -> ChildStdout {
        self.child.stdout.take().expect("it is taken once")
    }

    /// Waits for its end.
    pub(super) fn finish(mut self) -> Result<(), GitError> {
        let status = self.child.wait().map_err(GitError::Start)?;
        let said = self.said.take().and_then(|said| said.join().ok()).unwrap_or_default();
        match status.success() {
            true => Ok(()),
            false => Err(GitError::Failed { command: self.name.to_owned(), said: one_line(&said) }),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads up to `end`, which is left out, and keeps at most `limit` bytes. `false` at the end of the
/// stream.
pub(super) fn read_until(
    reader: &mut impl BufRead,
    end: u8,
    limit: usize,
    into: &mut Vec<u8>,
) -> io::Result<bool> {
    into.clear();
    let mut is_any = false;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(is_any);
        }
        is_any = true;
        let found = memchr::memchr(end, buffer);
        let size = found.unwrap_or(buffer.len());
        into.extend_from_slice(&buffer[..size.min(limit - into.len())]);
        reader.consume(size + usize::from(found.is_some()));
        if found.is_some() {
            return Ok(true);
        }
    }
}

/// The message of Git, on one line.
pub(super) fn said(answer: &Output) -> String {
    one_line(&answer.stderr)
}

fn one_line(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message);
    let text = text.trim().trim_start_matches("fatal: ").replace('\n', "; ");
    terminal::visible(&text).into_owned()
}

pub(super) fn path_of(mut line: Vec<u8>) -> PathBuf {
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    PathBuf::from(std::ffi::OsString::from_vec(line))
}
