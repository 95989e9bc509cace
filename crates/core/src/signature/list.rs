//! Reads the lines of `allowed_signers`, more strictly than ssh-keygen does.
//!
//! One name a line, no patterns and no certificates: who may sign is then what people read.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use thiserror::Error;

use super::{PublicKey, Signer, Signers};

/// The largest list that is read, in bytes.
const MAX_SIZE: usize = 64 << 10;
/// The comment with the number of the list's version.
pub(super) const SERIAL: &str = "# envcrypt-serial:";
/// The comment with what tells the list from all others.
pub(super) const ID: &str = "# envcrypt-list:";
/// The comment with a key that must not come back.
pub(super) const STOLEN: &str = "# stolen SHA256:";
/// The size of an ID, in hexadecimal digits.
const ID_SIZE: usize = 32;
/// The size of a fingerprint without `SHA256:`, in digits of Base64.
const FINGERPRINT_SIZE: usize = 43;
/// How far ahead of the clock a serial may be, in seconds: one day, as the time of a seal may.
const MAX_AHEAD: u64 = 24 * 60 * 60;

/// Why a list cannot be read. It never quotes a key.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("line {line}: {problem}")]
pub struct ListError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with the line.
    pub problem: Problem,
}

/// What is wrong with a line of the list.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum Problem {
    /// More than 64 KiB.
    #[error("the list is larger than 64 KiB")]
    Size,
    /// A character that no editor shows.
    #[error("it has a control character")]
    Control,
    /// A principal that is not one plain name.
    #[error(
        "its principal must be one name, of ASCII characters, without `*`, `?`, `!`, `,`, quotes and `\\`"
    )]
    Principal,
    /// A line with a principal alone.
    #[error("`{0}` has no key")]
    NoKey(String),
    /// A certificate authority may sign for everyone.
    #[error("`{0}` is a certificate authority, which is not supported: list each key")]
    Authority(String),
    /// An unknown option, or a key of an unknown kind.
    #[error(
        "after `{0}` must follow an option (`namespaces`, `valid-after`, `valid-before`) or a key of a known kind"
    )]
    Option(String),
    /// An option without a value in quotes.
    #[error("`{principal}`: the value of `{option}` must be in double quotes")]
    Quotes {
        /// Who has the key.
        principal: String,
        /// The name of the option.
        option: &'static str,
    },
    /// An option that is there twice.
    #[error("`{principal}` has the option `{option}` twice")]
    Twice {
        /// Who has the key.
        principal: String,
        /// The name of the option.
        option: &'static str,
    },
    /// A namespace that is a pattern, or empty.
    #[error(
        "`{0}`: a namespace must be a name, not a pattern, as in `namespaces=\"secret@envcrypt.dev\"`"
    )]
    Namespace(String),
    /// Not a time.
    #[error(
        "`{principal}`: the value of `{option}` must be a time, for example `20261231Z` or `20261231235959Z`"
    )]
    Time {
        /// Who has the key.
        principal: String,
        /// The name of the option.
        option: &'static str,
    },
    /// A key that is never valid.
    #[error("`{0}`: `valid-before` is not after `valid-after`")]
    Never(String),
    /// Bytes that are no key.
    #[error("the key of `{0}` is not an SSH public key")]
    Key(String),
    /// A key that cannot sign.
    #[error("the key of `{0}` cannot sign: its kind is unknown or too weak")]
    Weak(String),
    /// One key would count as two people.
    #[error("`{0}` has the same key as `{1}`")]
    Shared(String, String),
    /// A serial that is not a number, or there twice.
    #[error("the serial must be one line `# envcrypt-serial: NUMBER`")]
    Serial,
    /// Later lists could not have a greater serial.
    #[error("the serial is more than a day after the present time: correct it by hand")]
    Ahead,
    /// An ID that is not hexadecimal, or there twice.
    #[error("the ID must be one line `# envcrypt-list: ID`, with 32 hexadecimal digits (0-9, a-f)")]
    Id,
    /// A line about a stolen key without its fingerprint.
    #[error("a stolen key must be a line `# stolen SHA256:FINGERPRINT`, with 43 characters")]
    Stolen,
    /// Somebody else may have the key.
    #[error(
        "the key of `{0}` was stolen, as `# stolen {1}` says: use another key, or remove that line by hand"
    )]
    Returned(String, String),
}

impl Signers {
    /// Reads the text of a file `allowed_signers`.
    ///
    /// # Errors
    /// Returns a [`ListError`] with the number of the line. Everything that is unknown is an
    /// error, so that no line means less than its author believes.
    pub fn parse(text: &str) -> Result<Self, ListError> {
        if text.len() > MAX_SIZE {
            return Err(ListError { line: 1, problem: Problem::Size });
        }
        let mut signers = Self::default();
        let mut owners: HashMap<String, String> = HashMap::new();
        let mut numbers = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let wrong = |problem| ListError { line: index + 1, problem };
            signers.read_comment(line, index + 1).map_err(wrong)?;
            let Some(signer) = Signer::parse(line).map_err(wrong)? else { continue };
            let name = &signer.principal;
            let owner = owners.entry(signer.key.to_string()).or_insert_with(|| name.clone());
            if owner != name {
                return Err(wrong(Problem::Shared(name.clone(), owner.clone())));
            }
            signers.list.push(signer);
            numbers.push(index + 1);
        }
        for (signer, line) in signers.list.iter().zip(numbers) {
            let print = signer.key.fingerprint();
            if signers.stolen.contains(&print) {
                let problem = Problem::Returned(signer.principal.clone(), print);
                return Err(ListError { line, problem });
            }
        }
        Ok(signers)
    }

    /// Checks that the serial is not from the future. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// Returns an error if the serial is more than a day after `now`: no later list could have a
    /// greater one.
    pub fn check_serial(&self, now: u64) -> Result<(), ListError> {
        match self.serial.is_some_and(|serial| serial > now.saturating_add(MAX_AHEAD)) {
            true => Err(ListError { line: self.serial_line, problem: Problem::Ahead }),
            false => Ok(()),
        }
    }

    /// Reads a comment that means something. Each may be there once, except those about keys.
    fn read_comment(&mut self, line: &str, number: usize) -> Result<(), Problem> {
        if let Some(serial) = serial(line)? {
            self.serial_line = number;
            return self.serial.replace(serial).map_or(Ok(()), |_| Err(Problem::Serial));
        }
        let line = line.trim();
        if let Some(id) = line.strip_prefix(ID).map(str::trim) {
            let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            let is_id = id.len() == ID_SIZE && id.bytes().all(is_digit);
            let is_first = self.id.replace(id.to_owned()).is_none();
            return if is_id && is_first { Ok(()) } else { Err(Problem::Id) };
        }
        if let Some(print) = line.strip_prefix(STOLEN) {
            let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
            if print.len() != FINGERPRINT_SIZE || !print.bytes().all(is_digit) {
                return Err(Problem::Stolen);
            }
            self.stolen.insert(format!("SHA256:{print}"));
        }
        Ok(())
    }
}

/// The number in the line, if it is the line with the serial.
fn serial(line: &str) -> Result<Option<u64>, Problem> {
    let Some(number) = line.trim().strip_prefix(SERIAL) else { return Ok(None) };
    let number = number.trim();
    let is_plain = number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse().ok().filter(|_| is_plain).map(Some).ok_or(Problem::Serial)
}

impl Signer {
    /// Reads one line. `None` if it is blank or a comment.
    pub(super) fn parse(line: &str) -> Result<Option<Self>, Problem> {
        if line.chars().any(|c| c.is_control() && c != '\t') {
            return Err(Problem::Control);
        }
        let line = line.trim_matches([' ', '\t']);
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        let (principal, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        if !is_principal(principal) {
            return Err(Problem::Principal);
        }
        let rest = rest.trim_start_matches([' ', '\t']);
        if rest.is_empty() {
            return Err(Problem::NoKey(principal.to_owned()));
        }
        let mut options = Options::default();
        let rest = if is_key(rest) { rest } else { options.read(principal, rest)? };
        let key: PublicKey = rest.parse().map_err(|_| Problem::Key(principal.to_owned()))?;
        if !key.can_sign() {
            return Err(Problem::Weak(principal.to_owned()));
        }
        if let (Some(after), Some(before)) = (options.valid_after, options.valid_before)
            && before <= after
        {
            return Err(Problem::Never(principal.to_owned()));
        }
        Ok(Some(Self {
            principal: principal.to_owned(),
            namespaces: options.namespaces,
            valid_after: options.valid_after,
            valid_before: options.valid_before,
            key,
        }))
    }
}

/// Whether the text is one name. Other alphabets have letters that look like those of ASCII.
pub(super) fn is_principal(text: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_graphic() && !b"*?!,\"'`\\".contains(&byte);
    !text.is_empty() && !text.starts_with('#') && text.bytes().all(is_name)
}

/// Whether a key begins here. No option has such a name.
pub(super) fn is_key(text: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-"].iter().any(|prefix| text.starts_with(prefix))
}

#[derive(Default)]
struct Options {
    namespaces: Option<Vec<String>>,
    valid_after: Option<u64>,
    valid_before: Option<u64>,
}

impl Options {
    /// Reads `NAME="VALUE"`, separated by commas, and returns what follows the space after them.
    fn read<'t>(&mut self, principal: &str, text: &'t str) -> Result<&'t str, Problem> {
        const NAMES: [&str; 3] = ["namespaces", "valid-after", "valid-before"];
        let owner = || principal.to_owned();
        let mut rest = text;
        loop {
            let word = rest.split([' ', '\t', ',', '=']).next().unwrap_or_default();
            // As ssh-keygen does.
            let is = |name: &&&str| word.eq_ignore_ascii_case(name);
            if word.eq_ignore_ascii_case("cert-authority") {
                return Err(Problem::Authority(owner()));
            }
            let option = *NAMES.iter().find(is).ok_or_else(|| Problem::Option(owner()))?;
            let quotes = || Problem::Quotes { principal: owner(), option };
            let value = rest[word.len()..].strip_prefix("=\"").ok_or_else(quotes)?;
            let (value, after) = value.split_once('"').ok_or_else(quotes)?;
            self.set(principal, option, value)?;
            match after.as_bytes().first() {
                Some(b',') => rest = &after[1..],
                Some(b' ' | b'\t') => return Ok(after.trim_start_matches([' ', '\t'])),
                None => return Err(Problem::NoKey(owner())),
                Some(_) => return Err(Problem::Option(owner())),
            }
        }
    }

    fn set(&mut self, principal: &str, option: &'static str, value: &str) -> Result<(), Problem> {
        let owner = || principal.to_owned();
        let seconds = || {
            let seconds = time(value).filter(|seconds| *seconds > 0);
            seconds.ok_or_else(|| Problem::Time { principal: owner(), option })
        };
        let is_known = match option {
            "namespaces" => {
                let names: Vec<String> = value.split(',').map(str::to_owned).collect();
                let is_name = |name: &String| is_principal(name);
                if !names.iter().all(is_name) {
                    return Err(Problem::Namespace(owner()));
                }
                self.namespaces.replace(names).is_some()
            }
            "valid-after" => self.valid_after.replace(seconds()?).is_some(),
            _ => self.valid_before.replace(seconds()?).is_some(),
        };
        match is_known {
            true => Err(Problem::Twice { principal: owner(), option }),
            false => Ok(()),
        }
    }
}

/// Reads `YYYYMMDD[HHMM[SS]][Z]` as seconds since 1970. Without `Z` it is local time.
#[must_use]
pub fn time(text: &str) -> Option<u64> {
    let (digits, zone) = match text.strip_suffix('Z') {
        Some(digits) => (digits, TimeZone::UTC),
        None => (text, TimeZone::system()),
    };
    let is_known_size = matches!(digits.len(), 8 | 12 | 14);
    if !is_known_size || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let pair = |at: usize| digits.get(at..at + 2).map_or(Ok(0), str::parse::<i8>).ok();
    let year: i16 = digits[..4].parse().ok()?;
    let date = Date::new(year, pair(4)?, pair(6)?).ok()?;
    let time = Time::new(pair(8)?, pair(10)?, pair(12)?, 0).ok()?;
    let zoned = DateTime::from_parts(date, time).to_zoned(zone).ok()?;
    u64::try_from(zoned.timestamp().as_second()).ok()
}

/// Writes seconds since 1970 as `YYYYMMDDHHMMSSZ`, the form of `valid-before`.
#[must_use]
pub fn time_text(seconds: u64) -> Option<String> {
    let timestamp = jiff::Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
    Some(timestamp.strftime("%Y%m%d%H%M%SZ").to_string())
}
