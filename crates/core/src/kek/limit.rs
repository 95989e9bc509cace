//! How many calls are under way at one service, and how fast they start.
//!
//! No KMS says how many calls it takes now. So the limit learns it from the answers:
//!
//! - It begins with 16 calls at once, and a moderate rate. If none of the first answers is throttled,
//!   both double in each round. A round is the time of one call. Only what calls wait for grows.
//! - A throttled answer halves both, and for a moment no call starts. The other throttled answers
//!   of the same round do not halve them again.
//! - From then on, the number grows by one in each round, and the rate grows slowly. The next
//!   throttled answer tells the rate of the service: a service that throttles has used up what it
//!   allows. So what it answered between two such moments is what it allows in that time.
//!
//! A [`Quota`] is a second bound for the rate. It holds from the first call.

mod pace;
mod state;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{Mutex as Line, Notify};
use tokio::time::{Instant, sleep_until};

use super::lock;
pub(super) use pace::Quota;
use state::{State, Wait};

/// The number of calls that may be under way at the start, and always on this machine.
const START: u16 = 16;
/// The number of calls that may be under way at a service that never throttles.
const MOST: u16 = 128;
/// The rate at the start, in calls a second.
const START_RATE: f64 = 450.0;

/// The limit of one service. All KEKs that share a quota share it.
pub(super) struct Limit {
    /// New calls wait here, in order. So a call that was throttled is next.
    line: Line<()>,
    /// The next calls wait here.
    gate: Line<()>,
    ended: Notify,
    state: Mutex<State>,
}

impl Limit {
    /// Returns the limit of a service with a published quota, or without one.
    pub(super) fn of_service(quota: Option<Quota>) -> Arc<Self> {
        Self::new(State::new(quota, MOST, START_RATE))
    }

    /// Returns the limit of what runs on this machine. There are fewer calls, at any rate.
    pub(super) fn of_machine() -> Arc<Self> {
        Self::new(State::new(None, START, f64::INFINITY))
    }

    fn new(state: State) -> Arc<Self> {
        Arc::new(Self {
            line: Line::default(),
            gate: Line::default(),
            ended: Notify::new(),
            state: Mutex::new(state),
        })
    }

    /// Waits for the turn of a new call.
    pub(super) async fn turn(self: &Arc<Self>) -> Turn {
        let _line = self.line.lock().await;
        self.next().await
    }

    /// Waits for the turn of a call that was throttled. It comes before new calls.
    pub(super) async fn next(self: &Arc<Self>) -> Turn {
        let _gate = self.gate.lock().await;
        loop {
            let wait = self.state().start();
            match wait {
                Ok(call) => return Turn { limit: self.clone(), call: Some(call) },
                Err(Wait::Answer) => self.ended.notified().await,
                // Then the state is looked at again: an answer can change it meanwhile.
                Err(Wait::Until(at)) => sleep_until(at).await,
            }
        }
    }

    /// Returns until when no call starts, because the service throttled one.
    pub(super) fn paused_until(&self) -> Instant {
        self.state().paused_until()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// A call that may be under way. It ends when this is dropped.
pub(super) struct Turn {
    limit: Arc<Limit>,
    call: Option<state::Call>,
}

impl Turn {
    /// Ends a call that the service answered.
    pub(super) fn answered(mut self) {
        if let Some(call) = self.call.take() {
            self.limit.state().answered(call);
        }
    }

    /// Ends a call that the service throttled. The service can say how long to wait.
    pub(super) fn throttled(mut self, retry_after: Option<Duration>) {
        if let Some(call) = self.call.take() {
            self.limit.state().throttled(call, retry_after);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.limit.state().end();
        self.limit.ended.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use futures::{StreamExt, stream};
    use tokio::time::{sleep, timeout};

    use super::*;

    const CALL: Duration = Duration::from_millis(20);

    /// A service that takes so many calls a second, and a few at once. It counts.
    struct Service {
        a_second: f64,
        burst: f64,
        left: Cell<f64>,
        since: Cell<Instant>,
        throttled: Cell<usize>,
        under_way: Cell<usize>,
        most: Cell<usize>,
        starts: RefCell<Vec<Instant>>,
    }

    impl Service {
        fn new(a_second: f64, burst: f64) -> Self {
            Self {
                a_second,
                burst,
                left: Cell::new(burst),
                since: Cell::new(Instant::now()),
                throttled: Cell::default(),
                under_way: Cell::default(),
                most: Cell::default(),
                starts: RefCell::default(),
            }
        }

        /// Answers a call. Returns whether it was not throttled, as late as a good answer comes.
        async fn call(&self) -> bool {
            let now = Instant::now();
            self.starts.borrow_mut().push(now);
            self.under_way.set(self.under_way.get() + 1);
            self.most.set(self.most.get().max(self.under_way.get()));
            let earned = (now - self.since.replace(now)).as_secs_f64() * self.a_second;
            let left = (self.left.get() + earned).min(self.burst);
            let is_good = left >= 1.0;
            self.left.set(if is_good { left - 1.0 } else { left });
            self.throttled.set(self.throttled.get() + usize::from(!is_good));
            sleep(CALL).await;
            self.under_way.set(self.under_way.get() - 1);
            is_good
        }

        /// Makes many calls, each again until it is answered. Returns how long they take.
        async fn take(&self, calls: usize, limit: &Arc<Limit>) -> Duration {
            let started = Instant::now();
            let one = async |_| {
                let mut turn = limit.turn().await;
                while !self.call().await {
                    turn.throttled(None);
                    turn = limit.next().await;
                }
                turn.answered();
            };
            stream::iter(0..calls).map(one).buffered(2 * usize::from(MOST)).count().await;
            started.elapsed()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_never_throttles_gets_more_and_more_calls_up_to_the_bound() {
        let service = Service::new(1e9, 1e9);
        let limit = Limit::of_service(None);
        service.take(16, &limit).await;
        assert_eq!(service.most.get(), 16);
        let time = service.take(984, &limit).await;
        assert!(time < Duration::from_millis(600), "{time:?}");
        service.take(4000, &limit).await;
        assert_eq!((service.most.get(), service.throttled.get()), (128, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_allows_200_a_second_throttles_at_most_1_call_in_100() {
        let service = Service::new(200.0, 20.0);
        let time = service.take(1000, &Limit::of_service(None)).await;
        let throttled = service.throttled.get();
        assert!((1..=10).contains(&throttled), "{throttled} throttled");
        assert!(time < Duration::from_millis(5800), "{time:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_follows_a_service_that_takes_more_again() {
        let limit = Limit::of_service(None);
        Service::new(100.0, 10.0).take(500, &limit).await;
        let service = Service::new(200.0, 20.0);
        service.take(2000, &limit).await;
        let time = service.take(1000, &limit).await;
        assert!(time < Duration::from_millis(6000), "{time:?}");
    }

    /// Takes turns and keeps them, until none is free.
    async fn all_turns(limit: &Arc<Limit>) -> Vec<Turn> {
        let mut turns = Vec::new();
        while let Ok(turn) = timeout(Duration::from_secs(2), limit.turn()).await {
            turns.push(turn);
        }
        turns
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_burst_halves_once() {
        let limit = Limit::of_service(None);
        let turns = all_turns(&limit).await;
        assert_eq!(turns.len(), 16);
        turns.into_iter().for_each(|turn| turn.throttled(None));
        let turns = all_turns(&limit).await;
        assert_eq!(turns.len(), 8, "not 16 times");
        turns.into_iter().for_each(|turn| turn.throttled(None));
        assert_eq!(all_turns(&limit).await.len(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_starts_before_the_service_wants_it_again() {
        let limit = Limit::of_service(None);
        let turn = limit.turn().await;
        let now = Instant::now();
        turn.throttled(Some(Duration::from_secs(7)));
        assert!(limit.paused_until() >= now + Duration::from_secs(7));
        limit.turn().await.answered();
        assert!(now.elapsed() >= Duration::from_secs(7), "{:?}", now.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_call_comes_before_new_ones() {
        let limit = Limit::of_machine();
        let order = RefCell::new(Vec::new());
        let turns = all_turns(&limit).await;
        let new = async |name: usize| {
            limit.turn().await.answered();
            order.borrow_mut().push(name);
        };
        let again = async {
            tokio::task::yield_now().await;
            limit.next().await.answered();
            order.borrow_mut().push(99);
        };
        let end = async {
            sleep(CALL).await;
            drop(turns);
        };
        tokio::join!(new(0), new(1), new(2), again, end);
        // One new call was next already.
        assert_eq!(*order.borrow(), [0, 99, 1, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_given_up_frees_its_place() {
        let limit = Limit::of_machine();
        let mut turns = all_turns(&limit).await;
        assert_eq!(turns.len(), 16);
        turns.pop();
        assert_eq!(all_turns(&limit).await.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn no_period_has_more_calls_than_the_quota() {
        let quota = Quota { calls: 100, per: Duration::from_secs(1) };
        let service = Service::new(1e9, 1e9);
        let time = service.take(500, &Limit::of_service(Some(quota))).await;
        assert!(time < Duration::from_secs(10), "half of the quota in the long run: {time:?}");
        let starts = service.starts.borrow();
        for (index, start) in starts.iter().enumerate() {
            let until = *start + quota.per;
            let count = starts[index..].iter().take_while(|other| **other < until).count();
            assert!(count <= 100, "{count} in a second");
        }
    }
}
