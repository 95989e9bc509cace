//! The built binary, without any server: `cargo test` alone runs these.

mod create;
mod errors;
mod files;
mod hardening;
mod help;
mod kek;
mod opening;
mod properties;
mod sandbox;
mod terminal;
mod vectors;
