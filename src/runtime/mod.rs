//! The only room with tasks, channels, timers and `select!`: the loop, pollers and watches, the executor, the recorder, clocks.
