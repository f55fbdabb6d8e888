//! May this verb run now? Pure: facts in, a decision with its reasons out. Reads nothing and does nothing.
