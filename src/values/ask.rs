//! Prompts for the values of keys, with and without echo.

use clap::Args;

use crate::failure::{Failure, ValuesError};
use crate::terminal::{Prompt, PromptError, Times};
use crate::values::sources::Values;
use envcrypt_core::secret::{Key, Place, SecretValue};

/// The flags for prompts.
#[derive(Args, Default)]
pub struct AskArgs {
    /// Prompt for this key with echo, for example for a user name (can be repeated)
    #[arg(long, value_name = "KEY")]
    visible: Vec<String>,
    /// Prompt once for each value, not twice
    #[arg(long)]
    no_confirm: bool,
}

/// A key to prompt for.
pub enum Ask {
    Hidden(Key),
    Visible(Key),
}

impl Ask {
    pub fn key(&self) -> &Key {
        match self {
            Self::Hidden(key) | Self::Visible(key) => key,
        }
    }

    /// The error if there is no terminal for the prompt.
    pub fn nobody(&self) -> Failure {
        PromptError::NoTerminal(format!("`{}`", self.key())).into()
    }
}

impl AskArgs {
    /// The keys that `words` and `--visible` name. None of them may have a value yet.
    pub fn keys(&self, words: &[String], values: &Values) -> Result<Vec<Ask>, Failure> {
        let mut asks = Vec::new();
        for (index, text) in words.iter().chain(&self.visible).enumerate() {
            if text.contains('=') {
                // The message does not quote it: it is probably a value.
                return Err(Failure::Usage(
                    "a KEY is only a name: the command prompts for its value".into(),
                ));
            }
            let key: Key = text.parse()?;
            // A key that is both a KEY and in `--visible` gets one prompt.
            if words.contains(text) && index >= words.len() {
                continue;
            }
            if values.contains(text) || words.iter().filter(|other| *other == text).count() > 1 {
                return Err(Failure::Values(ValuesError::DuplicateKey(text.clone())));
            }
            let is_visible = self.visible.contains(text);
            asks.push(if is_visible { Ask::Visible(key) } else { Ask::Hidden(key) });
        }
        Ok(asks)
    }

    /// Says which Secret the next prompts are for.
    pub fn introduce(prompt: &dyn Prompt, place: &Place) {
        prompt.tell(&format!("For the Secret `{place}`. What you type for a value is not shown."));
    }

    /// Prompts for one value.
    pub fn ask(&self, ask: Ask, prompt: &dyn Prompt, values: &mut Values) -> Result<(), Failure> {
        match ask {
            Ask::Hidden(key) => {
                let value = self.hidden(prompt, key.as_str())?;
                values.insert(key, value)
            }
            Ask::Visible(key) => {
                let value = prompt.visible(key.as_str())?;
                values.insert(key, SecretValue::new(value.into_bytes()))
            }
        }
    }

    /// Prompts without echo, and twice unless `--no-confirm` is given.
    pub fn hidden(&self, prompt: &dyn Prompt, what: &str) -> Result<SecretValue, Failure> {
        let times = if self.no_confirm { Times::Once } else { Times::Twice };
        Ok(prompt.hidden(what, times)?)
    }
}
