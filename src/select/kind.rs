//! The kind of object that holds a sealed Secret.

use clap::ValueEnum;

use envcrypt_core::envelope::SealedSecret;
use envcrypt_core::manifest::{self, Form, Object};

/// What a sealed Secret is written as.
#[derive(Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum SealedKind {
    /// A Secret of type envcrypt.dev/sealed
    #[default]
    Secret,
    /// A custom resource, from which envcrypt-controller makes the plain Secret
    Envcryptsecret,
}

impl SealedKind {
    pub fn form(self) -> Form {
        match self {
            Self::Secret => Form::Secret,
            Self::Envcryptsecret => Form::Resource,
        }
    }

    /// The object of this kind.
    pub fn object(self, secret: &SealedSecret) -> Object {
        match self {
            Self::Secret => manifest::sealed_object(secret),
            Self::Envcryptsecret => manifest::resource_object(secret),
        }
    }
}
