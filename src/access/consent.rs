//! Prompts the person for a consent on the terminal.

use std::error::Error;
use std::sync::Arc;

use crate::terminal::Prompt;
use envcrypt_core::access::{Answer, Consent, Question};
use envcrypt_core::kek::KekUri;

/// The terminal, or nobody if there is none.
pub struct Terminal(pub Arc<dyn Prompt>);

impl Consent for Terminal {
    fn ask(
        &self,
        question: &Question<'_>,
        alias: Option<&KekUri>,
    ) -> Result<Answer, Box<dyn Error + Send + Sync>> {
        let Self(prompt) = self;
        if !prompt.is_available() {
            return Ok(Answer::Nobody);
        }
        match prompt.confirm(&text(question, alias))? {
            true => Ok(Answer::Yes),
            false => Ok(Answer::No),
        }
    }
}

fn text(question: &Question<'_>, alias: Option<&KekUri>) -> String {
    let kek = question.kek();
    let mut shown = alias.map_or(format!("`{kek}`"), |alias| format!("`{alias}` (`{kek}`)"));
    if let Some(plugin) = kek.plugin() {
        shown += &format!(" (which runs `age-plugin-{plugin}`)");
    }
    let namespace = &question.place().namespace;
    match question {
        Question::Open { place, .. } => format!(
            "the Secret `{place}` is sealed under {shown}, which this machine has not used in `{namespace}`; use this KEK to open the Secrets of that namespace"
        ),
        Question::SealByRule { rules, .. } => format!(
            "the rule in `{}` seals the Secrets of `{namespace}` to {shown}, which this machine has not sealed to there; is this KEK yours",
            rules.display()
        ),
        Question::SealAgain { place, .. } => format!(
            "only the Secret `{place}` itself names {shown}; seal new values of this Secret to this KEK"
        ),
    }
}
