//! Every Secret in a text, wherever it stands: in lists, in templates of other
//! objects, between the braces of Helm; and sealed values that stand in none.

use std::borrow::Cow;

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use serde_yaml::{Mapping, Value};

use super::{LAST_APPLIED_ANNOTATION, Object, SEALED_TYPE};

/// What stands for an expression that a template puts in later.
const EXPRESSION: &str = "__EXPRESSION__";
/// How the base64 of every sealed value begins, and its JSON.
const SEALED_MARKS: [&str; 2] = ["eyJwcm90ZWN0ZWQiOi", "{\"protected\":\""];
/// The most JSON, in bytes, whose places are told to the line.
const MAX_PLACED: usize = 4 << 20;

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
    /// A Secret.
    Secret(Box<FoundSecret>),
    /// A sealed value outside a Secret.
    Sealed(Position),
    /// What speaks of a Secret, and cannot be read even line by line.
    Unreadable(Position),
}

/// A Secret of any form.
pub struct FoundSecret {
    /// The object; none where it has not a Secret's fields, or they are templates.
    pub object: Option<Object>,
    /// Whether its type says that it is sealed.
    pub is_sealed: bool,
    /// Where it begins.
    pub at: Position,
    /// Where each literal value stands, with its key where that is known.
    pub literals: Vec<(Option<String>, Position)>,
}

/// Looks through a text, each of its documents by itself.
#[must_use]
pub fn scan(text: &str) -> Vec<Found> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut found = Vec::new();
    if text.trim_start().starts_with(['{', '[']) && scan_json(text, &mut found) {
        return found;
    }
    let text = match text.contains("{{") {
        true => Cow::Owned(without_expressions(text)),
        false => Cow::Borrowed(text),
    };
    for (before, document) in documents(&text) {
        match MarkedYaml::load_from_str(document) {
            Ok(nodes) => nodes
                .iter()
                .for_each(|node| Look { before, fixed: None, found: &mut found }.at(node)),
            Err(_) => look_at_lines(before, document, &mut found),
        }
    }
    found
}

/// JSON that no YAML reader takes, several objects one after the other, or that is
/// too large for one that tells every place. Says whether it is JSON of this sort.
fn scan_json(text: &str, found: &mut Vec<Found>) -> bool {
    if text.len() <= MAX_PLACED && MarkedYaml::load_from_str(text).is_ok() {
        return false;
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>();
    let (mut line, mut end) = (1, 0);
    let mut all = Vec::new();
    while let Some(value) = values.next() {
        let Ok(value) = value else { return false };
        let piece = &text[end..values.byte_offset()];
        let blank = piece.len() - piece.trim_start().len();
        let before = line + piece[..blank].matches('\n').count();
        all.push((before, value));
        line += piece.matches('\n').count();
        end = values.byte_offset();
    }
    for (line, value) in all {
        let text = value.to_string();
        let nodes = MarkedYaml::load_from_str(&text).unwrap_or_default();
        // Where each object begins is all that is known.
        let fixed = Some(Position { line, column: 1 });
        nodes.iter().for_each(|node| Look { before: 0, fixed, found }.at(node));
    }
    true
}

/// The documents of a text, with how many lines stand before each.
fn documents(text: &str) -> Vec<(usize, &str)> {
    let (mut documents, mut start, mut at, mut before) = (Vec::new(), 0, 0, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let is_mark = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']));
        if is_mark && at > start {
            documents.push((before, &text[start..at]));
            (start, before) = (at, number);
        }
        at += line.len();
    }
    documents.push((before, &text[start..]));
    documents
}

/// Looks at the nodes of a document that has lines before it.
struct Look<'a> {
    before: usize,
    /// Where all of it is said to be.
    fixed: Option<Position>,
    found: &'a mut Vec<Found>,
}

impl Look<'_> {
    fn at(&mut self, node: &MarkedYaml<'_>) {
        match (text_at(node, "apiVersion"), text_at(node, "kind")) {
            (Some("v1"), Some("Secret")) => return self.secret(node),
            (Some("v1"), Some("SecretList")) => {
                let items = node.data.as_mapping_get("items").and_then(|items| items.data.as_vec());
                return items.into_iter().flatten().for_each(|item| self.secret(item));
            }
            _ => {}
        }
        if let Some(mapping) = node.data.as_mapping() {
            for (key, value) in mapping {
                match key.data.as_str() {
                    Some("secretGenerator") => self.generators(value),
                    _ => self.at(value),
                }
            }
        }
        node.data.as_vec().into_iter().flatten().for_each(|item| self.at(item));
        if node.data.as_str().is_some_and(is_sealed) {
            let at = self.position(node);
            self.found.push(Found::Sealed(at));
        }
    }

    fn secret(&mut self, node: &MarkedYaml<'_>) {
        let mut literals = Vec::new();
        let field = |name| node.data.as_mapping_get(name).and_then(|data| data.data.as_mapping());
        for (key, value) in ["data", "stringData"].into_iter().filter_map(field).flatten() {
            if is_literal(value) {
                literals.push((key.data.as_str().map(str::to_owned), self.position(key)));
            }
        }
        let annotations = node
            .data
            .as_mapping_get("metadata")
            .and_then(|metadata| metadata.data.as_mapping_get("annotations"));
        if let Some(copy) =
            annotations.and_then(|all| all.data.as_mapping_get(LAST_APPLIED_ANNOTATION))
            && copy.data.as_str().is_some_and(|text| {
                text.contains("ata\":{\"") && !SEALED_MARKS.iter().any(|mark| text.contains(mark))
            })
        {
            literals.push((Some(LAST_APPLIED_ANNOTATION.to_owned()), self.position(copy)));
        }
        let is_template = text_of(node).contains(EXPRESSION);
        self.found.push(Found::Secret(Box::new(FoundSecret {
            object: (!is_template).then(|| serde_yaml::from_value(value(node)).ok()).flatten(),
            is_sealed: text_at(node, "type") == Some(SEALED_TYPE),
            at: self.position(node),
            literals,
        })));
    }

    /// Kustomize's, which make Secrets of literals.
    fn generators(&mut self, node: &MarkedYaml<'_>) {
        for generator in node.data.as_vec().into_iter().flatten() {
            let literals = generator.data.as_mapping_get("literals");
            let literals = literals.and_then(|all| all.data.as_vec()).into_iter().flatten();
            let key = |text: &str| text.split_once('=').map(|(key, _)| key.to_owned());
            let found = literals
                .filter(|literal| is_literal(literal))
                .map(|literal| (literal.data.as_str().and_then(key), self.position(literal)))
                .collect();
            let at = self.position(generator);
            let secret = FoundSecret { object: None, is_sealed: false, at, literals: found };
            self.found.push(Found::Secret(Box::new(secret)));
        }
    }

    fn position(&self, node: &MarkedYaml<'_>) -> Position {
        let start = node.span.start;
        let at = Position { line: self.before + start.line(), column: start.col() + 1 };
        self.fixed.unwrap_or(at)
    }
}

fn text_at<'n>(node: &'n MarkedYaml<'_>, name: &str) -> Option<&'n str> {
    node.data.as_mapping_get(name).and_then(|value| value.data.as_str())
}

/// Its name and namespace, one behind the other.
fn text_of(node: &MarkedYaml<'_>) -> String {
    let Some(metadata) = node.data.as_mapping_get("metadata") else { return String::new() };
    ["name", "namespace"].into_iter().filter_map(|name| text_at(metadata, name)).collect()
}

fn is_sealed(text: &str) -> bool {
    SEALED_MARKS.iter().any(|mark| text.starts_with(mark))
}

/// Whether it is more than a gap to be filled later.
fn is_literal(value: &MarkedYaml<'_>) -> bool {
    match value.data.as_str() {
        Some(text) => is_literal_text(text),
        None => !value.data.is_null(),
    }
}

fn is_literal_text(text: &str) -> bool {
    let text = text.trim().trim_matches(['"', '\'']);
    if text.is_empty() {
        return false;
    }
    // What a template leaves of it may still be a password in an address.
    let is_address = || {
        text.split_once("://").is_some_and(|(_, rest)| {
            let user = rest.split_once('@').and_then(|(user, _)| user.split_once(':'));
            user.is_some_and(|(_, password)| {
                !password.contains(EXPRESSION) && !password.contains("${")
            })
        })
    };
    if text.contains(EXPRESSION) {
        return is_address();
    }
    // What OpenShift and envsubst fill in; what sops has encrypted, and what a
    // plugin of Argo CD looks up.
    let is_between = |open: &str, close: &str| {
        text.strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close))
            .is_some_and(|name| !name.contains(['{', '}', '<', '>', '[', ']']))
    };
    !is_between("${", "}")
        && !is_between("${{", "}}")
        && !is_between("ENC[", "]")
        && !is_between("<path:", ">")
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
/// else, it becomes empty. Text in quotes that an expression begins with stays.
fn without_expressions(text: &str) -> String {
    let mut new = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let Some(length) = rest[start..].find("}}") else { break };
        let expression = &rest[start..start + length + 2];
        new.push_str(&rest[..start]);
        let body = expression[2..].trim_start_matches(['-', ' ']);
        match body.starts_with(['"', '`']) {
            true => new.push_str("LITERAL"),
            false => new.push_str(EXPRESSION),
        }
        new.push_str(&"\n".repeat(expression.matches('\n').count()));
        rest = &rest[start + length + 2..];
    }
    new.push_str(rest);
    let line = |line: &str| match line.contains(EXPRESSION) {
        true if line.replace(EXPRESSION, "").trim().is_empty() => String::new(),
        _ => line.to_owned(),
    };
    new.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// A Secret by what single lines look like: `kind: Secret`, and keys with values
/// below `data:` or `stringData:`. Keys are not told: they may be parts of values.
fn look_at_lines(before: usize, document: &str, found: &mut Vec<Found>) {
    let lines: Vec<&str> = document.split('\n').map(without_comment).collect();
    let bare = |line: &str| {
        let words = line.trim().trim_start_matches("- ").replace(['"', '\'', ',', '\t', ' '], "");
        words == "kind:Secret"
    };
    match lines.iter().position(|line| bare(line)) {
        Some(index) => {
            let at = Position { line: before + index + 1, column: indent(lines[index]) + 1 };
            let literals = literals(&lines, before);
            let is_sealed = document.contains(SEALED_TYPE);
            let secret = FoundSecret { object: None, is_sealed, at, literals };
            found.push(Found::Secret(Box::new(secret)));
        }
        None if mentions_secret(document) => {
            found.push(Found::Unreadable(Position { line: before + 1, column: 1 }));
        }
        None => {}
    }
}

/// Whether it says `kind: Secret` in some way.
fn mentions_secret(text: &str) -> bool {
    text.match_indices("Secret").any(|(at, word)| {
        let before = text[..at].trim_end_matches(['"', '\'', ' ', '\t']);
        let before = before.strip_suffix(':').map(|b| b.trim_end_matches(['"', '\'', ' ', '\t']));
        let ends = !text[at + word.len()..].starts_with(|c: char| c.is_alphanumeric());
        ends && before.is_some_and(|before| before.ends_with("kind"))
    })
}

fn without_comment(line: &str) -> &str {
    let end = line.find(" #").or_else(|| line.starts_with('#').then_some(0));
    line[..end.unwrap_or(line.len())].trim_end()
}

fn literals(lines: &[&str], before: usize) -> Vec<(Option<String>, Position)> {
    let mut literals = Vec::new();
    // How far `data:` is indented, and its keys.
    let mut below: Option<(usize, Option<usize>)> = None;
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let indent = indent(line);
        if below.is_some_and(|(data, _)| indent <= data) {
            below = None;
        }
        let at = Position { line: before + index + 1, column: indent + 1 };
        let (key, value) = line.trim().split_once(':').unwrap_or((line.trim(), ""));
        match (key.trim_matches(['"', '\'']), &mut below) {
            ("data" | "stringData", None) => match value.trim() {
                "" => below = Some((indent, None)),
                value if is_literal_text(value) && value != "{}" => literals.push((None, at)),
                _ => {}
            },
            (_, Some((_, keys))) => {
                let is_key = *keys.get_or_insert(indent) == indent;
                literals.extend((is_key && is_literal_text(value)).then_some((None, at)));
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
        let show = |at: Position, what: &str| format!("{}:{} {what}", at.line, at.column);
        let of = |found| match found {
            Found::Secret(secret) => secret
                .literals
                .into_iter()
                .map(|(key, at)| show(at, key.as_deref().unwrap_or("?")))
                .collect(),
            Found::Sealed(at) => vec![show(at, "sealed")],
            Found::Unreadable(at) => vec![show(at, "unreadable")],
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
        let helm = "{{- if .Values.secret }}\napiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ .Release.Name }}-db\n  labels:\n    {{- include \"labels\" . | nindent 4 }}\ndata:\n  {{- range $k, $v := .Values.all }}\n  {{ $k }}: {{ $v | b64enc }}\n  {{- end }}\n  user: {{ .Values.user | b64enc | quote }}\n  quoted: \"{{ .Values.p }}\"\n  password: aHVudGVyMg==\n  fixed: {{ \"hunter2\" | b64enc }}\n  url: \"postgres://u:hunter2@{{ .Values.host }}/db\"\n  other: \"postgres://{{ .Values.u }}:{{ .Values.p }}@db/db\"\n{{- end }}\n";
        let expected = ["14:3 password", "15:3 fixed", "16:3 url"];
        assert_eq!(literals(helm), expected);
        // No YAML even so, which is no matter for the others.
        let broken = format!(
            "{helm}---\n  : : {{\nkind: Secret # c\nstringData: # c\n  a: b\n  c: {{{{ d }}}}\n  d: |\n    e: f\nother:\n  e: f\n"
        );
        assert_eq!(literals(&broken), [&expected[..], &["23:3 ?", "25:3 ?"]].concat());
    }

    #[test]
    fn nothing_hides_beside_what_cannot_be_read() {
        let flow = "{apiVersion: v1, kind: Secret, stringData: {p: x}}";
        for (text, expected) in [
            (format!("a: 1\na: 2\n---\n{flow}\n"), "4:45 p"),
            (format!("a: 1\na: 2\nb: {flow}\n"), "1:1 unreadable"),
            ("a: 1\na: 2\nkind: Secret\nstringData: {p: x}\n".into(), "4:1 ?"),
            ("{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}\n{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"data\":{\"k\":\"eA==\"}}".into(), "2:1 k"),
            ("apiVersion: v1\nkind: SecretList\nitems:\n- data: {k: eA==}\n".into(), "4:10 k"),
            ("secretGenerator:\n- name: a\n  literals:\n  - k=v\n".into(), "4:5 k"),
            ("kind: SecretStore\na: 1\na: 2\n".into(), ""),
            ("apiVersion: v1\nkind: Secret\nstringData: {a: 'ENC[AES256_GCM,data:x]', b: '<path:a#b>', c: '${C}', d: '${A}x${B}'}\n".into(), "3:71 d"),
        ] {
            let expected: Vec<_> = Some(expected).filter(|e| !e.is_empty()).into_iter().collect();
            assert_eq!(literals(&text), expected, "{text}");
        }
    }
}
