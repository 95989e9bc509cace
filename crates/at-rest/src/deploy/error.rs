//! Why no files can be made.

use thiserror::Error;

/// Why the options do not fit together or do not fit the target.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DeployError {
    /// No KEK can open a key: there is none, or there are only escrow KEKs.
    #[error(
        "no KEK can open a key: give at least one KEK that is not for escrow, for example `awskms:///ARN`"
    )]
    NoKek,
    /// The text is not the URI of a KEK.
    #[error(
        "`{0}` is not a valid KEK: start with `awskms:///`, `gcpkms://`, `azurekms://`, `hashivault://`, `k8skms:///` or `age:`"
    )]
    Kek(String),
    /// A KEK is named twice.
    #[error("the KEK `{0}` is named twice")]
    Twice(String),
    /// The text contains an age identity. The error does not quote it, because it is secret.
    #[error("an age identity is a secret key and not a valid KEK: use its recipient, `age:age1…`")]
    Identity,
    /// An age recipient is not for escrow.
    #[error(
        "`envcrypt-kms` has no age identity, so it cannot open a key with `{0}`: make it an escrow KEK"
    )]
    AgeIsEscrow(String),
    /// An AWS key is not named by its ARN.
    #[error(
        "`{0}` is not the ARN of a key: IAM grants a key by its ARN, and an alias can point to another key tomorrow"
    )]
    AwsKey(String),
    /// A KEK is in Vault, and its address is missing.
    #[error("`{0}` is in Vault: give the address of Vault")]
    VaultAddress(String),
    /// A KEK is in Vault, and the login files are missing.
    #[error(
        "`{0}` is in Vault: give the paths of the files with the role ID and the secret ID of an AppRole"
    )]
    VaultLogin(String),
    /// An option has a value that is not valid.
    #[error("the {what} `{value}` is not valid: {rule}")]
    Value {
        /// The option.
        what: &'static str,
        /// Its value, escaped.
        value: String,
        /// The rule that the value breaks.
        rule: String,
    },
    /// The target runs a pod, and no image is given.
    #[error("`{0}` runs the plugin in a pod: give its image, `NAME@sha256:DIGEST`")]
    NoImage(&'static str),
    /// The image has no digest.
    #[error(
        "the image `{0}` has no digest: a tag can name another image tomorrow, and this one opens every Secret. Give `NAME@sha256:DIGEST`: `release/image.sh` writes the digest beside the image, and `crane digest IMAGE` asks the registry"
    )]
    ImageDigest(String),
    /// The plugin would start after the API server.
    #[error(
        "a DaemonSet starts after the API server, and the API server cannot read a Secret before the plugin starts: after a power failure, the cluster may not come back by itself. Use a static pod (`kubeadm`) or a unit (`systemd`), or confirm that you know this"
    )]
    StartsAfterApiserver,
}
