//! A system that sends too much: too many things, too long ones, packed ones, heads and bodies without an end. Each is a fault
//! that says so, and never a part that is taken for the whole.

use crate::inventory::Listing;
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
};

use holdshort::{
    domain::observed::FaultKind,
    port::wire::Transport,
    provider::{
        http::{Base, proxy::ProxyEnvironment},
        kubernetes::{
            api::ReplicaSet,
            request::{Query, REPLICA_SETS},
        },
    },
};

use crate::{
    clients::{by_kube, by_reqwest, cluster, forge, kubeconfig, listed},
    listener::{Listener, answer, json},
};

/// Both kinds of client at this address.
async fn clients(url: &str) -> [Transport; 2] {
    let (_folder, access) = kubeconfig(url, "", "");
    [by_kube(&access).await.unwrap(), by_reqwest(Base::new(url.parse().unwrap()), &ProxyEnvironment::default())]
}

fn list(items: usize, more: &str) -> String {
    let items: Vec<String> = (0..items).map(|number| format!("{{\"metadata\":{{\"name\":\"x{number}\"}}}}")).collect();
    format!(
        "{{\"kind\":\"ReplicaSetList\",\"metadata\":{{\"resourceVersion\":\"1\"{more}}},\"items\":[{}]}}",
        items.join(",")
    )
}

const TOO_MANY: &str = "eu lists more than 50,000 replicasets.apps: none is shown rather than a part; narrow it by `namespaces` \
                        or `selector`";

#[tokio::test]
async fn more_objects_than_can_be_kept_are_a_fault_on_one_page_and_on_many() {
    let whole = list(50_000, "");
    let one = Listener::plain(move |_| json(&whole));
    let [kube, _] = clients(&one.http()).await;
    assert_eq!(listed(kube).await, Ok(50_000));

    let (large, again) = (list(50_001, ""), list(20_000, ",\"continue\":\"more\""));
    let one = Listener::plain(move |_| json(&large));
    // The same names again and again are the same objects; other names are more of them.
    let count = std::sync::atomic::AtomicUsize::new(0);
    let many = Listener::plain(move |_| {
        let page = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        json(&again.replace("\"x", &format!("\"page{page}-")))
    });
    for url in [one.http(), many.http()] {
        for client in clients(&url).await {
            let error = listed(client).await.unwrap_err();
            assert_eq!((error.kind, error.text.as_str()), (FaultKind::Unreadable, TOO_MANY));
        }
    }
    assert!(many.asked().len() <= 6, "{}", many.asked().len());
}

#[tokio::test]
async fn one_object_that_is_too_long_is_a_fault_alone_and_in_a_list() {
    let long = format!("{{\"metadata\":{{\"name\":\"x\",\"labels\":[{}0]}}}}", "0,".repeat(5 << 20));
    let in_list = format!("{{\"kind\":\"ReplicaSetList\",\"metadata\":{{}},\"items\":[{long}]}}");
    let server =
        Listener::plain(move |asked| json(if asked.path().contains("replicasets/x") { &long } else { &in_list }));
    let [kube, _] = clients(&server.http()).await;
    let text = "eu sent one of replicasets.apps that is longer than 8 MiB";
    assert_eq!(listed(kube.clone()).await.unwrap_err().text, text);
    let one = cluster(kube).get::<ReplicaSet>(REPLICA_SETS, "shop", "x").await;
    assert_eq!(one.unwrap_err().text, text);
}

#[tokio::test]
async fn pages_without_an_end_end() {
    let server = Listener::plain(|_| json(&list(0, ",\"continue\":\"more\"")));
    // Our own budget of requests would make this a long test.
    let bare = holdshort::provider::http::reqwest_leaf(&Base::new(server.http().parse().unwrap())).unwrap();
    let query = Query::all(REPLICA_SETS, Some("shop".to_owned()));
    let error = cluster(bare).list::<ReplicaSet>(&query).await.unwrap_err();
    assert!(error.text.starts_with("eu lists replicasets.apps on more than 1,000 pages: none is shown"), "{error}");
    assert_eq!(server.asked().len(), 1_000);
}

#[tokio::test]
async fn a_forge_that_lists_too_much_is_a_fault_and_no_shorter_list() {
    let runs = format!("{{\"workflow_runs\":[{}{{\"id\":1}}]}}", "{\"id\":1},".repeat(1_000));
    let server = Listener::plain(move |_| json(&runs));
    let error = forge(&server.http()).inventories[0].runs().await.unwrap_err();
    assert!(error.text.contains("it lists 1,001 things where 1,000 are the most"), "{error}");
}

/// A body of blanks that unpacks to 256 MiB: a stored member cannot, a run of one byte can. Fixed Huffman codes, a match of
/// 258 at distance 1 again and again.
fn bomb() -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let (mut held, mut count) = (0_u64, 0_u32);
    let mut put = |packed: &mut Vec<u8>, bits: u64, length: u32| {
        held |= bits << count;
        count += length;
        while count >= 8 {
            packed.push(u8::try_from(held & 0xff).unwrap());
            held >>= 8;
            count -= 8;
        }
    };
    // The last block, of fixed codes; a blank (0x20: code 0x30 + 0x20, most significant bit first).
    put(&mut packed, 0b011, 3);
    put(&mut packed, u64::from(0x50_u8.reverse_bits()), 8);
    for _ in 0..(256 << 20) / 258 {
        // Length 258 is symbol 285: 0b11000101, no more bits. Distance 1 is code 0.
        put(&mut packed, u64::from(0b1100_0101_u8.reverse_bits()), 8);
        put(&mut packed, 0, 5);
    }
    put(&mut packed, 0, 7);
    put(&mut packed, 0, 8);
    packed.extend([0; 8]);
    packed
}

#[tokio::test]
async fn what_is_packed_is_bounded_by_what_it_unpacks_to() {
    let packed = bomb();
    assert!(packed.len() < 4 << 20, "{}", packed.len());
    let server = Listener::plain(move |_| {
        let head =
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nConnection: close\r\n";
        let head = format!("{head}Content-Length: {}\r\n\r\n", packed.len());
        [head.as_bytes(), &packed].concat()
    });
    for client in clients(&server.http()).await {
        let error = listed(client).await.unwrap_err();
        assert_eq!(error.text, format!("{BROKE}: the answer is longer than 64 MiB"));
    }
}

const BROKE: &str = "the connection to eu broke";

/// Sends this head, and then this again and again for as long as somebody reads.
fn endless(head: &'static str, again: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || drop(pour(stream, head, &again.repeat(4_096))));
        }
    });
    at
}

fn pour(mut stream: TcpStream, head: &str, again: &str) -> std::io::Result<()> {
    let _ = stream.read(&mut [0; 4_096])?;
    stream.write_all(head.as_bytes())?;
    loop {
        stream.write_all(again.as_bytes())?;
    }
}

#[tokio::test]
async fn a_body_without_an_end_is_left_at_its_bound() {
    let at = endless("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", "[0,0,0,0,0,0,0,0");
    for client in clients(&format!("http://{at}")).await {
        assert_eq!(listed(client).await.unwrap_err().text, format!("{BROKE}: the answer is longer than 64 MiB"));
    }
}

#[tokio::test]
async fn a_head_without_an_end_is_left_too() {
    let at = endless("HTTP/1.1 200 OK\r\n", "X-More: 0123456789\r\n");
    for client in clients(&format!("http://{at}")).await {
        let error = listed(client).await.unwrap_err();
        assert_eq!(error.kind, FaultKind::Unreachable, "{error}");
    }
}

#[tokio::test]
async fn a_refusal_of_megabytes_is_a_sentence() {
    let server = Listener::plain(|_| answer(500, &[], &"words ".repeat(1 << 20)));
    for client in clients(&server.http()).await {
        let error = listed(client).await.unwrap_err();
        assert!(
            error.text.starts_with("eu failed with 500: words") && error.text.len() < 2_100,
            "{}",
            error.text.len()
        );
    }
}
