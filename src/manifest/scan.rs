//! Every Secret in a text, wherever it stands: in lists, in templates of other
//! objects, between the braces of Helm; and sealed values that stand in none.

use std::ops::Range;

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use serde_yaml::{Mapping, Value};

use super::Object;

/// What stands for an expression that a template puts in later.
const EXPRESSION: &str = "__EXPRESSION__";
/// How the base64 of every sealed value begins, and its JSON.
const SEALED_MARKS: [&str; 2] = ["eyJwcm90ZWN0ZWQiOi", "{\"protected\":\""];

/// A place in a text, each counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// Something found in a text.
pub enum Found {
    /// A Secret with its fields.
    Secret {
        /// The object; none where it has not a Secret's fields.
        object: Option<Box<Object>>,
        /// Where it begins.
        at: Position,
        /// Where each of its keys stands that has a literal value.
        literals: Vec<(String, Position)>,
    },
    /// A sealed value outside a Secret.
    Sealed {
        /// Where.
        at: Position,
    },
}

/// Looks through a text. What is no YAML even without its template expressions is
/// read line by line.
#[must_use]
pub fn scan(text: &str) -> Vec<Found> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut found = Vec::new();
    if let Ok(documents) = MarkedYaml::load_from_str(text) {
        documents.iter().for_each(|document| look(document, &mut found));
        return found;
    }
    let text = without_expressions(text);
    match MarkedYaml::load_from_str(&text) {
        Ok(documents) => documents.iter().for_each(|document| look(document, &mut found)),
        Err(_) => look_at_lines(&text, &mut found),
    }
    found
}

fn look(node: &MarkedYaml<'_>, found: &mut Vec<Found>) {
    let field = |name: &str| node.data.as_mapping_get(name).and_then(|value| value.data.as_str());
    if field("apiVersion") == Some("v1") && field("kind") == Some("Secret") {
        return found.push(secret(node));
    }
    if let Some(mapping) = node.data.as_mapping() {
        mapping.values().for_each(|value| look(value, found));
    }
    node.data.as_vec().into_iter().flatten().for_each(|item| look(item, found));
    if node.data.as_str().is_some_and(is_sealed) {
        found.push(Found::Sealed { at: position(node) });
    }
}

fn is_sealed(text: &str) -> bool {
    SEALED_MARKS.iter().any(|mark| text.starts_with(mark))
}

fn secret(node: &MarkedYaml<'_>) -> Found {
    let mut literals = Vec::new();
    for data in ["data", "stringData"].iter().filter_map(|name| node.data.as_mapping_get(name)) {
        for (key, value) in data.data.as_mapping().into_iter().flatten() {
            let key_text = key.data.as_str().unwrap_or_default();
            if is_literal(value) {
                literals.push((key_text.to_owned(), position(key)));
            }
        }
    }
    let object = serde_yaml::from_value(value(node)).ok();
    Found::Secret { object, at: position(node), literals }
}

/// Whether it is more than a gap to be filled later.
fn is_literal(value: &MarkedYaml<'_>) -> bool {
    match value.data.as_str() {
        Some(text) => is_literal_text(text),
        None => !value.data.is_null(),
    }
}

fn is_literal_text(text: &str) -> bool {
    let text = text.trim();
    // OpenShift's parameters, and what envsubst fills in.
    let is_parameter = text.starts_with("${") && text.ends_with('}');
    !text.is_empty() && !text.contains(EXPRESSION) && !is_parameter
}

fn position(node: &MarkedYaml<'_>) -> Position {
    Position { line: node.span.start.line(), column: node.span.start.col() + 1 }
}

/// As serde reads it.
fn value(node: &MarkedYaml<'_>) -> Value {
    match &node.data {
        YamlData::Mapping(mapping) => {
            let entries = mapping.iter().map(|(k, v)| (value(k), value(v)));
            Value::Mapping(entries.collect::<Mapping>())
        }
        YamlData::Sequence(items) => Value::Sequence(items.iter().map(value).collect()),
        YamlData::Tagged(_, node) => value(node),
        YamlData::Value(Scalar::String(text)) => Value::String(text.to_string()),
        YamlData::Value(Scalar::Boolean(truth)) => Value::Bool(*truth),
        YamlData::Value(Scalar::Integer(number)) => Value::Number((*number).into()),
        YamlData::Value(Scalar::FloatingPoint(number)) => Value::Number(number.0.into()),
        _ => Value::Null,
    }
}

/// The text with `{{ … }}` taken out, line for line: where a line holds nothing
/// else, it becomes empty.
fn without_expressions(text: &str) -> String {
    let mut new = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(Range { start, end }) = expression(rest) {
        let (before, after) = (&rest[..start], &rest[end..]);
        let line_before = before.rsplit('\n').next().unwrap_or("");
        let starts_line = line_before.trim().is_empty() && !new.ends_with(EXPRESSION);
        let line_after = after.split('\n').next().unwrap_or("");
        let is_alone = starts_line && expression_free(line_after).trim().is_empty();
        new.push_str(before);
        match is_alone {
            true => new.push_str(&"\n".repeat(rest[start..end].matches('\n').count())),
            false => new.push_str(EXPRESSION),
        }
        rest = after;
    }
    new.push_str(rest);
    new
}

fn expression(text: &str) -> Option<Range<usize>> {
    let start = text.find("{{")?;
    Some(start..start + text[start..].find("}}")? + 2)
}

fn expression_free(line: &str) -> String {
    let mut line = line.to_owned();
    while let Some(range) = expression(&line) {
        line.replace_range(range, "");
    }
    line
}

/// Secrets by what single lines look like: `kind: Secret` and, in the same
/// document, keys with values below `data:` or `stringData:`.
fn look_at_lines(text: &str, found: &mut Vec<Found>) {
    let mut number = 0;
    for document in text.split("\n---") {
        let lines: Vec<&str> = document.split('\n').collect();
        let bare = |line: &str| line.trim().trim_start_matches("- ").replace(['"', '\'', ','], "");
        if let Some(index) = lines.iter().position(|line| bare(line) == "kind: Secret") {
            let at = Position { line: number + index + 1, column: indent(lines[index]) + 1 };
            let literals = literals(&lines, number);
            found.push(Found::Secret { object: None, at, literals });
        }
        number += lines.len();
    }
}

fn literals(lines: &[&str], before: usize) -> Vec<(String, Position)> {
    let mut literals = Vec::new();
    let mut below = None;
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let indent = indent(line);
        if below.is_some_and(|data| indent <= data) {
            below = None;
        }
        match line.trim().split_once(':') {
            Some(("data" | "stringData", "")) => below = Some(indent),
            Some((key, value)) if below.is_some() && is_literal_text(value) => {
                let at = Position { line: before + index + 1, column: indent + 1 };
                literals.push((key.to_owned(), at));
            }
            _ => {}
        }
    }
    literals
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `line:column key` of every literal value.
    fn literals(text: &str) -> Vec<String> {
        let of = |found| match found {
            Found::Secret { literals, .. } => literals
                .into_iter()
                .map(|(key, at)| format!("{}:{} {key}", at.line, at.column))
                .collect(),
            Found::Sealed { at } => vec![format!("{}:{} sealed", at.line, at.column)],
        };
        scan(text).into_iter().flat_map(|found: Found| -> Vec<String> { of(found) }).collect()
    }

    #[test]
    fn secrets_are_found_wherever_they_stand() {
        for (text, expected) in [
            (
                "a: 1\n---\napiVersion: v1\nkind: Secret\ndata:\n  k: eA==\n  e: ''\nstringData: {l: x}\n",
                &["6:3 k", "8:14 l"][..],
            ),
            (
                "kind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  data: {k: eA==}\n",
                &["5:10 k"],
            ),
            (
                "kind: Template\nobjects:\n- {apiVersion: v1, kind: Secret, stringData: {p: '${P}', q: fixed}}\n",
                &["3:58 q"],
            ),
            (
                "[{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"data\":{\"k\":\"eA==\"}}]",
                &["1:45 k"],
            ),
            ("apiVersion: v1\nkind: Secret\n", &[]),
            ("kind: ConfigMap\ndata:\n  k: eyJwcm90ZWN0ZWQiOiJ4In0=\n", &["3:6 sealed"]),
        ] {
            assert_eq!(literals(text), expected, "{text}");
        }
    }

    #[test]
    fn templates_are_looked_through() {
        let helm = "{{- if .Values.secret }}\napiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ .Release.Name }}-db\n  labels:\n    {{- include \"labels\" . | nindent 4 }}\ndata:\n  {{- range $k, $v := .Values.all }}\n  {{ $k }}: {{ $v | b64enc }}\n  {{- end }}\n  user: {{ .Values.user | b64enc | quote }}\n  password: aHVudGVyMg==\n{{- end }}\n";
        assert_eq!(literals(helm), ["13:3 password"]);
        // No YAML even so.
        let broken = format!(
            "{helm}---\n  : : {{\nkind: Secret\nstringData:\n  a: b\n  c: {{{{ d }}}}\nother:\n  e: f\n"
        );
        assert_eq!(literals(&broken), ["13:3 password", "19:3 a"]);
    }
}
