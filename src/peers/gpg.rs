//! The person's own gpg. A file of SOPS can name a PGP key, and anyone can write such a file. So gpg
//! runs only if the person allows it, and its output counts only if it decrypted a message.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

/// The largest message that gpg gets, in bytes. A data key takes less than 1 KB for each recipient.
const MAX_MESSAGE: usize = 64 << 10;
/// The largest output of gpg, in bytes. A data key has 32, and a share of it has 33.
const MAX_OUTPUT: usize = 4 << 10;
/// The largest report of gpg, in bytes.
const MAX_STATUS: usize = 64 << 10;
/// How long gpg may take, with its prompt for a passphrase.
const PATIENCE: Duration = Duration::from_secs(120);

/// Decrypts a message for this key.
pub async fn decrypt(message: &[u8], fingerprint: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    if message.len() > MAX_MESSAGE {
        return Err("the message for `gpg` is too large for a data key".to_owned());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let program = find(&path).ok_or("`gpg` is not in an absolute directory of the PATH")?;
    let mut command = Command::new(program);
    // The log goes nowhere, so standard error has the report alone.
    command.args(["--batch", "--quiet", "--status-fd", "2", "--log-file", "/dev/null"]);
    command.arg("--decrypt").current_dir("/").kill_on_drop(true);
    if let Some(home) = std::env::var_os("GNUPGHOME").filter(|home| !home.is_empty()) {
        let home = std::path::absolute(home).map_err(|error| error.to_string())?;
        command.env("GNUPGHOME", home);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().map_err(|error| format!("`gpg` cannot be run: {error}"))?;
    let run = tokio::time::timeout(PATIENCE, run(child, message));
    let (output, status, is_success) = run
        .await
        .map_err(|_| format!("`gpg` did not end within {} seconds", PATIENCE.as_secs()))??;
    match is_success && !output.is_empty() && is_decrypted(&status, fingerprint) {
        true => Ok(output),
        false => Err("`gpg` has no key that opens it".to_owned()),
    }
}

type Run = (Zeroizing<Vec<u8>>, String, bool);

/// Writes and reads at once. If there is too much output, the child is dropped, and so killed.
async fn run(mut child: Child, message: &[u8]) -> Result<Run, String> {
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
        return Err("`gpg` has no pipes".to_owned());
    };
    let write = async {
        // gpg can end before it has read everything. Then its exit code says so.
        let _ = stdin.write_all(message).await;
        drop(stdin);
        Ok(())
    };
    let ((), output, status) =
        tokio::try_join!(write, read(stdout, MAX_OUTPUT), read(stderr, MAX_STATUS))?;
    let exit = child.wait().await.map_err(|error| format!("`gpg` failed: {error}"))?;
    Ok((output, String::from_utf8_lossy(&status).into_owned(), exit.success()))
}

async fn read(pipe: impl AsyncRead + Unpin, most: usize) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(most + 1));
    let result = pipe.take(most as u64 + 1).read_to_end(&mut bytes).await;
    result.map_err(|error| format!("`gpg` failed: {error}"))?;
    match bytes.len() > most {
        true => Err("`gpg` returned more than a data key".to_owned()),
        false => Ok(bytes),
    }
}

/// Whether gpg reports that it decrypted a message with the private key of this fingerprint.
///
/// gpg also prints the content of a message that nobody encrypted, and that is no error.
fn is_decrypted(status: &str, fingerprint: &str) -> bool {
    let lines: Vec<&str> =
        status.lines().filter_map(|line| line.strip_prefix("[GNUPG:] ")).collect();
    let at = |word: &str| lines.iter().position(|line| line.split(' ').next() == Some(word));
    let is_plaintext = |line: &&&str| line.split(' ').next() == Some("PLAINTEXT");
    let is_inside = match (at("BEGIN_DECRYPTION"), at("PLAINTEXT"), at("END_DECRYPTION")) {
        (Some(begin), Some(plaintext), Some(end)) => begin < plaintext && plaintext < end,
        _ => false,
    };
    let wanted = fingerprint.trim_start_matches("0x").trim_end_matches('!').to_ascii_uppercase();
    let wanted: String = wanted.split_whitespace().collect();
    let is_key = |line: &&str| {
        let fingerprints = line.strip_prefix("DECRYPTION_KEY ").unwrap_or_default();
        !wanted.is_empty() && fingerprints.split(' ').take(2).any(|one| one.ends_with(&wanted))
    };
    is_inside
        && lines.iter().filter(is_plaintext).count() == 1
        && at("DECRYPTION_OKAY").is_some()
        && at("DECRYPTION_FAILED").is_none()
        && lines.iter().any(is_key)
}

/// Finds gpg. An empty or relative entry of the PATH could name a directory of a repository.
fn find(path: &OsStr) -> Option<PathBuf> {
    let is_program = |path: &PathBuf| {
        path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join("gpg")).find(is_program)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789ABCDEF0123456789ABCDEF01234567";

    fn status(lines: &[&str]) -> String {
        lines.iter().map(|line| format!("[GNUPG:] {line}\n")).collect()
    }

    #[test]
    fn only_a_message_that_was_decrypted_with_the_named_key_counts() {
        let key = format!("DECRYPTION_KEY FFFF{KEY} {KEY} u");
        let good =
            ["BEGIN_DECRYPTION", &key, "PLAINTEXT 62 0 ", "DECRYPTION_OKAY", "END_DECRYPTION"];
        assert!(is_decrypted(&status(&good), KEY));
        assert!(is_decrypted(&status(&good), &KEY.to_lowercase()[20..]));
        assert!(!is_decrypted(&status(&good), "99"));
        assert!(!is_decrypted(&status(&good), ""));
        for missing in 0..good.len() {
            let lines = (0..good.len()).filter(|at| *at != missing).map(|at| good[at]);
            let lines: Vec<&str> = lines.collect();
            assert!(!is_decrypted(&status(&lines), KEY), "{}", good[missing]);
        }
        // What `gpg --store` makes, alone or before a message.
        let literal = ["PLAINTEXT 62 0 ", "PLAINTEXT_LENGTH 32"];
        assert!(!is_decrypted(&status(&literal), KEY));
        assert!(!is_decrypted(&status(&[&literal[..], &good[..]].concat()), KEY));
        assert!(!is_decrypted(&status(&good).replace("[GNUPG:] ", "gpg: "), KEY));
    }

    #[test]
    fn relative_entries_of_the_path_are_not_used() {
        let folder = tempfile::tempdir().expect("a directory");
        let program = folder.path().join("gpg");
        std::fs::write(&program, "").expect("a file");
        assert_eq!(find(folder.path().as_os_str()), None);
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("the mode");
        assert_eq!(find(folder.path().as_os_str()), Some(program));
        assert_eq!(find(OsStr::new(".::src")), None);
    }
}
