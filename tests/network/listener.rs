//! Something that listens on loopback and answers as a test says, plain or with TLS, and keeps what it was sent.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// `GET /x HTTP/1.1`.
    pub(crate) line: String,
    /// Line and headers.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }

    pub(crate) fn method(&self) -> &str {
        self.line.split(' ').next().unwrap_or_default()
    }
}

/// What answers: bytes, head and all.
pub(crate) type Answers = dyn Fn(&Asked) -> Vec<u8> + Send + Sync;

/// The listener. It goes on until the test ends.
#[derive(Clone)]
pub(crate) struct Listener {
    pub(crate) at: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Listener {
    pub(crate) fn plain(answer: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::start(Arc::new(answer), None)
    }

    pub(crate) fn tls(config: Arc<ServerConfig>, answer: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::start(Arc::new(answer), Some(config))
    }

    fn start(answer: Arc<Answers>, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let this = Self { at: listener.local_addr().unwrap(), asked: Arc::default() };
        let asked = Arc::clone(&this.asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, tls, asked) = (Arc::clone(&answer), tls.clone(), Arc::clone(&asked));
                // Whoever breaks off is what some tests are about.
                std::thread::spawn(move || match tls {
                    None => drop(serve(stream, &*answer, &asked)),
                    Some(tls) => drop(
                        ServerConnection::new(tls).map(|tls| serve(StreamOwned::new(tls, stream), &*answer, &asked)),
                    ),
                });
            }
        });
        this
    }

    /// Everything that was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn http(&self) -> String {
        format!("http://{}", self.at)
    }

    pub(crate) fn https(&self) -> String {
        format!("https://{}", self.at)
    }
}

fn serve(stream: impl Read + Write, answer: &Answers, asked: &Mutex<Vec<Asked>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body)?;
    let line = head.lines().next().unwrap_or_default().to_owned();
    let request = Asked { line, head, body: String::from_utf8_lossy(&body).into_owned() };
    asked.lock().unwrap().push(request.clone());
    stream.get_mut().write_all(&answer(&request))?;
    stream.get_mut().flush()
}

/// A whole answer.
pub(crate) fn answer(status: u16, headers: &[&str], body: &str) -> Vec<u8> {
    let headers: String = headers.iter().flat_map(|header| [*header, "\r\n"]).collect();
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}").into_bytes()
}

/// A whole answer in JSON.
pub(crate) fn json(body: &str) -> Vec<u8> {
    answer(200, &["Content-Type: application/json"], body)
}

/// An address where nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Takes connections and never says a word.
pub(crate) fn silent() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let _held: Vec<TcpStream> = listener.incoming().map_while(Result::ok).collect();
    });
    at
}
