//! What a limit has learned.

use std::time::Duration;

use tokio::time::Instant;

use super::pace::{Pace, Quota};
use super::{START, START_RATE};
use crate::secret::random_bytes;

/// The number of answers before anything grows. A service that allows little throttles until then.
const HOLD: u32 = 64;
/// The growth in a round after that, before the first throttled answer.
const GROWTH: f64 = 2.0;
/// The growth of the rate in a second after a throttled answer.
const PROBE: f64 = 0.08;
/// The lowest rate, in calls a second. If that is too much, the pauses become longer.
const LEAST: f64 = 10.0;
/// The number of answers that tell a rate.
const SAMPLE: u32 = 16;
/// The pause after a throttled answer. It doubles while nothing is answered.
const PAUSE: Duration = Duration::from_millis(100);
/// How often the pause can double: up to 1.6 seconds.
const DOUBLINGS: u32 = 4;

pub(super) struct State {
    most: f64,
    under_way: u32,
    /// The number of calls that may be under way.
    window: f64,
    pace: Pace,
    of_quota: Option<Pace>,
    paused_until: Instant,
    round: Round,
    answers: u32,
    throttled: Option<Throttled>,
}

/// The time from its start to the first answer to a call that started in it.
struct Round {
    number: u64,
    since: Instant,
    /// Whether a call waited, because of the number or because of the rate.
    is_full: bool,
    is_paced: bool,
}

/// The last throttled answer that halved the limit, and what was answered since.
struct Throttled {
    /// The first round after it.
    round: u64,
    /// The start of the call that was throttled.
    since: Instant,
    /// The number of calls that started later and were answered.
    answered: u32,
    /// The number of calls that had started before it, and were throttled too.
    refused: u32,
    /// Whether the rate is what the service answered.
    is_measured: bool,
    /// How often the limit was halved since the last answer.
    in_a_row: u32,
}

/// What the next call waits for.
pub(super) enum Wait {
    Answer,
    Until(Instant),
}

/// A call that is under way.
#[derive(Clone, Copy)]
pub(super) struct Call {
    round: u64,
    since: Instant,
}

impl State {
    pub(super) fn new(quota: Option<Quota>, most: u16, rate: f64) -> Self {
        let now = Instant::now();
        Self {
            most: most.into(),
            under_way: 0,
            window: START.into(),
            pace: Pace::new(rate, START.into()),
            of_quota: quota.map(Pace::of_quota),
            paused_until: now,
            round: Round { number: 0, since: now, is_full: false, is_paced: false },
            answers: 0,
            throttled: None,
        }
    }

    /// Starts a call, or returns what it waits for.
    pub(super) fn start(&mut self) -> Result<Call, Wait> {
        let now = Instant::now();
        if f64::from(self.under_way + 1) > self.window {
            self.round.is_full = true;
            return Err(Wait::Answer);
        }
        let next = self.pace.next();
        self.round.is_paced |= next > now;
        let next = self.of_quota.as_ref().map_or(next, |pace| pace.next().max(next));
        if next > now {
            return Err(Wait::Until(next));
        }
        self.pace.take(now);
        self.of_quota.iter_mut().for_each(|pace| pace.take(now));
        self.under_way += 1;
        Ok(Call { round: self.round.number, since: now })
    }

    pub(super) fn end(&mut self) {
        self.under_way -= 1;
    }

    pub(super) fn paused_until(&self) -> Instant {
        self.paused_until
    }

    pub(super) fn answered(&mut self, call: Call) {
        self.answers = self.answers.saturating_add(1);
        if let Some(throttled) = &mut self.throttled {
            throttled.answered += u32::from(call.since >= throttled.since);
            if call.round >= throttled.round {
                throttled.in_a_row = 0;
            }
        }
        if call.round == self.round.number {
            self.grow();
            self.begin_round();
        }
    }

    fn grow(&mut self) {
        let Round { is_full, is_paced, since, .. } = self.round;
        let time = since.elapsed().as_secs_f64().min(1.0);
        let (window, rate) = match &self.throttled {
            None if self.answers < HOLD => return,
            None => (self.window * GROWTH, GROWTH),
            Some(_) => (self.window + 1.0, 1.0 + PROBE * time),
        };
        if is_full {
            self.window = window.min(self.most);
        }
        if is_paced {
            self.pace.set_rate(self.pace.rate() * rate);
        }
    }

    pub(super) fn throttled(&mut self, call: Call, retry_after: Option<Duration>) {
        let now = Instant::now();
        let before = self.throttled.as_ref();
        if before.is_none_or(|before| call.round >= before.round) {
            let in_a_row = before.map_or(0, |before| before.in_a_row + 1);
            let measured = before.and_then(|before| before.rate(call.since));
            let half = self.pace.rate() / 2.0;
            let rate = measured.map_or(half, |rate| rate.clamp(half, 2.0 * half));
            self.pace.set_rate(rate.max(LEAST));
            self.window = (self.window / 2.0).max(1.0);
            self.begin_round();
            self.throttled = Some(Throttled {
                round: self.round.number,
                since: call.since,
                answered: 0,
                refused: 0,
                is_measured: measured.is_some(),
                in_a_row,
            });
            self.pause(now + jitter(PAUSE * 2_u32.pow(in_a_row.min(DOUBLINGS))));
        } else if let Some(known) = &mut self.throttled {
            known.refused += 1;
            // Half of a rate that was far too high is still far too high.
            if !known.is_measured && known.refused >= SAMPLE && known.refused > known.answered {
                self.pace.set_rate(self.pace.rate().min(START_RATE));
            }
        }
        if let Some(wait) = retry_after {
            self.pause(now + wait);
        }
    }

    fn pause(&mut self, until: Instant) {
        self.paused_until = self.paused_until.max(until);
        self.pace.pause(until);
    }

    fn begin_round(&mut self) {
        let number = self.round.number + 1;
        self.round = Round { number, since: Instant::now(), is_full: false, is_paced: false };
    }
}

impl Throttled {
    /// Returns what the service answered in a second, up to a time when it throttled again.
    fn rate(&self, until: Instant) -> Option<f64> {
        let time = until.saturating_duration_since(self.since).as_secs_f64();
        (self.answered >= SAMPLE && time > 0.0).then(|| f64::from(self.answered) / time)
    }
}

/// Returns a time between half and one and a half of `time`, so that those who were throttled
/// together do not come back together.
fn jitter(time: Duration) -> Duration {
    let mut byte = [0];
    random_bytes(&mut byte);
    time / 2 + time * u32::from(byte[0]) / 255
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn ms(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    fn state(rate: f64) -> State {
        State::new(None, 128, rate)
    }

    /// A call that starts now.
    fn call(state: &State) -> Call {
        Call { round: state.round.number, since: Instant::now() }
    }

    /// The number of calls that may be under way, and the rate.
    fn learned(state: &State) -> (f64, f64) {
        (state.window, state.pace.rate().round())
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_waits_for_its_number_or_for_its_rate_and_the_round_notes_which() {
        let mut state = state(100.0);
        for _ in 0..16 {
            assert!(state.start().is_ok());
        }
        assert_eq!(
            (state.under_way, state.round.is_full, state.round.is_paced),
            (16, false, false)
        );
        assert!(matches!(state.start(), Err(Wait::Answer)));
        assert!(state.round.is_full && !state.round.is_paced);
        state.end();
        assert_eq!(state.under_way, 15);
        let next = Instant::now() + ms(10);
        assert!(matches!(state.start(), Err(Wait::Until(at)) if at == next));
        assert!(state.round.is_paced);
        advance(ms(10)).await;
        assert!(state.start().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_calls_wait_for_doubles_and_after_a_throttled_answer_it_grows_slowly() {
        let grown = async |answers: u32, was_throttled: bool, time: u64| {
            let mut state = state(200.0);
            if was_throttled {
                state.throttled(call(&state), None);
            }
            (state.round.is_full, state.round.is_paced) = (true, true);
            state.answers = answers;
            advance(ms(time)).await;
            state.grow();
            learned(&state)
        };
        assert_eq!(grown(HOLD - 1, false, 500).await, (16.0, 200.0));
        assert_eq!(grown(HOLD, false, 500).await, (32.0, 400.0));
        assert_eq!(grown(HOLD, true, 500).await, (9.0, 104.0));
        // A round counts as a second at most.
        assert_eq!(grown(HOLD, true, 9000).await, (9.0, 108.0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_answer_halves_and_the_next_one_tells_the_rate() {
        let mut state = state(400.0);
        let earlier = call(&state);
        advance(ms(10)).await;
        state.throttled(call(&state), None);
        assert_eq!((learned(&state), state.round.number), ((8.0, 200.0), 1));
        // This one says nothing about the time since then.
        state.answered(earlier);
        assert_eq!(state.round.number, 1);
        for _ in 0..75 {
            state.answered(call(&state));
        }
        assert_eq!((state.answers, state.round.number), (76, 76));
        advance(ms(500)).await;
        state.throttled(call(&state), None);
        assert_eq!(learned(&state), (4.0, 150.0));
        assert!(state.throttled.is_some_and(|throttled| throttled.is_measured));
    }

    #[tokio::test(start_paused = true)]
    async fn some_answers_in_some_time_tell_a_rate() {
        let mut state = state(400.0);
        state.throttled(call(&state), None);
        let mut throttled = state.throttled.expect("just now");
        let now = Instant::now();
        throttled.answered = SAMPLE;
        assert_eq!(throttled.rate(now + ms(2000)), Some(8.0));
        assert_eq!(throttled.rate(now), None);
        throttled.answered = SAMPLE - 1;
        assert_eq!(throttled.rate(now + ms(2000)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_pause_doubles_with_each_throttled_answer_in_a_row() {
        let mut state = state(400.0);
        let first = call(&state);
        let pause = |state: &mut State| {
            state.throttled(call(state), None);
            state.paused_until() - Instant::now()
        };
        for time in [100, 200, 400, 800, 1600, 1600] {
            let paused = pause(&mut state);
            assert!((ms(time / 2)..=ms(time * 3 / 2)).contains(&paused), "{time}: {paused:?}");
            advance(ms(3000)).await;
        }
        // This call started before.
        state.answered(first);
        assert!(pause(&mut state) >= ms(800));
        advance(ms(3000)).await;
        state.answered(call(&state));
        assert!(pause(&mut state) <= ms(300), "as after the first one");
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_that_is_mostly_throttled_shows_that_the_rate_was_far_too_high() {
        for (answered, refused, expected) in
            [(0, 15, 900.0), (0, 16, 450.0), (16, 16, 900.0), (16, 17, 450.0)]
        {
            let mut state = state(1800.0);
            let burst = call(&state);
            state.throttled(burst, None);
            for _ in 0..answered {
                state.answered(call(&state));
            }
            for _ in 0..refused {
                state.throttled(burst, None);
            }
            assert_eq!(learned(&state), (8.0, expected), "{answered} answered, {refused} refused");
        }
        let mut state = state(1800.0);
        let burst = call(&state);
        state.throttled(burst, None);
        state.throttled.as_mut().expect("just now").is_measured = true;
        for _ in 0..2 * SAMPLE {
            state.throttled(burst, None);
        }
        assert_eq!(learned(&state), (8.0, 900.0), "it is what the service answered");
    }

    #[test]
    fn a_pause_is_between_half_and_one_and_a_half_of_its_time() {
        let pauses: Vec<_> = (0..200).map(|_| jitter(ms(100))).collect();
        let (least, most) = (pauses.iter().min(), pauses.iter().max());
        let (least, most) = least.zip(most).expect("200");
        assert!(*least >= ms(50) && *most <= ms(150), "{least:?} to {most:?}");
        assert!(*most - *least > ms(50), "they are not the same: {least:?} to {most:?}");
    }
}
