//! The decision: may this KEK be used for this Secret?

use std::collections::BTreeSet;

use super::{Grant, Scope, Trust, Use, Uses};
use crate::envelope::SealedSecret;
use crate::kek::{KekId, KekUri};
use crate::secret::Place;

/// Which KEKs may open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MayUse {
    /// Those that the person named for this run, and no other. Never empty by
    /// accident: a name that stands for no KEK is an error before it gets here.
    Only(BTreeSet<KekId>),
    /// Those that are granted.
    Granted,
}

/// What the rule for a Secret says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruled {
    /// The keys that it names, as far as they are known, and aliases by their ARN.
    pub keks: BTreeSet<KekId>,
    /// Whether it is the person's own rule, and not the repository's.
    pub is_own: bool,
}

impl Ruled {
    /// Whether it names this key; an alias's ARN stands for its account and region.
    fn names(&self, key: &KekId) -> bool {
        self.keks.contains(key) || self.keks.iter().any(|kek| kek.uri().may_name(key.uri()))
    }
}

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may be used.
    Yes,
    /// Nothing is said of it: the person may be asked.
    New,
    /// The person named others for this run.
    NotNamed,
    /// The rule for this Secret names others.
    NotInRule,
}

/// What this machine and this run say of KEKs.
pub struct Policy {
    may: MayUse,
    /// Grants of the settings and of the command line, for this run.
    run: Vec<Grant>,
    trust: Trust,
    /// Whether a rule of the repository forbids what is granted.
    heeds_rules: bool,
}

impl Policy {
    /// From the list of what was granted before.
    #[must_use]
    pub fn new(may: MayUse, trust: Trust) -> Self {
        Self { may, run: Vec::new(), trust, heeds_rules: true }
    }

    /// For a command that seals anew to the KEKs of a rule: the old ones, which the rule
    /// does not name any more, have to open. They still need a grant.
    #[must_use]
    pub fn past_rules(self) -> Self {
        Self { heeds_rules: false, ..self }
    }

    /// Allows one for this run.
    pub fn allow(&mut self, uses: Uses, scope: Scope, kek: &KekUri) {
        self.run.push(Grant { uses, scope, kek: kek.id() });
    }

    /// Which KEKs may open.
    #[must_use]
    pub fn may_use(&self) -> &MayUse {
        &self.may
    }

    /// One more name for a KEK that is named: the key behind an alias.
    pub fn also_named(&mut self, kek: &KekUri) {
        if let MayUse::Only(named) = &mut self.may {
            named.insert(kek.id());
        }
    }

    /// The grants on the list.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The list, to be added to.
    pub fn trust_mut(&mut self) -> &mut Trust {
        &mut self.trust
    }

    /// Every grant, those of this run first.
    pub fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.run.iter().chain(self.trust.grants())
    }

    /// Whether a KEK may open a Secret at `place`.
    ///
    /// An age recipient asks nobody, and only its own identity opens it. So it
    /// needs no grant, but only where none is given for a KEK of another kind:
    /// a recipient is public, and anyone can seal to it.
    #[must_use]
    pub fn may_open(&self, kek: &KekUri, place: &Place, ruled: Option<&Ruled>) -> Verdict {
        let key = kek.id();
        if let MayUse::Only(named) = &self.may {
            return if named.contains(&key) { Verdict::Yes } else { Verdict::NotNamed };
        }
        let is_ruled = ruled.is_some_and(|ruled| ruled.names(&key));
        let is_granted = self.is_granted(Use::Open, kek, place);
        match ruled {
            Some(_) if !is_ruled && (!is_granted || self.heeds_rules) => {
                return Verdict::NotInRule;
            }
            Some(Ruled { is_own: true, .. }) => return Verdict::Yes,
            _ if is_granted => return Verdict::Yes,
            _ => {}
        }
        let uses_others = || {
            let other = |grant: &Grant| !grant.kek.uri().is_age();
            self.grants().any(|grant| {
                grant.uses.allow(Use::Open) && other(grant) && grant.scope.holds_at(place)
            })
        };
        match kek.is_age() && !uses_others() {
            true => Verdict::Yes,
            false => Verdict::New,
        }
    }

    /// Whether values for `place` may be sealed to a KEK that only a rule of the
    /// repository, or the Secret itself, names. `is_own`: it is the recipient of
    /// the person's local key.
    #[must_use]
    pub fn may_seal(&self, kek: &KekUri, place: &Place, is_own: bool) -> Verdict {
        match is_own || self.is_granted(Use::Seal, kek, place) {
            true => Verdict::Yes,
            false => Verdict::New,
        }
    }

    /// Whether all parts of a Secret may have different KEKs: only where the person, or
    /// one rule of their own, names every one of them. A rule of the repository does not
    /// do: whoever can write that could put the Secret together, too.
    #[must_use]
    pub fn may_differ(&self, secret: &SealedSecret, ruled: Option<&Ruled>) -> bool {
        let keys = secret.keys();
        match (&self.may, ruled) {
            (MayUse::Only(named), _) => keys.iter().all(|kek| named.contains(kek)),
            (MayUse::Granted, Some(ruled)) if ruled.is_own => {
                keys.iter().all(|kek| ruled.names(kek))
            }
            _ => false,
        }
    }

    fn is_granted(&self, wanted: Use, kek: &KekUri, place: &Place) -> bool {
        self.grants().any(|grant| grant.allows(wanted, kek, place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aws(name: &str) -> KekUri {
        KekUri::aws(&format!("alias/{name}")).expect("an alias")
    }

    fn place(namespace: &str) -> Place {
        Place { namespace: namespace.parse().expect("ok"), name: "db".parse().expect("ok") }
    }

    fn policy(may: MayUse) -> Policy {
        Policy::new(may, Trust::load(None).expect("empty"))
    }

    fn ruled(is_own: bool, keks: &[&KekUri]) -> Ruled {
        Ruled { keks: keks.iter().map(|kek| kek.id()).collect(), is_own }
    }

    #[test]
    fn to_open_with_a_kek_is_not_to_seal_to_it_and_holds_for_its_place() {
        let mut policy = policy(MayUse::Granted);
        let (dev, prod) = (aws("dev"), aws("prod"));
        policy.allow(Uses::Open, "dev".parse().expect("ok"), &dev);
        policy.allow(Uses::Seal, Scope::only(&place("prod")), &prod);
        assert_eq!(policy.may_open(&dev, &place("dev"), None), Verdict::Yes);
        assert_eq!(policy.may_open(&dev, &place("prod"), None), Verdict::New);
        assert_eq!(policy.may_seal(&dev, &place("dev"), false), Verdict::New);
        assert_eq!(policy.may_open(&prod, &place("prod"), None), Verdict::New);
        assert_eq!(policy.may_seal(&prod, &place("prod"), false), Verdict::Yes);
        let other = Place { name: "other".parse().expect("ok"), ..place("prod") };
        assert_eq!(policy.may_seal(&prod, &other, false), Verdict::New);
        assert_eq!(policy.may_seal(&dev, &place("any"), true), Verdict::Yes);
    }

    #[test]
    fn what_is_named_is_all_that_opens_even_where_nothing_is_behind_it() {
        let age = KekUri::age("age1abc").expect("a recipient");
        let mut only = policy(MayUse::Only([aws("named").id()].into()));
        only.allow(Uses::Both, Scope::everywhere(), &aws("granted"));
        let rule = ruled(true, &[&aws("granted")]);
        assert_eq!(only.may_open(&aws("named"), &place("a"), Some(&rule)), Verdict::Yes);
        for other in [&age, &aws("granted")] {
            assert_eq!(only.may_open(other, &place("a"), Some(&rule)), Verdict::NotNamed);
        }
        only.also_named(&aws("behind"));
        assert_eq!(only.may_open(&aws("behind"), &place("a"), None), Verdict::Yes);
        assert_eq!(
            policy(MayUse::Only(BTreeSet::new())).may_open(&age, &place("a"), None),
            Verdict::NotNamed
        );
    }

    #[test]
    fn a_rule_forbids_and_never_allows() {
        let mut policy = policy(MayUse::Granted);
        policy.allow(Uses::Both, Scope::everywhere(), &aws("dev"));
        let rule = ruled(false, &[&aws("prod")]);
        assert_eq!(policy.may_open(&aws("dev"), &place("prod"), Some(&rule)), Verdict::NotInRule);
        assert_eq!(policy.may_open(&aws("prod"), &place("prod"), Some(&rule)), Verdict::New);
        let own = ruled(true, &[&aws("prod")]);
        assert_eq!(policy.may_open(&aws("prod"), &place("prod"), Some(&own)), Verdict::Yes);
        assert_eq!(policy.may_open(&aws("dev"), &place("prod"), Some(&own)), Verdict::NotInRule);
        // What is sealed anew may come from under a KEK that was granted.
        let past = policy.past_rules();
        assert_eq!(past.may_open(&aws("dev"), &place("prod"), Some(&rule)), Verdict::Yes);
        assert_eq!(past.may_open(&aws("third"), &place("prod"), Some(&rule)), Verdict::NotInRule);
    }

    #[test]
    fn an_aliass_arn_stands_for_its_account_and_region() {
        let arn = |text: &str| KekUri::aws(text).expect("an ARN");
        let rule = ruled(false, &[&arn("arn:aws:kms:eu-west-1:1:alias/prod")]);
        let mut policy = policy(MayUse::Granted);
        let (inside, outside) =
            (arn("arn:aws:kms:eu-west-1:1:key/a"), arn("arn:aws:kms:eu-west-1:2:key/a"));
        for key in [&inside, &outside] {
            policy.allow(Uses::Open, Scope::everywhere(), key);
        }
        assert_eq!(policy.may_open(&inside, &place("prod"), Some(&rule)), Verdict::Yes);
        assert_eq!(policy.may_open(&outside, &place("prod"), Some(&rule)), Verdict::NotInRule);
    }

    #[test]
    fn a_public_recipient_opens_only_where_no_other_kind_of_kek_is_in_use() {
        let age = KekUri::age("age1abc").expect("a recipient");
        let mut policy = policy(MayUse::Granted);
        assert_eq!(policy.may_open(&age, &place("prod"), None), Verdict::Yes);
        policy.allow(Uses::Both, "prod".parse().expect("ok"), &aws("prod"));
        assert_eq!(policy.may_open(&age, &place("prod"), None), Verdict::New);
        assert_eq!(policy.may_open(&age, &place("dev"), None), Verdict::Yes);
        // A rule of the repository allows nothing; one of the person's own does.
        let rule = ruled(false, &[&age]);
        assert_eq!(policy.may_open(&age, &place("prod"), Some(&rule)), Verdict::New);
        let own = ruled(true, &[&age]);
        assert_eq!(policy.may_open(&age, &place("prod"), Some(&own)), Verdict::Yes);
        policy.allow(Uses::Both, "prod".parse().expect("ok"), &age);
        assert_eq!(policy.may_open(&age, &place("prod"), None), Verdict::Yes);
    }
}
