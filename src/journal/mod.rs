//! The record: intents, outcomes, evidence, in a hash chain on disk. Knows nothing of providers or screens.
