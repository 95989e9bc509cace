//! Which variables a value may become, and which variables control this program itself.

/// The last word of variable names that are typical for a secret. No program reads such a variable
/// to decide which code to run, where to connect, or what to load.
const NOUNS: [&str; 36] = [
    "ACCOUNT",
    "APIKEY",
    "CERT",
    "CERTIFICATE",
    "CREDENTIAL",
    "CREDENTIALS",
    "CRT",
    "DATABASE",
    "DBNAME",
    "EMAIL",
    "ID",
    "KEY",
    "LOGIN",
    "PASS",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PEM",
    "PEPPER",
    "PIN",
    "PGDATABASE",
    "PGPASSWORD",
    "PGPORT",
    "PGUSER",
    "PORT",
    "PW",
    "SALT",
    "SECRET",
    "SEED",
    "SIGNATURE",
    "TENANT",
    "TOKEN",
    "USER",
    "USERID",
    "USERNAME",
    "REALM",
];
/// The words allowed before `URL`, `URI`, `DSN` or `HOST`: servers that store data, not code.
const SERVERS: [&str; 15] = [
    "AMQP",
    "DATABASE",
    "DB",
    "MARIADB",
    "MONGO",
    "MONGODB",
    "MYSQL",
    "NATS",
    "PG",
    "POSTGRES",
    "POSTGRESQL",
    "RABBITMQ",
    "REDIS",
    "SENTRY",
    "SMTP",
];

/// Whether a value may become this variable although nobody named it. This is a list of allowed
/// names, because a list of refused ones could never be complete: every program has its own
/// variables that change which code it runs.
pub fn is_harmless(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let is_letter = |c: char| c.is_ascii_alphanumeric();
    let words: Vec<&str> = upper.split(|c| !is_letter(c)).filter(|word| !word.is_empty()).collect();
    let without_number = |word: &str| {
        let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
        word.to_owned()
    };
    let mut words = words.into_iter().map(without_number).filter(|word| !word.is_empty()).rev();
    let Some(last) = words.next() else { return false };
    // npm reads every setting from such a variable.
    if upper.starts_with("NPM_CONFIG") {
        return false;
    }
    match last.as_str() {
        "URL" | "URI" | "DSN" | "HOST" | "HOSTNAME" => {
            words.next().is_some_and(|word| SERVERS.contains(&&*word))
        }
        // Git reads numbered settings: `GIT_CONFIG_KEY_0`.
        "KEY" if words.next().as_deref() == Some("CONFIG") => false,
        last => NOUNS.contains(&last),
    }
}

/// Whether a variable sets the address of a KMS, the login to it, or which servers to trust.
pub fn steers_kms(name: &str) -> bool {
    const BEGINNINGS: [&str; 12] = [
        "VAULT_",
        "BAO_",
        "AWS_",
        "AZURE_",
        "GOOGLE_",
        "GCLOUD_",
        "GCE_",
        "CLOUDSDK_",
        "MSI_",
        "IDENTITY_",
        "IMDS_",
        "ENVCRYPT_",
    ];
    const NAMES: [&str; 12] = [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "REQUEST_METHOD",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "SSLKEYLOGFILE",
        // These change how host names are resolved.
        "HOSTALIASES",
        "LOCALDOMAIN",
        "RES_OPTIONS",
        "SYSTEM_OIDCREQUESTURI",
    ];
    let upper = name.to_ascii_uppercase();
    BEGINNINGS.iter().any(|start| upper.starts_with(start)) || NAMES.contains(&&*upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_a_secret_is_let_through_and_what_steers_a_program_is_not() {
        for name in [
            "password",
            "DB_PASSWORD",
            "PG_password",
            "tls.key",
            "token2",
            "API_KEY_1",
            "username",
            "DATABASE_URL",
            "redis-uri",
            "SENTRY_DSN",
            "client-id",
        ] {
            assert!(is_harmless(name), "{name}");
        }
        for name in [
            "PATH",
            "LD_PRELOAD",
            "LD_AUDIT",
            "DYLD_INSERT_LIBRARIES",
            "GLIBC_TUNABLES",
            "BASH_ENV",
            "ENV",
            "IFS",
            "PS4",
            "PROMPT_COMMAND",
            "SHELLOPTS",
            "NODE_OPTIONS",
            "NODE_PATH",
            "PYTHONPATH",
            "PYTHONSTARTUP",
            "PYTHONHOME",
            "PERL5OPT",
            "PERL5LIB",
            "RUBYOPT",
            "RUBYLIB",
            "JAVA_TOOL_OPTIONS",
            "_JAVA_OPTIONS",
            "JDK_JAVA_OPTIONS",
            "CLASSPATH",
            "GIT_SSH_COMMAND",
            "GIT_SSH",
            "GIT_EXTERNAL_DIFF",
            "GIT_ASKPASS",
            "SSH_ASKPASS",
            "GIT_CONFIG_KEY_0",
            "GIT_CONFIG_VALUE_0",
            "LESSOPEN",
            "PAGER",
            "EDITOR",
            "BROWSER",
            "PHPRC",
            "LUA_INIT",
            "R_PROFILE",
            "GOFLAGS",
            "CARGO_BUILD_RUSTC",
            "RUSTC_WRAPPER",
            "PIP_INDEX_URL",
            "NPM_CONFIG_REGISTRY",
            "AWS_ENDPOINT_URL",
            "PWD",
            "npm_config_user",
            "CACHE_URL",
            "http_proxy",
            "HOME",
            "OPENSSL_CONF",
            "KUBECONFIG",
            "DOCKER_HOST",
            "VAULT_ADDR",
            "",
            "_",
            "1",
        ] {
            assert!(!is_harmless(name), "{name}");
        }
    }

    #[test]
    fn a_login_and_an_address_are_known_by_their_names() {
        for name in
            ["BAO_ADDR", "VAULT_TOKEN", "AWS_ENDPOINT_URL_STS", "https_proxy", "ENVCRYPT_KEKS"]
        {
            assert!(steers_kms(name), "{name}");
        }
        assert!(!steers_kms("DB_PASSWORD") && !steers_kms("AWSOME"));
    }
}
