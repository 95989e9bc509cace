//! The text form of a signature, as ssh-keygen writes it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

/// Writes the bytes of a signature as a block with lines of 70 characters, as ssh-keygen does.
#[must_use]
pub fn armor(blob: &[u8]) -> String {
    let base64 = BASE64_STANDARD.encode(blob);
    let mut text = format!("{BEGIN}\n");
    for line in base64.as_bytes().chunks(70) {
        text.push_str(std::str::from_utf8(line).expect("base64 is ASCII"));
        text.push('\n');
    }
    text + END + "\n"
}

/// The bytes of each signature in a file `*.sig`, in turn. `None` for a block that cannot be read.
#[must_use]
pub fn unarmor(text: &str) -> Vec<Option<Vec<u8>>> {
    let mut blobs = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines().map(str::trim_end) {
        match (line, &mut block) {
            (BEGIN, _) => block = Some(String::new()),
            (END, Some(base64)) => {
                blobs.push(BASE64_STANDARD.decode(&*base64).ok());
                block = None;
            }
            (line, Some(base64)) => base64.push_str(line),
            _ => {}
        }
    }
    blobs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_block_is_one_signature() {
        let text =
            format!("{BEGIN}\r\nYWJj\r\nZGVm\r\n{END}\r\n\n{BEGIN}\n?\n{END}\n{BEGIN}\nYWJj\n");
        assert_eq!(unarmor(&text), [Some(b"abcdef".to_vec()), None]);
        assert!(unarmor("").is_empty());
        assert_eq!(unarmor(&armor(&[7; 200])), [Some(vec![7; 200])]);
    }
}
