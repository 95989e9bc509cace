//! `inspect`: shows what everyone can see in a sealed Secret, without a KMS.

use std::fmt::Write;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::ages::age;
use crate::failure::Failure;
use crate::select::files::{FileArgs, LiveArgs, sealed_secrets};
use crate::session::Session;
use crate::terminal;
use envcrypt_core::envelope::{AuthorSignature, Jwe, SealCheck, SealedSecret, now};
use envcrypt_core::secret::Key;

/// Show keys, sizes, KEKs and scope of a sealed Secret without opening it.
///
/// The command shows what everyone can see: keys, sizes, the time of sealing, KEKs, and the scope
/// and the age of each value. `rotate` does not make a value younger. It calls no KMS, so it cannot verify that the values are intact.
#[derive(Args)]
#[command(
    override_usage = "kubectl envcrypt inspect NAME [flags]\n       kubectl envcrypt inspect -f FILE [flags]",
    after_help = "Examples:
  # Show a Secret in the cluster
  kubectl envcrypt inspect db -n prod

  # Show the sealed Secrets of a directory
  kubectl envcrypt inspect -R -f deploy/

  # Print all sealed Secrets of the cluster as JSON
  kubectl envcrypt inspect -A -o json

  # Verify the first signature of a Secret without this plugin
  kubectl envcrypt inspect -f db.yaml -o statement >statement
  kubectl envcrypt inspect -f db.yaml -o signature >statement.sig
  ssh-keygen -Y verify -f allowed_signers -I alice@example.com -n secret@envcrypt.dev -s statement.sig <statement"
)]
pub struct InspectArgs {
    #[command(flatten)]
    live: LiveArgs,
    #[command(flatten)]
    files: FileArgs,
    /// Output format
    #[arg(short, long, value_enum, default_value = "table", help_heading = "Output")]
    output: Output,
    /// Print this signature with `-o signature`, or what it signs with `-o statement`
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16), help_heading = "Output")]
    signature: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
    /// What a signature is over, byte for byte
    Statement,
    /// A signature, as ssh-keygen reads it
    Signature,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    namespace: String,
    name: String,
    r#type: String,
    immutable: bool,
    keks: Vec<String>,
    keys: Vec<KeyView>,
    seal: SealView,
    signatures: Vec<SignatureView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyView {
    key: String,
    /// The value has at least this many bytes,
    min_size: usize,
    /// and at most this many.
    max_size: usize,
    sealed_at: String,
    /// When this very value was first sealed.
    born_at: String,
    /// The same as an age.
    #[serde(skip)]
    age: String,
    scope: String,
    keks: Vec<String>,
    /// Why the plugin would refuse the value; absent if it finds no problem offline.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SealView {
    present: bool,
    /// Always false: to check the seal, a KEK is needed.
    checked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SignatureView {
    /// The fingerprint of the key, as `ssh-keygen -l` shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Why the signature does not count; absent if it matches. Who has the key is not known here.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

pub async fn run(args: InspectArgs, session: &Session) -> Result<(), Failure> {
    let (secrets, rest) =
        sealed_secrets(session, &args.files, &args.live, SealCheck::Required).await?;
    if !rest.is_empty() {
        return Err(Failure::Usage("`inspect` takes one NAME, or files with `-f`".to_owned()));
    }
    if matches!(args.output, Output::Statement | Output::Signature) {
        let [found] = &secrets[..] else {
            return Err(Failure::Usage("name one Secret for this output".to_owned()));
        };
        return Ok(terminal::stdout(&raw(&args, &found.secret)?)?);
    }
    let views: Vec<View> = secrets.iter().map(|found| view(&found.secret)).collect();
    let text = match (args.output, &views[..]) {
        (Output::Table, _) => views.iter().map(table).collect::<Vec<_>>().join("\n"),
        (_, [view]) => json(view),
        (_, views) => json(&views),
    };
    Ok(terminal::stdout(text.as_bytes())?)
}

/// A signature, or the bytes that it is over. Without signatures, what a new one would be over.
fn raw(args: &InspectArgs, secret: &SealedSecret) -> Result<Vec<u8>, Failure> {
    let number = usize::from(args.signature);
    let place = &secret.meta.place;
    let missing = || Failure::Usage(format!("the Secret `{place}` has no signature {number}"));
    match (secret.signatures.get(number - 1), args.output) {
        (Some(signature), Output::Signature) => Ok(signature.armored().into_bytes()),
        (Some(signature), _) => secret.statement_of(signature).ok_or_else(|| {
            Failure::Usage(format!("signature {number} of the Secret `{place}` is over labels or annotations that are not there any more"))
        }),
        (None, Output::Statement) if number == 1 => {
            let statement = secret.statement().ok_or_else(|| {
                Failure::Usage(format!("the Secret `{place}` has no seal, so there is nothing to sign"))
            })?;
            Ok(statement.bytes().to_vec())
        }
        (None, _) => Err(missing()),
    }
}

fn json(value: &impl Serialize) -> String {
    let json = serde_json::to_string_pretty(value).expect("a view is plain text");
    terminal::visible_json(&json).into_owned() + "\n"
}

fn view(secret: &SealedSecret) -> View {
    let place = &secret.meta.place;
    let misplaced = |key: Option<&Key>, jwe: &Jwe| {
        (!jwe.binding.holds_at(place, key)).then(|| format!("sealed for {}", jwe.binding))
    };
    let key = |(key, jwe): (&Key, &Jwe)| KeyView {
        key: key.to_string(),
        min_size: jwe.padded_size().saturating_sub(64),
        max_size: jwe.padded_size() - 1,
        sealed_at: terminal::time(jwe.sealed_at),
        born_at: terminal::time(jwe.born()),
        age: terminal::age(age(jwe, now())),
        scope: jwe.binding.scope().map_or_else(String::new, |scope| scope.to_string()),
        keks: jwe.recipients.iter().map(|wrapped| wrapped.kek.to_string()).collect(),
        problem: misplaced(Some(key), jwe),
    };
    let seal = secret.seal.as_ref();
    View {
        namespace: place.namespace.to_string(),
        name: place.name.to_string(),
        r#type: secret.meta.kind.to_string(),
        immutable: secret.meta.immutable,
        keks: secret.keks().into_iter().map(ToString::to_string).collect(),
        keys: secret.values.iter().map(key).collect(),
        seal: SealView {
            present: seal.is_some(),
            checked: false,
            sealed_at: seal.map(|jwe| terminal::time(jwe.sealed_at)),
            problem: match seal {
                None => Some("missing".to_owned()),
                Some(jwe) => misplaced(None, jwe),
            },
        },
        signatures: secret
            .signatures
            .iter()
            .map(|signature| signature_view(secret, signature))
            .collect(),
    }
}

fn signature_view(secret: &SealedSecret, signature: &AuthorSignature) -> SignatureView {
    SignatureView {
        key: signature.key().map(|key| key.fingerprint()),
        problem: secret.signer(signature).err().map(|refused| refused.to_string()),
    }
}

fn table(view: &View) -> String {
    let mut text = format!("{}/{}\n", view.namespace, view.name);
    let mut line = |name: &str, value: &str| {
        writeln!(text, "  {name:<10} {}", terminal::visible(value)).expect("a String");
    };
    line("type", &view.r#type);
    if view.immutable {
        line("immutable", "yes");
    }
    for kek in &view.keks {
        line("kek", kek);
    }
    let seal = match &view.seal.problem {
        Some(problem) => format!("PROBLEM: {problem}"),
        None => "present; it is checked when the Secret is opened".to_owned(),
    };
    line("seal", &seal);
    for signature in &view.signatures {
        let key = signature.key.as_deref().unwrap_or("of an unknown form");
        let problem = signature.problem.as_ref();
        let problem = problem.map_or_else(String::new, |problem| format!("  PROBLEM: {problem}"));
        line("signature", &format!("{key}{problem}"));
    }
    let width = view.keys.iter().map(|key| key.key.len()).max().unwrap_or(0).max(3);
    let mut row = |[key, size, scope, sealed, age, problem]: [&str; 6]| {
        let row =
            format!("  {key:<width$}  {size:<15}  {scope:<9}  {sealed:<20}  {age:<6}  {problem}");
        writeln!(text, "{}", row.trim_end()).expect("a String");
    };
    row(["KEY", "BYTES", "SCOPE", "SEALED", "AGE", ""]);
    for key in &view.keys {
        let size = match key.min_size {
            0 => format!("up to {}", key.max_size),
            least => format!("{least} to {}", key.max_size),
        };
        let problem = key.problem.as_ref().map_or_else(String::new, |p| format!("PROBLEM: {p}"));
        row([&key.key, &size, &key.scope, &key.sealed_at, &key.age, &problem]);
    }
    text
}
