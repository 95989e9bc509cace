//! The built binary, without any server: `cargo test` alone runs these.

mod access;
mod ages;
mod at_rest;
mod audit;
mod changing;
mod check;
mod convert;
mod create;
mod errors;
mod exec;
mod files;
mod filter;
mod git;
mod guard;
mod hardening;
mod help;
mod history;
mod house;
mod kek;
mod leaks;
mod opening;
mod peers;
mod people;
mod plugins;
mod policy;
mod repository;
mod rewrap;
mod sandbox;
mod seal;
#[allow(dead_code, reason = "shared with the tests against servers")]
mod sealed;
mod signers;
mod signing;
mod since;
mod terminal;
