//! Lines that nobody should write, as a reply may hold them: each is told, printable, and found by what it says.

use holdshort::domain::line::{LONGEST, LogLine};

use crate::{all, answering, asked, at, over, settings};

const FROM: i64 = 1_795_240_466_568_455_168;

/// What a reply says of a line: its JSON string, as bytes.
fn reply(lines: &[&[u8]]) -> Vec<u8> {
    let mut body =
        br#"{"status":"success","data":{"resultType":"streams","result":[{"stream":{"pod":"x"},"values":["#.to_vec();
    for (nth, line) in lines.iter().enumerate() {
        let comma = if nth > 0 { "," } else { "" };
        let at = FROM + 1 + i64::try_from(nth).unwrap();
        body.extend(format!("{comma}[\"{at}\",\"").into_bytes());
        body.extend_from_slice(line);
        body.extend_from_slice(b"\"]");
    }
    body.extend_from_slice(b"]}]}}");
    body
}

async fn read(lines: &[&[u8]]) -> Vec<LogLine> {
    let body = reply(lines);
    let labels = br#"{"status":"success","data":["service_name"]}"#.to_vec();
    let transport = answering(move |request| match request.uri().path() {
        "/loki/api/v1/labels" => (200, labels.clone()),
        _ => (200, body.clone()),
    });
    let (loki, _) = over(transport, settings(), FROM + 1_000);
    all(&*loki, asked(FROM, FROM + 1_000)).await.unwrap().into_iter().flat_map(|written| written.lines).collect()
}

#[tokio::test(start_paused = true)]
async fn every_line_of_a_reply_is_told_printable_and_found_by_what_it_says() {
    let long = [b"ERROR vault ".to_vec(), vec![b'x'; 1 << 20]].concat();
    let all: [(&[u8], &str, &str); 9] = [
        (br"a\u001b[31mred\u001b[0m \u001b]52;c;aGk=\u0007vault", "ared vault", "red vault"),
        (br"\u202eover\u202d\u200bride\u2066 vault", "override vault", "override"),
        (br"nul\u0000in the middle", "nulin the middle", "nulin"),
        (b"raw \xff\xfe bytes", "raw \u{fffd}\u{fffd} bytes", "raw"),
        (br"half a letter \ud83d end", "half a letter \u{fffd}\u{fffd}\u{fffd} end", "end"),
        (br"two\nlines\r\nand a\ttab", "two lines and a tab", "lines and"),
        (b"", "", ""),
        ("支付 vault ünder".as_bytes(), "支付 vault ünder", "ÜNDER"),
        (&long, "", "vault"),
    ];
    let told = read(&all.map(|(line, ..)| line)).await;
    assert_eq!(told.len(), all.len(), "none is lost for another one's sake");
    for (nth, (line, (_, text, found))) in told.iter().zip(all).enumerate() {
        assert!(!line.text.contains(|c: char| c.is_control()), "{:?}", line.text);
        assert!(line.says(found), "{found} in {:?}", line.text.get(..80));
        assert_eq!(line.at, at(FROM + 1 + i64::try_from(nth).unwrap()));
        if text.is_empty() {
            continue;
        }
        assert_eq!(line.text, text);
    }
    let long = &told[8].text;
    assert!(long.ends_with(" … (1048588 bytes)") && long.chars().count() < LONGEST + 30, "{}", long.len());
}
