//! The terminal itself: session guard, capabilities, input source, escape sequences, signals. Knows nothing of releases.
