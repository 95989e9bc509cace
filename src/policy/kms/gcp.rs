//! Bindings of IAM on keys of Google Cloud KMS. IAM cannot see the additional authenticated data.

use std::fmt::Write;

use super::{KekUse, KmsRights, is_shared};
use crate::policy::Subject;
use crate::process::quoted;
use envcrypt_core::kek::KekUri;
use envcrypt_core::secret::Namespace;

/// The pool of the identities of all clusters of a project.
const POOL: &str = "iam.googleapis.com/projects/$CLUSTER_PROJECT_NUMBER/locations/global/workloadIdentityPools/$CLUSTER_PROJECT.svc.id.goog";

pub(super) fn text(rights: &KmsRights) -> String {
    let mut text = "# IAM of Google Cloud cannot see the namespace of a Secret. Use a key for each namespace.\n"
        .to_owned();
    if is_shared(rights) {
        text += "# Here, several namespaces have the same key: each of them can open the Secrets of the others.\n";
    }
    let mut bindings = String::new();
    if rights.subjects.is_empty() && !rights.are_of_pods {
        bindings +=
            "\n# Who gets the role, for example user:jane@example.com\nMEMBER=${MEMBER:?}\n";
    }
    for (kek, namespaces) in &rights.keks {
        for member in members(rights, namespaces) {
            bindings += &binding(kek, rights.uses, &member);
        }
    }
    if bindings.contains("$CLUSTER_PROJECT") {
        let project = rights.keks.first().map_or("", |(kek, _)| part(kek, 1));
        let _ = write!(
            text,
            "\n# The project of the GKE cluster. All clusters of a project share their identities.\n\
             CLUSTER_PROJECT=${{CLUSTER_PROJECT:-{project}}}\n\
             CLUSTER_PROJECT_NUMBER=$(gcloud projects describe \"$CLUSTER_PROJECT\" --format='value(projectNumber)')\n"
        );
    }
    text + &bindings
}

/// Who gets the role.
fn members(rights: &KmsRights, namespaces: &[Namespace]) -> Vec<String> {
    if rights.subjects.is_empty() && !rights.are_of_pods {
        return vec!["\"$MEMBER\"".to_owned()];
    }
    if rights.subjects.is_empty() {
        let pods = |namespace| format!("\"principalSet://{POOL}/namespace/{namespace}\"");
        return namespaces.iter().map(pods).collect();
    }
    let member = |subject: &Subject| match subject {
        Subject::User(name) => quoted(&format!("user:{name}")),
        Subject::Group(name) => quoted(&format!("group:{name}")),
        Subject::ServiceAccount { namespace, name } => {
            format!("\"principal://{POOL}/subject/ns/{namespace}/sa/{name}\"")
        }
    };
    rights.subjects_of(namespaces).map(member).collect()
}

fn binding(kek: &KekUri, uses: KekUse, member: &str) -> String {
    let role = match uses {
        KekUse::Seal => "roles/cloudkms.cryptoKeyEncrypter",
        KekUse::Open => "roles/cloudkms.cryptoKeyDecrypter",
    };
    let [project, location, ring, key] = [1, 3, 5, 7].map(|number| part(kek, number));
    format!(
        "\ngcloud kms keys add-iam-policy-binding {key} \\\n  \
         --project {project} --location {location} --keyring {ring} \\\n  \
         --role {role} \\\n  --member {member}\n"
    )
}

/// `projects/P/locations/L/keyRings/R/cryptoKeys/K`
fn part(kek: &KekUri, number: usize) -> &str {
    kek.rest().split('/').nth(number).unwrap_or_default()
}
