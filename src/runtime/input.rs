//! The end of the standard input, where nobody types anything: whoever started us is gone, or there was never anybody.

use std::{
    io::{self, Read},
    thread,
};

use tokio::sync::oneshot;

/// Told when the input is at its end. What is typed until then is dropped.
pub fn ends() -> oneshot::Receiver<()> {
    let (tell, told) = oneshot::channel();
    let read = move || {
        let mut typed = [0_u8; 1024];
        while matches!(io::stdin().lock().read(&mut typed), Ok(1..)) {}
        let _ = tell.send(());
    };
    // Without a thread nobody is told, as if it had no end.
    let listening = thread::Builder::new().name("input".to_owned()).spawn(read);
    drop(listening);
    told
}
