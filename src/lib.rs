//! kubectl-envcrypt: Kubernetes Secrets that only a KMS can open.
//!
//! Imports point one way: `commands` use everything else; `terminal`, `cluster`,
//! `manifest`, `access` and `config` come next; then `envelope`, then `kek`, and
//! last `secret`, which knows nothing of the others.

pub mod access;
pub mod cli;
pub mod cluster;
pub mod commands;
pub mod config;
pub mod envelope;
pub mod kek;
pub mod manifest;
pub mod process;
pub mod secret;
pub mod terminal;

/// Wipes every piece of memory as it is freed, also that of the libraries,
/// which know nothing of what they were handed.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);
