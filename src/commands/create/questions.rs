//! The prompts of `create`, and their order.

use std::path::Path;

use super::CreateArgs;
use crate::failure::Failure;
use crate::terminal::{Prompt, PromptError};
use crate::values::ask::Ask;
use crate::values::docker::docker_config;
use crate::values::sources::{Values, read_value};
use envcrypt_core::secret::{Key, SecretType, SecretValue};

/// A prompt. All prompts come after everything else is known to work.
pub enum Question {
    Value(Ask),
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
        let asks = self.asking.keys(&self.keys, values)?;
        let given =
            |name: &str| values.contains(name) || asks.iter().any(|ask| ask.key().as_str() == name);
        let mut missing = Vec::new();
        let mut need = |name: &'static str, question: fn(Key) -> Question| {
            if !given(name) {
                missing.push(question(key(name)));
            }
        };
        match kind {
            // One of the two is enough for the API server.
            SecretType::BasicAuth if !given("username") && !given("password") => {
                need("username", |key| Question::Value(Ask::Visible(key)));
                need("password", |key| Question::Value(Ask::Hidden(key)));
            }
            SecretType::SshAuth => {
                need("ssh-privatekey", |key| Question::File(key, "file with the private key"));
            }
            SecretType::Tls => {
                need("tls.crt", |key| Question::File(key, "file with the certificate"));
                need("tls.key", |key| Question::File(key, "file with the private key"));
            }
            SecretType::BootstrapToken => {
                need("token-id", |key| Question::Value(Ask::Visible(key)));
                need("token-secret", |key| Question::Value(Ask::Hidden(key)));
            }
            SecretType::DockerConfigJson => need(".dockerconfigjson", |_| Question::Docker),
            _ if asks.is_empty() && values.is_empty() => missing.push(Question::Open),
            _ => {}
        }
        Ok(asks.into_iter().map(Question::Value).chain(missing).collect())
    }

    pub(super) fn nobody_to_ask(&self, questions: &[Question]) -> Failure {
        match &questions[0] {
            Question::Open if self.sources.is_empty() => Failure::Usage(
                "no key is named, and there is no terminal for a prompt: use `--from-stdin`, `--from-file` or `--generate`".to_owned(),
            ),
            Question::Value(ask) => ask.nobody(),
            Question::File(key, _) => PromptError::NoTerminal(format!("`{key}`")).into(),
            Question::Open => Failure::Usage("the sources that you named have no values".to_owned()),
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
                Question::Value(ask) => self.asking.ask(ask, prompt, values)?,
                Question::File(key, what) => {
                    let path = prompt.visible(what)?;
                    values.insert(key, read_value(Path::new(&path))?)?;
                }
                Question::Docker => {
                    let username = match &self.docker_username {
                        Some(username) => username.clone(),
                        None => prompt.visible("username")?,
                    };
                    let password = self.asking.hidden(prompt, "password")?;
                    values.insert(key(".dockerconfigjson"), self.docker(&username, &password)?)?;
                }
                Question::Open => self.ask_open(prompt, values)?,
            }
        }
        Ok(())
    }

    fn ask_open(&self, prompt: &dyn Prompt, values: &mut Values) -> Result<(), Failure> {
        loop {
            let text = prompt.visible("key (empty when done)")?;
            match text.trim().parse::<Key>() {
                _ if text.trim().is_empty() && values.is_empty() => {
                    prompt.tell("a Secret needs at least one key");
                }
                _ if text.trim().is_empty() => return Ok(()),
                Err(error) => prompt.tell(&error.to_string()),
                Ok(key) if values.contains(key.as_str()) => {
                    prompt.tell("this key has a value already");
                }
                Ok(key) => {
                    let value = self.asking.hidden(prompt, key.as_str())?;
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

/// A key of a built-in type, which is always valid.
pub(super) fn key(name: &'static str) -> Key {
    name.parse().expect("the names of built-in types are keys")
}
