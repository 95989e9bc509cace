//! Makes text from files, servers and directories safe to print: it cannot control the terminal or
//! change the order of what is shown.

use std::borrow::Cow;

/// Escapes every character that is not visible itself: control characters, characters that change
/// the writing direction (Unicode TR 9), and characters of zero width. An escape looks like
/// `\u{202e}`.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    match text.chars().any(is_hidden) {
        false => Cow::Borrowed(text),
        true => Cow::Owned(text.chars().fold(String::with_capacity(text.len()), escape)),
    }
}

/// Escapes the same characters in JSON with JSON's own escapes, so that it reads back the same.
#[must_use]
pub fn visible_json(json: &str) -> Cow<'_, str> {
    let is_hidden = |c: char| c != '\n' && is_hidden(c);
    if !json.chars().any(is_hidden) {
        return Cow::Borrowed(json);
    }
    let mut text = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match is_hidden(c) {
            true => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                text += &format!("\\u{unit:04x}");
            }),
            false => text.push(c),
        }
    }
    Cow::Owned(text)
}

fn escape(mut text: String, c: char) -> String {
    match c {
        '\n' | '\r' | '\t' => text.extend(c.escape_default()),
        c if is_hidden(c) => text.extend(c.escape_unicode()),
        c => text.push(c),
    }
    text
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_a_terminal_or_turns_the_text() {
        assert_eq!(visible("über 密码 \u{1f511}"), "über 密码 \u{1f511}");
        for (text, expected) in [
            ("a\nb\u{1b}[2J", "a\\nb\\u{1b}[2J"),
            ("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}"),
            ("x\u{202e}y\u{2066}", "x\\u{202e}y\\u{2066}"),
            ("a\u{200b}b\u{feff}", "a\\u{200b}b\\u{feff}"),
        ] {
            assert_eq!(visible(text), expected);
        }
    }

    #[test]
    fn json_reads_back_the_same() {
        let value = serde_json::json!({ "a\u{9b}": "\u{202e}\u{7f}\u{e0041}é" });
        let text = serde_json::to_string_pretty(&value).expect("JSON");
        let safe = visible_json(&text);
        assert!(!safe.chars().any(|c| c != '\n' && is_hidden(c)), "{safe}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).expect("JSON"), value);
    }
}
