//! Chords, scopes, defaults and overrides: which key is which intent, where. Knows no terminal and no screen.
