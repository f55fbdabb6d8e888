//! A door before a served world: everything passes through it, one request a connection. What changes something can be refused
//! there, held there, or be the moment at which something else happens.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::{Arc, Condvar, Mutex},
};

use tempfile::TempDir;

use crate::served::Served;

/// What becomes of requests that change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writes {
    /// They pass.
    Pass,
    /// They are answered so, with all that they said of who sends them, and nothing happens.
    Refused(u16),
    /// They are pointed to another place, with this status, and nothing happens.
    Moved(u16, SocketAddr),
    /// They wait here until they are released.
    Held,
    /// They take effect, their answers never come, and whatever is asked afterwards is refused.
    Lost,
}

/// What the door knows.
struct State {
    writes: Writes,
    /// How many requests are held.
    held: usize,
    /// How often the held ones were released.
    released: usize,
    /// How many requests came so far.
    came: usize,
    /// Reads are refused as well.
    shut: bool,
    /// The request with this number waits, and whoever waits for it is told.
    stop: Option<usize>,
}

/// The door, and a configuration that leads through it. The world ends with it.
pub(crate) struct Door {
    /// It ends with the door.
    _world: Served,
    folder: TempDir,
    inside: String,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Door {
    /// Puts a door before a world.
    pub(crate) fn before(world: Served) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let outside = listener.local_addr().unwrap().to_string();
        let inside = world.address("prometheus").split('/').nth(2).unwrap().to_owned();
        let config = std::fs::read_to_string(world.address("config")).unwrap().replace(&inside, &outside);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), config).unwrap();
        let state = State { writes: Writes::Pass, held: 0, released: 0, came: 0, shut: false, stop: None };
        let state = Arc::new((Mutex::new(state), Condvar::new()));
        let (shared, to) = (Arc::clone(&state), inside.clone());
        std::thread::spawn(move || {
            for outside in listener.incoming().map_while(Result::ok) {
                let (shared, to) = (Arc::clone(&shared), to.clone());
                // A connection that breaks is whoever made it being killed.
                std::thread::spawn(move || drop(carry(outside, &to, &shared)));
            }
        });
        Self { _world: world, folder, inside, state }
    }

    /// The configuration that leads through the door.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    /// What becomes of requests that change something and come from now on.
    pub(crate) fn writes(&self, writes: Writes) {
        self.state.0.lock().unwrap().writes = writes;
    }

    /// Refuses whatever comes from now on, or lets it pass again.
    pub(crate) fn shut(&self, shut: bool) {
        self.state.0.lock().unwrap().shut = shut;
    }

    /// Lets those pass that are held.
    pub(crate) fn release(&self) {
        let mut state = self.state.0.lock().unwrap();
        (state.held, state.released) = (0, state.released + 1);
        self.state.1.notify_all();
    }

    /// Waits until so many requests are held.
    pub(crate) fn until_held(&self, many: usize) {
        let (lock, woken) = &*self.state;
        let too_few = |state: &mut State| state.held < many;
        let (state, waited) = woken.wait_timeout_while(lock.lock().unwrap(), PATIENCE, too_few).unwrap();
        assert!(!waited.timed_out(), "only {} of {many} came", state.held);
    }

    /// The request that comes as the `nth` from now on stands still before it reaches the world.
    pub(crate) fn stop_at(&self, nth: usize) {
        let mut state = self.state.0.lock().unwrap();
        state.stop = Some(state.came + nth);
    }

    /// Waits until that request has come; `false` if `is_over` says that it never will.
    pub(crate) fn until_stopped(&self, mut is_over: impl FnMut() -> bool) -> bool {
        let mut state = self.state.0.lock().unwrap();
        while state.stop.is_some_and(|nth| state.came < nth) {
            let (next, timed_out) = self.state.1.wait_timeout(state, LOOK).unwrap();
            state = next;
            if timed_out.timed_out() && is_over() {
                return false;
            }
        }
        true
    }

    /// Lets the request pass that stands still.
    pub(crate) fn go_on(&self) {
        self.state.0.lock().unwrap().stop = None;
        self.state.1.notify_all();
    }

    /// A request past the door, `GET /path`, with headers and a body: the status and the body of the answer.
    pub(crate) fn ask(&self, line: &str, headers: &[&str], body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.inside).unwrap();
        let more: String = headers.iter().flat_map(|header| [*header, "\r\n"]).collect();
        let length = body.len();
        write!(
            stream,
            "{line} HTTP/1.0\r\nHost: localhost\r\nUser-Agent: test\r\n{more}Content-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }
}

/// How long a request may take to come before the test gives up. Not a measurement: a loaded machine is slow.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(1);
/// How often somebody who waits for a request looks whether it will still come.
const LOOK: std::time::Duration = std::time::Duration::from_millis(20);

/// Does a request change something in the world?
fn is_write(line: &str) -> bool {
    let path = line.split(' ').nth(1).unwrap_or_default();
    let answers = ["/pending_deployments", "/cancel", "/rerun", "/rerun-failed-jobs"];
    line.starts_with("PATCH ") || line.starts_with("POST ") && answers.iter().any(|end| path.ends_with(end))
}

fn carry(mut outside: TcpStream, to: &str, state: &(Mutex<State>, Condvar)) -> std::io::Result<()> {
    let mut from = BufReader::new(outside.try_clone()?);
    let (mut line, mut head, mut length) = (String::new(), String::new(), 0);
    from.read_line(&mut line)?;
    loop {
        let mut header = String::new();
        if from.read_line(&mut header)? == 0 {
            return Ok(());
        }
        if header == "\r\n" {
            break;
        }
        let lower = header.to_lowercase();
        if let Some(said) = lower.strip_prefix("content-length:") {
            length = said.trim().parse().unwrap();
        }
        if !lower.starts_with("connection:") {
            head.push_str(&header);
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    if let Some((refused, to)) = pass(&line, state) {
        // Some servers repeat what they were sent.
        let said = head.lines().filter(|line| !line.to_lowercase().starts_with("content-"));
        let said = said.collect::<Vec<_>>().join("; ").replace('"', "'");
        let text =
            format!("{{\"message\":\"the door says {refused} to {said}\",\"reason\":\"Door\",\"code\":{refused}}}");
        let to = to.map_or_else(String::new, |to| format!("\r\nLocation: http://dana:pw@{to}/x?token=s3cret"));
        let headers = format!("Content-Type: application/json\r\nConnection: close{to}");
        let length = text.len();
        return write!(outside, "HTTP/1.1 {refused} Door\r\n{headers}\r\nContent-Length: {length}\r\n\r\n{text}");
    }
    let mut inside = TcpStream::connect(to)?;
    inside.write_all(format!("{line}{head}Connection: close\r\n\r\n").as_bytes())?;
    inside.write_all(&body)?;
    if is_lost(&line, state) {
        return std::io::copy(&mut inside, &mut std::io::sink()).map(|_| ());
    }
    std::io::copy(&mut inside, &mut outside).map(|_| ())
}

/// Does the answer to this never come? Then nothing more passes.
fn is_lost(line: &str, (state, _): &(Mutex<State>, Condvar)) -> bool {
    let mut known = state.lock().unwrap();
    let lost = known.writes == Writes::Lost && is_write(line);
    known.shut |= lost;
    lost
}

/// Waits until a request may pass; a status where it is refused, and where it is pointed to.
fn pass(line: &str, (state, woken): &(Mutex<State>, Condvar)) -> Option<(u16, Option<SocketAddr>)> {
    let mut known = state.lock().unwrap();
    known.came += 1;
    let mine = known.came;
    woken.notify_all();
    let mut known = woken.wait_while(known, |state| state.stop == Some(mine)).unwrap();
    // The world's clock is no system.
    if known.shut && line.split(' ').nth(1) != Some("/") {
        return Some((403, None));
    }
    match known.writes {
        Writes::Refused(status) if is_write(line) => return Some((status, None)),
        Writes::Moved(status, to) if is_write(line) => return Some((status, Some(to))),
        Writes::Held if is_write(line) => {
            let before = known.released;
            known.held += 1;
            woken.notify_all();
            drop(woken.wait_while(known, |state| state.released == before).unwrap());
        }
        _ => {}
    }
    None
}
