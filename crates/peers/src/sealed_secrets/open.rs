//! Opens SealedSecrets in the text of a file: each becomes a plain Secret in its place.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use envcrypt_core::envelope::Scope;
use envcrypt_core::manifest::tree::{self, Node, TreeError, text_of};
use envcrypt_core::manifest::{LAST_APPLIED_ANNOTATION, Metadata, Object, Patch};
use envcrypt_core::secret::SecretValue;
use thiserror::Error;
use zeroize::Zeroizing;

use super::all_in;
use super::keys::PrivateKey;

const PREFIX: &str = "sealedsecrets.bitnami.com/";

/// Why SealedSecrets cannot be opened. It contains names and never a value.
#[derive(Debug, Error)]
pub enum SealedSecretError {
    /// The text is not valid YAML or JSON.
    #[error(transparent)]
    Syntax(#[from] TreeError),
    /// A field is missing, or has another form.
    #[error("line {line}: the field `{field}` of the SealedSecret is missing or not valid")]
    Field {
        /// The line, counted from 1.
        line: u32,
        /// The field.
        field: String,
    },
    /// `spec.data` holds a whole Secret, in a form that is no longer written.
    #[error(
        "line {line}: the SealedSecret has its values in `spec.data`, which old versions wrote"
    )]
    Whole {
        /// The line, counted from 1.
        line: u32,
    },
    /// The list around it is not one of core objects, so no Secret would be found in it.
    #[error("line {line}: the SealedSecret is in a list that is not `apiVersion: v1, kind: List`")]
    List {
        /// The line, counted from 1.
        line: u32,
    },
    /// A value is made by a template.
    #[error("line {line}: the value of `{key}` is made by a template in `spec.template.data`")]
    Template {
        /// The line, counted from 1.
        line: u32,
        /// The key, escaped.
        key: String,
    },
    /// No key opens a value.
    #[error("line {line}: no key opens the value `{key}` of the SealedSecret `{place}`")]
    Closed {
        /// The line, counted from 1.
        line: u32,
        /// The key of the value, escaped.
        key: String,
        /// The SealedSecret, escaped.
        place: String,
    },
    /// The text is written in a way in which a part of it cannot be changed alone.
    #[error("it is written in a way that cannot be changed in place")]
    InPlace,
}

/// A text in which each SealedSecret is a plain Secret.
pub struct Opened {
    /// The text. It is wiped when it is dropped.
    pub text: Zeroizing<String>,
    /// The scope of each Secret, by its namespace, if the file names one, and its name.
    pub scopes: Vec<(Option<String>, String, Scope)>,
}

/// Opens every SealedSecret of a text. Returns `None` if there is none.
///
/// `namespace` is that of a SealedSecret that names none.
///
/// # Errors
/// Returns a [`SealedSecretError`] if one cannot be read, or no key opens a value.
pub fn open(
    text: &str,
    keys: &[PrivateKey],
    namespace: &str,
) -> Result<Option<Opened>, SealedSecretError> {
    let (mark, text) = match text.strip_prefix('\u{feff}') {
        Some(rest) => ("\u{feff}", rest),
        None => ("", text),
    };
    let documents = tree::read(text)?;
    let found: Vec<(&Node, bool)> = documents.iter().flat_map(all_in).collect();
    if found.is_empty() {
        return Ok(None);
    }
    let mut patch = Patch::new(text);
    let mut scopes = Vec::new();
    for (node, is_found) in found {
        if !is_found {
            return Err(SealedSecretError::List { line: node.start.line });
        }
        let sealed = SealedSecret::read(node, namespace)?;
        let object = sealed.open(keys)?;
        scopes.push((sealed.named_namespace, sealed.name, sealed.scope));
        patch.rewrite(node, &object).ok_or(SealedSecretError::InPlace)?;
    }
    let text = patch.finish().ok_or(SealedSecretError::InPlace)?;
    let mut marked = Zeroizing::new(String::with_capacity(text.len() + mark.len()));
    marked.push_str(mark);
    marked.push_str(&text);
    Ok(Some(Opened { text: marked, scopes }))
}

struct SealedSecret<'n> {
    node: &'n Node,
    line: u32,
    name: String,
    named_namespace: Option<String>,
    namespace: String,
    scope: Scope,
}

impl<'n> SealedSecret<'n> {
    fn read(node: &'n Node, default: &str) -> Result<Self, SealedSecretError> {
        let line = node.start.line;
        let error = |field: &str| SealedSecretError::Field { line, field: field.to_owned() };
        if node.get("apiVersion").and_then(text_of) != Some("bitnami.com/v1alpha1") {
            return Err(error("apiVersion"));
        }
        let metadata = node.get("metadata").ok_or_else(|| error("metadata"))?;
        let text = |name| metadata.get(name).and_then(text_of).filter(|text| !text.is_empty());
        let name = text("name").ok_or_else(|| error("metadata.name"))?.to_owned();
        let named_namespace = text("namespace").map(str::to_owned);
        let is_set = |name: &str| {
            let annotation =
                metadata.get("annotations").and_then(|all| all.get(&format!("{PREFIX}{name}")));
            annotation.and_then(text_of) == Some("true")
        };
        let scope = match (is_set("cluster-wide"), is_set("namespace-wide")) {
            (true, _) => Scope::Cluster,
            (false, true) => Scope::Namespace,
            (false, false) => Scope::Strict,
        };
        let namespace = named_namespace.clone().unwrap_or_else(|| default.to_owned());
        Ok(Self { node, line, name, named_namespace, namespace, scope })
    }

    /// What the controller encrypts a value with, besides the value.
    fn label(&self) -> String {
        match self.scope {
            Scope::Cluster => String::new(),
            Scope::Namespace => self.namespace.clone(),
            Scope::Strict => format!("{}/{}", self.namespace, self.name),
        }
    }

    fn error(&self, field: &str) -> SealedSecretError {
        SealedSecretError::Field { line: self.line, field: field.escape_default().to_string() }
    }

    fn open(&self, keys: &[PrivateKey]) -> Result<Object, SealedSecretError> {
        let spec = self.node.get("spec").ok_or_else(|| self.error("spec"))?;
        if spec.get("data").is_some_and(|data| !data.is_null()) {
            return Err(SealedSecretError::Whole { line: self.line });
        }
        let template = spec.get("template");
        let of_template = |name: &str| template.and_then(|template| template.get(name));
        let metadata = of_template("metadata");
        let mut data = BTreeMap::new();
        let values = spec.get("encryptedData").map(Node::entries).unwrap_or_default();
        for (key, value) in values {
            let (key, value) = self.value(key, value, keys)?;
            data.insert(key, Some(BASE64_STANDARD.encode(value.expose())));
        }
        for (key, text) in of_template("data").map(Node::entries).unwrap_or_default() {
            let (Some(key), Some(text)) = (text_of(key), text_of(text)) else {
                return Err(self.error("spec.template.data"));
            };
            if text.contains("{{") {
                let key = key.escape_default().to_string();
                return Err(SealedSecretError::Template { line: self.line, key });
            }
            data.insert(key.to_owned(), Some(BASE64_STANDARD.encode(text)));
        }
        let texts = |name: &str| self.texts(metadata.and_then(|metadata| metadata.get(name)), name);
        let text = |node: Option<&Node>, field: &str| match node.filter(|node| !node.is_null()) {
            None => Ok(None),
            Some(node) => {
                text_of(node).map(|t| Some(t.to_owned())).ok_or_else(|| self.error(field))
            }
        };
        let immutable = match text(of_template("immutable"), "spec.template.immutable")?.as_deref()
        {
            Some("true") => Some(true),
            Some("false") | None => None,
            Some(_) => return Err(self.error("spec.template.immutable")),
        };
        Ok(Object {
            api_version: "v1".to_owned(),
            kind: "Secret".to_owned(),
            metadata: Metadata {
                name: Some(self.name.clone()),
                namespace: self.named_namespace.clone(),
                labels: texts("labels")?,
                annotations: texts("annotations")?,
                other: BTreeMap::new(),
            },
            r#type: text(of_template("type"), "spec.template.type")?
                .filter(|kind| !kind.is_empty()),
            data: Some(data),
            string_data: None,
            immutable,
            spec: None,
            status: None,
        })
    }

    fn value(
        &self,
        key: &Node,
        value: &Node,
        keys: &[PrivateKey],
    ) -> Result<(String, SecretValue), SealedSecretError> {
        let error = || self.error("spec.encryptedData");
        let (key, value) = (text_of(key).ok_or_else(error)?, text_of(value).ok_or_else(error)?);
        let value: String = value.split_ascii_whitespace().collect();
        let bytes = BASE64_STANDARD.decode(value).map_err(|_| error())?;
        let label = self.label();
        let opened = keys.iter().find_map(|private| private.open(&bytes, label.as_bytes()));
        let value = opened.ok_or_else(|| SealedSecretError::Closed {
            line: self.line,
            key: key.escape_default().to_string(),
            place: format!("{}/{}", self.namespace, self.name).escape_default().to_string(),
        })?;
        Ok((key.to_owned(), value))
    }

    /// Labels or annotations, without those of Sealed Secrets and the copy of client-side apply.
    fn texts(
        &self,
        node: Option<&Node>,
        field: &str,
    ) -> Result<Option<BTreeMap<String, String>>, SealedSecretError> {
        let mut texts = BTreeMap::new();
        for (name, value) in node.map(Node::entries).unwrap_or_default() {
            let (Some(name), Some(value)) = (text_of(name), text_of(value)) else {
                return Err(self.error(&format!("spec.template.metadata.{field}")));
            };
            if !name.starts_with(PREFIX) && name != LAST_APPLIED_ANNOTATION {
                texts.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok((!texts.is_empty()).then_some(texts))
    }
}
