//! Templates, and small parts of YAML.

/// Replaces `{{name}}` by its value.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = template.to_owned();
    for (name, value) in values {
        text = text.replace(&format!("{{{{{name}}}}}"), value);
    }
    debug_assert!(!text.contains("{{"), "a value is missing: {text}");
    text
}

/// Writes a text as a YAML scalar: without quotes if every reader takes it as that text.
pub(super) fn scalar(text: &str) -> String {
    const WORDS: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'/');
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-:@+".contains(&b);
    let is_plain = first && text.bytes().all(plain) && !text.ends_with(':');
    if is_plain && !WORDS.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    // A string of JSON is a string of YAML.
    serde_json::Value::from(text).to_string()
}

/// Writes a list of texts as a block, one line each.
pub(super) fn list(texts: &[String]) -> String {
    texts.iter().map(|text| format!("- {}\n", scalar(text))).collect()
}

/// Indents every line that is not empty.
pub(super) fn indent(spaces: usize, text: &str) -> String {
    let margin = " ".repeat(spaces);
    let line = |line: &str| match line {
        "" => "\n".to_owned(),
        line => format!("{margin}{line}\n"),
    };
    text.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scalar_stays_the_text_that_it_is() {
        for text in [
            "secrets",
            "*.*",
            "true",
            "No",
            "123",
            "1e3",
            "0x1f",
            "~",
            "",
            "a: b",
            "a #b",
            "a:",
            "- a",
            "age:ssh-ed25519 AAAA",
            "awskms:///arn:aws:kms:eu-west-1:111122223333:key/a-b",
            "quote\" and \\",
            "/etc/envcrypt/kms.yaml",
            "{a}",
            "on",
        ] {
            for document in
                [format!("k: {}", scalar(text)), format!("{{k: {}, l: 1}}", scalar(text))]
            {
                let value: serde_yaml::Value = serde_yaml::from_str(&document).expect(&document);
                assert_eq!(value["k"].as_str(), Some(text), "{document}");
            }
        }
    }

    #[test]
    fn common_names_have_no_quotes() {
        for text in ["secrets", "gcpkms://projects/p", "/run/envcrypt/kms.sock", "a@sha256:0f"] {
            assert_eq!(scalar(text), text);
        }
    }

    #[test]
    fn empty_lines_are_not_indented() {
        assert_eq!(indent(2, "a\n\nb\n"), "  a\n\n  b\n");
    }
}
