use std::num::NonZeroUsize;
use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha512};

use super::*;
use crate::envelope::{Merge, Scope, Sealer};
use crate::kek::{DataKey, WrappedKey};
use crate::secret::{Meta, Place, PlainSecret, SecretType, SecretValue};
use crate::signature::{SignerError, Signers};

const NOW: u64 = 1_700_000_000;

fn sealer(scope: Scope) -> Sealer {
    let kek = "age:age1q8ehjwmgq9gxr7eqcfxqmq2dh0qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq";
    let recipient = WrappedKey { kek: kek.parse().expect("a KEK"), bytes: vec![1] };
    let place = Place { namespace: "prod".parse().expect("ok"), name: "db".parse().expect("ok") };
    Sealer::from_parts(place, scope, DataKey::generate(), vec![recipient])
}

fn sealed(scope: Scope) -> SealedSecret {
    let place = Place { namespace: "prod".parse().expect("ok"), name: "db".parse().expect("ok") };
    let map = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    };
    let meta = Meta {
        place,
        kind: SecretType::Opaque,
        immutable: false,
        labels: map(&[("team", "pay"), ("app.kubernetes.io/managed-by", "Helm")]),
        annotations: map(&[("envcrypt.dev/owner", "ä \"x\"\n"), ("envcrypt.dev/adopt", "true")]),
    };
    let values = [("a".parse().expect("ok"), SecretValue::new(b"b".to_vec()))].into();
    sealer(scope).seal(PlainSecret { meta, values }, NOW).expect("sealed")
}

fn string(text: &[u8]) -> Vec<u8> {
    [&u32::try_from(text.len()).expect("short").to_be_bytes(), text].concat()
}

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a seed")
}

fn key_bytes(seed: u8) -> Vec<u8> {
    [string(b"ssh-ed25519"), string(pair(seed).public_key().as_ref())].concat()
}

/// A signature as ssh-keygen makes it.
fn sign(seed: u8, namespace: &str, message: &[u8]) -> Vec<u8> {
    let parts = [string(namespace.as_bytes()), string(b""), string(b"sha512")].concat();
    let signed = [b"SSHSIG", &parts[..], &string(&Sha512::digest(message))].concat();
    let signature = [string(b"ssh-ed25519"), string(pair(seed).sign(&signed).as_ref())].concat();
    [b"SSHSIG\0\0\0\x01", &string(&key_bytes(seed))[..], &parts, &string(&signature)].concat()
}

fn signed(mut secret: SealedSecret, seeds: &[u8]) -> SealedSecret {
    for seed in seeds {
        let statement = secret.statement().expect("a seal");
        let bytes = sign(*seed, SECRET_NAMESPACE, statement.bytes());
        secret.add_signature(statement.signed(bytes)).expect("valid");
    }
    secret
}

/// Alice has the keys 1 and 2, Bob has 3, and Carol's key 4 was valid until the day before.
fn demand(needed: usize) -> Demand {
    let line = |principal: &str, options: &str, seed| {
        let key = BASE64_STANDARD.encode(key_bytes(seed));
        format!("{principal} {options} ssh-ed25519 {key}\n")
    };
    let list = [
        line("alice", "", 1),
        line("alice", "namespaces=\"secret@envcrypt.dev\"", 2),
        line("bob", "", 3),
        line("carol", "valid-before=\"20231114Z\"", 4),
    ];
    Demand {
        signers: Signers::parse(&list.concat()).expect("a list").into(),
        needed: NonZeroUsize::new(needed).expect("not 0"),
        file: Path::new("signers").into(),
    }
}

fn refusal(secret: &SealedSecret, needed: usize) -> Refused {
    match secret.check_signatures(&demand(needed)).expect_err("refused") {
        OpenError::Unsigned { refused, .. } => refused,
        other => panic!("{other}"),
    }
}

#[test]
fn the_statement_names_what_was_sealed_where_and_when_and_no_kek() {
    let secret = sealed(Scope::Namespace);
    let text = String::from_utf8(secret.statement().expect("a seal").bytes).expect("text");
    let seal = BASE64.encode(secret.seal.as_ref().expect("a seal").digest());
    let set = BASE64.encode(secret.digest());
    assert_eq!(
        text,
        format!(
            r#"{{"annotations":{{"envcrypt.dev/owner":"ä \"x\"\n"}},"binding":{{"namespace":"prod"}},"iat":1700000000,"labels":{{"team":"pay"}},"seal":"{seal}","set":"{set}","typ":"envcrypt-v1-signature"}}"#
        )
    );
    let mut rewrapped = signed(secret, &[1]);
    for jwe in rewrapped.values.values_mut().chain(&mut rewrapped.seal) {
        jwe.recipients[0].bytes = vec![2];
    }
    rewrapped.check_signatures(&demand(1)).expect("signed");
}

#[test]
fn whatever_an_author_vouched_for_cannot_be_changed() {
    let good = signed(sealed(Scope::Strict), &[1]);
    let by = good.check_signatures(&demand(1)).expect("signed").by;
    assert_eq!(by, ["alice".to_owned()].into());
    let other = signed(sealed(Scope::Strict), &[1]);
    let changes: [&dyn Fn(&mut SealedSecret); 7] = [
        &|s| s.values.clear(),
        &|s| s.values.clone_from(&other.values),
        &|s| s.seal.clone_from(&other.seal),
        &|s| s.meta.immutable = true,
        &|s| s.meta.kind = SecretType::BasicAuth,
        &|s| drop(s.meta.labels.remove("team")),
        &|s| drop(s.meta.annotations.insert("envcrypt.dev/owner".into(), "mallory".into())),
    ];
    for (index, change) in changes.iter().enumerate() {
        let mut bad = good.clone();
        change(&mut bad);
        assert_eq!(refusal(&bad, 1).name(), "signature-mismatch", "change {index}");
    }
    let mut unsealed = good.clone();
    unsealed.seal = None;
    assert_eq!(refusal(&unsealed, 1).name(), "signature-mismatch");
    assert!(unsealed.statement().is_none());
}

#[test]
fn a_label_that_nobody_signed_is_found_and_one_of_a_tool_is_not() {
    let mut secret = signed(sealed(Scope::Strict), &[1, 3]);
    assert_eq!(secret.check_signatures(&demand(2)).expect("signed").uncovered, [""; 0]);
    secret.meta.labels.insert("argocd.argoproj.io/instance".into(), "x".into());
    secret.meta.annotations.insert("reflector/copy-to".into(), "dev".into());
    let signed_by_two = secret.check_signatures(&demand(2)).expect("signed");
    let of_tools =
        ["app.kubernetes.io/managed-by", "argocd.argoproj.io/instance", "envcrypt.dev/adopt"];
    assert_eq!(signed_by_two.of_tools, of_tools);
    for order in ["argocd.argoproj.io/secret-type", "app.kubernetes.io/managed-by-me"] {
        let mut more = secret.clone();
        more.meta.labels.insert(order.into(), "cluster".into());
        let uncovered = more.check_signatures(&demand(2)).expect("signed").uncovered;
        assert_eq!(uncovered, [order, "reflector/copy-to"]);
    }
    let uncovered = |secret: &SealedSecret, needed| {
        secret.check_signatures(&demand(needed)).expect("signed").uncovered
    };
    assert_eq!(uncovered(&secret, 1), ["reflector/copy-to"]);
    // One who signs again covers it for a rule that asks for one.
    let secret = signed(secret, &[3]);
    assert_eq!((uncovered(&secret, 1), secret.signatures.len()), (vec![], 2));
    assert_eq!(uncovered(&secret, 2), ["reflector/copy-to"]);
}

#[test]
fn only_those_on_the_list_count_and_each_once() {
    let secret = sealed(Scope::Strict);
    assert_eq!(refusal(&secret, 1), Refused::SignatureMissing);
    let wanted = |seeds: &[u8], needed| refusal(&signed(secret.clone(), seeds), needed);
    assert!(matches!(wanted(&[5], 1), Refused::SignatureSigner { why: SignerError::Unknown, .. }));
    assert!(matches!(wanted(&[4], 1), Refused::SignatureSigner { why: SignerError::Late, .. }));
    // Two keys of one person are one person.
    let only = Refused::SignatureQuorum(Box::new(Quorum { by: vec!["alice".into()], needed: 2 }));
    assert_eq!(wanted(&[1, 2, 4, 5], 2), only);
    let both = signed(secret.clone(), &[5, 1, 3]);
    assert_eq!(both.check_signatures(&demand(2)).expect("signed").by.len(), 2);
}

#[test]
fn a_signature_for_another_purpose_does_not_count() {
    let mut secret = sealed(Scope::Strict);
    let statement = secret.statement().expect("a seal");
    let bytes = sign(1, "git", statement.bytes());
    secret.signatures = vec![statement.signed(bytes)];
    assert_eq!(refusal(&secret, 1), Refused::SignatureForm(SignatureError::Namespace));
    let signature = secret.signatures.remove(0);
    assert!(secret.add_signature(signature).is_err() && secret.signatures.is_empty());
}

#[test]
fn a_new_signature_takes_the_place_of_an_older_one_and_a_new_seal_has_none() {
    let secret = signed(sealed(Scope::Strict), &[1, 3, 1]);
    assert_eq!(secret.signatures.len(), 2);
    let changed = sealer(Scope::Strict).change(secret.clone(), [].into(), &[], NOW);
    assert_eq!(changed.expect("changed").signatures, []);
    let mut moved = secret.clone();
    moved.meta.labels.insert("team".into(), "new".into());
    assert_eq!(signed(moved, &[1]).signatures.len(), 1, "Bob did not sign the new label");
    let full: Vec<u8> = (1..=16).collect();
    let mut full = signed(secret, &full);
    let statement = full.statement().expect("a seal");
    let bytes = sign(17, SECRET_NAMESPACE, statement.bytes());
    full.add_signature(statement.signed(bytes)).expect_err("the list is full");
    assert_eq!(full.signatures.len(), 16);
}

#[test]
fn signatures_that_count_stay_and_of_each_key_the_one_that_covers_most() {
    let mut secret = sealed(Scope::Strict);
    let less = signed(secret.clone(), &[1, 5]).signatures;
    secret.meta.labels.insert("new".into(), "1".into());
    let more = signed(secret.clone(), &[1, 3]).signatures;
    secret.signatures = [less.clone(), more.clone()].concat();
    let mut all = secret.clone();
    all.keep_signatures(None);
    let kept = [more[0].clone(), less[1].clone(), more[1].clone()];
    assert_eq!(all.signatures, kept);
    all.signatures = [&more[..1], &less, &more[1..]].concat();
    all.keep_signatures(None);
    assert_eq!(all.signatures, kept, "in any order");
    secret.keep_signatures(Some(&demand(2)));
    assert_eq!(secret.signatures, more);
    secret.meta.labels.insert("new".into(), "2".into());
    secret.keep_signatures(Some(&demand(2)));
    assert_eq!(secret.signatures, []);
    let many: Vec<u8> = (20..40).collect();
    let fresh = |seed: &u8| signed(sealed(Scope::Strict), &[*seed]).signatures;
    let mut full = sealed(Scope::Strict);
    let seal = full.clone();
    full.signatures = many.iter().flat_map(fresh).collect();
    full.keep_signatures(None);
    assert!(full.signatures.is_empty(), "they are over other seals");
    full.signatures =
        many.iter().flat_map(|seed| signed(seal.clone(), &[*seed]).signatures).collect();
    full.keep_signatures(None);
    assert_eq!(full.signatures.len(), 16);
}

#[test]
fn the_signature_that_covers_most_stays_whether_it_covers_labels_or_annotations() {
    for has_labels in [true, false] {
        let mut secret = sealed(Scope::Strict);
        if !has_labels {
            secret.meta.labels.clear();
        }
        let less = signed(secret.clone(), &[1]).signatures;
        secret.meta.annotations.insert("new".into(), "1".into());
        let more = signed(secret.clone(), &[1]).signatures;
        secret.signatures = [less, more.clone()].concat();
        secret.keep_signatures(None);
        assert_eq!(secret.signatures, more);
    }
}

#[test]
fn a_key_has_signed_what_it_covers_and_not_what_came_later() {
    let key = |seed| signed(sealed(Scope::Strict), &[seed]).signatures[0].key().expect("a key");
    assert_eq!(key(1), key(1));
    assert_ne!(key(1), key(3));
    let mut secret = signed(sealed(Scope::Strict), &[1]);
    assert!(secret.is_signed_by(&key(1)) && !secret.is_signed_by(&key(3)));
    secret.meta.labels.insert("argocd.argoproj.io/instance".into(), "x".into());
    assert!(secret.is_signed_by(&key(1)), "a tool writes it");
    let mut labelled = secret.clone();
    labelled.meta.labels.insert("new".into(), "1".into());
    secret.meta.annotations.insert("new".into(), "1".into());
    assert!(!labelled.is_signed_by(&key(1)) && !secret.is_signed_by(&key(1)));
    labelled.check_signatures(&demand(1)).expect("what it covers is still signed");
}

#[test]
fn a_merge_keeps_the_signatures_of_both_sides_for_the_seal_that_stays() {
    let base = sealed(Scope::Strict);
    let (ours, theirs) = (signed(base.clone(), &[1]), signed(base.clone(), &[3]));
    let bases = [Some(base.clone())];
    let merged = Merge::new(&bases, &ours, &theirs).combine(&ours, &theirs, NOW);
    assert_eq!(merged.secret.signatures, [&ours.signatures[..], &theirs.signatures].concat());
    assert_eq!(merged.secret.check_signatures(&demand(2)).expect("signed").by.len(), 2);
    let changed = sealer(Scope::Strict).change(base, [].into(), &[], NOW).expect("changed");
    let ours = signed(changed, &[1]);
    let merged = Merge::new(&bases, &ours, &theirs).combine(&ours, &theirs, NOW);
    assert_eq!(merged.secret.signatures, ours.signatures, "Bob signed the old seal");
}

#[test]
fn a_list_has_one_form() {
    let secret = signed(sealed(Scope::Strict), &[1, 3]);
    let json = AuthorSignature::list_json(&secret.signatures).expect("two");
    assert_eq!(AuthorSignature::parse_list(&json), Ok(secret.signatures));
    assert_eq!(AuthorSignature::list_json(&[]), None);
    let one = r#"{"annotations":[],"labels":["a","b"],"signature":"AA"}"#;
    assert!(AuthorSignature::parse_list(&format!("[{one}]")).is_ok());
    assert!(AuthorSignature::parse_list(&format!("[{}]", vec![one; 16].join(","))).is_ok());
    let many = vec![one; 17].join(",");
    let blanks = |size: usize| format!("[{one}]{}", " ".repeat(size - one.len() - 2));
    assert!(AuthorSignature::parse_list(&blanks(64 << 10)).is_ok());
    for bad in [
        "",
        "{}",
        "[[]]",
        &format!("[{many}]"),
        &blanks((64 << 10) + 1),
        &format!("[{}]", one.replace(r#"["a","b"]"#, r#"["b","a"]"#)),
        &format!("[{}]", one.replace(r#"["a","b"]"#, r#"["a","a"]"#)),
        &format!("[{}]", one.replace("AA", "AB==")),
        &format!("[{}]", one.replace("AA", "AB")),
        &format!("[{}]", one.replace(r#""labels":["a","b"],"#, "")),
        &format!("[{}]", one.replace('{', r#"{"path":[],"#)),
        &format!("[{}]", one.replace('{', r#"{"labels":[],"#)),
    ] {
        let refused = AuthorSignature::parse_list(bad).map_err(|refused| refused.name());
        assert_eq!(refused, Err("signature-form"), "{bad}");
    }
}
