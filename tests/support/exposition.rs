//! An exporter of native histograms for a real Prometheus, which takes these in its protobuf form only.
//!
//! Written by hand after the schema of `io.prometheus.client` (`prometheus/client_model`, `metrics.proto`) and the wire format of
//! protocol buffers: only the fields that a native histogram needs.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
};

/// A histogram whose buckets stand side by side.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    pub(crate) labels: Vec<(&'static str, &'static str)>,
    /// Buckets grow by 2^(2^-schema).
    pub(crate) schema: i64,
    /// The index of the first bucket, which ends at 2^(index·2^-schema).
    pub(crate) first: i64,
    /// What each scrape finds more in each bucket.
    pub(crate) growth: Vec<i64>,
}

/// An exporter on a free port; each of its answers is told, after it was sent, to who waits for it.
#[derive(Debug)]
pub(crate) struct Exporter {
    pub(crate) address: SocketAddr,
    pub(crate) answered: Receiver<()>,
}

impl Exporter {
    /// Serves these histograms under one name until the process ends.
    pub(crate) fn start(name: &'static str, histograms: Vec<Histogram>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, answered) = channel();
        std::thread::spawn(move || serve(&listener, name, &histograms, &tell));
        Self { address, answered }
    }
}

fn serve(listener: &TcpListener, name: &str, histograms: &[Histogram], tell: &Sender<()>) {
    for (scrape, stream) in (1..).zip(listener.incoming()) {
        let sent = stream.and_then(|stream| answer(stream, &family(name, histograms, scrape)));
        if sent.is_err() || tell.send(()).is_err() {
            return;
        }
    }
}

fn answer(stream: TcpStream, body: &[u8]) -> std::io::Result<()> {
    let mut request = BufReader::new(stream);
    let mut line = String::new();
    while request.read_line(&mut line)? > 2 {
        line.clear();
    }
    let mut stream = request.into_inner();
    let kind = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
    let length = body.len();
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")?;
    stream.write_all(body)
}

/// A delimited `MetricFamily` of the type HISTOGRAM, as the scrape with this number finds it.
fn family(name: &str, histograms: &[Histogram], scrape: i64) -> Vec<u8> {
    let metrics = histograms.iter().flat_map(|histogram| bytes(4, &metric(histogram, scrape)));
    let body: Vec<u8> = bytes(1, name.as_bytes()).into_iter().chain(number(3, 4)).chain(metrics).collect();
    [varint(body.len() as u64), body].concat()
}

fn metric(histogram: &Histogram, scrape: i64) -> Vec<u8> {
    let pair =
        |(name, value): &(&str, &str)| bytes(1, &[bytes(1, name.as_bytes()), bytes(2, value.as_bytes())].concat());
    let labels = histogram.labels.iter().flat_map(pair);
    let counts: Vec<i64> = histogram.growth.iter().map(|more| more * scrape).collect();
    let before = [0].into_iter().chain(counts.iter().copied());
    let deltas = counts.iter().zip(before).flat_map(|(count, before)| number(13, zigzag(count - before)));
    let span = [number(1, zigzag(histogram.first)), number(2, counts.len() as u64)].concat();
    let total = counts.iter().sum::<i64>().unsigned_abs();
    let head = [number(1, total), number(5, zigzag(histogram.schema)), double(6, 2.0_f64.powi(-128)), bytes(12, &span)];
    let histogram: Vec<u8> = head.concat().into_iter().chain(deltas).collect();
    labels.chain(bytes(7, &histogram)).collect()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(low);
            return out;
        }
        out.push(low | 0x80);
    }
}

/// A signed number as protocol buffers have it.
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn double(field: u64, value: f64) -> Vec<u8> {
    [varint(field << 3 | 1), value.to_le_bytes().to_vec()].concat()
}

fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(value.len() as u64), value.to_vec()].concat()
}
