//! The files that run `envcrypt-kms` on a control plane.
