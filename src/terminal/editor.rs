//! The person's own editor, on a text that must not reach a disk.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::process::{find, is_ignored};

use crate::files::{Disk, MemoryDirectory, MemoryError};

/// What `kubectl edit` looks at, in its order; and what git does.
const VARIABLES: [&str; 3] = ["KUBE_EDITOR", "VISUAL", "EDITOR"];
const DEFAULT: &str = "vi";
const TERMINAL: &str = "/dev/tty";
/// How long an editor may take to end once it was told to.
const GRACE: Duration = Duration::from_secs(2);

/// Why nothing was edited.
#[derive(Debug, Error)]
pub enum EditError {
    /// No place for the text.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// It does not start.
    #[error("the editor `{editor}` does not start: {source}")]
    Start {
        /// As it is named.
        editor: String,
        /// Why not.
        source: io::Error,
    },
    /// It failed.
    #[error("the editor `{editor}` ended with {status}")]
    Failed {
        /// As it is named.
        editor: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// No editor is named, and there is no terminal for the usual one.
    #[error("there is no terminal to edit on")]
    NoTerminal,
    /// The text cannot be read back.
    #[error("the edited text cannot be read: {0}")]
    Read(io::Error),
    /// The text is no UTF-8 any more.
    #[error("the edited text is not UTF-8")]
    NotText,
    /// The system said to stop.
    #[error("interrupted while editing")]
    Interrupted,
}

/// A text on its way through an editor.
pub struct Editor {
    /// Removed with all it holds when this is dropped.
    folder: MemoryDirectory,
    editor: String,
    /// What keeps copies from other places.
    options: Option<&'static [&'static str]>,
}

impl Editor {
    /// Finds the editor and a place for the text.
    ///
    /// # Errors
    /// [`EditError::Memory`]
    pub fn new(disk: Disk) -> Result<Self, EditError> {
        let named = VARIABLES.iter().filter_map(|name| std::env::var(name).ok());
        let named = named.into_iter().find(|text| !text.trim().is_empty());
        let has_terminal = OpenOptions::new().read(true).write(true).open(TERMINAL).is_ok();
        let is_named = named.is_some();
        let editor = named.unwrap_or_else(|| DEFAULT.to_owned());
        let options = options(&editor);
        // One that is named may be a script; what is known and takes options is none.
        let needs_one = !is_named || options.is_some_and(|options| !options.is_empty());
        if needs_one && !has_terminal {
            return Err(EditError::NoTerminal);
        }
        Ok(Self { folder: MemoryDirectory::new(disk)?, editor, options })
    }

    /// Its name, where it is not known to keep its copies to itself.
    #[must_use]
    pub fn unknown(&self) -> Option<&str> {
        self.options.is_none().then_some(self.editor.as_str())
    }

    /// Has the person edit a text.
    ///
    /// # Errors
    /// [`EditError`]; the text is gone from its place then, too.
    pub async fn edit(&self, text: &str) -> Result<Zeroizing<String>, EditError> {
        // Before the text is anywhere: what comes in between must not end this process.
        let mut stops = Stops::new().map_err(|source| self.not_started(source))?;
        self.folder.clear();
        let path = self.folder.write("secret.yaml", text.as_bytes())?;
        self.run(&path, &mut stops).await?;
        let bytes = Zeroizing::new(std::fs::read(&path).map_err(EditError::Read)?);
        let text = std::str::from_utf8(&bytes).map_err(|_| EditError::NotText)?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    fn not_started(&self, source: io::Error) -> EditError {
        EditError::Start { editor: self.editor.clone(), source }
    }

    async fn run(&self, path: &Path, stops: &mut Stops) -> Result<(), EditError> {
        let options = self.options.unwrap_or_default();
        let mut command = Command::new("sh");
        // The variable may hold arguments of its own, as git and kubectl take it. Where
        // it is nothing but words, the shell becomes the editor, which can be told to stop.
        let words = |c: char| c.is_alphanumeric() || "/._- +".contains(c);
        let exec = if self.editor.chars().all(words) { "exec " } else { "" };
        command.arg("-c").arg(format!("{exec}{} \"$@\"", self.editor)).arg(&self.editor);
        command.args(options).arg(path);
        // What it writes of its own accord, it writes beside the text.
        command.env("TMPDIR", self.folder.path());
        let start = |source| self.not_started(source);
        // Its screen shows the values: it goes to the terminal, and to no file or pipe.
        if !io::stdin().is_terminal() {
            command.stdin(terminal());
        }
        if !io::stdout().is_terminal() {
            command.stdout(terminal());
        }
        let mut child = command.spawn().map_err(start)?;
        let id = Pid::from_raw(i32::try_from(child.id()).expect("the system's own number"));
        let mut ended = tokio::task::spawn_blocking(move || child.wait());
        let status = tokio::select! {
            status = &mut ended => status,
            () = stops.next() => {
                let _ = kill(id, Signal::SIGTERM);
                if timeout(GRACE, &mut ended).await.is_err() {
                    let _ = kill(id, Signal::SIGKILL);
                }
                return Err(EditError::Interrupted);
            }
        };
        let status = status.expect("waiting does not panic").map_err(start)?;
        match status.success() {
            true => Ok(()),
            false => Err(EditError::Failed { editor: self.editor.clone(), status }),
        }
    }
}

/// The terminal where there is one, else nothing.
fn terminal() -> Stdio {
    let terminal = OpenOptions::new().read(true).write(true).open(TERMINAL);
    terminal.map_or_else(|_| Stdio::null(), Stdio::from)
}

/// What tells this process to stop. Ctrl-C and Ctrl-\ are the editor's own: they
/// are caught, and go no further.
struct Stops {
    kinds: Vec<tokio::signal::unix::Signal>,
    _editors: Vec<tokio::signal::unix::Signal>,
}

impl Stops {
    fn new() -> io::Result<Self> {
        // What is ignored, as under `nohup`, stays so.
        let heeded = |kinds: [SignalKind; 2]| {
            let kinds = kinds.into_iter().filter(|kind| !is_ignored(kind.as_raw_value()));
            kinds.map(signal).collect::<io::Result<Vec<_>>>()
        };
        Ok(Self {
            kinds: heeded([SignalKind::terminate(), SignalKind::hangup()])?,
            _editors: heeded([SignalKind::interrupt(), SignalKind::quit()])?,
        })
    }

    async fn next(&mut self) {
        if self.kinds.is_empty() {
            return std::future::pending().await;
        }
        let each = self.kinds.iter_mut().map(|kind| Box::pin(kind.recv()));
        futures::future::select_all(each).await;
    }
}

/// The options with which an editor that is known leaves no copy elsewhere: no
/// swap, backup or undo files, no history.
fn options(editor: &str) -> Option<&'static [&'static str]> {
    let program = Path::new(editor.split_whitespace().next()?);
    let real = find(program).and_then(|path| path.canonicalize().ok());
    let name = real.as_deref().unwrap_or(program).file_name()?.to_string_lossy().into_owned();
    // `vim.basic`, `emacs-nox`.
    Some(match name.split(['.', '-']).next()? {
        // The vi that is none of these keeps copies for its recovery.
        "vim" | "nvim" => {
            &[
                "-n",
                "-i",
                "NONE",
                "-c",
                "set nobackup nowritebackup noswapfile noundofile",
                // What the person's own commands turn on again when it has started.
                "-c",
                "autocmd VimEnter,BufWinEnter,BufWritePre * set nobackup nowritebackup noswapfile noundofile",
            ]
        }
        "emacs" => &[
            "--eval",
            "(setq make-backup-files nil auto-save-default nil auto-save-list-file-prefix nil create-lockfiles nil)",
        ],
        "nano" => &["--ignorercfiles"],
        "micro" => &["-backup", "false", "-savehistory", "false", "-saveundo", "false"],
        // They keep none.
        "cat" | "true" | "sed" => &[],
        _ => return None,
    })
}
