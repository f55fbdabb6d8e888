//! How many connections one API server costs. A listener that speaks as much HTTP/2 as it takes to open streams: each is answered
//! with a head, and goes on.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use holdshort::{
    port::wire::{Class, Transport},
    provider::{http::send, kubernetes::connect::way},
};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::{
    authority::{Authority, NOW},
    clients::kubeconfig,
};

const PREFACE: usize = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len();
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
/// `:status 200`, from the static table.
const OK: &[u8] = &[0x88];

/// Where it listens, and how many connections it took.
fn listen(config: Arc<ServerConfig>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (at, taken) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&taken);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            counted.fetch_add(1, Ordering::SeqCst);
            let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
            std::thread::spawn(move || drop(serve(StreamOwned::new(tls, stream))));
        }
    });
    (format!("https://{at}"), taken)
}

fn frame(to: &mut impl Write, kind: u8, flags: u8, stream: [u8; 4], payload: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream].concat();
    to.write_all(&[&head, payload].concat())?;
    to.flush()
}

fn serve(mut stream: impl Read + Write) -> std::io::Result<()> {
    stream.read_exact(&mut [0; PREFACE])?;
    frame(&mut stream, SETTINGS, 0, [0; 4], &[])?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let [a, b, c, kind, flags, id @ ..] = head;
        let mut payload = vec![0; usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap()];
        stream.read_exact(&mut payload)?;
        match (kind, flags & 1) {
            (HEADERS, _) => frame(&mut stream, HEADERS, 4, id, OK)?,
            (SETTINGS, 0) => frame(&mut stream, SETTINGS, 1, id, &[])?,
            (PING, 0) => frame(&mut stream, PING, 1, id, &payload)?,
            _ => {}
        }
    }
}

/// This many requests that are answered and go on.
async fn open(leaf: &Transport, class: Class, count: usize) -> Vec<impl Sized> {
    let mut held = Vec::new();
    for number in 0..count {
        let mut request = http::Request::get(format!("/x{number}")).body(bytes::Bytes::new()).unwrap();
        request.extensions_mut().insert(class);
        held.push(send(leaf, request).await.unwrap());
    }
    held
}

#[tokio::test]
async fn watches_share_a_connection_and_reads_go_over_it_too() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let mut config = ServerConfig::clone(&authority.signs("127.0.0.1", NOW).server(None));
    config.alpn_protocols = vec![b"h2".to_vec()];
    let (server, taken) = listen(Arc::new(config));
    let trusting = format!("    certificate-authority: {}\n", authority.file(folder.path()).display());
    let (_folder, access) = kubeconfig(&server, &trusting, "");
    let leaf = way(&access).await.unwrap().leaf;
    let reads = open(&leaf, Class::Read, 20).await;
    let watches = open(&leaf, Class::Stream, 34).await;
    assert_eq!(taken.load(Ordering::SeqCst), 1);
    // A server lets more than a hundred wait: a second connection takes them.
    let more = open(&leaf, Class::Stream, 60).await;
    assert_eq!(taken.load(Ordering::SeqCst), 2);
    // Their places are free again once they are left.
    drop((reads, watches, more));
    let _again = open(&leaf, Class::Stream, 90).await;
    assert_eq!(taken.load(Ordering::SeqCst), 2);
}
