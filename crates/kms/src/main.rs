//! `envcrypt-kms`: a KMS v2 plugin.

fn main() {}
