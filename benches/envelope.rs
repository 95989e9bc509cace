//! Benchmarks of the envelope.

fn main() {}
