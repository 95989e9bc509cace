//! Random values that nobody sees: `--generate KEY[=LENGTH[:ALPHABET]]`.

use std::str::FromStr;

use thiserror::Error;
use zeroize::Zeroizing;

use envcrypt_core::secret::{Key, NameError, SecretValue, random_bytes};

const DEFAULT_LENGTH: usize = 32;
const MAX_LENGTH: usize = 4096;

const DIGITS: &str = "0123456789";
const HEX: &str = "0123456789abcdef";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const SYMBOLS: &str =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#%&()*+,-./:;<=>?@[]^_{|}~";

/// Why a `--generate` was refused. It quotes only the key, because someone may have typed a
/// value there.
#[derive(Debug, Error)]
pub enum GenerateError {
    /// The key is not valid.
    #[error(transparent)]
    Key(#[from] NameError),
    /// The length is not a number from 1 to 4096.
    #[error("the length of a generated value must be a number from 1 to {MAX_LENGTH}")]
    Length,
    /// The name of the alphabet is not known.
    #[error("the alphabet must be alnum, hex, digits, lower or symbols")]
    Alphabet,
}

/// A value to generate: its key, its length in characters, and its alphabet.
#[derive(Debug, Clone)]
pub struct Generate {
    /// The key of the value.
    pub key: Key,
    length: usize,
    alphabet: &'static str,
}

impl FromStr for Generate {
    type Err = GenerateError;

    fn from_str(text: &str) -> Result<Self, GenerateError> {
        let (key, rest) = text.split_once('=').map_or((text, ""), |(key, rest)| (key, rest));
        let (length, alphabet) = rest.split_once(':').unwrap_or((rest, "alnum"));
        let length = match length {
            "" => DEFAULT_LENGTH,
            digits => digits
                .parse()
                .ok()
                .filter(|n| (1..=MAX_LENGTH).contains(n))
                .ok_or(GenerateError::Length)?,
        };
        let alphabet = match alphabet {
            "alnum" => ALNUM,
            "hex" => HEX,
            "digits" => DIGITS,
            "lower" => LOWER,
            "symbols" => SYMBOLS,
            _ => return Err(GenerateError::Alphabet),
        };
        Ok(Self { key: key.parse()?, length, alphabet })
    }
}

impl Generate {
    /// Generates the value. Each character of the alphabet is equally likely.
    #[must_use]
    pub fn value(&self) -> SecretValue {
        let alphabet = self.alphabet.as_bytes();
        // The largest multiple of the alphabet's size that fits a byte. Bytes at or above it are
        // discarded, because they would make the first characters more likely.
        let fair = 256 - 256 % alphabet.len();
        let mut value = Zeroizing::new(Vec::with_capacity(self.length));
        let mut pool = Zeroizing::new([0u8; 64]);
        while value.len() < self.length {
            random_bytes(&mut *pool);
            let room = self.length - value.len();
            let drawn = pool.iter().map(|b| usize::from(*b)).filter(|b| *b < fair);
            value.extend(drawn.take(room).map(|b| alphabet[b % alphabet.len()]));
        }
        SecretValue::from(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_and_alphabet() {
        for (text, length, alphabet) in
            [("k", 32, ALNUM), ("k=7", 7, ALNUM), ("k=64:hex", 64, HEX), ("k=:digits", 32, DIGITS)]
        {
            let value = text.parse::<Generate>().ok().map(|g| g.value()).expect(text);
            assert_eq!(value.len(), length, "{text}");
            assert!(value.expose().iter().all(|b| alphabet.as_bytes().contains(b)), "{text}");
        }
        for bad in ["", "k=0", "k=4097", "k=x", "k=8:emoji", "a/b=8"] {
            assert!(bad.parse::<Generate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_character_is_drawn_and_no_two_values_are_alike() {
        let generate: Generate = "k=4096:symbols".parse().expect("valid");
        let (one, two) = (generate.value(), generate.value());
        assert!(!one.same_as(&two));
        assert!(SYMBOLS.bytes().all(|b| one.expose().contains(&b)));
    }
}
