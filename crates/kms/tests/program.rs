//! The program as kube-apiserver and an administrator meet it. It needs no KMS: the KEKs are age
//! keys, and other servers of this program.

#[path = "program/commands.rs"]
mod commands;
#[path = "program/configuration.rs"]
mod configuration;
#[path = "program/node.rs"]
mod node;
#[path = "program/outage.rs"]
mod outage;
#[path = "program/protocol.rs"]
mod protocol;
#[path = "program/takeover.rs"]
mod takeover;
