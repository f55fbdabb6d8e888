//! Statistics: is a canary worse than the stable version beside it, and how sure is that?
//!
//! Here live counts, tests that may be looked at as often as one likes, and the verdict made of them. Here must not live:
//! I/O, a clock, colours, sentences (that is `words`'), or what follows from a verdict (that is `policy`'s).
//!
//! The sources of the formulas: Turner, Ly and Grünwald, *Generic e-variables for exact sequential k-sample tests*
//! (JSPI 2024, arXiv 2106.02693); Lindon and Malek, *Anytime-valid inference for multinomial count data* (`NeurIPS` 2022).
//!
//! How often it is wrong and how soon it is right was measured: `docs/judge-figures.md`, made by `benches/judge_simulation.rs`.

pub mod aca;
pub mod analysis;
mod bernoulli;
pub mod counts;
pub mod dispersion;
pub mod doubt;
pub mod eprocess;
pub mod family;
pub mod forecast;
pub mod gaps;
mod joint;
pub mod latency;
pub mod onset;
pub mod pattern;
pub mod ratio;
pub mod rivals;
pub mod rule;
pub mod sequential;
pub mod slo;
pub mod split;
pub mod stream;
pub mod verdict;
