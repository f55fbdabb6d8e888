//! GitHub Actions: runs, jobs, logs, environments that wait for review.
