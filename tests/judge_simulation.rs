//! The judge over many seeded releases, looked at after every interval: how often it is wrong, and how soon it is right.

#[cfg(test)]
mod tests {
    use holdshort::judge::{
        counts::{Pair, Tally},
        eprocess::{ALPHA_HARM, ALPHA_SAFE, EProcess},
    };

    /// `SplitMix64`: small, and the same everywhere.
    struct Random(u64);

    impl Random {
        fn unit(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        }

        /// Knuth's product method.
        fn poisson(&mut self, mean: f64) -> u64 {
            let (bar, mut product, mut count) = ((-mean).exp(), self.unit(), 0);
            while product > bar {
                product *= self.unit();
                count += 1;
            }
            count
        }
    }

    /// One release: requests of both arms and stable's error rate, interval by interval; the canary fails `ratio` times as
    /// often.
    fn release(random: &mut Random, intervals: &[(u64, u64, f64)], ratio: f64) -> Vec<Pair> {
        let mut arm = |requests: u64, rate: f64| {
            let errors = random.poisson(requests as f64 * rate).min(requests);
            Tally { requests, errors }
        };
        let at = chrono::DateTime::UNIX_EPOCH;
        let one = |&(canary, stable, rate): &(u64, u64, f64)| Pair {
            from: at,
            to: at,
            canary: arm(canary, rate * ratio),
            stable: arm(stable, rate),
        };
        intervals.iter().map(one).collect()
    }

    /// The interval after which the evidence first reaches 1/α.
    fn decided(mut process: EProcess, alpha: f64, pairs: &[Pair]) -> Option<usize> {
        pairs.iter().position(|pair| {
            process.fold(pair);
            process.log_e() >= (1.0 / alpha).ln()
        })
    }

    /// Share of the releases in which harm, and in which safety, is ever claimed; and when harm is, in the middle case.
    fn flown(intervals: &[(u64, u64, f64)], ratio: f64, releases: u64) -> (f64, f64, Option<usize>) {
        let (mut harm, mut safe) = (Vec::new(), 0);
        for seed in 0..releases {
            let pairs = release(&mut Random(seed), intervals, ratio);
            harm.extend(decided(EProcess::harm(), ALPHA_HARM, &pairs));
            safe += u64::from(decided(EProcess::safety(), ALPHA_SAFE, &pairs).is_some());
        }
        harm.sort_unstable();
        let share = |n: u64| n as f64 / releases as f64;
        (share(harm.len() as u64), share(safe), harm.get(harm.len() / 2).copied())
    }

    #[test]
    fn looking_after_every_interval_does_not_cry_wolf() {
        for (canary, stable, rate) in
            [(300, 2700, 0.002), (30, 270, 0.002), (1500, 1500, 0.002), (10, 990, 0.01), (100, 100, 0.1)]
        {
            let intervals = [(canary, stable, rate); 120];
            let (alarms, ..) = flown(&intervals, 1.0, 500);
            assert!(alarms <= ALPHA_HARM, "{alarms} false NO-GO at {canary}:{stable}, rate {rate}");
            let (_, wrong, _) = flown(&intervals, 1.5, 500);
            assert!(wrong <= ALPHA_SAFE, "{wrong} false GO at {canary}:{stable}, rate {rate}");
        }
    }

    #[test]
    fn weights_that_rise_while_the_error_rate_drifts_do_not_cry_wolf_and_do_not_hide_harm() {
        let step = |weight: u64, rate: f64| vec![(30 * weight, 3000 - 30 * weight, rate); 30];
        let intervals = [step(5, 0.001), step(10, 0.002), step(25, 0.004), step(50, 0.005)].concat();
        let (alarms, ..) = flown(&intervals, 1.0, 500);
        assert!(alarms <= ALPHA_HARM, "{alarms} false NO-GO");
        let (found, ..) = flown(&intervals, 2.0, 200);
        assert!(found > 0.99, "{found} of the bad canaries found");
        // What the intervals do not say, their sum does: that is why nothing is ever added up before a test.
        let pairs = release(&mut Random(1), &intervals, 1.0);
        let sum = |arm: fn(&Pair) -> Tally| pairs.iter().map(arm).fold(Tally::default(), |all, one| all + one);
        let added = Pair { canary: sum(|pair| pair.canary), stable: sum(|pair| pair.stable), ..pairs[0] };
        assert_eq!(decided(EProcess::harm(), ALPHA_HARM, &[added]), Some(0));
    }

    #[test]
    fn a_bad_canary_is_found_soon_and_a_good_one_is_cleared() {
        let intervals = [(750, 2250, 0.002); 120];
        let (found, _, when) = flown(&intervals, 3.0, 200);
        assert!(found > 0.99 && when.unwrap() < 12, "{found} found, after {when:?} intervals");
        let (_, cleared, _) = flown(&intervals, 1.0, 200);
        assert!(cleared > 0.97, "{cleared} cleared");
    }
}
