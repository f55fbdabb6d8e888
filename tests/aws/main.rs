//! Credentials from every place that AWS's own tools look in, each against a served answer.

#[cfg(test)]
mod places;
