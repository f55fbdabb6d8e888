//! The transport and its layers: trace, conditional GET, retry of reads, rate budget, time-outs.
