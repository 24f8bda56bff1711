//! A client-side rate limit that learns.
//!
//! It starts at the rate that AWS publishes, slows down when AWS throttles all the same (somebody else uses the same
//! quota) and creeps back. No rate-limit crate that we know lets the rate of a running limiter change, which is why
//! these few lines are our own.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::Rate;

/// How much slower after a throttling answer.
const SLOW_DOWN: f64 = 0.7;
/// How much of the full rate comes back with each second without one.
const RECOVERY_PER_SECOND: f64 = 0.05;
/// Never slower than this share of the full rate.
const FLOOR: f64 = 0.1;

/// A token bucket whose rate adapts to what AWS answers.
#[derive(Debug)]
pub struct Throttle {
    full: Rate,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    /// May be negative: callers that wait have taken their token in advance.
    tokens: f64,
    counted_at: Instant,
    per_second: f64,
    slowed_at: Option<Instant>,
}

impl Throttle {
    /// A full bucket at this rate.
    pub fn new(rate: Rate) -> Self {
        Self {
            full: rate,
            bucket: Mutex::new(Bucket {
                tokens: rate.burst.max(1.0),
                counted_at: Instant::now(),
                per_second: rate.per_second,
                slowed_at: None,
            }),
        }
    }

    /// Waits until a call may be sent.
    pub async fn acquire(&self) {
        self.acquire_many(1).await;
    }

    /// Waits until a call that counts as this many may be sent.
    ///
    /// It waits for one token and takes them all: what is missing has to come back before the next call. That is how SES
    /// counts the recipients of a mail.
    pub async fn acquire_many(&self, count: usize) {
        let wait = self.reserve(count);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    /// Waits until a call could be sent at once, and takes nothing for it.
    pub async fn ready(&self) {
        loop {
            let wait = {
                let mut bucket = self.lock();
                bucket.refill(self.full, Instant::now());
                (1.0 - bucket.tokens).max(0.0) / bucket.per_second
            };
            // Less than a clock's tick is a rounding error.
            if wait < 0.001 {
                return;
            }
            tokio::time::sleep(Duration::from_secs_f64(wait)).await;
        }
    }

    /// Takes tokens and says how long to wait before using them.
    fn reserve(&self, count: usize) -> Duration {
        let mut bucket = self.lock();
        let now = Instant::now();
        bucket.refill(self.full, now);
        bucket.tokens -= 1.0;
        let wait = (-bucket.tokens).max(0.0) / bucket.per_second;
        bucket.tokens -= f64::from(u32::try_from(count).unwrap_or(u32::MAX)) - 1.0;
        Duration::from_secs_f64(wait)
    }

    /// AWS throttled a call: slow down, at most once a second however many calls were in flight.
    pub fn slow_down(&self) {
        let mut bucket = self.lock();
        let now = Instant::now();
        bucket.refill(self.full, now);
        let just_slowed = bucket.slowed_at.is_some_and(|at| now.duration_since(at) < Duration::from_secs(1));
        if !just_slowed {
            bucket.per_second = (bucket.per_second * SLOW_DOWN).max(self.full.per_second * FLOOR);
            bucket.tokens = bucket.tokens.min(0.0);
            bucket.slowed_at = Some(now);
        }
    }

    /// The rate at present, in calls a second.
    pub fn per_second(&self) -> f64 {
        let mut bucket = self.lock();
        bucket.refill(self.full, Instant::now());
        bucket.per_second
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Bucket> {
        // Nothing panics while the lock is held, and a bucket is valid at every moment anyway.
        self.bucket.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Bucket {
    fn refill(&mut self, full: Rate, now: Instant) {
        let seconds = now.duration_since(self.counted_at).as_secs_f64();
        self.tokens = (self.tokens + seconds * self.per_second).min(full.burst.max(1.0));
        self.per_second =
            (self.per_second + seconds * full.per_second * RECOVERY_PER_SECOND).min(full.per_second);
        self.counted_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Rate = Rate { per_second: 10.0, burst: 5.0 };

    #[tokio::test(start_paused = true)]
    async fn calls_beyond_the_burst_wait_for_their_turn() {
        let throttle = Throttle::new(TEN);
        let start = Instant::now();
        for _ in 0..25 {
            throttle.acquire().await;
        }
        // Five at once, then twenty at ten a second.
        let seconds = start.elapsed().as_secs_f64();
        assert!((1.99..2.05).contains(&seconds), "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_to_be_ready_takes_nothing() {
        let throttle = Throttle::new(TEN);
        for _ in 0..6 {
            throttle.acquire().await;
        }
        let start = Instant::now();
        throttle.ready().await;
        throttle.ready().await;
        throttle.acquire().await;
        let seconds = start.elapsed().as_secs_f64();
        assert!((0.09..0.12).contains(&seconds), "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_counts_as_many_makes_the_next_one_wait() {
        let throttle = Throttle::new(TEN);
        let start = Instant::now();
        throttle.acquire_many(25).await;
        assert!(start.elapsed().is_zero());
        throttle.acquire().await;
        // Five were there; the twenty that were not, and its own, at ten a second.
        let seconds = start.elapsed().as_secs_f64();
        assert!((2.09..2.15).contains(&seconds), "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn many_callers_at_once_share_the_rate() {
        let throttle = Throttle::new(TEN);
        let start = Instant::now();
        futures::future::join_all((0..25).map(|_| throttle.acquire())).await;
        let seconds = start.elapsed().as_secs_f64();
        assert!((1.99..2.05).contains(&seconds), "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn throttling_slows_down_once_for_all_calls_in_flight_and_recovers() {
        let throttle = Throttle::new(TEN);
        for _ in 0..8 {
            throttle.slow_down();
        }
        assert!((throttle.per_second() - 7.0).abs() < 0.01);
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert!((throttle.per_second() - 10.0).abs() < 0.01);
    }

    #[tokio::test(start_paused = true)]
    async fn it_never_stops_altogether() {
        let throttle = Throttle::new(TEN);
        for _ in 0..100 {
            throttle.slow_down();
            tokio::time::sleep(Duration::from_millis(1001)).await;
        }
        assert!(throttle.per_second() >= 1.0);
    }
}
