//! Templates.

/// Replaces each `{{name}}` by its value, which is taken as it is.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut parts = template.split("{{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").expect("a template closes its braces");
        let value = values.iter().find(|(known, _)| *known == name);
        text += value.expect("a template names only values that it gets").1;
        text += rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_no_template() {
        assert_eq!(fill("{{a}}-{{b}}-{{a}}", &[("a", "{{b}}"), ("b", "1")]), "{{b}}-1-{{b}}");
    }
}
