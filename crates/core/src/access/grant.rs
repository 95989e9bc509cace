//! A grant: which KEK, where, and for what. The whole model of trust is made of
//! these (`docs/threat-model.md`).

use std::fmt;
use std::str::FromStr;

use super::Pattern;
use crate::kek::{KekId, KekUri};
use crate::secret::Place;

/// What a KEK may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Use {
    /// To open what is sealed under it.
    Open,
    /// To seal values to it.
    Seal,
}

/// The uses that one grant allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uses {
    /// To open alone.
    Open,
    /// To seal alone.
    Seal,
    /// Both.
    Both,
}

impl Uses {
    /// Whether it is among them.
    #[must_use]
    pub fn allow(self, wanted: Use) -> bool {
        match self {
            Self::Both => true,
            Self::Open => wanted == Use::Open,
            Self::Seal => wanted == Use::Seal,
        }
    }
}

impl FromStr for Uses {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "open" => Ok(Self::Open),
            "seal" => Ok(Self::Seal),
            "open,seal" => Ok(Self::Both),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Uses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Seal => "seal",
            Self::Both => "open,seal",
        })
    }
}

/// Where a grant holds: `NAMESPACE` or `NAMESPACE/NAME`, either part a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    namespace: Pattern,
    name: Option<Pattern>,
}

impl Scope {
    /// Everywhere.
    #[must_use]
    pub fn everywhere() -> Self {
        "*".parse().expect("a star is a pattern")
    }

    /// One namespace.
    #[must_use]
    pub fn namespace_of(place: &Place) -> Self {
        place.namespace.as_str().parse().expect("a namespace has no character of a pattern")
    }

    /// One Secret.
    #[must_use]
    pub fn only(place: &Place) -> Self {
        place.to_string().parse().expect("a place has no character of a pattern")
    }

    /// Whether it holds for that Secret.
    #[must_use]
    pub fn holds_at(&self, place: &Place) -> bool {
        self.namespace.matches(place.namespace.as_str())
            && self.name.as_ref().is_none_or(|name| name.matches(place.name.as_str()))
    }
}

impl FromStr for Scope {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (namespace, Some(name)),
            None => (text, None),
        };
        let is_plain = |text: &str| !text.contains(|c: char| c.is_whitespace() || c.is_control());
        if !is_plain(text) || name.is_some_and(|name| name.contains('/')) {
            return Err("it is not a pattern of namespaces");
        }
        Ok(Self { namespace: namespace.parse()?, name: name.map(str::parse).transpose()? })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{}/{name}", self.namespace),
            None => self.namespace.fmt(f),
        }
    }
}

/// Leave to use one KEK, in whatever version, at some places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// For what.
    pub uses: Uses,
    /// Where.
    pub scope: Scope,
    /// The key.
    pub kek: KekId,
}

impl Grant {
    /// Whether it allows this.
    #[must_use]
    pub fn allows(&self, wanted: Use, kek: &KekUri, place: &Place) -> bool {
        self.uses.allow(wanted) && self.kek == kek.id() && self.scope.holds_at(place)
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.uses, self.scope, self.kek)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uses_of_a_grant_are_written_as_they_are_read() {
        for (text, uses, opens, seals) in [
            ("open", Uses::Open, true, false),
            ("seal", Uses::Seal, false, true),
            ("open,seal", Uses::Both, true, true),
        ] {
            assert_eq!(text.parse(), Ok(uses));
            assert_eq!(uses.to_string(), text);
            assert_eq!((uses.allow(Use::Open), uses.allow(Use::Seal)), (opens, seals), "{text}");
        }
        for bad in ["", "seal,open", "Open", "both"] {
            assert_eq!(bad.parse::<Uses>(), Err(()), "{bad}");
        }
    }

    #[test]
    fn a_scope_is_a_namespace_a_pattern_or_one_secret() {
        let place = |text: &str| -> Place {
            let (namespace, name) = text.split_once('/').expect("two parts");
            Place { namespace: namespace.parse().expect("ok"), name: name.parse().expect("ok") }
        };
        for (scope, holds, not) in [
            ("prod", "prod/db", "dev/db"),
            ("prod-*", "prod-eu/db", "prod/db"),
            ("*", "any/db", ""),
            ("prod/db", "prod/db", "prod/db2"),
            ("prod/db-*", "prod/db-1", "dev/db-1"),
        ] {
            let scope: Scope = scope.parse().expect(scope);
            assert!(scope.holds_at(&place(holds)), "{scope}");
            assert!(not.is_empty() || !scope.holds_at(&place(not)), "{scope}");
            assert_eq!(scope.to_string().parse::<Scope>(), Ok(scope));
        }
        for bad in ["", "a b", "a/b/c", "/x", "[", "a\n"] {
            assert!(bad.parse::<Scope>().is_err(), "{bad:?}");
        }
    }
}
