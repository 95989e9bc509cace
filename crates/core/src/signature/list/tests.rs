use super::*;
use crate::signature::{SECRET_NAMESPACE, SignerError};

const ALICE: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC9o3rGXf8/0+6VOwd6WyC2kjqIYQvk6hg8hJXHhaSNv";
const BOB: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUJHcE0aMzfZzhrmvhLAGGIV2xzYHHyzjZZfyrI9yk3";

fn problem(line: &str) -> Problem {
    let text = format!("# who may sign\r\n\r\n{line}\n");
    let error = Signers::parse(&text).expect_err(line);
    assert_eq!(error.line, 3, "{line}");
    assert!(!error.to_string().contains("AAAA"), "{error}");
    error.problem
}

#[test]
fn a_list_with_comments_options_and_crlf_is_read() {
    let text = format!(
        "# envcrypt-serial: 1795493204\r\n\r\n  # who may sign\nalice@example.com namespaces=\"{SECRET_NAMESPACE},git\",valid-before=\"20270101Z\" {ALICE} alice at work\r\nbob\t{BOB}\n"
    );
    let signers = Signers::parse(&text).expect("a list");
    assert_eq!(signers.serial(), Some(1_795_493_204));
    let [alice, bob] = signers.list() else { panic!("{signers:?}") };
    assert_eq!(
        alice.namespaces.as_deref(),
        Some(&["secret@envcrypt.dev".into(), "git".into()][..])
    );
    assert_eq!((alice.valid_before, alice.valid_after), (Some(1_798_761_600), None));
    assert_eq!((bob.principal.as_str(), &bob.namespaces), ("bob", &None));
    let who = |key: &PublicKey, time| signers.principal(key, SECRET_NAMESPACE, time);
    assert_eq!(who(&alice.key, 1_798_761_600), Ok("alice@example.com"));
    assert_eq!(who(&alice.key, 1_798_761_601), Err(SignerError::Late));
    assert!(Signers::parse("").expect("a list").list().is_empty());
}

#[test]
fn a_time_is_read_as_ssh_keygen_reads_it() {
    assert_eq!(time("19700102Z"), Some(86_400));
    assert_eq!(time("202612312359Z"), Some(1_798_761_540));
    assert_eq!(time("20261231235959Z"), Some(1_798_761_599));
    assert_eq!(time_text(1_798_761_599).as_deref(), Some("20261231235959Z"));
    let local = time("20261231").expect("a time");
    assert!(local.abs_diff(1_798_675_200) <= 15 * 3600);
    for bad in [
        "",
        "Z",
        "2026",
        "20261301Z",
        "20260230Z",
        "2026123124Z",
        "202612312460Z",
        "+2026123",
        "20261231ZZ",
        "２０２６",
    ] {
        assert_eq!(time(bad), None, "{bad}");
    }
}

#[test]
fn a_principal_is_one_name() {
    for bad in ["*@example.com", "a?", "!a", "a,b", "\"a", "a\\", "m\u{fc}ller", "\u{430}lice"] {
        assert_eq!(problem(&format!("{bad} {ALICE}")), Problem::Principal, "{bad}");
    }
    assert_eq!(problem(&format!("a\rb {ALICE}")), Problem::Control);
    assert_eq!(problem(&format!("# a\rb {ALICE}")), Problem::Control);
    let text = format!("alice {ALICE}\nbob {BOB}\nalice {ALICE}\nmallory {ALICE}");
    let error = Signers::parse(&text).expect_err("shared");
    assert_eq!((error.line, error.problem), (4, Problem::Shared("mallory".into(), "alice".into())));
}

#[test]
fn what_is_unknown_is_refused() {
    let alice = || "alice".to_owned();
    for (options, wanted) in [
        ("cert-authority", Problem::Authority(alice())),
        ("namespaces=\"a\",cert-authority", Problem::Authority(alice())),
        ("no-touch-required", Problem::Option(alice())),
        ("namespaces=\"a\";b", Problem::Option(alice())),
        ("namespaces=\"a\",", Problem::Option(alice())),
        ("namespaces=a", Problem::Quotes { principal: alice(), option: "namespaces" }),
        ("namespaces=\"a", Problem::Quotes { principal: alice(), option: "namespaces" }),
        ("namespaces=\"*@envcrypt.dev\"", Problem::Namespace(alice())),
        ("namespaces=\"\"", Problem::Namespace(alice())),
        (
            "namespaces=\"a\",namespaces=\"b\"",
            Problem::Twice { principal: alice(), option: "namespaces" },
        ),
        ("valid-after=\"tomorrow\"", Problem::Time { principal: alice(), option: "valid-after" }),
        ("valid-after=\"19700101Z\"", Problem::Time { principal: alice(), option: "valid-after" }),
        ("valid-after=\"20270101Z\",valid-before=\"20260101Z\"", Problem::Never(alice())),
    ] {
        assert_eq!(problem(&format!("alice {options} {ALICE}")), wanted, "{options}");
    }
    assert_eq!(problem("alice"), Problem::NoKey(alice()));
    assert_eq!(problem("alice namespaces=\"a\""), Problem::NoKey(alice()));
    assert_eq!(problem("alice ssh-ed25519 AAAA"), Problem::Key(alice()));
    assert_eq!(problem("alice ssh-foo AAAA"), Problem::Key(alice()));
    assert_eq!(problem("# envcrypt-serial: +1"), Problem::Serial);
    assert_eq!(problem("# envcrypt-serial: "), Problem::Serial);
    for bad in ["", "0123456789abcdef", &"g".repeat(32), &"A".repeat(32), &"0".repeat(33)] {
        assert_eq!(problem(&format!("# envcrypt-list: {bad}")), Problem::Id, "{bad}");
    }
    assert_eq!(problem("# stolen SHA256:abc"), Problem::Stolen);
}

#[test]
fn a_list_has_one_id_and_no_stolen_key() {
    let id = "0123456789abcdef".repeat(2);
    let text = format!("# envcrypt-list: {id}\r\nalice {ALICE}\n");
    assert_eq!(Signers::parse(&text).expect("a list").id(), Some(&*id));
    let twice = text.clone() + &format!("# envcrypt-list: {id}\n");
    assert_eq!(Signers::parse(&twice).expect_err("twice").problem, Problem::Id);
    let print = ALICE.parse::<PublicKey>().expect("a key").fingerprint();
    // Wherever the line is.
    for list in [format!("# stolen {print}\n{text}"), format!("{text}# stolen {print}\n")] {
        let error = Signers::parse(&list).expect_err("stolen");
        assert_eq!(error.problem, Problem::Returned("alice".into(), print.clone()));
    }
    Signers::parse(&format!("# stolen {print}\nbob {BOB}\n")).expect("it is gone");
}

#[test]
fn a_serial_is_not_from_the_future() {
    let day = 24 * 60 * 60;
    for (serial, is_good) in [(5 + day, true), (6 + day, false), (u64::MAX, false)] {
        let list = Signers::parse(&format!("\n# envcrypt-serial: {serial}\n")).expect("a list");
        let error = list.check_serial(5).err();
        let ahead = ListError { line: 2, problem: Problem::Ahead };
        assert_eq!(error, (!is_good).then_some(ahead), "{serial}");
    }
}
