//! What `create` asks of the person, and in which order.

use std::path::Path;

use super::CreateArgs;
use crate::commands::Failure;
use crate::commands::sources::{Values, read_value};
use crate::secret::{Key, SecretType, SecretValue, docker_config};
use crate::terminal::{Prompt, PromptError, Times};

/// What is to be asked of the person once everything else is known to work.
pub enum Question {
    Hidden(Key),
    Visible(Key),
    /// The name of the file with this key's value.
    File(Key, &'static str),
    Docker,
    /// Keys and values until an empty key.
    Open,
}

impl CreateArgs {
    pub(super) fn questions(
        &self,
        kind: &SecretType,
        values: &Values,
    ) -> Result<Vec<Question>, Failure> {
        let mut questions = Vec::new();
        for (index, text) in self.keys.iter().chain(&self.visible).enumerate() {
            if text.contains('=') {
                // Not quoted: it is likely a value.
                return Err(Failure::Usage("a KEY is a name alone: its value is asked for".into()));
            }
            let key: Key = text.parse()?;
            let is_visible = self.visible.contains(text);
            // A key may be named as KEY and as `--visible` too: that is one question.
            if self.keys.contains(text) && index >= self.keys.len() {
                continue;
            }
            if values.contains(text) || self.keys.iter().filter(|other| *other == text).count() > 1
            {
                return Err(Failure::DuplicateKey(text.clone()));
            }
            questions.push(if is_visible { Question::Visible(key) } else { Question::Hidden(key) });
        }
        let given = |name: &str| {
            values.contains(name) || self.keys.iter().chain(&self.visible).any(|k| k == name)
        };
        let mut need = |name: &'static str, question: fn(Key) -> Question| {
            if !given(name) {
                questions.push(question(key(name)));
            }
        };
        match kind {
            // Either alone is enough for the API server.
            SecretType::BasicAuth if !given("username") && !given("password") => {
                need("username", Question::Visible);
                need("password", Question::Hidden);
            }
            SecretType::SshAuth => {
                need("ssh-privatekey", |key| Question::File(key, "file with the private key"))
            }
            SecretType::Tls => {
                need("tls.crt", |key| Question::File(key, "file with the certificate"));
                need("tls.key", |key| Question::File(key, "file with the private key"));
            }
            SecretType::BootstrapToken => {
                need("token-id", Question::Visible);
                need("token-secret", Question::Hidden);
            }
            SecretType::DockerConfigJson => need(".dockerconfigjson", |_| Question::Docker),
            _ if questions.is_empty() && values.is_empty() => questions.push(Question::Open),
            _ => {}
        }
        Ok(questions)
    }

    pub(super) fn nobody_to_ask(&self, questions: &[Question]) -> Failure {
        match &questions[0] {
            Question::Open if self.sources.is_empty() => Failure::Usage(
                "no key is named, and there is no terminal to ask: name a KEY, or use `--from-stdin`, `--from-file` or `--generate`".to_owned(),
            ),
            Question::Hidden(key) | Question::Visible(key) | Question::File(key, _) => {
                PromptError::NoTerminal(format!("`{key}`")).into()
            }
            Question::Open => Failure::Usage("what is named holds no value".to_owned()),
            Question::Docker => PromptError::NoTerminal("the registry's password".to_owned()).into(),
        }
    }

    pub(super) fn ask(
        &self,
        questions: Vec<Question>,
        prompt: &dyn Prompt,
        values: &mut Values,
    ) -> Result<(), Failure> {
        for question in questions {
            match question {
                Question::Hidden(key) => {
                    let value = self.ask_hidden(prompt, key.as_str())?;
                    values.insert(key, value)?;
                }
                Question::Visible(key) => {
                    let value = prompt.visible(key.as_str())?;
                    values.insert(key, SecretValue::new(value.into_bytes()))?;
                }
                Question::File(key, what) => {
                    let path = prompt.visible(what)?;
                    values.insert(key, read_value(Path::new(&path))?)?;
                }
                Question::Docker => {
                    let username = match &self.docker_username {
                        Some(username) => username.clone(),
                        None => prompt.visible("username")?,
                    };
                    let password = self.ask_hidden(prompt, "password")?;
                    values.insert(key(".dockerconfigjson"), self.docker(&username, &password)?)?;
                }
                Question::Open => self.ask_open(prompt, values)?,
            }
        }
        Ok(())
    }

    fn ask_hidden(&self, prompt: &dyn Prompt, what: &str) -> Result<SecretValue, Failure> {
        let times = if self.no_confirm { Times::Once } else { Times::Twice };
        Ok(prompt.hidden(what, times)?)
    }

    fn ask_open(&self, prompt: &dyn Prompt, values: &mut Values) -> Result<(), Failure> {
        loop {
            let text = prompt.visible("key (empty when done)")?;
            match text.trim().parse::<Key>() {
                _ if text.trim().is_empty() && values.is_empty() => {
                    prompt.tell("a Secret needs one key at least")
                }
                _ if text.trim().is_empty() => return Ok(()),
                Err(error) => prompt.tell(&error.to_string()),
                Ok(key) if values.contains(key.as_str()) => {
                    prompt.tell("that key is there already")
                }
                Ok(key) => {
                    let value = self.ask_hidden(prompt, key.as_str())?;
                    values.insert(key, value)?;
                }
            }
        }
    }

    pub(super) fn docker(
        &self,
        username: &str,
        password: &SecretValue,
    ) -> Result<SecretValue, Failure> {
        docker_config(&self.docker_server, username, password, self.docker_email.as_deref())
            .ok_or_else(|| Failure::Usage("the registry's password is not UTF-8 text".to_owned()))
    }
}

/// A key that is known to be one.
pub(super) fn key(name: &'static str) -> Key {
    name.parse().expect("the names of built-in types are keys")
}
