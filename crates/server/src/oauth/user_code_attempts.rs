//! How often somebody may enter a wrong user code (RFC 8628 §5.1, checklist C47): five times in a row, then a minute's wait;
//! ten times, then until every code that could have been guessed at has ended.
//!
//! Counted for the person wherever they are, and for the address whoever is there. A right code takes back its own try and
//! nothing else: anybody can make codes of their own, and would else guess for ever.

use std::net::IpAddr;

use countersign_domain::id::UserId;
use countersign_domain::oauth::device_authorization::DEVICE_CODE_SECONDS;
use countersign_domain::time::Timestamp;

use crate::oauth::attempts::{Attempt, Attempts, TooManyAttempts};

const FAILURES: u32 = 5;
const WAIT_SECONDS: i64 = 60;
const FAILURES_IN_TOTAL: u32 = 10;

/// Wrong user codes by person and by address.
#[derive(Clone)]
pub struct UserCodeAttempts {
    in_a_row: Attempts,
    in_total: Attempts,
}

/// One try that was counted; take it back when it was right.
#[must_use = "a try that was right must be taken back"]
#[derive(Debug)]
pub struct UserCodeAttempt {
    in_a_row: [Attempt; 2],
    in_total: [Attempt; 2],
}

impl Default for UserCodeAttempts {
    fn default() -> Self {
        Self {
            in_a_row: Attempts::new(FAILURES, WAIT_SECONDS),
            in_total: Attempts::new(FAILURES_IN_TOTAL, DEVICE_CODE_SECONDS),
        }
    }
}

impl UserCodeAttempts {
    /// Counts a try of `user` at `address`. A try that is refused is none.
    pub fn begin(&self, user: &UserId, address: IpAddr, now: Timestamp) -> Result<UserCodeAttempt, TooManyAttempts> {
        let count = |attempts: &Attempts| {
            let of_user = attempts.begin_anywhere(user.as_str(), now)?;
            match attempts.begin("", address, now) {
                Ok(of_address) => Ok([of_user, of_address]),
                Err(many) => {
                    attempts.take_back(&of_user);
                    Err(many)
                }
            }
        };
        let in_a_row = count(&self.in_a_row)?;
        match count(&self.in_total) {
            Ok(in_total) => Ok(UserCodeAttempt { in_a_row, in_total }),
            Err(many) => {
                in_a_row.iter().for_each(|counted| self.in_a_row.take_back(counted));
                Err(many)
            }
        }
    }

    /// The code was right.
    pub fn take_back(&self, attempt: &UserCodeAttempt) {
        attempt.in_a_row.iter().for_each(|counted| self.in_a_row.take_back(counted));
        attempt.in_total.iter().for_each(|counted| self.in_total.take_back(counted));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        UserId::parse(name).unwrap()
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    /// Wrong codes until one is not even looked at.
    fn wrong_until_refused(attempts: &UserCodeAttempts, user: &UserId, address: IpAddr, seconds: i64) -> u32 {
        let now = Timestamp::from_seconds(1_000_000 + seconds);
        let mut tries = 0;
        while let Ok(_wrong) = attempts.begin(user, address, now) {
            tries += 1;
        }
        tries
    }

    #[test]
    fn c47_five_wrong_codes_wait_a_minute_and_ten_until_every_code_has_ended() {
        let attempts = UserCodeAttempts::default();
        let at = |seconds| wrong_until_refused(&attempts, &user("ada"), address(1), seconds);
        assert_eq!((at(0), at(59), at(60)), (5, 0, 5));
        assert_eq!((at(120), at(600), at(660)), (0, 0, 5));
    }

    #[test]
    fn c47_neither_another_address_nor_another_person_starts_anew() {
        let attempts = UserCodeAttempts::default();
        assert_eq!(wrong_until_refused(&attempts, &user("ada"), address(1), 0), 5);
        assert_eq!(wrong_until_refused(&attempts, &user("ada"), address(2), 0), 0);
        assert_eq!(wrong_until_refused(&attempts, &user("bob"), address(1), 0), 0);
        assert_eq!(wrong_until_refused(&attempts, &user("bob"), address(3), 0), 5);
    }

    #[test]
    fn c47_a_right_code_takes_back_its_own_try_only() {
        let attempts = UserCodeAttempts::default();
        let now = Timestamp::from_seconds(1_000_000);
        for _ in 0..4 {
            let _wrong = attempts.begin(&user("ada"), address(1), now).unwrap();
        }
        for _ in 0..20 {
            let right = attempts.begin(&user("ada"), address(1), now).unwrap();
            attempts.take_back(&right);
        }
        assert_eq!(wrong_until_refused(&attempts, &user("ada"), address(1), 0), 1);
    }
}
