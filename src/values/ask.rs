//! Asking for the values of keys, with and without echo.

use clap::Args;

use crate::failure::{Failure, ValuesError};
use crate::terminal::{Prompt, PromptError, Times};
use crate::values::sources::Values;
use envcrypt_core::secret::{Key, Place, SecretValue};

/// How values are asked for.
#[derive(Args, Default)]
pub struct AskArgs {
    /// Ask for this key with echo, as for a user name
    #[arg(long, value_name = "KEY")]
    visible: Vec<String>,
    /// Ask once, not twice
    #[arg(long)]
    no_confirm: bool,
}

/// A key whose value is to be asked for.
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

    /// That there is nobody to ask for it.
    pub fn nobody(&self) -> Failure {
        PromptError::NoTerminal(format!("`{}`", self.key())).into()
    }
}

impl AskArgs {
    /// The keys that `words` and `--visible` name; none of them has a value yet.
    pub fn keys(&self, words: &[String], values: &Values) -> Result<Vec<Ask>, Failure> {
        let mut asks = Vec::new();
        for (index, text) in words.iter().chain(&self.visible).enumerate() {
            if text.contains('=') {
                // Not quoted: it is likely a value.
                return Err(Failure::Usage("a KEY is a name alone: its value is asked for".into()));
            }
            let key: Key = text.parse()?;
            // A key may be named as KEY and as `--visible` too: that is one question.
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

    /// Says for which Secret the questions that follow are.
    pub fn introduce(prompt: &dyn Prompt, place: &Place) {
        prompt.tell(&format!("For the Secret `{place}`. What you type for a value is not shown."));
    }

    /// Asks for one.
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

    /// Asks without echo, twice where a slip would go unnoticed.
    pub fn hidden(&self, prompt: &dyn Prompt, what: &str) -> Result<SecretValue, Failure> {
        let times = if self.no_confirm { Times::Once } else { Times::Twice };
        Ok(prompt.hidden(what, times)?)
    }
}
