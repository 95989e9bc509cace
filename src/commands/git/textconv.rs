//! `git textconv`: a file as `git diff` shows it.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::PathBuf;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use clap::Args;
use memchr::memmem;

use crate::access::opener::{OpenArgs, Opener};
use crate::failure::{Failure, SelectError};
use crate::merge::Version;
use crate::session::Session;
use crate::terminal;
use envcrypt_core::envelope::{Jwe, Kind};
use envcrypt_core::kek::KekUri;
use envcrypt_core::manifest::sealed_tokens;
use envcrypt_core::secret::SecretValue;
use envcrypt_core::signature::SshSignature;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Show a file with sealed Secrets in the form that `git diff` compares. Git runs this.
///
/// Each sealed value is replaced by a summary: the time of sealing, the size, an id, the data key,
/// and the KEKs. A new id means a new value or a rotation, and a new data key is common to all
/// values that were sealed together. If only `wrap` or the KEKs change, the Secret was rewrapped.
/// The command works offline and prints no value. All other bytes stay as they are.
#[derive(Args)]
#[command(after_help = "Examples:
  # What `git install` tells Git to run
  kubectl-envcrypt git textconv -- db.yaml

  # Show plaintext values in one diff
  git -c diff.envcrypt.textconv='kubectl-envcrypt git textconv --values --' diff db.yaml")]
pub struct TextconvArgs {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Open the Secrets and show their plaintext values
    #[arg(long)]
    values: bool,
}

/// How the base64 of an SSH signature begins.
const SIGNATURE_MARK: &[u8] = b"U1NIU0lHAAAAA";

/// The plaintext of sealed values, by their digests.
type Values = HashMap<[u8; 32], SecretValue>;

pub async fn run(args: &TextconvArgs, session: &Session) -> Result<(), Failure> {
    // A file can have the name `-`, so this is not standard input.
    let error = |source| SelectError::Read { path: args.file.clone(), source };
    let bytes = std::fs::read(&args.file).map(Zeroizing::new).map_err(error)?;
    let values = match args.values {
        true => open(&bytes, session).await?,
        false => Values::new(),
    };
    Ok(terminal::stdout(&converted(&bytes, &values))?)
}

fn converted(bytes: &[u8], values: &Values) -> Zeroizing<Vec<u8>> {
    // A value in JSON has at most six characters for each of its bytes.
    let plaintext: usize = values.values().map(|value| 6 * value.len() + 16).sum();
    let tokens = sealed_tokens(bytes);
    let summaries: usize = tokens
        .iter()
        .map(|token| 512 + 64 * token.jwe.as_ref().map_or(0, |(_, jwe)| jwe.recipients.len()))
        .sum();
    let capacity = bytes.len() + summaries + plaintext;
    let mut text = Zeroizing::new(Vec::with_capacity(capacity));
    let mut end = 0;
    for token in tokens {
        unsealed(&mut text, &bytes[end..token.range.start]);
        end = token.range.end;
        match &token.jwe {
            Some((kind, jwe)) => match values.get(&jwe.digest()) {
                Some(value) => text.extend_from_slice(shown(value).as_bytes()),
                None => text.extend_from_slice(summary(*kind, jwe).as_bytes()),
            },
            None => {
                let id = hex(&Sha256::digest(&bytes[token.range]), 6);
                text.extend_from_slice(format!("<damaged id={id}>").as_bytes());
            }
        }
    }
    unsealed(&mut text, &bytes[end..]);
    text
}

/// Takes over what is not sealed. Only a signature becomes shorter: the key, and an id.
fn unsealed(text: &mut Vec<u8>, bytes: &[u8]) {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let (mut end, mut seen) = (0, 0);
    for start in memmem::find_iter(bytes, SIGNATURE_MARK) {
        if start < seen {
            continue;
        }
        let run = bytes[start..].iter().take_while(|byte| is_base64(byte)).count();
        seen = start + run;
        let signature = BASE64.decode(&bytes[start..seen]).ok();
        let Some(signature) = signature.and_then(|blob| SshSignature::parse(&blob).ok()) else {
            continue;
        };
        let id = hex(&Sha256::digest(&bytes[start..seen]), 6);
        text.extend_from_slice(&bytes[end..start]);
        let summary = format!("<signature {} id={id}>", signature.key().fingerprint());
        text.extend_from_slice(summary.as_bytes());
        end = seen;
    }
    text.extend_from_slice(&bytes[end..]);
}

/// What tells apart whether a value was changed, rotated or rewrapped.
fn summary(kind: Kind, jwe: &Jwe) -> String {
    let (name, size) = match kind {
        Kind::Seal => ("seal", String::new()),
        Kind::Value => {
            let size = jwe.padded_size();
            ("sealed", format!(" {}..{}B", size.saturating_sub(64), size - 1))
        }
    };
    let mut recipients = Sha256::new();
    let mut keks = Vec::new();
    for wrapped in &jwe.recipients {
        recipients.update(wrapped.kek.as_str());
        recipients.update([0]);
        recipients.update(&wrapped.bytes);
        keks.push(short(&wrapped.kek));
    }
    keks.sort();
    format!(
        "<{name} {}{size} id={} dek={} wrap={} {}>",
        terminal::time(jwe.sealed_at),
        hex(&jwe.digest(), 6),
        hex(&jwe.commitment, 8),
        hex(&recipients.finalize(), 8),
        keks.join(" "),
    )
}

/// The scheme and the end of a URI: all of it would hide the rest of a line. Keys of two projects or
/// vaults can have the same end, so a digest of the whole URI follows.
fn short(kek: &KekUri) -> String {
    let rest = kek.as_str().trim_start_matches(kek.scheme()).trim_start_matches([':', '/']);
    let end: String = match rest.len() {
        0..=20 => rest.to_owned(),
        size => {
            let id = hex(&Sha256::digest(kek.as_str()), 4);
            format!("…{}#{id}", &rest[size - 12..])
        }
    };
    format!("{}:{end}", kek.scheme())
}

fn hex(bytes: &[u8], count: usize) -> String {
    bytes.iter().take(count).fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String");
        text
    })
}

/// A value on one line: text in quotes, other bytes as their number and digest.
fn shown(value: &SecretValue) -> Zeroizing<String> {
    let Ok(text) = std::str::from_utf8(value.expose()) else {
        let id = hex(&Sha256::digest(value.expose()), 6);
        return Zeroizing::new(format!("<binary {}B sha256={id}>", value.len()));
    };
    let mut json = Vec::with_capacity(6 * text.len() + 16);
    serde_json::to_writer(&mut json, text).expect("it is text");
    let json = Zeroizing::new(String::from_utf8(json).expect("JSON is text"));
    match terminal::visible_json(&json) {
        std::borrow::Cow::Owned(text) => Zeroizing::new(text),
        std::borrow::Cow::Borrowed(_) => json,
    }
}

/// Opens the Secrets of a file. One that cannot be opened keeps its summary.
async fn open(bytes: &[u8], session: &Session) -> Result<Values, Failure> {
    let mut values = Values::new();
    let text = std::str::from_utf8(bytes).ok();
    let Some(version) = text.and_then(|text| Version::read(text).ok()) else { return Ok(values) };
    if version.is_empty() {
        return Ok(values);
    }
    let opener = Opener::new(session, &OpenArgs::default())?;
    for secret in version.places().filter_map(|place| version.secret(place)) {
        match opener.open(secret, None).await {
            Ok(mut plain) => {
                for (key, jwe) in &secret.values {
                    values.extend(plain.values.remove(key).map(|value| (jwe.digest(), value)));
                }
            }
            Err(failure) => terminal::warn(&failure.to_string()),
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keks_with_the_same_end_differ_in_the_summary() {
        let kek = |project: &str| {
            let uri = format!(
                "gcpkms://projects/{project}/locations/eu/keyRings/r/cryptoKeys/prod-secrets"
            );
            short(&uri.parse().expect("a KEK"))
        };
        let (one, other) = (kek("ours"), kek("attacker"));
        assert!(one.starts_with("gcpkms:…prod-secrets#"), "{one}");
        assert_eq!(one.len(), other.len());
        assert_ne!(one, other);
    }
}
