//! The objects of a file: YAML documents, JSON, and lists of objects.

use serde_yaml::Value;

use super::resource::{self, RESOURCE_KIND, RESOURCE_VERSION};
use super::{ManifestError, Object, tree};

/// One object of a file.
pub enum Document {
    /// A Secret, sealed or not, or an `EnvcryptSecret`.
    Secret(Box<Object>),
    /// An object of another kind, unchanged.
    Other(Value),
}

/// Reads every object of a file.
///
/// Each item of a `List` becomes a document of its own. Empty documents are ignored.
///
/// # Errors
/// Returns a [`ManifestError`] with the document or the line. It never contains a value.
pub fn parse(bytes: &[u8]) -> Result<Vec<Document>, ManifestError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ManifestError::NotText)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut documents = Vec::new();
    // Try JSON first: a YAML reader does not accept the surrogate pairs of JSON.
    if text.trim_start().starts_with('{')
        && let Ok(values) = serde_json::Deserializer::from_str(text).into_iter().collect()
    {
        let values: Vec<Value> = values;
        for (index, value) in values.into_iter().enumerate() {
            collect(value, index + 1, &mut documents)?;
        }
        return Ok(documents);
    }
    for (index, node) in tree::read(text)?.iter().enumerate() {
        collect(node.to_value()?, index + 1, &mut documents)?;
    }
    Ok(documents)
}

fn collect(value: Value, document: usize, into: &mut Vec<Document>) -> Result<(), ManifestError> {
    if value.is_null() {
        return Ok(());
    }
    let field = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let (Some(version), Some(kind)) = (field("apiVersion"), field("kind")) else {
        return Err(ManifestError::NotObject { document });
    };
    // kubectl reads `/v1` as `v1`. A Secret with `/v1` is refused below.
    let is_core = matches!(version.as_str(), "v1" | "/v1");
    let is_resource_list = version == RESOURCE_VERSION && kind == "EnvcryptSecretList";
    if is_core && kind.ends_with("List") || is_resource_list {
        let Value::Mapping(mut mapping) = value else { unreachable!("it has fields") };
        let items = mapping.remove("items").unwrap_or_default();
        let Value::Sequence(items) = items else {
            return Err(ManifestError::Shape { document });
        };
        return items.into_iter().try_for_each(|item| collect(item, document, into));
    }
    if resource::is_group(&version) && kind == RESOURCE_KIND {
        into.push(Document::Secret(Box::new(resource(value, &version, document)?)));
        return Ok(());
    }
    if !is_core || kind != "Secret" {
        into.push(Document::Other(value));
        return Ok(());
    }
    if version != "v1" {
        return Err(ManifestError::Shape { document });
    }
    if let Some(key) = not_text(&value) {
        return Err(ManifestError::NotValue { document, key });
    }
    let object: Object =
        serde_yaml::from_value(value).map_err(|_| ManifestError::Shape { document })?;
    if !object.has_its_fields() {
        return Err(ManifestError::Shape { document });
    }
    into.push(Document::Secret(Box::new(named(object, document)?)));
    Ok(())
}

fn resource(value: Value, version: &str, document: usize) -> Result<Object, ManifestError> {
    if version != RESOURCE_VERSION {
        let version = version.escape_default().to_string();
        return Err(ManifestError::Version { document, version });
    }
    if let Some(field) = resource::wrong_field(&value) {
        return Err(ManifestError::Field { document, field });
    }
    // Only the metadata can still be wrong.
    let object: Object = serde_yaml::from_value(value)
        .map_err(|_| ManifestError::Field { document, field: "metadata".to_owned() })?;
    named(object, document)
}

fn named(object: Object, document: usize) -> Result<Object, ManifestError> {
    match object.metadata.name.as_deref() {
        None | Some("") => Err(ManifestError::NoName { document }),
        Some(_) => Ok(object),
    }
}

/// The key of the first value that is a number or a boolean.
fn not_text(value: &Value) -> Option<String> {
    let fields =
        ["data", "stringData"].into_iter().filter_map(|name| value.get(name)?.as_mapping());
    let mut entries = fields.flatten();
    let wrong = entries.find(|(_, value)| value.is_number() || value.is_bool());
    wrong.map(|(key, _)| key.as_str().unwrap_or_default().escape_default().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(text: &str) -> Vec<String> {
        let title = |document| match document {
            Document::Secret(object) => object.title(),
            Document::Other(value) => value["kind"].as_str().expect("a kind").to_owned(),
        };
        parse(text.as_bytes()).unwrap_or_else(|e| panic!("{e}")).into_iter().map(title).collect()
    }

    const SECRET: &str = "{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: n}}";

    #[test]
    fn documents_and_lists_are_taken_apart() {
        let text = format!(
            "\u{feff}---\n# nothing\n---\n{SECRET}\n---\n{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: web}}}}\n---\n{{apiVersion: v1, kind: List, items: [{SECRET}, {SECRET}]}}"
        );
        assert_eq!(titles(&text), ["n/a", "Deployment", "n/a", "n/a"]);
        assert_eq!(titles(r#"{"apiVersion":"v1","kind":"SecretList","items":[]}"#), [""; 0]);
        assert_eq!(titles(""), [""; 0]);
        assert_eq!(
            titles("apiVersion: v1\r\nkind: Secret\r\nmetadata:\r\n  name: crlf\r\n"),
            ["crlf"]
        );
    }

    #[test]
    fn a_resource_is_read_as_a_secret() {
        let resource = "{apiVersion: envcrypt.dev/v1alpha1, kind: EnvcryptSecret, metadata: {name: a, namespace: n}, spec: {sealed: {}}, status: {digest: x}}";
        assert_eq!(titles(resource), ["n/a"]);
        let list = "apiVersion: v1, kind: List";
        assert_eq!(titles(&format!("{{{list}, items: [{resource}, {SECRET}]}}")), ["n/a", "n/a"]);
        let list = "apiVersion: envcrypt.dev/v1alpha1, kind: EnvcryptSecretList";
        assert_eq!(titles(&format!("{{{list}, items: [{resource}]}}")), ["n/a"]);
        assert_eq!(titles("{apiVersion: envcrypt.dev/v1alpha1, kind: Other}"), ["Other"]);
        assert_eq!(titles("{apiVersion: x.dev/v1, kind: EnvcryptSecret}"), ["EnvcryptSecret"]);
    }

    #[test]
    fn a_resource_has_its_own_fields_alone() {
        let head = "apiVersion: envcrypt.dev/v1alpha1\nkind: EnvcryptSecret\nmetadata: {name: a}\n";
        let field = |field: &str| {
            format!(
                "document 1: the field `{field}` of the EnvcryptSecret is missing, unknown or of the wrong type"
            )
        };
        for (rest, expected) in [
            ("", "spec"),
            ("spec: hunter2", "spec.sealed"),
            ("spec: {}", "spec.sealed"),
            ("spec: {sealed: hunter2}", "spec.sealed"),
            ("spec: {sealed: {stringData: {a: hunter2}}}", "spec.sealed.stringData"),
            ("spec: {sealed: {values: {port: 5432}}}", "spec.sealed.values.port"),
            ("spec: {sealed: {values: {a: {b: hunter2}}}}", "spec.sealed.values.a"),
            ("spec: {sealed: {values: {1: hunter2}}}", "spec.sealed.values."),
            ("spec: {sealed: {immutable: 'true'}}", "spec.sealed.immutable"),
            ("spec: {sealed: {}, deletionPolicy: Keep}", "spec.deletionPolicy"),
            ("spec: {sealed: {}, template: {type: Opaque}}", "spec.template.type"),
            ("spec: {sealed: {}}\ndata: {a: hunter2}", "data"),
            ("spec: {sealed: {}}\ntype: Opaque", "type"),
        ] {
            let error = parse(format!("{head}{rest}").as_bytes()).err().expect(rest);
            assert_eq!(error.to_string(), field(expected), "{rest}");
        }
        for (text, expected) in [
            (
                head.replace("v1alpha1", "v1"),
                "document 1 is an EnvcryptSecret with `apiVersion: envcrypt.dev/v1`, but only `envcrypt.dev/v1alpha1` is known",
            ),
            (
                head.replace("name: a", "x: y") + "spec: {sealed: {}}",
                "document 1 has no `metadata.name`",
            ),
            (head.replace("{name: a}", "hunter2") + "spec: {sealed: {}}", &field("metadata")),
            (
                format!("{SECRET_LINES}spec: {{sealed: {{values: {{a: hunter2}}}}}}"),
                "document 1 is not a valid Secret or List: check its fields",
            ),
            (
                format!("{SECRET_LINES}status: {{a: hunter2}}"),
                "document 1 is not a valid Secret or List: check its fields",
            ),
        ] {
            let error = parse(text.as_bytes()).err().expect(&text).to_string();
            assert_eq!(error, expected, "{text}");
        }
    }

    const SECRET_LINES: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n";

    #[test]
    fn errors_tell_where_and_never_what() {
        for (text, expected) in [
            ("hunter2", "document 1 is not a Kubernetes object: `apiVersion` or `kind` is missing"),
            ("a: [hunter2", "line 2, column 1: it is not valid YAML or JSON"),
            ("apiVersion: v1\nkind: Secret\nmetadata: {}", "document 1 has no `metadata.name`"),
            (
                "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: hunter2",
                "document 1 is not a valid Secret or List: check its fields",
            ),
            (
                "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {port: 5432}",
                "document 1: the value of `port` must be text: put it in quotes",
            ),
            (
                "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nsecret: hunter2",
                "document 1 is not a valid Secret or List: check its fields",
            ),
            (
                "apiVersion: v1\nkind: Secret\nkind: Secret",
                "line 3, column 1: this key is already defined",
            ),
        ] {
            let error = parse(text.as_bytes()).err().expect(text).to_string();
            assert!(!error.contains("hunter2"), "{error}");
            assert_eq!(error, expected, "{text}");
        }
        assert!(parse(b"\xff").is_err());
    }
}
