//! The person that an age plugin speaks to.

use std::sync::Arc;

use crate::terminal::{self, Prompt, PromptError, Times};
use envcrypt_core::kek::PluginUser;
use envcrypt_core::secret::SecretValue;

/// The terminal. Without one, messages go to standard error, and no question is answered.
pub struct Person(pub Arc<dyn Prompt>);

impl PluginUser for Person {
    fn tell(&self, message: &str) {
        match self.0.is_available() {
            true => self.0.tell(message),
            false => terminal::stderr_line(message),
        }
    }

    fn ask(&self, question: &str) -> Result<String, String> {
        self.0.visible(question).map_err(why)
    }

    fn ask_secret(&self, question: &str) -> Result<SecretValue, String> {
        self.0.hidden(question, Times::Once).map_err(why)
    }

    fn choose(&self, question: &str, yes: &str, no: Option<&str>) -> Result<bool, String> {
        let no = no.map(|no| format!(", n: {no}")).unwrap_or_default();
        self.0.confirm(&format!("{question} (y: {yes}{no})")).map_err(why)
    }
}

/// Why a prompt got no answer.
pub fn why(error: PromptError) -> String {
    match error {
        PromptError::NoTerminal(_) => "there is no terminal to prompt for it".into(),
        PromptError::Closed(_) => "the prompt got no answer".into(),
        error => error.to_string(),
    }
}
