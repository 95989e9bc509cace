//! The commands: one file each, with its arguments and its steps in order.

pub mod apply;
pub mod at_rest;
pub mod audit;
pub mod check;
pub mod convert;
pub mod create;
pub mod diff;
pub mod doctor;
pub mod edit;
pub mod exec;
pub mod get;
pub mod git;
pub mod guard;
pub mod inspect;
pub mod kek;
pub mod policy;
pub mod restart;
pub mod rewrap;
pub mod rotate;
pub mod seal;
pub mod set;
pub mod sign;
pub mod signers;
pub mod unset;
pub mod unwrap;
