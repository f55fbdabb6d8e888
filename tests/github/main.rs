//! GitHub, both sides: the pretended one against recordings and GitHub's schema, our client against recordings, and the two
//! together.

mod flow;
mod forge;
mod golden;
mod scene;
mod shape;
