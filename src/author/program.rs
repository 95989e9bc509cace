//! Runs the program that signs. It talks to the person itself, on the terminal or in a window.

use std::io::Write;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::AuthorError;
use crate::failure::Failure;
use crate::process;
use crate::terminal::{self, KeptTerminal};

/// After this time without another word, the program waits for the person.
const PAUSE: Duration = Duration::from_millis(300);
/// How long a program may take to end after a signal, or to close its standard error after its end.
const GRACE: Duration = Duration::from_secs(1);
/// How much of its messages is kept, in bytes.
const MAX_SAID: usize = 4 << 10;
/// What ssh-keygen always says.
const CHATTER: [&str; 2] = ["Signing file ", "Write signature to "];

/// How a program ended.
pub struct Ended {
    pub status: ExitStatus,
    /// What it said, on one line, safe to print.
    pub said: String,
}

/// Runs a program to its end. Its messages are shown as they are while it waits for the person.
/// When this process is stopped, the program ends first.
pub async fn run(mut command: Command) -> Result<Ended, Failure> {
    let program = command.as_std().get_program().to_os_string();
    // The program opens the terminal itself.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    // Dropped last: the program may still change the terminal until it has ended.
    let _terminal = KeptTerminal::new();
    let start = |source| AuthorError::Start { program: program.into(), source };
    let mut child = command.spawn().map_err(start)?;
    let stderr = child.stderr.take().expect("it is piped");
    let (mut said, mut stopped) = (Said::default(), pin!(process::stopped()));
    let status = tokio::select! {
        biased;
        number = &mut stopped => {
            end(&mut child).await;
            return Err(Failure::Ended(128 + number));
        }
        status = watch(&mut child, stderr, &mut said) => status.map_err(AuthorError::Directory)?,
    };
    // The terminal sends its signal to the program too, which may end before this process knows.
    if !status.success()
        && let Ok(number) = timeout(PAUSE, stopped).await
    {
        return Err(Failure::Ended(128 + number));
    }
    Ok(Ended { status, said: one_line(&said.rest()) })
}

/// Asks the program to end, so that it restores the terminal, then ends it.
async fn end(child: &mut Child) {
    if let Some(id) = child.id().and_then(|id| i32::try_from(id).ok()) {
        let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
    }
    if timeout(GRACE, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}

async fn watch(
    child: &mut Child,
    mut stderr: impl AsyncRead + Unpin,
    said: &mut Said,
) -> std::io::Result<ExitStatus> {
    let mut buffer = [0; 1024];
    let mut is_open = true;
    loop {
        tokio::select! {
            biased;
            read = stderr.read(&mut buffer), if is_open => match read {
                Ok(0) | Err(_) => is_open = false,
                Ok(size) => said.add(&buffer[..size]),
            },
            status = child.wait() => {
                // A program that it started, such as an agent, can keep the pipe open.
                let rest = async {
                    while let Ok(size @ 1..) = stderr.read(&mut buffer).await {
                        said.add(&buffer[..size]);
                    }
                };
                let _ = timeout(GRACE, rest).await;
                return status;
            }
            () = tokio::time::sleep(PAUSE), if said.is_waiting() => said.show(),
        }
    }
}

/// What the program said. The last part is not shown before the program waits: if it ends instead,
/// that part is the reason, and belongs into the error.
#[derive(Default)]
struct Said {
    all: Vec<u8>,
    shown: usize,
}

impl Said {
    fn add(&mut self, bytes: &[u8]) {
        let room = MAX_SAID.saturating_sub(self.all.len());
        self.all.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn is_waiting(&self) -> bool {
        self.shown < self.all.len()
    }

    /// Shows what is new. A prompt has no line break at its end.
    fn show(&mut self) {
        let text = String::from_utf8_lossy(&self.all[self.shown..]);
        let is_chatter = |line: &&str| CHATTER.iter().any(|start| line.starts_with(start));
        let text: String = text.split_inclusive('\n').filter(|line| !is_chatter(line)).collect();
        let mut stderr = std::io::stderr().lock();
        let _ = stderr.write_all(text.as_bytes());
        let _ = stderr.flush();
        self.shown = self.all.len();
    }

    /// Everything that is worth an explanation.
    fn rest(&self) -> Vec<u8> {
        let text = String::from_utf8_lossy(&self.all);
        let is_chatter = |line: &&str| CHATTER.iter().any(|start| line.starts_with(start));
        let lines: Vec<&str> = text.lines().filter(|line| !is_chatter(line)).collect();
        lines.join("\n").into_bytes()
    }
}

/// The messages of a program on one line, safe to print.
pub fn one_line(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    terminal::visible(&lines.collect::<Vec<_>>().join("; ")).into_owned()
}
