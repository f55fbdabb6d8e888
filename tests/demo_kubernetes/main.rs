//! The built-in cluster against what real ones were recorded to answer and to do.

#[cfg(test)]
mod analysis;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod deployment;
#[cfg(test)]
mod flagger;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod rollout;
#[cfg(test)]
mod verbs;
#[cfg(test)]
mod watch;
