//! The user that an age plugin speaks to.

use crate::secret::SecretValue;

/// Shows the messages of age plugins, and answers their questions.
///
/// All texts come from the plugin: a line each, with the name of the program in front. They can
/// contain any character, so make them safe before you print them. An error says why there is no
/// answer.
pub trait PluginUser: Send + Sync {
    /// Shows a message, for example a request to touch the key.
    fn tell(&self, message: &str);

    /// Asks for a text that is not secret.
    ///
    /// # Errors
    /// Returns why there is no answer.
    fn ask(&self, question: &str) -> Result<String, String>;

    /// Asks for a secret text, for example a PIN. Nobody sees it.
    ///
    /// # Errors
    /// Returns why there is no answer.
    fn ask_secret(&self, question: &str) -> Result<SecretValue, String>;

    /// Lets the user choose `yes` or `no`. Without `no`, the user can only confirm.
    ///
    /// # Errors
    /// Returns why there is no answer.
    fn choose(&self, question: &str, yes: &str, no: Option<&str>) -> Result<bool, String>;
}
