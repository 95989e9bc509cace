//! `inspect`: what a ciphertext tells without any key.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::path::PathBuf;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use envcrypt_core::kek::KekUri;
use envcrypt_core::seed::{Ciphertext, MORE_ANNOTATION, is_part};
use prost::Message;

use crate::config::Config;
use crate::failure::Failure;

/// The maximum size of a value, in bytes: what etcd takes.
const MAX_VALUE: u64 = 8 << 20;
/// What kube-apiserver writes before a value that a KMS v2 plugin encrypts.
const PREFIX: &[u8] = b"k8s:enc:kms:v2:";

/// Show what a value in etcd tells about its keys. No KMS is called.
///
/// The value is what `etcdctl get --print-value-only` prints, or a ciphertext, as bytes or as
/// base64.
#[derive(clap::Args)]
pub struct Args {
    /// The file of the value. `-` means standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// The configuration, which names the KEKs.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What kube-apiserver stores: `EncryptedObject` of `k8s.io/apiserver`.
#[derive(Message)]
struct EncryptedObject {
    #[prost(bytes = "vec", tag = "1")]
    data: Vec<u8>,
    #[prost(string, tag = "2")]
    key_id: String,
    #[prost(bytes = "vec", tag = "3")]
    source: Vec<u8>,
    #[prost(map = "string, bytes", tag = "4")]
    annotations: HashMap<String, Vec<u8>>,
}

/// Prints one line for each thing that is known.
///
/// # Errors
/// Returns a [`Failure`] if the value was not made by this program.
pub fn run(args: &Args) -> Result<(), Failure> {
    let keks: Vec<KekUri> = match &args.config {
        Some(path) => Config::read(path)?.keks.into_iter().map(|kek| kek.uri).collect(),
        None => Vec::new(),
    };
    let bytes = read(args)?;
    let text = describe(&bytes, &keks).or_else(|failure| match bytes.strip_suffix(b"\n") {
        // etcdctl adds a line break.
        Some(bytes) => describe(bytes, &keks).map_err(|_| failure),
        None => Err(failure),
    })?;
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(())
}

fn read(args: &Args) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = match args.file.to_str() {
        Some("-") => std::io::stdin().take(MAX_VALUE).read_to_end(&mut bytes),
        _ => {
            std::fs::File::open(&args.file).and_then(|f| f.take(MAX_VALUE).read_to_end(&mut bytes))
        }
    };
    let failed = |error: std::io::Error| {
        Failure::new(format!("`{}` cannot be read", args.file.display())).cause(error.to_string())
    };
    read.map_err(failed)?;
    let text: Vec<u8> = bytes.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    Ok(BASE64_STANDARD.decode(text).unwrap_or(bytes))
}

fn describe(bytes: &[u8], keks: &[KekUri]) -> Result<String, Failure> {
    let mut text = String::new();
    let sealed = match bytes.strip_prefix(PREFIX) {
        None => Ciphertext::read(bytes),
        Some(rest) => {
            let damaged = || Failure::new("the value is damaged: it ends too early");
            let end = rest.iter().position(|byte| *byte == b':').ok_or_else(damaged)?;
            let object = EncryptedObject::decode(&rest[end + 1..]).map_err(|_| damaged())?;
            let _ = writeln!(
                text,
                "provider: {}",
                String::from_utf8_lossy(&rest[..end]).escape_debug()
            );
            let _ = writeln!(text, "key id:   {}", object.key_id.escape_debug());
            let complete =
                if is_part(&object.key_id) { "no: not every KEK had answered" } else { "yes" };
            let _ = writeln!(text, "complete: {complete}");
            let more = object.annotations.get(MORE_ANNOTATION);
            Ciphertext::read_parts(&object.source, more.map(Vec::as_slice))
        }
    };
    let sealed = sealed.map_err(|error| {
        let plain = bytes.starts_with(b"k8s\0") || bytes.starts_with(b"{");
        let what = if plain { "the value is not encrypted".to_owned() } else { error.to_string() };
        Failure::new(what)
    })?;
    let _ = writeln!(text, "cluster:  {}", sealed.cluster().escape_debug());
    for copy in sealed.copies() {
        let named = keks.iter().find(|kek| copy.is_of(kek)).map(ToString::to_string);
        let kek = named.unwrap_or_else(|| format!("unknown, fingerprint {}", copy.fingerprint()));
        let version = match copy.version() {
            "" => String::new(),
            version => format!(", version {}", version.escape_debug()),
        };
        let _ = writeln!(text, "kek:      {kek}{version}, {} bytes", copy.size());
    }
    Ok(text)
}
