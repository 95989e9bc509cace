//! The file that holds a configuration.

use sha2::{Digest, Sha256};

use super::Finding;

/// Returns the hash of a configuration file in the form of kube-apiserver: `sha256:` and hex.
///
/// kube-apiserver hashes the bytes of the file as they are. It reports the hash in the metric
/// `apiserver_encryption_config_controller_last_config_info`.
#[must_use]
pub fn hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// Finds what is wrong with the permissions of a configuration file.
///
/// `mode` holds the permission bits, such as `0o600`. `uid` is the owner.
#[must_use]
pub fn check_file(mode: u32, uid: u32) -> Vec<Finding> {
    let mode = mode & 0o7777;
    let mut findings = Vec::new();
    if mode & !0o600 != 0 {
        let text = format!("the mode of the file is {mode:04o}, but must be 0600");
        findings.push(Finding::warning(0, "file-mode", text).with_hint("run `chmod 0600 FILE`"));
    }
    if uid != 0 {
        let text = format!("user {uid} owns the file, not root");
        findings.push(Finding::warning(0, "file-owner", text).with_hint("run `chown root FILE`"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_one_of_kube_apiserver() {
        // printf 'kind: EncryptionConfiguration\n' | sha256sum
        assert_eq!(
            hash(b"kind: EncryptionConfiguration\n"),
            "sha256:7a2a1ce7ad79d54d019bdd9463956a190def4756e7468af12e81ee3a212dc578"
        );
    }

    #[test]
    fn only_root_may_read_the_file() {
        let rules = |mode, uid| -> Vec<_> {
            check_file(mode, uid).iter().map(|finding| finding.rule).collect()
        };
        assert_eq!(rules(0o100_600, 0), [""; 0]);
        assert_eq!(rules(0o400, 0), [""; 0]);
        assert_eq!(rules(0o640, 0), ["file-mode"]);
        assert_eq!(rules(0o700, 0), ["file-mode"]);
        assert_eq!(rules(0o604, 1000), ["file-mode", "file-owner"]);
    }
}
