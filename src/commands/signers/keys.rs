//! Public keys, as people have them: on a line, in a file, or from a server.

use std::io::Read;
use std::path::Path;

use crate::failure::{Failure, SelectError, SignersError};
use crate::terminal;
use envcrypt_core::signature::PublicKey;

/// The most that is read, in bytes.
const MAX_SIZE: u64 = 64 << 10;

/// Reads the keys that the words on the command line mean: a key, `-` for standard input, or a file.
pub fn read(words: &[String]) -> Result<Vec<PublicKey>, Failure> {
    let is_key =
        |word: &String| ["ssh-", "ecdsa-", "sk-"].iter().any(|kind| word.starts_with(kind));
    match words {
        [first, ..] if is_key(first) => parse(&words.join(" "), "the command line"),
        [word] if word == "-" => {
            parse(&text(std::io::stdin(), "standard input")?, "standard input")
        }
        [word] => {
            let path = Path::new(word);
            let file = std::fs::File::open(path).map_err(|source| read_error(word, source))?;
            parse(&text(file, word)?, &format!("`{word}`"))
        }
        _ => Err(Failure::Usage("name one public key, one file, or `-` for standard input".into())),
    }
}

fn read_error(name: &str, source: std::io::Error) -> Failure {
    Failure::Select(SelectError::Read { path: name.into(), source })
}

fn text(source: impl Read, name: &str) -> Result<String, Failure> {
    let mut text = String::new();
    source.take(MAX_SIZE).read_to_string(&mut text).map_err(|source| read_error(name, source))?;
    Ok(text)
}

/// Reads one key a line. A key that cannot sign is left out, if there is another one.
fn parse(text: &str, name: &str) -> Result<Vec<PublicKey>, Failure> {
    let wrong = |line, problem: &str| SignersError::Keys {
        source_name: name.to_owned(),
        line,
        problem: problem.to_owned(),
    };
    if text.contains("PRIVATE KEY-----") {
        return Err(wrong(1, "it is a private key: name the file with `.pub` at the end").into());
    }
    let (mut keys, mut weak) = (Vec::new(), None);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let key: PublicKey =
            line.parse().map_err(|_| wrong(index + 1, "it is not an SSH public key"))?;
        match key.can_sign() {
            true => keys.push(key),
            false => {
                let problem = "its kind of key is unknown or too weak to sign";
                terminal::warn(&format!("line {} of {name} is left out: {problem}", index + 1));
                weak = Some(wrong(index + 1, problem));
            }
        }
    }
    match (keys.is_empty(), weak) {
        (false, _) => Ok(keys),
        (true, Some(weak)) => Err(weak.into()),
        (true, None) => Err(wrong(1, "there is no key").into()),
    }
}
