//! The chain recomputed: every byte, every signature, and what this user's own state remembers of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use rusqlite::Connection;

use super::{Trouble, record_id};
use crate::{
    domain::text::clean,
    journal::{Chain, Head, Signed, body, chain, signer, trust::Claim},
    port::record::{Origin, RecordId},
};

/// One line as it is stored: the bytes count, even where a change made them no text any more.
struct Line {
    seq: i64,
    record: i64,
    n: i64,
    kind: Vec<u8>,
    body: Vec<u8>,
    hash: Vec<u8>,
    signed: Option<(String, String)>,
}

/// What the lines so far have shown.
#[derive(Default)]
struct So {
    lines: u64,
    signers: BTreeMap<String, (u64, BTreeSet<Claim>)>,
}

/// Recomputes everything. `own` is the key of whoever asks, `kept` what their own state remembers.
pub(super) fn verify(
    connection: &Connection,
    own: Option<&str>,
    kept: Option<(&Head, &Path)>,
) -> Result<Chain, Trouble> {
    let meant = kept.map(|(_, at)| clean(&at.display().to_string()));
    let meant = meant.map(|at| format!("; if somebody moved the journal away on purpose, remove {at}"));
    let meant = meant.unwrap_or_default();
    let kept = kept.map(|(head, _)| head);
    let mut query =
        connection.prepare("SELECT seq, record, n, kind, body, hash, signer, signature FROM lines ORDER BY seq")?;
    let mut rows = query.query([])?;
    let (mut so, mut before) = (So::default(), chain::GENESIS.to_owned());
    while let Some(row) = rows.next()? {
        let bytes = |column| row.get_ref(column).map(|value| value.as_bytes().unwrap_or_default().to_owned());
        let line = Line {
            seq: row.get(0)?,
            record: row.get(1)?,
            n: row.get(2)?,
            kind: bytes(3)?,
            body: bytes(4)?,
            hash: bytes(5)?,
            signed: row.get::<_, Option<String>>(6)?.zip(row.get(7)?),
        };
        match check(&line, &before, &so) {
            Ok(hash) => before = hash,
            Err(why) => {
                let at = u64::try_from(line.seq).unwrap_or_default();
                return Ok(Chain::Broken { record: record_id(line.record), line: at, why });
            }
        }
        so.take(&line);
        if kept.is_some_and(|kept| kept.lines == so.lines && kept.hash != before) {
            let why = format!("it is another line than you saw there: the journal was written anew{meant}");
            return Ok(Chain::Broken { record: record_id(line.record), line: so.lines, why });
        }
    }
    if let Some(kept) = kept.filter(|kept| kept.lines > so.lines) {
        let why = format!("{} lines that you saw at its end are missing{meant}", kept.lines - so.lines);
        return Ok(Chain::Broken { record: RecordId(0), line: so.lines + 1, why });
    }
    let signed = |(key, (lines, claims)): (String, (u64, BTreeSet<Claim>))| Signed {
        own: own == Some(key.as_str()),
        key,
        claims: claims.into_iter().collect(),
        lines,
    };
    Ok(Chain::Whole { lines: so.lines, head: before, signers: so.signers.into_iter().map(signed).collect() })
}

/// The hash of a line, or what is wrong with it.
fn check(line: &Line, before: &str, so: &So) -> Result<String, String> {
    let Line { seq, record, n, kind, body, .. } = line;
    let at = u64::try_from(*seq).unwrap_or_default();
    if at != so.lines + 1 {
        return Err("lines before it are missing".to_owned());
    }
    let hash = chain::hash(before, &chain::Link { seq: *seq, record: *record, n: *n, kind, body });
    if hash.as_bytes() != line.hash {
        return Err("it is not as it was written".to_owned());
    }
    match &line.signed {
        Some((key, signature)) if signer::has_signed(key, &hash, signature) => {}
        Some(_) => return Err("it is not signed by the key that it names".to_owned()),
        // Form 1 signed nothing; since the first signature everybody signs.
        None if so.signers.is_empty() => {}
        None => return Err("nobody has signed it".to_owned()),
    }
    Ok(hash)
}

impl So {
    fn take(&mut self, line: &Line) {
        self.lines += 1;
        let Some((key, _)) = &line.signed else { return };
        let (lines, claims) = self.signers.entry(key.clone()).or_default();
        *lines += 1;
        let intent = std::str::from_utf8(&line.body).ok().filter(|_| line.kind == b"begin");
        let origin = intent.and_then(|text| body::read_intent(text).ok()?.origin);
        claims.extend(origin.map(|Origin { uid, host, login, .. }| Claim { uid, host, login }));
    }
}
