//! SealedSecrets of `bitnami.com/v1alpha1`.

mod keys;
mod open;

pub use keys::{KeyError, PrivateKey};
pub use open::{SealedSecretError, open};

use envcrypt_core::manifest::tree::{Node, text_of};

/// The label of the Secrets that hold the controller's keys.
pub const KEY_LABEL: &str = "sealedsecrets.bitnami.com/sealed-secrets-key";
/// The namespace of the controller, unless it was installed elsewhere.
pub const KEY_NAMESPACE: &str = "kube-system";

/// Whether an object is a SealedSecret, of any version.
fn is_sealed_secret(node: &Node) -> bool {
    let field = |name| node.get(name).and_then(text_of);
    field("kind") == Some("SealedSecret")
        && field("apiVersion").is_some_and(|version| version.starts_with("bitnami.com/"))
}

/// The SealedSecrets of a document: the document itself, or the items of a list. Each comes with
/// whether the reader of manifests finds a Secret in its place.
pub(crate) fn all_in(node: &Node) -> Vec<(&Node, bool)> {
    if is_sealed_secret(node) {
        return vec![(node, true)];
    }
    let field = |name| node.get(name).and_then(text_of);
    let is_core = field("apiVersion") == Some("v1");
    let is_list = field("kind").is_some_and(|kind| kind.ends_with("List"));
    let items = node.get("items").filter(|_| is_list).and_then(Node::as_sequence);
    let all = items.unwrap_or_default().iter().flat_map(all_in);
    all.map(|(node, is_found)| (node, is_found && is_core)).collect()
}
