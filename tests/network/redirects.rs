//! A system that points elsewhere. The other place keeps what it was sent: nothing.

use crate::{inventory::Listing, lookup::Asking};
use holdshort::{
    domain::{object::ObjectId, observed::FaultKind, pipeline::LogRef, verb::Verb},
    port::{
        fill::{Outgoing, Supplies},
        plan::WireCall,
        shape::Checked,
        step::Step,
        wire::{Class, Transport, WireError},
    },
    provider::{
        http::{Base, error::from_wire, proxy::ProxyEnvironment},
        kubernetes::request::REPLICA_SETS,
    },
};

use crate::{
    clients::{TOKEN, by_kube, by_reqwest, call, cluster, forge, kubeconfig, listed, raw},
    listener::{Listener, answer, json},
};

/// The words of the other place, which must never be shown as a system's own.
const INTERNAL: &str =
    "{\"kind\":\"ReplicaSetList\",\"metadata\":{},\"items\":[{\"metadata\":{\"name\":\"internal\"}}]}";

fn other_place() -> Listener {
    Listener::plain(|_| json(INTERNAL))
}

/// A system that answers everything so, and the two kinds of client at it.
async fn pointing(status: u16, to: String) -> (Listener, [Transport; 2]) {
    let system = Listener::plain(move |_| answer(status, &[&format!("Location: {to}")], "go there"));
    let (folder, access) = kubeconfig(&system.http(), "", "");
    let kube = by_kube(&access).await.unwrap();
    drop(folder);
    let reqwest = by_reqwest(Base::new(system.http().parse().unwrap()), &ProxyEnvironment::default());
    (system, [kube, reqwest])
}

#[tokio::test]
async fn a_write_is_sent_once_and_never_on() {
    for status in [301, 302, 303, 307, 308] {
        let other = other_place();
        let (system, clients) = pointing(status, format!("http://dana:pw@{}/a?token=s3cret", other.at)).await;
        for client in &clients {
            for method in ["PATCH", "POST", "PUT", "DELETE"] {
                let before = system.asked().len();
                let error = raw(client, method, Class::Write, "{\"a\":1}").await.unwrap_err();
                let WireError::Moved(moved) = &error else { panic!("{error:?}") };
                assert_eq!((moved.status, moved.to.as_str()), (Some(status), other.http().as_str()), "{method}");
                let said = from_wire("eu", &error, Class::Write, holdshort::domain::time::Timestamp::UNIX_EPOCH);
                assert_eq!(
                    (said.kind, said.maybe_done, said.text),
                    (
                        FaultKind::Unreadable,
                        status == 303,
                        format!(
                            "eu sends us to {} ({status}), and nothing was sent there; if it has moved, put the whole \
                             address into the configuration",
                            other.http()
                        ),
                    )
                );
                assert_eq!(system.asked().len(), before + 1, "{method} {status}: once");
            }
        }
        assert_eq!(other.asked().len(), 0, "{status}");
    }
}

#[tokio::test]
async fn a_write_is_not_sent_on_within_its_own_origin_either() {
    let system = Listener::plain(|_| answer(307, &["Location: /elsewhere"], ""));
    let (_folder, access) = kubeconfig(&system.http(), "", "");
    let path = "/apis/apps/v1/namespaces/shop/replicasets/web";
    let cluster = cluster(by_kube(&access).await.unwrap());
    let call = call("PATCH", path);
    let error =
        cluster.send(Some(REPLICA_SETS), &Outgoing::of(&call, &Supplies::default()).unwrap()).await.unwrap_err();
    let text = "eu sends us to /elsewhere of its own (307), and nothing was sent there; if it has moved, put the whole address \
                into the configuration";
    assert_eq!((error.text.as_str(), error.maybe_done), (text, false));
    assert_eq!(system.asked().iter().map(|asked| asked.path().to_owned()).collect::<Vec<_>>(), [path]);
}

#[tokio::test]
async fn a_read_that_is_pointed_to_another_origin_ends_there_and_shows_nothing_of_it() {
    for status in [301, 302, 303, 307, 308] {
        let other = other_place();
        let (_system, clients) = pointing(status, format!("{}/list?token=s3cret", other.http())).await;
        for client in clients {
            let error = listed(client).await.unwrap_err();
            let text = format!(
                "eu sends us to {} ({status}), and nothing was asked there; if it has moved, put the whole address into the \
                 configuration",
                other.http()
            );
            assert_eq!((error.kind, error.text), (FaultKind::Unreadable, text));
        }
        assert_eq!(other.asked().len(), 0, "{status}");
    }
}

#[tokio::test]
async fn a_read_goes_on_within_its_origin_with_its_token() {
    let system = Listener::plain(|asked| {
        if asked.path().starts_with("/moved") { json(INTERNAL) } else { answer(302, &["Location: /moved?a=1"], "") }
    });
    let (_folder, access) = kubeconfig(&system.http(), "", "");
    let reqwest = by_reqwest(Base::new(system.http().parse().unwrap()), &ProxyEnvironment::default());
    for client in [by_kube(&access).await.unwrap(), reqwest] {
        assert_eq!(listed(client).await.unwrap(), 1);
    }
    let asked = system.asked();
    assert_eq!(asked.len(), 4);
    assert!(asked.iter().all(|asked| asked.head.contains(TOKEN)), "{asked:?}");
}

#[tokio::test]
async fn a_circle_ends_with_a_sentence() {
    let (system, clients) = pointing(302, "/apis/apps/v1/namespaces/shop/replicasets".to_owned()).await;
    for client in clients {
        let before = system.asked().len();
        let error = listed(client).await.unwrap_err();
        assert!(error.text.starts_with("eu sends us to itself, in a circle, and nothing was asked there"), "{error}");
        assert!(system.asked().len() - before <= 6, "{}", system.asked().len());
    }
}

#[tokio::test]
async fn a_body_that_asks_is_not_lost_on_the_way_nor_taken_elsewhere() {
    let other = other_place();
    let (system, clients) = pointing(307, format!("{}/api", other.http())).await;
    for client in &clients {
        raw(client, "POST", Class::Read, "query=up").await.unwrap_err();
    }
    assert_eq!((system.asked().len(), other.asked().len()), (2, 0));
    let within =
        Listener::plain(
            |asked| {
                if asked.path() == "/moved" { json("{}") } else { answer(308, &["Location: /moved"], "") }
            },
        );
    let reqwest = by_reqwest(Base::new(within.http().parse().unwrap()), &ProxyEnvironment::default());
    raw(&reqwest, "POST", Class::Read, "query=up").await.unwrap();
    let asked: Vec<_> = within.asked().into_iter().map(|asked| (asked.method().to_owned(), asked.body)).collect();
    assert_eq!(asked, vec![("POST".to_owned(), "query=up".to_owned()); 2]);
}

#[tokio::test]
async fn a_forge_that_points_elsewhere_is_a_fault_and_no_gate_is_taken_for_gone() {
    let other = other_place();
    let to = format!("Location: {}/runs?token=s3cret", other.http());
    let system = Listener::plain(move |_| answer(302, &[&to], ""));
    let connection = forge(&system.http());
    let error = connection.inventories[0].runs().await.unwrap_err();
    let text = format!(
        "GitHub, the token: it sends us to {} (302), and nothing was asked there; if it has moved, put the whole address \
         into the configuration",
        other.http()
    );
    assert_eq!((error.kind, error.text), (FaultKind::Unreadable, text));
    assert!(connection.inventories[0].gates().await.is_err());
    let rerun = call("POST", "/repos/acme/ledger/actions/runs/5/rerun");
    let rerun = WireCall { content_type: String::new(), body: "".into(), ..rerun };
    let actor = &connection.inventories[0];
    let target = ObjectId::new(&"github".into(), "run", "acme/ledger/5");
    let rerun = Step::new(&target, rerun);
    let rerun = Checked::of(&rerun, Verb::Rerun, &**actor, &Supplies::default()).unwrap();
    let error = actor.send(rerun).await.unwrap_err();
    assert!(
        error.text.contains(&format!("it sends us to {} (302), and nothing was sent there", other.http())),
        "{error}"
    );
    assert!(!error.maybe_done);
    assert_eq!(other.asked().len(), 0);
}

#[tokio::test]
async fn a_log_is_not_fetched_unencrypted_from_another_origin() {
    let other = Listener::plain(|_| answer(200, &[], "the words of the other place"));
    let to = format!("Location: {}/latest/meta-data?sig=s3cret", other.http());
    let system = Listener::plain(move |_| answer(302, &[&to], ""));
    let connection = forge(&system.http());
    let run: ObjectId = ObjectId::new(&"github".into(), "run", "acme/ledger/5");
    let error = connection.lookups[0].log(&run, &LogRef::new("7"), 10).await.unwrap_err();
    assert!(error.text.contains(&format!("it sends us to {}, and nothing was asked there", other.http())), "{error}");
    assert_eq!(other.asked().len(), 0);
}

#[tokio::test]
async fn a_log_on_the_same_origin_is_read_from_where_it_is() {
    let system = Listener::plain(|asked| {
        if asked.path().starts_with("/_logs") {
            answer(200, &[], "one\ntwo\n")
        } else {
            answer(302, &["Location: ../../../../../../_logs/7?sig=a"], "")
        }
    });
    let connection = forge(&system.http());
    let run: ObjectId = ObjectId::new(&"github".into(), "run", "acme/ledger/5");
    let lines = connection.lookups[0].log(&run, &LogRef::new("7"), 10).await.unwrap();
    let texts: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts, ["one", "two"]);
    assert!(!system.asked()[1].head.contains(TOKEN), "the place of a log needs no token");
}
