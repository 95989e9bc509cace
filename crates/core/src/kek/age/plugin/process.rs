//! The process of a plugin, and the stanzas on its standard input and output.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use age_core::format::{Stanza, read};
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use zeroize::Zeroizing;

use super::PluginError;

/// The maximum output of a plugin, in bytes. A stanza has some 2,000.
const MAX_OUTPUT: u64 = 1 << 20;
/// The length of a full line of a body, in characters.
const FULL_LINE: usize = 64;
/// How often a wait looks whether its caller still needs it.
const TICK: Duration = Duration::from_millis(50);
/// How long a plugin that is done may take to end, for example to release a card.
const GRACE: Duration = Duration::from_secs(2);

type Line = Zeroizing<Vec<u8>>;

/// A plugin that runs. It is ended and removed from the process table when this is dropped.
pub(super) struct Process {
    child: Child,
    /// Closed before the plugin is waited for.
    input: Option<ChildStdin>,
    /// The lines of its output. `None` is too much output.
    lines: Receiver<Option<Line>>,
    is_done: bool,
}

impl Process {
    /// Starts a plugin. Its standard error is not shown: it is not meant for the user.
    pub(super) fn start(program: &Path, machine: &str) -> io::Result<Self> {
        let mut child = Command::new(program)
            .arg(format!("--age-plugin={machine}"))
            // Not that of the user, which may belong to a repository.
            .current_dir("/")
            // Identities of others are not for it.
            .env_remove("SOPS_AGE_KEY")
            .env_remove("SOPS_AGE_KEY_CMD")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (sender, lines) = channel();
        let input = child.stdin.take();
        let output = child.stdout.take().expect("a pipe");
        std::thread::spawn(move || read_lines(output, &sender));
        Ok(Self { child, input, lines, is_done: false })
    }

    /// Notes that the plugin has done its work, and can end by itself.
    pub(super) fn is_done(&mut self) {
        self.is_done = true;
    }

    pub(super) fn send(&mut self, tag: &str, args: &[&str], body: &[u8]) -> io::Result<()> {
        // With room for all of it, so that a PIN or an identity is not copied.
        let room = 8 + tag.len() + args.iter().map(|arg| arg.len() + 1).sum::<usize>();
        let mut text = Zeroizing::new(String::with_capacity(room + body.len() * 2));
        text.push_str("-> ");
        text.push_str(tag);
        for arg in args {
            text.push(' ');
            text.push_str(arg);
        }
        text.push('\n');
        let body = Zeroizing::new(BASE64_STANDARD_NO_PAD.encode(body));
        let mut rest = body.as_str();
        while rest.len() >= FULL_LINE {
            text.push_str(&rest[..FULL_LINE]);
            text.push('\n');
            rest = &rest[FULL_LINE..];
        }
        // The last line is short, and may be empty.
        text.push_str(rest);
        text.push('\n');
        let input = self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        input.write_all(text.as_bytes())
    }

    /// Receives one stanza. `wait` is called while the plugin is silent, with the time since it
    /// spoke, and returns whether to go on.
    pub(super) fn receive(
        &mut self,
        mut wait: impl FnMut(Duration) -> Result<(), PluginError>,
    ) -> Result<Stanza, PluginError> {
        let mut text = Zeroizing::new(Vec::with_capacity(4096));
        text.extend_from_slice(&self.line(&mut wait)?);
        if !text.starts_with(b"-> ") {
            return Err(PluginError::Garbage);
        }
        loop {
            let line = self.line(&mut wait)?;
            text.extend_from_slice(&line);
            if line.len() <= FULL_LINE {
                break;
            }
        }
        match read::age_stanza(&text) {
            Ok((b"", stanza)) => Ok(stanza.into()),
            _ => Err(PluginError::Garbage),
        }
    }

    fn line(
        &self,
        wait: &mut impl FnMut(Duration) -> Result<(), PluginError>,
    ) -> Result<Line, PluginError> {
        let began = Instant::now();
        loop {
            match self.lines.recv_timeout(TICK) {
                Ok(line) => return line.ok_or(PluginError::Garbage),
                Err(RecvTimeoutError::Disconnected) => return Err(PluginError::Ended),
                Err(RecvTimeoutError::Timeout) => wait(began.elapsed())?,
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.input.take());
        let began = Instant::now();
        while self.is_done && began.elapsed() < GRACE {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(2)),
                _ => return,
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_lines(output: ChildStdout, lines: &Sender<Option<Line>>) {
    let mut output = BufReader::new(output.take(MAX_OUTPUT));
    loop {
        let mut line = Zeroizing::new(Vec::with_capacity(4096));
        match output.read_until(b'\n', &mut line) {
            Ok(_) if line.ends_with(b"\n") => {
                if lines.send(Some(line)).is_err() {
                    return;
                }
            }
            Ok(_) if output.get_ref().limit() == 0 => {
                let _ = lines.send(None);
                return;
            }
            _ => return,
        }
    }
}
