//! GraphQL as far as a cockpit asks: workflows with their runs by node id, and a repository's environments with what is live.
//!
//! The query is parsed (`demo::query`) and cut out of a full picture of the object (`picture`). A field that the picture lacks is
//! refused as GitHub refuses one it does not know.

mod picture;

use bytes::Bytes;
use http::Request;
use serde_json::{Map, Value, json};

use self::picture::{repository, workflow};
use crate::{
    demo::{
        github::{
            Forge,
            door::Caller,
            spec::Access,
            wire::{node, time},
        },
        query::{Part, Reader, below},
        rest::Good,
    },
    domain::time::Timestamp,
};

impl Forge {
    pub(super) fn graphql(&mut self, now: Timestamp, caller: &Caller, request: &Request<Bytes>) -> Good {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let text = body.get("query").and_then(Value::as_str).unwrap_or_default();
        let none = Value::Null;
        let variables = body.get("variables").unwrap_or(&none);
        let answer = Reader::new(text, variables).operation().and_then(|parts| self.resolve(now, caller, &parts));
        Good::json(match answer {
            Ok(data) => json!({ "data": data }),
            Err(message) => json!({ "errors": [{ "message": message }] }),
        })
    }

    fn resolve(&mut self, now: Timestamp, caller: &Caller, parts: &[Part]) -> Result<Value, String> {
        let mut data = Map::new();
        for part in parts {
            let Part::Field(field) = part else { return Err("A fragment cannot stand at the root".to_owned()) };
            let arg = |name: &str| field.args.get(name).and_then(Value::as_str).unwrap_or_default();
            let visible = || self.repos.iter().filter(|r| r.access != Access::None && caller.login.is_some());
            let login = caller.login.as_deref().unwrap_or_default();
            let full = match field.name.as_str() {
                "viewer" => json!({ "__typename": "User", "login": login }),
                "repository" => visible()
                    .find(|repo| repo.owner == arg("owner") && repo.name == arg("name"))
                    .map_or(Value::Null, repository),
                "nodes" => {
                    let ids = field.args.get("ids").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                    let find = |id: &Value| {
                        let mut all = visible().flat_map(|repo| repo.workflows.iter().map(move |w| (repo, w)));
                        let found = all.find(|(_, w)| id.as_str() == Some(&node("W", w.id)));
                        found.map_or(Value::Null, |(repo, w)| workflow(repo, w, login))
                    };
                    ids.iter().map(find).collect()
                }
                "rateLimit" => self.rate(now, caller),
                other => return Err(format!("Field '{other}' doesn't exist on type 'Query'")),
            };
            data.insert(field.called.clone(), below(&full, field)?);
        }
        Ok(Value::Object(data))
    }

    fn rate(&mut self, now: Timestamp, caller: &Caller) -> Value {
        let rate = self.door.rate(now, caller, "graphql");
        let get = |name: &str| rate.get(name).cloned().unwrap_or_default();
        let reset = get("reset").as_i64().and_then(|second| Timestamp::from_timestamp(second, 0));
        json!({
            "__typename": "RateLimit",
            "cost": 1,
            "limit": get("limit"),
            "used": get("used"),
            "remaining": get("remaining"),
            "resetAt": reset.map(time),
        })
    }
}
