//! Decisions read from bytes, so that a random seed, a corpus of libFuzzer and a shrunk example
//! all mean the same thing. When the bytes run out every further decision is the first one.

/// A supply of decisions.
#[derive(Clone, Debug)]
pub struct Choices {
    bytes: Vec<u8>,
    at: usize,
}

impl Choices {
    /// Decisions given by bytes.
    pub fn from_bytes(bytes: &[u8]) -> Choices {
        Choices { bytes: bytes.to_vec(), at: 0 }
    }

    /// Enough decisions for one file, from a seed, by the generator `SplitMix64`.
    pub fn from_seed(seed: u64) -> Choices {
        let mut state = seed;
        let word = std::iter::repeat_with(|| {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        });
        Choices { bytes: word.take(256).flat_map(u64::to_le_bytes).collect(), at: 0 }
    }

    /// A number below `count`.
    pub fn below(&mut self, count: usize) -> usize {
        let mut value = 0;
        for _ in 0..if count > 256 { 3 } else { 1 } {
            let byte = self.bytes.get(self.at).copied().unwrap_or(0);
            self.at += 1;
            value = value << 8 | usize::from(byte);
        }
        value % count.max(1)
    }

    /// True in `part` out of `whole` cases.
    pub fn chance(&mut self, part: usize, whole: usize) -> bool {
        // The first decision is "no", so that examples shrink towards what is plain.
        self.below(whole) >= whole - part
    }

    /// One of the items.
    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}
