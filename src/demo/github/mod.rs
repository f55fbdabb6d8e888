//! GitHub Actions as the world speaks it.
