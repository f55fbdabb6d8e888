//! The command line: clap types and one file per command. The same verbs as the keys, with the same guard and record.
