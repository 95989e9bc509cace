//! Pointing out what is likely a mistake in values that are about to be sealed.

use std::collections::BTreeMap;

use clap::Args;
use clap::builder::PossibleValuesParser;
use jiff::Timestamp;

use super::lint::{Lint, certificate_end, lints};
use crate::terminal;
use envcrypt_core::envelope::now;
use envcrypt_core::secret::{Key, SecretValue};

/// The flag of every command that seals values.
#[derive(Args, Default)]
pub struct AllowArgs {
    /// Do not warn of this about a value; repeatable, or with commas
    #[arg(long, value_name = "CHECK", value_delimiter = ',', value_parser = PossibleValuesParser::new(Lint::ALL.map(Lint::name)), help_heading = "Sealing")]
    allow: Vec<String>,
}

/// When a certificate ends, to stand in brackets.
fn end(value: &SecretValue) -> Option<String> {
    let seconds = i64::try_from(certificate_end(value.expose())?).ok()?;
    Some(format!(" (on {})", Timestamp::from_second(seconds).ok()?.strftime("%Y-%m-%d")))
}

impl AllowArgs {
    /// Warns of what these values look like; `of` is how the Secret is named, where
    /// there are several.
    pub fn warn(&self, values: &BTreeMap<Key, SecretValue>, of: Option<&str>) {
        let of = of.map_or_else(String::new, |name| format!(" of `{name}`"));
        for (key, lint) in lints(values, now()) {
            let name = lint.name();
            if !self.allow.iter().any(|allowed| allowed == name) {
                let when = match lint {
                    Lint::Expiry => values.get(key).and_then(end).unwrap_or_default(),
                    _ => String::new(),
                };
                terminal::warn(&format!(
                    "the value of `{key}`{of} {}{when}; `--allow {name}` if it is meant",
                    lint.text()
                ));
            }
        }
    }
}
