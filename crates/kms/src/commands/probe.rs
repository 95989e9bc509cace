//! `probe`: what kube-apiserver does, over the socket.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use envcrypt_core::kek::k8skms::protocol::{DecryptRequest, EncryptRequest, Plugin};
use envcrypt_core::kek::{DataKey, innermost};
use tonic::Status;

use crate::failure::Failure;

/// As long as kube-apiserver waits.
const LIMIT: Duration = Duration::from_secs(3);

/// Test a KMS v2 plugin as kube-apiserver uses it: Status, Encrypt, Decrypt.
///
/// The plugin can be of any vendor. The exit code is 0 if all three calls work.
#[derive(clap::Args)]
pub struct Args {
    /// The socket.
    #[arg(long, value_name = "SOCKET", default_value = "/run/envcrypt/kms.sock")]
    socket: PathBuf,
    /// Print nothing if the plugin works.
    #[arg(long, short)]
    quiet: bool,
}

/// Makes the three calls.
///
/// # Errors
/// Returns a [`Failure`] that names the call that does not work.
pub async fn run(args: Args) -> Result<(), Failure> {
    let plugin = Plugin::at(&args.socket, LIMIT);
    let failed = |call: &str, why: &str| {
        Failure::new(format!("`{call}` of the plugin at `{}` fails", args.socket.display()))
            .cause(why)
    };
    let refused = |call: &'static str| move |status: Status| failed(call, &reason(&status));
    let mut lines = String::new();
    let mut tell = |call: &str, began: Instant, what: &str| {
        let millis = began.elapsed().as_secs_f64() * 1000.0;
        lines.push_str(&format!("{call:<7} {millis:>7.1} ms  {what}\n"));
    };

    let began = Instant::now();
    let status = plugin.status().await.map_err(refused("Status"))?;
    if status.version != "v2" && status.version != "v2beta1" {
        return Err(failed("Status", &format!("it speaks `{}`, not `v2`", status.version)));
    }
    if status.healthz != "ok" {
        return Err(failed("Status", &format!("it is not healthy: {}", status.healthz)));
    }
    tell("Status", began, &status.key_id);

    let (seed, uid, began) = (DataKey::generate(), "envcrypt-kms-probe", Instant::now());
    let request = EncryptRequest { plaintext: seed.expose().to_vec(), uid: uid.to_owned() };
    let sealed = plugin.encrypt(request).await.map_err(refused("Encrypt"))?;
    if sealed.key_id != status.key_id {
        return Err(failed("Encrypt", "its key id is not the key id of `Status`"));
    }
    if !(1..=1024).contains(&sealed.ciphertext.len()) {
        return Err(failed("Encrypt", "the ciphertext must have 1 to 1024 bytes"));
    }
    let more: usize = sealed.annotations.iter().map(|(name, value)| name.len() + value.len()).sum();
    tell("Encrypt", began, &format!("{} bytes", sealed.ciphertext.len() + more));

    let began = Instant::now();
    let request = DecryptRequest {
        ciphertext: sealed.ciphertext,
        uid: uid.to_owned(),
        key_id: sealed.key_id,
        annotations: sealed.annotations,
    };
    let opened = plugin.decrypt(request).await.map_err(refused("Decrypt"))?;
    if opened.plaintext != seed.expose() {
        return Err(failed("Decrypt", "it returns another seed"));
    }
    tell("Decrypt", began, "the same seed");
    if !args.quiet {
        let _ = std::io::stdout().write_all(lines.as_bytes());
    }
    Ok(())
}

/// The reason of a refusal. An error of the connection has it at its end.
fn reason(status: &Status) -> String {
    std::error::Error::source(status).map_or_else(|| status.message().to_owned(), innermost)
}
