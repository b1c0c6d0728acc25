//! Whether a comparison of secrets tells by its time how much was right: a test of means in the manner of dudect.

use std::hint::black_box;

use countersign_domain::oauth::pkce::CodeChallenge;

use crate::support::VERIFIER;

const SAMPLES: usize = 20_000;
/// Comparisons in one sample: one alone is shorter than what the clock costs.
const REPEATED: usize = 8;
/// Above this, dudect calls two distributions different.
const LIMIT: f64 = 4.5;
/// A busy machine disturbs a round, not every one; a leak shows in all.
const ROUNDS: usize = 5;

#[derive(Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// Welford's way.
    fn add(&mut self, sample: f64) {
        self.count += 1.0;
        let delta = sample - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (sample - self.mean);
    }

    fn variance_of_mean(&self) -> f64 {
        self.squares / (self.count - 1.0) / self.count
    }
}

/// Welch's t of the times of two challenges, without the slowest tenth.
fn t_value(challenges: [&CodeChallenge; 2]) -> f64 {
    let mut samples: Vec<(usize, f64)> = Vec::with_capacity(SAMPLES);
    // a cheap generator: which of the two comes next must not be a pattern
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..SAMPLES {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let class = usize::from(state & 1 == 1);
        samples.push((class, time(challenges[class])));
    }
    let mut times: Vec<f64> = samples.iter().map(|(_, time)| *time).collect();
    times.sort_by(f64::total_cmp);
    let slowest = times[SAMPLES * 9 / 10];
    let mut classes = [Moments::default(), Moments::default()];
    for (class, time) in samples.into_iter().filter(|(_, time)| *time <= slowest) {
        classes[class].add(time);
    }
    let [one, other] = classes;
    ((one.mean - other.mean) / (one.variance_of_mean() + other.variance_of_mean()).sqrt()).abs()
}

#[expect(clippy::disallowed_methods, reason = "what is measured is the time")]
fn time(challenge: &CodeChallenge) -> f64 {
    let start = std::time::Instant::now();
    for _ in 0..REPEATED {
        black_box(black_box(challenge).is_met_by(black_box(VERIFIER)));
    }
    start.elapsed().as_secs_f64()
}

#[test]
fn c17_the_time_of_a_verifier_does_not_tell_how_much_of_the_challenge_it_meets() {
    let right = CodeChallenge::of_verifier(VERIFIER).as_str().to_owned();
    let wrong_at_once = CodeChallenge::parse(&format!("A{}", &right[1..])).unwrap();
    // the last of 43 characters carries two bits less than the others: the one before it is the last that can be any
    let wrong_at_the_end = CodeChallenge::parse(&format!("{}A{}", &right[..41], &right[42..])).unwrap();
    assert!(right.as_bytes()[0] != b'A' && right.as_bytes()[41] != b'A');
    let rounds: Vec<f64> = (0..ROUNDS).map(|_| t_value([&wrong_at_once, &wrong_at_the_end])).collect();
    assert!(rounds.iter().any(|t| *t < LIMIT), "the times differ: t = {rounds:?}");
}
