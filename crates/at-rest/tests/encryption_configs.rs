//! `check` has an error exactly for the configurations that kube-apiserver refuses.

use envcrypt_at_rest::config::{EncryptionConfiguration, Severity, check};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    accepted: bool,
    #[serde(default)]
    error: Option<String>,
    config: String,
}

fn cases() -> Vec<Case> {
    serde_yaml::from_str(include_str!("encryption_configs.yaml")).expect("a list of cases")
}

#[test]
fn an_error_means_that_kube_apiserver_refuses_the_configuration() {
    for Case { name, accepted, error, config } in cases() {
        let findings = check(&config);
        let is_accepted = findings.iter().all(|finding| finding.severity != Severity::Error);
        assert_eq!(is_accepted, accepted, "{name}: {findings:?}, not {error:?}");
        assert_eq!(error.is_none(), accepted, "{name}");
        assert_eq!(EncryptionConfiguration::parse(&config).is_ok(), accepted, "{name}");
    }
}

#[test]
fn each_finding_has_a_line_of_the_text_and_plain_words() {
    for Case { name, config, .. } in cases() {
        for finding in check(&config) {
            assert!(finding.line <= config.lines().count(), "{name}: {finding:?}");
            assert!(!finding.text.ends_with('.') && !finding.text.is_empty(), "{finding:?}");
            let is_id = |c: char| c.is_ascii_lowercase() || c == '-';
            assert!(finding.rule.chars().all(is_id), "{finding:?}");
        }
    }
}

#[test]
fn what_is_accepted_is_written_as_an_accepted_configuration() {
    for Case { name, config, .. } in cases().into_iter().filter(|case| case.accepted) {
        let Ok(config) = EncryptionConfiguration::parse(&config) else { panic!("{name}") };
        let text = config.to_yaml();
        let Ok(again) = EncryptionConfiguration::parse(&text) else { panic!("{name}") };
        assert!(*again.to_yaml() == *text, "{name}");
    }
}
