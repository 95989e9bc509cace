//! The two conversations with a plugin: `recipient-v1` and `identity-v1`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use age_core::format::{FileKey, Stanza};
use age_core::secrecy::ExposeSecret;
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use zeroize::Zeroizing;

use super::process::Process;
use super::{Call, Patience, PluginError, name_of};
use crate::kek::PluginUser;
use crate::kek::age::identity::PluginIdentity;

/// The maximum number of stanzas that a plugin may send. A plugin could send messages forever.
const MAX_STANZAS: usize = 1000;
/// The maximum length of a text of a plugin, in characters.
const MAX_TEXT: usize = 1000;

/// A conversation with a plugin.
pub(super) struct Client<'a> {
    process: Process,
    /// The name of the program.
    program: String,
    call: &'a Call<'a>,
    user: &'a dyn PluginUser,
    patience: Patience,
    /// The identities that no text may repeat.
    identities: &'a [Arc<PluginIdentity>],
    /// Why a question of the plugin got no answer.
    unanswered: Option<String>,
    /// The errors of the plugin, in its own words.
    reported: Vec<String>,
}

/// An answer to a command of the plugin.
enum Reply {
    Done,
    Word(&'static str),
    Text(Zeroizing<Vec<u8>>),
    Fail,
    Unsupported,
}

impl<'a> Client<'a> {
    pub(super) fn start(
        path: &Path,
        machine: &str,
        call: &'a Call<'a>,
        user: &'a dyn PluginUser,
        patience: Patience,
        identities: &'a [Arc<PluginIdentity>],
    ) -> Result<Self, PluginError> {
        let process =
            Process::start(path, machine).map_err(|error| PluginError::Start(error.to_string()))?;
        let (unanswered, reported) = (None, Vec::new());
        let program = name_of(path);
        Ok(Self { process, program, call, user, patience, identities, unanswered, reported })
    }

    pub(super) fn wrap(
        &mut self,
        recipient: &str,
        file_key: &FileKey,
    ) -> Result<Vec<Stanza>, PluginError> {
        self.send("add-recipient", &[recipient], b"")?;
        self.send("extension-labels", &[], b"")?;
        self.send("wrap-file-key", &[], file_key.expose_secret())?;
        self.send("done", &[], b"")?;
        let mut stanzas = Vec::new();
        let mut is_other_file = false;
        self.answer(|mut stanza| match &*stanza.tag {
            "recipient-stanza" => {
                is_other_file |= stanza.args.len() < 2 || stanza.args[0] != "0";
                if !is_other_file {
                    let args = stanza.args.split_off(2);
                    let tag = stanza.args.remove(1);
                    stanzas.push(Stanza { tag, args, body: stanza.body });
                }
                Reply::Done
            }
            // Labels say with which recipients a file may be shared. This file has no other one.
            "labels" => Reply::Done,
            _ => Reply::Unsupported,
        })?;
        self.failure()?;
        match is_other_file || stanzas.is_empty() {
            true => Err(PluginError::Garbage),
            false => Ok(stanzas),
        }
    }

    pub(super) fn unwrap(
        &mut self,
        identities: &[Arc<PluginIdentity>],
        stanzas: &[Stanza],
    ) -> Result<Option<FileKey>, PluginError> {
        for identity in identities {
            self.send("add-identity", &[identity.line()], b"")?;
        }
        for stanza in stanzas {
            let args: Vec<&str> = ["0", &*stanza.tag]
                .into_iter()
                .chain(stanza.args.iter().map(String::as_str))
                .collect();
            self.send("recipient-stanza", &args, &stanza.body)?;
        }
        self.send("done", &[], b"")?;
        let mut opened: Option<Zeroizing<Vec<u8>>> = None;
        self.answer(|stanza| match (&*stanza.tag, &stanza.args[..], &opened) {
            ("file-key", [file], None) if file == "0" => {
                opened = Some(Zeroizing::new(stanza.body));
                Reply::Done
            }
            ("file-key", ..) => Reply::Fail,
            _ => Reply::Unsupported,
        })?;
        let Some(bytes) = opened else { return self.failure().map(|()| None) };
        let key = FileKey::try_init_with_mut(|key| match bytes.len() == key.len() {
            true => {
                key.copy_from_slice(&bytes);
                Ok(())
            }
            false => Err(PluginError::Garbage),
        });
        key.map(Some)
    }

    /// Answers the commands of the plugin until it is done. `take` gets those that belong to only
    /// one of the conversations.
    fn answer(&mut self, mut take: impl FnMut(Stanza) -> Reply) -> Result<(), PluginError> {
        for _ in 0..MAX_STANZAS {
            let stanza = match self.receive() {
                // A plugin may end because it got no answer.
                Err(PluginError::Ended) => return self.failure().and(Err(PluginError::Ended)),
                received => received?,
            };
            let reply = match &*stanza.tag {
                "done" => {
                    self.process.is_done();
                    return Ok(());
                }
                "msg" => {
                    self.tell(&stanza.body);
                    Reply::Done
                }
                "confirm" => self.choose(&stanza),
                "request-public" => {
                    let answer = self.user.ask(&self.line(&stanza.body));
                    self.reply_with(answer.map(|text| Zeroizing::new(text.into_bytes())))
                }
                "request-secret" => {
                    let answer = self.user.ask_secret(&self.line(&stanza.body));
                    self.reply_with(answer.map(|pin| Zeroizing::new(pin.expose().to_vec())))
                }
                "error" => {
                    let text = self.text(&stanza.body);
                    self.reported.push(text);
                    Reply::Done
                }
                _ => take(stanza),
            };
            self.reply(&reply)?;
        }
        Err(PluginError::Garbage)
    }

    fn tell(&self, body: &[u8]) {
        for line in self.text(body).lines().filter(|line| !line.trim().is_empty()) {
            self.user.tell(&format!("{}: {line}", self.program));
        }
    }

    fn choose(&mut self, stanza: &Stanza) -> Reply {
        let label = |index: usize| {
            let text = BASE64_STANDARD_NO_PAD.decode(stanza.args.get(index)?).ok()?;
            Some(self.text(&text))
        };
        let Some(yes) = label(0) else { return Reply::Fail };
        match self.user.choose(&self.line(&stanza.body), &yes, label(1).as_deref()) {
            Ok(true) => Reply::Word("yes"),
            Ok(false) => Reply::Word("no"),
            Err(why) => self.reply_with(Err(why)),
        }
    }

    fn reply_with(&mut self, answer: Result<Zeroizing<Vec<u8>>, String>) -> Reply {
        match answer {
            Ok(bytes) => Reply::Text(bytes),
            Err(why) => {
                self.unanswered = Some(why);
                Reply::Fail
            }
        }
    }

    fn reply(&mut self, reply: &Reply) -> Result<(), PluginError> {
        match reply {
            Reply::Done => self.send("ok", &[], b""),
            Reply::Word(word) => self.send("ok", &[word], b""),
            Reply::Text(bytes) => self.send("ok", &[], bytes),
            Reply::Fail => self.send("fail", &[], b""),
            Reply::Unsupported => self.send("unsupported", &[], b""),
        }
    }

    /// Returns the error that the plugin reported. If a question got no answer, that is the cause.
    fn failure(&mut self) -> Result<(), PluginError> {
        match (self.unanswered.take(), self.reported.is_empty()) {
            (Some(why), _) => Err(PluginError::Unanswered(why)),
            (None, false) => Err(PluginError::Reported(self.reported.join("; "))),
            (None, true) => Ok(()),
        }
    }

    fn send(&mut self, tag: &str, args: &[&str], body: &[u8]) -> Result<(), PluginError> {
        // A plugin that has ended does not read.
        self.process.send(tag, args, body).map_err(|_| PluginError::Ended)
    }

    fn receive(&mut self) -> Result<Stanza, PluginError> {
        let Self { process, program, call, user, patience, .. } = self;
        let mut is_told = false;
        process.receive(|silent| {
            if call.stopped.load(Ordering::Relaxed) {
                return Err(PluginError::Stopped);
            }
            if silent >= patience.most {
                return Err(PluginError::Silent(patience.most));
            }
            if silent >= patience.notice && !is_told {
                is_told = true;
                user.tell(&format!("waiting for `{program}`: touch the key if it blinks"));
            }
            Ok(())
        })
    }

    /// Returns a question on one line, with the name of the program.
    fn line(&self, body: &[u8]) -> String {
        let words = self.text(body).split_whitespace().collect::<Vec<_>>().join(" ");
        format!("{}: {}", self.program, words.trim_end_matches(':'))
    }

    /// Returns a text of the plugin, without any identity: some plugins keep a secret in it.
    fn text(&self, body: &[u8]) -> String {
        let mut text = String::from_utf8_lossy(body).into_owned();
        for identity in self.identities {
            text = identity.remove_from(&text);
        }
        match text.char_indices().nth(MAX_TEXT) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}
