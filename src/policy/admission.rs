//! Policies that the API server itself runs: no webhook, and no program.

use super::Subject;
use super::text::fill;

const FENCE: &str = include_str!("templates/fence.yaml");
const SEALED_ONLY: &str = include_str!("templates/sealed-only.yaml");
const CRD_GUARD: &str = include_str!("templates/crd-guard.yaml");

/// Limits the account of the controller to the Secrets that it delivers.
pub fn fence(controller: &[Subject]) -> String {
    fill(FENCE, &[("controller", &is_one_of(controller))])
}

/// Lets people write only sealed Secrets, in namespaces with a label. `exempt` are those who also
/// write plain ones.
pub fn sealed_only(exempt: &[Subject]) -> String {
    // The controllers of Kubernetes, which write tokens for example.
    let manager = Subject::User("system:kube-controller-manager".to_owned());
    let controllers = Subject::Group("system:serviceaccounts:kube-system".to_owned());
    let exempt = [&[manager, controllers], exempt].concat();
    fill(SEALED_ONLY, &[("exempt", &is_one_of(&exempt))])
}

/// Keeps the CustomResourceDefinition from an accidental deletion.
pub fn crd_guard() -> String {
    CRD_GUARD.to_owned()
}

/// The condition, in CEL, that one of these makes the request.
fn is_one_of(subjects: &[Subject]) -> String {
    let (groups, users): (Vec<_>, Vec<_>) =
        subjects.iter().partition(|subject| matches!(subject, Subject::Group(_)));
    // A list of strings of JSON is one of CEL.
    let list = |subjects: Vec<&Subject>| {
        let names: Vec<String> = subjects.iter().map(ToString::to_string).collect();
        serde_json::Value::from(names).to_string()
    };
    let mut conditions = Vec::new();
    if !users.is_empty() {
        conditions.push(format!("request.userInfo.username in {}", list(users)));
    }
    if !groups.is_empty() {
        conditions.push(format!(
            "has(request.userInfo.groups) && request.userInfo.groups.exists(group, group in {})",
            list(groups)
        ));
    }
    conditions.join(" ||\n      ")
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    #[test]
    fn a_sealed_value_is_known_by_its_first_bytes() {
        let mark = BASE64_STANDARD.encode(r#"{"protected":"eyJ0eXAiOiJlbnZjcnlwdC12"#);
        // The third character of the last group depends on the next byte.
        let known = mark.strip_suffix("I=").expect("two bytes are left");
        assert!(SEALED_ONLY.contains(&format!("startsWith(\"{known}\")")), "{known}");
    }

    #[test]
    fn a_condition_names_users_and_groups() {
        let subjects = ["user:a\"b", "group:ops", "serviceaccount:prod:web"]
            .map(|text| text.parse().expect(text));
        assert_eq!(
            is_one_of(&subjects),
            "request.userInfo.username in [\"a\\\"b\",\"system:serviceaccount:prod:web\"] ||\n      \
             has(request.userInfo.groups) && request.userInfo.groups.exists(group, group in [\"ops\"])"
        );
    }
}
