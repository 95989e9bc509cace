//! Words of a command line that people copy.

/// Quotes a word for a shell, if it needs quotes.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_so_that_a_shell_takes_it_as_it_is() {
        assert_eq!(quoted("deploy/db.yaml"), "deploy/db.yaml");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("a';touch x;'"), "'a'\\'';touch x;'\\'''");
        assert_eq!(quoted("$(x)"), "'$(x)'");
        assert_eq!(quoted(""), "''");
    }
}
