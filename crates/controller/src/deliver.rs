//! One delivery: from an `EnvcryptSecret` to its plain Secret and its status.
//!
//! Each write names the version that it replaces, so two controllers cannot harm each other.

use std::time::Instant;

use envcrypt_cluster::{Cluster, ClusterError, Lease, LiveResource, Note, ResourceStatus, Version};
use envcrypt_core::envelope::SealedSecret;
use envcrypt_core::manifest::{DeletionPolicy, Object};
use envcrypt_core::secret::{Place, PlainSecret, random_bytes};
use jiff::Timestamp;

use crate::fingerprint::{Known, Recogniser};
use crate::index::is_current;
use crate::metrics::Delivery;
use crate::opener::Opener;
use crate::outcome::{Outcome, Standing};
use crate::rules::{Plan, Rules};
use crate::sealing::Sealing;
use crate::status;
use crate::target::{self, Wanted, Whose};

/// What every delivery needs.
pub struct Deliverer {
    /// The cluster.
    pub cluster: Cluster,
    /// What may be delivered.
    pub rules: Rules,
    /// Opens.
    pub opener: Opener,
    /// Recognises what was opened before.
    pub recogniser: Recogniser,
    /// Says whether this process may write; without one, it may.
    pub lease: Option<Lease>,
    /// The name of this process, for events.
    pub instance: String,
    /// Whether the plain Secrets are watched.
    pub watches_targets: bool,
}

/// What a delivery begins with.
pub struct Task {
    /// The object.
    pub place: Place,
    /// The plain Secret, as far as it is watched.
    pub target: Option<Version>,
    /// The values that were opened last.
    pub fingerprint: Option<Known>,
}

/// What a delivery ended with.
pub struct Report {
    /// The object.
    pub place: Place,
    /// The object as it was read; `None` if it is gone or could not be read.
    pub resource: Option<LiveResource>,
    /// What came of it; `None` if nothing was to be said.
    pub outcome: Option<Outcome>,
    /// The plain Secret, as it was found or written.
    pub target: Option<Version>,
    /// The values that were opened.
    pub fingerprint: Option<Known>,
    /// What was done with the plain Secret.
    pub delivery: Option<Delivery>,
    /// An event about something else than the outcome.
    pub remark: Option<(&'static str, String)>,
    /// When it began.
    pub began: Instant,
}

/// A plain Secret that is as it was sealed.
struct Done {
    delivery: Delivery,
    version: Version,
    fingerprint: Option<Known>,
}

/// A sealed Secret, and its digests.
struct Source<'a> {
    resource: &'a LiveResource,
    sealed: &'a SealedSecret,
    sealing: Sealing,
}

impl Deliverer {
    /// Delivers one object.
    pub async fn deliver(&self, task: Task) -> Report {
        let mut report = Report {
            place: task.place.clone(),
            resource: None,
            outcome: None,
            target: task.target.clone(),
            fingerprint: task.fingerprint.clone(),
            delivery: None,
            remark: None,
            began: Instant::now(),
        };
        match self.cluster.resource(&task.place).await {
            Ok(None) => report.fingerprint = None,
            Ok(Some(resource)) => {
                self.deliver_resource(&resource, task, &mut report).await;
                report.resource = Some(resource);
            }
            Err(error) => report.outcome = Some(error.into()),
        }
        report
    }

    async fn deliver_resource(&self, resource: &LiveResource, task: Task, report: &mut Report) {
        let sealed = match self.rules.plan(resource) {
            Plan::Nothing => return,
            Plan::Report(outcome) => {
                let outcome = match self.let_go(resource).await {
                    Ok(()) => outcome,
                    Err(error) => error.into(),
                };
                let status = status::with(resource, &outcome);
                return self.report(resource, status, outcome, report).await;
            }
            Plan::Deliver(sealed) => sealed,
        };
        let target = match self.watches_targets {
            true => task.target,
            false => resource.status.target.clone(),
        };
        let source = Source { resource, sealed: &sealed, sealing: Sealing::of(&sealed) };
        let sealed_at = source.sealed_at();
        if is_current(resource, &source.sealing, target.as_ref(), self.watches_targets) {
            report.target = target;
            report.delivery = Some(Delivery::Unchanged);
            report.outcome = Some(Outcome::ready(&sealed_at));
            return;
        }
        let done = match self.check_age(&source, report) {
            Ok(()) => self.target(&source, target, task.fingerprint.as_ref()).await,
            Err(outcome) => Err(outcome),
        };
        let (status, outcome) = match done {
            Ok(done) => {
                let outcome = Outcome::ready(&sealed_at);
                let status = ResourceStatus {
                    digest: Some(source.sealing.digest.clone()),
                    wrapped: Some(source.sealing.wrapped.clone()),
                    sealed_at: Some(sealed_at),
                    keks: Some(keks(&sealed)),
                    target: Some(done.version.clone()),
                    ..status::with(resource, &outcome)
                };
                report.target = Some(done.version);
                report.delivery = Some(done.delivery);
                report.fingerprint = done.fingerprint.or(report.fingerprint.take());
                (status, outcome)
            }
            Err(outcome) => {
                let outcome = outcome.meanwhile(resource.status.sealed_at.as_deref());
                (status::with(resource, &outcome), outcome)
            }
        };
        self.report(resource, status, outcome, report).await;
    }

    /// Takes the owner off a Secret that is to be retained, also while nothing is delivered: it must
    /// not be deleted with an object that is suspended or stalled.
    async fn let_go(&self, resource: &LiveResource) -> Result<(), ClusterError> {
        let policy = resource.spec.as_ref().map(|spec| spec.deletion_policy);
        let is_known = resource.status.observed_generation == resource.generation;
        if policy != Some(DeletionPolicy::Retain) || resource.status.target.is_none() || is_known {
            return Ok(());
        }
        let Some(live) = self.cluster.find(&resource.place).await? else { return Ok(()) };
        let Some(patch) = target::without_owner(&live) else { return Ok(()) };
        if target::whose(&live, resource) != Whose::Ours {
            return Ok(());
        }
        self.check_lead(&resource.place)?;
        self.cluster.patch_target(&resource.place, patch).await.map(drop)
    }

    /// Notes an older sealing than the delivered one, or refuses it.
    fn check_age(&self, source: &Source<'_>, report: &mut Report) -> Result<(), Outcome> {
        let status = &source.resource.status;
        let time = |text: &str| text.parse::<Timestamp>().ok();
        let delivered = status.sealed_at.as_deref().and_then(time);
        let new = time(&source.sealed_at());
        let is_older = delivered.zip(new).is_some_and(|(delivered, new)| new < delivered)
            && status.digest.as_ref() != Some(&source.sealing.digest);
        if !is_older {
            return Ok(());
        }
        let message = format!("it was sealed at {}, before what was delivered", source.sealed_at());
        match self.rules.refuse_older {
            true => Err(Outcome::stalled("SealedEarlier", message)),
            false => {
                report.remark = Some(("SealedEarlier", message));
                Ok(())
            }
        }
    }

    /// Makes the plain Secret what was sealed.
    async fn target(
        &self,
        source: &Source<'_>,
        target: Option<Version>,
        fingerprint: Option<&Known>,
    ) -> Result<Done, Outcome> {
        let place = &source.resource.place;
        // One that was there may be there still, without its label.
        let status = &source.resource.status;
        let may_be_there = target.is_some()
            || status.target.is_some()
            || status::ready(status).is_some_and(|(reason, _)| reason == "NotOwned");
        let mut plain = None;
        if !may_be_there {
            let opened = self.open(source).await?;
            match self.create(source, &opened).await {
                Err(ClusterError::AlreadyExists(_)) => {
                    self.check_unchanged(source.resource).await?;
                    plain = Some(opened);
                }
                created => return Ok(created?),
            }
        }
        let Some(live) = self.cluster.find(place).await? else {
            return match plain {
                // It was deleted meanwhile.
                Some(_) => Err(ClusterError::Changed(place.clone()).into()),
                None => {
                    let opened = self.open(source).await?;
                    Ok(self.create(source, &opened).await?)
                }
            };
        };
        let is_given = match target::whose(&live, source.resource) {
            Whose::Ours => false,
            Whose::Given => true,
            Whose::Foreign => return Err(Outcome::not_owned()),
        };
        if plain.is_none() && !self.knows(source, &live, fingerprint) {
            plain = Some(self.open(source).await?);
        }
        let mut done = self.change(source, live, plain.as_ref()).await?;
        if is_given {
            done.delivery = Delivery::Adopted;
        }
        Ok(done)
    }

    /// Fails if the object changed since it was read: what is in the cluster may be newer.
    async fn check_unchanged(&self, resource: &LiveResource) -> Result<(), ClusterError> {
        let now = self.cluster.resource(&resource.place).await?;
        match now
            .is_some_and(|now| now.uid == resource.uid && now.generation == resource.generation)
        {
            true => Ok(()),
            false => Err(ClusterError::Changed(resource.place.clone())),
        }
    }

    /// Whether the live values are known to be the sealed ones: nobody wrote the Secret since, or
    /// the values are those that this process opened.
    fn knows(&self, source: &Source<'_>, live: &Object, fingerprint: Option<&Known>) -> bool {
        let status = &source.resource.status;
        let is_untouched = status.target.is_some() && status.target == target::version(live);
        status.last_resync == source.resource.resync
            && source.sealing.was_opened(source.resource)
            && (is_untouched
                || self.recogniser.recognises(fingerprint, &source.sealing.digest, live))
    }

    async fn open(&self, source: &Source<'_>) -> Result<PlainSecret, Outcome> {
        Ok(self.opener.open(source.sealed).await?)
    }

    async fn create(&self, source: &Source<'_>, plain: &PlainSecret) -> Result<Done, ClusterError> {
        self.check_lead(&source.resource.place)?;
        let object = source.wanted().object(plain);
        let version = self.cluster.create_target(&source.resource.place, &object).await?;
        // A Secret that was there before was deleted by someone else.
        let delivery = match source.resource.status.target {
            Some(_) if source.is_delivered() => Delivery::Repaired,
            _ => Delivery::Created,
        };
        let fingerprint = Some(self.recogniser.known(&source.sealing.digest, &object));
        Ok(Done { delivery, version, fingerprint })
    }

    /// Changes the live Secret where it differs. Without `plain`, its values are good.
    async fn change(
        &self,
        source: &Source<'_>,
        live: Object,
        plain: Option<&PlainSecret>,
    ) -> Result<Done, ClusterError> {
        let place = &source.resource.place;
        let wanted = source.wanted();
        let fingerprint =
            plain.map(|plain| self.recogniser.known(&source.sealing.digest, &wanted.object(plain)));
        if let Some(plain) = plain.filter(|plain| wanted.needs_another(&live, plain)) {
            let version = self.replace(source, live, plain).await?;
            return Ok(Done { delivery: source.delivery(), version, fingerprint });
        }
        let Some(patch) = wanted.patch(&live, plain) else {
            let version = target::version(&live).ok_or(ClusterError::Answer)?;
            return Ok(Done { delivery: Delivery::Unchanged, version, fingerprint });
        };
        self.check_lead(place)?;
        let version = self.cluster.patch_target(place, patch).await?;
        Ok(Done { delivery: source.delivery(), version, fingerprint })
    }

    /// Deletes the Secret and makes another. If that fails, the old one is restored.
    async fn replace(
        &self,
        source: &Source<'_>,
        live: Object,
        plain: &PlainSecret,
    ) -> Result<Version, ClusterError> {
        let place = &source.resource.place;
        let version = target::version(&live).ok_or(ClusterError::Answer)?;
        let new = source.wanted().object(plain);
        self.cluster.rehearse_target(place, &new).await?;
        self.check_lead(place)?;
        self.cluster.delete_target(place, &version).await?;
        match self.cluster.create_target(place, &new).await {
            Ok(version) => Ok(version),
            Err(error) => {
                // If this fails too, the next attempt makes the new one.
                let _ = self.cluster.create_target(place, &live.for_apply(place)).await;
                Err(error)
            }
        }
    }

    /// Writes the status if it differs.
    async fn report(
        &self,
        resource: &LiveResource,
        status: ResourceStatus,
        outcome: Outcome,
        report: &mut Report,
    ) {
        let is_passing = matches!(outcome.reason, "Conflict" | "ApiUnavailable");
        report.outcome = Some(outcome);
        if is_passing || status == resource.status {
            return;
        }
        let written = match self.check_lead(&resource.place) {
            Ok(()) => self.cluster.put_status(resource, &status).await,
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            report.outcome = Some(error.into());
        }
    }

    /// Makes an event.
    pub fn event(
        &self,
        about: &LiveResource,
        is_warning: bool,
        reason: &'static str,
        text: &str,
    ) -> Note {
        let mut random = [0; 8];
        random_bytes(&mut random);
        Note {
            place: about.place.clone(),
            uid: about.uid.clone(),
            is_warning,
            reason,
            text: text.chars().take(1000).collect(),
            suffix: random.iter().map(|byte| format!("{byte:02x}")).collect(),
            instance: self.instance.clone(),
        }
    }

    /// Writes an event. One that cannot be written is lost.
    pub async fn write(&self, event: &Note) {
        if let Err(error) = self.cluster.note(event).await {
            tracing::debug!(%error, "an event cannot be written");
        }
    }

    /// Whether this process may write: no other may deliver by now.
    pub fn may_write(&self) -> bool {
        self.lease.as_ref().is_none_or(Lease::is_held)
    }

    fn check_lead(&self, place: &Place) -> Result<(), ClusterError> {
        match self.may_write() {
            true => Ok(()),
            false => Err(ClusterError::Changed(place.clone())),
        }
    }
}

impl Source<'_> {
    fn wanted(&self) -> Wanted<'_> {
        Wanted::new(self.resource, &self.sealed.meta, &self.sealing.digest)
    }

    fn sealed_at(&self) -> String {
        status::time(self.sealed.seal.as_ref().map_or(0, |seal| seal.sealed_at))
    }

    /// Whether exactly this was delivered before.
    fn is_delivered(&self) -> bool {
        self.resource.status.digest.as_ref() == Some(&self.sealing.digest)
            && self.resource.status.observed_generation == self.resource.generation
    }

    fn delivery(&self) -> Delivery {
        if self.is_delivered() { Delivery::Repaired } else { Delivery::Updated }
    }
}

/// The KEKs of a Secret as text: the first five.
fn keks(sealed: &SealedSecret) -> String {
    let keys = sealed.keys();
    let named: Vec<String> = keys.iter().take(5).map(|kek| kek.uri().to_string()).collect();
    let more = if keys.len() > 5 { ",…" } else { "" };
    format!("{}{more}", named.join(","))
}

impl Report {
    /// How the object stands now.
    pub fn standing(&self) -> Option<Standing> {
        self.outcome.as_ref().map(|outcome| outcome.standing)
    }
}
