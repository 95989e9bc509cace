//! Lets the API server put `kubectl-envcrypt exec` before the command of a container.

use serde_json::Value;

use super::text::fill;
use envcrypt_core::kek::KekUri;
use envcrypt_core::secret::Namespace;

const TEMPLATE: &str = include_str!("templates/inject.yaml");
/// The program, in the image that is mounted.
const PROGRAM: &str = "/envcrypt/kubectl-envcrypt";

/// How pods open their sealed values.
pub struct Inject {
    /// The name of the policies and of their bindings.
    pub name: String,
    /// The image with the program at its root.
    pub image: String,
    /// The only KEKs that open.
    pub keks: Vec<KekUri>,
    /// The variables for the login to the KMS that the spec of a pod, or the platform, sets.
    pub spec_env: Vec<String>,
    /// The namespaces of the pods; if empty, those with the label.
    pub namespaces: Vec<Namespace>,
}

/// Writes the policies: one changes pods, one refuses pods that cannot be changed.
pub fn inject(options: &Inject) -> String {
    let keks = options.keks.iter().map(|kek| format!("--kek={kek}"));
    let mut entrypoint = vec![PROGRAM.to_owned(), "exec".to_owned()];
    entrypoint.extend(keks);
    let mut spec_env = options.spec_env.clone();
    if spec_env.is_empty() {
        spec_env = options.keks.iter().flat_map(variables).map(|name| (*name).to_owned()).collect();
    }
    spec_env.sort_unstable();
    spec_env.dedup();
    if !spec_env.is_empty() {
        entrypoint.push(format!("--spec-env={}", spec_env.join(",")));
    }
    // Strings and lists of JSON are those of CEL.
    let (entrypoint, image) = (Value::from(entrypoint), Value::from(&*options.image));
    fill(
        TEMPLATE,
        &[
            ("name", &options.name),
            ("entrypoint", &entrypoint.to_string()),
            ("image", &image.to_string()),
            ("namespaces", &selector(&options.namespaces)),
        ],
    )
}

fn selector(namespaces: &[Namespace]) -> String {
    match namespaces {
        [] => "      matchLabels:\n        envcrypt.dev/inject: \"true\"".to_owned(),
        namespaces => {
            let names: Vec<String> = namespaces.iter().map(|name| format!("\"{name}\"")).collect();
            format!(
                "      matchExpressions:\n      - key: kubernetes.io/metadata.name\n        operator: In\n        values: [{}]",
                names.join(", ")
            )
        }
    }
}

/// The variables that a pod needs to log in to the KMS of a KEK. The platform sets most of them.
fn variables(kek: &KekUri) -> &'static [&'static str] {
    match kek.scheme() {
        "awskms" => &[
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_DEFAULT_REGION",
            "AWS_REGION",
            "AWS_ROLE_ARN",
            "AWS_STS_REGIONAL_ENDPOINTS",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
        ],
        "azurekms" => &[
            "AZURE_AUTHORITY_HOST",
            "AZURE_CLIENT_ID",
            "AZURE_FEDERATED_TOKEN_FILE",
            "AZURE_TENANT_ID",
        ],
        "hashivault" => &["VAULT_ADDR", "VAULT_AUTH_PATH", "VAULT_CACERT", "VAULT_ROLE"],
        "age" => &["ENVCRYPT_AGE_IDENTITIES"],
        _ => &[],
    }
}
