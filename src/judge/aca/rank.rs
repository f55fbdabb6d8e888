//! Ranks of two samples together, ties at their average, and what follows from rank sums alone.

/// Two samples ranked together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// Sum of the ranks of the first sample.
    pub sum: f64,
    /// Sum of t³ − t over groups of t equal values.
    pub ties: f64,
}

/// Ranks `x` shifted down by `mu` together with `y`. Both must be ascending; the shift keeps `x` so.
pub fn ranked(x: &[f64], y: &[f64], mu: f64) -> Ranked {
    let mut x = x.iter().map(|value| value - mu).peekable();
    let mut y = y.iter().copied().peekable();
    let (mut before, mut ranked) = (0.0, Ranked { sum: 0.0, ties: 0.0 });
    loop {
        let next = match (x.peek(), y.peek()) {
            (Some(of_x), Some(of_y)) if of_y.total_cmp(of_x).is_lt() => *of_y,
            (Some(next), _) | (None, Some(next)) => *next,
            (None, None) => return ranked,
        };
        let is_next = |value: &f64| value.total_cmp(&next).is_eq();
        let (mut of_x, mut tied) = (0.0, 0.0);
        while x.next_if(is_next).is_some() {
            (of_x, tied) = (of_x + 1.0, tied + 1.0);
        }
        while y.next_if(is_next).is_some() {
            tied += 1.0;
        }
        ranked.sum += of_x * (before + f64::midpoint(tied, 1.0));
        ranked.ties += tied * tied * tied - tied;
        before += tied;
    }
}

/// The probability that a value of the experiment exceeds one of the control, ties counting half (Vargha and Delaney 2000).
/// Both must be ascending; NaN where either is empty.
pub fn cles(control: &[f64], experiment: &[f64]) -> f64 {
    let (n, m) = (control.len() as f64, experiment.len() as f64);
    (2.0 * ranked(experiment, control, 0.0).sum - m * (m + 1.0)) / (2.0 * n * m)
}
