//! Warnings about likely mistakes in values, before they are sealed.

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
    /// Turn off this warning about values (can be repeated, or comma-separated)
    #[arg(long, value_name = "CHECK", value_delimiter = ',', value_parser = PossibleValuesParser::new(Lint::ALL.map(Lint::name)), help_heading = "Sealing")]
    allow: Vec<String>,
}

/// The date when a certificate expires, in brackets.
fn end(value: &SecretValue) -> Option<String> {
    let seconds = i64::try_from(certificate_end(value.expose())?).ok()?;
    Some(format!(" (on {})", Timestamp::from_second(seconds).ok()?.strftime("%Y-%m-%d")))
}

impl AllowArgs {
    /// Warns about likely mistakes in these values. If there are several Secrets, `of` names
    /// this one.
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
                    "the value of `{key}`{of} {}{when}; if you want this, use `--allow {name}`",
                    lint.text()
                ));
            }
        }
    }
}
