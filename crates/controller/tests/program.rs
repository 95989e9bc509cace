//! The command line of the program, without a cluster.

use std::process::{Command, Stdio};

const AGE: &str = "age:age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

/// Runs the program with these KEKs; returns what it says before it ends.
fn fails(keks: &str, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_envcrypt-controller"));
    command.env_clear().env("ENVCRYPT_KEKS", keks).env("HOME", "/nonexistent").args(args);
    let output = command.stdin(Stdio::null()).output().expect("it starts");
    assert!(!output.status.success(), "{args:?}");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn what_cannot_work_is_one_clear_error() {
    let alias = "awskms:///alias/prod";
    for (keks, args, expected) in [
        (
            "",
            &[][..],
            "error: no KEK may be used\nhint: name the KEKs that may open in `ENVCRYPT_KEKS`",
        ),
        (" , ", &[], "error: no KEK may be used\n"),
        ("nonsense", &[], "error: `ENVCRYPT_KEKS` does not name valid KEKs\ncause: "),
        (alias, &[], "error: `awskms:///alias/prod` in `ENVCRYPT_KEKS` is an alias\n"),
        (AGE, &["--lease=here"], "error: `--lease` must be NAMESPACE/NAME or `off`\n"),
        (
            AGE,
            &["--identity=/nonexistent/key"],
            "error: `/nonexistent/key` of `--identity` is not a file\n",
        ),
        (
            AGE,
            &["--restart", "--drift=off"],
            "error: `--restart` cannot be used with `--drift off`\n",
        ),
        (
            AGE,
            &["--kubeconfig=/nonexistent/config"],
            "error: the kubeconfig `/nonexistent/config` cannot be used: ",
        ),
        (AGE, &[], "error: no cluster is configured\n"),
        (AGE, &["--kms-rate=0"], "error: invalid value '0' for '--kms-rate <NUMBER>'"),
        (AGE, &["-n", "Prod"], "error: invalid value 'Prod' for '--namespace <NAMESPACE>'"),
    ] {
        let error = fails(keks, args);
        assert!(error.starts_with(expected), "{args:?}: {error}");
    }
}

#[test]
fn an_age_identity_in_the_place_of_a_kek_is_not_shown() {
    let identity = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ";
    assert!(!fails(identity, &[]).contains("QQQQ"));
}

#[test]
fn the_help_names_every_flag_of_the_pages() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_envcrypt-controller"));
    let help = command.arg("--help").output().expect("it starts").stdout;
    let help = String::from_utf8(help).expect("text");
    let page = include_str!("../../../docs/in-cluster.md");
    let flags = page.split('`').filter(|code| code.starts_with("--"));
    let known = ["--restart", "--refuse-older", "--allow-label", "--kms-rate", "--once", "--drift"];
    for flag in known {
        assert!(flags.clone().any(|code| code.starts_with(flag)), "the page does not name {flag}");
        assert!(help.contains(flag), "{flag}");
    }
}
