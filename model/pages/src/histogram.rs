//! How often something took how long: a bucket for each power of two, in four parts.

/// Parts of a power of two.
const PARTS: u32 = 2;
/// Buckets: those of 64 powers of two.
const BUCKETS: usize = 64 << PARTS;

/// How often each size of a number came up. A number is known to a quarter of its power of two.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Histogram {
    buckets: Box<[u64; BUCKETS]>,
    count: u64,
    most: u64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { buckets: Box::new([0; BUCKETS]), count: 0, most: 0 }
    }
}

impl Histogram {
    /// Counts a number.
    pub fn add(&mut self, n: u64) {
        self.buckets[bucket(n)] += 1;
        self.count += 1;
        self.most = self.most.max(n);
    }

    /// Counts all that another one has.
    pub fn merge(&mut self, other: &Histogram) {
        self.buckets.iter_mut().zip(other.buckets.iter()).for_each(|(to, from)| *to += from);
        self.count += other.count;
        self.most = self.most.max(other.most);
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many there were of each power of two, from the smallest that has any to the largest: below the second
    /// number.
    pub fn by_power(&self) -> Vec<(u64, u64)> {
        let all: Vec<(u64, u64)> = self
            .buckets
            .chunks(1 << PARTS)
            .enumerate()
            .map(|(power, parts)| (parts.iter().sum(), 2u64.checked_pow(power as u32 + 1).unwrap_or(u64::MAX)))
            .collect();
        let first = all.iter().position(|(n, _)| *n > 0).unwrap_or(all.len());
        let end = all.iter().rposition(|(n, _)| *n > 0).map_or(first, |last| last + 1);
        all[first..end].to_vec()
    }

    /// The largest.
    pub fn most(&self) -> u64 {
        self.most
    }

    /// What so many of a thousand are at most, to the bucket; 0 if there were none.
    pub fn per_mille(&self, n: u64) -> u64 {
        let wanted = (u128::from(self.count) * u128::from(n)).div_ceil(1000);
        let mut seen = 0;
        for (i, count) in self.buckets.iter().enumerate() {
            seen += u128::from(*count);
            if *count > 0 && seen >= wanted {
                return upper(i).min(self.most);
            }
        }
        self.most
    }
}

/// The bucket of a number.
fn bucket(n: u64) -> usize {
    if n < 1 << PARTS {
        return n as usize;
    }
    let power = n.ilog2();
    let part = (n >> (power - PARTS)) & ((1 << PARTS) - 1);
    ((power as usize) << PARTS) + part as usize
}

/// The largest number of a bucket.
fn upper(bucket: usize) -> u64 {
    let (power, part) = ((bucket >> PARTS) as u32, (bucket & ((1 << PARTS) - 1)) as u64);
    if power < PARTS {
        return bucket as u64;
    }
    let step = 1u64 << (power - PARTS);
    (1u64 << power) + part * step + (step - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_in_a_bucket_that_ends_no_sooner_and_a_quarter_later_at_most() {
        for n in (0..70).flat_map(|p| [1u64.checked_shl(p).unwrap_or(u64::MAX), (1u64 << p.min(62)) + 5, u64::from(p)])
        {
            let upper = upper(bucket(n));
            assert!(upper >= n && upper - n <= n / 4, "{n} is in a bucket to {upper}");
        }
    }

    #[test]
    fn of_a_thousand_numbers_the_middle_one_and_the_last_are_found() {
        let (mut all, mut half) = (Histogram::default(), Histogram::default());
        (0..500).for_each(|_| half.add(100));
        (0..499).for_each(|_| all.add(1000));
        all.add(1_000_000);
        all.merge(&half);
        assert_eq!((all.count(), all.most()), (1000, 1_000_000));
        assert!((100..=125).contains(&all.per_mille(500)));
        assert!((1000..=1250).contains(&all.per_mille(999)));
        assert_eq!(all.per_mille(1000), 1_000_000);
        assert_eq!(Histogram::default().per_mille(500), 0);
        let powers = all.by_power();
        assert_eq!((powers[0], powers[powers.len() - 1]), ((500, 128), (1, 1 << 20)));
        assert_eq!((powers.len(), powers.iter().map(|(n, _)| n).sum()), (14, 1000u64));
        assert_eq!(Histogram::default().by_power(), []);
    }
}
