//! A sum in few bytes, because there are many of them.

/// A sum in `N` bytes, at most eight: six hold 281 trillion, five a trillion. It stays at its largest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum<const N: usize>([u8; N]);

// === impl Sum ===

impl<const N: usize> Sum<N> {
    /// Nothing.
    pub const ZERO: Self = Self([0; N]);
    const MAX: u64 = u64::MAX >> (64 - 8 * N);

    /// `value`, or the largest that fits.
    #[must_use]
    #[inline]
    pub fn of(value: u64) -> Self {
        let octets = value.min(Self::MAX).to_le_bytes();
        Self(std::array::from_fn(|nth| octets[nth]))
    }

    /// How much it is.
    #[must_use]
    #[inline]
    pub const fn get(self) -> u64 {
        let mut octets = [0; 8];
        let (own, _) = octets.split_at_mut(N);
        own.copy_from_slice(&self.0);
        u64::from_le_bytes(octets)
    }

    /// Adds `more`.
    #[inline]
    pub fn add(&mut self, more: u64) {
        *self = Self::of(self.get().saturating_add(more));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_was_added_until_it_is_full() {
        let mut sum = Sum::<5>::ZERO;
        for more in [0, 1, 255, 1 << 20, 1 << 39] {
            let before = sum.get();
            sum.add(more);
            assert_eq!(sum.get(), before + more);
        }
        sum.add(1 << 39);
        assert_eq!(sum.get(), (1 << 40) - 1);
        sum.add(u64::MAX);
        assert_eq!(sum, Sum::of(u64::MAX));
        assert_eq!(Sum::<8>::of(u64::MAX).get(), u64::MAX);
    }
}
