//! Runs the person's own editor on a text that must not reach a disk.

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

/// The variables of `kubectl edit`, in its order, and of git.
const VARIABLES: [&str; 3] = ["KUBE_EDITOR", "VISUAL", "EDITOR"];
const DEFAULT: &str = "vi";
const TERMINAL: &str = "/dev/tty";
/// How long an editor may take to end after it was told to.
const GRACE: Duration = Duration::from_secs(2);

#[derive(Debug, Error)]
pub enum EditError {
    #[error(transparent)]
    Memory(#[from] MemoryError),
    #[error("the editor `{editor}` does not start: {source}")]
    Start {
        /// The name as it was given.
        editor: String,
        source: io::Error,
    },
    #[error("the editor `{editor}` ended with {status}")]
    Failed {
        /// The name as it was given.
        editor: String,
        status: ExitStatus,
    },
    /// No editor is named, and the default one needs a terminal.
    #[error("there is no terminal for the editor")]
    NoTerminal,
    #[error("the edited text cannot be read: {0}")]
    Read(io::Error),
    #[error("the edited text is not UTF-8")]
    NotText,
    /// The system stopped the command.
    #[error("interrupted while editing")]
    Interrupted,
}

/// A text for an editor.
pub struct Editor {
    /// Removed with its content when this is dropped.
    folder: MemoryDirectory,
    editor: String,
    /// The options that keep the editor from leaving copies elsewhere. `None` if it is unknown.
    options: Option<&'static [&'static str]>,
}

impl Editor {
    /// Finds the editor and a place for the text.
    pub fn new(disk: Disk) -> Result<Self, EditError> {
        let named = VARIABLES.iter().filter_map(|name| std::env::var(name).ok());
        let named = named.into_iter().find(|text| !text.trim().is_empty());
        let has_terminal = OpenOptions::new().read(true).write(true).open(TERMINAL).is_ok();
        let is_named = named.is_some();
        let editor = named.unwrap_or_else(|| DEFAULT.to_owned());
        let options = options(&editor);
        // A named editor may be a script. A known one that takes options is not.
        let needs_one = !is_named || options.is_some_and(|options| !options.is_empty());
        if needs_one && !has_terminal {
            return Err(EditError::NoTerminal);
        }
        Ok(Self { folder: MemoryDirectory::new(disk)?, editor, options })
    }

    /// The name of the editor, if it may leave copies elsewhere.
    #[must_use]
    pub fn unknown(&self) -> Option<&str> {
        self.options.is_none().then_some(self.editor.as_str())
    }

    /// Lets the person edit a text. On an error, the text is removed too.
    pub async fn edit(&self, text: &str) -> Result<Zeroizing<String>, EditError> {
        // Before the text is written anywhere: from here on, no signal may end this process.
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
        // As with git and kubectl, the variable may hold arguments. If it has only plain words, the
        // shell becomes the editor, so that a signal reaches the editor.
        let words = |c: char| c.is_alphanumeric() || "/._- +".contains(c);
        let exec = if self.editor.chars().all(words) { "exec " } else { "" };
        command.arg("-c").arg(format!("{exec}{} \"$@\"", self.editor)).arg(&self.editor);
        command.args(options).arg(path);
        // The editor's own temporary files go next to the text.
        command.env("TMPDIR", self.folder.path());
        let start = |source| self.not_started(source);
        // The screen of the editor shows the values, so it goes to the terminal only, not to a file
        // or pipe.
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

/// The terminal if there is one, otherwise `/dev/null`.
fn terminal() -> Stdio {
    let terminal = OpenOptions::new().read(true).write(true).open(TERMINAL);
    terminal.map_or_else(|_| Stdio::null(), Stdio::from)
}

/// The signals that stop this process. Ctrl-C and Ctrl-\ belong to the editor: they are caught and
/// ignored here.
struct Stops {
    kinds: Vec<tokio::signal::unix::Signal>,
    _editors: Vec<tokio::signal::unix::Signal>,
}

impl Stops {
    fn new() -> io::Result<Self> {
        // An ignored signal, as under `nohup`, stays ignored.
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

/// The options with which a known editor leaves no copies elsewhere: no swap, backup or undo files,
/// no history.
fn options(editor: &str) -> Option<&'static [&'static str]> {
    let program = Path::new(editor.split_whitespace().next()?);
    let real = find(program).and_then(|path| path.canonicalize().ok());
    let name = real.as_deref().unwrap_or(program).file_name()?.to_string_lossy().into_owned();
    // For example `vim.basic` and `emacs-nox`.
    Some(match name.split(['.', '-']).next()? {
        // A `vi` that is none of these keeps copies for recovery.
        "vim" | "nvim" => {
            &[
                "-n",
                "-i",
                "NONE",
                "-c",
                "set nobackup nowritebackup noswapfile noundofile",
                // The person's own commands may turn these on again at the start.
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
        // These keep no copies.
        "cat" | "true" | "sed" => &[],
        _ => return None,
    })
}
