//! The name of a KEK as people write it.

use std::ffi::OsStr;
use std::fmt;
use std::str::FromStr;

use clap::builder::{TypedValueParser, ValueParserFactory};
use clap::error::ErrorKind;
use clap::{Arg, Command};
use envcrypt_core::kek::{KekUri, UriError};

const LOCAL: &str = "local";

/// `local`, or the URI of a KEK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KekName {
    /// The person's own key on this machine.
    Local,
    Uri(KekUri),
}

impl KekName {
    /// Parses a comma-separated list of names. The error is that of the first invalid name.
    pub fn list(text: &str) -> Result<Vec<Self>, UriError> {
        text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::parse).collect()
    }
}

impl FromStr for KekName {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        match text {
            LOCAL => Ok(Self::Local),
            _ => text.parse().map(Self::Uri),
        }
    }
}

impl fmt::Display for KekName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str(LOCAL),
            Self::Uri(uri) => uri.fmt(f),
        }
    }
}

/// Parses a flag. The error of clap itself would quote the value, which may be an age identity.
#[derive(Clone)]
pub struct KekNameParser;

impl ValueParserFactory for KekName {
    type Parser = KekNameParser;

    fn value_parser() -> Self::Parser {
        KekNameParser
    }
}

impl TypedValueParser for KekNameParser {
    type Value = KekName;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<KekName, clap::Error> {
        let flag = arg.and_then(Arg::get_long).map_or("KEK".to_owned(), |long| format!("--{long}"));
        value.to_string_lossy().parse().map_err(|error| {
            let text = format!("`{flag}`: {error}\n");
            clap::Error::raw(ErrorKind::ValueValidation, text).with_cmd(command)
        })
    }
}
