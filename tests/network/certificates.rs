//! What a system shows us must be its own certificate: each thing that can be wrong with one, for each kind of client, and
//! the sentence that a person reads. Nothing is sent to whoever cannot prove who it is.

use holdshort::{
    port::wire::{Class, Transport},
    provider::{
        http::{Base, error::from_wire, proxy::ProxyEnvironment, reqwest_leaf},
        kubernetes::connect::{Access, way},
    },
};

use crate::{
    authority::{Authority, NOW, Signed, Valid},
    clients::{by_kube, by_reqwest, kubeconfig, listed, raw},
    listener::{Listener, json},
};

const EMPTY: &str = "{\"kind\":\"ReplicaSetList\",\"metadata\":{},\"items\":[]}";

/// Both kinds of client, at this address, trusting this authority.
async fn clients(server: &str, authority: &Authority) -> [Transport; 2] {
    let folder = tempfile::tempdir().unwrap();
    let file = authority.file(folder.path());
    let trusting = format!("    certificate-authority: {}\n", file.display());
    let (_folder, access) = kubeconfig(server, &trusting, "");
    let base = Base::new(server.parse().unwrap()).signed_by(authority.pem.clone().into_bytes());
    [by_kube(&access).await.unwrap(), by_reqwest(base, &ProxyEnvironment::default())]
}

/// What each of them says of a read, and of a write that was not sent.
async fn said(clients: &[Transport; 2]) -> Vec<String> {
    let mut all = Vec::new();
    for client in clients {
        let read = listed(client.clone()).await.unwrap_err();
        let write = from_wire(
            "eu",
            &raw(client, "PATCH", Class::Write, "{}").await.unwrap_err(),
            Class::Write,
            holdshort::domain::time::Timestamp::UNIX_EPOCH,
        );
        assert_eq!((&write.text, write.maybe_done, read.maybe_done), (&read.text, false, false));
        all.push(read.text);
    }
    all
}

fn serving(signed: &Signed) -> Listener {
    Listener::tls(signed.server(None), |_| json(EMPTY))
}

#[tokio::test]
async fn a_certificate_of_an_authority_that_we_trust_is_taken() {
    let authority = Authority::new();
    let server = serving(&authority.signs("127.0.0.1", NOW));
    for client in clients(&server.https(), &authority).await {
        assert_eq!(listed(client).await, Ok(0));
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_its_own_is_refused_with_what_is_wrong_and_what_to_do() {
    let (ours, other) = (Authority::new(), Authority::new());
    let own = "to the kubeconfig (certificate-authority)";
    let named = "to the file that `certificate_authority` names";
    let unknown = |at: &str, place: &str| {
        format!("the certificate of {at} is signed by nobody that this machine trusts: add its CA {place}")
    };
    let no_server = |place: &str| {
        format!(
            "the certificate of HOST is one of an authority (CA:TRUE), as self-signed ones often are, and no server's: give it \
             one of its own, and add whoever signed that {place}"
        )
    };
    for (signed, kube, reqwest) in [
        (ours.signs_another_authority("127.0.0.1"), no_server(own), no_server(named)),
        (other.signs("127.0.0.1", NOW), unknown("HOST", own), unknown("HOST", named)),
        (
            ours.signs("eu.test", NOW),
            "the certificate of HOST is for eu.test: is the address right?".to_owned(),
            "the certificate of HOST is for eu.test: is the address right?".to_owned(),
        ),
        (
            ours.signs("127.0.0.1", Valid(2019, 2021)),
            "the certificate of HOST expired on 2021-01-01: it must be renewed there".to_owned(),
            "the certificate of HOST expired on 2021-01-01: it must be renewed there".to_owned(),
        ),
        (
            ours.signs("127.0.0.1", Valid(2080, 2090)),
            "the certificate of HOST is valid only from 2080-01-01: is this machine's clock right?".to_owned(),
            "the certificate of HOST is valid only from 2080-01-01: is this machine's clock right?".to_owned(),
        ),
    ] {
        let server = serving(&signed);
        let at = |text: String| format!("cannot connect to eu: {}", text.replace("HOST", &server.at.to_string()));
        assert_eq!(said(&clients(&server.https(), &ours).await).await, [at(kube), at(reqwest)]);
        assert!(server.asked().is_empty(), "nothing may be sent to it");
    }
}

#[tokio::test]
async fn a_system_that_speaks_http_at_an_https_address_is_told_as_that() {
    let authority = Authority::new();
    // What a web server says to a handshake.
    let talker = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = talker.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in talker.incoming().map_while(Result::ok) {
            let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
            let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
        }
    });
    let text = format!("cannot connect to eu: {at} does not speak TLS: is its address http:// instead of https://?");
    assert_eq!(said(&clients(&format!("https://{at}"), &authority).await).await, [text.clone(), text]);
}

#[tokio::test]
async fn a_redirect_from_https_to_http_is_named_as_not_encrypted_and_not_followed() {
    let authority = Authority::new();
    let plain = Listener::plain(|_| json(EMPTY));
    let to = format!("Location: {}/apis", plain.http());
    let signed = authority.signs("127.0.0.1", NOW);
    let server = Listener::tls(signed.server(None), move |_| crate::listener::answer(302, &[&to], ""));
    for client in clients(&server.https(), &authority).await {
        let text = format!("eu sends us to {} (not encrypted) (302), and nothing was asked there", plain.http());
        let error = listed(client).await.unwrap_err();
        assert!(error.text.starts_with(&text), "{error}");
    }
    assert!(plain.asked().is_empty());
}

fn in_base64(text: &str) -> String {
    const SET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let six = |bytes: &[u8], place: usize| {
        let all = bytes.iter().chain([&0, &0]).take(3).fold(0_u32, |all, byte| all << 8 | u32::from(*byte));
        if place > bytes.len() { '=' } else { char::from(SET[(all >> (18 - 6 * place)) as usize & 63]) }
    };
    text.as_bytes().chunks(3).flat_map(|bytes| (0..4).map(move |place| six(bytes, place))).collect()
}

/// A kubeconfig whose user has a certificate and a key.
fn with_certificate(server: &str, authority: &Authority, certificate: &str, key: &str) -> (tempfile::TempDir, Access) {
    let trusting = format!("    certificate-authority-data: {}\n", in_base64(&authority.pem));
    let user =
        format!("    client-certificate-data: {}\n    client-key-data: {}\n", in_base64(certificate), in_base64(key));
    kubeconfig(server, &trusting, &user)
}

#[tokio::test]
async fn a_client_certificate_with_the_key_of_another_is_told_before_anything_is_sent() {
    let authority = Authority::new();
    let (one, other) = (authority.signs("dana", NOW), authority.signs("dana", NOW));
    let (_folder, access) = with_certificate("https://127.0.0.1:6443", &authority, &one.pem, &other.key);
    let error = way(&access).await.unwrap_err();
    let text = "no usable Kubernetes configuration: the client certificate and the client key do not belong together";
    assert_eq!(error.text, text);
}

#[tokio::test]
async fn a_client_key_that_wants_a_password_is_told_with_the_way_out() {
    let authority = Authority::new();
    let dana = authority.signs("dana", NOW);
    // What a key is like that was made with a password; what is in it does not matter.
    let encrypted = dana.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let (_folder, access) = with_certificate("https://127.0.0.1:6443", &authority, &dana.pem, &encrypted);
    let text = "no usable Kubernetes configuration: the client certificate and key in it cannot be used: both must be PEM, and \
                the key not encrypted (openssl pkey -in KEY -out PLAIN writes it decrypted)";
    assert_eq!(way(&access).await.unwrap_err().text, text);
    for encrypted in [encrypted, dana.key.replacen("KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\n\n", 1)] {
        let base = Base::new("https://127.0.0.1:6443".parse().unwrap());
        let base = base.proven_by(dana.pem.as_bytes(), encrypted.as_bytes());
        let text = "`client_key` is encrypted, and nobody can be asked for its password here: write it decrypted into a file that \
                    only you can read (openssl pkey -in KEY -out PLAIN), and name that";
        assert_eq!(reqwest_leaf(&base).unwrap_err().text, text);
    }
}

#[tokio::test]
async fn a_client_certificate_that_is_missing_or_not_taken_is_told() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = Listener::tls(authority.signs("127.0.0.1", NOW).server(Some(&authority)), |_| json(EMPTY));
    let at = server.at;
    let stranger = other.signs("dana", NOW);
    let (_folder, wrong) = with_certificate(&server.https(), &authority, &stranger.pem, &stranger.key);
    let error = listed(by_kube(&wrong).await.unwrap()).await.unwrap_err();
    let taken = format!("cannot connect to eu: {at} does not take our client certificate (");
    assert!(error.text.starts_with(&taken), "{error}");

    let none = format!("cannot connect to eu: {at} asks for a client certificate, and none is configured");
    assert_eq!(said(&clients(&server.https(), &authority).await).await, [none.clone(), none]);

    let dana = authority.signs("dana", NOW);
    let (_folder, right) = with_certificate(&server.https(), &authority, &dana.pem, &dana.key);
    assert_eq!(listed(by_kube(&right).await.unwrap()).await, Ok(0));
}

#[tokio::test]
async fn a_kubeconfig_that_says_not_to_look_is_obeyed_and_told() {
    let unknown = Authority::new();
    let server = serving(&unknown.signs("eu.test", NOW));
    let (_folder, access) = kubeconfig(&server.https(), "    insecure-skip-tls-verify: true\n", "");
    let found = way(&access).await.unwrap();
    assert!(found.unverified);
    assert_eq!(listed(by_kube(&access).await.unwrap()).await, Ok(0));
    let (_folder, careful) = kubeconfig(&server.https(), "", "");
    assert!(!way(&careful).await.unwrap().unverified);
}
