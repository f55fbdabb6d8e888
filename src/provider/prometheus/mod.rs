//! Prometheus and what speaks its API: signals by service and version in grouped queries.
