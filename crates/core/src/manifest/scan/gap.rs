//! Gaps: values that a tool fills in later, and the markers that replace them.

use std::ops::RangeInclusive;

/// The characters that replace template expressions. The text contains neither of them.
#[derive(Clone, Copy)]
pub(super) struct Markers {
    /// Replaces an expression.
    pub(super) gap: char,
    /// Replaces an expression that begins with text in quotes.
    pub(super) literal: char,
}

impl Markers {
    /// Takes two private-use characters that the text does not contain.
    fn new(text: &str) -> Self {
        const RANGE: RangeInclusive<char> = '\u{e000}'..='\u{f8ff}';
        let mut is_used = vec![false; RANGE.count()];
        for char in text.chars().filter(|char| RANGE.contains(char)) {
            is_used[char as usize - *RANGE.start() as usize] = true;
        }
        let mut free = RANGE.zip(is_used).filter(|(_, is_used)| !is_used).map(|(char, _)| char);
        // No real text uses all 6400 of them. If one does, values of a text that `kubectl` cannot
        // read count as gaps.
        let mut next = || free.next().unwrap_or(*RANGE.end());
        Self { gap: next(), literal: next() }
    }

    pub(super) fn are_in(self, text: &str) -> bool {
        text.contains([self.gap, self.literal])
    }
}

/// A text with markers instead of expressions. Lines and columns stay the same.
pub(super) struct Replaced {
    text: String,
    /// The index of the first byte of each line.
    starts: Vec<usize>,
    pub(super) markers: Markers,
}

impl Replaced {
    pub(super) fn new(text: &str, markers: Option<Markers>) -> Self {
        let markers = markers.unwrap_or_else(|| Markers::new(text));
        let text = without_expressions(text, markers);
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        let starts = [0].into_iter().chain(starts).collect();
        Self { text, starts, markers }
    }

    /// Returns `count` lines after the first `before` lines. At the end of the text, this
    /// includes a last line without a line break.
    pub(super) fn lines(&self, before: usize, count: usize) -> &str {
        let place = |line: usize| self.starts.get(line).copied().unwrap_or(self.text.len());
        let start = place(before);
        // A document ends where the first line of the next document begins.
        let end = match self.starts.get(before + count + 1) {
            Some(_) => place(before + count),
            None => self.text.len(),
        };
        &self.text[start..end.max(start)]
    }
}

/// Replaces every `{{ … }}` in a text. A line with nothing else becomes empty.
fn without_expressions(text: &str, markers: Markers) -> String {
    // A key in YAML can have at most 1024 characters.
    const LONGEST: usize = 256;
    let mut new = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let Some(length) = rest[start..].find("}}") else { break };
        let expression = &rest[start..start + length + 2];
        new.push_str(&rest[..start]);
        let body = expression[2..].trim_start_matches(['-', ' ']);
        let marker = match body.starts_with(['"', '`']) {
            true => markers.literal,
            false => markers.gap,
        };
        let width = expression.split('\n').next().unwrap_or_default().chars().count();
        new.extend(std::iter::repeat_n(marker, width.min(LONGEST)));
        new.push_str(&"\n".repeat(expression.matches('\n').count()));
        rest = &rest[start + length + 2..];
    }
    new.push_str(rest);
    let line = |line: &str| match line.contains(markers.gap) {
        true if line.replace(markers.gap, "").trim().is_empty() => String::new(),
        _ => line.to_owned(),
    };
    new.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Decides which values are gaps.
pub(super) struct Gaps {
    /// The markers, if the text is a template.
    pub(super) markers: Option<Markers>,
    /// Whether sops has encrypted the document.
    pub(super) is_sops: bool,
}

impl Gaps {
    /// Whether a value is plaintext and not only a gap.
    pub(super) fn is_literal(&self, text: &str) -> bool {
        if text.is_empty() {
            return false;
        }
        let mut text = text.trim();
        if let Some(markers) = self.markers {
            text = text.trim_matches(['"', '\'']);
            if text.is_empty() || markers.are_in(text) {
                return text.contains(markers.literal) || has_literal_password(text, markers);
            }
        }
        !(is_name(text, "${", "}")
            || is_name(text, "${{", "}}")
            || is_expression(text)
            || has_expression_password(text)
            || is_vault_path(text)
            || self.is_sops && is_encrypted(text))
    }
}

/// Whether a text is a variable of OpenShift or envsubst.
fn is_name(text: &str, open: &str, close: &str) -> bool {
    let name = between(text, open, close).unwrap_or_default();
    name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// Whether a text is one expression without text in quotes, which could be the value.
fn is_expression(text: &str) -> bool {
    between(text, "{{", "}}").is_some_and(|body| {
        !body.trim().is_empty()
            && !body.contains("{{")
            && !body.contains("}}")
            && !body.contains(['"', '\'', '`'])
    })
}

/// Whether a text is a path that the Vault plugin of Argo CD looks up.
fn is_vault_path(text: &str) -> bool {
    between(text, "<path:", ">").is_some_and(|path| {
        path.contains('#') && !path.contains(['<', '>']) && !path.contains(char::is_whitespace)
    })
}

/// Whether a text is a value that sops encrypted.
fn is_encrypted(text: &str) -> bool {
    between(text, "ENC[AES256_GCM,data:", "]").is_some_and(|data| !data.contains(['[', ']']))
}

fn between<'t>(text: &'t str, open: &str, close: &str) -> Option<&'t str> {
    text.strip_prefix(open)?.strip_suffix(close)
}

/// Whether a text is an address whose password is only an expression.
fn has_expression_password(text: &str) -> bool {
    let markers = Markers::new(text);
    let replaced = without_expressions(text, markers);
    let password = password(&replaced).unwrap_or_default();
    !replaced.contains(char::is_whitespace)
        && !replaced.contains(markers.literal)
        && !password.is_empty()
        && password.chars().all(|char| char == markers.gap)
}

/// Whether the fixed part of a template value is an address with a plaintext password.
fn has_literal_password(text: &str, markers: Markers) -> bool {
    password(text).is_some_and(|text| !text.contains(markers.gap) && !text.contains("${"))
}

fn password(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let (user, _) = rest.split_once('@')?;
    Some(user.split_once(':')?.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_gaps_are_gaps() {
        let plain = Gaps { markers: None, is_sops: false };
        for gap in [
            "",
            "${P}",
            "${{P_1}}",
            "{{ .Values.x }}",
            " {{x}}\n",
            "<path:a/b#c>",
            "postgres://u:{{ .p }}@h/db",
            "postgres://{{ .u }}:{{ .p }}@h:1/db",
        ] {
            assert!(!plain.is_literal(gap), "{gap}");
        }
        for literal in [
            "x",
            " ",
            "${p}",
            "${P}x",
            "${P:-x}",
            "${1}",
            "${}",
            "$P",
            "{{ \"x\" }}",
            "{{ 'x' }}",
            "{{ `x` }}",
            "{{ a }}{{ b }}",
            "x{{ a }}",
            "{{}}",
            "{{ }}",
            "<path:a>",
            "<path:a b#c>",
            "<x>",
            "ENC[x]",
            "ENC[AES256_GCM,data:x]",
            "__EXPRESSION__",
            "postgres://u:x@{{ .h }}",
            "postgres://u:x{{ .p }}@h",
            "postgres://u:{{ .p }}@h x",
            "postgres://u:{{ \"x\" }}@h",
            "x://u:@h",
        ] {
            assert!(plain.is_literal(literal), "{literal}");
        }
        let sops = Gaps { markers: None, is_sops: true };
        assert!(!sops.is_literal("ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]"));
        assert!(sops.is_literal("ENC[x]"));
    }

    #[test]
    fn markers_are_not_in_the_text() {
        let replaced =
            Replaced::new("\u{e000}\u{e002} {{ x }}: é{{ \"y\" }}\n{{ z\n}}\na{{\n", None);
        assert_eq!((replaced.markers.gap, replaced.markers.literal), ('\u{e001}', '\u{e003}'));
        let expected = format!(
            "\u{e000}\u{e002} {}: é{}\n\n\na{{{{\n",
            "\u{e001}".repeat(7),
            "\u{e003}".repeat(9)
        );
        assert_eq!(replaced.text, expected);
        assert_eq!(replaced.lines(3, 1), "a{{\n");
        assert_eq!(replaced.lines(1, 2), "\n\n");
    }
}
