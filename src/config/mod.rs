//! The configuration: schema with docs, layers, and diagnostics with line and caret. Connects to nothing.
