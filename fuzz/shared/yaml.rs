//! YAML that means the same in another form.

use serde_yaml::Value;

/// The value of a text, and the text that has it without anchors, comments and quotes. `None` if it
/// can mean something else there.
pub fn in_another_form(text: &str) -> Option<(Value, String)> {
    let value: Value = serde_yaml::from_str(text).ok()?;
    let other = serde_yaml::to_string(&value).ok()?;
    // A tag decides what a word is, and the writer spells it in another way.
    (!text.contains('!') && is_normal(&value, text)).then_some((value, other))
}

/// Whether each number and boolean is written as the writer writes it. Where text is wanted, another
/// form is another text.
fn is_normal(value: &Value, text: &str) -> bool {
    match value {
        Value::Bool(_) => {
            !["True", "TRUE", "False", "FALSE"].iter().any(|word| text.contains(word))
        }
        Value::Number(number) => number.is_u64() && text.contains(&number.to_string()),
        Value::Sequence(items) => items.iter().all(|item| is_normal(item, text)),
        Value::Mapping(map) => {
            map.iter().all(|(name, item)| is_normal(name, text) && is_normal(item, text))
        }
        _ => true,
    }
}
