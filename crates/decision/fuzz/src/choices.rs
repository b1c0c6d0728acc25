//! Where a generator takes its choices from: a seed, or bytes that a fuzzer learns to arrange.

/// A source of choices. Never empty: bytes that are used up give the first choice again and again.
pub enum Choices<'b> {
    /// Numbers that look random and are the same for the same seed (splitmix64).
    Seed(u64),
    /// One or two bytes for each choice.
    Bytes(&'b [u8]),
}

impl Choices<'_> {
    /// A number below the limit, which is at least 1.
    pub fn below(&mut self, limit: usize) -> usize {
        let number = match self {
            Self::Seed(state) => {
                *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
                let mut mixed = *state;
                mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                usize::try_from((mixed ^ (mixed >> 31)) >> 33).expect("31 bits")
            }
            Self::Bytes(bytes) => {
                let mut next = || match bytes.split_first() {
                    Some((first, rest)) => {
                        *bytes = rest;
                        usize::from(*first)
                    }
                    None => 0,
                };
                if limit > 256 { next() * 256 + next() } else { next() }
            }
        };
        number % limit
    }

    /// One of a list that is not empty.
    pub fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// Whether something happens that does so `percent` times in a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        // Bytes that are used up mean: what is usual.
        99 - self.below(100) < percent
    }

    /// Each of a list with the same chance.
    pub fn some_of<T: Clone>(&mut self, all: &[T], percent: usize) -> Vec<T> {
        all.iter().filter(|_| self.chance(percent)).cloned().collect()
    }
}
