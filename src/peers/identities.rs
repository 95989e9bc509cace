//! The age identities that SOPS would use. They are read for an import only.

#![cfg(feature = "age")]

use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::Command;
use zeroize::Zeroizing;

use crate::failure::{Failure, PeersError};

/// The variable with identities, one a line.
const KEY: &str = "SOPS_AGE_KEY";
/// The variable with the path of an identity file.
const KEY_FILE: &str = "SOPS_AGE_KEY_FILE";
/// The variable with a command that prints identities.
const KEY_COMMAND: &str = "SOPS_AGE_KEY_CMD";
/// The variable with the path of an SSH private key.
const SSH_FILE: &str = "SOPS_AGE_SSH_PRIVATE_KEY_FILE";

/// The files with identities: those that variables name, and the default file of SOPS.
pub fn files() -> Vec<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let named = [KEY_FILE, SSH_FILE].into_iter().filter_map(variable).map(PathBuf::from);
    let home = || variable("HOME").map(PathBuf::from);
    let base = match variable("XDG_CONFIG_HOME").map(PathBuf::from) {
        Some(base) => Some(base),
        None if cfg!(target_os = "macos") => home().map(|h| h.join("Library/Application Support")),
        None => home().map(|home| home.join(".config")),
    };
    let default = base.map(|base| base.join("sops/age/keys.txt")).filter(|path| path.is_file());
    named.chain(default).collect()
}

/// The identities of variables, each with the name of its variable.
pub async fn texts() -> Result<Vec<(&'static str, Zeroizing<String>)>, Failure> {
    let mut texts = Vec::new();
    if let Some(text) = std::env::var(KEY).ok().filter(|text| !text.trim().is_empty()) {
        texts.push((KEY, Zeroizing::new(text)));
    }
    if let Some(command) = std::env::var(KEY_COMMAND).ok().filter(|text| !text.trim().is_empty()) {
        texts.push((KEY_COMMAND, output(&command).await?));
    }
    Ok(texts)
}

/// The output of a command, which can be a prompt for a password manager.
async fn output(command: &str) -> Result<Zeroizing<String>, Failure> {
    let failed =
        |why: String| Failure::Peers(PeersError::KeyCommand { variable: KEY_COMMAND, why });
    let words = words(command).ok_or_else(|| failed("its quotes do not match".to_owned()))?;
    let [program, args @ ..] = &words[..] else {
        return Err(failed("it is empty".to_owned()));
    };
    let output = Command::new(program).args(args).stderr(Stdio::inherit()).output().await;
    let output = output.map_err(|error| failed(error.to_string()))?;
    let stdout = Zeroizing::new(output.stdout);
    if !output.status.success() {
        return Err(failed(output.status.to_string()));
    }
    let text = std::str::from_utf8(&stdout).map_err(|_| failed("its output is not text".into()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// The words of a command, as a shell takes them apart, without expansions.
fn words(command: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut chars = command.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => word.get_or_insert_default().push(chars.next()?),
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_taken_apart_as_a_shell_does() {
        let split = |text| words(text).map(|words| words.join("|"));
        assert_eq!(split("pass show  age/key").as_deref(), Some("pass|show|age/key"));
        assert_eq!(
            split(r#"op read 'op://a b/c' "d \" e" '' f\ g"#).as_deref(),
            Some("op|read|op://a b/c|d \" e||f g")
        );
        assert_eq!(split("op 'read"), None);
        assert_eq!(split("  ").as_deref(), Some(""));
    }
}
