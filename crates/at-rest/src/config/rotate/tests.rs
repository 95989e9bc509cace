use super::*;
use crate::config::{Cipher, EncryptionConfiguration, Finding, Kms};

const KEY: &str = "BFxgm/kTWqIPqjfLhpgWSb6iHxUgDUk1xsmSnlCa3sQ=";
const OTHER: &str = "0vWJPhx2sF3ZcJHk9CKqfRfEo1jXw2aoqT0ybXbnrjw=";

/// A configuration with two blocks that write with a local key, and two that do not.
fn text() -> String {
    format!(
        "\
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources:
  - events
  providers:
  - identity: {{}}
- resources:
  - secrets
  - configmaps
  providers:
  - secretbox:
      keys:
      - name: key1
        secret: {KEY}
  - aescbc:
      keys:
      - name: old
        secret: {OTHER}
  - identity: {{}}
- resources:
  - \"*.apps\"
  providers:
  - kms:
      apiVersion: v2
      name: plugin
      endpoint: unix:///run/kms.sock
- resources:
  - \"*.batch\"
  providers:
  - aesgcm:
      keys:
      - name: key1
        secret: {OTHER}
      - name: key0
        secret: {KEY}
  - identity: {{}}
"
    )
}

/// What a configuration has, with a name instead of each key.
fn outline(text: &str) -> Vec<String> {
    let parsed: Result<_, Finding> = EncryptionConfiguration::parse(text);
    let config = parsed.map_err(|finding| finding.text).unwrap();
    let mut lines = Vec::new();
    for block in &config.blocks {
        let names: Vec<_> = block.resources.iter().map(|name| name.as_str()).collect();
        let providers = block.providers.iter().map(|provider| match &provider.value {
            Provider::Identity => "identity".to_owned(),
            Provider::Kms(kms) => format!("kms {}", kms.name),
            Provider::Local { cipher, keys } => {
                let names: Vec<_> = keys.iter().map(|key| key.name.as_str()).collect();
                format!("{} {}", cipher.as_str(), names.join(" "))
            }
        });
        lines.push(format!("{}: {}", names.join(" "), providers.collect::<Vec<_>>().join(", ")));
    }
    lines
}

fn kms(name: &str) -> NewProvider {
    let endpoint = "unix:///run/envcrypt/kms.sock".to_owned();
    NewProvider::Kms(Kms { name: name.to_owned(), endpoint, timeout: None })
}

fn message<T>(result: Result<T, EditError>) -> String {
    result.err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn a_key_is_replaced_in_three_steps_and_all_else_stays() {
    let second = with_new_key_second(&text(), "key2").unwrap();
    let expected = |secrets: &str, batch: &str| {
        [
            "events: identity".to_owned(),
            format!("secrets configmaps: secretbox {secrets}, aescbc old, identity"),
            "*.apps: kms plugin".to_owned(),
            format!("*.batch: aesgcm {batch}, identity"),
        ]
    };
    assert_eq!(outline(&second), expected("key1 key2", "key1 key2 key0"));
    let first = new_key_first(&second, "key2").unwrap();
    assert_eq!(outline(&first), expected("key2 key1", "key2 key1 key0"));
    let only = without_old_keys(&first, "key2").unwrap();
    assert_eq!(outline(&only), expected("key2", "key2"));
    for old in [KEY, OTHER] {
        assert!(first.contains(old));
    }
    assert!(!only.contains(KEY) && only.matches(OTHER).count() == 1, "only aescbc stays");
}

#[test]
fn each_provider_gets_its_own_new_key() {
    let text = with_new_key_second(&text(), "key2").unwrap();
    let config = EncryptionConfiguration::parse(&text).map_err(|finding| finding.text).unwrap();
    let new = |at: usize| match &config.blocks[at].providers[0].value {
        Provider::Local { keys, .. } => keys[1].secret(),
        _ => panic!("a local key"),
    };
    assert!(new(1) != new(3) && new(1).len() == 32);
}

#[test]
fn a_step_is_refused_before_the_one_before_it() {
    let texts = {
        let second = with_new_key_second(&text(), "key2").unwrap();
        let first = new_key_first(&second, "key2").unwrap();
        let only = without_old_keys(&first, "key2").unwrap();
        [text(), second.to_string(), first.to_string(), only.to_string()]
    };
    let steps = [with_new_key_second, new_key_first, without_old_keys];
    let places = [Place::Absent, Place::Second, Place::First, Place::Only];
    for (at, text) in texts.iter().enumerate() {
        assert_eq!(place_of_key(text, "key2").unwrap(), places[at]);
        for (of, step) in steps.iter().enumerate() {
            let result = step(text, "key2");
            assert_eq!(result.is_ok(), at == of, "step {of} on text {at}");
        }
    }
    let error = message(new_key_first(&texts[0], "key2"));
    assert_eq!(error, "the key `key2` must be second, but is absent");
}

#[test]
fn a_key_with_different_places_is_refused() {
    let error = message(with_new_key_second(&text(), "key0"));
    assert_eq!(error, "line 31: the key `key0` is not where these edits put it");
    let second = with_new_key_second(&text(), "key2").unwrap();
    let swapped = second.replacen("name: key2", "name: key3", 1);
    let error = new_key_first(&swapped, "key2").unwrap_err();
    assert!(matches!(error, EditError::Uneven { .. }), "{error}");
}

#[test]
fn a_name_that_any_key_has_is_refused() {
    let error = message(with_new_key_second(&text(), "old"));
    assert_eq!(error, "line 18: a key has the name of the new key");
    let new = NewProvider::Local { cipher: Cipher::Secretbox, key: "old".to_owned() };
    assert!(matches!(with_provider_second(&text(), &new), Err(EditError::NameTaken { line: 18 })));
}

#[test]
fn only_a_valid_configuration_with_a_local_key_is_edited() {
    let plain = "{\"apiVersion\": \"apiserver.config.k8s.io/v1\", \"kind\": \"EncryptionConfiguration\", \
                 \"resources\": [{\"resources\": [\"secrets\"], \"providers\": [{\"identity\": {}}]}]}";
    let error = message(with_new_key_second(plain, "key2"));
    assert_eq!(error, "no entry has a local key in its first provider");
    let error = message(with_provider_second(plain, &kms("a")));
    assert_eq!(error, "no entry encrypts: `identity` is the first provider of each");
    let error = message(new_key_first(&text().replace("- secrets", "- Secrets"), "key2"));
    assert_eq!(error, "line 9: the name of a resource must not have capital letters");
    assert!(matches!(with_new_key_second(&text(), ""), Err(EditError::Refused(_))));
    assert_eq!(writing_keys(&text()).unwrap(), ["key1"]);
    assert!(matches!(writing_keys(plain), Err(EditError::NoLocalKey)));
}

#[test]
fn a_provider_is_replaced_in_three_steps() {
    let expected = |secrets: &str, apps: &str, batch: &str| {
        [
            "events: identity".to_owned(),
            format!("secrets configmaps: {secrets}, identity"),
            format!("*.apps: {apps}"),
            format!("*.batch: {batch}, identity"),
        ]
    };
    let new = kms("new");
    let second = with_provider_second(&text(), &new).unwrap();
    assert_eq!(
        outline(&second),
        expected(
            "secretbox key1, kms new, aescbc old",
            "kms plugin, kms new-2",
            "aesgcm key1 key0, kms new-3"
        )
    );
    let first = provider_first(&second, &new).unwrap();
    assert_eq!(
        outline(&first),
        expected(
            "kms new, secretbox key1, aescbc old",
            "kms new-2, kms plugin",
            "kms new-3, aesgcm key1 key0"
        )
    );
    assert_eq!(place_of_provider(&first, &new).unwrap(), Place::First);
    let only = without_old_providers(&first, &new).unwrap();
    assert_eq!(outline(&only), expected("kms new", "kms new-2", "kms new-3"));
    assert_eq!(place_of_provider(&only, &new).unwrap(), Place::Only);
    let error = message(without_old_providers(&second, &new));
    assert_eq!(error, "the KMS plugin `new` must be first, but is second");
    assert!(matches!(with_provider_second(&text(), &kms("a:b")), Err(EditError::Refused(_))));
}

#[test]
fn a_local_provider_can_be_new_too() {
    let new = NewProvider::Local { cipher: Cipher::Secretbox, key: "key2".to_owned() };
    let second = with_provider_second(&text(), &new).unwrap();
    let first = provider_first(&second, &new).unwrap();
    let only = without_old_providers(&first, &new).unwrap();
    assert_eq!(outline(&only)[1], "secrets configmaps: secretbox key2, identity");
    assert_eq!(outline(&only)[2], "*.apps: secretbox key2");
}
