//! The reviews as kubectl sends them: in Kubernetes' protobuf envelope. Nothing else is read in that form, and answers are JSON,
//! which every client takes.

use serde_json::{Map, Value, json};

use super::super::json;

/// What every envelope begins with.
const MAGIC: &[u8] = b"k8s\0";

/// A review as JSON; none where it is no envelope or is cut off.
pub(super) fn review(body: &[u8]) -> Option<Value> {
    let envelope = body.strip_prefix(MAGIC)?;
    let object = field(envelope, 2)?;
    let spec = field(object, 2).unwrap_or_default();
    let mut document = json!({"spec": {}});
    let map = json::child(&mut document, "spec");
    let kind = field(field(envelope, 1)?, 2)?;
    if kind == b"SelfSubjectRulesReview" {
        map.extend(texts(spec, &["namespace"]));
    } else {
        let resource = ["namespace", "verb", "group", "version", "resource", "subresource", "name"];
        for (number, name, fields) in
            [(1, "resourceAttributes", resource.as_slice()), (2, "nonResourceAttributes", &["path", "verb"])]
        {
            let attributes = field(spec, number).map(|attributes| texts(attributes, fields));
            map.extend(attributes.map(|attributes| (name.to_owned(), Value::Object(attributes))));
        }
    }
    Some(document)
}

/// The texts of a message whose fields are numbered from one in this order; empty ones are left out.
fn texts(message: &[u8], names: &[&str]) -> Map<String, Value> {
    let given = (1..).zip(names).filter_map(|(number, name)| {
        let text = String::from_utf8_lossy(field(message, number)?).into_owned();
        (!text.is_empty()).then(|| ((*name).to_owned(), text.into()))
    });
    given.collect()
}

/// The bytes of a length-delimited field.
fn field(mut message: &[u8], wanted: u64) -> Option<&[u8]> {
    while !message.is_empty() {
        let key = varint(&mut message)?;
        match key & 7 {
            0 => drop(varint(&mut message)?),
            1 => message = message.get(8..)?,
            2 => {
                let length = usize::try_from(varint(&mut message)?).ok()?;
                let (content, rest) = message.split_at_checked(length)?;
                if key >> 3 == wanted {
                    return Some(content);
                }
                message = rest;
            }
            5 => message = message.get(4..)?,
            _ => return None,
        }
    }
    None
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A length-delimited field of a message shorter than 128 bytes.
    fn put(number: u8, content: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(content.len()).unwrap()], content].concat()
    }

    fn envelope(kind: &str, object: &[u8]) -> Vec<u8> {
        let type_meta = [put(1, b"authorization.k8s.io/v1"), put(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), put(1, &type_meta), put(2, object)].concat()
    }

    #[test]
    fn an_access_review_is_read() {
        let attributes =
            [put(1, b"shop"), put(2, b"patch"), put(5, b"rollouts"), put(6, b"status"), put(7, b"")].concat();
        let body = envelope("SelfSubjectAccessReview", &[put(1, b""), put(2, &put(1, &attributes))].concat());
        let attributes = json!({"namespace": "shop", "verb": "patch", "resource": "rollouts", "subresource": "status"});
        assert_eq!(review(&body), Some(json!({"spec": {"resourceAttributes": attributes}})));
    }

    #[test]
    fn a_rules_review_is_read() {
        let body = envelope("SelfSubjectRulesReview", &put(2, &put(1, b"shop")));
        assert_eq!(review(&body), Some(json!({"spec": {"namespace": "shop"}})));
    }

    #[test]
    fn what_is_cut_off_is_none() {
        let body = envelope("SelfSubjectRulesReview", &put(2, &put(1, b"shop")));
        for end in 0..MAGIC.len() + 2 {
            assert_eq!(review(&body[..end]), None, "{end} bytes");
        }
        assert_eq!(review(b"{}"), None);
    }
}
