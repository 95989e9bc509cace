use super::*;

const KEY: &str = "BFxgm/kTWqIPqjfLhpgWSb6iHxUgDUk1xsmSnlCa3sQ=";
const OTHER: &str = "0vWJPhx2sF3ZcJHk9CKqfRfEo1jXw2aoqT0ybXbnrjw=";

/// The line and the rule of each finding.
fn rules(text: &str) -> Vec<(usize, &'static str)> {
    check(text).iter().map(|finding| (finding.line, finding.rule)).collect()
}

/// A configuration whose blocks begin in line 4.
fn config(blocks: &str) -> String {
    let blocks = blocks.replace("KEY", KEY).replace("OTHER", OTHER);
    format!(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n{blocks}"
    )
}

#[test]
fn a_configuration_is_read_with_its_lines() {
    let text = config(
        "\
- resources:
  - secrets
  - '*.apps'
  providers:
  - kms: {apiVersion: v2, name: envcrypt, endpoint: 'unix:///run/kms.sock', timeout: 5s}
  - aesgcm:
      keys:
      - name: key1
        secret: KEY
  - identity: {}
",
    );
    let config = EncryptionConfiguration::parse(&text).map_err(|finding| finding.text).unwrap();
    let [block] = &config.blocks[..] else { panic!("one block") };
    assert_eq!(block.line, 4);
    let resources: Vec<_> = block.resources.iter().map(|r| (r.line, r.as_str())).collect();
    assert_eq!(resources, [(5, "secrets"), (6, "*.apps")]);
    let [kms, local, identity] = &block.providers[..] else { panic!("three providers") };
    let Provider::Kms(kms) = &kms.value else { panic!("a KMS plugin") };
    let endpoint = "unix:///run/kms.sock".to_owned();
    let timeout = Some("5s".to_owned());
    assert_eq!(*kms, Kms { name: "envcrypt".to_owned(), endpoint, timeout });
    let Provider::Local { cipher, keys } = &local.value else { panic!("a local key") };
    assert_eq!((*cipher, local.line, keys[0].line), (Cipher::AesGcm, 9, 11));
    assert_eq!((keys[0].name.as_str(), keys[0].secret().len()), ("key1", 32));
    assert!(matches!(identity.value, Provider::Identity));
}

#[test]
fn what_is_written_is_read_as_the_same_configuration() {
    let text = config(
        "\
- resources: [events, \"123\", '*.*']
  providers:
  - identity: {}
- resources: ['']
  providers:
  - secretbox: {keys: [{name: \"a\\n: b\", secret: KEY}, {name: é, secret: OTHER}]}
  - kms: {apiVersion: v2, name: 'yes', endpoint: 'unix:///a b'}
",
    );
    // The first block masks the second for kube-apiserver, so only the reader is used here.
    let read = |text: &str| read::read(text, &mut finding::Findings::default()).unwrap();
    let written = read(&text).to_yaml();
    assert!(*read(&written).to_yaml() == *written);
    assert_eq!(rules(&text).len(), rules(&written).len());
    let again = read(&written);
    assert_eq!(again.blocks[0].resources[1].as_str(), "123");
    let Provider::Local { keys, .. } = &again.blocks[1].providers[0].value else { panic!() };
    assert_eq!(keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["a\n: b", "é"]);
}

#[test]
fn what_is_accepted_but_not_safe_is_a_warning() {
    let provider = |line: &str| config(&format!("- resources: [secrets]\n  providers:\n{line}\n"));
    let local = |cipher| {
        provider(&format!("  - {cipher}: {{keys: [{{name: a, secret: KEY}}]}}\n  - identity: {{}}"))
    };
    for (text, expected) in [
        (local("aesgcm"), vec![(6, "aesgcm-nonces")]),
        (local("aescbc"), vec![(6, "aescbc-padding"), (6, "not-bound")]),
        (local("secretbox"), vec![(6, "not-bound")]),
        (provider("  - identity: {}"), vec![(6, "identity-first")]),
        (
            provider("  - kms: {apiVersion: v2, name: a, endpoint: 'unix:///a'}"),
            vec![(4, "no-identity")],
        ),
        (
            provider(
                "  - identity: {}\n  - kms: {apiVersion: v2, name: a, endpoint: 'unix:///@a'}\n  - kms: {apiVersion: v2, name: b, endpoint: 'unix:a'}",
            ),
            vec![(6, "identity-first"), (7, "kms-endpoint-abstract"), (8, "kms-endpoint-path")],
        ),
    ] {
        assert_eq!(rules(&text), expected, "{text}");
        assert!(check(&text).iter().all(|finding| finding.severity == Severity::Warning));
    }
}

#[test]
fn keys_are_compared_across_the_file() {
    let text = config(
        "\
- resources: [secrets]
  providers:
  - aesgcm:
      keys:
      - {name: a, secret: KEY}
      - {name: a, secret: OTHER}
      - {name: b, secret: c2VjcmV0IGlzIHNlY3VyZQ==}
  - identity: {}
- resources: [configmaps, secrets]
  providers:
  - aesgcm:
      keys:
      - {name: c, secret: KEY}
      - {name: d, secret: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=}
  - identity: {}
",
    );
    assert_eq!(
        rules(&text),
        [
            (6, "aesgcm-nonces"),
            (9, "key-name-twice"),
            (10, "key-weak"),
            (12, "resource-in-two-entries"),
            (14, "aesgcm-nonces"),
            (16, "key-reused"),
            (17, "key-weak"),
        ]
    );
}

#[test]
fn a_shared_alias_is_a_key_that_is_used_twice() {
    let text = config(
        "\
- resources: [secrets]
  providers: &p
  - aesgcm: {keys: [{name: a, secret: KEY}]}
  - identity: {}
- resources: [configmaps]
  providers: *p
",
    );
    let reused: Vec<_> =
        check(&text).into_iter().filter(|finding| finding.rule == "key-reused").collect();
    assert_eq!(reused.len(), 1);
    assert_eq!(reused[0].text, "an alias uses the key `a` in more than one place");
}

#[test]
fn several_errors_are_reported_at_once() {
    let text = config(
        "\
- resources: [Secrets, '*']
  providers:
  - kms: {name: 'a:b', endpoint: tcp://a, cachesize: 5, timeout: 0s, size: 1}
  - identity:
  - aescbc: {keys: []}
",
    );
    let mut found = rules(&text);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            (4, "resource-name"),
            (4, "resource-name"),
            (4, "resource-overlap"),
            (6, "kms-api-version"),
            (6, "kms-endpoint"),
            (6, "kms-name"),
            (6, "kms-timeout"),
            (6, "unknown-field"),
            (7, "provider-type"),
            (8, "no-keys"),
        ]
    );
}

#[test]
fn what_kube_apiserver_ignores_is_reported() {
    let text = config("- {resources: [secrets], providers: [{identity: {}}]}\n");
    let more = format!("{text}---\n{text}");
    assert_eq!(rules(&more), [(4, "identity-first"), (5, "second-document")]);
    assert_eq!(rules(&format!("{text}...\n# end\n")), [(4, "identity-first")]);
    let old = text.replace("apiserver.config.k8s.io/v1", "v1").replace("Configuration", "Config");
    assert_eq!(rules(&old), [(2, "old-kind"), (4, "identity-first")]);
}

#[test]
fn texts_that_readers_do_not_agree_on_are_refused() {
    let flow = config("- resources: [secrets,\n  configmaps]\n  providers: [{identity: {}}]\n");
    assert_eq!(rules(&flow), [(5, "ambiguous")]);
    assert_eq!(rules("# a\n# b\u{85}c"), [(2, "ambiguous")]);
    assert_eq!(rules("\u{feff}# a\n# b\u{7}"), [(2, "syntax")]);
    let json = "\u{feff}{\"kind\": \"EncryptionConfiguration\"}";
    assert_eq!(rules(json), [(1, "kind"), (1, "no-blocks")]);
}

#[test]
fn a_text_that_would_be_too_large_is_refused() {
    let mut text = "a: &a0 [x]\n".to_owned();
    for n in 1..30 {
        text.push_str(&format!("b{n}: &a{n} [*a{0}, *a{0}]\n", n - 1));
    }
    let [finding] = &check(&text)[..] else { panic!("one finding") };
    assert_eq!(finding.text, "it is too large");
    let mut text = "a: &a0 {x: 1}\n".to_owned();
    for n in 1..30 {
        text.push_str(&format!("b{n}: &a{n} {{<<: [*a{0}, *a{0}]}}\n", n - 1));
    }
    assert_eq!(check(&text)[0].text, "it is too large");
    assert_eq!(check(&"- ".repeat(100))[0].text, "it is nested too deeply");
}

#[test]
fn a_finding_never_has_a_key_in_the_wrong_place() {
    for wrong in [
        format!("- {{name: {KEY}, secret: key1}}"),
        format!("- {{name: {KEY}}}"),
        format!("- {KEY}"),
        format!("- {{{KEY}: key1}}"),
        format!("- {{name: a, secret: '{KEY}'}}\n      - {{name: {KEY}, secret: {KEY}}}"),
        format!("- {{name: a, secret: '{KEY} {KEY}'}}"),
        format!("{{a: {KEY}}}"),
        format!("- {{name: a, secret: [{KEY}"),
    ] {
        let text = config(&format!(
            "- resources: [secrets]\n  providers:\n  - secretbox:\n      keys:\n      {wrong}\n"
        ));
        let findings = check(&text);
        assert!(!findings.is_empty(), "{text}");
        assert!(findings.iter().all(|finding| !finding.text.contains(&KEY[..12])), "{findings:?}");
    }
}
