//! Prometheus as the world speaks it: a small store of scraped samples and the queries that we ship, evaluated honestly.
